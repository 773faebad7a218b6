"""Join the fragments of a message (RFC 6455 section 5.4). Pure."""


class TooManyFragments(Exception):  # noqa: N818 - named after the condition
    """A message has more fragments than the limit."""


class MessageAssembler:
    """The fragments of one message. ``Wire`` has checked their order and their total size."""

    __slots__ = ("_fragments", "_message", "_most")

    def __init__(self, max_fragments: int) -> None:
        """Create an assembler without fragments."""
        self._most = max_fragments
        self._fragments = 0
        self._message = bytearray()

    def __len__(self) -> int:
        """Return the bytes collected."""
        return len(self._message)

    def add(self, data: bytes | bytearray | memoryview, *, final: bool) -> bytearray | None:
        """Add a fragment.

        Returns:
            The whole message, if this is its final fragment.

        Raises:
            TooManyFragments: The limit is exceeded. The message cannot be completed any more.
        """
        if self._fragments == self._most:
            raise TooManyFragments
        self._fragments += 1
        self._message += data
        return self._message if final else None
