"""The central region in Keystone's catalog."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from triune.cli.catalog import INTERFACES, Entry, ensure

COMPUTE = Entry("compute", "nova", "/compute/v2.1")
NETWORK = Entry("network", "neutron")
URLS = {COMPUTE: "http://gateway/compute/v2.1", NETWORK: "http://neutron"}


class Answer:
    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status_code = status
        self._body = body

    def json(self) -> dict[str, Any]:
        return self._body


class Keystone:
    """The catalog of a Keystone: collections of records, and the count of what was written."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, dict[str, Any]]] = {"regions": {}, "services": {}, "endpoints": {}}
        self.writes = 0

    def get(self, url: str, raise_exc: bool = True) -> Answer:
        parts = urlsplit(url)
        collection, _, record_id = parts.path.strip("/").partition("/")
        if record_id:
            return Answer(200 if record_id in self.records[collection] else 404, {})
        wanted = dict(parse_qsl(parts.query)).items()
        found = [each for each in self.records[collection].values() if wanted <= each.items()]
        return Answer(200, {collection: found})

    def put(self, url: str, json: dict[str, Any]) -> Answer:
        return self._write(url, json)

    def patch(self, url: str, json: dict[str, Any]) -> Answer:
        return self._write(url, json)

    def post(self, url: str, json: dict[str, Any]) -> Answer:
        return self._write(f"{url}/id{self.writes}", json)

    def delete(self, url: str) -> Answer:
        collection, record_id = url.strip("/").split("/")
        del self.records[collection][record_id]
        self.writes += 1
        return Answer(204, {})

    def _write(self, url: str, body: dict[str, Any]) -> Answer:
        self.writes += 1
        collection, record_id = url.strip("/").split("/")
        ((name, record),) = json.loads(json.dumps(body)).items()
        self.records[collection].setdefault(record_id, {"id": record_id}).update(record)
        return Answer(200, {name: self.records[collection][record_id]})

    def urls(self, service_type: str, region: str) -> dict[str, str]:
        ids = [each["id"] for each in self.records["services"].values() if each["type"] == service_type]
        return {
            each["interface"]: each["url"]
            for each in self.records["endpoints"].values()
            if each["service_id"] in ids and each["region_id"] == region
        }


def everywhere(url: str) -> dict[str, str]:
    return dict.fromkeys(INTERFACES, url)


def test_what_is_missing_is_made_once() -> None:
    keystone: Any = Keystone()
    ensure(keystone, "Central", URLS)
    assert keystone.urls("compute", "Central") == everywhere("http://gateway/compute/v2.1")
    assert keystone.urls("network", "Central") == everywhere("http://neutron")
    written = keystone.writes
    ensure(keystone, "Central", URLS)
    assert keystone.writes == written


def test_an_address_that_changed_is_corrected() -> None:
    keystone: Any = Keystone()
    ensure(keystone, "Central", URLS)
    ensure(keystone, "Central", {**URLS, NETWORK: "https://neutron"})
    assert keystone.urls("network", "Central") == everywhere("https://neutron")
    assert keystone.urls("compute", "Central") == everywhere("http://gateway/compute/v2.1")


def test_only_the_central_region_loses_a_service_that_is_not_served() -> None:
    keystone: Any = Keystone()
    ensure(keystone, "Central", URLS)
    ensure(keystone, "Other", URLS)
    ensure(keystone, "Central", {**URLS, NETWORK: None})
    assert keystone.urls("network", "Central") == {}
    assert keystone.urls("network", "Other") == everywhere("http://neutron")
    written = keystone.writes
    ensure(keystone, "Central", {**URLS, NETWORK: None})
    assert keystone.writes == written
