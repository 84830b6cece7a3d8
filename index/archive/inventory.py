"""What an archive holds, in eight bytes a thing: to tell elsewhere what need not be made again.

held = archive.inventory(); held.has_read(entry.fingerprint)

A yes may be wrong, at ten million articles once in 10^11 times: it saves work, and decides nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from ..article import Article
from . import tables, tombstones

_AT_ONCE = 10_000  # rows


@dataclass(frozen=True, slots=True)
class Inventory:
    """Sources, versions and tombstones of an archive when it was asked."""

    marks: NDArray[np.uint64]
    "in ascending order"
    secrets: tuple[str, ...]
    "of the tombstones of texts"

    def has_read(self, fingerprint: bytes) -> bool:
        """Whether a source is known as it is."""
        return self._has([fingerprint])

    def has_version(self, article: Article) -> bool:
        """Whether an article is published in this version."""
        return self._has([_version_key(article.id, article.version)])

    def was_erased(self, article: Article) -> bool:
        """Whether an article may not come back."""
        by_text = tombstones.text_keys(self.secrets, article.outlet, article.title, article.text)
        return self._has([*tombstones.keys_of(article.id, article.url), *by_text])

    def _has(self, keys: Iterable[bytes]) -> bool:
        wanted = _marks(keys)
        left, right = (np.searchsorted(self.marks, wanted, side) for side in ("left", "right"))
        return bool((left < right).any())


def inventory(connection: sa.Connection, *, erased: bool) -> Inventory:
    """What the archive holds now; `erased`: also what was erased and may not come back."""
    columns, reading = tables.articles.c, connection.execution_options(yield_per=_AT_ONCE)

    def keys() -> Iterator[bytes]:
        yield from reading.scalars(sa.select(tables.sources.c.fingerprint))
        published = sa.select(columns.id, columns.version).where(columns.version.is_not(None))
        yield from (_version_key(*row) for row in reading.execute(published))
        if erased:
            yield from reading.scalars(sa.select(tables.tombstones.c.key))

    return Inventory(np.unique(_marks(keys())), tuple(tombstones.secrets(connection)))


def _version_key(article_id: str, version: str) -> bytes:
    return blake2b(
        f"{version}\0{article_id}".encode("utf-8", "surrogatepass"), digest_size=8
    ).digest()


def _marks(keys: Iterable[bytes]) -> NDArray[np.uint64]:
    return np.fromiter((int.from_bytes(key[:8], "little") for key in keys), np.uint64)
