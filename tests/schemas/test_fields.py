"""Every type of field: a wrong value is refused with one sentence of ours that has an example."""

import json
from typing import Any

import pytest

from useby.schemas.accounts import LoginIn, MeChange, RefreshIn, SignupIn
from useby.schemas.fields import RequestModel
from useby.schemas.lots import DiscardIn, LotChange, MoveIn, NewLot
from useby.schemas.notifications import NotificationIn, NotificationsIn
from useby.schemas.problems import FieldError
from useby.schemas.products import ProductChange, ProductIn, QuantityIn

GOOD: dict[type[RequestModel], dict[str, Any]] = {
    ProductIn: {"name": "Milk", "expiryDate": "2026-03-04"},
    ProductChange: {},
    QuantityIn: {},
    NotificationIn: {"message": "Hello"},
    NotificationsIn: {"items": [1]},
    SignupIn: {"email": "ada@useby.example", "password": "correct horse"},
    LoginIn: {"email": "ada@useby.example", "password": "correct horse"},
    RefreshIn: {"refreshToken": "x"},
    MeChange: {},
    NewLot: {},
    LotChange: {},
    DiscardIn: {},
    MoveIn: {"location": "Freezer"},
}
"""The smallest object that each model accepts."""
DATE = (
    "must be a date, e.g. 2099-03-04, a month, e.g. 2099-03, or a date-time with its offset,"
    " e.g. 2099-03-04T10:30:00+01:00"
)
QUANTITY = (
    "must be a number greater than 0, of at most 18 digits, 6 of them after the point, e.g. 1.5"
)
PRICE = "must be a number of at least 0, of at most 18 digits, 6 of them after the point, e.g. 1.29"
PAST = (
    "must be a day, e.g. 2026-03-04, or a date-time with its offset, e.g. 2026-03-04T10:30:00+01:00"
)
LEADS = "must be a list of at most 16 whole numbers from 0 to 3650, e.g. [7, 2, 0]"
EMAIL = "must be an e-mail address of at most 254 characters, e.g. ada@useby.example"
MESSAGES: dict[tuple[type[RequestModel], str], str] = {
    (ProductIn, "name"): "must be a text of 1 to 200 characters, e.g. Organic Milk",
    (ProductIn, "expiryDate"): DATE,
    (ProductIn, "category"): "must be a text of at most 100 characters, e.g. Dairy",
    (ProductIn, "barcode"): "must be a text of at most 128 characters, e.g. 4012345678901",
    (ProductIn, "quantity"): QUANTITY,
    (ProductIn, "unit"): "must be a text of at most 32 characters, e.g. kg",
    (ProductIn, "location"): "must be a text of at most 100 characters, e.g. Fridge",
    (ProductIn, "notes"): "must be a text of at most 2000 characters, e.g. Opened on Monday",
    (ProductIn, "dateKind"): "must be 'use_by' or 'best_before'",
    (ProductIn, "leadDays"): LEADS,
    (ProductIn, "externalId"): "must be a text of 1 to 128 characters, e.g. fridge-17",
    (QuantityIn, "quantity"): QUANTITY,
    (ProductIn, "receivedOn"): "must be a day, e.g. 2026-03-04",
    (NewLot, "printedDate"): DATE,
    (NewLot, "lotNumber"): "must be a text of at most 100 characters, e.g. L2026-07",
    (NewLot, "serial"): "must be a text of at most 100 characters, e.g. SN-4711",
    (NewLot, "price"): PRICE,
    (LotChange, "receivedOn"): "must be a day, e.g. 2026-03-04",
    (LotChange, "quantity"): QUANTITY,
    (DiscardIn, "at"): PAST,
    (DiscardIn, "reason"): "must be 'expired', 'spoiled', 'too_much' or 'other'",
    (MoveIn, "location"): "must be a text of at most 100 characters, e.g. Fridge",
    (NotificationIn, "message"): "must be a text of 1 to 1000 characters, e.g. The milk is open",
    (NotificationIn, "type"): "must be 'info', 'warning' or 'error'",
    (NotificationIn, "productName"): "must be a text of at most 200 characters, e.g. Organic Milk",
    (SignupIn, "email"): EMAIL,
    (SignupIn, "timeZone"): "must be an IANA time zone, e.g. Europe/Berlin",
    (MeChange, "alertTime"): "must be a time of day as HH:MM, e.g. 09:00",
    (MeChange, "leadDays"): LEADS,
}
"""Message of a field that is given a truth value."""


def errors_of(model: type[RequestModel], **changed: Any) -> list[FieldError]:
    errors = model.read(GOOD[model] | changed)
    assert isinstance(errors, list), changed
    return errors


@pytest.mark.parametrize("model", GOOD)
def test_each_model_accepts_its_smallest_object(model: type[RequestModel]) -> None:
    assert isinstance(model.read(GOOD[model]), model)


