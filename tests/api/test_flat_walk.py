"""A product with one lot is answered as release 0.2 answered it, on each route of products.

`walk_of_release_0_2.json` was recorded from the REST application of that release (commit
a9375d9): a call with its status and answer, or a number of hours in which its clock sent what was
due. Ids are numbered in the order in which they appear. `changed` names keys whose values differ
on purpose: reopening a product makes unread what closing it marked read. The walk avoids two
other changes: a batch's product may have no date, and `category=` ignores case.

covers: useby.schemas.products
"""

import json
import re
from collections.abc import Collection, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.databases import database_url
from tests.support.rest_app import Rest

from useby.actions.alerts import send_due

__all__ = ["database_url"]

WALK = json.loads(Path(__file__).with_name("walk_of_release_0_2.json").read_text())
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _numbered(answer: Any, numbers: dict[str, str]) -> Any:
    """Return an answer with numbers in place of ids."""

    def number(match: re.Match[str]) -> str:
        return numbers.setdefault(match[0], f"id-{len(numbers) + 1}")

    return json.loads(ID.sub(number, json.dumps(answer)))


def _in_order(answer: Any) -> Any:
    """Return a list of notifications in one order; those of a moment may have been in another."""
    items = [{**each, "id": "", "seq": 0} for each in answer["items"]]
    return answer | {"items": sorted(items, key=lambda each: (each["created_at"], each["message"]))}


def _ignored(key: str, before: dict[str, Any]) -> bool:
    """Check for the words of a refusal, which may change; the fields that it names may not."""
    return (key == "message" and "at" in before) or (key == "detail" and "title" in before)


def _differences(before: Any, after: Any, at: str, changed: Collection[str]) -> Iterator[str]:
    """Yield each place where an answer lacks or contradicts the earlier one; new keys are none."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key not in after:
                yield f"{at}.{key} is missing"
            elif key == "nextCursor":  # its text is opaque
                if (value is None) != (after[key] is None):
                    yield f"{at}.{key}: {value!r}, now {after[key]!r}"
            elif key not in changed and not _ignored(key, before):
                yield from _differences(value, after[key], f"{at}.{key}", changed)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(one, other, f"{at}[{index}]", changed)
    elif before != after:
        yield f"{at}: {before!r}, now {after!r}"


async def _let_pass(rest: Rest, hours: int) -> None:
    for _ in range(hours):
        rest.now += timedelta(hours=1)
        while (await rest.database.write(partial(send_due, now=rest.now))).claimed:
            pass


async def test_a_product_with_one_lot_is_answered_as_release_0_2_answered_it(rest: Rest) -> None:
    _, client = await rest.person()
    ids: dict[str, str] = {}
    numbers: dict[str, str] = {}
    found: list[str] = []
    for place, step in enumerate(WALK):
        if "hours" in step:
            await _let_pass(rest, step["hours"])
            continue
        method, path = step["call"].split(" ", 1)
        answer = await client.request(method, path.format(**ids), json=step.get("json"))
        before, after = step["answer"], answer.json() if answer.content else None
        if path.startswith("/api/notifications?"):
            before, after = _in_order(before), _in_order(after)
        after = _numbered(after, numbers)
        at = f"{place}: {step['call']}"
        earlier, now = [step["status"], before], [answer.status_code, after]
        found += _differences(earlier, now, at, step.get("changed", ()))
        if "as" in step and answer.status_code == 201:
            ids[step["as"]] = answer.json()["id"]
    assert found == [], "\n".join(found)
