"""The vector store: what goes in is found, what is damaged says so."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from byline.errors import IndexDamaged
from byline.index.archive import Archive
from byline.index.server import server_of, store_at
from byline.index.store import Store

MANY = 1500  # Chroma writes its vector index to files from 1,000 rows


Open = Callable[[], Store]


@pytest.fixture(params=["embedded", "server"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same store each time, of the one kind or the other."""
    Archive(tmp_path / "archive.db").close()
    is_embedded = request.param == "embedded"
    server = None if is_embedded else server_of(request.getfixturevalue("chroma_url"))
    name = f"byline-{uuid4().hex}"
    return lambda: store_at(server, tmp_path / "chroma", name)


@pytest.fixture
def store(opened: Open) -> Iterator[Store]:
    with opened() as store:
        yield store


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Store]:
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


def test_what_another_store_wrote_is_seen_after_closing(store: Store, opened: Open) -> None:
    store.add([1], directions(1))
    store.close()
    with opened() as other:
        other.add([2], directions(2)[1:])
    assert store.keys() == {1, 2}


def test_a_store_made_anew_holds_what_it_was_given_for_all_who_have_it_open(
    store: Store, opened: Open
) -> None:
    store.add([1, 2], directions(2))
    with opened() as other:
        other.refill([([5], directions(1)), ([6, 7], directions(2))])
        assert other.keys() == {5, 6, 7}
    assert store.keys() == {5, 6, 7}
    store.clear()
    assert store.keys() == set()


def test_a_store_in_doubt_is_so_for_others_until_it_is_made_anew(
    store: Store, opened: Open
) -> None:
    store.add([1], directions(1))
    assert not store.is_suspect
    store.doubt()
    with opened() as other:
        assert other.is_suspect
        other.refill([([1], directions(1))])
    assert not store.is_suspect


def test_a_kill_while_it_is_made_anew_leaves_the_old_one(store: Store) -> None:
    def killed() -> Iterator[tuple[list[int], np.ndarray]]:
        yield [5], directions(1)
        raise KeyboardInterrupt

    store.add([1], directions(1))
    with pytest.raises(KeyboardInterrupt):
        store.refill(killed())
    assert store.keys() == {1}
    store.refill([([6], directions(1))])
    assert store.keys() == {6}


@pytest.mark.parametrize("damage", ["database", "cut database", "vector index"])
def test_a_damaged_store_says_so_and_can_be_cleared(
    embedded: Store, tmp_path: Path, damage: str
) -> None:
    store = embedded
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
