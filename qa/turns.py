"""Who goes first where many ask at once: a question that has no word of its answer yet.

>>> turns = Turns()
>>> with turns.early():  # the articles are looked through
...     turns.is_free
False
>>> with turns.late():  # a sentence is checked
...     turns.is_free
False

Python runs one thread at a time: late steps beside each other would only slow the early ones. A
judge's checks are waited for, not worked at, and take no turn.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_AT_ONCE = 1
_PATIENCE_SECONDS = 1.0  # that a late step waits at most: nothing starves, nor waits for one stuck


class Turns:
    """Lets late steps pass one at a time, and none while an early one is on its way."""

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self._early = self._late = 0

    @property
    def is_free(self) -> bool:
        """Whether a late step would not have to wait."""
        return not self._early and self._late < _AT_ONCE

    @contextmanager
    def early(self) -> Iterator[None]:
        """A step towards the first word; nothing that waits for a reader belongs in it."""
        with self._moved:
            self._early += 1
        try:
            yield
        finally:
            with self._moved:
                self._early -= 1
                self._moved.notify_all()

    @contextmanager
    def late(self) -> Iterator[None]:
        """A step behind the first word: it waits its turn, for a second at most."""
        with self._moved:
            self._moved.wait_for(lambda: self.is_free, _PATIENCE_SECONDS)
            self._late += 1
        try:
            yield
        finally:
            with self._moved:
                self._late -= 1
                self._moved.notify_all()
