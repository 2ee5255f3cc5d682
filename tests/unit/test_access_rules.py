"""What application credentials may do."""

import pytest

from triune.access_rules import AccessRule, allowed

VOLUME = frozenset({"block-storage", "volumev3", "block-store"})


@pytest.mark.parametrize(
    ("pattern", "path", "is_allowed"),
    [
        ("/v2.1/servers", "/v2.1/servers", True),
        ("/v2.1/servers", "/v2.1/servers/1", False),
        ("/v2.1/servers", "/v2x1/servers", False),
        ("/v2.1/servers/*", "/v2.1/servers/1", True),
        ("/v2.1/servers/*", "/v2.1/servers/", False),
        ("/v2.1/servers/*", "/v2.1/servers/1/action", False),
        ("/v2.1/servers/{id}/action", "/v2.1/servers/1/action", True),
        ("/v2.1/servers/**", "/v2.1/servers/1/action", True),
        ("/v2.1/servers/**", "/v2.1/servers\n/1", False),
        ("/v2.1/servers?(x)", "/v2.1/serverx", False),
        ("**", "/anything", True),
    ],
)
def test_patterns(pattern: str, path: str, is_allowed: bool) -> None:
    assert allowed([AccessRule("compute", "GET", pattern)], {"compute"}, "GET", path) is is_allowed


def test_method_and_service_count() -> None:
    rules = [AccessRule("volumev3", "GET", "**")]
    assert allowed(rules, VOLUME, "GET", "/v3/x")
    assert not allowed(rules, VOLUME, "HEAD", "/v3/x")
    assert not allowed(rules, {"image"}, "GET", "/v3/x")


def test_no_rules_are_not_the_same_as_none() -> None:
    assert allowed(None, VOLUME, "GET", "/")
    assert not allowed([], VOLUME, "GET", "/")
