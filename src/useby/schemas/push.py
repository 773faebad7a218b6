"""JSON models of Web Push: a browser's subscription, and the key that it is made with."""

from base64 import urlsafe_b64decode
from typing import Annotated, Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from useby.schemas.fields import ApiModel, Form, RequestModel
from useby.schemas.urls import URL_FORM

SUBSCRIPTION_FORM: Final = (
    "must be what PushSubscription.toJSON() returns in a browser, e.g."
    ' {"endpoint": "https://push.example/1", "keys": {"p256dh": "BC…", "auth": "BT…"}}'
)
P256DH_FORM: Final = "must be a public key of the curve P-256 in base64url, 87 characters, e.g. BC…"
AUTH_FORM: Final = "must be 16 bytes in base64url, 22 characters, e.g. BTBZMqHH6r4Tts7J_aSIgg"


def _point(text: str) -> str:
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), _bytes(text))
    except ValueError:
        raise ValueError(P256DH_FORM) from None
    return text


def _auth(text: str) -> str:
    _bytes(text)
    return text


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class SubscriptionKeys(RequestModel):
    """Keys with which messages to a browser are encrypted (RFC 8291)."""

    model_config = ConfigDict(extra="ignore")

    p256dh: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_-]{87}=?$"),
        Form(P256DH_FORM),
        AfterValidator(lambda text: _point(text.rstrip("="))),
    ]
    auth: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}={0,2}$"),
        Form(AUTH_FORM),
        AfterValidator(lambda text: _auth(text.rstrip("="))),
    ]


class Subscription(RequestModel):
    """A browser's subscription, as it writes it. Members that are not named here are ignored."""

    model_config = ConfigDict(extra="ignore")

    endpoint: Annotated[str, StringConstraints(max_length=2000), Form(URL_FORM)]
    keys: SubscriptionKeys

    @property
    def fields(self) -> dict[str, Any]:
        """Return the fields of ``domain.channel.Channel`` that store the subscription."""
        return {"target": self.endpoint, "secret": f"{self.keys.p256dh}.{self.keys.auth}"}


class PushKeyOut(ApiModel):
    """Public key that a browser makes its subscription with."""

    key: Annotated[
        str,
        Field(
            description="The VAPID public key (RFC 8292) in base64url, for"
            " `applicationServerKey`. It stays the same."
        ),
    ]
