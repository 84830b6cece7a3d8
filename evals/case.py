"""A case: a question about the articles, and what is known about its answer.

>>> case = case_of({"id": "a1", "question": "Who resigned?", "answers": ["Rehn", "the mayor"]})
>>> case.wanted
(('Rehn', 'the mayor'),)

Case files are JSON Lines, a case a line; docs/eval-cases.md describes every key.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ..errors import InputError, wanted
from ..index.dates import parse_moment

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
BUNDLED = Path(__file__).parent / "cases"


@dataclass(frozen=True, slots=True)
class Filters:
    """What the question is limited to; as in `Desk.ask`."""

    __pydantic_config__ = _STRICT

    since: str | None = None
    until: str | None = None
    outlets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a number or a date of the answer may be from the expected one."""

    __pydantic_config__ = _STRICT

    number: float = 0.0
    "share of the expected number: 0.05 lets 95 to 105 pass for 100"
    days: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """One side of a disagreement: what it says, and which articles say it."""

    __pydantic_config__ = _STRICT

    answers: tuple[str, ...]
    "any of them counts"
    articles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier turn of the conversation."""

    __pydantic_config__ = _STRICT

    question: str
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A question and what answers it. What is not known is left empty, and is not scored."""

    __pydantic_config__ = _STRICT

    id: str
    question: str
    as_of: str | None = None
    "the date of asking, ISO 8601"
    filters: Filters = field(default_factory=Filters)
    answers: tuple[str | tuple[str, ...], ...] = ()
    "expected answers; an entry that is a list holds ways to say the same"
    need: Literal["any", "all"] = "any"
    "whether one of the entries will do"
    tolerance: Tolerance = field(default_factory=Tolerance)
    relevant: tuple[str, ...] = ()
    "ids of the articles that answer; of an id that is a path, its file's name will do"
    evidence: tuple[str, ...] = ()
    "what the answer stands on, word for word as in the relevant articles"
    evidence_need: Literal["any", "all"] = "all"
    "whether one of the pieces will do: copies of one sentence, places that say the same"
    must_not_say: tuple[str, ...] = ()
    "what makes an answer wrong whatever else it says"
    superseded: tuple[str, ...] = ()
    "what was reported before it was corrected or updated: not to be said in the answer's place"
    answerable: bool = True
    reason: (
        Literal["no_evidence", "evidence_too_old", "unsupported", "source_incomplete"] | None
    ) = None
    "with which reason it should be declined, where that matters"
    speaker: str | None = None
    "whose words the answer reports"
    disagreement: tuple[Position, ...] | None = None
    "the positions that the articles take; empty: they agree; None: not known"
    turns: tuple[Turn, ...] = ()
    "what was asked before, oldest first; sent to systems that hold a conversation"
    tags: tuple[str, ...] = ()
    note: str | None = None
    "for people: where the case comes from, what a reviewer said"

    @property
    def wanted(self) -> tuple[tuple[str, ...], ...]:
        """Groups of expected answers: one of each group must be said."""
        entries = [(entry,) if isinstance(entry, str) else entry for entry in self.answers]
        if self.need == "all" or not entries:
            return tuple(entries)
        return (tuple(said for entry in entries for said in entry),)

    def is_relevant(self, article_id: str) -> bool:
        """Whether the case names this article."""
        return any(is_named(article_id, name) for name in self.relevant)


def is_named(article_id: str, name: str) -> bool:
    """Whether a case means this article: by its id or, of an id that is a path, its file's name.

    >>> is_named("/srv/news/fire.txt", "fire.txt"), is_named("mw-1", "1")
    (True, False)
    """
    return article_id == name or ("/" in article_id and article_id.rpartition("/")[2] == name)


_ADAPTER = TypeAdapter(Case)


def case_of(record: dict[str, Any]) -> Case:
    """The case of a JSON object. Raises InputError that names the key and what is wrong with it."""
    try:
        case = _ADAPTER.validate_python(record)
    except ValidationError as error:
        raise InputError(wrong_key(error, [f.name for f in fields(Case)])) from None
    for name, wrong in _contradictions(case):
        raise InputError(f"{name}: {wrong}")
    return case


