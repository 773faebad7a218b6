"""Settings: read as people write them, refused when they can't be meant, documented as they are."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.support.settings import SettingsWithoutFile

from useby.settings import Settings

ROOT = Path(__file__).parent.parent


def settings(**values: Any) -> Settings:
    return SettingsWithoutFile(**values)


def test_the_page_lists_the_settings() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_settings.py"))["page"]()
    assert (ROOT / "docs" / "reference" / "settings.md").read_text() == made, "run: make docs"


def test_every_setting_has_a_description() -> None:
    silent = [name for name, field in Settings.model_fields.items() if not field.description]
    assert silent == []


def test_lists_are_read_from_the_environment_as_people_write_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("USEBY_ALLOWED_ORIGINS", "https://a.example, https://b.example,")
    assert settings().allowed_origins == ("https://a.example", "https://b.example")


def test_proxies_are_addresses_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings().trusted_proxies == ("127.0.0.1",)
    monkeypatch.setenv("USEBY_TRUSTED_PROXIES", "10.0.0.0/8, ::1,fd00::/8")
    assert settings().trusted_proxies == ("10.0.0.0/8", "::1", "fd00::/8")
    monkeypatch.setenv("USEBY_TRUSTED_PROXIES", "")
    assert settings().trusted_proxies == ()


@pytest.mark.parametrize(
    "wrong", ["*", "proxy.example", "10.0.0.1/8", "10.0.0.0/33", "127.0.0.1:80"]
)
def test_text_that_is_no_address_is_refused_as_a_trusted_proxy(wrong: str) -> None:
    with pytest.raises(ValidationError, match="USEBY_TRUSTED_PROXIES must be addresses"):
        settings(trusted_proxies=f"127.0.0.1,{wrong}")


def test_an_origin_that_no_browser_sends_is_refused() -> None:
    good = "https://a.example,http://127.0.0.1:5173,http://[::1]:80,capacitor://localhost"
    assert len(settings(allowed_origins=good).allowed_origins) == 4
    assert settings(allowed_origins="*").allowed_origins == ("*",)
    for wrong in ("a.example", "https://a.example/", "https://A.example", "https://u@a.example"):
        with pytest.raises(ValidationError, match="must be origins"):
            settings(allowed_origins=f"https://b.example,{wrong}")


def test_a_root_path_is_a_path_without_a_slash_at_its_end() -> None:
    assert [settings(root_path=each).root_path for each in ("", "/", "/a/b-c/")] == [
        "",
        "",
        "/a/b-c",
    ]
    for wrong in ("useby", "//evil.example", "/a/../b", "https://evil.example/", "/a b", '/"'):
        with pytest.raises(ValidationError, match="must be a path"):
            settings(root_path=wrong)


def test_a_short_key_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USEBY_SECRET_KEY", "hunter2")
    with pytest.raises(ValidationError) as refusal:
        settings()
    assert "at least 32" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(("host", "is_open"), [("127.0.0.1", True), ("0.0.0.0", False)])
def test_sign_up_is_open_on_loopback_only_unless_it_is_set(host: str, *, is_open: bool) -> None:
    assert settings(host=host).signup_open is is_open
    for value in (True, False):
        assert settings(host=host, signup=value).signup_open is value


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("::", "http://[::1]:8000"),
        ("fridge.example", "http://fridge.example:8000"),
    ],
)
def test_the_url_on_the_own_machine_can_be_opened(host: str, url: str) -> None:
    assert settings(host=host).local_url == url


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_loopback_hosts_are_known(host: str) -> None:
    assert settings(host=host).on_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "useby.example"])
def test_a_host_that_others_can_reach_is_not_loopback(host: str) -> None:
    assert not settings(host=host).on_loopback


MAIL = {
    "smtp_url": "smtps://useby:hunter2@mail.example",
    "mail_from": "useby <useby@mail.example>",
    "public_url": "https://useby.example/",
}


def test_mail_needs_a_server_a_sender_and_the_public_url() -> None:
    found = settings(**MAIL)
    assert found.public_url == "https://useby.example"
    assert "hunter2" not in repr(found)
    assert settings(smtp_url="", mail_from="").smtp_url is None
    for missing in ("mail_from", "public_url"):
        with pytest.raises(ValidationError, match="USEBY_SMTP_URL needs USEBY_MAIL_FROM"):
            settings(**{name: value for name, value in MAIL.items() if name != missing})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("smtp_url", "mail.example?password=hunter2"),
        ("smtp_url", "smtp://useby:hunter2@mail.example?starttls=no"),
        ("mail_from", "useby"),
        ("public_url", "useby.example"),
    ],
)
def test_a_wrong_setting_of_mail_is_refused_and_not_repeated(name: str, wrong: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        settings(**MAIL | {name: wrong})
    assert name in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("given", "subject"),
    [
        ({}, None),
        ({"public_url": "https://useby.example/"}, "https://useby.example"),
        ({"public_url": "http://127.0.0.1:8000"}, None),
        ({"public_url": "https://useby.example", "push_contact": "mailto:a@b.c"}, "mailto:a@b.c"),
        ({"push_contact": "https://useby.example/contact"}, "https://useby.example/contact"),
        ({"push_contact": ""}, None),
    ],
    ids=str,
)
def test_push_services_get_the_contact_or_else_the_public_url(
    given: dict[str, str], subject: str | None
) -> None:
    assert settings(**given).push_subject == subject


@pytest.mark.parametrize("wrong", ["a@b.c", "mailto:", "mailto:ada", "http://useby.example", "x"])
def test_a_contact_for_push_services_is_a_mailto_or_https_url(wrong: str) -> None:
    with pytest.raises(ValidationError, match="must be mailto: and an address"):
        settings(push_contact=wrong)
