"""Names of the programs that sign in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from useby.domain.client_names import MOST_LETTERS, ClientName, client_name

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "program", "system"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox",
            "Linux",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/140.0.0.0 Safari/537.36",
            "Chrome",
            "Windows",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge",
            "Windows",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 16) {WEBKIT} Chrome/140.0 Mobile Safari/537.36",
            "Chrome",
            "Android",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) {WEBKIT} Safari/604.1",
            "Safari",
            "iPhone",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) AppleWebKit/605.1.15 Safari/605.1.15",
            "Safari",
            "macOS",
        ),
        (
            f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/140.0 Safari/537.36",
            "Chrome",
            "Linux",
        ),
        ("curl/8.14.1", "curl", None),
        ("python-httpx/0.28.1", "python-httpx", None),
        ("useby (Linux)", "useby", "Linux"),
        ("Mozilla/5.0 (compatible; something)", None, None),
        ("<script>alert(1)</script>", None, None),
        ("x" * 33, None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_a_program_and_its_system_are_named_in_plain_words(
    user_agent: str | None, program: str | None, system: str | None
) -> None:
    assert client_name(user_agent) == ClientName(program, system)


@given(st.text(max_size=2000))
def test_any_text_becomes_two_short_names_of_plain_letters(user_agent: str) -> None:
    name = client_name(user_agent)
    for each in (name.program, name.system):
        assert each is None or (len(each) <= MOST_LETTERS and each.isascii() and each.isprintable())
        assert each is None or not set(each) & set("<>&\"'\\")
