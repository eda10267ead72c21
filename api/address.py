"""Determines a client's address and scheme, also behind trusted proxies. Pure."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

UNKNOWN: Final = ""
"""The address of a peer that has none, as on a Unix socket."""
SUBSCRIBER_BITS: Final = 64
"""One subscriber gets at least an IPv6 network of this prefix (RFC 6177), so its addresses are counted as one."""


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return the address of the client behind `peer`.

    `forwarded_for` holds every X-Forwarded-For header as it came. Each proxy adds the address it saw at the right. So
    they are read from the right, as long as a trusted proxy wrote the entry. A client may have made up the rest.
    """
    client = _parse(peer)
    if client is None:
        return UNKNOWN
    for said in reversed(",".join(forwarded_for).split(",")):
        if not any(client.version == network.version and client in network for network in trusted):
            break
        address = _parse(said)
        if address is None:
            break
        client = address
    return str(client)


def client_scheme(scheme: str, peer: str, forwarded_proto: str, trusted: Sequence[Network]) -> str:
    """Return the scheme that the client used: the X-Forwarded-Proto of a trusted peer, otherwise `scheme`."""
    address = _parse(peer)
    if forwarded_proto not in {"http", "https"} or address is None:
        return scheme
    is_trusted = any(address.version == network.version and address in network for network in trusted)
    return forwarded_proto if is_trusted else scheme


def counted_as(address: str) -> str:
    """Return the key under which an address is counted: itself, or for IPv6 its /64 network."""
    parsed = _parse(address)
    if not isinstance(parsed, IPv6Address):
        return address
    return str(ip_network((parsed, SUBSCRIBER_BITS), strict=False))


def _parse(text: str) -> Address | None:
    """Read an address, with or without a port; IPv4 inside IPv6 is IPv4."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
