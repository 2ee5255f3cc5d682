"""The database that Triune and central Neutron share."""

from lab.central_neutron import DATABASE
from triune.db.models import Base

from .lab import Lab

COLUMNS = (
    "SELECT table_name, column_name FROM information_schema.columns "
    f"WHERE table_schema = '{DATABASE}' AND collation_name {{}} 'utf8mb4_bin'"
)


def test_ids_and_names_differ_by_case(lab: Lab) -> None:
    tables = set(Base.metadata.tables)
    assert tables <= {table for table, _ in lab.query(COLUMNS.format("="))}
    assert not [(table, column) for table, column in lab.query(COLUMNS.format("!=")) if table in tables]
