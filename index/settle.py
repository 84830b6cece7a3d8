"""Brings the vector store in line with the archive: what is pending goes in, what is doomed out.

with archive.writing(lock_file): archive.accept(accessions); settle(archive, store)
"""

import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import IndexDamaged
from .archive import Archive
from .store import Store

_AT_ONCE = 5000  # vectors
_LOG = logging.getLogger(__name__)


def settle(archive: Archive, store: Store) -> dict[str, str]:
    """Finish what is begun, here or in a process that died: publish the pending, bury the doomed.

    Vectors are stored before readers can find their passages, and deleted after they cannot. A
    store that a dead process left unreadable or short is made anew first. Why, by id, of articles
    that were put aside, as `Archive.publish`.
    """
    try:
        is_torn = store.is_suspect and not store.survey().is_complete
        if is_torn or store.is_short_of(lambda: archive.totals()[1]):
            raise IndexDamaged(f"The vector store {store.folder} is short of vectors")
        return _settle(archive, store)
    except IndexDamaged as error:
        _LOG.warning(
            "Index '%s': %s. It is made anew from the archive.",
            archive.path.parent.name,
            str(error).partition(". Run ")[0],
        )
        refill(archive, store)
        return _settle(archive, store)


def _settle(archive: Archive, store: Store) -> dict[str, str]:
    refused: dict[str, str] = {}
    archive.find_copies()
    store.catch_up(archive.generation)
    keys = archive.pending()
    if keys is not None:
        store.add(keys, archive.vectors(keys))
        refused = archive.publish()
    doomed = archive.doomed()
    if doomed:
        store.delete(doomed)
        archive.forget_doomed(doomed)
    store.catch_up(archive.generation, wrote=True)
    return refused


def refill(archive: Archive, store: Store) -> None:
    """Make the vector store anew from the archive's vectors; nothing is embedded."""
    store.refill(_stored(archive, archive.all_passages()))
    archive.grow()
    store.catch_up(archive.generation, wrote=True)


def refill_apart(archive: Archive, store: Store) -> None:
    """As `refill`, in a process of its own that has never read a text.

    Chroma writes memory that it has not initialised into its files, and that of a process that has
    shown articles may hold their words. Raises IndexDamaged where the process fails.
    """
    if store.is_remote:
        refill(archive, store)
        return
    store.close()
    command = [sys.executable, "-m", __name__, str(archive.path)]
    child = subprocess.run(
        command, capture_output=True, check=False, text=True, input=archive.url or ""
    )
    if child.returncode:
        said = (child.stderr.strip().splitlines() or ["it gives no reason"])[-1][:200]
        raise IndexDamaged(f"The vector store {store.folder} cannot be made anew: {said}")
    store.catch_up(archive.generation, wrote=True)


def _stored(
    archive: Archive, keys: Sequence[int]
) -> Iterator[tuple[Sequence[int], NDArray[np.float32]]]:
    for at in range(0, len(keys), _AT_ONCE):
        some = keys[at : at + _AT_ONCE]
        yield some, archive.vectors(some)


def remove(ids: Sequence[str], archive: Archive, store: Store, *, lock_file: Path) -> int:
    """Take articles out of archive, lexical index and vector store; how many there were."""
    with archive.writing(lock_file):
        settle(archive, store)
        removed = sum(archive.remove(article_id) for article_id in ids)
        store.catch_up(archive.generation, wrote=True)
        settle(archive, store)
        archive.merge_words()
    return removed


def _main(path: Path, url: str) -> None:
    archive = Archive(path, url or None)
    with Store(path.with_name("chroma"), "") as store:
        refill(archive, store)
    archive.close()


if __name__ == "__main__":
    _main(Path(sys.argv[1]), sys.stdin.read())
