"""What goes through a device: `sniff DEVICE`, in its namespace until its input ends; says `ready` and then a list.

The list has `[VLAN, source, destination]` for each that was seen with IP packets; VLAN 0 is none.
"""

import ipaddress
import json
import socket
import struct
import sys
import threading

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6, ETH_P_8021Q = 0x0003, 0x0800, 0x86DD, 0x8100
SOL_PACKET, PACKET_AUXDATA = 263, 8
TP_STATUS_VLAN_VALID = 1 << 4
# tpacket_auxdata of the kernel: status, len, snaplen, mac, net, vlan_tci, vlan_tpid.
AUXDATA = struct.Struct("IIIHHHH")
VLAN_MASK = 0x0FFF
# More than the headers of any packet that is looked at.
SNAP_BYTES = 128
POLL_SECONDS = 0.1

Seen = tuple[int, str, str]


def read(frame: bytes, ancillary: list[tuple[int, int, bytes]]) -> Seen | None:
    """VLAN, source and destination of a frame; None for what is not IP.

    A tag stands beside a frame that the kernel has received, and in one that is only being sent.
    """
    vlan, start = 0, 14
    for level, kind, data in ancillary:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, *_, tci, _ = AUXDATA.unpack(data[: AUXDATA.size])
            vlan = tci & VLAN_MASK if status & TP_STATUS_VLAN_VALID else vlan
    (ethertype,) = struct.unpack_from("!H", frame, 12)
    if ethertype == ETH_P_8021Q:
        tci, ethertype = struct.unpack_from("!HH", frame, 14)
        vlan, start = tci & VLAN_MASK, 18
    first, size = {ETH_P_IP: (12, 4), ETH_P_IPV6: (8, 16)}.get(ethertype, (0, 0))
    ends = frame[start + first : start + first + 2 * size]
    if not size or len(ends) < 2 * size:
        return None
    return vlan, str(ipaddress.ip_address(ends[:size])), str(ipaddress.ip_address(ends[size:]))


def wait_for_end(done: threading.Event) -> None:
    """Read the input to its end."""
    sys.stdin.read()
    done.set()


def main() -> None:
    done = threading.Event()
    seen: set[Seen] = set()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as tap:
        tap.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        tap.bind((sys.argv[1], ETH_P_ALL))
        tap.settimeout(POLL_SECONDS)
        threading.Thread(target=wait_for_end, args=(done,), daemon=True).start()
        print("ready", flush=True)
        while not done.is_set():
            try:
                frame, ancillary, _, _ = tap.recvmsg(SNAP_BYTES, socket.CMSG_SPACE(AUXDATA.size))
            except TimeoutError:
                continue
            if (found := read(frame, ancillary)) is not None:
                seen.add(found)
    print(json.dumps(sorted(seen)))


if __name__ == "__main__":
    main()
