"""A journal on a real database."""

import pytest

from triune.db.engine import Database
from triune.work.jobs import Jobs
from triune.work.journal import Journal


@pytest.fixture
def journal(database: Database) -> Journal:
    return Journal(database)


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database)
