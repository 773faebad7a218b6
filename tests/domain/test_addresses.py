"""Addresses to which a node connects for a user."""

from ipaddress import ip_address, ip_network

import pytest
from tests.support.refused_addresses import FORMS

from useby.domain.addresses import is_named, literal, may_connect

PUBLIC = ["1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111"]
ALLOWED = (ip_network("192.168.1.0/24"), ip_network("fd00::/8"))


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_allowed(text: str) -> None:
    assert may_connect(ip_address(text))


@pytest.mark.parametrize("text", [each for group in FORMS.values() for each in group], ids=str)
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
