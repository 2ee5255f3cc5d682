"""`triune catalog register`: the central region in Keystone's catalog."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keystoneauth1 import exceptions, loading
from keystoneauth1.adapter import Adapter
from oslo_config import cfg


@dataclass(frozen=True, slots=True)
class Entry:
    """One service of the central region; `path` is where the gateway serves it, None where it is not the gateway's."""

    service_type: str
    name: str
    path: str | None = None


# Clients look for block storage under different types; whichever services of these types exist get an endpoint too.
ENTRIES = (
    Entry("compute", "nova", "/compute/v2.1"),
    Entry("volumev3", "cinderv3", "/volume/v3/%(project_id)s"),
    Entry("block-storage", "cinder", "/volume/v3/%(project_id)s"),
    Entry("image", "glance", "/image"),
    Entry("tricircle", "triune", "/v1.0"),
    # Tenants speak to central Neutron without the gateway in between.
    Entry("network", "neutron"),
    # Clients look for Keystone in the region that they are told to use.
    Entry("identity", "keystone"),
)
INTERFACES = ("public", "internal", "admin")


def register(conf: cfg.ConfigOpts) -> None:
    """Bring the catalog to what the settings say; running it again changes nothing."""
    urls = {entry: _url(conf, entry) for entry in ENTRIES}
    auth = loading.load_auth_from_conf_options(conf, "keystone")
    session = loading.load_session_from_conf_options(conf, "keystone", auth=auth, timeout=conf.keystone.deadline)
    keystone = Adapter(session, service_type="identity", interface="public", version="3")
    try:
        ensure(keystone, conf.central_region, urls)
    except exceptions.ClientException as error:
        sys.exit(f"triune: Keystone: {error}")
    for entry, url in urls.items():
        if url is not None:
            print(f"{conf.central_region}  {entry.service_type:<14}{url}")


def ensure(keystone: Adapter, region: str, urls: Mapping[Entry, str | None]) -> None:
    """Create what is missing, correct what differs, and remove the endpoints of services without a URL.

    Raises `keystoneauth1.exceptions.ClientException`.
    """
    _region(keystone, region)
    for entry, url in urls.items():
        if url is None:
            _remove(keystone, entry, region)
            continue
        service_id = _service(keystone, entry)
        for interface in INTERFACES:
            _endpoint(keystone, service_id, region, interface, url)


def _url(conf: cfg.ConfigOpts, entry: Entry) -> str | None:
    """Where tenants reach a service of the central region; None where it has none."""
    if entry.path is not None:
        return f"{address(conf)}{entry.path}"
    if entry.service_type == "identity":
        return str(conf.keystone.www_authenticate_uri or conf.keystone.auth_url)
    return str(conf.network.endpoint).rstrip("/") if conf.network.endpoint else None


def address(conf: cfg.ConfigOpts) -> str:
    """Where tenants reach the gateway. Ends the process where the settings do not tell."""
    if conf.gateway.public_endpoint:
        return str(conf.gateway.public_endpoint).rstrip("/")
    host = str(conf.gateway.bind_host)
    if host in ("0.0.0.0", "::"):
        sys.exit(
            f"triune: [gateway] bind_host is {host}, which is no address that tenants can use: set public_endpoint"
        )
    return f"http://[{host}]:{conf.gateway.bind_port}" if ":" in host else f"http://{host}:{conf.gateway.bind_port}"


def _region(keystone: Adapter, region: str) -> None:
    if keystone.get(f"/regions/{region}", raise_exc=False).status_code == 404:
        keystone.put(f"/regions/{region}", json={"region": {"description": "Triune"}})


def _service(keystone: Adapter, entry: Entry) -> str:
    services = keystone.get(f"/services?type={entry.service_type}").json()["services"]
    if services:
        return str(services[0]["id"])
    service = {"type": entry.service_type, "name": entry.name, "enabled": True}
    return str(keystone.post("/services", json={"service": service}).json()["service"]["id"])


def _endpoint(keystone: Adapter, service_id: str, region: str, interface: str, url: str) -> None:
    query = f"/endpoints?service_id={service_id}&region_id={region}&interface={interface}"
    endpoints: list[dict[str, Any]] = keystone.get(query).json()["endpoints"]
    wanted = {"service_id": service_id, "region_id": region, "interface": interface, "url": url, "enabled": True}
    if not endpoints:
        keystone.post("/endpoints", json={"endpoint": wanted})
    elif endpoints[0]["url"] != url or not endpoints[0]["enabled"]:
        keystone.patch(f"/endpoints/{endpoints[0]['id']}", json={"endpoint": wanted})


def _remove(keystone: Adapter, entry: Entry, region: str) -> None:
    for service in keystone.get(f"/services?type={entry.service_type}").json()["services"]:
        for endpoint in keystone.get(f"/endpoints?service_id={service['id']}&region_id={region}").json()["endpoints"]:
            keystone.delete(f"/endpoints/{endpoint['id']}")
