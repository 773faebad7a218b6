"""The commands and programs of the two pages about posting with a key run as they are printed."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from tests.support.pupil import Pupil

ROOT: Final = Path(__file__).parent.parent
CRON: Final = (ROOT / "docs" / "how-to" / "post-from-a-cron-job.md").read_text()
USERS: Final = (ROOT / "docs" / "how-to" / "post-for-your-users.md").read_text()
NODE: Final = "http://127.0.0.1:8000"

pytestmark = pytest.mark.asyncio(loop_scope="module")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pupil(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pupil]:
    pupil = Pupil(tmp_path_factory.mktemp("keys"))
    (pupil.folder / ".curlrc").write_text(f'connect-to = "127.0.0.1:8000:127.0.0.1:{pupil.port}"\n')
    pupil.environment["CURL_HOME"] = str(pupil.folder)
    async with pupil.demo():
        yield pupil


async def printed_by(pupil: Pupil, script: str) -> str:
    async with pupil.pastes(script) as running:
        printed, _ = await running.communicate()
    assert running.returncode == 0
    return printed.decode()


async def test_the_script_of_the_cron_job_posts_once_a_day(pupil: Pupil) -> None:
    start, key, script, run = blocks(CRON, "sh")
    assert start == "make run\n"
    await printed_by(pupil, key)
    header = pupil.folder / "backup.header"
    assert header.stat().st_mode & 0o077 == 0
    assert header.read_text().startswith("Authorization: Bearer uby_")
    (pupil.folder / "backup.sh").write_text(script)
    first, again = [json.loads(await printed_by(pupil, run)) for _ in range(2)]
    assert (first["message"], first["id"]) == ("The backup is done", again["id"])
    (pupil.folder / "backup.sh").write_text(
        script.replace("if true", "if false").replace("backup $(", "failed $(")
    )
    failed = json.loads(await printed_by(pupil, run))
    assert (failed["message"], failed["type"]) == ("The backup failed", "error")


async def test_the_program_of_the_backend_posts_for_its_users(pupil: Pupil) -> None:
    start, key, run = blocks(USERS, "sh")
    (program,) = blocks(USERS, "python")
    assert start == "make run\n"
    assert NODE in program
    (pupil.folder / "orders.py").write_text(program.replace(NODE, pupil.printed["url"]))
    unknown = "404 [{'at': 'userId', 'message': 'is of no user of this node'}]"
    assert f"`{unknown}`" in USERS
    assert await printed_by(pupil, f"{key}{run}{run}") == f"201 []\n{unknown}\n" * 2
