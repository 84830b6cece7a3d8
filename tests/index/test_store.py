"""The vector store: what goes in is found, what is damaged says so."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from byline.errors import IndexDamaged, SettingsError
from byline.index.archive import Archive
from byline.index.store import Store

MANY = 1500  # Chroma writes its vector index to files from 1,000 rows


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    Archive(tmp_path / "archive.db").close()
    with Store(tmp_path / "chroma", "one") as store:
        yield store


def directions(count: int) -> np.ndarray:
    angles = np.linspace(0, 1.5, count)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_the_nearest_come_first(store: Store) -> None:
    store.add([11, 12, 13], directions(3))
    assert store.nearest(directions(3)[0], 2) == [11, 12]
    assert store.nearest(directions(3)[2], 9) == [13, 12, 11]


def test_an_empty_store_finds_nothing(store: Store) -> None:
    assert store.keys() == set()
    assert store.nearest(directions(1)[0], 3) == []
    store.delete([7])


def test_adding_again_replaces_and_deleting_twice_does_not_matter(store: Store) -> None:
    store.add([1, 2], directions(2))
    store.add([1, 2], directions(2)[::-1])
    assert store.nearest(directions(2)[0], 1) == [2]
    store.delete([1, 5])
    store.delete([1])
    assert store.keys() == {2}


def test_a_store_takes_more_than_chroma_does_at_once(store: Store) -> None:
    keys = list(range(6000))
    store.add(keys, directions(6000))
    assert store.keys() == set(keys)
    store.delete(keys)
    assert store.keys() == set()


def test_what_another_store_wrote_is_seen_after_closing(store: Store, tmp_path: Path) -> None:
    store.add([1], directions(1))
    store.close()
    with Store(tmp_path / "chroma", "one") as other:
        other.add([2], directions(2)[1:])
    assert store.keys() == {1, 2}


@pytest.mark.parametrize("damage", ["database", "cut database", "vector index"])
def test_a_damaged_store_says_so_and_can_be_cleared(
    store: Store, tmp_path: Path, damage: str
) -> None:
    store.add(range(MANY), directions(MANY))
    store.close()
    database = tmp_path / "chroma" / "chroma.sqlite3"
    if damage == "vector index":
        segments = list((tmp_path / "chroma").rglob("*.bin"))
        assert segments
        for file in segments:
            file.write_bytes(os.urandom(200))
    else:
        kept = database.read_bytes()[:5000] if damage == "cut database" else b"garbage" * 1000
        database.write_bytes(kept)
    for _ in range(2):
        with pytest.raises(IndexDamaged, match=r"cannot be read: .*byline check --repair") as error:
            store.nearest(directions(1)[0], 3)
        assert "\n" not in str(error.value)
    store.clear()
    store.add([1], directions(1))
    assert store.nearest(directions(1)[0], 3) == [1]


def test_vectors_of_another_dimension_are_refused(store: Store) -> None:
    store.add([1], directions(1))
    with pytest.raises(IndexDamaged, match="dimension"):
        store.add([2], np.ones((1, 3), np.float32))


def test_a_chroma_server_that_is_down_is_named(tmp_path: Path, unused_address: str) -> None:
    url = unused_address.removesuffix("/v1")
    with Store(tmp_path, "one", url) as store, pytest.raises(SettingsError) as error:
        store.keys()
    assert f"The Chroma server {url} cannot be used" in str(error.value)
    assert "BYLINE_CHROMA_URL" in str(error.value)
