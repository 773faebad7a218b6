"""Both libraries pass every scenario of the table, against a real node behind a fault proxy."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support import process_node as live
from tests.support.client_drivers import LIBRARIES, RUNTIMES, Driver
from tests.support.fault_proxy import Faults
from tests.support.losses import lose
from tests.support.process_node import NodeProcess
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.websocket_fault_proxy import Refusal, WebSocketFaultProxy, close_frame

SCENARIOS = yaml.safe_load(Path(__file__).with_name("scenarios.yaml").read_text())
TIMING = {"backoff_base": 0.02, "backoff_max": 0.16}
ATTEMPT = ["connecting", "waiting"]
"""The states of one that failed."""
PLAYED = [
    pytest.param(scenario, library, id=f"{library}: {scenario['name']}")
    for scenario in SCENARIOS
    for library in (*LIBRARIES, *(RUNTIMES if scenario.get("everywhere") else ()))
    if scenario.get("only", library) == library
]


class Play:
    """A scenario that is being played."""

    def __init__(
        self,
        setup: dict[str, Any],
        server: NodeProcess,
        proxy: WebSocketFaultProxy,
        driver: Driver,
        folder: Path,
    ) -> None:
        self.setup = setup
        self.server = server
        self.proxy = proxy
        self.driver = driver
        self.cursor = str(folder / "cursor") if setup.get("cursor") else None
        self.person = server.person()
        self.client = 0
        self.posted: list[str] = []
        self.handled: list[str] = []
        self.states: list[dict[str, Any]] = []
        self.reads_reported: list[int] = []
        """Notifications handed over by the time of each READ."""
        self.products: list[dict[str, Any]] = []
        """Changes of products, as reported."""
        self.product = ""
        self.met = 0
        self.tokens: deque[Any] = deque()
        self.tokens_asked = 0
        self.last_token = ""
        self.happened: dict[str, Any] = {}
        self._changed = asyncio.Event()

    # what is waited for

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(HANG_TIMEOUT):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def receive(self, event: dict[str, Any]) -> None:
        match event.pop("event"):
            case "state":
                self.states.append(event)
            case "notification":
                self.handled.append(event["id"])
            case "product":
                self.products.append(event)
            case "token":
                self.tokens_asked += 1
                self.answer(self.tokens.popleft() if self.tokens else "good")
            case "read" if event["ids"]:
                self.reads_reported.append(len(self.handled))
            case what:
                self.happened[what] = event
        self._changed.set()

    def answer(self, word: str | dict[str, Any]) -> None:
        if isinstance(word, dict):
            self.driver.order(
                self.client, "token", status=word["status"], retryAfter=word.get("retry-after")
            )
        else:
            self.driver.order(self.client, "token", token=self.token(word))

    def token(self, word: str) -> str:
        if word != "same":
            seconds = {"short": 2, "expired": -60}.get(word, 900)
            token = self.server.token(self.person.id, self.person.session_id, seconds)
            self.last_token = token[:-4] + "AAAA" if word == "forged" else token
        return self.last_token

    # steps

    async def start(self, _: object) -> None:
        self.client = self.driver.begin(self.receive)
        self.happened.clear()
        self.driver.order(
            self.client,
            "start",
            url=f"http://127.0.0.1:{self.proxy.port}",
            token=self.token(self.setup["token"]) if "token" in self.setup else None,
            timing=TIMING | self.setup.get("timing", {}),
            buffer=self.setup.get("buffer", 1000),
            random=self.setup.get("random", 1),
            cursor=self.cursor,
            mark=self.setup.get("mark", False),
            slow=self.setup.get("hand") == "slow",
            skew=self.setup.get("skew", 0),
            extended=not self.proxy.plain,
        )

    restart = start

    async def do_post(self, count: int) -> None:
        messages = [f"n{len(self.posted) + each + 1}" for each in range(count)]
        async with self.server.rest() as rest:
            answer = await rest.post(
                "/api/notifications/batch",
                headers=self.person.headers,
                json={"items": [{"message": each} for each in messages]},
            )
        self.posted += [each["notification"]["id"] for each in answer.json()["results"]]

    async def do_lose(self, count: int) -> None:
        with self.server.writing() as transaction:
            lose(transaction, self.person.id, count)

    async def do_mark(self, which: int | str) -> None:
        if which == "all":
            self.driver.order(self.client, "markAll")
        else:
            assert isinstance(which, int)
            self.driver.order(self.client, "mark", ids=[self.posted[which - 1]])

    async def do_read_elsewhere(self, which: list[int]) -> None:
        async with self.server.rest() as rest:
            for each in which:
                address = f"/api/notifications/{self.posted[each - 1]}/read"
                answer = await rest.post(address, headers=self.person.headers)
                assert answer.is_success, answer.text

    async def _of_product(self, path: str, body: dict[str, str]) -> None:
        async with self.server.rest() as rest:
            address = f"/api/products{path}"
            answer = await rest.post(address, headers=self.person.headers, json=body)
        assert answer.is_success, answer.text
        self.product = answer.json()["id"]

    async def do_product(self, product: dict[str, str]) -> None:
        await self._of_product("", product)

    async def do_take_product(self, quantity: str) -> None:
        await self._of_product(f"/{self.product}/consume", {"quantity": quantity})

    async def do_products(self, count: int) -> None:
        await self.until(lambda: len(self.products) >= count)

    async def do_take(self, count: int) -> None:
        self.driver.order(self.client, "take", count=count)

    async def _asked(self, do: str, event: str) -> None:
        self.happened.pop(event, None)
        self.driver.order(self.client, do)
        await self.until(lambda: event in self.happened)

    async def do_flush(self, _: object) -> None:
        await self._asked("flush", "flushed")

    async def do_close(self, _: object) -> None:
        await self._asked("close", "closed")
        await self.until(lambda: "ended" in self.happened)

    async def do_cancel(self, _: object) -> None:
        self.driver.order(self.client, "cancel")

    async def do_server(self, how: str) -> None:
        await asyncio.to_thread(getattr(self.server, how))
        self.proxy.target_port = int(self.server.url.rpartition(":")[2])

    async def do_proxy(self, how: Any) -> None:
        match how:
            case "cut":
                self.proxy.reset()
            case "hold":
                self.proxy.faults = Faults(black_hole=True)
            case "release":
                await self.proxy.heal()
            case "duplicate":
                self.proxy.duplicates = True
            case "plain":
                self.proxy.plain = True
            case "mute" | "drop-marks":
                getattr(self.proxy, how.replace("-", "_"))()
            case {"truncate": count}:
                self.proxy.until_truncated = count
            case {"delay": seconds}:
                self.proxy.faults = Faults(latency=seconds)
            case {"refuse": status}:
                refusal = Refusal(status, how.get("retry-after"))
                self.proxy.refusals.extend([refusal] * how["times"])
            case {"greet": False}:
                close = close_frame(how["close"], how["reason"])
                self.proxy.ungreeted.extend([close] * how["times"])
            case {"close": code}:
                self.proxy.send_close(code, how["reason"])
            case _:
                raise ValueError(how)

    async def do_tokens(self, words: list[Any]) -> None:
        self.tokens.extend(words)

    async def do_until(self, name: str) -> None:
        def met() -> bool:
            for place in range(self.met, len(self.states)):
                if self.states[place]["name"] == name:
                    self.met = place + 1
                    return True
            return False

        await self.until(met)

    async def do_handled(self, count: int) -> None:
        await self.until(lambda: len(self.handled) >= count)

    async def do_pongs(self, count: int) -> None:
        await self.proxy.until(lambda: self.proxy.pongs >= count, HANG_TIMEOUT)

    async def do_tokens_asked(self, count: int) -> None:
        await self.until(lambda: self.tokens_asked >= count)

    async def step(self, step: dict[str, Any]) -> None:
        ((name, value),) = step.items()
        if name in ("start", "restart"):
            await self.start(value)
        else:
            await getattr(self, "do_" + name.replace("-", "_"))(value)

    # what is compared

    def events(self) -> dict[str, Any]:
        """Return the content of a failure's message."""
        names = ("states", "handled", "posted", "tokens_asked", "happened")
        return {name: getattr(self, name) for name in names}

    async def over(self, wanted: dict[str, Any]) -> None:
        """The iteration's end comes after the last state."""
        if "rejected" in wanted:
            await self.until(lambda: "rejected" in self.happened)
        if "ended" in wanted:
            await self.until(lambda: "ended" in self.happened)

    async def found(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Return what happened, under the names of what was expected."""
        found: dict[str, Any] = {}
        for name, value in wanted.items():
            match name:
                case "states":
                    found[name] = _trace(self.states, value)
                case "handled":
                    numbers = [self.posted.index(each) + 1 for each in self.handled]
                    in_order = numbers == list(range(1, len(numbers) + 1))
                    found[name] = len(numbers) if in_order and isinstance(value, int) else numbers
                case "reads-not-before":
                    found[name] = min([value, *self.reads_reported])
                case "closes" | "authenticates" | "marks":
                    found[name] = getattr(self.proxy, name)
                case "products":
                    found[name] = [
                        [each["change"], [lot["quantity"] for lot in each["product"]["lots"]]]
                        for each in self.products
                    ]
                case "tokens":
                    found[name] = self.tokens_asked
                case "connections":
                    found[name] = self.proxy.upgrades
                case "rejected":
                    events = self.happened.get("rejected", {})
                    found[name] = [events.get("code"), events.get("reason")]
                case "ended":
                    found[name] = "ended" in self.happened
                case "read":
                    found[name] = await self._read(value)
        return found

    async def _read(self, wanted: object) -> object:
        async with self.server.rest() as rest:
            kept = await live.all_notifications(rest, self.person)
        read = [self.posted.index(each["id"]) + 1 for each in kept if each["readAt"] is not None]
        if wanted == "none" and not read:
            return "none"
        return "all" if wanted == "all" and len(read) == len(self.posted) else read

    async def end(self) -> None:
        """Leave no client behind."""
        if self.client and not {"ended", "rejected"} & self.happened.keys():
            self.driver.order(self.client, "cancel")
            with contextlib.suppress(TimeoutError):
                await self.until(lambda: {"ended", "rejected"} & self.happened.keys())


def _trace(states: list[dict[str, Any]], words: list[str]) -> list[str]:
    """Return the states, as closely as the expected words describe them."""
    found, wanted = list[str](), deque(words)
    while states:
        word = wanted.popleft() if wanted else ""
        found.append(_described(states[0], word.removesuffix("*")) + "*" * word.endswith("*"))
        states = states[1:]
        while word.endswith("*") and [each["name"] for each in states[:2]] == ATTEMPT:
            states = states[2:]
    return found


def _described(state: dict[str, Any], word: str) -> str:
    """Return a state, as closely as the expected word describes it."""
    name = str(state["name"])
    if name == "connected":
        return name + ("+" if state["extended"] else "-")
    if name != "waiting" or " " not in word:
        return name
    number = float(word.split()[1])
    return f"{name} {state['code'] if number >= 1000 else round(state['wait'], 3):g}"


@pytest.mark.parametrize(("scenario", "library"), PLAYED)
async def test_both_libraries_pass_the_scenario(
    scenario: dict[str, Any],
    library: str,
    drivers: dict[str, Driver],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    with contextlib.ExitStack() as stack:
        if any("server" in step for step in scenario["steps"]):
            server = stack.enter_context(live.serving(tmp_path / "node"))
        else:
            server = request.getfixturevalue("node")
        setup = scenario.get("setup", {})
        async with WebSocketFaultProxy(int(server.url.rpartition(":")[2])) as proxy:
            play = Play(setup, server, proxy, drivers[library], tmp_path)
            try:
                for step in scenario["steps"]:
                    try:
                        await play.step(step)
                    except TimeoutError:
                        pytest.fail(
                            f"{step} did not happen: {play.states}, {len(play.handled)} handled"
                        )
                await play.over(scenario["expect"])
                assert await play.found(scenario["expect"]) == scenario["expect"]
            finally:
                await play.end()
