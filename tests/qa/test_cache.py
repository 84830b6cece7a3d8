"""The same question is not answered twice, unless anything that matters has changed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from byline import Answer, Desk
from byline.index.embed import MiniLM
from byline.qa.ask import CUT_OFF
from byline.qa.cite import Statement
from byline.qa.model import openai_llm
from byline.tests.fakes import Cut, saying, scripted

QUESTION = "How much will the ferry's repair cost?"
REPLY = "The repair will cost 4.2 million crowns [1]."


@pytest.fixture
def llm() -> Any:
    return saying(REPLY)


@pytest.fixture
def desk(own_desk: Desk, llm: Any, minilm: MiniLM) -> Iterator[Desk]:
    with Desk(settings=own_desk.settings, llm=llm, embedder=minilm) as desk:
        desk.keep_answers(8)
        yield desk


def asked(llm: Any) -> int:
    return len(llm.prompts)


def test_same_question_is_given_the_answer_of_before(desk: Desk, llm: Any) -> None:
    first, again = desk.ask(QUESTION), desk.ask(QUESTION)
    assert asked(llm) == 1
    assert (again.statements, again.citations) == (first.statements, first.citations)
    assert again.usage.output_tokens is None
    assert "no article has changed" in again.notes[-1]
    assert again.as_of > first.as_of


def test_what_was_cut_off_is_asked_anew(own_desk: Desk, minilm: MiniLM) -> None:
    with scripted(Cut(REPLY), REPLY) as endpoint:
        llm = openai_llm(
            "scripted",
            endpoint.address,
            "key",
            context_window=4096,
            max_tokens=64,
            timeout_seconds=9,
        )
        with Desk(settings=own_desk.settings, llm=llm, embedder=minilm) as desk:
            desk.keep_answers(8)
            notes = [desk.ask(QUESTION).notes for _ in range(3)]
    assert [CUT_OFF in told for told in notes] == [True, False, False]
    assert len(endpoint.requests) == 2


def test_stream_of_a_kept_answer_has_its_statements(desk: Desk) -> None:
    first = [event for event in desk.stream(QUESTION) if not isinstance(event, str)]
    again = list(desk.stream(QUESTION))
    assert [type(event) for event in again] == [type(event) for event in first]
    assert any(isinstance(event, Statement) for event in again)


@pytest.mark.parametrize(
    "other",
    [{"policy": "strict"}, {"style": "quotes"}, {"since": "2026-01-01"}, {"as_of": "2026-04-01"}],
)
def test_what_is_asked_otherwise_is_asked_anew(desk: Desk, llm: Any, other: Any) -> None:
    desk.ask(QUESTION)
    before = asked(llm)
    desk.ask(QUESTION, **other)
    assert asked(llm) > before


def test_new_article_drops_what_was_kept(desk: Desk, llm: Any, tmp_path: Path) -> None:
    desk.ask(QUESTION)
    (tmp_path / "new.txt").write_text("Harbour news\n\nThe repair will cost 5 million crowns.\n")
    desk.add(tmp_path / "new.txt")
    desk.ask(QUESTION)
    assert asked(llm) == 2


def test_kill_by_another_process_drops_what_was_kept(desk: Desk, own_desk: Desk) -> None:
    answer = desk.ask(QUESTION)
    own_desk.articles.kill(answer.citations[0].article_id)
    assert "4.2" not in desk.ask(QUESTION).text


def test_end_of_an_embargo_drops_what_was_kept(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    (tmp_path / "held.md").write_text(
        f"---\ntitle: Harbour\nembargo_until: {ends.isoformat()}\n---\nThe ferry costs more.\n"
    )
    assert desk.add(tmp_path / "held.md").added == 1
    desk.ask(QUESTION)
    assert "no article has changed" in desk.ask(QUESTION).notes[-1]
    monkeypatch.setattr("time.time", lambda: ends.timestamp() + 1)
    assert not any("no article has changed" in note for note in desk.ask(QUESTION).notes)


def test_failed_and_abandoned_asks_are_not_kept(desk: Desk, llm: Any) -> None:
    events = desk.stream(QUESTION)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert isinstance(desk.ask(QUESTION), Answer)
    unchecked = desk.ask(QUESTION, policy="off")
    assert not any("no article has changed" in note for note in unchecked.notes)


def test_least_recently_asked_is_forgotten_first(desk: Desk, llm: Any) -> None:
    desk.keep_answers(1)
    for text in (QUESTION, "Who thanked the workers?", QUESTION):
        desk.ask(text)
    assert asked(llm) == 3
