"""Addresses to which a node connects for a user."""

from ipaddress import ip_address, ip_network

import pytest

from useby.domain.addresses import is_named, literal, may_connect

PUBLIC = ["1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111"]
REFUSED = {
    "loopback": ["127.0.0.1", "127.8.9.1", "::1"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12::1"],
    "link-local": ["169.254.1.1", "fe80::1", "fe80::1%eth0", "fec0::1"],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"],
    "carrier-grade NAT": ["100.64.0.1", "100.127.255.255"],
    "metadata": ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"],
    "reserved": ["192.0.0.192", "198.18.0.1", "203.0.113.1", "240.0.0.1", "255.255.255.255"],
    "documentation": ["192.0.2.1", "198.51.100.1", "2001:db8::1"],
    "mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"],
    "translated": ["::ffff:0:10.0.0.1"],
    "compatible": ["::127.0.0.1", "::10.0.0.1"],
    "NAT64": ["64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"],
    "6to4": ["2002:7f00:1::", "2002:0a00:0001::1", "2002:a9fe:a9fe::1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "ISATAP": ["2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:192.168.1.1"],
}
ALLOWED = (ip_network("192.168.1.0/24"), ip_network("fd00::/8"))


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_allowed(text: str) -> None:
    assert may_connect(ip_address(text))


@pytest.mark.parametrize("text", [each for group in REFUSED.values() for each in group], ids=str)
def test_every_other_address_is_refused(text: str) -> None:
    assert not may_connect(ip_address(text))


@pytest.mark.parametrize("text", ["::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:0101:0101::1"])
def test_a_form_that_embeds_a_public_address_is_allowed(text: str) -> None:
    assert may_connect(ip_address(text))


@pytest.mark.parametrize("text", ["192.168.1.7", "::ffff:192.168.1.7", "fd00:ec2::254"])
def test_an_address_of_a_network_that_the_operator_names_is_allowed(text: str) -> None:
    assert may_connect(ip_address(text), ALLOWED)
    assert is_named(ip_address(text), ALLOWED)


@pytest.mark.parametrize("text", ["192.168.2.7", "10.0.0.1", "::ffff:192.168.2.7", "::1"])
def test_an_address_beside_that_network_is_refused(text: str) -> None:
    assert not may_connect(ip_address(text), ALLOWED)
    assert not is_named(ip_address(text), ALLOWED)


def test_a_host_is_an_address_or_a_name() -> None:
    assert literal("[::1]") == ip_address("::1")
    assert literal("127.0.0.1") == ip_address("127.0.0.1")
    assert literal("app.example") is None
    assert literal("0x7f000001") is None  # the resolver makes an address of it
