"""A conversation: follow-ups are rewritten, filters persist until dropped, turns are stored.

chat = Chat(desk.stream, store=desk.archive.conversations)
chat.ask("Who resigned over the treaty?", outlets=["The Ledger"])
chat.ask("and why?").standalone_question   # outlets are still [The Ledger]

Earlier answers are never evidence: only questions, and the names in answers, help the rewriting.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..errors import IndexLocked
from ..index.archive.conversations import MOST_TURNS, Conversations, Turn, full, shortened
from ..index.archive.filter import Filter
from ..index.article import day_end, day_of, day_start, isoformat
from .events import Answer
from .question import Moment, matching, question
from .rewrite import Rewritten, rewrite

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

_FILTERS = ("as_of", "since", "until", "outlets", "sections")
_DELETED = "the conversation was deleted meanwhile: this answer is not kept"
Event = Any  # whatever the engine yields; the last is an Answer


class Chat:
    """A conversation that is open; one question at a time.

    `stream` is `Desk.stream` or a function like it. With a `store` every answered turn is kept,
    and an `id` continues the conversation of that name (a new one where nothing is stored yet).
    `known_outlets` and `known_sections` give those of the index and their article counts.
    `private`: nothing is stored, and nothing that was is gone on with.
    """

    def __init__(
        self,
        stream: Callable[..., Iterator[Event]],
        store: Conversations | None = None,
        id: str | None = None,
        *,
        known_outlets: Callable[[], Mapping[str, int]] | None = None,
        known_sections: Callable[[], Mapping[str, int]] | None = None,
        llm: "Callable[[], LLM | None]" = lambda: None,
        private: bool = False,
    ) -> None:
        self.id = id or secrets.token_hex(9)  # never an option to a command
        self.turns: list[Turn] = []
        self.title: str | None = None
        self._is_kept = False
        if id and store and not private and (held := store.find(id)):
            self.turns, self.title, self._is_kept = list(held.turns), held.title, True
        self._stream, self._store, self._llm = stream, store, llm
        self.private = private
        self._known_outlets, self._known_sections = known_outlets, known_sections

    @property
    def filters(self) -> Filter:
        """What the next question is asked with unless it says otherwise."""
        return self.turns[-1].filters if self.turns else Filter()

    def ask(self, text: str, **filters: Any) -> Answer:
        """As `stream`, the Answer alone."""
        *_, last = self.stream(text, **filters)
        assert isinstance(last, Answer)
        return last

    def stream(
        self,
        text: str,
        *,
        as_of: Moment = None,
        since: Moment = None,
        until: Moment = None,
        outlets: Sequence[str] | None = None,
        policy: str = "flag",
        style: str | None = None,
        sections: Sequence[str] | None = None,
    ) -> Iterator[Event]:
        """The engine's events; in the Answer, `question` is what was typed.

        A filter that is None is carried over from the turn before; "" and () drop it. A turn counts
        once its Answer is there: what fails or is closed early leaves the conversation as it was.
        Raises InputError as the engine does, and where the conversation is full.
        """
        if len(self.turns) >= MOST_TURNS:
            raise full(self.id)
        typed = question(text).text
        if self._store:  # what was withdrawn since is not thought of any more
            self.turns = self._store.shown(self.turns)
        known = self._known_outlets() if self._known_outlets else None
        known_sections = self._known_sections() if self._known_sections else None
        before, asked_at = self.filters, datetime.now(UTC)
        as_of = before.as_of if as_of is None else as_of
        today = matching(as_of).as_of or asked_at
        llm = self._llm() if self.turns else None
        read = rewrite(typed, self.turns, day_of(today), known or (), llm, known_sections or ())
        said = _in_force(before, read)
        now = matching(
            as_of,
            said.since if since is None else since,
            said.until if until is None else until,
            said.outlets if outlets is None else outlets,
            said.sections if sections is None else sections,
            known,
            known_sections,
        )
        given = {name: getattr(now, name) for name in _FILTERS}
        events = self._stream(read.question, **given, policy=policy, style=style)
        try:
            for event in events:
                if isinstance(event, Answer):
                    event = self._finished(event, typed, read, now, asked_at)
                yield event
        finally:
            if close := getattr(events, "close", None):
                close()

    def recall(self, said: Sequence[tuple[str, str]]) -> None:
        """Take on turns that a client has kept itself: questions with the texts of their answers.

        The rules alone read its questions; the texts are no evidence, names in them help rewriting.
        """
        known = self._known_outlets() if self._known_outlets else ()
        sections = self._known_sections() if self._known_sections else ()
        now = datetime.now(UTC)
        for question_asked, text in said:
            read = rewrite(question_asked, self.turns, now.date(), known, None, sections)
            told = {
                "question": question_asked,
                "standalone_question": read.question,
                "statements": [{"text": text}],
                "citations": [],
                "nearest": [],
            }
            self.turns.append(Turn(told, _in_force(self.filters, read), now))

    def _finished(
        self, answer: Answer, typed: str, read: Rewritten, now: Filter, asked_at: datetime
    ) -> Answer:
        """The answer under the question that was typed, kept as a turn."""
        carried = _said(self.filters, now)
        notes = (*answer.notes, *read.notes, *([carried] if carried else []))
        answer = replace(answer, question=typed, standalone_question=read.question, notes=notes)
        turn = Turn(answer.to_dict(), now, asked_at)
        try:
            if self._store and self._is_kept and not self._store.has(self.id):
                answer = replace(answer, notes=(*notes, _DELETED))
            elif self._store and not self.private:
                self._store.append(self.id, turn)
                self._is_kept = True
        except IndexLocked as error:  # an answer that was waited for is not thrown away
            answer = replace(answer, notes=(*notes, str(error)))
        self.turns.append(turn)
        self.title = self.title or shortened(typed)
        return answer


def _in_force(before: Filter, read: Rewritten) -> Filter:
    """The filters of the turn before, as changed by the words of this one."""
    lifted = "dates" in read.dropped
    since = read.since or (None if lifted else before.since)
    until = read.until or (None if lifted else before.until)
    if since and until and day_start(since) > day_end(until):  # the newer words count
        since, until = read.since, read.until
    outlets = () if "outlets" in read.dropped else before.outlets
    sections = () if "sections" in read.dropped else before.sections
    return Filter(since, until, read.outlets or outlets, sections=read.sections or sections)


def _said(before: Filter, now: Filter) -> str | None:
    """The filters that were in force before and still are, in words."""
    kept = [
        f"{name} {isoformat(value)}"
        for name in ("since", "until", "as_of")
        if (value := getattr(now, name)) and value == getattr(before, name)
    ]
    for names, were in ((now.sections, before.sections), (now.outlets, before.outlets)):
        if names and names == were:
            kept.insert(0, f"only {', '.join(names)}")
    return f"filters carried over: {'; '.join(kept)}" if kept else None
