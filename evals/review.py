"""A person accepts, edits or rejects cases, and judges answers without knowing whose they are.

    reviewed = review_cases(cases, Path("verdicts.jsonl"), "anna", input, print)
    kept = accepted(cases, load_verdicts(Path("verdicts.jsonl")))

`ask` gives what was typed; EOFError and Ctrl-C are a quit. Each verdict is in the file before the
next question is asked.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ..errors import InputError
from .case import Case, case_of, read_lines, to_record, wrong_key
from .corpus import Corpus
from .record import Run
from .response import Response

Ask = Callable[[str], str]
Show = Callable[[str], None]
Key = tuple[str, str, str]
"id and fingerprint of a case, and fingerprint of an answer"

_STRICT = ConfigDict(extra="forbid")
_CASE_KEYS = {"a": "accept", "e": "edit", "r": "reject", "s": "skip", "q": "quit"}
_ANSWER_KEYS = {"r": "right", "p": "partly", "w": "wrong", "d": "declined"}
_ANSWER_KEYS |= {"s": "skip", "q": "quit"}
_LONGEST_QUOTE = 400


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reviewer said of a case."""

    __pydantic_config__ = _STRICT

    case: str
    fingerprint: str
    "of the case as it was shown: of another version the verdict says nothing"
    reviewer: str
    verdict: Literal["accept", "edit", "reject"]
    at: str
    "when, ISO 8601 in UTC"
    reason: str | None = None
    "why it was rejected"
    edited: dict[str, Any] | None = None
    "the case as the reviewer wants it"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a reviewer said of an answer; which system gave it is not kept."""

    __pydantic_config__ = _STRICT

    case: str
    fingerprint: str
    "of the case as it was shown"
    answer: str
    "fingerprint of the answer as it was shown"
    reviewer: str
    judgement: Literal["right", "partly", "wrong", "declined"]
    at: str

    @property
    def key(self) -> Key:
        """What it is of."""
        return self.case, self.fingerprint, self.answer


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a sitting came to."""

    said: Counter[str]
    "how often each verdict or judgement was given"
    skipped: int
    before: int
    "had been reviewed earlier"
    left: int
    "were not come to"


_Said = TypeVar("_Said", Verdict, Opinion)
_Item = TypeVar("_Item")


def fingerprint(case: Case) -> str:
    """Eight bytes over all that a case says, in hexadecimal: an edited case has another."""
    return _digest(to_record(case))


def answer_fingerprint(response: Response) -> str:
    """The same over what a reviewer is shown of an answer."""
    return _digest(_shown_answer(response))


def _digest(plain: Any) -> str:
    return blake2b(json.dumps(plain, sort_keys=True).encode(), digest_size=8).hexdigest()


def load_verdicts(file: Path) -> list[Verdict]:
    """The verdicts of a file, in order; none where it is not there. InputError: a broken line."""
    return _load(file, Verdict)


def load_opinions(file: Path) -> list[Opinion]:
    """As `load_verdicts`, of answers."""
    return _load(file, Opinion)


def _load(file: Path, kind: type[_Said]) -> list[_Said]:
    found, adapter = [], TypeAdapter(kind)
    for number, record in read_lines(file) if file.exists() else ():
        try:
            found.append(adapter.validate_python(record))
        except ValidationError as error:
            wrong = wrong_key(error, [one.name for one in fields(kind)])
            raise InputError(f"{file}, line {number}: {wrong}") from None
    return found


def _append(file: Path, said: Verdict | Opinion) -> None:
    """On the disk when it returns, so that whatever comes next loses nothing."""
    line = TypeAdapter(type(said)).dump_json(said, exclude_none=True) + b"\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab") as lines:
            lines.write(line)
            lines.flush()
            os.fsync(lines.fileno())
    except OSError as error:
        raise InputError(f"{file} cannot be written to: {error.strerror or error}") from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _sitting(
    waiting: Sequence[_Item],
    count: int,
    text: Callable[[_Item], str],
    keep: Callable[[_Item, str], None],
    keys: Mapping[str, str],
    ask: Ask,
    show: Show,
) -> Reviewed:
    """Go through what waits, of so many, until it ends or is quit."""
    said: Counter[str] = Counter()
    try:
        for number, item in enumerate(waiting, 1):
            show(f"\n{number} of {len(waiting)}")
            show(text(item))
            word = _word(ask, show, keys)
            if word != "skip":
                keep(item, word)
            said[word] += 1
    except (EOFError, KeyboardInterrupt):
        show("Stopped. What was said is kept; start again to go on from here.")
    left, skipped = len(waiting) - said.total(), said.pop("skip", 0)
    return Reviewed(said, skipped, count - len(waiting), left)


