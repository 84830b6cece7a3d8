"""Conversations come back as they were stored, whatever happens around them."""

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from byline.errors import IndexLocked, InputError
from byline.index.archive import Archive, conversations
from byline.index.archive.conversations import Conversations, Turn
from byline.index.archive.filter import Filter

NOON = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
ANSWER = {
    "question": "Who resigned?",
    "standalone_question": "Who resigned?",
    "text": "Tomas Rehn resigned [1].",
    "citations": [
        {"number": 1, "article_id": "a", "quote": "Rehn — «resigned»\n😀", "start": 3, "end": 21}
    ],
    "timings": {"total": 0.1},
}
FILTERS = Filter(
    NOON, date(2026, 4, 1), ("The Ledger", "Bulletin"), date(2026, 4, 6), sections=("Sport",)
)


def turn(question: str = "Who resigned?", minutes: int = 0) -> Turn:
    answer = ANSWER | {"question": question}
    return Turn(answer, FILTERS, NOON + timedelta(minutes=minutes))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    opened = Archive(tmp_path / "archive.db")
    yield opened
    opened.close()


@pytest.fixture
def store(archive: Archive) -> Conversations:
    return archive.conversations


def test_a_turn_comes_back_as_it_was_stored(archive: Archive, store: Conversations) -> None:
    store.append("a", turn())
    store.append("a", turn("And why?", 1))
    archive.close()
    again = Archive(archive.path)
    held = again.conversations.load("a")
    again.close()
    assert held.turns == (turn(), turn("And why?", 1))
    assert held.title == "Who resigned?"


def test_the_list_shows_what_was_asked_last_first(store: Conversations) -> None:
    store.append("old", turn("First?"))
    store.append("new", turn("Second?", 1))
    store.append("old", turn("Third?", 2))
    listed = store.list()
    assert [(held.id, held.title, held.turns) for held in listed] == [
        ("old", "First?", 2),
        ("new", "Second?", 1),
    ]
    assert (listed[0].started, listed[0].changed) == (NOON, NOON + timedelta(minutes=2))
    assert [held.id for held in store.list(1)] == ["old"]


def test_a_deleted_conversation_is_gone_with_its_turns(
    archive: Archive, store: Conversations
) -> None:
    store.append("a", turn())
    store.append("b", turn())
    store.delete("a")
    assert store.find("a") is None
    assert len(store.load("b").turns) == 1
    with archive.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM turns").scalar() == 1


def test_a_renamed_conversation_keeps_its_name(store: Conversations) -> None:
    store.append("a", turn())
    store.rename("a", "  The\x1b water\ncontract ")
    store.append("a", turn("And why?", 1))
    assert store.load("a").title == "The water contract"


def test_a_long_first_question_is_cut_for_the_title(store: Conversations) -> None:
    store.append("a", turn("why " * 200))
    assert len(store.load("a").title) == 120
    assert store.load("a").turns[0].question == "why " * 200


@pytest.mark.parametrize(
    "act",
    [
        lambda store: store.load("none"),
        lambda store: store.delete("none"),
        lambda store: store.rename("none", "A name"),
    ],
)
def test_a_conversation_that_is_not_there_is_named(act, store: Conversations) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="no conversation 'none'"):
        act(store)


def test_an_empty_title_is_refused(store: Conversations) -> None:
    store.append("a", turn())
    with pytest.raises(InputError, match="title is empty"):
        store.rename("a", " \n")


def test_a_full_conversation_takes_no_more(
    store: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "MOST_TURNS", 2)
    store.append("a", turn())
    store.append("a", turn())
    with pytest.raises(InputError, match="has 2 turns"):
        store.append("a", turn())
    assert len(store.load("a").turns) == 2


def test_storing_does_not_move_the_generation_of_the_index(
    archive: Archive, store: Conversations
) -> None:
    archive.grow()
    before = archive.generation
    store.append("a", turn())
    store.rename("a", "Other")
    store.delete("a")
    assert archive.generation == before == 1


def test_an_archive_from_before_conversations_opens_without_loss(archive: Archive) -> None:
    archive.claim(embedder="letters")
    with archive.engine.begin() as connection:
        for table in ("feedback", "turns", "conversations"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
    archive.close()
    again = Archive(archive.path)
    again.conversations.append("a", turn())
    assert again.built_with("embedder") == "letters"
    assert len(again.conversations.load("a").turns) == 1
    again.close()


def test_two_writers_and_a_reader_lose_no_turn(archive: Archive, store: Conversations) -> None:
    other = Archive(archive.path)
    seen: list[int] = []

    def write(to: Conversations) -> None:
        for number in range(20):
            to.append("a", turn(minutes=number))

    writers = [
        threading.Thread(target=write, args=(opened.conversations,)) for opened in (archive, other)
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        held = store.find("a")
        seen.append(len(held.turns) if held else 0)
    for writer in writers:
        writer.join()
    other.close()
    assert len(store.load("a").turns) == 40
    assert seen == sorted(seen)


@pytest.mark.embedded("SQLite lets one write at a time")
def test_a_turn_that_cannot_wait_longer_says_so(archive: Archive) -> None:
    store = archive.conversations
    store.append("a", turn())
    with sqlite3.connect(archive.path) as adding:
        adding.execute("BEGIN IMMEDIATE")
        with store._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=50")
        with pytest.raises(IndexLocked, match="being added"):
            store.append("a", turn())
        assert len(store.load("a").turns) == 1  # readers go on
        adding.rollback()
    store.append("a", replace(turn(), filters=Filter()))
    assert store.load("a").turns[1].filters == Filter()


def test_the_last_verdict_on_a_turn_counts_and_goes_with_its_conversation(
    store: Conversations,
) -> None:
    said = ANSWER | {"statements": [{"text": "Tomas Rehn resigned [1]."}], "as_of": None}
    store.append("a", replace(turn(), answer=said))
    store.rate("a", 1, "up")
    store.rate("a", 1, "down", "  It was his deputy  ", 1)
    (given,) = store.feedback()
    assert (given["thumb"], given["reason"]) == ("down", "It was his deputy")
    assert given["statement"] == "Tomas Rehn resigned [1]."
    store.delete("a")
    assert list(store.feedback()) == []


@pytest.mark.parametrize(
    ("number", "thumb", "statement", "why"),
    [
        (2, "up", None, "no turn 2"),
        (1, "sideways", None, "give up or down"),
        (1, "up", 0, "from 1"),
        (1, "up", "x", "from 1"),
    ],
)
def test_a_verdict_that_is_none_is_refused(
    store: Conversations, number: int, thumb: str, statement: int, why: str
) -> None:
    store.append("a", turn())
    with pytest.raises(InputError, match=why):
        store.rate("a", number, thumb, None, statement)
    assert list(store.feedback()) == []
