"""The addresses that are public, which the rest of the Internet reaches. Pure."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

_NOT_PUBLIC: Final[tuple[Network, ...]] = tuple(
    # The special-purpose registries of IANA (RFC 6890). What the rest of the Internet reaches in IPv4 is not in here.
    IPv4Network(one)
    for one in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
        *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4"),
    )
)
_GLOBAL: Final = IPv6Network("2000::/3")
"""All public addresses of IPv6 are in here: loopback, link-local, unique local, multicast and NAT64 ones are not."""
_NOT_PUBLIC_6: Final = tuple(
    # Of the public range: Teredo and other protocols, documentation, and 6to4, which holds any IPv4 address.
    IPv6Network(one)
    for one in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


def address_in(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address. One of IPv4 in the form of IPv6 is that of IPv4. One with a zone is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return None if address.scope_id else address.ipv4_mapped or address
    return address


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Say whether an address is public."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC)
    return address in _GLOBAL and not any(address in network for network in _NOT_PUBLIC_6)
