"""Pages to which links of mails lead: GET shows what will happen, POST does it.

Programs that check mails open each link, so GET changes nothing.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, Response

from useby.api import address_pages, password_links
from useby.api.context import context_of
from useby.api.errors import Problem
from useby.api.plain_page import error, field, form, link, page, paragraph, refusal
from useby.schemas.accounts import ForgotIn, ResetIn
from useby.schemas.fields import LEAST_PASSWORD, RequestModel
from useby.schemas.problems import sentences

Model = TypeVar("Model", bound=RequestModel)

MOST_FIELDS: Final = 8
FORGOT: Final = "Forgot your password?"
RESET: Final = "Choose a new password"
SIGN_IN: Final = link("Sign in", "../")
_FORGOT_FORM: Final = form("Send a link", field("E-mail", "email", "email", "username"))
_RESET_FORM: Final = form(
    "Set the password",
    field(
        "New password",
        "password",
        "password",
        "new-password",
        f"At least {LEAST_PASSWORD} characters",
    ),
)


def install(api: FastAPI) -> None:
    """Serve the pages below ``/mail``."""
    for path, show, act in (
        ("/mail/forgot", show_forgot, forgot),
        ("/mail/reset", show_reset, reset),
        ("/mail/confirm", address_pages.show_confirm, address_pages.confirm),
        ("/mail/unsubscribe", address_pages.show_unsubscribe, address_pages.unsubscribe),
    ):
        api.add_route(path, show, include_in_schema=False)
        api.add_route(path, act, methods=["POST"], include_in_schema=False)


async def show_forgot(request: Request) -> Response:
    """Return the form that asks for a mail."""
    if context_of(request).mail is None:
        return page(FORGOT, error(password_links.NO_MAIL), status=HTTPStatus.FORBIDDEN)
    text = "We send a link for a new password to the e-mail address of your account."
    return page(FORGOT, paragraph(text), _FORGOT_FORM)


async def forgot(request: Request) -> Response:
    """Have a mail sent, as ``POST /api/auth/forgot``."""
    try:
        given = _read(ForgotIn, await _form_of(request))
        password_links.request_link(context_of(request), request, given)
    except Problem as refused:
        return refusal(FORGOT, refused, _FORGOT_FORM)
    return page(FORGOT, paragraph(password_links.ACCEPTED), SIGN_IN, status=HTTPStatus.ACCEPTED)


async def show_reset(request: Request) -> Response:  # noqa: ARG001 - the interface of Starlette
    """Return the form that sets a password; the token is checked when it is sent."""
    return page(RESET, _RESET_FORM)


async def reset(request: Request) -> Response:
    """Set a password, as ``POST /api/auth/reset``."""
    try:
        values = {**await _form_of(request), "token": request.query_params.get("token", "")}
        await password_links.use_link(context_of(request), request, _read(ResetIn, values))
    except Problem as refused:
        is_used = refused.status is HTTPStatus.FORBIDDEN
        again = link(FORGOT, "forgot") if is_used else _RESET_FORM
        return refusal(RESET, refused, again)
    text = "The new password is set, and every sign-in of the account has ended."
    return page("Your password is set", paragraph(text), SIGN_IN)


async def _form_of(request: Request) -> Mapping[str, str]:
    """Return the fields of a form; those of a body that is none are missing."""
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}


def _read(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Validate the fields of a form as the JSON of the same request.

    Raises:
        Problem: 422, with the reason.
    """
    found = model.read(values)
    if isinstance(found, list):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentences(found))
    return found
