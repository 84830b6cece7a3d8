"""Holds the vector store against the archive, in a process of its own.

Opening a folder that a kill has torn can end the process that does it (docs/decisions/0015):

    found = survey(folder / "chroma", folder / "archive.db")
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from ..errors import IndexDamaged
from .archive import reading, tables
from .archive.sql import listed
from .archive.tables import vectors_of

_AT_ONCE = 5000  # vectors
_SLOWEST_SECONDS = 600.0  # a folder whose reading hangs is as good as torn
_ALIKE = 0.999  # cosine; Chroma may keep a vector normalised
_VECTORS = tables.vectors.c
_STORED = sa.select(_VECTORS.passage_pk, _VECTORS.vector)


class Pages(Protocol):
    """A store that is open."""

    def pages(self, size: int) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """All vectors with their passages' numbers, so many at once."""

    def nearest(self, vector: NDArray[np.float32], limit: int) -> list[int]:
        """The numbers of the passages nearest to a vector."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What of the archive's published passages the store has; numbers of passages."""

    vectors: int
    missing: list[int]
    differing: list[int]
    stray: list[int]
    "belong to no passage, also to none that is accepted or about to be deleted"

    @property
    def is_complete(self) -> bool:
        """Whether every published passage can be found by its vector."""
        return not self.missing and not self.differing


def survey(folder: Path, archive: Path, url: str | None = None) -> Survey:
    """Read every vector of a store in a child process, compare it with the archive's.

    `url` is the archive's database; None: the file. Raises IndexDamaged where the child fails or
    dies.
    """
    command = [sys.executable, "-m", __name__, str(folder), str(archive)]
    try:
        child = subprocess.run(
            command,
            capture_output=True,
            timeout=_SLOWEST_SECONDS,
            check=False,
            text=True,
            input=url or "",  # where nobody sees it
        )
    except subprocess.TimeoutExpired:
        raise _torn(folder, f"reading it took {_SLOWEST_SECONDS:.0f} seconds") from None
    if child.returncode < 0:
        raise _torn(folder, f"reading it ends a process with signal {-child.returncode}")
    if child.returncode:
        raise _torn(folder, (child.stderr.strip().splitlines() or ["it gives no reason"])[-1][:200])
    return Survey(**json.loads(child.stdout))


def _torn(folder: Path, reason: str) -> IndexDamaged:
    return IndexDamaged(
        f"The vector store {folder} cannot be read: {reason.rstrip('.')}. Run `byline check "
        "--repair`: it is made anew from the archive, nothing is lost."
    )


def compare(store: "Pages", archive: Path, url: str | None = None) -> Survey:
    """Hold every vector of a store against the archive's. Raises whatever the store raises."""
    with reading(archive, url) as connection:
        published, waiting = _numbers(connection)
        seen: set[int] = set()
        differing: list[int] = []
        for keys, vectors in store.pages(_AT_ONCE):
            seen.update(keys)
            rows = connection.execute(_STORED.where(_VECTORS.passage_pk.in_(listed(keys))))
            stored = {pk: vector for pk, vector in rows}
            differing += published.intersection(_unlike(keys, vectors, stored))
    if seen:
        store.nearest(vectors[0], 1)
    return Survey(
        len(seen), sorted(published - seen), sorted(differing), sorted(seen - published - waiting)
    )


def _unlike(keys: list[int], vectors: NDArray[np.float32], stored: dict[int, bytes]) -> list[int]:
    """Those whose vector is not the one that is stored."""
    dimension = vectors.shape[1]
    whole = [len(stored.get(key, b"")) in (2 * dimension, 4 * dimension) for key in keys]
    blank = bytes(2 * dimension)
    others = vectors_of(
        [stored[key] if is_whole else blank for key, is_whole in zip(keys, whole, strict=True)],
        dimension,
    )
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(others, axis=1)
    alike = np.einsum("ij,ij->i", vectors, others) >= _ALIKE * norms
    return [key for key, is_same in zip(keys, alike & np.array(whole), strict=True) if not is_same]


def _numbers(connection: sa.Connection) -> tuple[set[int], set[int]]:
    """Of the published passages, and of those that are on their way in or out."""
    of_article = "FROM passages p JOIN articles a ON a.pk = p.article_pk WHERE p.version"
    published = connection.scalars(sa.text(f"SELECT p.pk {of_article} = a.version"))
    pending = connection.scalars(sa.text(f"SELECT p.pk {of_article} = a.pending"))
    doomed = connection.scalars(sa.text("SELECT passage_pk FROM doomed"))
    return set(published), {*pending, *doomed}


def _main(folder: Path, archive: Path, url: str) -> None:
    from .store import Store

    try:
        with Store(folder, "", unguarded=True) as store:
            found = compare(store, archive, url or None)
    except Exception as error:  # whatever it is, the parent is told
        sys.exit(str(error).partition("cannot be read: ")[2].partition(". Run ")[0] or repr(error))
    sys.stdout.write(json.dumps(asdict(found)))


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]), sys.stdin.read())
