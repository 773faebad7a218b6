"""E-mail channels over REST: an address is confirmed first, and its owner can end the mails."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.support.mail_server import PUBLIC_URL, MailReceiver, receiving_mail
from tests.support.rest_app import Rest
from tests.support.time_limits import HANG_TIMEOUT

from useby.auth.address_links import unsubscribe_token
from useby.delivery.account_mail import account_mail
from useby.store import channels
from useby.store.database import Database

ADDRESS = "ada@useby.example"
MAIL = {"kind": "email", "name": "My mail", "address": ADDRESS}
ONE_CLICK = b"List-Unsubscribe=One-Click"


@pytest.fixture
async def receiver() -> AsyncIterator[MailReceiver]:
    async with receiving_mail() as running:
        yield running


@pytest.fixture
async def mailing(database: Database, receiver: MailReceiver) -> AsyncIterator[Rest]:
    rest = Rest(database, **receiver.settings(), mail_rate="5/minute")
    yield rest
    await rest.close()


async def added(client: httpx.AsyncClient, receiver: MailReceiver) -> tuple[str, str]:
    """Path of a new channel, and the path of the link that confirms its address."""
    before = len(receiver.mails)
    answer = await client.post("/api/channels", json=MAIL)
    assert answer.status_code == 201, answer.text
    return f"/api/channels/{answer.json()['id']}", await link_of_mail(receiver, before + 1)


async def link_of_mail(receiver: MailReceiver, count: int) -> str:
    await receiver.until_count(count)
    return receiver.mails[count - 1].links[0].removeprefix(PUBLIC_URL)


async def unsubscribe_path(client: httpx.AsyncClient, path: str, receiver: MailReceiver) -> str:
    """Path of the link in a test message that ends the mails."""
    assert (await client.post(f"{path}/test")).json()["sent"] is True
    (url,) = re.findall("<(.*)>", receiver.mails[-1].parsed["List-Unsubscribe"])
    return str(url).removeprefix(PUBLIC_URL)


async def is_confirmed(client: httpx.AsyncClient, path: str) -> bool:
    found: bool = (await client.get(path)).json()["confirmed"]
    return found


async def test_an_address_is_confirmed_by_pressing_the_button_of_its_link_once(
    mailing: Rest, receiver: MailReceiver
) -> None:
    _, ada = await mailing.person()
    made = (await ada.post("/api/channels", json=MAIL)).json()
    assert made["secret"] is None
    assert (made["address"], made["url"]) == (ADDRESS, None)
    assert (made["confirmed"], made["onlyWhenAway"]) == (False, True)
    path = f"/api/channels/{made['id']}"
    link = await link_of_mail(receiver, 1)
    assert receiver.mails[0].to == [ADDRESS]
    assert "My mail" not in receiver.mails[0].text, "an account could send its own text to anybody"
    test = (await ada.post(f"{path}/test")).json()
    assert (test["sent"], test["detail"][:28]) == (False, "the address is not confirmed")
    owner = mailing.client(host="evil.example")
    for _ in range(2):  # a program that checks mails opens it as well
        shown = await owner.get(link)
        assert (shown.status_code, "Confirm the address" in shown.text) == (200, True)
    assert not await is_confirmed(ada, path)
    assert (await owner.post(link)).status_code == 200
    assert await is_confirmed(ada, path)
    assert (await ada.post(f"{path}/test")).json()["sent"] is True
    again = await owner.post(link)
    assert (again.status_code, "has expired or was used" in again.text) == (403, True)


async def test_a_link_ends_after_24_hours_and_the_same_address_gets_another_one(
    mailing: Rest, receiver: MailReceiver
) -> None:
    _, ada = await mailing.person()
    path, link = await added(ada, receiver)
    mailing.now += timedelta(hours=24)
    assert (await mailing.client().post(link)).status_code == 403
    assert (await ada.patch(path, json={"address": ADDRESS})).status_code == 200
    assert (await mailing.client().post(await link_of_mail(receiver, 2))).status_code == 200
    assert await is_confirmed(ada, path)
    await ada.patch(path, json={"address": ADDRESS, "name": "Other"})
    assert await is_confirmed(ada, path)
    assert len(receiver.mails) == 2


async def test_a_new_address_is_confirmed_again_and_the_old_link_does_nothing(
    mailing: Rest, receiver: MailReceiver
) -> None:
    _, ada = await mailing.person()
    path, link = await added(ada, receiver)
    await mailing.client().post(link)
    unsubscribe = await unsubscribe_path(ada, path, receiver)
    change = await ada.patch(path, json={"address": "bob@useby.example"})
    assert (change.json()["address"], change.json()["confirmed"]) == ("bob@useby.example", False)
    new = await link_of_mail(receiver, 3)
    assert receiver.mails[2].to == ["bob@useby.example"]
    for old in (link, unsubscribe):
        assert (await mailing.client().post(old)).status_code == 403
    assert (await mailing.client().post(new)).status_code == 200
    assert (await mailing.client().post(unsubscribe)).status_code == 403
    assert await is_confirmed(ada, path)


async def test_a_single_click_ends_the_mails_and_a_repetition_changes_nothing(
    mailing: Rest, receiver: MailReceiver
) -> None:
    _, ada = await mailing.person()
    path, link = await added(ada, receiver)
    await mailing.client().post(link)
    unsubscribe = await unsubscribe_path(ada, path, receiver)
    anybody = mailing.client()
    assert "End the mails" in (await anybody.get(unsubscribe)).text
    assert await is_confirmed(ada, path)
    for _ in range(2):
        answer = await anybody.post(
            unsubscribe,
            content=ONE_CLICK,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert (answer.status_code, "The mails have ended" in answer.text) == (200, True)
    assert not await is_confirmed(ada, path)
    assert (await ada.post(f"{path}/test")).json()["sent"] is False
    assert (await anybody.post(link)).status_code == 403, "the first link stays used"


async def test_a_link_that_ends_the_mails_works_after_the_address_is_confirmed_again(
    mailing: Rest, receiver: MailReceiver
) -> None:
    """A person may open any mail that they have kept."""
    _, ada = await mailing.person()
    path, link = await added(ada, receiver)
    await mailing.client().post(link)
    first = await unsubscribe_path(ada, path, receiver)
    for _ in range(2):
        assert (await mailing.client().post(first, content=ONE_CLICK)).status_code == 200
        assert not await is_confirmed(ada, path)
        count = len(receiver.mails) + 1
        await ada.patch(path, json={"address": ADDRESS})
        again = await link_of_mail(receiver, count)
        assert (await mailing.client().post(again)).status_code == 200
        assert (await mailing.client().post(again)).status_code == 403
        assert await is_confirmed(ada, path)
        assert (await mailing.client().post(link)).status_code == 403
    await ada.delete(path)
    gone = await mailing.client().post(first, content=ONE_CLICK)
    assert (gone.status_code, "This link ends no mails" in gone.text) == (403, True)


async def test_a_link_that_ends_the_mails_of_an_earlier_version_works(
    mailing: Rest, receiver: MailReceiver
) -> None:
    """Its secret had one part, which signed links of both kinds."""
    user, ada = await mailing.person()
    path, link = await added(ada, receiver)
    (before,) = await mailing.database.read(lambda c: channels.list_(c, user.id))
    assert before.secret is not None
    assert "." not in before.secret
    kept = f"/mail/unsubscribe?token={unsubscribe_token(before)}"
    await mailing.client().post(link)
    assert (await mailing.client().post(kept, content=ONE_CLICK)).status_code == 200
    assert not await is_confirmed(ada, path)


async def test_a_link_of_a_channel_that_is_deleted_or_forged_does_nothing(
    mailing: Rest, receiver: MailReceiver
) -> None:
    _, ada = await mailing.person()
    path, link = await added(ada, receiver)
    _, other = await added(ada, receiver)
    token, foreign = link.partition("token=")[2], other.partition("token=")[2]
    forged = f"{token.partition('.')[0]}.{foreign.partition('.')[2]}"
    anybody = mailing.client()
    for wrong in (forged, "", "x", "MSBjIHU.x"):
        assert (await anybody.post(f"/mail/confirm?token={wrong}")).status_code == 403
    assert not await is_confirmed(ada, path)
    await ada.delete(path)
    assert (await anybody.post(link)).status_code == 403


async def test_no_link_is_sent_for_a_channel_that_is_deleted_or_changed_while_its_mail_waits(
    mailing: Rest, receiver: MailReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = mailing.context
    waiting = account_mail(of.settings, mailing.database, of.keys, lambda: mailing.now)
    assert waiting is not None
    monkeypatch.setattr(of, "mail", waiting)
    _, client = await mailing.person()
    deleted, changed = [
        f"/api/channels/{(await client.post('/api/channels', json=MAIL)).json()['id']}"
        for _ in range(2)
    ]
    assert (await client.delete(deleted)).status_code == 204
    await client.patch(changed, json={"address": "new@useby.example"})
    sending = asyncio.create_task(waiting.run())
    await waiting.finish(HANG_TIMEOUT)
    sending.cancel()
    await asyncio.wait([sending])
    assert [each.to for each in receiver.mails] == [["new@useby.example"]]


async def test_mails_to_an_address_are_in_the_language_of_the_account(
    mailing: Rest, receiver: MailReceiver
) -> None:
    user, ada = await mailing.person(language="fr")
    path, link = await added(ada, receiver)
    assert receiver.mails[0].parsed["Subject"] == "Confirmez votre adresse pour useby"
    await mailing.client().post(link)
    await ada.patch("/api/me", json={"language": "de"})
    assert (await ada.post(f"{path}/test")).json()["sent"] is True
    assert "Keine weiteren E-Mails an diese Adresse" in receiver.mails[1].text
    await mailing.client().post("/api/auth/forgot", json={"email": user.email})
    await receiver.until_count(3)
    assert receiver.mails[2].parsed["Subject"] == "Neues Passwort für useby festlegen"


async def test_links_that_are_not_valid_are_limited_by_network(mailing: Rest) -> None:
    anybody = mailing.client()
    answers = [(await anybody.post("/mail/unsubscribe?token=x")).status_code for _ in range(11)]
    assert answers == [403] * 10 + [429]


async def test_mails_to_confirm_are_limited_by_account_and_by_address(
    mailing: Rest, receiver: MailReceiver
) -> None:
    _, ada = await mailing.person()
    _, bob = await mailing.person()
    codes = [(await ada.post("/api/channels", json=MAIL)).status_code for _ in range(6)]
    assert codes == [201] * 5 + [429]
    await receiver.until_count(5)
    assert (await bob.post("/api/channels", json=MAIL)).status_code == 201
    other = MAIL | {"address": "bob@useby.example"}
    assert (await bob.post("/api/channels", json=other)).status_code == 201
    await receiver.until_count(6)
    assert [each.to for each in receiver.mails] == [[ADDRESS]] * 5 + [["bob@useby.example"]]


async def test_mails_to_confirm_an_address_keep_its_owner_from_no_new_password(
    mailing: Rest, receiver: MailReceiver
) -> None:
    await mailing.person(email=ADDRESS)
    for _ in range(2):
        _, eve = await mailing.person()
        for _ in range(3):
            assert (await eve.post("/api/channels", json=MAIL)).status_code == 201
    await receiver.until_count(5)  # the address has had all that its rate allows
    await mailing.client().post("/api/auth/forgot", json={"email": ADDRESS})
    await receiver.until_count(6)
    assert "/mail/reset" in receiver.mails[5].links[0]


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no address": ({"address": None}, "body.address", "must be an e-mail address"),
    "two addresses": ({"address": "a@b,c@d"}, "body.address", "must be an e-mail address"),
    "a line break": ({"address": "a@b\r\nBcc: c@d"}, "body.address", "must be an e-mail"),
    "not ASCII": ({"address": "ä@useby.example"}, "body.address", "must be an e-mail address"),
    "a URL": ({"url": "https://app.example/"}, "body.url", "is no field of email channels"),
}


@pytest.mark.parametrize(("change", "at", "reason"), REFUSED.values(), ids=REFUSED)
async def test_a_wrong_address_is_refused_in_words(
    change: dict[str, Any], at: str, reason: str, mailing: Rest
) -> None:
    _, ada = await mailing.person()
    answer = await ada.post("/api/channels", json=MAIL | change)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["at"], reason in error["message"]) == (at, True)


async def test_a_node_without_a_mail_server_has_no_e_mail_channels(ada: httpx.AsyncClient) -> None:
    answer = await ada.post("/api/channels", json=MAIL)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["at"] == "body.kind"
    assert "email" not in (await ada.get("/api/config")).json()["channelKinds"]
