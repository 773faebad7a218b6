"""Rules for the addresses that a node may connect to on behalf of a user.

A user chooses the target of a webhook. Without these rules it could be the node's own database, a
router, or a cloud's metadata service. The networks are listed here: the properties of ``ipaddress``
differ between releases of Python.
"""

from collections.abc import Iterator, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

IpAddress = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_REFUSED: Final = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # metadata of Azure
            "169.254.0.0/16",  # link-local, with the metadata of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
            "::/8",  # unspecified, loopback, and forms that embed IPv4
            "64:ff9b:1::/48",  # NAT64 of a network's own
            "100::/64",  # discard
            "2001::/23",  # Teredo and other assignments
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "3fff::/20",  # documentation
            "5f00::/16",  # segment routing
            "fc00::/7",  # unique local
            "fe80::/10",  # link-local
            "fec0::/10",  # site-local
            "ff00::/8",  # multicast
        ),
    )
)
_MAPPED: Final = ip_network("::ffff:0:0/96")
_TRANSLATED: Final = ip_network("::ffff:0:0:0/96")
_COMPATIBLE: Final = ip_network("::/96")
_NAT64: Final = ip_network("64:ff9b::/96")
_6TO4: Final = ip_network("2002::/16")
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})
_LOW: Final = 0xFFFF_FFFF


def may_connect(address: IpAddress, allowed: Sequence[Network] = ()) -> bool:
    """Return whether a node may connect to an address for a user.

    Args:
        address: The address; a zone of IPv6 is ignored.
        allowed: Networks that the operator allows in addition to the public ones.
    """
    if is_named(address, allowed):
        return True
    embedded = _embedded(address)
    if embedded is not None and not may_connect(embedded, allowed):
        return False
    if embedded is not None and not _is_isatap(address):
        return True
    return not any(_contains(network, address) for network in _REFUSED)


def is_named(address: IpAddress, allowed: Sequence[Network]) -> bool:
    """Return whether an address, or one that it embeds, is in a network that is allowed."""
    return any(_contains(network, each) for network in allowed for each in _forms(address))


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Return the networks of the setting ``USEBY_OUTBOUND_ALLOWED_NETWORKS``."""
    return tuple(map(ip_network, texts))


def literal(host: str) -> IpAddress | None:
    """Return the address that a URL's host is; ``None`` if it is a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def _forms(address: IpAddress) -> Iterator[IpAddress]:
    yield address
    embedded = _embedded(address)
    if embedded is not None:
        yield embedded


def _embedded(address: IpAddress) -> IPv4Address | None:
    """Return the IPv4 address to which a packet for this IPv6 address may be sent."""
    if isinstance(address, IPv4Address):
        return None
    value = int(address)
    if _contains(_6TO4, address):
        return IPv4Address((value >> 80) & _LOW)
    in_low = (_MAPPED, _TRANSLATED, _NAT64)
    if any(_contains(network, address) for network in in_low):
        return IPv4Address(value & _LOW)
    if _contains(_COMPATIBLE, address) and value > 1:  # :: and ::1 are addresses of their own
        return IPv4Address(value & _LOW)
    if _is_isatap(address):
        return IPv4Address(value & _LOW)
    return None


def _is_isatap(address: IpAddress) -> bool:
    """Return whether the lower half is an id of ISATAP (RFC 5214), behind any prefix."""
    return address.version == 6 and (int(address) >> 32) & _LOW in _ISATAP  # noqa: PLR2004 - IPv6


def _contains(network: Network, address: IpAddress) -> bool:
    # A zone, as in fe80::1%eth0, would make the addresses unequal.
    bits = network.max_prefixlen - network.prefixlen
    return (
        network.version == address.version
        and int(address) >> bits == int(network.network_address) >> bits
    )
