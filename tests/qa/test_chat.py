"""A conversation carries filters and names over, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from byline import Answer, Desk
from byline.errors import IndexLocked, InputError, ModelError
from byline.index.archive import Archive
from byline.index.archive.conversations import Conversations
from byline.qa import chat as chats
from byline.qa.budget import Usage
from byline.qa.chat import Chat
from byline.qa.cite import Statement

OUTLETS = {"The Ledger": 3, "Castrine Herald": 2}


def answer(question: str, text: str, policy: str = "flag") -> Answer:
    return Answer(
        question=question,
        standalone_question=question,
        text=text,
        status="answered",
        reason=None,
        statements=(Statement(text, 0, len(text), (), "unchecked", None, None),),
        citations=(),
        disagreements=(),
        nearest=(),
        as_of=date(2026, 4, 6),
        newest_evidence=None,
        notes=("from the engine",),
        model=None,
        prompt_version=None,
        checked_by=None,
        policy=policy,
        index_version=1,
        usage=Usage(),
    )


@dataclass
class Engine:
    """Says the same to all questions, and holds what it was asked."""

    text: str = "Tomas Rehn resigned on Thursday."
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    closed: int = 0

    def stream(self, text: str, **given: Any) -> Iterator[Any]:
        self.asked.append((text, given))
        try:
            yield "a token"
            yield answer(text, self.text, given["policy"])
        finally:
            self.closed += 1


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def chat(engine: Engine) -> Chat:
    return Chat(engine.stream, known_outlets=lambda: OUTLETS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Conversations]:
    archive = Archive(tmp_path / "archive.db")
    yield archive.conversations
    archive.close()


def test_a_followup_is_asked_standalone_and_shown_as_typed(chat: Chat, engine: Engine) -> None:
    chat.ask("Who resigned over the water contract?")
    second = chat.ask("what did he say about that?")
    assert engine.asked[1][0] == "what did Tomas Rehn say about the water contract?"
    assert second.question == "what did he say about that?"
    assert second.standalone_question == engine.asked[1][0]


def test_a_followup_of_a_followup_takes_the_rewritten_frame(chat: Chat, engine: Engine) -> None:
    for text in ("How many homes were lost in 2025?", "and the year before?", "and in 2020?"):
        chat.ask(text)
    assert [text for text, _ in engine.asked][1:] == [
        "How many homes were lost in 2024?",
        "How many homes were lost in 2020?",
    ]


def test_filters_persist_until_dropped(chat: Chat, engine: Engine) -> None:
    chat.ask("Who resigned?", as_of="2026-04-06")
    for text in ("only the Ledger", "since March", "Who won the cup?", "all outlets", "any date"):
        chat.ask(text)
    assert [(given["outlets"], given["since"]) for _, given in engine.asked] == [
        ((), None),
        (("The Ledger",), None),
        (("The Ledger",), date(2026, 3, 1)),
        (("The Ledger",), date(2026, 3, 1)),
        ((), date(2026, 3, 1)),
        ((), None),
    ]
    assert {given["as_of"] for _, given in engine.asked} == {date(2026, 4, 6)}


def test_filters_of_a_call_stay_and_empty_ones_drop_them(chat: Chat, engine: Engine) -> None:
    chat.ask("Who resigned?", outlets=["the ledger"], since="2026-03-01")
    chat.ask("Who won the cup?")
    chat.ask("Who lost the cup?", outlets=(), since="")
    assert [(given["outlets"], given["since"]) for _, given in engine.asked] == [
        (("The Ledger",), date(2026, 3, 1)),
        (("The Ledger",), date(2026, 3, 1)),
        ((), None),
    ]


def test_filters_that_were_carried_over_are_said(chat: Chat) -> None:
    first = chat.ask("Who resigned?", outlets=["The Ledger"], until="2026-03-31")
    second = chat.ask("Who won the cup?")
    assert first.notes == ("from the engine",)
    assert second.notes[1:] == ("filters carried over: only The Ledger; until 2026-03-31",)


def test_a_bound_that_crosses_the_other_replaces_it(chat: Chat, engine: Engine) -> None:
    chat.ask("Who resigned?", as_of="2026-04-06", since="2026-03-20")
    chat.ask("until 10 March")
    assert (engine.asked[1][1]["since"], engine.asked[1][1]["until"]) == (None, date(2026, 3, 10))


def test_an_unknown_outlet_is_refused_and_leaves_no_turn(chat: Chat) -> None:
    chat.ask("Who resigned?")
    with pytest.raises(InputError, match="no outlet 'BBC'"):
        chat.ask("only the BBC")
    assert len(chat.turns) == 1
    assert chat.filters.outlets == ()


def test_events_pass_and_policy_and_style_reach_the_engine(chat: Chat, engine: Engine) -> None:
    token, last = chat.stream("Who resigned?", policy="strict", style="quotes")
    assert token == "a token"
    assert last.policy == "strict"
    assert engine.asked[0][1]["style"] == "quotes"


def test_leaving_early_closes_the_engine_and_leaves_no_turn(chat: Chat, engine: Engine) -> None:
    events = chat.stream("Who resigned?")
    next(events)
    events.close()
    assert (engine.closed, chat.turns) == (1, [])


def test_a_failed_turn_leaves_the_conversation_as_it_was(store: Conversations) -> None:
    def failing(text: str, **_: Any) -> Iterator[Any]:
        yield "a token"
        raise ModelError("The model is away.")

    chat = Chat(failing, store)
    with pytest.raises(ModelError):
        chat.ask("Who resigned?")
    assert store.find(chat.id) is None


def test_a_stored_conversation_is_continued(engine: Engine, store: Conversations) -> None:
    first = Chat(engine.stream, store)
    given = first.ask("Who resigned over the water contract?", outlets=["The Ledger"])
    again = Chat(engine.stream, store, first.id)
    assert again.title == "Who resigned over the water contract?"
    assert again.turns[0].answer == given.to_dict()
    again.ask("why?")
    assert engine.asked[1][0].startswith("Why is it that Tomas Rehn resigned")
    assert engine.asked[1][1]["outlets"] == ("The Ledger",)
    assert len(store.load(first.id).turns) == 2


def test_a_conversation_deleted_while_it_answers_does_not_come_back(
    engine: Engine, store: Conversations
) -> None:
    chat = Chat(engine.stream, store)
    chat.ask("Who resigned?")
    events = chat.stream("and why?")
    next(events)
    store.delete(chat.id)
    *_, last = events
    assert store.find(chat.id) is None
    assert "deleted meanwhile" in last.notes[-1]


def test_an_answer_that_cannot_be_stored_is_still_given(
    engine: Engine, store: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise IndexLocked("Not stored.")

    monkeypatch.setattr(Conversations, "append", locked)
    assert Chat(engine.stream, store).ask("Who resigned?").notes[-1] == "Not stored."


def test_a_full_conversation_is_refused_before_the_engine_is_asked(
    chat: Chat, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chats, "MOST_TURNS", 1)
    chat.ask("Who resigned?")
    with pytest.raises(InputError, match="start a new one"):
        chat.ask("why?")
    assert len(engine.asked) == 1


def test_ids_are_short_and_fit_an_address(engine: Engine) -> None:
    ids = {Chat(engine.stream).id for _ in range(100)}
    assert len(ids) == 100
    assert all(len(name) == 18 and name.isalnum() for name in ids)  # "-R..." would be an option


def test_a_model_is_not_loaded_for_the_first_question(engine: Engine) -> None:
    def load() -> Any:
        raise AssertionError("the model was loaded")

    assert Chat(engine.stream, llm=load).ask("why?").standalone_question == "why?"


def test_earlier_answers_are_never_evidence(engine: Engine) -> None:
    engine.text = "Tomas Rehn stole 400 crowns."
    chat = Chat(engine.stream)
    for text in ("Who resigned over the contract?", "why?", "what did he say about that?"):
        chat.ask(text)
    assert "Rehn" in engine.asked[1][0]
    assert not any("stole" in text or "400" in text for text, _ in engine.asked)


def test_a_reload_gives_the_same_citations(own_desk: Desk) -> None:
    store = own_desk.archive.conversations
    chat = Chat(own_desk.stream, store, known_outlets=own_desk.archive.outlets)
    asked_at = datetime.now(UTC)
    first = chat.ask("Who resigned on Thursday?")
    second = chat.ask("and who takes over?", outlets=["Castrine Herald"])
    assert first.citations
    for citation in (*first.citations, *second.citations, *second.nearest):
        article = own_desk.articles.get(citation.article_id)
        assert article.text[citation.start : citation.end] == citation.quote
    held = store.load(chat.id)
    assert [turn.answer for turn in held.turns] == [first.to_dict(), second.to_dict()]
    assert held.turns[0].asked_at >= asked_at
