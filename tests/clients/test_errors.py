"""Every exception of the client has one base, is exported and stands in the hierarchy.

covers: useby.client.errors
"""

import ast
import importlib
import inspect
import pkgutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import useby.client
from useby.client import Api, ApiError, Error, NoResponse, NotSignedIn, Unavailable, errors
from useby.client.errors import BY_STATUS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "clients.md").read_text()
ARGUMENT_ERRORS = {"ValueError", "TypeError"}
"""Built-in exceptions for wrong arguments."""
MODULES = [
    importlib.import_module(f"useby.client.{module.name}")
    for module in pkgutil.iter_modules(useby.client.__path__)
]
EXCEPTIONS = {
    value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type)
    and issubclass(value, BaseException)
    and value.__module__.startswith("useby.")
}


def raised() -> Iterator[str]:
    """Yield the name of each exception that a ``raise`` of the package creates."""
    for module in MODULES:
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                yield ast.unparse(node.exc.func)


def test_every_exception_of_the_package_is_an_error_of_the_client() -> None:
    assert len(EXCEPTIONS) >= 13
    assert all(issubclass(exception, Error) for exception in EXCEPTIONS)
    assert {exception.__module__ for exception in EXCEPTIONS} == {"useby.client.errors"}


@pytest.mark.parametrize("exception", EXCEPTIONS, ids=lambda exception: exception.__name__)
def test_an_exception_is_exported_and_documented(exception: type[Error]) -> None:
    assert getattr(useby.client, exception.__name__) is exception
    assert exception.__name__ in useby.client.__all__
    assert f"`{exception.__name__}" in PAGE.split("## Errors")[1].split("\n## ")[0]
    assert exception.__doc__


def test_the_hierarchy_at_the_top_of_the_module_is_the_real_one() -> None:
    drawn = [
        (len(line) - len(line.lstrip(" │├└─")), line.strip(" │├└─").split()[0])
        for line in (errors.__doc__ or "").splitlines()
        if "─" in line
    ]
    parents: dict[str, str] = {}
    path: list[tuple[int, str]] = [(0, "Exception")]
    for depth, name in drawn:
        while path[-1][0] >= depth:
            path.pop()
        parents[name] = path[-1][1]
        path.append((depth, name))
    assert parents == {
        exception.__name__: exception.__bases__[0].__name__ for exception in EXCEPTIONS
    }


def test_the_package_raises_nothing_else() -> None:
    names = set(raised())
    ours = {name for name in names if isinstance(getattr(errors, name, None), type)}
    assert {"ConnectionRejected", "FlushInterrupted", "NoResponse"} <= ours
    assert names - ours - {"_error"} == ARGUMENT_ERRORS


def test_each_status_has_its_exception_and_any_other_the_base() -> None:
    assert issubclass(Unavailable, ApiError)
    assert inspect.getmro(Unavailable)[1:3] == (ApiError, Error)
    assert {BY_STATUS[status] for status in (502, 503, 504)} == {Unavailable}
    assert (
        str(ApiError(418, "No tea.", [("name", "is empty")])) == "HTTP 418. No tea. name: is empty"
    )


async def test_a_node_that_is_away_is_an_error_of_the_client() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    async with Api(f"http://127.0.0.1:{port}", tokens="t0k") as api:
        with pytest.raises(NoResponse) as caught:
            await api.me()
    assert "t0k" not in str(caught.value)


async def test_a_token_without_a_sign_in_is_an_error_of_the_client() -> None:
    async with Api("http://127.0.0.1:9") as api:
        with pytest.raises(NotSignedIn):
            await api.token()
        with pytest.raises(NotSignedIn):
            await api.refresh()
