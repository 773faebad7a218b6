"""The part of RFC 6455 that a load generator needs: small frames out, whole frames in."""

import base64
import os
import struct

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_MASK = b"\x00\x00\x00\x00"
"""Masks protect proxies by being unpredictable; there is no proxy here, and XOR with 0 is free."""
_MEDIUM, _LARGE = 126, 127


def upgrade(host: str, port: int, target: str, protocol: str) -> bytes:
    """Return a handshake's request."""
    key = base64.b64encode(os.urandom(16)).decode()
    offered = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
    return (
        f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"{offered}\r\n"
    ).encode()


def client_frame(opcode: int, payload: bytes) -> bytes:
    """Return a client's frame of less than 64 KiB."""
    size = len(payload)
    if size < _MEDIUM:
        return bytes((0x80 | opcode, 0x80 | size)) + _MASK + payload
    return struct.pack("!BBH", 0x80 | opcode, 0x80 | _MEDIUM, size) + _MASK + payload


def frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return the whole frames at the beginning of ``data``, and the rest of it."""
    found = []
    start, size = 0, len(data)
    while size - start >= 2:  # noqa: PLR2004 - the smallest header
        length, begins = data[start + 1] & 0x7F, start + 2
        if length == _MEDIUM:
            if size < begins + 2:
                break
            length, begins = (data[begins] << 8) | data[begins + 1], begins + 2
        elif length == _LARGE:
            if size < begins + 8:
                break
            length, begins = int.from_bytes(data[begins : begins + 8]), begins + 8
        if size < begins + length:
            break
        found.append((data[start] & 0x0F, data[begins : begins + length]))
        start = begins + length
    return found, data[start:]
