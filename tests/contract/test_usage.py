"""The document's usage section as two complete programs, one in Python and one in JavaScript."""

import httpx
from tests.support import process_node as live
from tests.support.example_programs import following
from tests.support.process_node import NodeProcess, Person


async def test_programs_written_to_the_document_run_for_40_pings_and_get_not_one_frame_more(
    server: NodeProcess, person: Person, rest: httpx.AsyncClient
) -> None:
    """Of two users; notifications wait for them, and more arrive while they ping."""
    other = server.person()
    waiting = {
        who.id: [n.id for n in server.notify(who, ["one", "two"])] for who in (person, other)
    }
    async with (
        following("follow.py", server.socket_url(person.token)) as python,
        following("follow.mjs", server.socket_url(other.token)) as javascript,
    ):
        posted = waiting
        for number in range(20):
            for who, program in ((person, python), (other, javascript)):
                await program.until(pongs=number + 1)
                posted[who.id].append((await live.post(rest, who, f"no. {number}"))["id"])
        for program in (python, javascript):
            await program.until(pongs=40, notifications=22)
            await program.stop()
    python.assert_not_one_frame_more(posted[person.id])
    javascript.assert_not_one_frame_more(posted[other.id])
    for who in (person, other):
        assert await live.all_notifications(rest, who, unread="true") == []
