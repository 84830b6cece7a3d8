"""What checks find in an index that something has harmed, and what a repair makes of it."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from byline import Desk
from byline.index.archive import shelf as shelf_module
from byline.index.archive import soundness
from byline.index.archive.filter import Filter
from byline.qa import retrieve as retrieve_module
from byline.tests.fakes import Broken, Letters

MANY = 1200  # Chroma writes its vector index to files from 1,000 rows


@pytest.fixture
def letters(home: Path, folder: Path) -> Iterator[Desk]:
    """A desk over the three articles that must not embed again."""
    with Desk(home, embedder=Letters()) as desk:
        desk.add(folder)
    with Desk(home, embedder=Broken()) as desk:
        yield desk


OF_FTS5 = pytest.mark.embedded("it harms a table of FTS5")


def run_sql(desk: Desk, *statements: str) -> None:
    unguarded = {"sqlite": "PRAGMA foreign_keys=OFF"}
    with desk.archive.engine.connect() as connection:
        unguard = unguarded.get(connection.dialect.name, "SET session_replication_role = replica")
        for statement in (unguard, *statements):
            connection.exec_driver_sql(statement)
        connection.commit()
        connection.invalidate()


def lose_a_vector(desk: Desk) -> None:
    desk.store.delete(desk.archive.all_passages()[:1])


def change_a_vector(desk: Desk) -> None:
    first, second, *_ = desk.archive.all_passages()
    desk.store.add([first], -desk.archive.vectors([second]))


def add_a_stray_vector(desk: Desk) -> None:
    desk.store.add([9999], desk.archive.vectors(desk.archive.all_passages()[:1]))


def lose_words(desk: Desk) -> None:
    run_sql(desk, "INSERT INTO passages_text (passages_text) VALUES ('delete-all')")


def pile_up_levels(desk: Desk) -> None:
    """As SQLite before 3.41 left a table that was merged two thousand times."""
    block = "000000008f52019175" + "00" * 4007
    run_sql(desk, f"UPDATE passages_text_data SET block = x'{block}' WHERE id = 10")


def lose_an_article(desk: Desk) -> None:
    run_sql(desk, "DELETE FROM articles WHERE pk = 2")


def leave_a_vector(desk: Desk) -> None:
    run_sql(desk, "INSERT INTO vectors VALUES (9999, '0')")


def destroy_the_store(desk: Desk) -> None:
    desk.store.close()
    (desk.store.folder / "chroma.sqlite3").write_bytes(b"garbage" * 1000)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lose_a_vector, "1 passages have no vector in the store"),
        (change_a_vector, "1 passages have another vector in the store"),
        (add_a_stray_vector, "1 vectors in the store belong to no passage"),
        pytest.param(lose_words, "the full-text table passages_text misses 3", marks=OF_FTS5),
        pytest.param(
            pile_up_levels, "the full-text table passages_text is inconsistent", marks=OF_FTS5
        ),
        (lose_an_article, "1 rows of passages belong to nothing"),
        (leave_a_vector, "1 rows of vectors belong to nothing"),
        pytest.param(
            destroy_the_store, "cannot be read: .*not a database", marks=pytest.mark.store_here
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_harm_is_told_and_mended_without_embedding(
    letters: Desk, harm: Callable[[Desk], None], told: str
) -> None:
    assert letters.check().problems == ()
    harm(letters)
    problems = "; ".join(letters.check().problems)

    assert re.search(told, problems), problems
    assert letters.check(repair=True).problems == ()
    left = 2 if harm is lose_an_article else 3
    assert len(letters.articles) == left
    assert letters.archive.match_passages('"rehn"', Filter(), 9)


@OF_FTS5
def test_removing_thousands_of_times_leaves_the_full_text_tables_readable(letters: Desk) -> None:
    held = ("articles_text", "passages_text")
    with letters.archive.engine.connect() as connection:
        for _ in range(2100):  # more than SQLite before 3.41 can read
            for table in held:
                connection.execute(sa.text(f"INSERT INTO {table} VALUES ('', 'removed')"))
            soundness.merge(connection)
        connection.commit()
        soundness.index_again(connection)
        connection.commit()
    assert letters.check().problems == ()
    assert letters.archive.match_passages('"rehn"', Filter(), 9)


@pytest.mark.store_here
class TestTorn:
    """A process died while it had the vector store open."""

    @pytest.fixture
    def many(self, home: Path, tmp_path: Path) -> Iterator[Desk]:
        path = tmp_path / "many.jsonl"
        path.write_text(
            "".join(f'{{"id": "n{n}", "text": "Item {n} of the council."}}\n' for n in range(MANY))
        )
        with Desk(home, embedder=Letters()) as desk:
            desk.add(path)
            yield desk

    def test_a_folder_whose_opening_ends_the_process_is_made_anew(
        self, home: Path, many: Desk, monkeypatch: pytest.MonkeyPatch, folder: Path
    ) -> None:
        many.store.close()
        for file in many.store.folder.glob("*/*.bin"):
            file.write_bytes(os.urandom(file.stat().st_size))
        many.store.doubt()
        monkeypatch.setattr(shelf_module, "HELD_IN_MEMORY", 0)
        monkeypatch.setattr(retrieve_module, "_EXACT_UP_TO", 0)
        with Desk(home, embedder=Letters()) as desk:
            assert desk.search("Item 7 of the council")  # compared one by one, meanwhile
            assert "cannot be read" in desk.check().problems[0]
            assert desk.add(folder).added == 3
            assert desk.check().problems == ()
            assert desk.check().vectors == MANY + 3
        assert not (many.folder / "chroma.open").exists()

    def test_one_that_is_whole_stays(self, home: Path, many: Desk, folder: Path) -> None:
        many.store.close()
        many.store.doubt()
        before = many.store.folder
        with Desk(home, embedder=Letters()) as desk:
            desk.add(folder)
            assert desk.store.folder == before
        assert not (many.folder / "chroma.open").exists()

    def test_one_whose_files_were_being_written_is_made_anew_unread(
        self, home: Path, many: Desk, folder: Path
    ) -> None:
        many.store.close()
        many.store.doubt()
        for file in many.store.folder.glob("*/link_lists.bin"):
            os.utime(file)  # each vector can be read; its graph may end who walks it
        with Desk(home, embedder=Letters()) as desk:
            assert "while it wrote it" in desk.check().problems[0]
            desk.add(folder)
            assert desk.check().problems == ()
            assert desk.store.folder.name == "chroma-2"
        assert not (many.folder / "chroma.open").exists()

    def test_a_mark_that_a_full_disk_left_empty_says_nothing_was_written(
        self, home: Path, many: Desk, folder: Path
    ) -> None:
        many.store.close()
        (many.folder / "chroma.open").touch()
        with Desk(home, embedder=Letters()) as desk:
            desk.add(folder)
            assert desk.check().problems == ()
            assert desk.store.folder.name == "chroma"

    def test_one_that_is_short_is_made_anew(self, home: Path, many: Desk, folder: Path) -> None:
        many.store.delete(many.archive.all_passages()[:5])
        many.store.close()
        many.store.doubt()
        with Desk(home, embedder=Letters()) as desk:
            desk.add(folder)
            assert desk.check().problems == ()
            assert desk.store.folder.name == "chroma-2"
        assert not (many.folder / "chroma").exists()


@pytest.mark.store_here
def test_readers_follow_a_rebuild(letters: Desk, home: Path, folder: Path) -> None:
    assert letters.store.nearest(letters.archive.vectors([1])[0], 1) == [1]
    with Desk(home, embedder=Broken()) as other:
        assert other.check(rebuild=True).problems == ()
    assert letters.store.folder.name == "chroma-2"
    assert letters.store.nearest(letters.archive.vectors([1])[0], 1) == [1]


@pytest.mark.store_here
def test_a_kill_while_the_store_is_made_anew_leaves_the_old_one(letters: Desk) -> None:
    def killed() -> Iterator[tuple[list[int], object]]:
        yield [1], letters.archive.vectors([1])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        letters.store.refill(killed())  # type: ignore[arg-type]
    assert letters.store.folder.name == "chroma"
    assert letters.check().problems == ()
    assert letters.check(rebuild=True).problems == ()
    assert [p.name for p in letters.folder.glob("chroma*") if p.is_dir()] == ["chroma-2"]
