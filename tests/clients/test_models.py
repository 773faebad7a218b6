"""Responses of a node of an earlier version, which lacks fields that were added later.

covers: useby.client.models, useby.client.shape
"""

import dataclasses
from typing import Any

import pytest

from useby.client import Account, ApiError, Product, Tokens
from useby.client.events import Notification
from useby.client.shape import camel

FIRST: dict[type, dict[str, Any]] = {
    Product: {
        "id": "p",
        "name": "Milk",
        "category": "",
        "barcode": "",
        "quantity": "1",
        "unit": "",
        "location": "",
        "notes": "",
        "expiryDate": "2026-03-04",
        "dateKind": "best_before",
        "status": "fresh",
        "daysLeft": 3,
        "createdAt": "2026-03-01T00:00:00Z",
        "updatedAt": "2026-03-01T00:00:00Z",
    },
    Account: {
        "id": "u",
        "name": "Ada",
        "timeZone": "UTC",
        "alertTime": "09:00",
        "leadDays": [7],
        "categories": {},
        "createdAt": "2026-03-01T00:00:00Z",
    },
    Tokens: {"accessToken": "a", "refreshToken": "r", "expiresIn": 900},
}
"""The fields that every node sends; later versions add none to them."""


@pytest.mark.parametrize("shape", FIRST)
def test_a_response_is_read_without_the_fields_that_were_added_later(shape: Any) -> None:
    read = shape.of(FIRST[shape])
    left_out = [each for each in dataclasses.fields(shape) if camel(each.name) not in FIRST[shape]]
    assert {each.name for each in left_out} == {
        each.name for each in dataclasses.fields(shape) if each.default is not dataclasses.MISSING
    }
    assert all(getattr(read, each.name) == each.default for each in left_out)


@pytest.mark.parametrize("shape", FIRST)
def test_a_field_that_may_be_null_may_be_missing(shape: Any) -> None:
    for field in dataclasses.fields(shape):
        if camel(field.name) not in FIRST[shape]:
            assert ("None" in str(field.type)) == (field.default is None)


@pytest.mark.parametrize("shape", FIRST)
def test_a_response_without_a_field_of_the_first_version_is_an_error_of_the_library(
    shape: Any,
) -> None:
    for name in FIRST[shape]:
        rest = {each: value for each, value in FIRST[shape].items() if each != name}
        with pytest.raises(ApiError, match=f"the response has no {name}"):
            shape.of(rest)


def test_a_field_that_is_not_known_yet_is_ignored() -> None:
    later = {"inventedLater": [1]}
    assert Product.of(FIRST[Product] | later) == Product.of(FIRST[Product])


async def _mark(_: str) -> None: ...


def test_a_notification_is_read_without_the_fields_that_were_added_later() -> None:
    frame = {
        "id": "01a20b6e-fb6e-74c6-933a-68b096b6e89b",
        "message": "Milk expires today",
        "type": "warning",
        "created_at": "2026-03-04T10:30:00Z",
    }
    read = Notification.of(frame, _mark)
    assert read is not None
    assert (read.message, read.product_name, read.seq) == ("Milk expires today", "", None)
