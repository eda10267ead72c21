"""Where a request comes from. Pure; the one place that reads what proxies say of it."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

UNKNOWN: Final = ""
"""Of a peer without an address, as on a Unix socket."""
SUBSCRIBER_BITS: Final = 64
"""What one IPv6 subscriber gets at least (RFC 6177): whoever has one address has them all."""


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return the address of the client behind `peer`.

    `forwarded_for` is every X-Forwarded-For header as it came. Each proxy puts whom it saw at the right, so it is
    read from there, for as long as who says it is trusted; what stands further left anybody may have written.
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
    """Return whether the client came by http or https: what X-Forwarded-Proto says, from a peer that is trusted."""
    address = _parse(peer)
    if forwarded_proto not in {"http", "https"} or address is None:
        return scheme
    is_trusted = any(address.version == network.version and address in network for network in trusted)
    return forwarded_proto if is_trusted else scheme


def counted_as(address: str) -> str:
    """Return what an address is counted as: itself, or the /64 of IPv6 that it is in."""
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