def _word(ask: Ask, show: Show, keys: Mapping[str, str]) -> str:
    """The word of the key that is pressed; asks until it is one of them. EOFError: quit."""
    listed = ", ".join(f"{key} {word}" for key, word in keys.items())
    while (word := keys.get(said := ask(f"[{listed}]").strip().lower(), said)) not in keys.values():
        show(f"There is no key '{said}': press one of {listed}.")
    if word == "quit":
        raise EOFError
    return word


def _by(said: Iterable[_Said], reviewer: str) -> list[_Said]:
    if not reviewer.strip():
        raise InputError("The reviewer has no name: say whose verdicts these are.")
    return [one for one in said if one.reviewer == reviewer]


def review_cases(
    cases: Sequence[Case],
    file: Path,
    reviewer: str,
    ask: Ask,
    show: Show,
    corpus: Corpus | None = None,
) -> Reviewed:
    """Ask a reviewer about each case that has no verdict of theirs, and keep what they say.

    A case that has changed since is asked again, and so is one that was skipped. Evidence is shown
    with the titles of its articles in the corpus. InputError: a broken line, or no reviewer's name.
    """
    seen = {(said.case, said.fingerprint) for said in _by(load_verdicts(file), reviewer)}
    waiting = [case for case in cases if (case.id, fingerprint(case)) not in seen]

    def keep(case: Case, word: str) -> None:
        reason = _reason(ask, show) if word == "reject" else None
        edited = to_record(_edited(case, ask, show)) if word == "edit" else None
        of = (case.id, fingerprint(case))
        _append(file, Verdict(*of, reviewer, word, _now(), reason, edited))  # type: ignore[arg-type]

    text = partial(case_text, corpus=corpus)
    return _sitting(waiting, len(cases), text, keep, _CASE_KEYS, ask, show)


def _reason(ask: Ask, show: Show) -> str:
    while not (reason := ask("Why?").strip()):
        show("A rejection needs a reason: say in a few words what is wrong with the case.")
    return reason


def _edited(case: Case, ask: Ask, show: Show) -> Case:
    """The case with another question or other answers; asks until it is a case."""
    show("Empty keeps what is there. Answers: | between ways to say the same, ; between those that")
    show("must all be said, - for none.")
    while True:
        question = ask(f"Question [{case.question}]").strip() or case.question
        typed = ask(f"Answers [{answers_text(case)}]").strip()
        changes = {"question": question} | (_changed(case, typed) if typed else {})
        try:
            return case_of(to_record(replace(case, **changes)))
        except InputError as error:
            show(f"That is not a case: {error}")


def _changed(case: Case, typed: str) -> dict[str, Any]:
    """What other answers change: with them, a question can be answered."""
    if typed == "-":
        return {"answers": ()}
    wanted = [tuple(said.strip() for said in group.split("|")) for group in typed.split(";")]
    return {
        "answers": tuple(group[0] if len(group) == 1 else group for group in wanted),
        "need": "all" if len(wanted) > 1 else "any",
        "answerable": True,
        "reason": case.reason if case.answerable else None,
    }


def answers_text(case: Case) -> str:
    """The expected answers on a line, as they are typed.

    >>> answers_text(Case("a", "Who?", answers=("Rehn", ("Kamp", "the deputy")), need="all"))
    'Rehn ; Kamp | the deputy'
    """
    return " ; ".join(" | ".join(group) for group in case.wanted)


def case_text(case: Case, corpus: Corpus | None = None) -> str:
    """What a reviewer sees of a case."""
    expected = answers_text(case) or ("not given" if case.answerable else "cannot be answered")
    lines = [f"Turn: {turn.question} — {turn.answer or '(asked too)'}" for turn in case.turns]
    lines += [f"Question: {case.question}"]
    lines += [f"Asked on: {case.as_of}"] * bool(case.as_of) + [f"Expected: {expected}"]
    lines += [f"Must not say: {said}" for said in case.must_not_say]
    lines += [f"Not in its place: {said}" for said in case.superseded]
    lines += [f"Speaker: {case.speaker}"] * bool(case.speaker)
    lines += [f"One side: {' | '.join(side.answers)}" for side in (case.disagreement or ())]
    lines += [f"Evidence: {said}{_titled(said, case, corpus)}" for said in case.evidence]
    lines += [f"Article: {_title(name, corpus)}" for name in case.relevant if not case.evidence]
    lines += [f"Tags: {', '.join(case.tags)}"] * bool(case.tags)
    return "\n".join(lines + [f"Note: {case.note}"] * bool(case.note))