@pytest.mark.parametrize(
    ("model", "field"), MESSAGES, ids=lambda each: getattr(each, "__name__", each)
)
def test_a_value_of_another_type_is_refused_with_the_form_of_the_field(
    model: type[RequestModel], field: str
) -> None:
    (error,) = errors_of(model, **{field: [True]})

    assert error == FieldError(at=field, message=MESSAGES[model, field])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-02-29",
        "2026-13-01",
        "2026-W51-3",
        "2026W513",
        "2026-W51",
        "2026-W51-3T10:30:00Z",
        "2026-350",
        "2026350",
        "20261216",
        "20261216T103000Z",
        "2026-13",
        "2026-3",
        "2026",
        "2026-3-4",
        "04.03.2026",
        "03/04/2026",
        "2026-03-04T",
        "2026-03-04T10",
        "2026-03-04T25:00Z",
        "2026-03-04T24:00Z",
        "2026-03-04T10:30+99:00",
        "2026-03-04x10:30Z",
        "2026-03-04T10:30:00+01:00:30",
        "2026-03-04 ",
        "\u0662\u0660\u0662\u0666-03-04",
        "2" * 41,
    ],
)
def test_a_date_of_another_form_is_refused_with_all_forms(text: str) -> None:
    (error,) = errors_of(ProductIn, expiryDate=text)

    assert error == FieldError(at="expiryDate", message=DATE)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-04",
        "2026-03",
        "2026-03-04T00:00",
        "2026-03-04 00:00:00.000",
        "2026-03-04T10:30Z",
        "2026-03-04 10:30:00+01:00",
        "2026-03-04t10:30:00.000+0100",
        "2026-03-04T10:30:00,5-05",
        "2026-03-04T10:30:00.123456789Z",
    ],
)
def test_a_date_a_month_a_midnight_and_a_date_time_with_an_offset_are_accepted(text: str) -> None:
    assert isinstance(ProductIn.read(GOOD[ProductIn] | {"expiryDate": text}), ProductIn)


@pytest.mark.parametrize(
    ("model", "field", "value", "message"),
    [
        (
            ProductIn,
            "expiryDate",
            "2026-03-04T10:30:00",
            "must have its offset, e.g. 2099-03-04T10:30:00+01:00",
        ),
        (
            ProductIn,
            "expiryDate",
            "1969-12-31",
            "must have a year from 1970 to 9998, e.g. 2099-03-04",
        ),
        (
            ProductIn,
            "expiryDate",
            "9999-12-30",
            "must have a year from 1970 to 9998, e.g. 2099-03-04",
        ),
        (
            ProductIn,
            "barcode",
            "4" * 129,
            "must be a text of at most 128 characters, e.g. 4012345678901",
        ),
        (ProductIn, "notes", "a\0b", "must not contain the character NUL (U+0000)"),
        (ProductIn, "name", "a\0b", "must not contain the character NUL (U+0000)"),
        (ProductIn, "name", "a\x7fb", "must not contain control characters, e.g. U+001B"),
        (ProductIn, "unit", "\u200b", "must have a visible character, e.g. kg"),
        (SignupIn, "email", "\u0130" * 121 + "@useby.example", EMAIL),
        (SignupIn, "email", "nobody", EMAIL),
        (SignupIn, "timeZone", "../../etc/passwd", "must be an IANA time zone, e.g. Europe/Berlin"),
        (MeChange, "alertTime", "9:00", "must be a time of day as HH:MM, e.g. 09:00"),
        (
            MeChange,
            "categories",
            {str(n): {"leadDays": []} for n in range(101)},
            "must have at most 100 categories",
        ),
    ],
)
def test_a_refusal_names_what_is_wrong(
    model: type[RequestModel], field: str, value: Any, message: str
) -> None:
    (error,) = errors_of(model, **{field: value})

    assert error == FieldError(at=field, message=message)


@pytest.mark.parametrize(
    "value", [0, -1, "0.0000001", 10**30, "NaN", "Infinity", "", "one", [], {}]
)
def test_a_quantity_is_refused_with_its_form(value: Any) -> None:
    (error,) = errors_of(QuantityIn, quantity=value)

    assert error == FieldError(at="quantity", message=QUANTITY)


@pytest.mark.parametrize(
    "value", [7, "7", [1.5], [True], [-1], [4000], ["7"], [None], list(range(17))]
)
def test_lead_days_are_refused_with_one_message_for_the_list(value: Any) -> None:
    (error,) = errors_of(ProductIn, leadDays=value)

    assert error == FieldError(at="leadDays", message=LEADS)


ODD = [None, True, 7, 1.5, -1, "", " ", "x", "x" * 3000, "\0", "\ud800", [], [None], {}, {"a": 1}]
FOREIGN = (
    *("Input", "String", "should", "Value error", "Field required", "Extra inputs", "valid", "iso"),
    *("Decimal", "parse", "dictionary", "tuple", "NoneType", "class", "is not as documented", "{"),
)


@pytest.mark.parametrize("model", GOOD)
def test_no_message_has_words_of_a_library(model: type[RequestModel]) -> None:
    fields = [str(field.alias) for field in model.model_fields.values()]
    found = []
    for value in ODD:
        found += read_errors(model, value)
        for field in [*fields, "unexpected"]:
            found += read_errors(model, GOOD[model] | {field: value})
        for field in GOOD[model]:
            found += read_errors(model, {k: v for k, v in GOOD[model].items() if k != field})

    assert found
    for error in found:
        message, _, _ = error.message.partition(", e.g. [{")
        message = message.replace('{"key": "value"}', "")
        assert not any(word in message for word in FOREIGN), error


def read_errors(model: type[RequestModel], value: Any) -> list[FieldError]:
    outcome = model.read(value)
    return outcome if isinstance(outcome, list) else []


def test_every_field_of_a_request_states_its_form_or_its_choices() -> None:
    models: list[type[RequestModel]] = [ProductIn, QuantityIn, NotificationIn, SignupIn, LoginIn]
    models += [RefreshIn, MeChange, NewLot, LotChange, DiscardIn, MoveIn]
    for model in models:
        for field in model.model_fields.values():
            (error, *_) = read_errors(model, GOOD[model] | {str(field.alias): 17.5j})
            assert "must be" in error.message, (model, json.dumps(str(field.alias)))
