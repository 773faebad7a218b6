"""Every step of docs/how-to/first-five-minutes.md, done in the browser as it is written.

The page has five forms of an instruction, which are read from it: press *this*, press *this* beside
*that*, type `text` into *field*, and "what is shown then".
"""

import re
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, Page, expect
from tests.support.pages import a_window, row
from tests.support.process_node import NodeProcess

ROOT: Final = Path(__file__).parents[2]
GUIDE: Final = (ROOT / "docs" / "how-to" / "first-five-minutes.md").read_text()
STEPS: Final = re.findall(r"^\d\. (.+?)(?=^\d\. |^$)", GUIDE, re.MULTILINE | re.DOTALL)
FORMS: Final = re.compile(
    r"\*(?P<beside>[^*]+)\* beside \*(?P<row>[^*]+)\*"
    r"|`(?P<typed>[^`]+)`|into \*(?P<field>[^*]+)\*"
    r"|(?:press|Press|then) \*(?P<pressed>[^*]+)\*(?! beside)"
    r'|"(?P<shown>[^"]+)"'
)
"""Instructions of a step."""
MARKED: Final = re.compile(r'\*[^*]+\*|`[^`]+`|"[^"]+"')
MENTIONED: Final = {'"next friday"', "*More*"}
"""Words that a step only mentions."""


def text_of(step: str) -> str:
    return " ".join(step.split())


async def press(page: Page, name: str) -> None:
    button = page.get_by_role("button", name=name, exact=True)
    link = page.get_by_role("link", name=name, exact=True)
    radio = page.get_by_role("radio", name=name, exact=True)
    await button.or_(link).or_(radio).click()


async def follow(page: Page, step: str) -> list[str]:
    """Do what a step states; return its marked words."""
    typed = ""
    done: list[str] = []
    for form in FORMS.finditer(text_of(step)):
        done += MARKED.findall(form[0])
        if set(MARKED.findall(form[0])) <= MENTIONED:
            continue
        if form["beside"]:
            await row(page, form["row"]).get_by_role("button", name=form["beside"]).click()
        elif form["typed"]:
            typed = form["typed"]
        elif form["field"]:
            await page.get_by_label(form["field"], exact=True).fill(typed)
        elif form["pressed"]:
            await press(page, form["pressed"])
        else:
            await expect(page.get_by_text(form["shown"]).first).to_be_visible()
    return done


async def test_a_person_follows_the_page_word_for_word(
    browser: Browser, server: NodeProcess
) -> None:
    assert len(STEPS) == 7
    # A request that is under way while the person signs out is refused.
    async with a_window(browser, "status of 401") as context:
        page = await context.new_page()
        await page.goto(server.url)  # "Open the address."
        for step in STEPS:
            done = await follow(page, step)
            left = [each for each in MARKED.findall(text_of(step)) if each not in done]
            assert set(left) <= MENTIONED, "no form has these words"
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_the_readme_links_the_page() -> None:
    assert "(docs/how-to/first-five-minutes.md)" in (ROOT / "README.md").read_text()
