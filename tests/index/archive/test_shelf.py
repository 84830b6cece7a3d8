"""The shelf reads what is new, drops what is gone, and is near enough to choose by."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from byline.index.archive import Archive, lexical, tables, tsvectors
from byline.index.archive import shelf as shelf_module
from byline.index.archive.filter import Filter
from byline.index.archive.shelf import Shelf
from byline.index.archive.writes import Accession
from byline.index.article import Article
from byline.index.chunk import Passage
from numpy.typing import NDArray

RANDOM = np.random.default_rng(5)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    opened = Archive(tmp_path / "archive.db")
    opened.claim(embedder="random", dimension="64")
    yield opened
    opened.close()


def put(archive: Archive, article_id: str, text: str, passages: int = 3) -> None:
    """Publish an article of so many passages with vectors by chance."""
    vectors = RANDOM.standard_normal((passages, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    spans = [Passage(0, len(text), text)] * passages
    article = Article(id=article_id, text=text, published=date(2026, 3, 1))
    archive.accept([Accession(article, [article_id.encode()], spans, list(vectors))])
    archive.publish()


def same(one: Shelf, other: Shelf) -> bool:
    columns = ("keys", "articles", "codes", "scales")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in columns)


def fresh(archive: Archive) -> Shelf:
    """The shelf of a process that opens the archive now."""
    other = Archive(archive.path)
    try:
        return other.shelf()
    finally:
        other.close()


def test_after_every_change_it_is_as_if_it_were_read_whole(archive: Archive) -> None:
    assert len(archive.shelf().keys) == 0
    for number in range(12):
        put(archive, f"a{number}", f"Report {number}.", passages=1 + number % 4)
        assert same(archive.shelf(), fresh(archive))
    put(archive, "a3", "Report 3, rewritten.", passages=4)  # as many as before
    archive.remove("a5")
    assert same(archive.shelf(), fresh(archive))
    archive.remove("a11")
    put(archive, "a12", "One more.", passages=4)  # the count is what it was
    assert same(archive.shelf(), fresh(archive))
    assert archive.shelf().keys.tolist() == sorted(archive.all_passages())


def test_only_what_is_new_is_read(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    put(archive, "a", "Rates rose.")
    archive.shelf()
    read: list[int] = []
    real = shelf_module._coded

    def coded(connection: object, keys: NDArray[np.int64], dimension: int) -> object:
        read.append(len(keys))
        return real(connection, keys, dimension)

    monkeypatch.setattr(shelf_module, "_coded", coded)
    put(archive, "b", "Rates fell.", passages=2)
    archive.shelf()
    archive.shelf()
    assert read == [2]


def test_vectors_of_another_embedder_are_read_anew(archive: Archive) -> None:
    put(archive, "a", "Rates rose.")
    before = archive.shelf()
    new = np.eye(3, 32, dtype=np.float32)
    archive.replace_vectors(before.keys.tolist(), new, embedder="other", dimension="32")
    assert archive.shelf().codes.shape == (3, 32)
    assert np.allclose(archive.vectors(before.keys.tolist()), new)


def test_nearness_is_the_cosine_but_for_a_few_thousandths(archive: Archive) -> None:
    for number in range(30):
        put(archive, f"a{number}", "Rates rose.", passages=20)
    shelf = archive.shelf()
    exact, where = archive.vectors(shelf.keys.tolist()), np.arange(len(shelf.keys))
    assert np.abs(shelf.nearness(exact[7], where) - exact @ exact[7]).max() < 0.005
    some = where[5::7]
    assert np.allclose(shelf.nearness(exact[7], some), shelf.nearness(exact[7], where)[some])


def test_signs_leave_out_none_of_the_nearest(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf_module, "_LIKELY", 60)
    for number in range(30):
        put(archive, f"a{number}", "Rates rose.", passages=20)
    shelf = archive.shelf()
    vectors, passing = archive.vectors(shelf.keys.tolist()), np.arange(0, len(shelf.keys), 2)
    for asked in vectors[:20:2]:
        asked = asked + 0.02 * RANDOM.standard_normal(len(asked)).astype(np.float32)
        likely = shelf.likely(asked, passing)
        assert len(likely) == 60
        assert set(likely) <= set(passing)
        assert set(passing[np.argsort(-(vectors[passing] @ asked))[:1]]) <= set(likely)
    assert len(shelf.likely(asked, passing[:100])) == 100


def test_vectors_that_an_older_release_stored_are_read(archive: Archive) -> None:
    put(archive, "a", "Rates rose.")
    put(archive, "b", "Rates fell.")
    whole = RANDOM.standard_normal(64).astype(np.float32)
    with archive.engine.begin() as connection:
        old = tables.vectors.update().where(tables.vectors.c.passage_pk == 2)
        connection.execute(old.values(vector=whole.tobytes()))
    assert np.array_equal(archive.vectors([2, 4])[0], whole)
    shelf = archive.shelf()
    assert shelf.nearness(whole, np.array([1]))[0] == pytest.approx(whole @ whole, rel=0.01)


def test_the_rarest_words_choose_and_all_rank(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(120):
        word = "ferry" if number % 10 == 0 else "train"
        place = "harbour" if number % 20 == 0 else "station"
        put(archive, f"a{number}", f"The {word} left the {place} on Monday.", passages=1)
    query = '"ferry" OR "monday" OR "harbour" OR "train"'
    whole = archive.match_passages(query, None, 5)
    monkeypatch.setattr(lexical, "_RANKED", 60)
    asked: list[str] = []
    real = lexical.rarest

    def rarest(*given: object) -> str | None:
        asked.append(found := real(*given))
        return found

    for module in (lexical, tsvectors):
        monkeypatch.setattr(module, "rarest", rarest)
    assert archive.match_passages(query, None, 5) == whole
    assert asked == ['"harbour" OR "ferry"']
    assert len(archive.match_passages(query, None, 6)) == 6
    assert len(archive.match_passages(query, None, 1000)) == 120  # all are asked for
    assert len(archive.match_passages('"ferry" NOT "harbour"', None, 5)) == 5
    assert archive.match_passages(query, Filter(until=date(2020, 1, 1)), 5) == []
