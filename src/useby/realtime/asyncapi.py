"""Build the AsyncAPI 3 document of the WebSocket from ``schemas.frames`` and from encoded frames.

https://www.asyncapi.com/docs/reference/specification/v3.0.0; the channel's WebSocket binding has
the query and the headers of the handshake.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from useby.domain.notification import Cause, Item, Notification, Severity
from useby.realtime import closes, frames
from useby.realtime.upgrade import EXTENDED, PATH
from useby.schemas import frames as shapes
from useby.schemas.products import ProductOut

_REF: Final = "#/components/schemas/{model}"
_CHANNEL: Final = "notifications"
_ID: Final = "01a20b6e-fb6e-74c6-933a-68b096b6e89b"
_NOW: Final = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
_SAMPLE: Final = Notification(
    id=_ID,
    user_id="ada",
    seq=17,
    message="Organic Milk expires in 2 days",
    kind=Severity.WARNING,
    event=Cause.EXPIRING,
    product_name="Organic Milk",
    created_at=_NOW,
    product_id="01a20b6e-fb6e-74c6-933a-68b096b6e89c",
    expires_on=date(2026, 3, 6),
    days_left=2,
)
_SUMMARY: Final = _SAMPLE._replace(
    message="6 products need attention: Ham expired yesterday, Milk expires today,"
    " Eggs expires tomorrow, and 3 more",
    kind=Severity.ERROR,
    event=Cause.SUMMARY,
    product_name="",
    product_id=None,
    expires_on=None,
    days_left=None,
    items=(Item(_ID, _ID, "Ham expired yesterday", Severity.ERROR),),
)
_EXAMPLES: Final[Mapping[type, bytes]] = {
    shapes.Established: frames.established("ada"),
    shapes.Notification: frames.notification(_SAMPLE),
    shapes.Pong: frames.PONG,
    shapes.ExtendedEstablished: frames.established("ada", unread=1, expires_at=_NOW, seq=17),
    shapes.ExtendedNotification: frames.extended_notification(_SAMPLE),
    shapes.Summary: frames.extended_notification(_SUMMARY),
    shapes.Read: frames.read([_ID], 0),
    shapes.UnreadCount: frames.read([], 0),
    shapes.TokenExpiring: frames.token_expiring(_NOW),
    shapes.Authenticated: frames.authenticated(_NOW),
    shapes.Rejected: frames.rejected("no id", "mark_read"),
}
_SESSIONS: Final = {
    "Plain": ("any client", shapes.PLAIN, shapes.PLAIN_ACTIONS),
    "Extended": (
        f"a client that offers the subprotocol `{EXTENDED.decode()}`, and is echoed it",
        shapes.EXTENDED,
        shapes.EXTENDED_ACTIONS,
    ),
}


def document(*, version: str) -> dict[str, Any]:
    """Return the whole document of this version of useby."""
    messages = {"Ping": _ping()}
    for _, sent, understood in _SESSIONS.values():
        messages |= {shape.__name__: _message(shape) for shape in (*sent, *understood)}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "useby",
            "version": version,
            "description": "Notifies all devices of a user at once about products that expire.",
        },
        "defaultContentType": "application/json",
        "servers": {protocol: _server(protocol) for protocol in ("ws", "wss")},
        "channels": {
            _CHANNEL: {
                "address": PATH.decode(),
                "title": "Notifications of a user",
                "description": _channel_text(),
                "messages": messages,
                "bindings": {"ws": _handshake()},
                "x-closes": [
                    {"code": each.code, "reason": each.reason, "comeBack": each.retryable}
                    for each in closes.ALL
                ],
            }
        },
        "operations": _operations(),
        "components": {"schemas": _schemas(), "securitySchemes": _SECURITY},
    }


def _schemas() -> dict[str, Any]:
    shown: list[type] = [ProductOut]  # PRODUCT frames contain it
    for _, sent, understood in _SESSIONS.values():
        shown += [*sent, *understood]
    adapters: list[tuple[type, JsonSchemaMode, TypeAdapter[Any]]] = [
        (each, "serialization", TypeAdapter(each)) for each in dict.fromkeys(shown)
    ]
    _, made = TypeAdapter.json_schemas(adapters, ref_template=_REF)
    schemas: dict[str, Any] = made["$defs"]
    return schemas


def _message(shape: type) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": shape.__name__,
        "summary": shape.__doc__,
        "payload": {"$ref": _REF.format(model=shape.__name__)},
    }
    if frame := _EXAMPLES.get(shape):
        message["examples"] = [{"payload": json.loads(frame[frame.index(b'{"') :])}]
    return message


def _ping() -> dict[str, Any]:
    return {
        "name": "Ping",
        "summary": "Checks that the connection works. Exactly this text, which is not JSON.",
        "contentType": "text/plain",
        "payload": {"type": "string", "const": "PING"},
    }


def _operations() -> dict[str, Any]:
    """Return the send and receive operations of both kinds of session."""
    operations = {}
    for name, (peer, sent, understood) in _SESSIONS.items():
        for action, names in (
            ("send", [shape.__name__ for shape in sent]),
            ("receive", ["Ping", *(shape.__name__ for shape in understood)]),
        ):
            operations[action + name] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{_CHANNEL}"},
                "summary": f"{'To' if action == 'send' else 'From'} {peer}.",
                "messages": _refs(names),
            }
    return operations


def _refs(names: Iterable[str]) -> list[dict[str, str]]:
    return [{"$ref": f"#/channels/{_CHANNEL}/messages/{name}"} for name in names]


_SECURITY: Final = {
    "query": {
        "type": "httpApiKey",
        "in": "query",
        "name": "access_token",
        "description": "An access token, or a one-use ticket of `POST /api/ws/ticket`.",
    },
    "header": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The same, for other clients than browsers. Two different ones are refused.",
    },
}


def _server(protocol: str) -> dict[str, Any]:
    return {
        "host": "{host}",
        "protocol": protocol,
        "variables": {"host": {"default": "localhost:8000", "description": "The node's address."}},
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY],
    }


def _handshake() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "bindingVersion": "0.1.0",
        "method": "GET",
        "query": {
            "type": "object",
            "properties": {
                "access_token": text | {"description": _SECURITY["query"]["description"]},
                "since": text
                | {
                    "format": "uuid",
                    "description": "Id of a notification: all newer ones, read or not, are sent"
                    " instead of the unread ones.",
                },
            },
        },
        "headers": {
            "type": "object",
            "properties": {
                "Authorization": text | {"pattern": "^Bearer "},
                "Sec-WebSocket-Protocol": text | {"enum": [EXTENDED.decode()]},
            },
        },
    }


def _channel_text() -> str:
    return "\n".join(
        (
            "The handshake is answered with 101; a token that is not valid is refused by a close.",
            "The first message is `Established`, then every unread notification follows, oldest",
            "first, then new ones as they are stored. Unknown messages of a client are ignored.",
            "",
            "| close | reason | reconnect with the same token? |",
            "|---|---|---|",
            *(
                f"| {each.code} | {each.reason} | {'yes' if each.retryable else 'no'} |"
                for each in closes.ALL
            ),
        )
    )
