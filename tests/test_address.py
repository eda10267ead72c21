"""The address of a client is what a trusted proxy saw, never what a client wrote."""

import tracemalloc
from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.address import client_address, client_scheme, counted_as

PROXIES = [ip_network(text) for text in ("10.0.0.0/8", "192.0.2.9/32", "2001:db8:1::/48")]


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        pytest.param("198.51.100.1", [], "198.51.100.1", id="no-proxy"),
        pytest.param("198.51.100.1", ["203.0.113.5"], "198.51.100.1", id="not-trusted"),
        pytest.param("10.0.0.1", [], "10.0.0.1", id="says-nothing"),
        pytest.param("10.0.0.1", ["203.0.113.5"], "203.0.113.5", id="trusted"),
        pytest.param("10.0.0.1", ["6.6.6.6, 203.0.113.5"], "203.0.113.5", id="forged-on-the-left"),
        pytest.param("10.0.0.1", ["6.6.6.6", "203.0.113.5"], "203.0.113.5", id="forged-in-a-header-before"),
        pytest.param("10.0.0.1", ["203.0.113.5, 192.0.2.9"], "203.0.113.5", id="two-proxies"),
        pytest.param("10.0.0.1", ["10.0.0.7, 10.0.0.8"], "10.0.0.7", id="all-trusted"),
        pytest.param("10.0.0.1", ["203.0.113.5, rubbish"], "10.0.0.1", id="rubbish"),
        pytest.param("10.0.0.1", ["203.0.113.5, rubbish, 192.0.2.9"], "192.0.2.9", id="rubbish-further-on"),
        pytest.param("10.0.0.1", ["", " , "], "10.0.0.1", id="empty"),
        pytest.param("10.0.0.1", ["203.0.113.5:4711"], "203.0.113.5", id="port"),
        pytest.param("10.0.0.1", ["[2001:db8::5]:4711"], "2001:db8::5", id="ipv6-port"),
        pytest.param("2001:db8:1::1", ["2001:DB8::5"], "2001:db8::5", id="ipv6"),
        pytest.param("::ffff:10.0.0.1", ["::ffff:203.0.113.5"], "203.0.113.5", id="ipv4-in-ipv6"),
        pytest.param("fe80::1%eth0", [], "fe80::1", id="zone"),
        pytest.param("", ["203.0.113.5"], "", id="unix-socket"),
    ],
)
def test_the_client_is_whom_the_last_trusted_proxy_saw(peer: str, said: list[str], client: str) -> None:
    assert client_address(peer, said, PROXIES) == client


def test_nobody_is_believed_when_nobody_is_trusted() -> None:
    assert client_address("127.0.0.1", ["203.0.113.5"], []) == "127.0.0.1"


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "said", "scheme"),
    [
        pytest.param("198.51.100.1", ["203.0.113.5"], ["https"], "http", id="not-trusted"),
        pytest.param("10.0.0.1", [], [], "http", id="says-nothing"),
        pytest.param("10.0.0.1", [], ["https"], "https", id="one-proxy"),
        pytest.param("10.0.0.1", ["203.0.113.5"], ["HTTPS "], "https", id="capitals"),
        pytest.param("10.0.0.1", ["203.0.113.5"], ["https, http"], "http", id="forged-on-the-left"),
        pytest.param("10.0.0.1", ["203.0.113.5"], ["https", "http"], "http", id="forged-in-a-header-before"),
        pytest.param("10.0.0.1", ["203.0.113.5, 192.0.2.9"], ["https,http"], "https", id="two-proxies-add"),
        pytest.param(
            "10.0.0.1", ["203.0.113.5", "192.0.2.9"], ["https", "http"], "https", id="in-two-headers"
        ),
        pytest.param("10.0.0.1", ["203.0.113.5, 192.0.2.9"], ["https"], "https", id="two-proxies-replace"),
        pytest.param(
            "10.0.0.1", ["1.1.1.1, 203.0.113.5, 192.0.2.9"], ["https,http,http"], "http", id="forged-too"
        ),
        pytest.param("10.0.0.1", ["203.0.113.5, 198.51.100.7"], ["https,http"], "http", id="one-not-trusted"),
        pytest.param("10.0.0.1", ["203.0.113.5"], ["wss"], "http", id="no-scheme-of-http"),
        pytest.param("10.0.0.1", ["rubbish"], ["https"], "https", id="rubbish"),
        pytest.param("", [], ["https"], "http", id="unix-socket"),
    ],
)
def test_the_scheme_is_what_the_outermost_trusted_proxy_saw(
    peer: str, forwarded_for: list[str], said: list[str], scheme: str
) -> None:
    assert client_scheme("http", peer, forwarded_for, said, PROXIES) == scheme


def test_what_strangers_write_in_place_of_addresses_is_not_remembered() -> None:
    tracemalloc.start()
    try:
        for number in range(100):
            said = f"{number}{'x' * 30_000}"
            client_address("10.0.0.1", [f"{said}, 203.0.113.5"], PROXIES)
            client_address("198.51.100.1", [said], PROXIES)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 10 * 30_000


@settings(max_examples=50)
@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=3))
def test_no_text_raises(peer: str, said: list[str]) -> None:
    counted_as(client_address(peer, said, PROXIES))
    client_address("10.0.0.1", said, PROXIES)
    assert client_scheme("http", "10.0.0.1", said, said, PROXIES) in {"http", "https"}


def test_ipv6_is_counted_by_64_bits() -> None:
    assert counted_as("2001:db8:1:2:3:4:5:6") == counted_as("2001:db8:1:2::") == "2001:db8:1:2::/64"
    assert counted_as("2001:db8:1:3::") != counted_as("2001:db8:1:2::")
    assert (counted_as("192.0.2.1"), counted_as("")) == ("192.0.2.1", "")
