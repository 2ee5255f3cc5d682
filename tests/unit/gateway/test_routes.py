"""Which route a path takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triune.gateway.call import Call, quoted
from triune.gateway.http import Response
from triune.gateway.routes import Route, RouteTable


def strategy(name: str):  # type: ignore[no-untyped-def]
    async def answer(call: Call) -> Response:
        raise AssertionError(call)

    answer.__name__ = name
    return answer


TABLE = RouteTable(
    [
        Route("GET", "/", strategy("root")),
        Route("GET", "/servers", strategy("list")),
        Route("POST", "/servers", strategy("create")),
        Route("GET", "/servers/detail", strategy("detail")),
        Route("POST", "/servers/{server_id}/attachments", strategy("attach")),
        Route("GET POST DELETE", "/servers/{server_id}/{rest:path}", strategy("owner")),
        Route("GET", "/keys/{name}", strategy("key")),
        Route("GET", "/a/{x}/c", strategy("one")),
        Route("GET", "/a/b/{y}", strategy("two")),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "name", "parameters"),
    [
        ("GET", "/", "root", {}),
        ("GET", "", "root", {}),
        ("GET", "/servers", "list", {}),
        # OpenStack knows no path that ends with a slash; below a resource its pod says so.
        ("GET", "/servers/1/", "owner", {"server_id": "1"}),
        ("POST", "/servers", "create", {}),
        # A literal is preferred to a parameter, where its method fits.
        ("GET", "/servers/detail", "detail", {}),
        ("DELETE", "/servers/detail", "owner", {"server_id": "detail"}),
        ("GET", "/servers/1", "owner", {"server_id": "1"}),
        ("GET", "/servers/1/a/b", "owner", {"server_id": "1"}),
        ("POST", "/servers/1/attachments", "attach", {"server_id": "1"}),
        ("GET", "/servers/1/attachments", "owner", {"server_id": "1"}),
        # One segment, whatever is encoded in it.
        ("GET", "/keys/a%2Fb", "key", {"name": "a/b"}),
        ("GET", "/keys/%C3%BC%20x", "key", {"name": "ü x"}),
        ("GET", "/keys/a%252Fb", "key", {"name": "a%2Fb"}),
        # What begins like a literal goes back to the parameter.
        ("GET", "/a/b/c", "two", {"y": "c"}),
        ("GET", "/a/z/c", "one", {"x": "z"}),
    ],
)
def test_matches(method: str, path: str, name: str, parameters: dict[str, str]) -> None:
    match = TABLE.match(method, path)
    assert match is not None
    assert match.strategy.__name__ == name  # type: ignore[attr-defined]
    assert match.parameters == parameters


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/servers"), ("GET", "/nothing"), ("GET", "/keys"), ("GET", "/keys/a/b"), ("GET", "/a/z/z")],
)
def test_no_match(method: str, path: str) -> None:
    assert TABLE.match(method, path) is None


def test_whether_a_path_is_known_at_all() -> None:
    assert TABLE.knows("/keys/a")
    assert not TABLE.knows("/nothing")


def test_two_routes_for_one_thing_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="two routes for GET /a"):
        RouteTable([Route("GET", "/a", strategy("one")), Route("GET POST", "/a", strategy("two"))])


@given(name=st.text(min_size=1))
def test_any_name_comes_through(name: str) -> None:
    match = TABLE.match("GET", f"/keys/{quoted(name)}")
    assert match is not None
    assert match.parameters == {"name": name}
