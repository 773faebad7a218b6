"""Names under which a node is served, as ``USEBY_ALLOWED_HOSTS`` lists them."""

from collections.abc import Iterable


class AllowedHosts:
    """Checks ``Host`` headers; without a list, every one is allowed."""

    def __init__(self, names: Iterable[str]) -> None:
        """Store the names, without ports; case does not matter."""
        self._names = frozenset(name.lower() for name in names)

    def allow(self, host: str) -> bool:
        """Return whether the value of a ``Host`` header is allowed; its port is ignored."""
        return not self._names or without_port(host).lower() in self._names


def without_port(host: str) -> str:
    """Return the name or address in a ``Host`` header; that of IPv6 keeps its brackets."""
    if host.startswith("["):  # an IPv6 address
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
