"""Answers of a resolver, as a test wants them."""

import socket
from typing import Any

import pytest


class Resolver:
    """Answers that a name gets, the first to its first look-up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **names: list[list[str]]) -> None:
        self.asked: list[str] = []
        real = socket.getaddrinfo

        def getaddrinfo(host: Any, port: Any, *more: Any, **options: Any) -> Any:
            answers = names.get(str(host))
            if answers is None:
                return real(host, port, *more, **options)
            self.asked.append(str(host))
            found = answers[min(len(self.asked), len(answers)) - 1]
            return [
                (
                    socket.AF_INET6 if ":" in each else socket.AF_INET,
                    socket.SOCK_STREAM,
                    6,
                    "",
                    (each, port),
                )
                for each in found
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
