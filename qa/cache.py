"""Answers that were given, kept in memory until anything that could change them has changed.

cache = AnswerCache(256)
cache.put(key, generation, until, events); cache.get(key, generation)
"""

import threading
import time
from collections.abc import Hashable, Sequence

from cachetools import LRUCache

from .events import Event


class AnswerCache:
    """The events of at most `most` asks, without tokens; safe to use from several threads.

    Everything is forgotten as soon as the index's generation moves: what an old answer says might
    have been erased.
    """

    def __init__(self, most: int) -> None:
        self._kept: LRUCache[Hashable, tuple[float, tuple[Event, ...]]] = LRUCache(most)
        self._generation: int | None = None
        self._lock = threading.Lock()

    def get(self, key: Hashable, generation: int) -> tuple[Event, ...] | None:
        """The events of the same ask of the same index, if they still hold."""
        with self._lock:
            self._move(generation)
            until, events = self._kept.get(key, (0.0, ()))
        return events if time.time() < until else None

    def put(self, key: Hashable, generation: int, until: float, events: Sequence[Event]) -> None:
        """Keep events that hold until then, in seconds since 1970, or the next change."""
        with self._lock:
            self._move(generation)
            if generation == self._generation:
                self._kept[key] = until, tuple(e for e in events if not isinstance(e, str))

    def _move(self, generation: int) -> None:
        if self._generation is None or generation > self._generation:
            self._kept.clear()
            self._generation = generation
