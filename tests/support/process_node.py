"""A real node: ``useby serve`` as a process of its own, run as a stranger would run it."""

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families
from tests.support.foreign_clients import Client
from tests.support.fork_server import Program, forked_program, python_program
from tests.support.migrated_files import new_file
from tests.support.time_limits import HANG_TIMEOUT, NO_SWEEP

from useby.auth.tokens import Issuer
from useby.domain.account import User
from useby.domain.notification import Cause, Draft, Notification, Severity
from useby.domain.policy import Policy
from useby.store import accounts, notifications, sessions, slices
from useby.store.database import Transaction
from useby.store.sqlite import sqlite_engine

Record = Callable[[str, object], None]
"""pytest's ``record_property``."""
TICK = 0.005
JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")
READY = re.compile(r"useby is listening on (http://127\.0\.0\.1:\d+)")
PASSED_ON = ("PATH", "HOME", "LANG")
"""Variables of the tests' environment that a node inherits; it gets no others of them."""


@dataclass(frozen=True)
class Person:
    """A user with a token."""

    id: str
    email: str
    token: str
    session_id: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class NodeProcess:
    """A node with its own folder, migrated SQLite file and environment.

    Settings are given by their names in ``useby.settings``; those that would be in a test's way
    are wide (rates of sign-ups and log-ins, the sweep's interval), and the log is at DEBUG.

    The process is a fork of one that has imported useby, unless ``forked`` is false. Passwords cost
    a fork next to nothing.
    """

    def __init__(
        self,
        folder: Path,
        *,
        program: Sequence[str] = ("-m", "useby"),
        arguments: Sequence[str] = (),
        forked: bool = True,
        **settings: object,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.program = program
        self.arguments = arguments
        self.forked = forked
        self.key = secrets.token_urlsafe(48)
        self.database = folder / "useby.db"
        self.settings: dict[str, object] = {
            "secret_key": self.key,
            "database_url": self.database_url,
            "log_level": "DEBUG",
            "login_rate": "100000/minute",
            "signup_rate": "100000/minute",
            **NO_SWEEP,
        } | settings
        self.url = ""
        self.secrets: set[str] = {self.key}
        """Values that must never be in the log."""
        self._process: Program | None = None
        self._reader: threading.Thread | None = None
        self._lines: list[str] = []
        self._listening = threading.Event()
        if not self.database.exists():
            new_file(self.database)
        self._engine = sqlite_engine(self.database, writes=True)

    # the process

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.database}"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        given = {f"USEBY_{name.upper()}": str(value) for name, value in self.settings.items()}
        return kept | given | {"PYTHONUNBUFFERED": "1"}

    @property
    def process(self) -> Program:
        assert self._process is not None, "the server has not been started"
        return self._process

    @property
    def usage(self) -> psutil.Process:
        """Resources of the process: descriptors, memory, threads."""
        return psutil.Process(self.process.pid)

    def launch(self) -> None:
        """Start the process, and do not wait for it."""
        self.url = ""
        self._listening.clear()
        start = forked_program if self.forked else python_program
        program = [*self.program, "serve", "--port", "0", *self.arguments]
        self._process = start(program, folder=self.folder, environment=self.environment)
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def _read(self, process: Program) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self._lines.append(line)
                if ready := READY.search(line):
                    self.url = ready[1]
                    self._listening.set()
        self._listening.set()  # or never will; ``start`` looks which

    def start(self) -> Self:
        """Start the process and wait until it listens."""
        self._engine.dispose()  # the last to leave takes the WAL with it
        self.launch()
        return self.wait_until_listening()

    def wait_until_listening(self) -> Self:
        """Wait until a launched process logs that it listens."""
        assert self._listening.wait(HANG_TIMEOUT), self.log
        assert self.url, f"it ended before it listened:\n{self.log}"
        return self

    def wait(self) -> int:
        """Wait for the process's end; its exit status."""
        status = self.process.wait(HANG_TIMEOUT)
        assert self._reader is not None
        self._reader.join(HANG_TIMEOUT)
        return status

    def stop(self) -> int:
        """Stop it as an operator does; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.wait()

    def end(self) -> None:
        """Leave nothing behind, whatever has happened."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._engine.dispose()

    @property
    def log(self) -> str:
        """Everything that it has printed."""
        return "".join(self._lines)

    def assert_clean_log(self) -> None:
        """No secret is in the log, and nothing went wrong that nobody had thought of."""
        log = self.log
        for secret in self.secrets:
            assert secret not in log, "a secret is in the log"
            for part in secret.split(".")[1:]:
                assert not part or part not in log, "a part of a token is in the log"
        assert not JWT.search(log), "a token is in the log"
        assert "Traceback" not in log, log
        assert "never retrieved" not in log, log

    async def command(self, *arguments: str, stdin: str = "") -> tuple[int, str]:
        """Run another ``useby …`` on the same database; its exit status and what it printed."""
        program = ["-m", "useby", *arguments]
        process = forked_program(
            program, folder=self.folder, environment=self.environment, stdin=stdin
        )
        assert process.stdout is not None
        with process.stdout as output:
            printed = await asyncio.to_thread(output.read)
        return await asyncio.to_thread(process.wait, HANG_TIMEOUT), printed

    def integrity(self) -> str:
        """Result of SQLite's check of the file: ``ok`` if all is well."""
        with self._engine.connect() as connection:
            return str(connection.exec_driver_sql("PRAGMA integrity_check").scalar())

    # addresses

    def socket_url(self, token: str | None = None, **query: str) -> str:
        """The socket's URL."""
        fields = ({"access_token": token} if token is not None else {}) | query
        return (
            self.url.replace("http", "ws", 1)
            + "/api/ws/notification"
            + (f"?{urlencode(fields)}" if fields else "")
        )

    @contextlib.asynccontextmanager
    async def rest(self) -> AsyncIterator[httpx.AsyncClient]:
        """An HTTP client of the REST API."""
        async with httpx.AsyncClient(
            base_url=self.url, trust_env=False, verify=False, timeout=HANG_TIMEOUT
        ) as client:
            yield client

    # people, made beside the node as any command makes them

    @contextlib.contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction on the node's database, from this process."""
        with self._engine.begin() as connection:
            yield Transaction(connection)

    def person(self) -> Person:
        """A new user, signed in."""
        now = datetime.now(UTC)
        user_id, session_id = str(uuid.uuid4()), str(uuid.uuid4())
        email = f"{user_id}@example.org"
        with self.writing() as transaction:
            user = User(user_id, email, "A Person", "UTC", Policy(), now)
            accounts.add_user(transaction, user=user, password_hash=None)
            sessions.open_session(
                transaction,
                user_id=user_id,
                session_id=session_id,
                token_hash=None,
                now=now,
                expires_at=now + timedelta(days=1),
            )
        return Person(user_id, email, self.token(user_id, session_id), session_id)

    def token(self, user_id: str, session_id: str, seconds: int = 900) -> str:
        """An access token of a session, as the node makes them."""
        token = Issuer(self.key.encode(), seconds).access(user_id, session_id, datetime.now(UTC))
        self.secrets.add(token)
        return token

    def notify(self, person: Person, messages: Sequence[str]) -> list[Notification]:
        """Notifications written beside the node, in one commit."""
        drafts = [Draft(person.id, each, Severity.INFO, Cause.CUSTOM) for each in messages]
        with self.writing() as transaction:
            return notifications.add(transaction, drafts, datetime.now(UTC))

    def disable(self, person: Person) -> None:
        with self.writing() as transaction:
            accounts.disable_user(transaction, person.id, disabled=True, now=datetime.now(UTC))

    def delete(self, person: Person) -> None:
        with self.writing() as transaction:
            slices.delete_user(transaction, person.id)


