"""Settings: every option of `triune.conf`, in the form that OpenStack operators know (oslo.config)."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1 import loading
from oslo_config import cfg
from oslo_log import log as logging
from oslo_policy import opts as policy_opts
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from triune import tls
from triune.scheduler import scheduler

DEFAULT_OPTS = [
    cfg.StrOpt("central_region", default="CentralRegion", help="Keystone region whose endpoints point at Triune."),
]

GATEWAY_OPTS = [
    cfg.HostAddressOpt("bind_host", default="127.0.0.1", help="Address that the gateway listens on."),
    cfg.PortOpt("bind_port", default=19999, help="Port of the gateway; its APIs share it, told apart by path."),
    cfg.URIOpt(
        "public_endpoint",
        schemes=["http", "https"],
        help="URL under which tenants reach the gateway, used in the links of answers. "
        "When unset it is taken from each request's Host header, and its scheme from X-Forwarded-Proto of "
        "trusted_proxies.",
    ),
    cfg.ListOpt("trusted_proxies", default=["127.0.0.1"], help="Proxies whose X-Forwarded-Proto is believed."),
    cfg.IntOpt(
        "max_request_body",
        default=114688,
        min=1024,
        help="Bytes of the largest JSON request; the default is that of Nova and Cinder. Image data has no limit.",
    ),
    cfg.IntOpt(
        "max_document",
        default=32 * 1024 * 1024,
        min=1024 * 1024,
        help="Bytes of the largest JSON answer of a pod that is read into memory to be merged or translated.",
    ),
    cfg.IntOpt("max_limit", default=1000, min=1, help="Items of the longest page of a merged list."),
    cfg.BoolOpt(
        "strict_lists",
        default=False,
        help="Answer 503 to a list when a pod is missing, rather than the other pods' items with the missing "
        "pods named in the header Triune-Missing-Pods.",
    ),
    cfg.StrOpt("default_availability_zone", help="Availability zone of requests that name none. Unset: any."),
    cfg.ListOpt(
        "enabled_filters",
        default=["availability_zone", "anchor", "limit", "enabled"],
        help="Entry points in triune.filters that say which pods may take a new resource, in turn.",
    ),
    cfg.ListOpt(
        "enabled_weighers",
        default=["health", "capacity", "project"],
        help="Entry points in triune.weighers that say which of these is the best. The first that tells two pods apart "
        "decides between them; at last the name of the region.",
    ),
    cfg.FloatOpt(
        "capacity_deadline",
        default=2.0,
        min=0.0,
        help="Seconds that the Placement of a pod has to say whether there is room for a server, where several pods "
        "may take it. 0: it is not asked.",
    ),
    cfg.FloatOpt(
        "scheduling_wait",
        default=10.0,
        min=0.0,
        help="Seconds for which the answer to a new server waits until its pod has found a host, where another pod "
        "could take it otherwise. 0: it does not wait, and a server without a host is in ERROR.",
    ),
]

KEYSTONE_OPTS = [
    cfg.URIOpt("www_authenticate_uri", schemes=["http", "https"], help="Keystone URL told to unauthenticated clients."),
    cfg.StrOpt(
        "interface",
        default="public",
        choices=["public", "internal", "admin"],
        help="Which of the pods' catalog endpoints the gateway uses.",
    ),
    cfg.IntOpt(
        "token_cache_time",
        default=60,
        min=0,
        help="Seconds for which a validated token is believed; a revoked one is refused after this time at the latest.",
    ),
    cfg.IntOpt("catalog_cache_time", default=300, min=1, help="Seconds between refreshes of the pods' endpoints."),
    cfg.FloatOpt("deadline", default=10.0, min=0.1, help="Seconds that Keystone has for an answer."),
]

PODS_OPTS = [
    cfg.FloatOpt("connect_timeout", default=3.0, min=0.1, help="Seconds for a connection to a pod."),
    cfg.FloatOpt("list_deadline", default=10.0, min=0.1, help="Seconds that a pod has for its part of a list."),
    cfg.FloatOpt("request_deadline", default=60.0, min=0.1, help="Seconds that a pod has to begin its answer."),
    cfg.FloatOpt("store_deadline", default=600.0, min=0.1, help="Seconds that a pod has to store uploaded image data."),
    cfg.FloatOpt("stall_timeout", default=60.0, min=0.1, help="Seconds that a stream may stand still."),
    cfg.IntOpt("breaker_failures", default=3, min=1, help="Failures in a row after which a pod's service is left out."),
    cfg.FloatOpt("breaker_pause", default=2.0, min=0.1, help="Seconds until it is tried again; doubles."),
    cfg.FloatOpt("breaker_max_pause", default=30.0, min=0.1, help="Seconds at which that doubling ends."),
    cfg.FloatOpt("refresh_interval", default=5.0, min=0.1, help="Seconds between looks at the table of pods."),
    cfg.IntOpt(
        "connections",
        default=256,
        min=1,
        help="Most requests that wait for one pod's service to answer; streams of data are not counted.",
    ),
    cfg.StrOpt(
        "cafile", help="PEM file of the authorities that the pods' certificates are checked with. Unset: the system's."
    ),
    cfg.BoolOpt("insecure", default=False, help="Whether the pods' certificates are not checked at all."),
    cfg.IntOpt("location_cache", default=100_000, min=0, help="Most resources whose pod is kept in memory."),
]

NETWORK_OPTS = [
    cfg.URIOpt(
        "endpoint",
        schemes=["http", "https"],
        help="URL of central Neutron, as tenants reach it. Unset: the central region has no networks of its own.",
    ),
    cfg.StrOpt(
        "default_floating_pool",
        default="nova",
        help="External network, by name or id, from which `POST /os-floating-ips` of the compute API takes an address "
        "if the request names no pool: what Nova calls `[neutron] default_floating_pool`.",
    ),
    cfg.IntOpt(
        "reserved_addresses",
        default=2,
        min=0,
        max=16,
        help="Addresses of each subnet with DHCP that are kept for the own use of each region in which it is, such as "
        "its DHCP service. 1 or 0 do where regions answer DHCP without addresses, as OVN does.",
    ),
    cfg.StrOpt(
        "bridge_range",
        default="100.64.0.0/10",
        help="IPv4 addresses of the networks on which the routers of a project meet, region by region. Each project "
        "uses the same ones. They must not be those of tenants' subnets behind routers; central Neutron refuses such, "
        "and has to be told the same range.",
    ),
    cfg.IntOpt(
        "bridge_prefix_length",
        default=24,
        min=16,
        max=28,
        help="Size of one subnet of that range. It bounds the sum of the regions of all routers of a project that span "
        "regions, and the number of a router's floating IPs whose servers are elsewhere than the external network.",
    ),
    cfg.StrOpt(
        "bridge_range_ipv6",
        default="fd74:7269:756e::/48",
        help="IPv6 addresses of the same networks; each uses the first /64.",
    ),
    cfg.StrOpt(
        "bridge_network_type",
        default="vlan",
        choices=["vlan", "flat"],
        help="Type of these networks, whose segments must be the same network in all regions. `flat` does for one "
        "project without external networks only: each needs a physical network of its own.",
    ),
    cfg.StrOpt(
        "bridge_physical_network",
        help="Physical network of these networks. Unset: central Neutron chooses.",
    ),
]

IMAGE_OPTS = [
    cfg.FloatOpt(
        "boot_deadline",
        default=30.0,
        min=0.0,
        help="Seconds for which a request waits for an image to come to the region where it is needed. After that it "
        "is refused with 409, and the image comes all the same.",
    ),
]

WORKER_OPTS = [
    cfg.FloatOpt("poll_interval", default=0.5, min=0.05, help="Seconds between looks at the journal."),
    cfg.FloatOpt(
        "lease_time",
        default=15.0,
        min=1.0,
        help="Seconds without a sign of life after which another worker takes over a key.",
    ),
    cfg.FloatOpt("attempt_deadline", default=300.0, min=1.0, help="Seconds that one attempt at a key may take."),
    cfg.FloatOpt(
        "copy_deadline",
        default=6 * 3600.0,
        min=1.0,
        help="Seconds that copying one image to one region may take. At most a quarter of the keys below are copies.",
    ),
    cfg.IntOpt("keys_at_once", default=32, min=1, help="Keys that one worker process works on at once."),
    cfg.IntOpt("keys_per_pod", default=8, min=1, help="Of these, the most that concern one pod."),
    cfg.FloatOpt("first_pause", default=2.0, min=0.1, help="Seconds until a failed key is tried again; doubles."),
    cfg.FloatOpt("longest_pause", default=300.0, min=0.1, help="Seconds at which that doubling ends."),
    cfg.FloatOpt(
        "drift_interval",
        default=300.0,
        min=5.0,
        help="Seconds between comparisons of what a pod holds for Triune with what it is to hold.",
    ),
    cfg.FloatOpt("keep_finished", default=7 * 86400.0, min=0.0, help="Seconds for which finished jobs can be seen."),
]

DATABASE_OPTS = [
    cfg.StrOpt(
        "connection",
        default="sqlite+aiosqlite:////var/lib/triune/triune.db",
        secret=True,
        help="SQLAlchemy URL of the database, with an asyncio driver.",
    ),
]

GROUPS: Mapping[str | None, Sequence[cfg.Opt]] = {
    None: DEFAULT_OPTS,
    "gateway": GATEWAY_OPTS,
    "keystone": KEYSTONE_OPTS,
    "pods": PODS_OPTS,
    "network": NETWORK_OPTS,
    "image": IMAGE_OPTS,
    "worker": WORKER_OPTS,
    "database": DATABASE_OPTS,
}


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    """All options, for oslo-config-generator."""
    groups: dict[str | None, list[cfg.Opt]] = {group: list(opts) for group, opts in GROUPS.items()}
    groups["keystone"] += loading.get_auth_common_conf_options()
    groups["keystone"] += loading.get_auth_plugin_conf_options("password")
    groups["keystone"] += loading.get_session_conf_options()
    return [*groups.items()] + [(group, list(opts)) for group, opts in policy_opts.list_opts()]


def new() -> cfg.ConfigOpts:
    """A fresh registry of options, without values from any file."""
    conf = cfg.ConfigOpts()
    logging.register_options(conf)
    for group, opts in GROUPS.items():
        conf.register_opts(opts, group=group)
    loading.register_auth_conf_options(conf, "keystone")
    loading.register_session_conf_options(conf, "keystone")
    return conf


def load(conf: cfg.ConfigOpts, arguments: Sequence[str]) -> None:
    """Read the command line and the files it names (or `triune.conf` from the usual places), then validate.

    Ends the process with one clear line when a setting is missing or malformed.
    """
    try:
        conf(list(arguments), project="triune", prog="triune", default_config_files=_default_files())
        validate(conf)
    except (cfg.Error, ValueError) as error:
        sys.exit(f"triune: settings: {error}")


def _default_files() -> list[str]:
    candidates = [Path("etc/triune.conf"), Path("/etc/triune/triune.conf")]
    return [str(path) for path in candidates if path.is_file()][:1]


def validate(conf: cfg.ConfigOpts) -> None:
    """Look at every option once, so that a bad value is told at start and not at the first request.

    Raises `cfg.Error` or `ValueError` naming the option.
    """
    for group, opts in GROUPS.items():
        section: Any = conf if group is None else conf[group]
        for opt in opts:
            getattr(section, opt.dest)
    if not conf.keystone.auth_type and not conf.keystone.auth_section:
        raise ValueError("[keystone] auth_type is not set: Triune needs a service user (auth_type = password, ...)")
    if conf.pods.breaker_max_pause < conf.pods.breaker_pause:
        raise ValueError("[pods] breaker_max_pause is smaller than breaker_pause")
    try:
        loading.load_auth_from_conf_options(conf, "keystone")
    except keystone_exceptions.ClientException as error:
        raise ValueError(f"[keystone] {error}") from error
    scheduler.load(conf.gateway.enabled_filters, conf.gateway.enabled_weighers)
    tls.keystone(conf)
    tls.pods(conf)
    driver = conf.database.connection.partition("://")[0]
    if driver in ("sqlite", "mysql", "mysql+pymysql", "postgresql", "postgresql+psycopg2"):
        raise ValueError(
            f"[database] connection: {driver!r} is no asyncio driver; use sqlite+aiosqlite, mysql+aiomysql or "
            "postgresql+asyncpg"
        )
    try:
        make_url(conf.database.connection).get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise ValueError(f"[database] connection: {error}") from error
