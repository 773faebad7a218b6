"""Messages of errors: pydantic's types of errors, the length of an answer, no value sent."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from useby.schemas.problems import (
    ERROR_BYTES,
    MOST_ERRORS,
    FieldError,
    field_errors,
    sentences,
    shared_out,
)


class Box(BaseModel):
    number: int
    items: list[str] = []


def errors_of(**values: Any) -> list[FieldError]:
    with pytest.raises(ValidationError) as caught:
        Box.model_validate(values)
    return field_errors(caught.value.errors())


@pytest.mark.parametrize(
    ("kind", "context", "message"),
    [
        ("missing", None, "is missing"),
        ("extra_forbidden", None, "is not a field of this request"),
        ("int_parsing", None, "must be a whole number, e.g. 7"),
        ("string_too_short", {"min_length": 8}, "needs at least 8 characters"),
        ("greater_than_equal", {"ge": 1}, "must be at least 1, e.g. 1"),
        ("less_than_equal", {"le": 500}, "must be at most 500, e.g. 500"),
        ("enum", {"expected": "'info' or 'error'"}, "must be 'info' or 'error'"),
        ("model_attributes_type", None, 'must be an object, e.g. {"key": "value"}'),
        ("url_parsing", {"error": "relative URL without a base"}, "is not as documented"),
    ],
)
def test_an_error_has_a_message_of_ours(
    kind: Any, context: dict[str, Any] | None, message: str
) -> None:
    error = {"type": kind, "loc": ("a", 1), "msg": "Input should be", "input": "secret"}

    (found,) = field_errors([error if context is None else error | {"ctx": context}])

    assert found == FieldError(at="a.1", message=message)


def test_only_the_first_errors_are_listed_and_no_value_that_was_sent() -> None:
    errors = errors_of(number="hunter2", items=[7] * 100)

    assert len(errors) == MOST_ERRORS
    assert "hunter2" not in str(errors)


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        ("body.password", "The password is wrong."),
        ("body.email", "The e-mail is wrong."),
        ("body.items.3.expiryDate", "The expiry date is wrong."),
        ("query.limit", "The limit is wrong."),
        ("body", "The body is wrong."),
        ("body.17", "The body is wrong."),
    ],
)
def test_a_sentence_for_a_person_names_the_field_in_words(at: str, sentence: str) -> None:
    assert sentences([FieldError(at=at, message="is wrong")]) == sentence


def test_sentences_for_a_person_are_three_at_most() -> None:
    errors = [FieldError(at=f"body.n{n}", message="is missing") for n in range(20)]

    assert sentences(errors).count(".") == 3


def test_a_long_key_is_shortened_and_a_lone_surrogate_replaced() -> None:
    error = {"type": "missing", "loc": ("x" * 100, "\ud800"), "msg": "Field required"}

    (found,) = field_errors([error])

    assert found.at == "x" * 63 + "….?"


def test_the_first_errors_of_all_items_precede_any_second() -> None:
    item = [FieldError(at="name", message="x" * 200), FieldError(at="unit", message="y" * 200)]

    shown = shared_out([item] * 200)

    assert all(errors[0].at == "name" for errors in shown)
    assert sum(len(errors) for errors in shown) < 400
    assert sum(len(error.model_dump_json()) for errors in shown for error in errors) < ERROR_BYTES
