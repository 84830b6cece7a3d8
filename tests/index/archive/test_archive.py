"""What the archive keeps, filters and refuses."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from byline.errors import IndexDamaged, IndexMismatch
from byline.index.archive import Archive
from byline.index.archive.filter import Filter
from byline.index.archive.migrate import SCHEMA
from byline.index.archive.writes import Accession
from byline.index.article import Article, Mark
from byline.index.chunk import chunk

NOW = datetime.now(UTC)


def article(article_id: str, text: str = "Rates rose on Monday.", **facts: object) -> Article:
    return Article(id=article_id, text=text, **facts)


def accession(given: Article) -> Accession:
    passages = chunk(given, 200)
    vectors = [np.array([1.0, 0.0], np.float32) for _ in passages]
    return Accession(given, [given.id.encode()], passages, vectors)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    opened = Archive(tmp_path / "one" / "archive.db")
    yield opened
    opened.close()


def put(archive: Archive, *articles: Article) -> None:
    archive.accept([accession(one) for one in articles])
    archive.publish()


def found(archive: Archive, matching: Filter, query: str = "rates") -> set[str]:
    """Ids of articles found by words; what the other ways in give must agree."""
    pks = [pk for pk, _ in archive.match_passages(query, matching, 100)]
    ids = {passage.article.id for passage in archive.passages(pks, matching)}
    assert ids == {one.id for one in archive.list_articles(matching)}
    assert len(ids) == archive.count(matching)[0] == len(archive.matching_articles(matching))
    return ids


class TestArticles:
    @pytest.mark.parametrize("none", ["\0", "a\0", "\ud800"])
    def test_an_id_that_no_database_can_hold_is_of_no_article(
        self, archive: Archive, none: str
    ) -> None:
        put(archive, article("a"))
        assert [one.id for one in archive.articles([none, "a"])] == ["a"]
        assert archive.published([none, "a"]).keys() == {"a"}
        assert archive.showable([none, "a"]) == {"a"}
        assert (archive.article(none), archive.versions(none)) == (None, [])

    def test_an_article_comes_back_as_it_was_put_in(self, archive: Archive) -> None:
        full = article(
            "a",
            "By Mara Tenholt\nRates “rose”.\n😀 é",
            title="Rates",
            outlet="The Ledger",
            authors=("Mara Tenholt", "J. Brill"),
            published=NOW,
            updated=date(2026, 2, 4),
            url="https://ledger.example/a",
            language="en",
            section="Economy",
            kind="news",
            status="usable",
            rights="one use",
            excerpt_limit=200,
            completeness="full",
            marks=(Mark(0, 15, "byline"),),
            extra={"desk": ["a", {"b": 1}]},
        )
        put(archive, full)
        assert archive.article("a") == full

    def test_an_accepted_article_is_found_once_published(self, archive: Archive) -> None:
        archive.accept([accession(article("a"))])
        assert archive.article("a") is None
        assert found(archive, Filter()) == set()
        assert archive.pending() == [1]
        archive.publish()
        assert found(archive, Filter()) == {"a"}
        assert archive.pending() is None

    def test_the_version_before_is_found_until_the_new_one_is_published(
        self, archive: Archive
    ) -> None:
        put(archive, article("a"))
        archive.accept([accession(article("a", "Rates fell on Tuesday."))])
        assert archive.match_passages("monday", Filter(), 9)
        archive.publish()
        assert not archive.match_passages("monday", Filter(), 9)
        assert archive.match_passages("tuesday", Filter(), 9)
        assert archive.problems() == []

    @pytest.mark.embedded("it reads the bytes of archive.db")
    def test_what_is_removed_leaves_no_text_in_the_file(self, archive: Archive) -> None:
        put(archive, article("a", "Rates rose in Zwolledam."), article("b"))
        put(archive, article("a", "Rates fell in Zwolledam."))
        assert archive.remove("a")
        assert not archive.remove("a")
        archive.close()
        written = b"".join(file.read_bytes() for file in archive.path.parent.glob("archive.db*"))
        assert b"Zwolledam" not in written
        assert b"Rates rose on Monday." in written
        assert found(archive, Filter()) == {"b"}

    def test_every_change_moves_the_generation(self, archive: Archive) -> None:
        seen = [archive.generation]
        put(archive, article("a"))
        seen.append(archive.generation)
        put(archive, article("a", outlet="The Ledger"))
        seen.append(archive.generation)
        archive.remove("a")
        seen.append(archive.generation)
        assert seen == sorted(set(seen))

    def test_the_newest_articles_are_listed_first_and_the_undated_last(
        self, archive: Archive
    ) -> None:
        put(
            archive,
            article("undated"),
            article("old", published=date(2026, 1, 1)),
            article("new", published=date(2026, 2, 1)),
        )
        assert [one.id for one in archive.list_articles()] == ["new", "old", "undated"]
        assert [one.id for one in archive.list_articles(limit=1)] == ["new"]


class TestFilters:
    @pytest.mark.parametrize(
        ("matching", "expected"),
        [
            (Filter(since=date(2026, 2, 4)), {"dawn", "day", "last", "next"}),
            (Filter(until=date(2026, 2, 4)), {"before", "dawn", "day", "last"}),
            (Filter(date(2026, 2, 4), date(2026, 2, 4)), {"dawn", "day", "last"}),
            (Filter(since=datetime(2026, 2, 4, 23, 59, tzinfo=UTC)), {"last", "next"}),
            (Filter(until=datetime(2026, 2, 4, tzinfo=UTC)), {"before", "dawn", "day"}),
            (Filter(since=date(2027, 1, 1)), set()),
            (Filter(), {"before", "dawn", "day", "last", "next", "undated"}),
        ],
    )
    def test_since_and_until_include_their_days_and_leave_out_the_undated(
        self, archive: Archive, matching: Filter, expected: set[str]
    ) -> None:
        put(
            archive,
            article("before", published=datetime(2026, 2, 3, 23, 59, 59, tzinfo=UTC)),
            article("dawn", published=datetime(2026, 2, 4, tzinfo=UTC)),
            article("day", published=date(2026, 2, 4)),
            article("last", published=datetime(2026, 2, 4, 23, 59, 59, 999999, tzinfo=UTC)),
            article("next", published=date(2026, 2, 5)),
            article("undated"),
        )
        assert found(archive, matching) == expected

    def test_outlets_are_counted_and_filtered_by_name(self, archive: Archive) -> None:
        names = ("The Ledger", "The Ledger", "Castrine Herald", None)
        put(archive, *(article(str(n), outlet=name) for n, name in enumerate(names)))
        assert list(archive.outlets().items()) == [("The Ledger", 2), ("Castrine Herald", 1)]
        assert found(archive, Filter(outlets=("Castrine Herald",))) == {"2"}
        assert found(archive, Filter(outlets=("Castrine Herald", "The Ledger"))) == {"0", "1", "2"}

    def test_as_of_leaves_out_what_was_published_updated_or_added_later(
        self, archive: Archive
    ) -> None:
        put(
            archive,
            article("earlier", published=date(2026, 2, 3)),
            article("that-day", published=datetime(2026, 2, 4, 23, tzinfo=UTC)),
            article("later", published=date(2026, 2, 5)),
            article("rewritten", published=date(2026, 2, 3), updated=date(2026, 2, 9)),
            article("undated"),
        )
        assert found(archive, Filter(as_of=date(2026, 2, 4))) == {"earlier", "that-day"}
        today = datetime.now(UTC).date()  # not before the day on which they were added
        assert found(archive, Filter(as_of=today)) == {
            "earlier",
            "that-day",
            "later",
            "rewritten",
            "undated",
        }


class TestHidden:
    YESTERDAY, TOMORROW = NOW - timedelta(days=1), NOW + timedelta(hours=23)
    FACTS = (
        pytest.param({"embargo_until": TOMORROW}, id="embargoed"),
        pytest.param({"expires": YESTERDAY}, id="expired"),
        pytest.param({"expires": YESTERDAY.date()}, id="expired-day"),
        *(
            pytest.param({"status": s}, id=s)
            for s in ("withheld", "Withheld", "KILLED", "canceled")
        ),
    )
    DATES = (
        pytest.param(None, id="now"),
        pytest.param(date(2026, 3, 1), id="past"),
        pytest.param(TOMORROW.date() + timedelta(days=1), id="tomorrow"),
    )

    @pytest.mark.parametrize("facts", FACTS)
    @pytest.mark.parametrize("as_of", DATES)
    def test_what_may_not_be_shown_is_not_found_whatever_the_date_of_asking(
        self, archive: Archive, facts: dict[str, object], as_of: date | None
    ) -> None:
        put(archive, article("shown", published=date(2026, 1, 1)))
        put(archive, article("hidden", published=date(2026, 1, 1), **facts))
        assert found(archive, Filter(as_of=as_of)) == {"shown"}
        assert archive.article("hidden") is None

    @pytest.mark.parametrize(
        "facts",
        [{"embargo_until": YESTERDAY}, {"expires": TOMORROW}, {"status": "usable"}],
        ids=["embargo over", "not yet expired", "usable"],
    )
    def test_what_may_be_shown_by_now_is_found(
        self, archive: Archive, facts: dict[str, object]
    ) -> None:
        put(archive, article("a", **facts))
        assert found(archive, Filter()) == {"a"}

    def test_nothing_is_found_before_its_embargo_with_an_earlier_date_of_asking(
        self, archive: Archive
    ) -> None:
        put(archive, article("a", published=date(2026, 1, 1), embargo_until=date(2026, 2, 1)))
        assert found(archive, Filter(as_of=date(2026, 1, 15))) == set()
        assert found(archive, Filter(as_of=date(2026, 2, 1))) == {"a"}

    def test_hidden_articles_are_no_damage(self, archive: Archive) -> None:
        put(archive, article("shown"), article("hidden", status="withheld"))
        assert archive.problems() == []

    def test_an_article_that_is_withheld_later_is_hidden_from_then_on(
        self, archive: Archive
    ) -> None:
        put(archive, article("a"))
        put(archive, article("a", status="withheld"))
        assert found(archive, Filter()) == set()


class TestFile:
    def test_an_index_remembers_what_it_was_built_with(self, archive: Archive) -> None:
        archive.claim(embedder="minilm", passage_chars="1000")
        archive.claim(embedder="minilm", passage_chars="1000")
        with pytest.raises(IndexMismatch, match=r"'one' was built with embedder minilm;.* big\."):
            archive.claim(embedder="big")
        with pytest.raises(IndexMismatch, match="built with passage_chars 1000"):
            archive.claim(passage_chars="500")
        archive.replace_vectors([], np.zeros((0, 2), np.float32), embedder="big")
        archive.require(embedder="big")

    @pytest.mark.embedded("it reads the bytes of archive.db")
    def test_a_file_that_is_no_archive_is_refused_in_one_line(self, tmp_path: Path) -> None:
        path = tmp_path / "archive.db"
        path.write_bytes(b"This is a letter to the editor. " * 100)
        with pytest.raises(IndexDamaged, match="is damaged: file is not a database") as error:
            Archive(path)
        assert "\n" not in str(error.value)
        assert path.read_bytes().startswith(b"This is a letter")

    @pytest.mark.embedded("it reads the bytes of archive.db")
    def test_a_home_that_is_a_file_is_refused_in_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "home").write_text("")
        with pytest.raises(IndexDamaged, match="cannot be opened"):
            Archive(tmp_path / "home" / "one" / "archive.db")

    def test_a_new_index_may_be_opened_by_many_at_once(self, tmp_path: Path) -> None:
        errors: list[Exception] = []

        def open_it() -> None:
            try:
                Archive(tmp_path / "new" / "archive.db").close()
            except Exception as error:  # for the assertion below
                errors.append(error)

        threads = [threading.Thread(target=open_it) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []

    @pytest.mark.embedded("SQLite's connections are not bounded")
    def test_a_hundred_threads_that_read_at_once_do_not_wait_for_each_other(
        self, archive: Archive
    ) -> None:
        with ExitStack() as opened:
            for _ in range(100):
                opened.enter_context(archive.engine.connect())
            assert archive.built_with("schema") == str(SCHEMA)

    @pytest.mark.embedded("it reads the bytes of archive.db")
    def test_a_lexical_index_that_lost_an_article_is_a_problem(self, archive: Archive) -> None:
        put(archive, article("a"), article("b"))
        archive.close()
        with sqlite3.connect(archive.path) as connection:
            connection.execute("DELETE FROM articles_text_docsize WHERE id = 1")
        connection.close()
        assert archive.problems() == [
            "the full-text table articles_text misses 1 and has 0 too many"
        ]


def test_a_version_that_comes_back_is_found_again(archive: Archive) -> None:
    first = article("a")
    for text in (first.text, "Rates fell.", first.text):
        put(archive, replace(first, text=text))
    assert found(archive, Filter()) == {"a"}
    assert not archive.match_passages("fell", Filter(), 9)
    assert archive.problems() == []