@contextlib.contextmanager
def serving(
    folder: Path,
    *,
    first: Callable[[NodeProcess], object] | None = None,
    kind: type[NodeProcess] = NodeProcess,
    **options: Any,
) -> Iterator[NodeProcess]:
    """A node that runs until the block ends; then it must stop well, and its log be clean.

    ``first`` fills its database before it starts.
    """
    server = kind(folder, **options)
    try:
        if first is not None:
            first(server)
        yield server.start()
        if server.process.poll() is None:
            assert server.stop() == 0, server.log
        server.assert_clean_log()
    finally:
        server.end()


def now() -> float:
    """The wall clock, in seconds since the epoch."""
    return datetime.now(UTC).timestamp()


async def until(
    condition: Callable[[], Any], *, within: float = HANG_TIMEOUT, every: float = TICK
) -> None:
    """Wait for a condition that no event announces; ``condition`` may be a coroutine function.

    ``every`` so many seconds it is looked at; for what costs more than a look, take more of them.
    """
    async with asyncio.timeout(within):
        while True:
            answer = condition()
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer:
                return
            await asyncio.sleep(every)


async def metric(rest: httpx.AsyncClient, name: str, **labels: str) -> float:
    """A metric's value, summed over the labels that are not given; 0 before it exists."""
    answer = await rest.get("/metrics")
    assert answer.status_code == 200, answer
    return metric_in(answer.text, name, **labels)


def metric_in(exposition: str, name: str, **labels: str) -> float:
    """The same, in what ``/metrics`` has answered."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


async def post(
    rest: httpx.AsyncClient, person: Person, message: str, **fields: str
) -> dict[str, Any]:
    """Post a notification to one's own devices."""
    answer = await rest.post(
        "/api/notifications", headers=person.headers, json={"message": message, **fields}
    )
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def all_notifications(
    rest: httpx.AsyncClient, person: Person, **query: str
) -> list[dict[str, Any]]:
    """Every notification a person has, by REST, ``seq`` rising."""
    found: list[dict[str, Any]] = []
    cursor: Mapping[str, str] = {}
    while True:
        answer = await rest.get(
            "/api/notifications",
            headers=person.headers,
            params={"limit": "100", **query, **cursor},
        )
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        if page.get("nextCursor") is None:
            return sorted(found, key=lambda each: each["seq"])
        cursor = {"cursor": page["nextCursor"]}


async def all_sent(client: Client, rest: httpx.AsyncClient, person: Person) -> list[dict[str, Any]]:
    """Everything that a connection had yet to be sent: what comes before one that is posted now.

    A replay comes before what is live, and live ones come in the order of their ``seq``.
    """
    last = await post(rest, person, "the last")
    frames: list[dict[str, Any]] = []
    async with asyncio.timeout(HANG_TIMEOUT):
        while (frame := json.loads(await client.recv())).get("id") != last["id"]:
            frames.append(frame)
    return frames


def text(frame: Mapping[str, Any]) -> str:
    """A client's JSON frame."""
    return json.dumps(frame)


def mark_read(notification_id: object) -> str:
    """The frame by which a client acknowledges."""
    return text({"action": "mark_read", "id": notification_id})
