"""A router's advertisements, for `physical.router`: `advertise DEVICE PREFIX,FLAGS...`, in its namespace until killed.

FLAGS of a prefix: `s`, addresses by SLAAC; `f`, other settings by DHCPv6, `m`, addresses by DHCPv6.
"""

import ipaddress
import socket
import struct
import sys
import time

ALL_NODES = "ff02::1"
ROUTER_ADVERTISEMENT = 134
PREFIX_INFORMATION = 3
MANAGED, OTHER = 0x80, 0x40
ON_LINK, AUTONOMOUS = 0x80, 0x40
LIFETIME_SECONDS = 1800
PREFIX_LIFETIME_SECONDS = 86400
PAUSE_SECONDS = 1.0


def advertisement(prefixes: list[tuple[ipaddress.IPv6Network, str]]) -> bytes:
    """RFC 4861, 4.2; the kernel fills in the checksum."""
    letters = "".join(flags for _, flags in prefixes)
    flags = (MANAGED if "m" in letters else 0) | (OTHER if "f" in letters or "m" in letters else 0)
    packet = struct.pack("!BBHBBHII", ROUTER_ADVERTISEMENT, 0, 0, 64, flags, LIFETIME_SECONDS, 0, 0)
    for prefix, how in prefixes:
        bits = ON_LINK | (AUTONOMOUS if "s" in how else 0)
        head = struct.pack("!BBBBIII", PREFIX_INFORMATION, 4, prefix.prefixlen, bits, *[PREFIX_LIFETIME_SECONDS] * 2, 0)
        packet += head + prefix.network_address.packed
    return packet


def main() -> None:
    device, words = sys.argv[1], [word.partition(",") for word in sys.argv[2:]]
    packet = advertisement([(ipaddress.IPv6Network(prefix), flags) for prefix, _, flags in words])
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as out:
        index = socket.if_nametoindex(device)
        out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        while True:
            try:
                out.sendto(packet, (ALL_NODES, 0, 0, index))
            except OSError:
                pass  # the link-local address is still being checked; the next one will go
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
