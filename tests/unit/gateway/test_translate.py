"""Links and zones, found by their place."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triune.gateway.translate import OPAQUE, ZONE_KEYS, Translation

POD = "http://pod:8774"
OURS = "https://cloud/compute"
TRANSLATION = Translation({POD: OURS}, "az1")


@pytest.mark.parametrize(
    ("href", "translated"),
    [
        (f"{POD}/v2.1/servers/1", f"{OURS}/v2.1/servers/1"),
        (f"{POD}?a=b", f"{OURS}?a=b"),
        (POD, OURS),
        ("http://pod:87745/v2.1", "http://pod:87745/v2.1"),
        ("http://pod:8774.evil/", "http://pod:8774.evil/"),
        (f"http://other/?next={POD}/", f"http://other/?next={POD}/"),
        ("/v2/images", "/v2/images"),
        ("", ""),
    ],
)
def test_links(href: str, translated: str) -> None:
    assert TRANSLATION.link(href) == translated


def test_a_server() -> None:
    document = {
        "server": {
            "name": f"{POD}/v2.1",
            "links": [{"rel": "self", "href": f"{POD}/v2.1/servers/1"}],
            "flavor": {"id": "1", "links": [{"rel": "bookmark", "href": f"{POD}/flavors/1"}]},
            "OS-EXT-AZ:availability_zone": "nova",
            "metadata": {"availability_zone": "nova", "links": [{"href": f"{POD}/x"}]},
            "tags": [f"{POD}/x"],
        },
        "servers_links": [{"rel": "next", "href": f"{POD}/v2.1/servers?marker=1"}],
    }
    assert TRANSLATION.document(document) == {
        "server": {
            "name": f"{POD}/v2.1",
            "links": [{"rel": "self", "href": f"{OURS}/v2.1/servers/1"}],
            "flavor": {"id": "1", "links": [{"rel": "bookmark", "href": f"{OURS}/flavors/1"}]},
            "OS-EXT-AZ:availability_zone": "az1",
            "metadata": {"availability_zone": "nova", "links": [{"href": f"{POD}/x"}]},
            "tags": [f"{POD}/x"],
        },
        "servers_links": [{"rel": "next", "href": f"{OURS}/v2.1/servers?marker=1"}],
    }


@pytest.mark.parametrize("zone", ["", None, ["nova"], 5])
def test_no_zone_stays_none(zone: Any) -> None:
    assert TRANSLATION.document({"server": {"availability_zone": zone}}) == {"server": {"availability_zone": zone}}


@pytest.mark.parametrize("links", [None, 5, "x", {}, [None], [5], [{}], [{"href": None}], [[{"href": POD}]]])
def test_links_of_any_form_do_no_harm(links: Any) -> None:
    document = {"server": {"links": links}}
    assert TRANSLATION.document(copy.deepcopy(document)) == document


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*sorted(OPAQUE), "name", "a"]) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def mentions(document: Any) -> bool:
    """Whether a document holds anything that could be translated."""
    if isinstance(document, dict):
        return any(key in ZONE_KEYS or "links" in key or mentions(value) for key, value in document.items())
    return isinstance(document, list) and any(map(mentions, document))


@given(document=documents)
def test_whatever_holds_no_link_and_no_zone_stays_as_it_is(document: Any) -> None:
    if not mentions(document):
        assert TRANSLATION.document(copy.deepcopy(document)) == document


@given(document=documents, key=st.sampled_from(sorted(OPAQUE)))
def test_what_is_the_users_own_stays_as_it_is(document: Any, key: str) -> None:
    whole = {"server": {key: {"inner": document, "links": [{"href": POD}], "availability_zone": "nova"}}}
    assert TRANSLATION.document(copy.deepcopy(whole)) == whole


def test_a_quick_look_never_misses_anything() -> None:
    assert TRANSLATION.concerns(f'{{"a": "{POD}/x"}}'.encode())
    assert TRANSLATION.concerns(b'{"availability_zone": "nova"}')
    assert not TRANSLATION.concerns(b'{"a": 1}')