def wrong_key(error: ValidationError, known: Sequence[str]) -> str:
    """The first thing that pydantic found, as "key: what is wrong"."""
    first = error.errors()[0]
    # Names of union members and of dataclasses stand in pydantic's path, and mean nothing here.
    path = [str(part) for part in first["loc"] if str(part).isidentifier() or str(part).isdigit()]
    name = ".".join(part for part in path if part not in ("str", "Case")) or "the line"
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"{name}: there is no such key; known are {', '.join(known)}"
    if first["type"] in ("missing", "missing_argument"):
        return f"{name}: is missing"
    return f"{name}: {wanted(first)} (given: {first['input']!r:.80})"


def _contradictions(case: Case) -> Iterable[tuple[str, str]]:
    dates = {"as_of": case.as_of, "since": case.filters.since, "until": case.filters.until}
    for name, value in dates.items():
        if value is not None and parse_moment(value) is None:
            yield name, f"'{value}' is not a date: write it as 2026-02-04"
    for name in ("id", "question"):
        if not getattr(case, name).strip():
            yield name, "is empty"
    yield from _empty_entries(case)
    if not case.answerable and (case.answers or case.evidence):
        yield "answerable", "is false, and yet there are answers or evidence"
    if case.tolerance.number < 0 or case.tolerance.days < 0:
        yield "tolerance", "is negative"
    if len(case.disagreement or ()) == 1:
        yield "disagreement", "has one position: it takes two to disagree"


def _empty_entries(case: Case) -> Iterable[tuple[str, str]]:
    lists = ("evidence", "must_not_say", "superseded", "relevant", "tags")
    entries = {name: getattr(case, name) for name in lists}
    entries["answers"] = [said for group in case.wanted for said in group or ("",)]
    for name, said in entries.items():
        if any(not one.strip() for one in said):
            yield name, "one of them is empty"


def load_cases(path: Path | str) -> list[Case]:
    """The cases of a file, or of the bundled set of that name ("sample"), in order.

    Raises InputError that names file, line, key and what is wrong with it.
    """
    file = find_cases(path)
    cases: list[Case] = []
    lines: dict[str, int] = {}
    for number, record in read_lines(file):
        try:
            case = case_of(record)
        except InputError as error:
            raise InputError(f"{file}, line {number}: {error}") from None
        if case.id in lines:
            raise InputError(
                f"{file}, line {number}: id '{case.id}' stands on line {lines[case.id]} already"
            )
        lines[case.id] = number
        cases.append(case)
    if not cases:
        raise InputError(
            f"{file} holds no case: write one JSON object a line (docs/eval-cases.md)."
        )
    return cases


def find_cases(path: Path | str) -> Path:
    """The file that is meant: the bundled set of that name, or a path."""
    file = Path(path)
    bundled = BUNDLED / f"{path}.jsonl"
    if not file.is_file() and str(path).isidentifier() and bundled.exists():
        return bundled
    if not file.is_file():
        names = ", ".join(sorted(found.stem for found in BUNDLED.glob("*.jsonl")))
        raise InputError(f"There are no cases {path}: give a .jsonl file, or one of {names}.")
    return file


def read_lines(file: Path, *, whole: bool = False) -> Iterable[tuple[int, dict[str, Any]]]:
    """Number and object of each line of a JSON Lines file; empty lines are passed over.

    `whole`: a line without its end is passed over, too. Raises InputError for a line that is not
    UTF-8, not JSON or not an object.
    """
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip() or (whole and not line.endswith(b"\n")):
                continue
            try:
                record = json.loads(line)
            except UnicodeDecodeError:
                raise InputError(f"{file}, line {number}: not UTF-8: save it as UTF-8") from None
            except (json.JSONDecodeError, RecursionError) as error:
                raise InputError(f"{file}, line {number}: not JSON: {error}") from None
            if not isinstance(record, dict):
                raise InputError(f"{file}, line {number}: not a JSON object but {line[:40]!r}")
            yield number, record


def to_record(case: Case) -> dict[str, Any]:
    """The case as a JSON object without what is empty."""
    plain: dict[str, Any] = _ADAPTER.dump_python(case, mode="json", exclude_defaults=True)
    return plain


def json_line(value: Any) -> str:
    """A value as a line of JSON that UTF-8 can hold, half characters too."""
    line = json.dumps(value, ensure_ascii=False)
    is_whole = line.isascii() or line == line.encode("utf-8", "replace").decode()
    return f"{line if is_whole else json.dumps(value)}\n"


def save_cases(cases: Iterable[Case], path: Path) -> None:
    """Write cases so that `load_cases` reads them."""
    lines = [json_line(to_record(case)) for case in cases]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")  # what was there stays until all is written
    partial.write_text("".join(lines), "utf-8")
    partial.replace(path)
