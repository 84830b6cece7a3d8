"""From a question to an answer: retrieve, write or quote, check, cite, in this order, here alone.

for event in ask(question, library, Means()): ...   # Found, str (a token), Statement, Answer
"""

import re
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from ..errors import InputError, ModelError
from ..index.archive import Archive
from ..index.article import day_of, day_start, isoformat
from ..index.embed import Embedder
from ..index.store import Store
from ..index.words import stems
from . import answer as written
from .asked import kind_asked
from .budget import Deadline, Usage
from .check import Checker
from .choose import choose
from .cite import (
    Citation,
    Sentence,
    Source,
    Statement,
    citations,
    is_retracted,
    notes_of_retracted,
    with_copies,
)
from .credits import ENOUGH, credit, share
from .decide import Decision, decide
from .dissent import Contest, Disagreement, find_contest
from .events import Answer, Event, Found
from .extract import Candidate, extract, nearest, rank
from .hostile import LEFT_OUT, cut
from .judge import Judge, Sitting
from .listing import listed
from .premise import of_premise
from .question import Question
from .refusal import reads_as_declined
from .reply import Cited, StatementReader, attach, noted
from .retrieve import SIGNALS, Hit, retrieve
from .said import said_about
from .statements import Statements
from .trace import Span, note, span, stepping
from .turns import Turns
from .verify import checked_by
from .when import EVENT_DAYS, asked, unstamped

if TYPE_CHECKING:
    from llama_index.core.llms import LLM
    from opentelemetry.sdk.trace import TracerProvider

POLICIES = ("flag", "strict", "off")
STYLES = ("sentences", "quotes")
_STRAY = re.compile(
    r"[\[【［]\s*\d*\s*(?![^\[\]]*[\]】］])"
)  # the beginning of a number, never closed
_ENDED = re.compile(r"[.!?…。！？][\"”’»')*_\]]*\s*\Z")
CUT_OFF = (
    "the model's reply was cut off: an unfinished last sentence is left out; "
    "BYLINE_LLM_MAX_TOKENS raises its limit"
)
_LONGEST_REPLY = 40_000  # characters; one that does not stop is cut off
_UNSUPPORTED_TO_COME = 10_000  # statements: more than a reply of that length can hold
_NEAREST = 3  # sentences that are offered where the answer is declined
_READ_TO_QUOTE = 12  # passages that the extractive answerer looks at


class _Withdrawn(Exception):
    """An article that is asked from may not be shown any more."""


@dataclass(frozen=True, slots=True)
class Library:
    """What is asked: an index that is open, and the model of its vectors."""

    archive: Archive
    store: Store
    embedder: Embedder
    turns: Turns = field(default_factory=Turns)
    "of the asks that share it"


@dataclass(frozen=True, slots=True)
class Means:
    """What a question is answered and checked with."""

    llm: "LLM | None" = None
    "None: answers are quoted sentences"
    judge: Judge | None = None
    "checks statements beside the rules"
    policy: str = "flag"
    style: str = "sentences"
    max_passages: int = 8
    signals: Sequence[str] = SIGNALS
    repair: bool = False
    "whether the model may write what failed once more"
    seconds: float = 120.0
    "that the model may take in all"
    tracing: "TracerProvider | None" = None
    "what takes the spans; None: the program's own set-up"


def ask(
    question: Question,
    library: Library,
    means: Means,
    *,
    stream: bool = False,
    checked: bool = False,
) -> Generator[Event, None, None]:
    """Events in order: Found, statements as they are checked, the Answer, which has the last word.

    With `stream` the model's tokens come between, or, `checked`, pieces of the Answer's own text as
    soon as nothing that is still to be written can make it decline. Raises InputError for an
    unknown policy or style, ModelError where a model fails.
    """
    for name, value, known in (
        ("policy", means.policy, POLICIES),
        ("style", means.style, STYLES),
    ):
        if value not in known:
            raise InputError(f"There is no {name} '{value}': use {' or '.join(known)}.")
    asking = _Asking(question, library, means)
    events = asking.events(stream)
    events = asking.settled(events) if stream and checked else events
    told = {"byline.policy": means.policy, "byline.style": means.style, "byline.stream": stream}
    return stepping(events, "ask", "CHAIN", told, asking.tell, means.tracing)


