"""Two runs beside each other, and a gate that a worse one does not pass."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from byline.errors import InputError
from byline.evals.case import case_of
from byline.evals.compare import as_markdown, compare, mcnemar, preference
from byline.evals.gate import Gate, gate, load_gates
from byline.evals.record import Record, Run
from byline.evals.response import Response


def made(name: str, grades: str, **more: Any) -> Run:
    """A run whose cases have these grades: r(ight), w(rong), d(eclined), f(ailed)."""
    cases = [
        case_of(
            {"id": f"c{at:02}", "question": "Who?", "answers": ["x"], "tags": ["even"][at % 2 :]}
        )
        for at in range(len(grades))
    ]
    names = {"r": "right", "w": "wrong", "d": "declined", "f": "failed"}
    records = []
    for case, letter in zip(cases, grades, strict=True):
        scores = {"accuracy": float(letter == "r"), "failed": float(letter == "f")}
        if letter in "rw":
            scores["precision"] = scores["accuracy"]
        scores["total_seconds"] = 1.0
        text = Response(f"said {letter}")
        records.append(Record(case.id, 0, text, names[letter], scores))
    return Run(Path(name), {"name": name, "metrics": "m", **more}, tuple(cases), tuple(records))


GOOD, WORSE = made("good", "r" * 30 + "w" * 10), made("worse", "r" * 12 + "w" * 28)


def difference(metric: str, first: Run = GOOD, second: Run = WORSE) -> Any:
    return next(d for d in compare(first, second).differences if d.metric == metric)


def test_the_difference_is_paired_by_case_and_has_an_interval() -> None:
    found = difference("accuracy")
    assert (found.first, found.second) == (0.75, 0.3)
    assert found.gain == pytest.approx(-0.45)
    assert found.low < -0.45 < found.high < 0
    assert found.verdict == "worse"


def test_of_costs_less_is_better() -> None:
    slow = made("slow", "r" * 40)
    slow = Run(
        slow.folder,
        slow.manifest,
        slow.cases,
        tuple(
            Record(r.case, 0, r.response, r.grade, r.scores | {"total_seconds": 2.0})
            for r in slow.records
        ),
    )
    assert difference("total_seconds", slow, GOOD).verdict == "better"


def test_the_same_run_twice_has_no_difference() -> None:
    found = compare(GOOD, GOOD)
    assert {d.gain for d in found.differences} == {0.0}
    assert found.p_value is None
    assert found.flips == ()


def test_flipped_cases_are_listed_with_what_was_said() -> None:
    found = compare(made("a", "rwd"), made("b", "wrd"))
    assert [(f.case, f.kind, f.first_text, f.second_text) for f in found.flips] == [
        ("c00", "broken", "said r", "said w"),
        ("c01", "mended", "said w", "said r"),
    ]
    assert (found.mended, found.broken) == (1, 1)
    assert "**c00** Who? (right → wrong)" in as_markdown(found)


def test_flips_are_tested_exactly() -> None:
    # 9 of 10 one way: 2 (10 + 1) / 2^10
    assert mcnemar(1, 9) == pytest.approx(22 / 1024)
    assert mcnemar(0, 0) is None
    assert mcnemar(5, 5) == 1.0


def test_answers_that_only_one_run_gives_count_in_its_own_precision() -> None:
    cautious, bold = made("cautious", "r" * 20 + "d" * 20), made("bold", "r" * 20 + "w" * 20)
    found = difference("precision", cautious, bold)
    assert (found.first, found.second, found.cases) == (1.0, 0.5, 20)
    assert found.verdict == "worse"
    (reason,) = gate(bold, cautious, [Gate("precision", max_drop=0.02, clear=True)])
    assert reason.startswith("precision: 0.500 is worse than 1.000 by 0.500")


def test_a_difference_over_few_cases_has_no_interval() -> None:
    found = difference("accuracy", made("a", "rr"), made("b", "ww"))
    assert (found.gain, found.low, found.verdict) == (-1.0, None, "too few cases")


def test_medians_are_compared_as_medians() -> None:
    slow = [Record(r.case, 0, r.response, r.grade, {"total_seconds": 1.0}) for r in GOOD.records]
    slow[0] = Record("c00", 0, GOOD.records[0].response, "right", {"total_seconds": 300.0})
    found = difference("total_seconds", GOOD, Run(GOOD.folder, {}, GOOD.cases, tuple(slow)))
    assert found.second == 1.0


def test_a_tie_of_repeats_is_no_flip() -> None:
    one, two = (made("x", grades).records[0] for grades in "rw")
    case = GOOD.cases[:1]
    first, second = (Run(Path("x"), {}, case, records) for records in ((one, two), (two, one)))
    assert compare(first, second).flips == ()


def test_cases_of_one_run_only_are_named() -> None:
    assert compare(made("a", "rr"), made("b", "rrw")).left_out == ("c02",)


def test_runs_without_a_common_case_cannot_be_compared() -> None:
    other = Run(Path("o"), {}, (case_of({"id": "z", "question": "?"}),), ())
    with pytest.raises(InputError, match="no case in common"):
        compare(GOOD, other)


def test_runs_scored_by_other_metrics_are_compared_with_a_warning() -> None:
    other = made("x", "r" * 40, metrics="n")
    (warning,) = compare(GOOD, other).warnings
    assert "other versions of the metrics" in warning
    assert any(
        "other versions" in reason for reason in gate(GOOD, other, [Gate("accuracy", min=0)])
    )


def test_tags_are_compared_apart() -> None:
    found = compare(made("a", "rwrw"), made("b", "wwww")).by_tag
    assert found["even"].gain == -1.0
    assert found["answerable"].gain == -0.5


class Favours:
    """A judge that prefers answers with this word, else has no verdict."""

    def __init__(self, word: str) -> None:
        self.word = word

    def prefers(self, question: str, one: str, other: str, expected: Any) -> Any:
        verdict = "FIRST" if self.word in one else "SECOND" if self.word in other else None
        return SimpleNamespace(verdict=verdict)


def test_a_judge_chooses_between_answers_and_what_it_cannot_tell_counts_for_nobody() -> None:
    found = preference(made("a", "rrrwd"), made("b", "wwrwr"), Favours("said r"))
    assert (found.first, found.second, found.equal, found.unscored) == (3, 0, 0, 1)
    assert found.p_value == 0.25


# Gates


def test_a_run_as_good_as_the_baseline_passes() -> None:
    assert gate(GOOD, GOOD, [Gate("accuracy", min=0.7, max_drop=0.0)]) == []


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (Gate("accuracy", min=0.5), "accuracy: 0.300 is below 0.5"),
        (Gate("total_seconds", max=0.5), "total_seconds: 1.000 is above 0.5"),
        (Gate("accuracy", max_drop=0.1), "accuracy: 0.300 is worse than 0.750 by 0.450"),
        (Gate("accuracy", max_drop=0.1, clear=True), "accuracy: 0.300 is worse than 0.750"),
        (Gate("accuracy", min=0.5, tag="even"), "accuracy [even]: 0.300 is below 0.5"),
        (Gate("accuracy", min=0.0, min_cases=41), "accuracy: 40 of 40 cases could be scored, 41"),
        (Gate("hit@5", min=0.0), "hit@5: 0 of 40 cases could be scored"),
        (Gate("accuracy", min=0.0, tag="odd"), "accuracy [odd]: 0 of 0 cases"),
    ],
)
def test_a_worse_run_fails_with_the_reason(one: Gate, reason: str) -> None:
    assert any(line.startswith(reason) for line in gate(WORSE, GOOD, [one]))


def test_a_drop_that_may_be_chance_passes_where_only_clear_ones_count() -> None:
    slightly = made("slightly", "r" * 29 + "w" * 11)
    assert gate(slightly, GOOD, [Gate("accuracy", max_drop=0.0, clear=True)]) == []
    assert gate(slightly, GOOD, [Gate("accuracy", max_drop=0.0)]) != []


def test_a_failed_case_fails_the_gate_unless_a_gate_allows_it() -> None:
    failing = made("failing", "r" * 39 + "f")
    elsewhere = Gate("failed", max=0.0, tag="even")  # the failed case is an odd one
    assert gate(failing, None, [elsewhere]) == ["failed: 0.025 is above 0"]
    assert gate(failing, None, [Gate("accuracy", min=0.5)]) == ["failed: 0.025 is above 0"]
    assert gate(failing, None, [Gate("failed", max=0.05)]) == []


def test_cases_that_the_baseline_does_not_have_fail_the_gate() -> None:
    (reason,) = gate(made("more", "rrr"), made("base", "rr"), [Gate("accuracy", min=0.1)])
    assert reason == "cases: 1 are in the run only (c02): make a new baseline"


def test_a_drop_needs_a_baseline() -> None:
    with pytest.raises(InputError, match="--against"):
        gate(GOOD, None, [Gate("accuracy", max_drop=0.1)])


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("", "holds no gate"),
        ("[[gate]]\nmin = 0.5", "metric: is missing"),
        ('[[gate]]\nmetric = "precision"', "has no min, max or max_drop"),
        ('[[gate]]\nmetric = "precison"\nmin = 0.5', "no metric 'precison'"),
        ('[[gate]]\nmetric = "precision"\nmim = 0.5', "mim: there is no such key"),
        ('[[gate]]\nmetric = "precision"\nmin = "high"', "min: give a number"),
        ('[[gates]]\nmetric = "precision"', "there is no key gates"),
        ('[[gate]]\nmetric = "coverage"\nmax_drop = 0.1', "neither good nor bad"),
        ("gate = 3", "give a list"),
        ("[[gate", "cannot be read as TOML"),
        ('[[gate]]\nmetric = "precision"\nmin = nan', "min: give a finite number"),
    ],
)
def test_a_gate_that_gates_nothing_is_refused(tmp_path: Path, content: str, wrong: str) -> None:
    file = tmp_path / "gates.toml"
    file.write_text(content)
    with pytest.raises(InputError, match=wrong):
        load_gates(file)
