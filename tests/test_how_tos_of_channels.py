"""The commands and programs of the how-tos about channels run as they are printed.

Services that the pages name are played by a receiver on this machine. Nothing is installed, and no
service of the Internet gets anything.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
import yaml
from tests.support.factories import NOON
from tests.support.pupil import Pupil, read_until
from tests.support.webhook_receiver import Receiver, receiving

from useby.delivery.apprise import Apprise
from useby.delivery.attempts import test_message as a_message
from useby.delivery.outbound import Answer, Outbound
from useby.domain.channel import Channel, ChannelKind

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = ROOT / "docs" / "how-to"
PHONE: Final = (PAGES / "reach-your-phone.md").read_text()
HOME: Final = (PAGES / "connect-home-assistant.md").read_text()
FILTER: Final = (PAGES / "filter-outbound-traffic.md").read_text()
NODE: Final = "http://127.0.0.1:8000"
SETTING: Final = "USEBY_OUTBOUND_ALLOWED_NETWORKS=127.0.0.1"
ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

pytestmark = pytest.mark.asyncio(loop_scope="module")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pupil(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pupil]:
    pupil = Pupil(tmp_path_factory.mktemp("channels"))
    (pupil.folder / ".curlrc").write_text(f'connect-to = "127.0.0.1:8000:127.0.0.1:{pupil.port}"\n')
    pupil.environment["CURL_HOME"] = str(pupil.folder)
    name, _, value = SETTING.partition("=")
    pupil.environment[name] = value
    async with pupil.demo():
        yield pupil


@pytest_asyncio.fixture(loop_scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving(lambda _: ANSWER) as running:
        yield running


async def printed_by(pupil: Pupil, script: str) -> str:
    async with pupil.pastes(script) as running:
        printed, _ = await running.communicate()
    assert running.returncode == 0, printed.decode()
    return printed.decode()


async def test_ntfy_gotify_and_telegram_are_reached_as_the_page_shows(
    pupil: Pupil, receiver: Receiver
) -> None:
    start, install, header, ntfy, gotify, telegram, listed, test = blocks(PHONE, "sh")
    assert start == f"{SETTING} make run\n"
    assert install.endswith(
        "requirements/install.py --require-hashes -r requirements/channels.txt\n"
    )
    await printed_by(pupil, header)
    local = "ntfy://127.0.0.1:8080/fridge"
    assert f"`{local}`" in PHONE
    here = f"127.0.0.1:{receiver.port}"
    own = ntfy.replace("ntfys://ntfy.sh/fridge-8fK2pQ", local).replace("127.0.0.1:8080", here)
    made = [
        json.loads(await printed_by(pupil, each))
        for each in (ntfy, own, gotify.replace("127.0.0.1:8080", here), telegram)
    ]
    assert [each["url"] for each in made] == ["ntfys://…", "ntfy://…", "gotify://…", "tgram://…"]
    assert made[3]["minimumSeverity"] == "warning"
    shown = await printed_by(pupil, listed)
    assert all(each["id"] in shown for each in made)
    for each in made[1:3]:
        assert json.loads(await printed_by(pupil, test.replace("ID", each["id"]))) == {
            "sent": True,
            "detail": "the target answered 200",
        }
    assert '`{"sent":true,"detail":"the target answered 200"}`' in PHONE
    got = [(each.path, each.message) for each in receiver.received]
    # The demo's own alert, dated five seconds after its start, may have come before.
    assert [each for each in got if each[1].startswith("This is a test")] == [
        ("/", "This is a test of the channel My phone."),
        ("/message", "This is a test of the channel Gotify."),
    ]


@dataclass
class Seen(Outbound):
    """A client that connects nowhere."""

    def __post_init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.bodies: list[Any] = []

    async def request(self, method: str, url: str, headers: Any, body: bytes) -> Answer:
        self.urls.append(f"{method} {url}")
        self.bodies.append(json.loads(body))
        return Answer(200, None, (), b'{"ok": true}')


async def test_services_on_the_internet_are_posted_to_by_https() -> None:
    urls = re.findall(r'"url": "((?:ntfys|tgram)://[^"]+)"', PHONE)
    seen = Seen()
    sender = Apprise(seen, lambda: NOON)
    for url in urls:
        channel = Channel("1", "ada", ChannelKind.APPRISE, "Phone", NOON, url)
        assert await sender.send(channel, a_message(channel, NOON)) == "the target answered 200"
    telegram = "https://api.telegram.org/bot123456789:AAF0o_bot-token-of-BotFather-0001234/"
    assert seen.urls == ["POST https://ntfy.sh/", f"POST {telegram}sendMessage"]
    assert seen.bodies[0]["topic"] == "fridge-8fK2pQ"
    assert str(seen.bodies[1]["chat_id"]) == "987654321"


async def test_the_pinned_library_is_the_one_that_is_tested() -> None:
    pinned = [
        re.findall(r"^apprise==(\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE)
        for name in ("channels.txt", "dev.txt")
    ]
    assert pinned[0] == pinned[1] != []


async def test_home_assistant_posts_with_a_key_and_has_a_sensor(
    pupil: Pupil, receiver: Receiver
) -> None:
    start, key, post, run = blocks(HOME, "sh")
    (settings,) = blocks(HOME, "yaml")
    (program,) = blocks(HOME, "python")
    assert start == "make run\n"
    await printed_by(pupil, key)
    secrets = yaml.safe_load((pupil.folder / "secrets.yaml").read_text())
    (platform,) = yaml.safe_load(settings.replace("!secret ", ""))["notify"]
    name = platform["headers"]["Authorization"]
    assert secrets[name].startswith("Bearer uby_")
    assert (platform["resource"], platform["method"]) == (f"{NODE}/api/notifications", "POST_JSON")
    posted = json.loads(await printed_by(pupil, post))
    assert posted[platform["message_param_name"]] == "The washing machine is done"

    (pupil.folder / "useby_sensor.py").write_text(program.replace(NODE, pupil.printed["url"]))
    pupil.environment |= {
        "HOME_ASSISTANT_TOKEN": "long-lived",
        "HOME_ASSISTANT": f"http://127.0.0.1:{receiver.port}",
    }
    async with pupil.pastes(run):
        await receiver.until(
            lambda: any(each.json["state"] == posted["message"] for each in receiver.received)
        )
    got = receiver.received[-1]
    assert (got.path, got.headers["authorization"]) == (
        "/api/states/sensor.useby",
        "Bearer long-lived",
    )


async def test_a_program_that_webhooks_pass_through_verifies_them(pupil: Pupil) -> None:
    start, channel, post = blocks(FILTER, "sh")
    (program,) = blocks(FILTER, "python")
    assert start == f"{SETTING} make run\n"
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    (pupil.folder / "gate.py").write_text(program)
    async with pupil.pastes(channel.replace("8090", str(port))) as gate:
        await printed_by(pupil, f"until test -s gate.secret; do sleep 0.05; done\n{post}")
        shown = await read_until(gate, "Through the gate")
    assert json.loads(shown.splitlines()[-1])["message"] == "Through the gate"
