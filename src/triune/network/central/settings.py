"""Settings of Triune's plugins in `neutron.conf`, section `[triune]`."""

from ipaddress import IPv4Network, IPv6Network
from typing import Final

from oslo_config import cfg, types


class Range(types.ConfigType):
    """A range of addresses of one version, as `100.64.0.0/10`."""

    def __init__(self, kind: type[IPv4Network] | type[IPv6Network]) -> None:
        super().__init__(type_name="range of addresses")
        self._kind = kind

    def __call__(self, value: object) -> IPv4Network | IPv6Network:
        """Raises `ValueError` for what is none."""
        return self._kind(str(value))

    def _formatter(self, value: object) -> str:
        return str(value)


OPTIONS: Final = [
    cfg.Opt(
        "bridge_range",
        type=Range(IPv4Network),
        default="100.64.0.0/10",
        help="IPv4 addresses by which the parts of a router in different regions reach each other. No subnet of a "
        "router's interface may overlap it.",
    ),
    cfg.Opt(
        "bridge_range_ipv6",
        type=Range(IPv6Network),
        default="fd74:7269:756e::/48",
        help="The same for IPv6.",
    ),
]


def register() -> None:
    """Make the options known to Neutron's own settings."""
    cfg.CONF.register_opts(OPTIONS, group="triune")


def bridge_ranges() -> tuple[IPv4Network, IPv6Network]:
    """The addresses that no interface of a router may have."""
    return cfg.CONF.triune.bridge_range, cfg.CONF.triune.bridge_range_ipv6
