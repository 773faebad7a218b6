"""The node's reasons on a page in German: each text belongs to a sentence that the node answers."""

import ast
import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from playwright.async_api import Browser, Route, expect
from tests.support.pages import (
    EMAIL,
    FOLDER,
    PASSWORD,
    a_window,
    add,
    connection,
    day,
    message,
    opened,
    person,
    row,
    sign_up,
)
from tests.support.process_node import NodeProcess

KNOWN: Final = frozenset(
    re.findall(r'^  "([^"]+)":', (FOLDER / "text" / "reasons_de.js").read_text(), re.MULTILINE)
)
"""The reasons that have a text in German."""
FORMS: Final = (FOLDER / "text" / "reason_forms_de.js").read_text().split("export const FIELDS")[0]
"""The sentences, and parts of them, with figures, dates and fields."""
BY_SOCKET: Final = {"Access revoked", "Access token expired"}


async def test_each_reason_with_a_text_in_german_is_one_that_the_node_gives(
    server: NodeProcess,
) -> None:
    async with server.rest() as rest:
        await sign_up(rest)
        used, thrown = [await add(rest, name, 2) for name in ("Milk", "Ham")]
        path = "/api/products/{}?include=lots"
        milk, ham = [
            (await rest.get(path.format(each["id"]))).json()["lots"][0]["id"]
            for each in (used, thrown)
        ]
        requests: list[tuple[str, dict[str, object]]] = [
            ("auth/signup", {"email": "x", "password": PASSWORD}),
            ("auth/signup", {"email": "bob@useby.example", "password": "short"}),
            ("products", {"name": "", "expiryDate": None}),
            ("products", {"name": "Tea", "expiryDate": None, "quantity": "two"}),
            ("products", {"name": "Tea", "expiryDate": None, "unit": "u" * 33}),
            (f"lots/{milk}/consume", {"quantity": "9"}),
            ("lots/none/consume", {}),
            ("invitations/none/accept", {}),
        ]
        answers = [await rest.post(f"/api/{path}", json=body) for path, body in requests]
        for text in ("31/02/2027", "bananas", "2027-03-04T10:00"):
            given = {"text": text, "today": "2026-12-01"}
            answers.append(await rest.get("/api/dates", params=given))
        taken = (await rest.post(f"/api/lots/{milk}/consume", json={})).json()["movements"][-1]
        await rest.post(f"/api/lots/{ham}/discard", json={})
        for lot, deed in ((milk, "consume"), (milk, "move"), (ham, "move")):
            where = {"location": "Fridge"} if deed == "move" else {}
            answers.append(await rest.post(f"/api/lots/{lot}/{deed}", json=where))
        for _ in range(2):
            undone = await rest.post(f"/api/movements/{taken['id']}/undo")
        answers += [undone, await rest.get("/api/products/none")]
        other = {"email": EMAIL, "password": "another password"}
        change = {"password": PASSWORD, "currentPassword": "another password"}
        answers.append(await rest.patch("/api/me", json=change))
        answers.append(await rest.post("/api/auth/login", json=other))
        reasons = {each.json().get("detail", each.text) for each in answers}
        assert KNOWN - BY_SOCKET - reasons == set()


async def test_a_refusal_and_the_end_of_a_sign_in_are_explained_in_german(
    browser: Browser, server: NodeProcess
) -> None:
    async with (
        a_window(browser, "status of 401", locale="de-DE") as context,
        server.rest() as rest,
    ):
        await person(rest, EMAIL)
        page = await context.new_page()
        await page.goto(server.url)
        await page.get_by_label("E-Mail").fill(EMAIL)
        password = page.get_by_label("Passwort")
        await password.fill("another password")
        await password.press("Enter")
        alert = page.get_by_role("alert")
        await expect(alert).to_have_text("Die E-Mail-Adresse oder das Passwort stimmt nicht.")
        await password.fill(PASSWORD)
        await password.press("Enter")
        await expect(connection(page)).to_have_text("Live")
        await rest.post("/api/auth/logout-all")
        await expect(alert).to_have_text("Die Anmeldung ist beendet. Bitte neu anmelden.")


def literals() -> Iterator[str]:
    """The texts in the node's sources, without the values that are filled in."""
    for path in FOLDER.parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    yield (FOLDER / "api.js").read_text()


def test_each_part_of_a_form_in_german_stands_in_the_sources_of_the_node() -> None:
    forms = re.findall(r'^  "([^"]+)":', FORMS, re.MULTILINE)
    parts = {
        part.strip(" .,")
        for form in forms
        for between in form.removesuffix(".").split("{}")
        for part in re.split(r", e\.g\. ?|(?<=\.) (?=Delete)| (?=at most)", between)
    }
    texts = "\n".join(literals())
    assert len(forms) > 40
    assert {part for part in parts if part not in texts} == set()


async def test_the_date_in_a_refusal_is_written_as_in_german(
    browser: Browser, server: NodeProcess
) -> None:
    async with (
        a_window(browser, "status of 409", locale="de-DE") as context,
        server.rest() as rest,
    ):

        async def on_another_device(route: Route) -> None:
            lot = route.request.url.split("/")[-2]
            answer = await rest.patch(f"/api/lots/{lot}", json={"expiryDate": day(-1)})
            assert answer.is_success, answer.text
            await route.continue_()

        await sign_up(rest)
        await add(rest, "Milk", 2, dateKind="use_by")
        page = await opened(context, server)
        await page.route("**/freeze", on_another_device)
        await row(page, "Milk").get_by_role("button", name="Eingefroren").click()
        over = date.fromisoformat(day(-1))
        expected = f"Das Verbrauchsdatum {over.day}.{over.month}.{over.year} ist vorbei."
        await expect(message(page)).to_contain_text(expected)
