"""Plain sessions get byte for byte the frames that release 0.2 sent, if each product has one lot.

`frames_of_release_0_2.json` was recorded by this file's `play` from a node of that release (commit
a9375d9). Each step is a call over REST, a moment to which the node's clock is set, a frame of the
client, or a new connection, and has the frames that then came. Ids are numbered in the order in
which they appear.

covers: useby.realtime.fanout
"""

import asyncio
import json
import re
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from tests.support.in_process_node import InProcessNode
from tests.support.patient_client import connect
from tests.support.time_limits import HANG_TIMEOUT

STEPS = Path(__file__).with_name("frames_of_release_0_2.json")
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TEN_DAYS = 864_000


async def play(house: InProcessNode, steps: list[dict[str, Any]]) -> list[list[str]]:
    """Carry out the steps; return the frames after each of them, as many as it has."""
    ids: dict[str, str] = {}
    numbers: dict[str, str] = {}
    answers: list[list[str]] = []

    def number(match: re.Match[str]) -> str:
        return numbers.setdefault(match[0], f"id-{len(numbers) + 1}")

    house.wall.stopped = datetime.fromisoformat(steps[0]["at"])
    ada = await house.add_user()
    token = await house.token(ada, seconds=TEN_DAYS)
    async with AsyncExitStack() as stack:
        rest = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=house.node.url,
                headers={"authorization": f"Bearer {token}"},
                timeout=HANG_TIMEOUT,
            )
        )
        for step in steps:
            if "at" in step:
                house.wall.stopped = datetime.fromisoformat(step["at"])
                house.node.scheduler.wake()
            elif "connect" in step:
                url = f"{house.socket_url}?access_token={token}"
                socket = await stack.enter_async_context(connect(url))
            elif "send" in step:
                await socket.send(step["send"])
            else:
                method, path = step["call"].split(" ")
                answer = await rest.request(method, path.format(**ids), json=step.get("json"))
                assert answer.is_success, answer.text
                if "as" in step:
                    ids[step["as"]] = answer.json()["id"]
            async with asyncio.timeout(HANG_TIMEOUT):
                frames = [str(await socket.recv()) for _ in step["frames"]]
            answers.append([ID.sub(number, frame) for frame in frames])
    return answers


async def test_the_frames_of_a_plain_session_are_those_of_release_0_2_byte_for_byte(
    house: InProcessNode,
) -> None:
    steps = json.loads(STEPS.read_text())
    assert await play(house, steps) == [step["frames"] for step in steps]
