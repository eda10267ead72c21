"""Determines a client's address and scheme, also behind trusted proxies. Pure."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

MAX_REMEMBERED: Final = 10_000
"""What so many addresses mean is remembered, as each request asks for it several times."""
MAX_CHARACTERS: Final = 100
"""No address is longer, also with its zone, brackets and port. So what is remembered stays small."""
UNKNOWN: Final = ""
"""The address of a peer that has none, as on a Unix socket."""
SUBSCRIBER_BITS: Final = 64
"""One subscriber gets at least an IPv6 network of this prefix (RFC 6177), so its addresses are counted as one."""
NEIGHBOUR_BITS: Final = 24
"""Who has several IPv4 addresses mostly has them in one network of this prefix."""


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return the address of the client behind `peer`.

    `forwarded_for` holds every X-Forwarded-For header as it came. Each proxy adds the address it saw at the right. So
    they are read from the right, as long as a trusted proxy wrote the entry. A client may have made up the rest.
    """
    if not trusted:
        return _alone(peer)
    hops = _hops(peer, forwarded_for, trusted)
    return str(hops[-1]) if hops else UNKNOWN


def client_scheme(
    scheme: str,
    peer: str,
    forwarded_for: Sequence[str],
    forwarded_proto: Sequence[str],
    trusted: Sequence[Network],
) -> str:
    """Return the scheme that the client used: what the outermost trusted proxy says, or `scheme` without one.

    `forwarded_proto` holds every X-Forwarded-Proto header as it came. A proxy either adds the scheme that it saw at the
    right, as with X-Forwarded-For, or replaces what came. So the entry of the n-th trusted proxy is the n-th from the
    right, or the first where there are fewer.
    """
    if not trusted:
        return scheme
    proxies = sum(_is_in(hop, trusted) for hop in _hops(peer, forwarded_for, trusted))
    if not proxies:
        return scheme
    said = [entry.strip().lower() for entry in ",".join(forwarded_proto).split(",")]
    outermost = said[-min(proxies, len(said))]
    return outermost if outermost in {"http", "https"} else scheme


def _hops(peer: str, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> list[Address]:
    """Return the addresses from `peer` to the client. All but the last are trusted proxies."""
    first = _parse(peer)
    if first is None:
        return []
    hops = [first]
    for said in reversed(",".join(forwarded_for).split(",")):
        address = _parse(said) if len(said) <= MAX_CHARACTERS and _is_in(hops[-1], trusted) else None
        if address is None:
            break
        hops.append(address)
    return hops


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


@lru_cache(MAX_REMEMBERED)
def counted_as(address: str) -> str:
    """Return the key under which an address is counted: itself, or for IPv6 its /64 network."""
    parsed = _parse(address)
    if not isinstance(parsed, IPv6Address):
        return address
    return str(ip_network((parsed, SUBSCRIBER_BITS), strict=False))


@lru_cache(MAX_REMEMBERED)
def network_of(address: str) -> str:
    """Return the network of an address whose strangers are counted together: the /24, or for IPv6 the /64."""
    parsed = _parse(address)
    if not isinstance(parsed, IPv4Address):
        return counted_as(address)
    return str(ip_network((parsed, NEIGHBOUR_BITS), strict=False))


def is_trusted(address: str, proxies: Sequence[Network]) -> bool:
    """Say whether an address is one of these proxies."""
    parsed = _parse(address)
    return parsed is not None and _is_in(parsed, proxies)


@lru_cache(MAX_REMEMBERED)
def _alone(peer: str) -> str:
    parsed = _parse(peer)
    return UNKNOWN if parsed is None else str(parsed)


@lru_cache(MAX_REMEMBERED)
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
