"""JSON is written as OpenStack's services write it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triune.gateway.call import translate_body
from triune.gateway.translate import Translation
from triune.gateway.written import written

# Python writes the exponents of other floating-point numbers with a sign and two digits, msgspec does not.
FLOATS = st.floats(1e-4, 1e15) | st.floats(-1e15, -1e-4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_a_document_is_written_as_the_standard_library_does(document: Any) -> None:
    assert written(document) == json.dumps(document).encode()


def test_what_is_raw_stays_as_it_is() -> None:
    raw = msgspec.Raw(b'{"id":1.0,"name": "\\u00fc \\/", "n": 1E5}')
    assert written({"servers": [raw]}) == b'{"servers": [{"id": 1.0, "name": "\\u00fc \\/", "n": 1E5}]}'


def test_utf_8_stays_where_the_service_writes_it() -> None:
    raw = msgspec.Raw('{"name":"\u00fc\U0001f600"}'.encode())
    assert written([raw], ascii_only=False) == '[{"name": "\u00fc\U0001f600"}]'.encode()
    assert written([raw]) == b'[{"name": "\\u00fc\\ud83d\\ude00"}]'


TRANSLATION = Translation({"http://pod:8774": "http://top/compute"}, "az1")


@pytest.mark.parametrize("name", ["a", "\u00fc", "\U0001f600", "\ud800", 'a "b", c: d', 2**80])
def test_a_translated_document_differs_in_what_is_translated_alone(name: object) -> None:
    server = {"name": name, "links": [{"rel": "self", "href": "http://pod:8774/v2.1"}], "rxtx": 1.0, "none": None}
    body = json.dumps({"server": server}).encode()
    assert translate_body(body, TRANSLATION) == body.replace(b"http://pod:8774", b"http://top/compute")


def test_a_translated_document_in_utf_8_stays_in_utf_8() -> None:
    body = '{"name": "\u00fc", "links": [{"rel": "self", "href": "http://pod:8774/v2.1"}]}'.encode()
    assert translate_body(body, TRANSLATION) == body.replace(b"http://pod:8774", b"http://top/compute")


@pytest.mark.parametrize(
    "body", [b'{"a": "http://pod:8774', b"[" * 100_000 + b'"http://pod:8774"', b"\xff http://pod:8774"]
)
def test_what_is_no_json_is_left_alone(body: bytes) -> None:
    assert translate_body(body, TRANSLATION) == body
