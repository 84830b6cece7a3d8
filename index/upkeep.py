"""Says whether archive and vector store agree, and mends what does not, without embedding.

health = check(archive, store, lock_file=folder / "lock"); repair(archive, store, lock_file=...)
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import IndexDamaged
from .archive import Archive
from .build import embedded_text
from .embed import Embedder, Vectors
from .settle import refill, settle
from .store import Store

_BATCH = 64  # passages


@dataclass(frozen=True, slots=True)
class Health:
    """What a check found."""

    articles: int
    passages: int
    vectors: int
    problems: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def check(archive: Archive, store: Store, *, lock_file: Path) -> Health:
    """Hold the archive against itself and every vector of the store against the archive's."""
    with archive.writing(lock_file):
        articles, passages = archive.totals()
        problems, vectors = archive.problems(), 0
        try:
            found = store.survey()
        except IndexDamaged as error:
            problems.append(str(error).partition(" Run ")[0].rstrip("."))
        else:
            vectors = found.vectors
            for keys, said in (
                (found.missing, "passages have no vector in the store"),
                (found.differing, "passages have another vector in the store"),
                (found.stray, "vectors in the store belong to no passage"),
            ):
                if keys:
                    problems.append(f"{len(keys)} {said}")
        if archive.pending() is not None:
            problems.append("accepted articles wait to be published: the next `add` finishes them")
        if archive.doomed():
            problems.append("vectors wait to be deleted: the next `add` finishes it")
    return Health(articles, passages, vectors, tuple(problems))


def repair(archive: Archive, store: Store, *, lock_file: Path) -> None:
    """Mend what a check finds from what the archive holds; nothing is embedded."""
    with archive.writing(lock_file):
        archive.mend()
        try:
            found = store.survey()
        except IndexDamaged:
            found = None
        if found is not None and found.is_complete:
            store.delete(found.stray)
        else:
            refill(archive, store)
        settle(archive, store)
        archive.grow()
        store.catch_up(archive.generation)


def rebuild(archive: Archive, store: Store, embedder: Embedder, *, lock_file: Path) -> None:
    """Make the vector store anew from the archive's vectors, beside the old one, and swap.

    Only where the index was built with another embedder are the passages embedded again; where
    that fails, archive and store are as before.
    """
    with archive.writing(lock_file):
        settle(archive, store)
        if archive.built_with("embedder") not in (None, embedder.name):
            keys = archive.all_passages()
            made = _embed_again(keys, archive, embedder)
            store.doubt()  # until it is refilled its vectors are the old ones
            archive.replace_vectors(
                keys, made, embedder=embedder.name, dimension=str(made.shape[1])
            )
        refill(archive, store)


def _embed_again(keys: Sequence[int], archive: Archive, embedder: Embedder) -> Vectors:
    made = [] if keys else [embedder.embed_question("news").reshape(1, -1)[:0]]
    for at in range(0, len(keys), _BATCH):
        passages = archive.passages(keys[at : at + _BATCH], hidden=True)
        made.append(embedder.embed([embedded_text(p.article, p.text) for p in passages]))
    return np.concatenate(made)