def _titled(said: str, case: Case, corpus: Corpus | None) -> str:
    """The titles of the articles that say it word for word; without a corpus, nothing."""
    if corpus is None:
        return ""
    ids = dict.fromkeys(span.article_id for span in corpus.spans(said, case.relevant))
    return f"\n  ({'; '.join(_title(name, corpus) for name in ids) or 'in none of its articles'})"


def _title(name: str, corpus: Corpus | None) -> str:
    resolved = corpus.resolve(name) if corpus else None
    article = corpus.article(resolved) if corpus and resolved else None
    return f"{article.title} [{name}]" if article and article.title else name


def accepted(cases: Iterable[Case], verdicts: Iterable[Verdict]) -> list[Case]:
    """The cases that were kept, with their edits and without the tag `needs_review`.

    Of each reviewer the last verdict on this version counts. A case is kept where somebody accepted
    or edited it and nobody rejected it; of several edits the last one.
    """
    last: dict[tuple[str, str], dict[str, Verdict]] = {}
    for verdict in verdicts:
        by_reviewer = last.setdefault((verdict.case, verdict.fingerprint), {})
        by_reviewer.pop(verdict.reviewer, None)
        by_reviewer[verdict.reviewer] = verdict
    kept = []
    for case in cases:
        said = last.get((case.id, fingerprint(case)), {}).values()
        if said and all(one.verdict != "reject" for one in said):
            for edited in (one.edited for one in said if one.edited is not None):
                case = case_of(edited)
            kept.append(replace(case, tags=tuple(t for t in case.tags if t != "needs_review")))
    return kept


def review_answers(
    runs: Sequence[Run],
    file: Path,
    reviewer: str,
    ask: Ask,
    show: Show,
    limit: int | None = None,
    seed: int = 0,
) -> Reviewed:
    """Ask a reviewer to judge the answers of runs, mixed, without a hint which run gave which.

    The order depends on the seed alone, so that reviewers with the same limit judge the same
    answers; an answer that several runs gave word for word is judged once. Failures are no answers.
    InputError: a broken line in the file, or no name of a reviewer.
    """
    shown = {key: text for key, text, _ in graded(runs)}
    drawn = sorted(shown, key=lambda key: _digest([seed, *key]))[:limit]
    seen = {said.key for said in _by(load_opinions(file), reviewer)}
    waiting = [key for key in drawn if key not in seen]
    unanswerable = {case.id for run in runs for case in run.cases if not case.answerable}

    def keep(key: Key, word: str) -> None:
        word = "right" if word == "declined" and key[0] in unanswerable else word
        _append(file, Opinion(*key, reviewer, word, _now()))  # type: ignore[arg-type]

    return _sitting(waiting, len(drawn), shown.__getitem__, keep, _ANSWER_KEYS, ask, show)


def graded(runs: Iterable[Run]) -> Iterator[tuple[Key, str, str]]:
    """The answers of runs: what they are called, what a reviewer is shown, the automatic grade."""
    for run in runs:
        # Tags and note may name the system that a case was made with.
        texts = {case.id: case_text(replace(case, tags=(), note=None)) for case in run.cases}
        marks = {case.id: fingerprint(case) for case in run.cases}
        for record in (record for record in run.records if record.grade != "failed"):
            first, *quotes = _shown_answer(record.response)
            text = "\n".join((texts[record.case], f"Answer: {first}", *quotes))
            key = (record.case, marks[record.case], answer_fingerprint(record.response))
            is_refused = record.grade == "declined" and not run.by_id[record.case].answerable
            yield key, text, "right" if is_refused else record.grade


def _shown_answer(response: Response) -> tuple[str, ...]:
    """The text and the quotes: no name, model, score, verdict or reason of a system."""
    cited = [one for one in response.citations or () if one.quote]
    quotes = [(one.number, " ".join((one.quote or "").split())) for one in cited]
    cut = [(n, q if len(q) <= _LONGEST_QUOTE else f"{q[:_LONGEST_QUOTE]} …") for n, q in quotes]
    return (response.text.strip() or "(no text)", *(f"[{n}] {quote}" for n, quote in cut))
