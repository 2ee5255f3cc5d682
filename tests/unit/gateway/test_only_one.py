"""Which of several pods has what was asked for."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from triune.gateway.only_one import having_it
from triune.pods.client import Document
from triune.pods.registry import Pod


@pytest.mark.parametrize(
    ("statuses", "having"),
    [
        ((200, 404), [0]),
        ((404, 200, 403), [1]),
        ((200, 200), [0, 1]),
        # One pod tells of it, the other has one of that number whose host is down.
        ((400, 200), [0, 1]),
        ((200, 501), [0, 1]),
        # The same refusal of all is one refusal.
        ((400, 400), [0]),
        ((404, 404), []),
        ((403, 404), []),
        ((200, 500, 503), [0]),
        ((500, 404), []),
    ],
)
def test_who_has_it(statuses: tuple[int, ...], having: list[int]) -> None:
    documents = [
        Document(Pod(str(place), f"Region{place}", "az"), "compute", status, CIMultiDictProxy(CIMultiDict()), b"{}")
        for place, status in enumerate(statuses)
    ]
    assert having_it(documents) == [documents[place] for place in having]
