"""A run as its reports see it: counted up once, and told in sentences.

sheets = sheets_of([load_run("eval-runs/hybrid")]); result(sheets[0]); warnings(sheets)
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..case import Case
from ..metrics import METRICS
from ..record import GRADES, Record, Run
from ..summary import Estimate, estimate, grades, per_case, summarise
from .words import count

VERDICTS = ("supported", "partial", "unsupported", "contradicted", "unchecked")
_FEW = 30


@dataclass(frozen=True, eq=False)
class Sheet:
    """A run, the letter that stands for it, and its numbers."""

    run: Run
    letter: str
    label: str

    @cached_property
    def cases(self) -> dict[str, Case]:
        """The cases by their ids."""
        return self.run.by_id

    @cached_property
    def by_case(self) -> dict[str, list[Record]]:
        """The records of each case that was run."""
        found: dict[str, list[Record]] = {}
        for record in self.run.records:
            found.setdefault(record.case, []).append(record)
        return found

    @cached_property
    def measured(self) -> dict[str, Estimate]:
        """Every metric."""
        return summarise(self.run.records)

    @cached_property
    def grades(self) -> Counter[str]:
        """How many records have which grade."""
        return grades(self.run.records)

    @cached_property
    def verdicts(self) -> Counter[str]:
        """How many sentences of all answers have which verdict."""
        said = (s.verdict for r in self.run.records for s in r.response.statements or ())
        return Counter(verdict for verdict in said if verdict in VERDICTS)

    @property
    def answered(self) -> int:
        """Answers given, right or wrong."""
        return len(self.run.records) - self.grades["declined"] - self.grades["failed"]

    @property
    def repeats(self) -> int:
        """How often each case was to be asked."""
        return int(self.run.manifest.get("repeats", 1))

    @property
    def failures(self) -> list[Record]:
        """The records that did not come out as they should, as far as that is known."""
        records = self.run.records
        return [r for r in records if r.grade != "unjudged" and not self.right(r)]

    def right(self, record: Record) -> bool:
        """Whether the outcome is what it should be: rightly answered, or rightly declined."""
        is_answerable = self.cases[record.case].answerable
        return record.grade == "right" or (record.grade == "declined" and not is_answerable)


def sheets_of(runs: Sequence[Run]) -> list[Sheet]:
    """The runs with letters from A; systems of one name are told apart by their runs' names."""
    labels = [str(run.manifest.get("system") or run.name) for run in runs]
    named = [
        label if labels.count(label) == 1 else f"{label} ({run.name})"
        for label, run in zip(labels, runs, strict=True)
    ]
    letters = map(chr, range(ord("A"), ord("A") + len(runs)))
    return [Sheet(*parts) for parts in zip(runs, letters, named, strict=True)]


def outcomes(sheets: Sequence[Sheet]) -> list[str]:
    """The grades that have a column; unjudged only where there is any."""
    return [g for g in GRADES if g != "unjudged" or any(sheet.grades[g] for sheet in sheets)]


def measured(records: Sequence[Record], names: Iterable[str]) -> dict[str, Estimate]:
    """Some of the metrics over some of the records."""
    return {
        name: estimate(list(per_case(records, name).values()), METRICS[name].statistic)
        for name in names
        if name in METRICS
    }


def result(sheet: Sheet) -> str:
    """What came of a run, in plain sentences."""
    can = grades(r for r in sheet.run.records if sheet.cases[r.case].answerable)
    cannot = sheet.grades - can
    said = []
    if asked := can.total():
        times = f" (each asked {sheet.repeats} times)" if sheet.repeats > 1 else ""
        answered = asked - can["declined"] - can["failed"]
        how = _listed(can, right="rightly", partly="in part", wrong="wrongly")
        rest = _listed(
            can,
            declined="declined",
            unjudged="could not be judged",
            failed="failed without any answer",
        )
        said.append(
            f"Of {count(asked, 'answerable question')}{times} {_were(answered)} answered"
            f"{': ' if how else ''}{how}{'; ' if rest else ''}{rest}."
        )
    if asked := cannot.total():
        what = f"Of {count(asked, 'question')} that the articles do not answer"
        said.append(f"{what} {_were(cannot['declined'])} rightly declined.")
    return " ".join(said) or "No case has been run."


def _listed(counts: Mapping[str, int], **said: str) -> str:
    return ", ".join(f"{counts[grade]} {how}" for grade, how in said.items() if counts[grade])


def _were(number: int) -> str:
    return f"{number} {'was' if number == 1 else 'were'}"


def warnings(sheets: Sequence[Sheet]) -> list[tuple[str, str]]:
    """What a reader must know before any number: how grave it is, and what it is."""
    found = []
    for sheet in sheets:
        name = f"{sheet.label}: " if len(sheets) > 1 else ""
        found += [(grave, f"{name}{text}") for grave, text in _warnings_of(sheet)]
    if len({frozenset(sheet.cases) for sheet in sheets}) > 1:
        text = "The systems were not asked the same cases: do not set their numbers side by side."
        found.append(("grave", text))
    few = min((len(sheet.run.cases) for sheet in sheets), default=0)
    if few < _FEW:
        text = f"With {count(few, 'case')} the intervals are wide: use {_FEW} or more."
        found.append(("mild", text))
    return found


def _warnings_of(sheet: Sheet) -> Iterator[tuple[str, str]]:
    records = sheet.run.records
    if failed := sheet.grades["failed"]:
        yield "grave", f"{count(failed, 'question')} failed: there is no answer at all."
    if len(records) < (planned := len(sheet.run.cases) * sheet.repeats):
        yield "grave", f"The run is not complete: {len(records)} of {planned} answers."
    if silent := sum(said["verdict"] is None for r in records for said in r.judged.values()):
        yield "grave", f"{count(silent, 'judge call')} gave no verdict and counts nowhere."
    if unjudged := sheet.grades["unjudged"]:
        yield "mild", f"{count(unjudged, 'answer')} could not be judged: no answer is known."
    if cached := sum(record.cached for record in records):
        text = f"{count(cached, 'answer')} came from an earlier run: their times are not counted."
        yield "mild", text


def expected(case: Case) -> str:
    """What a case wants to hear, in one line."""
    if not case.answerable:
        return "no answer: the articles do not have it"
    groups = [" or ".join(group) for group in case.wanted]
    sides = [" or ".join(position.answers) for position in (case.disagreement or ())]
    return "; and ".join(groups or sides) or "not known"
