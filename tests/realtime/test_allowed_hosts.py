"""Names under which a node is served."""

import pytest

from useby.realtime.allowed_hosts import AllowedHosts


@pytest.mark.parametrize("host", ["useby.example", "USEBY.example:8000", "[::1]", "[::1]:8000"])
def test_a_listed_name_is_allowed_with_any_port_and_case(host: str) -> None:
    assert AllowedHosts(["Useby.example", "[::1]"]).allow(host)


@pytest.mark.parametrize("host", ["", "other.example", "useby.example.org", "[::2]", "::1"])
def test_another_name_is_refused(host: str) -> None:
    assert not AllowedHosts(["useby.example", "[::1]"]).allow(host)


def test_every_name_is_allowed_without_a_list() -> None:
    assert AllowedHosts([]).allow("anything.example")
