"""Where requests come from: addresses of the internet, and those of the clouds that nodes live in."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from audit.client import trusted_address

Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

#: Coarse on purpose: registered blocks that are, wholly or mostly, the cloud's own. Nodes and the pods on them
#: reach a public API server from their cloud's outbound addresses, so these tell nothing. The exact lists
#: change weekly: https://www.microsoft.com/download/details.aspx?id=56519
_AZURE = """
4.144.0.0/12 4.160.0.0/11 4.192.0.0/11 4.224.0.0/12 4.240.0.0/12 13.64.0.0/11 13.104.0.0/14 20.0.0.0/11 20.33.0.0/16
20.34.0.0/15 20.36.0.0/14 20.40.0.0/13 20.48.0.0/12 20.64.0.0/10 20.128.0.0/9 23.96.0.0/13 40.64.0.0/10
51.4.0.0/15 51.8.0.0/16 51.10.0.0/15 51.12.0.0/15 51.103.0.0/16 51.104.0.0/15 51.107.0.0/16 51.116.0.0/16
51.120.0.0/16 51.124.0.0/16 51.132.0.0/16 51.136.0.0/13 51.144.0.0/15 52.96.0.0/12 52.112.0.0/14 52.125.0.0/16
52.126.0.0/15 52.130.0.0/15 52.132.0.0/14 52.136.0.0/13 52.145.0.0/16 52.146.0.0/15 52.148.0.0/14 52.152.0.0/13
52.160.0.0/11 52.224.0.0/11 57.150.0.0/15 57.152.0.0/14 65.52.0.0/14 68.154.0.0/15 68.210.0.0/15 68.218.0.0/15
68.220.0.0/15 70.37.0.0/17 70.152.0.0/15 72.144.0.0/14 72.152.0.0/14 74.160.0.0/14 74.176.0.0/14 74.224.0.0/14
74.240.0.0/14 74.248.0.0/15 85.210.0.0/15 98.64.0.0/14 98.70.0.0/15 102.37.0.0/16 102.133.0.0/16 104.40.0.0/13
104.146.0.0/15 104.208.0.0/13 108.140.0.0/14 111.221.64.0/18 128.24.0.0/16 128.85.0.0/16 128.203.0.0/16
128.251.0.0/16 130.107.0.0/16 130.131.0.0/16 130.213.0.0/16 131.145.0.0/16 131.163.0.0/16 131.189.0.0/16
132.164.0.0/16 132.196.0.0/16 132.220.0.0/16 134.33.0.0/16 134.112.0.0/16 134.138.0.0/16 134.149.0.0/16
135.116.0.0/16 135.119.0.0/16 135.130.0.0/16 135.149.0.0/16 135.171.0.0/16 135.220.0.0/16 135.222.0.0/15
135.224.0.0/12 137.116.0.0/15 137.135.0.0/16 138.91.0.0/16 145.190.0.0/15 157.55.0.0/16 157.56.0.0/14
168.61.0.0/16 168.62.0.0/15 172.128.0.0/10 172.192.0.0/12 172.208.0.0/13 191.232.0.0/13 207.46.0.0/16
2603:1000::/24 2a01:111::/32
"""
_OTHERS = """
3.0.0.0/8 13.32.0.0/11 13.112.0.0/14 13.124.0.0/14 13.200.0.0/13 13.208.0.0/12 13.224.0.0/11 15.152.0.0/13
15.160.0.0/15 15.164.0.0/15 15.168.0.0/16 15.177.0.0/16 15.184.0.0/14 15.188.0.0/16 15.206.0.0/15 15.220.0.0/14
15.228.0.0/15 15.236.0.0/15 16.16.0.0/12 16.50.0.0/15 16.62.0.0/15 16.78.0.0/15 16.162.0.0/15 16.170.0.0/15
18.32.0.0/11 18.64.0.0/10 18.128.0.0/9 23.20.0.0/14 34.192.0.0/10 35.71.0.0/16 35.72.0.0/13 35.80.0.0/12
35.152.0.0/13 35.160.0.0/12 35.176.0.0/13 43.192.0.0/12 44.192.0.0/10 46.51.128.0/17 46.137.0.0/16 50.16.0.0/14
50.112.0.0/16 52.0.0.0/10 52.64.0.0/12 52.80.0.0/12 52.192.0.0/11 54.64.0.0/10 54.144.0.0/12 54.160.0.0/11
54.192.0.0/10 63.32.0.0/14 67.202.0.0/18 75.101.128.0/17 79.125.0.0/17 99.77.0.0/16 99.78.0.0/15 99.80.0.0/15
100.20.0.0/14 107.20.0.0/14 174.129.0.0/16 176.34.0.0/16 184.72.0.0/15 204.236.128.0/17 2600:1f00::/24
2a05:d000::/25 2406:da00::/24
34.0.0.0/9 34.128.0.0/10 35.184.0.0/13 35.192.0.0/12 35.208.0.0/12 35.224.0.0/12 35.240.0.0/13 104.154.0.0/15
104.196.0.0/14 107.167.160.0/19 107.178.192.0/18 130.211.0.0/16 146.148.0.0/17 162.222.176.0/21 2600:1900::/28
"""


def _by_octet(*lists: str) -> dict[int, tuple[_Network, ...]]:
    """Sort networks by the first eight bits of their addresses, so that few are compared with one address."""
    sorted_in: dict[int, list[_Network]] = {}
    for text in " ".join(lists).split():
        network = ip_network(text)
        first = network.network_address.packed[0]
        sorted_in.setdefault(first, []).append(network)
    return {first: tuple(networks) for first, networks in sorted_in.items()}


_OF_AZURE = _by_octet(_AZURE)
_OF_ANY_CLOUD = _by_octet(_AZURE, _OTHERS)


def last_address(addresses: Sequence[str]) -> Address | None:
    """Return the one address that the client cannot forge, also where it has a port; None where it cannot be read."""
    text = trusted_address(addresses).strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def is_public(address: Address | None) -> bool:
    """Whether it is an address of the internet."""
    return address is not None and address.is_global and not address.is_multicast


def is_in_cloud(address: Address | None, *, azure_only: bool) -> bool:
    """Whether a cluster's own nodes may well have it: in the block of a cloud, or of Azure alone."""
    if address is None:
        return False
    known = _OF_AZURE if azure_only else _OF_ANY_CLOUD
    return any(address in network for network in known.get(address.packed[0], ()))
