"""Run the async client in a thread, for scripts without an event loop."""

import asyncio
import threading
from collections.abc import AsyncIterable, Coroutine, Generator
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

Answer = TypeVar("Answer")
Item = TypeVar("Item")
_OVER: Final = object()


class SyncRunner:
    """Run coroutines in an event loop of its own thread; connections stay open between calls.

    ::

        with SyncRunner() as run:
            api = Api("http://127.0.0.1:8000")
            run(api.sign_in(email, password))
            for notification in run.each(Notifications(url, token=api.token)):
                print(notification.message)
                run(notification.mark_read())
    """

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="useby client", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def __call__(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Run a coroutine and return its result.

        Ctrl-C cancels the coroutine; ``KeyboardInterrupt`` is raised once it has ended.

        Raises:
            TypeError: ``work`` is not a coroutine.
        """
        if not asyncio.iscoroutine(work):
            raise TypeError(f"a coroutine is wanted, not {type(work).__name__}: see ``each``")
        tasks: list[asyncio.Task[Answer]] = []
        ended = threading.Event()

        def begin() -> None:
            tasks.append(self._loop.create_task(work))
            tasks[0].add_done_callback(lambda _: ended.set())

        def cancel() -> None:
            if tasks:
                tasks[0].cancel()
            else:  # The task was not created, and will not be.
                work.close()
                ended.set()

        try:
            self._loop.call_soon_threadsafe(begin)
            ended.wait()
        except BaseException:
            self._loop.call_soon_threadsafe(cancel)
            ended.wait()  # The next call must not find the coroutine running.
            raise
        return tasks[0].result()

    def each(self, items: AsyncIterable[Item]) -> Generator[Item, None, None]:
        """Iterate over an async iterable; leaving the loop closes its iterator."""
        iterator = aiter(items)

        async def step() -> Item | object:
            return await anext(iterator, _OVER)

        async def end() -> None:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                await close()

        try:
            while (item := self(step())) is not _OVER:
                yield cast(Item, item)
        finally:
            self(end())

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _end_tasks(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
