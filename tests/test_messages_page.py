"""The catalogues are complete, compiled, and shown on the page of messages."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from useby.text.language import NAMES, SOURCE

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def make_messages() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "make_messages", ROOT / "docs" / "make_messages.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_language_but_that_of_the_code_has_a_catalogue(make_messages: ModuleType) -> None:
    assert make_messages.languages() == sorted(NAMES.keys() - {SOURCE})


@pytest.mark.parametrize("language", sorted(NAMES.keys() - {SOURCE}))
def test_a_catalogue_is_complete_and_what_make_messages_makes(
    make_messages: ModuleType, language: str
) -> None:
    catalog = make_messages.updated(make_messages.read(language))
    assert list(make_messages.faults(catalog)) == []
    folder = make_messages.CATALOGUES
    assert (folder / f"{language}.po").read_bytes() == make_messages.written(catalog), (
        "run `make messages`"
    )
    assert (folder / f"{language}.mo").read_bytes() == make_messages.compiled(catalog), (
        "run `make messages`"
    )


def test_the_page_of_messages_has_every_message_in_every_language(
    make_messages: ModuleType,
) -> None:
    assert make_messages.PAGE.read_text() == make_messages.page(), "run `make messages`"


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("Zużyto: %(name)s", "", "is missing for other"),
        ("Zużyto: %(name)s", "Zużyto", "does not have"),
        ("Zużyto: %(name)s", "Zużyto: %(name)s %(nome)s", "does not have"),
        ("Dodano %(count)s produkty", "", "is missing for few"),
        ("Dodano %(count)s produkty", "Dodano produkty", "does not have"),
    ],
)
def test_a_missing_text_or_placeholder_is_a_fault(
    make_messages: ModuleType, right: str, wrong: str, fault: str
) -> None:
    catalog = make_messages.updated(make_messages.read("pl"))
    for each in catalog:
        if each.string == right:
            each.string = wrong
        elif isinstance(each.string, tuple):
            each.string = tuple(wrong if form == right else form for form in each.string)
    (found,) = make_messages.faults(catalog)
    assert fault in found