class _Asking:
    """One question on its way to its answer."""

    def __init__(self, question: Question, library: Library, means: Means) -> None:
        self.library, self.means = library, means
        self.turns = library.turns if means.judge is None else Turns()
        self.asked = asked(question.text, day_of(question.as_of))
        self.typed, self.notes = question, []
        self.question = self._dated(question)
        self.usage, self.reply = Usage(), None
        self.ranked: list[Candidate] = []
        self.hits: list[Hit] = []
        self.instructing: list[Hit] = []
        self.deadline = Deadline(means.seconds)
        self.judge = Sitting(means.judge, self.deadline) if means.judge else None
        self.is_cut = False
        self.is_of_articles = False
        self.draft = self._new_draft()
        self.shown_at = 0.0

    notes: list[str]
    reply: written.Reply | None

    def events(self, stream: bool) -> Generator[Event, None, None]:
        """All events; once something it stands on may no longer be shown, it is declined."""
        try:
            with closing(self._events(stream)) as events:
                for event in events:
                    if not isinstance(event, Found):
                        self._require_shown(at_most_every=0 if isinstance(event, Answer) else 1)
                    yield event
        except _Withdrawn:
            self.draft, self.reply = self._new_draft(), None
            withheld = self._answer(Decision(False, "source_withheld", 0.0), ())
            yield replace(withheld, index_version=self.library.archive.generation)

    def tell(self, opened: Span, event: Event | None) -> None:
        """What the span of an ask says of its events."""
        if isinstance(event, Answer):
            names = ("status", "reason", "confidence", "index_version", "checked_by")
            told = {f"byline.{name}": getattr(event, name) for name in names}
            note(opened, told | {"byline.statements": len(event.statements)})

    def settled(self, events: Generator[Event, None, None]) -> Generator[Event, None, None]:
        """The events with pieces of the Answer's text in the place of the model's tokens.

        Joined they are that text; only where an article is withdrawn meanwhile it stands, in a
        paragraph of its own, behind what was given before.
        """
        given = ""
        with closing(events):
            for event in events:
                text = given
                if isinstance(event, Answer):
                    is_longer = event.text.startswith(given)
                    text = event.text if is_longer else f"{given}\n\n{event.text}"
                elif isinstance(event, Statement) and self._is_settled():
                    text = self.draft.numbering.text
                if text != given:
                    yield text[len(given) :]
                    given = text
                if not isinstance(event, str):
                    yield event

    def _is_settled(self) -> bool:
        """Whether the statements so far stay, and are answered with, whatever comes behind them."""
        is_final = self.reply is not None and not self.means.repair
        return is_final and self._decided(_UNSUPPORTED_TO_COME).answer

    def _require_shown(self, *, at_most_every: float = 0.0) -> None:
        """Raise _Withdrawn where what was found or is cited may not be shown any more."""
        now = time.monotonic()
        if now < self.shown_at + at_most_every:
            return
        cited = (s.hit for sentence in self.draft.tried for s in sentence.sources)
        ids = {hit.article_id for hit in (*self.hits, *cited)}
        if ids - self.library.archive.showable(ids):
            raise _Withdrawn
        self.shown_at = now

    def _events(self, stream: bool) -> Generator[Event, None, None]:
        began = time.monotonic()
        library, means = self.library, self.means
        index_version = library.archive.generation
        with library.turns.early():
            self.hits = self._retrieved()
        writer = means.llm if self.hits and means.style != "quotes" else None
        shown = written.pack(self.hits, writer, means.max_passages) if writer else self.hits
        found = time.monotonic()
        yield Found(tuple(self.hits), len(shown))
        # Whoever was told may have taken their time.
        may_count = library.archive.showable(hit.article_id for hit in self.hits)
        self.hits, shown = (
            [hit for hit in hits if hit.article_id in may_count] for hits in (self.hits, shown)
        )
        writer = writer if shown else None
        sentences = self._of_articles()
        self.is_of_articles = sentences is not None
        self.draft = self._new_draft()
        if sentences is None and writer:
            yield from self._written(writer, shown, stream)
            sentences = self._instead() if self._is_unfounded() else []
        elif sentences is None:
            sentences = self._chosen(self.means.llm) if self.means.llm else self._quoted()
        for sentence in sentences:
            yield from self.draft.add(sentence)
        with self.turns.late():
            decision = self._decided()
            contest = self._contest() if decision.answer else None
        if contest and self.reply and contest.outvotes(self.draft.sentences[0]):
            self._lead_with(contest)
            yield self.draft.statements[0]
        elif contest:
            yield from self.draft.add(contest.sentence)
        disagreements = (contest.record(self.draft.numbering),) if contest else ()
        with self.turns.late():
            answer = self._answer(decision, disagreements)
        done = time.monotonic()
        timings = {"retrieve": found - began, "answer": done - found, "total": done - began}
        yield replace(
            answer,
            index_version=index_version,
            timings={name: round(seconds, 4) for name, seconds in timings.items()},
        )

    def _contest(self) -> Contest | None:
        sentences = self.draft.sentences
        if self.means.policy == "off" or not sentences or self.asked.is_listing:
            return None
        return find_contest(self.question.text, sentences, self.hits, self.library.embedder)

    def _dated(self, question: Question) -> Question:
        """The question with a filter where its words date the articles that it asks for."""
        when, given = self.asked, question.filter
        if not when.words or not (when.is_publication or when.is_overview or when.is_listing):
            return question
        if given.since or given.until or not (when.first or when.last):
            return question
        first, last = (isoformat(day) for day in (when.first, when.last))
        self.notes.append(f"“{when.words}”: articles of {first or '…'} to {last or '…'}")
        return replace(question, filter=replace(given, since=when.first, until=when.last))

    def _retrieved(self) -> list[Hit]:
        told = {"gen_ai.operation.name": "retrieval", "byline.signals": self.means.signals}
        with span("retrieve", "RETRIEVER", told) as opened:
            found = retrieve(
                self.question.text,
                self.question.filter,
                self.library.archive,
                self.library.store,
                self.library.embedder,
                limit=max(self.means.max_passages, _READ_TO_QUOTE),
                signals=self.means.signals,
                when=self.asked,
                as_of=day_of(self.question.as_of),
            )
            note(opened, {"byline.passages": len(found)})
        found = [hit for hit in found if hit.text]  # of some nothing may be quoted
        reads = bool(self.means.llm or self.means.judge)
        found, self.instructing = cut(found, for_model=reads)
        return found

    def _new_draft(self) -> Statements:
        means, library = self.means, self.library
        checker = Checker(
            self.hits, library.embedder, self.judge, as_of=day_of(self.question.as_of)
        )
        must_cite = bool(self.instructing) and not self.is_of_articles
        return Statements(checker, means.policy, self.turns, must_cite=must_cite)

    def _of_articles(self) -> list[Sentence] | None:
        """What is answered from articles as a whole; None: not such a question."""
        question, archive = self.question, self.library.archive
        told = credit(question, self.hits, archive.count(question.filter)[0])
        if told is None and self.asked.is_listing:
            told = listed(question.text, question.filter, archive, without=self.asked.words)
        if told is None and self.means.llm is None:
            told = self._said() or None
        return told

    def _said(self) -> list[Sentence]:
        return said_about(self.question.text, self.hits, self.asked)

    def _rank(self) -> list[Candidate]:
        if not self.ranked:
            library, question = self.library, self.question
            self.ranked = rank(
                question.text, self.hits, library.archive, library.embedder, day_of(question.as_of)
            )
        return self.ranked

    def _chosen(self, llm: "LLM") -> list[Sentence]:
        """Sentences word for word that the model chose."""
        self._require_shown()
        sentences, self.reply = choose(self.question, self._rank(), llm, self.deadline)
        if self.reply and not self.reply.is_whole:
            self.notes.append(CUT_OFF)
        return sentences

    def _quoted(self) -> list[Sentence]:
        """Sentences word for word; a figure gives way to a later report that replaces it.

        One that leads and that a single source gives against several gives way to theirs.
        """
        quoted = extract(self.question, self._rank(), self.library.embedder)
        if self.means.policy == "off":
            return quoted
        contest = find_contest(self.question.text, quoted, self.hits, self.library.embedder)
        if contest is None or not (contest.superseded or contest.outvotes(quoted[0])):
            return quoted
        first = contest.newest if contest.superseded else contest.majority
        kept = [one for one in quoted if not contest.outvotes(one)]
        return [first, *(one for one in kept if one.sources != first.sources)]

    def _is_unfounded(self) -> bool:
        """Whether the model claims something, none of it stands, and quotes would answer."""
        draft = self.draft
        if self.means.policy != "flag" or not draft.tried or self.is_cut:
            return False
        if any(statement.citations for statement in draft.statements):
            return False
        return decide(self.question, self._rank(), asked=self.asked).answer

    def _instead(self) -> list[Sentence]:
        """The quotes that stand in the place of a reply that stands on nothing."""
        assert self.reply
        self.notes.append(f"what {self.reply.model} wrote stands on no passage: quoted instead")
        self.usage, self.reply = self.reply.usage, None
        self.draft = self._new_draft()
        return self._said() or self._quoted()

    def _lead_with(self, contest: Contest) -> None:
        """The disagreement first, without what a single source says against several."""
        old, self.draft = self.draft, self._new_draft()
        kept = [one for one in old.sentences if not contest.outvotes(one)]
        for sentence in (contest.sentence, *kept):
            self.draft.sentences.append(sentence)
            self.draft.statements.append(self.draft.numbering.add(sentence))
        self.draft.checker, self.draft.tried = old.checker, list(self.draft.sentences)

    def _written(self, llm: "LLM", shown: Sequence[Hit], stream: bool) -> Iterator[Event]:
        """What the model writes, sentence by sentence, once more where that is wanted."""
        deadline = self.deadline
        yield from self._read(self._pieces(llm, shown, deadline, stream), shown, stream)
        failed, first = self.draft.failed, self.draft
        if self.means.repair and failed and deadline.left:
            assert self.reply
            self._require_shown()
            before, notes = self.reply, list(self.notes)
            try:
                reply = written.repair(self.question, shown, failed, llm, deadline)
            except ModelError:
                self.notes.append("the model did not write again: its first answer stands")
                return
            self.draft = self._new_draft()
            self.reply = replace(reply, usage=before.usage + reply.usage)
            again = list(self._read(iter([reply.text]), shown, False))
            if again and self.draft.passed > first.passed:
                self.notes.append("written once more after the check")
                yield from (event for event in again if isinstance(event, Statement))
            else:
                self.draft, self.notes = first, notes

    def _pieces(
        self, llm: "LLM", shown: Sequence[Hit], deadline: Deadline, stream: bool
    ) -> Iterator[str]:
        if stream:
            self.reply = written.begun(llm)
            self.reply = yield from written.write_stream(self.question, shown, llm, deadline)
        else:
            self.reply = written.write(self.question, shown, llm, deadline)
            yield self.reply.text

    def _read(self, pieces: Iterator[str], shown: Sequence[Hit], stream: bool) -> Iterator[Event]:
        reader, mended, written_so_far = StatementReader(), [], 0
        waiting: list[Cited] = []  # sentences whose check gives way to others' first words

        def add(cited: Sequence[Cited]) -> Iterator[Statement]:
            for one in cited:
                sentence, what = attach(one, shown)
                mended.append(what)
                text = _STRAY.sub("", unstamped(sentence.text)).strip()
                is_new = all(text != other.text for other in self.draft.sentences)
                # A number alone says nothing, a refusal is none of the answer's sentences.
                says_something = re.search(r"[^\W\d_]", text) or kind_asked(self.question.text)
                if is_new and says_something and not reads_as_declined(text):
                    yield from self.draft.add(replace(sentence, text=text))

        try:
            for piece in pieces:
                if stream:
                    yield piece
                waiting += reader.feed(piece)
                if waiting and (self.turns.is_free or not stream):
                    yield from add(waiting)
                    waiting.clear()
                if (written_so_far := written_so_far + len(piece)) > _LONGEST_REPLY:
                    self.notes.append("the model's reply is longer than any answer: cut off")
                    break
        finally:
            if close := getattr(pieces, "close", None):
                close()
        last = reader.close()
        if self.reply and not self.reply.is_whole:
            self.is_cut = True
            self.notes.append(CUT_OFF)
            last = [one for one in last if _ENDED.search(one[0])]
        yield from add([*waiting, *last])
        self.notes += noted(mended)

    def _decided(self, to_come: int = 0) -> Decision:
        """Whether something is answered, or would be if so many unsupported statements followed."""
        draft, newest, today = self.draft, self._newest(), day_of(self.question.as_of)
        if not any(statement.citations for statement in draft.statements):
            has_said = draft.statements or draft.hidden or self.is_cut
            reason = "unsupported" if has_said else "no_evidence"
            refused = True if self.reply else None
            sure = decide(self.question, self._rank(), reply_refused=refused).confidence
            return Decision(False, reason, sure)
        scores = [s.score for s in draft.sentences if s.score is not None]
        if self.is_of_articles:
            return Decision(True, None, max(scores, default=1.0))
        is_old = newest and self.asked.is_now and (today - day_of(newest)).days > EVENT_DAYS
        if newest and is_old and not to_come:
            self.notes.append(f"the newest evidence is {(today - day_of(newest)).days} days old")
        if self.reply is None or self.means.policy == "off":
            support = refused = None
        else:
            support = [s.score or 0.0 for s in draft.statements] + [0.0] * to_come
            refused = False
        decision = decide(
            self.question,
            self._rank(),
            support=support,
            reply_refused=refused,
            newest=newest and day_of(newest),
            asked=self.asked,
        )
        if self.means.policy == "off" and decision.reason != "evidence_too_old":
            return Decision(True, None, decision.confidence)
        return decision

    def _newest(self) -> datetime | date | None:
        published = [c.published for c in self.draft.numbering.citations() if c.published]
        return max(published, key=day_start, default=None)

    def _answer(self, decision: Decision, disagreements: tuple[Disagreement, ...]) -> Answer:
        draft, means, reason = self.draft, self.means, decision.reason
        if reason in ("no_evidence", "unsupported") and self._only_teasers():
            reason = "source_incomplete"
        newest = self._newest()
        offered = self._offered() if reason and reason != "source_withheld" else []
        is_checked = means.policy != "off"
        notes = [*self.notes, *draft.checker.notes]
        if self.judge and self.judge.silent:
            notes.append(
                f"{self.judge.silent} × the judge {self.judge.name} gave nothing: "
                "the rules alone checked"
            )
        notes += self._withdrawn(draft.numbering.citations(), is_declined=bool(reason))
        notes += self._warnings()
        if draft.hidden:
            notes.append(f"{draft.hidden} × sentence that is not supported was left out")
        sources = offered if reason else draft.numbering.sources
        cited = citations(sources, self.question.filter.as_of)
        teasers = [n for n, s in enumerate(sources, 1) if s.hit.article.completeness == "teaser"]
        if teasers:
            which = ", ".join(f"[{number}]" for number in teasers)
            notes.append(f"only the beginning of the article is at hand: {which}")
        return Answer(
            question=self.typed.text,
            standalone_question=self.typed.text,
            text=self._declining(reason, newest) if reason else draft.numbering.text,
            status="declined" if reason else "answered",
            reason=reason,
            statements=() if reason else tuple(draft.statements),
            citations=() if reason else self._with_copies(cited),
            disagreements=() if reason else disagreements,
            nearest=self._with_copies(cited) if reason else (),
            as_of=self.typed.as_of,
            newest_evidence=newest,
            notes=tuple(notes),
            model=self.reply.model if self.reply else None,
            prompt_version=self.reply.prompt_version if self.reply else None,
            checked_by=self._checked_by() if is_checked else None,
            policy=means.policy,
            index_version=0,
            usage=self.reply.usage if self.reply else self.usage,
            style="sentences" if self.reply and means.style != "quotes" else "quotes",
            confidence=round(decision.confidence, 4),
        )

    def _warnings(self) -> list[str]:
        """What was found that instructs machines, or was left out since it may come of that."""
        by = dict.fromkeys(hit.outlet or "an unnamed outlet" for hit in self.instructing)
        notes = [f"an article of {one} instructs machines that read it: not followed" for one in by]
        said = "".join(sentence.text for sentence in self.draft.tried)
        if left_out := said.count(LEFT_OUT):
            notes.append(f"{left_out} × address that is not a cited article's was left out")
        return notes

    def _checked_by(self) -> str:
        """What checked in truth: a judge only where it gave something."""
        judge, embedder = self.judge, self.library.embedder
        if judge is None or not judge.given:
            return checked_by(embedder, None)
        if judge.silent:
            return f"{checked_by(embedder, None)}+judge {judge.name}"
        return checked_by(embedder, judge)

    def _withdrawn(self, cited: Sequence[Citation], *, is_declined: bool) -> list[str]:
        """What a reader must know of retracted articles: those cited, or one that would answer."""
        wanted = self.question.filter
        if not is_declined:
            today = day_of(self.question.as_of)
            return notes_of_retracted(cited, self.library.archive, wanted.as_of, today)
        if wanted.retracted or not self.library.archive.has_retracted():
            return []
        library, question = self.library, self.question
        asked = replace(question, filter=replace(wanted, retracted=True))
        found = _Asking(asked, library, self.means)._retrieved()
        hits = [hit for hit in found if is_retracted(hit)]
        if not hits:
            return []
        today = day_of(question.as_of)
        ranked = rank(question.text, hits, library.archive, library.embedder, today)
        answers = decide(question, ranked, asked=self.asked).answer
        if not (answers or credit(asked, hits, len(hits))):
            return []
        notice = (ranked[0].hit if ranked else hits[0]).article.notice
        if notice and notice.date and day_of(notice.date) > today:
            return []  # not yet on the day of asking
        when = f" on {isoformat(day_of(notice.date))}" if notice and notice.date else ""
        return [f"a report on it was retracted{when}, so it is not used"]

    def _with_copies(self, cited: Sequence[Citation]) -> tuple[Citation, ...]:
        return with_copies(cited, self.library.archive, self.question.filter.as_of)

    def _offered(self) -> list[Source]:
        """What comes nearest: what the draft cites, then the best sentences."""
        cited = [source for sentence in self.draft.sentences for source in sentence.sources]
        first = {s.hit.article_id: s for s in reversed([*cited, *nearest(self._rank(), _NEAREST)])}
        return list(reversed(first.values()))[:_NEAREST]

    def _only_teasers(self) -> bool:
        """Whether articles have the question's words, and of all of these only the beginning."""
        wanted, articles = set(stems(self.question.text)), (hit.article for hit in self.hits)
        about = [article for article in articles if share(wanted, article) >= ENOUGH]
        return bool(about) and all(article.completeness == "teaser" for article in about)

    def _declining(self, reason: str, newest: datetime | date | None) -> str:
        if reason == "evidence_too_old" and newest:
            day = day_of(newest)
            return (
                f"The newest that the articles say on this is of {day.day} {day:%B %Y}: "
                "too old to tell how it is now."
            )
        if reason == "source_withheld":
            return "An article that this answer stood on was withdrawn meanwhile: ask again."
        if reason == "source_incomplete":
            url = next(filter(None, (source.hit.url for source in self._offered())), None)
            where = f": the rest is at {url}" if url else "."
            return (
                f"Only the beginning of an article on this is at hand, and it does not say{where}"
            )
        if not self.hits and not self.question.filter.is_open:
            return "No article matches the question and its filters."
        if not self.hits:
            return "There are no articles to answer from."
        if self.asked.is_listing and self.is_of_articles:
            total = self.library.archive.count(self.question.filter)[0]
            return f"None of the {total} articles matches."
        if told := of_premise(self.question.text, self.hits):
            return told
        if reason == "unsupported":
            return "The articles do not answer this: what was written is not supported by them."
        return "The articles do not answer this."
