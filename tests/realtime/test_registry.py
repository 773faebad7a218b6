"""The connections of a node, without any connection."""

from typing import cast

from useby.realtime.registry import Registry
from useby.realtime.session import Session
from useby.realtime.socket import Socket


class FakeSocket:
    """Whatever the registry reads of a connection."""

    def __init__(self, user_id: str = "", *, extended: bool = False) -> None:
        self.session = Session(user_id, extended=extended)


def a_socket(user_id: str = "", *, extended: bool = False) -> Socket:
    return cast("Socket", FakeSocket(user_id, extended=extended))


def test_a_connection_is_counted_from_add_to_discard() -> None:
    registry, socket = Registry(), a_socket()
    registry.add(socket)
    assert (len(registry), registry.empty.is_set()) == (1, False)

    registry.discard(socket)
    registry.discard(socket)

    assert (len(registry), registry.empty.is_set()) == (0, True)


def test_a_user_has_the_connections_that_are_registered_for_them() -> None:
    registry, ada, eve = Registry(), a_socket("ada"), a_socket("eve")
    registry.register(ada, "ada")
    registry.register(eve, "eve")

    assert set(registry.of("ada")) == {ada}
    assert set(registry.users) == {"ada", "eve"}
    assert registry.of("bob") == ()


def test_only_the_first_and_the_last_connection_of_a_user_are_reported() -> None:
    registry, sockets = Registry(), [a_socket("ada") for _ in range(3)]

    assert [registry.register(socket, "ada") for socket in sockets] == [True, False, False]
    assert [registry.unregister(socket) for socket in sockets] == [False, False, True]
    assert not registry.users


def test_a_connection_may_be_unregistered_twice_or_without_being_registered() -> None:
    registry, socket, other = Registry(), a_socket("ada"), a_socket("ada")
    registry.register(other, "ada")

    assert not registry.unregister(socket)
    assert not registry.unregister(a_socket())
    assert registry.unregister(other)
    assert not registry.unregister(other)


def test_extended_sessions_of_a_user_are_found() -> None:
    registry, plain, extended = Registry(), a_socket("ada"), a_socket("ada", extended=True)
    registry.register(plain, "ada")
    registry.register(extended, "ada")

    assert registry.extended("ada") == [extended]
    assert registry.extended("eve") == []
