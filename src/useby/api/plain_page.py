"""Pages of plain HTML, for links of mails: they work without script."""

from html import escape
from http import HTTPStatus
from typing import Final

from starlette.responses import HTMLResponse

from useby.api.errors import Problem, with_wait

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    # The address contains a token. With `no-referrer`, browsers send `Origin: null` with the form.
    "Referrer-Policy": "strict-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_DOCUMENT: Final = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>{title} - useby</title>
  <link rel="icon" type="image/svg+xml" href="../web/icon.svg">
  <link rel="stylesheet" href="../web/style.css">
  <link rel="stylesheet" href="../web/forms.css">
</head>
<body>
  <header class="top"><p class="top__name"><a href="../">useby</a></p></header>
  <main class="content">
    <section class="signin">
      <h1>{title}</h1>
{body}
    </section>
  </main>
</body>
</html>
"""


def page(title: str, *body: str, status: HTTPStatus = HTTPStatus.OK) -> HTMLResponse:
    """Return a page.

    Args:
        title: Its heading.
        body: Elements, as the functions of this module return them.
        status: The status of the answer.
    """
    text = _DOCUMENT.format(title=escape(title), body="\n".join(body))
    return HTMLResponse(text, status, HEADERS)


def refusal(title: str, refused: Problem, *more: str) -> HTMLResponse:
    """Return the page that answers with a problem, in its words.

    Args:
        title: The heading.
        refused: The problem.
        more: Elements below.
    """
    text = with_wait(refused.detail, refused.headers)
    answer = page(title, error(text), *more, status=refused.status)
    answer.headers.update(refused.headers)
    return answer


def paragraph(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>"


def error(text: str) -> str:
    """Return a paragraph that screen readers read at once."""
    return f'<p class="error" role="alert">{escape(text)}</p>'


def link(text: str, address: str) -> str:
    """Return a paragraph that is a link."""
    return f'<p><a href="{escape(address)}">{escape(text)}</a></p>'


def form(button: str, *fields: str) -> str:
    """Return a form that is sent to the address of its own page, with the query."""
    inner = "".join(fields)
    return (
        f'<form method="post">{inner}<div class="row">'
        f'<button class="button button--main">{escape(button)}</button></div></form>'
    )


def field(label: str, name: str, kind: str, autocomplete: str, hint: str = "") -> str:
    """Return an empty field of a form.

    Args:
        label: The field's name for people.
        name: Its name in the form.
        kind: Its type in HTML.
        autocomplete: What a browser may fill in.
        hint: A text below the field.
    """
    described = f' aria-describedby="{name}-hint"' if hint else ""
    shown = f'<p class="hint" id="{name}-hint">{escape(hint)}</p>' if hint else ""
    return (
        f'<div class="field"><label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" name="{name}" type="{kind}" autocomplete="{autocomplete}" required'
        f"{described}>{shown}</div>"
    )
