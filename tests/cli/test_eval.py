"""`byline eval`: what a team types to measure, compare and gate, and how it fails."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from byline.tests.conftest import Run, failed

CASES = [
    {
        "id": "cost",
        "question": "How much will the repair of the ferry cost?",
        "as_of": "2026-03-20",
        "answers": ["4.2 million"],
        "relevant": ["ferry.txt"],
        "evidence": ["The repair will cost 4.2 million crowns"],
        "tags": ["number"],
    },
    {
        "id": "population",
        "question": "What is the population of Castrine?",
        "as_of": "2026-03-20",
        "answerable": False,
    },
]
MINT = "The mint of Castrine struck nine hundred silver coins for the jubilee on Friday."
GATES = '[[gate]]\nmetric = "accuracy"\nmin = 0.9\n'


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    file = tmp_path / "cases.jsonl"
    file.write_text("".join(json.dumps(case) + "\n" for case in CASES))
    return file


@pytest.fixture
def measured(run: Run, cases: Path, folder: Path, tmp_path: Path) -> Path:
    """A finished run of the two cases over the three articles."""
    assert run("add", folder, "--index", "three").code == 0
    done = run("eval", "run", cases, "--index", "three", "--out", tmp_path / "hybrid")
    assert done.code == 0, done.err
    return tmp_path / "hybrid"


def test_a_run_prints_outcomes_with_intervals_and_writes_its_report(
    run: Run, cases: Path, folder: Path, tmp_path: Path
) -> None:
    done = run("eval", "run", cases, "--articles", folder, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert "Byline: 2 questions" in done.out
    assert "accuracy                 1.000" in done.out
    assert "4.2 million" in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert (tmp_path / "out" / "report.md").is_file()


def test_json_is_one_document(run: Run, cases: Path, folder: Path, tmp_path: Path) -> None:
    done = run("eval", "run", cases, "--articles", folder, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)


def test_a_second_run_in_the_same_folder_asks_nothing_again(
    run: Run, cases: Path, measured: Path
) -> None:
    before = (measured / "records.jsonl").read_bytes()
    done = run("eval", "run", cases, "--index", "three", "--out", measured)
    assert done.code == 0, done.err
    assert "Resuming" in done.err
    assert (measured / "records.jsonl").read_bytes() == before


def test_several_systems_stand_in_one_report(
    run: Run, cases: Path, folder: Path, tmp_path: Path
) -> None:
    recorded = tmp_path / "theirs.jsonl"
    recorded.write_text('{"id": "cost", "text": "Five crowns."}\n')
    systems = ("--system", "byline", "--system", f"recorded:{recorded}")
    out = tmp_path / "out"
    done = run("eval", "run", cases, "--articles", folder, *systems, "--out", out)
    assert done.code == 0, done.err
    page = (out / "report.html").read_text("utf-8")
    assert "theirs" in page
    assert "no recorded answer to" in page  # a failure is shown, not hidden


def test_two_runs_are_compared(run: Run, cases: Path, measured: Path, tmp_path: Path) -> None:
    other = tmp_path / "dense"
    index = ("--index", "three")
    run("eval", "run", cases, *index, "--system", "byline:signals=dense", "--out", other)
    done = run("eval", "compare", measured, other)
    assert done.code == 0, done.err
    assert "# dense against hybrid" in done.out
    assert json.loads(run("eval", "compare", measured, other, "--json").out)["cases"] == 2


def test_a_gate_passes_or_fails_with_its_reason(run: Run, measured: Path, tmp_path: Path) -> None:
    gates = tmp_path / "gates.toml"
    gates.write_text(GATES)
    done = run("eval", "gate", measured, "--config", gates)
    assert (done.code, done.out) == (0, "1 gates passed\n")
    gates.write_text(GATES.replace("accuracy", "coverage"))
    done = run("eval", "gate", measured, "--config", gates)
    assert done.code == 1
    assert done.out == "FAILED  coverage: 0.500 is below 0.9\n"
    assert done.err.count("\n") == 1


def test_a_report_is_written_in_every_format(run: Run, measured: Path, tmp_path: Path) -> None:
    formats = ("--format", "junit", "--format", "json", "--format", "markdown")
    done = run("eval", "report", measured, "--out", tmp_path / "out", *formats)
    assert done.code == 0, done.err
    assert {Path(line).name for line in done.out.splitlines()} == {
        "junit.xml",
        "report.json",
        "report.md",
    }


def test_cases_of_one_name_over_other_articles_have_an_index_of_their_own(
    run: Run, cases: Path, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.txt").write_text(f"{MINT}\n" * 3)
    run("eval", "run", cases, "--articles", folder, "--out", tmp_path / "one")
    done = run("eval", "run", cases, "--articles", other, "--out", tmp_path / "two")
    assert "1 cases name articles that are not in the index" in done.err
    found = json.loads((tmp_path / "two" / "run.json").read_text())["about"]["index"]
    assert found["articles"] == 1


def test_a_run_is_scored_anew(run: Run, measured: Path) -> None:
    done = run("eval", "score", measured, "--index", "three")
    assert "accuracy                 1.000" in done.out


def test_an_answer_that_is_one_long_number_costs_nobody_the_run(
    run: Run, cases: Path, tmp_path: Path
) -> None:
    file = tmp_path / "long.jsonl"
    file.write_text(json.dumps({"id": "cost", "text": f"14 metres [{'9' * 5000}]."}) + "\n")
    done = run("eval", "run", cases, "--system", f"recorded:{file}", "--out", tmp_path / "long")
    assert done.code == 0, done.err


def test_empty_texts_alone_are_an_error(run: Run, cases: Path, tmp_path: Path) -> None:
    file = tmp_path / "empty.jsonl"
    file.write_text('{"id": "cost", "text": ""}\n{"id": "population", "text": " "}\n')
    done = run("eval", "run", cases, "--system", f"recorded:{file}", "--out", tmp_path / "empty")
    assert done.code == 1
    assert "empty failed in every case: its text is empty" in done.err


def test_every_metric_is_listed(run: Run) -> None:
    done = run("eval", "metrics")
    assert "right_minus_wrong" in done.out
    listed = json.loads(run("eval", "metrics", "--json").out)["metrics"]
    assert all(metric["source"] for metric in listed)


def test_a_set_of_another_shape_becomes_cases(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "feedback.jsonl"
    source.write_text('{"question": "Who resigned?", "answer": "Rehn", "thumb": "down"}\n')
    done = run("eval", "import", "feedback", source, "--to", tmp_path / "set")
    assert done.code == 0, done.err
    assert done.out.startswith("1 cases")
    assert (tmp_path / "set" / "cases.jsonl").is_file()


def test_cases_are_reviewed_at_the_prompt(
    run: Run, cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["a", "r", "not a question of ours"])
    monkeypatch.setattr("byline.cli.measure._ask", lambda prompt: next(answers))
    kept = tmp_path / "kept.jsonl"
    done = run("eval", "review", cases, "--by", "ana", "--to", kept)
    assert done.code == 0, done.err
    assert [json.loads(line)["id"] for line in kept.read_text().splitlines()] == ["cost"]


Arguments = tuple[Any, ...]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("run", "nowhere.jsonl"), 2, "There are no cases nowhere.jsonl"),
        (("run", "sample", "--system", "bylin"), 2, "no kind of system 'bylin'"),
        (("run", "sample", "--tag", "fuct"), 2, "No case has the tag 'fuct'"),
        (("run", "sample", "--format", "pdf"), 2, "no format 'pdf'"),
        (("run", "sample", "--repeat", "0"), 2, "Invalid value for '--repeat'"),
        (("compare", "nowhere", "nowhere"), 2, "no finished run in nowhere"),
        (("gate", "nowhere", "--config", "gates.toml"), 2, "gates.toml cannot be read"),
        (("report", "nowhere"), 2, "no finished run in nowhere"),
        (("calibrate", "claims.jsonl"), 2, "give --judge MODEL@URL"),
        (("score", "nowhere"), 2, "There are no cases nowhere"),
        (("run", "sample", "--system", "byline:policy=bogus"), 2, "no policy 'bogus'"),
        (("import", "biir", "nowhere", "--to", "out"), 2, "biir"),
        (("generate", "--to", "new.jsonl", "--index", "nowhere"), 1, "no index 'nowhere'"),
    ],
)
def test_a_wrong_call_is_one_line_that_says_what_to_do(
    run: Run, arguments: Arguments, code: int, said: str
) -> None:
    failed(run("eval", *arguments), code, said)


def test_a_wrong_case_is_named_by_its_line(run: Run, cases: Path) -> None:
    cases.write_text(cases.read_text() + '{"id": "x", "qestion": "?"}\n')
    failed(run("eval", "run", cases), 2, "cases.jsonl, line 3: ")


def test_a_system_that_fails_in_every_case_is_an_error(
    run: Run, cases: Path, folder: Path, unused_address: str, tmp_path: Path
) -> None:
    system = ("--system", f"openai:m@{unused_address}", "--out", tmp_path / "out")
    done = run("eval", "run", cases, "--articles", folder, *system)
    assert done.code == 1
    assert "m failed in every case: m: Connection error" in done.err


def test_a_missing_extra_says_which_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("byline.evals")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    failed(run("eval", "metrics"), 1, r"pip install 'byline\[evals\]'")
