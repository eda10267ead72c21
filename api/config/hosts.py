"""The names of hosts and origins, in the form in which browsers send them. Pure."""

import re
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

import idna

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""The names by which a machine reaches itself. A server answers to them wherever it listens."""
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def host_of(url: str) -> str:
    """Return the host of an address or an origin in normal form, an IPv6 address without brackets."""
    return urlsplit(url).hostname or ""


def normal_origin(text: str, *, with_path: bool = False) -> str:
    """Return an origin as browsers write it: lower case, IDN as `xn--`, no default port, no path (RFC 6454, section 6).

    With `with_path` a path may follow, which is left out. Raises `ValueError` for what no browser sends.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("must look like https://chat.example.org") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or _has_more(parts, text, with_path=with_path):
        shape = "https://chat.example.org, with no user, query or fragment"
        raise ValueError(f"must look like {shape}" + ("" if with_path else ", and no path"))
    host = normal_host(parts.hostname)
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in {None, DEFAULT_PORTS[parts.scheme]} else f":{port}")


def _has_more(parts: SplitResult, text: str, *, with_path: bool) -> bool:
    return "@" in parts.netloc or "?" in text or "#" in text or not (with_path or parts.path in {"", "/"})


def normal_host(text: str) -> str:
    """Return a host name as browsers write it, an IPv6 address without brackets. Raises `ValueError`."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        address = ip_address(bare)
    except ValueError:
        pass
    else:
        if isinstance(address, IPv6Address) and (address.ipv4_mapped or address.scope_id):
            raise ValueError("has an IPv6 address in a form that browsers do not send")
        return str(address)
    try:
        name = idna.encode(text, uts46=True).decode() if not text.isascii() else text.lower()
    except idna.IDNAError:
        name = ""
    labels = name.removesuffix(".").split(".")
    if not all(re.fullmatch(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", label) for label in labels):
        raise ValueError("has a host name that does not exist in this form; a host has no scheme and no port")
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        raise ValueError("has an IPv4 address that is not written as four numbers")
    return name


def local_url(host: str, port: int) -> str:
    """Return the address to open in a browser on this machine, of a server that listens on `host`."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"
