"""Makes things in a thread of their own while earlier ones are used.

>>> with ahead(iter("abc")) as letters:
...     list(letters)
['a', 'b', 'c']
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
_PATIENCE_SECONDS = 5.0  # for a batch that a slow embedder works at


@contextmanager
def ahead(items: Iterable[T], at_most: int = 1) -> Iterator[Iterator[T]]:
    """The items in order, made by a thread that is at most so many ahead.

    What making one raises is raised where it is asked for. Leaving waits for the one being made,
    but not for ever: a pipe that gives nothing would hold it.
    """
    queue: Queue[tuple[T] | BaseException | None] = Queue(at_most)
    left = Event()

    def make() -> None:
        try:
            for item in items:
                queue.put((item,))
                if left.is_set():
                    return
            queue.put(None)
        except BaseException as error:  # a KeyboardInterrupt too is for the one who asks
            queue.put(error)

    def made() -> Iterator[T]:
        while (found := queue.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield found[0]

    thread = Thread(target=make, name="ahead", daemon=True)
    thread.start()
    try:
        yield made()
    finally:
        left.set()
        until = time.monotonic() + _PATIENCE_SECONDS
        while thread.is_alive() and time.monotonic() < until:  # it may wait for room
            with suppress(Empty):
                queue.get(timeout=0.02)
