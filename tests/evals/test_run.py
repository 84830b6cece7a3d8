"""A run keeps every answer as it comes, goes on where it stopped, and hides no failure."""

import ast
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from byline.errors import InputError, SettingsError
from byline.evals import run as module
from byline.evals.case import Case, case_of
from byline.evals.corpus import Corpus
from byline.evals.metrics import METRICS
from byline.evals.record import Run, load_run
from byline.evals.response import Response
from byline.evals.run import Plan, run_cases, score_run, unfinished
from byline.evals.summary import summarise
from byline.tests.conftest import ROOT
from filelock import FileLock

CASES = [
    case_of({"id": "a", "question": "How many were hurt?", "answers": ["eleven"], "tags": ["x"]}),
    case_of({"id": "b", "question": "Who resigned?", "answers": ["Rehn"]}),
    case_of({"id": "c", "question": "Who won?", "answerable": False}),
]
SAID = {"a": "Eleven were hurt.", "b": "Nobody.", "c": "NO ANSWER"}


class Scripted:
    """A system that says what it is told to; what is an exception is raised."""

    def __init__(self, said: dict[str, Any], depends_on: Any = "v1") -> None:
        self.said, self.asked, self.depends_on = said, list[str](), depends_on
        self.label, self.about = "scripted", {"script": 1}

    def answer(self, case: Case) -> Response:
        self.asked.append(case.id)
        said = self.said[case.id]
        if isinstance(said, BaseException):
            raise said
        return Response(said, timings={"total": 1.0})


def run(folder: Path, system: Scripted, **plan: Any) -> Run:
    return run_cases(CASES, system, folder, Corpus(), plan=Plan(**plan))


def test_every_case_is_answered_and_graded(tmp_path: Path) -> None:
    found = run(tmp_path / "run", Scripted(SAID))
    assert [(r.case, r.grade) for r in found.records] == [
        ("a", "right"),
        ("b", "wrong"),
        ("c", "declined"),
    ]
    assert summarise(found.records)["accuracy"].value == pytest.approx(2 / 3)


def test_a_run_is_read_back_as_it_was(tmp_path: Path) -> None:
    found = run(tmp_path / "run", Scripted(SAID))
    assert load_run(tmp_path / "run") == found


def test_scores_alone_will_do_as_a_baseline(tmp_path: Path) -> None:
    found = run(tmp_path / "run", Scripted(SAID))
    baseline = tmp_path / "baseline.json"
    baseline.write_bytes((tmp_path / "run" / "scores.json").read_bytes())
    loaded = load_run(baseline)
    assert summarise(loaded.records) == summarise(found.records)
    assert [c.tags for c in loaded.cases] == [c.tags for c in CASES]
    assert "hurt." not in baseline.read_text()  # no answers, no texts of articles


def test_a_case_that_cannot_be_answered_has_failed_and_the_run_goes_on(tmp_path: Path) -> None:
    failing = SAID | {"b": InputError("too long"), "c": ZeroDivisionError("by zero")}
    found = run(tmp_path / "run", Scripted(failing))
    assert [r.grade for r in found.records] == ["right", "failed", "failed"]
    assert found.records[2].response.error == "ZeroDivisionError: by zero"
    measured = summarise(found.records)
    # A failure is never a 0 of a metric that was not reached, nor does it vanish from accuracy.
    assert (measured["failed"].value, measured["failed"].scored) == (pytest.approx(2 / 3), 3)
    assert (measured["precision"].value, measured["precision"].scored) == (1.0, 1)
    assert (measured["accuracy"].value, measured["accuracy"].scored) == (pytest.approx(1 / 3), 3)


def test_a_wrong_setting_stops_the_run(tmp_path: Path) -> None:
    system = Scripted(SAID | {"a": SettingsError("wrong key")})
    with pytest.raises(SettingsError, match="wrong key"):
        run(tmp_path / "run", system)
    assert system.asked == ["a"]


def test_a_run_that_was_interrupted_goes_on_where_it_stopped(tmp_path: Path) -> None:
    stopped = Scripted(SAID | {"c": KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", stopped)
    with pytest.raises(InputError, match="no finished run .*: run it again"):
        load_run(tmp_path / "run")
    assert unfinished(tmp_path, CASES, Scripted(SAID), Plan()) == tmp_path / "run"
    resumed = Scripted(SAID)
    assert len(run(tmp_path / "run", resumed).records) == 3
    assert resumed.asked == ["c"]
    assert unfinished(tmp_path, CASES, resumed, Plan()) is None


def test_a_line_that_was_cut_off_is_asked_again(tmp_path: Path) -> None:
    run(tmp_path / "run", Scripted(SAID))
    records = tmp_path / "run" / "records.jsonl"
    records.write_bytes(records.read_bytes()[:-20])
    again = Scripted(SAID)
    assert len(run(tmp_path / "run", again).records) == 3
    assert again.asked == ["c"]
    assert len(records.read_text().splitlines()) == 3


def test_what_failed_is_asked_again_only_on_demand(tmp_path: Path) -> None:
    run(tmp_path / "run", Scripted(SAID | {"b": InputError("down")}))
    mended = Scripted(SAID)
    assert run(tmp_path / "run", mended).records[1].grade == "failed"
    assert mended.asked == []
    assert run(tmp_path / "run", mended, retry_failed=True).records[1].grade == "wrong"
    assert mended.asked == ["b"]


@pytest.mark.parametrize("changed", ["system", "cases"])
def test_a_folder_with_a_run_of_something_else_is_left_alone(tmp_path: Path, changed: str) -> None:
    run(tmp_path / "run", Scripted(SAID))
    before = (tmp_path / "run" / "records.jsonl").read_bytes()
    system = Scripted(SAID, depends_on="v2" if changed == "system" else "v1")
    cases = CASES[:2] if changed == "cases" else CASES
    with pytest.raises(InputError, match="a run of something else .*: choose another folder"):
        run_cases(cases, system, tmp_path / "run", Corpus())
    assert (tmp_path / "run" / "records.jsonl").read_bytes() == before


def test_an_answer_to_the_same_is_taken_from_the_cache_and_its_time_is_not(tmp_path: Path) -> None:
    run(tmp_path / "one", Scripted(SAID), cache=tmp_path / "cache")
    again = Scripted({})
    found = run(tmp_path / "two", again, cache=tmp_path / "cache")
    assert again.asked == []
    assert [r.response.text for r in found.records] == list(SAID.values())
    assert all(r.cached for r in found.records)
    assert summarise(found.records)["total_seconds"].value is None


def test_another_state_of_the_system_is_asked_anew(tmp_path: Path) -> None:
    run(tmp_path / "one", Scripted(SAID), cache=tmp_path / "cache")
    for at, depends_on in enumerate(("v2", None)):  # None: nobody knows what it depends on
        changed = Scripted(SAID, depends_on)
        run(tmp_path / f"other{at}", changed, cache=tmp_path / "cache")
        assert changed.asked == ["a", "b", "c"]


def test_a_failure_is_not_cached(tmp_path: Path) -> None:
    run(tmp_path / "one", Scripted(SAID | {"a": InputError("down")}), cache=tmp_path / "cache")
    again = Scripted(SAID)
    run(tmp_path / "two", again, cache=tmp_path / "cache")
    assert again.asked == ["a"]


def test_repeats_are_asked_apart_and_count_once_a_case(tmp_path: Path) -> None:
    system = Scripted(SAID)
    found = run(tmp_path / "run", system, repeats=3)
    assert len(found.records) == 9
    assert summarise(found.records)["accuracy"].scored == 3


def test_several_workers_give_the_same_run(tmp_path: Path) -> None:
    one, four = run(tmp_path / "1", Scripted(SAID)), run(tmp_path / "4", Scripted(SAID), workers=4)
    assert one.records == four.records


def test_an_error_stops_several_workers_too(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        run(tmp_path / "run", Scripted(SAID | {"a": SettingsError("key")}), workers=2)


def test_the_manifest_tells_how_to_repeat_the_run(tmp_path: Path) -> None:
    manifest = run(tmp_path / "run", Scripted(SAID), spec="byline", command="byline eval").manifest
    told = {"version", "commit", "cases_sha256", "metrics", "started", "finished", "platform"}
    assert told <= set(manifest)
    assert manifest["about"] == {"script": 1}


def test_the_version_of_the_metrics_is_of_all_that_they_are_made_of() -> None:
    kept = {f"{room}.{name}" for room, names in module._SCORES.items() for name in names}
    plain = {
        "errors",
        "evals.judge",
        "index.archive",
        "index.article",
        "index.embed",
        "evals.metrics",
    }
    scores = [*(ROOT / "evals" / "metrics").glob("*.py")]
    scores += [ROOT / "evals" / f"{name}.py" for name in ("match", "response", "case", "corpus")]
    for path in scores:
        room = path.parent.relative_to(ROOT).parts
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                above = room[: len(room) - node.level + 1]
                for name in [node.module] if node.module else [a.name for a in node.names]:
                    imported = ".".join([*above, name])
                    is_metric = imported.startswith("evals.metrics")
                    assert is_metric or imported in kept | plain, (path.name, imported)


@pytest.mark.parametrize("content", ["", "[]", '{"manifest": {}}', "not json"])
def test_a_file_that_is_no_run_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "scores.json").write_text(content)
    with pytest.raises(InputError, match="is not the scores of a run"):
        load_run(tmp_path / "scores.json")


def test_a_metric_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    run(tmp_path / "run", Scripted(SAID))
    file = tmp_path / "run" / "scores.json"
    scores = json.loads(file.read_text())
    scores["records"][0]["scores"]["of yesterday"] = 1.0
    file.write_text(json.dumps(scores))
    assert set(summarise(load_run(file).records)) == set(METRICS)


def test_a_run_is_scored_anew_without_asking(tmp_path: Path) -> None:
    before = run(tmp_path / "run", Scripted(SAID))
    (tmp_path / "run" / "scores.json").unlink()
    assert score_run(tmp_path / "run", Corpus()).records == before.records


def test_a_metric_that_breaks_costs_its_number_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(seen: object) -> float:
        raise ZeroDivisionError("by zero")

    monkeypatch.setitem(METRICS, "f1", replace(METRICS["f1"], score=breaks))
    found = run(tmp_path / "run", Scripted(SAID))
    assert found.manifest["broken_metrics"] == {"f1 (ZeroDivisionError: by zero)": 3}
    assert summarise(found.records)["accuracy"].scored == 3


def test_half_a_character_in_an_answer_does_not_stop_the_run(tmp_path: Path) -> None:
    found = run(tmp_path / "run", Scripted(SAID | {"a": "Eleven \ud83d were hurt."}))
    assert found.records[0].grade == "right"
    assert load_run(tmp_path / "run").records == found.records


def test_old_grades_do_not_outlive_a_retry_that_is_interrupted(tmp_path: Path) -> None:
    run(tmp_path / "run", Scripted(SAID | {"b": InputError("down")}))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", Scripted({"b": KeyboardInterrupt()}), retry_failed=True)
    with pytest.raises(InputError, match="run it again"):
        load_run(tmp_path / "run")


def test_a_run_that_another_process_writes_is_left_alone(tmp_path: Path) -> None:
    run(tmp_path / "run", Scripted(SAID))
    with FileLock(tmp_path / "run" / "lock"):
        with pytest.raises(InputError, match="Another process is running"):
            run(tmp_path / "run", Scripted(SAID))
        assert len(load_run(tmp_path / "run").records) == 3


def test_a_broken_manifest_beside_it_does_not_stop_a_run(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text('{"system"')
    assert unfinished(tmp_path, CASES, Scripted(SAID), Plan()) is None


def test_cases_whose_articles_are_not_there_are_counted(tmp_path: Path, corpus: Corpus) -> None:
    lost = case_of({"id": "l", "question": "Who?", "answers": ["x"], "relevant": ["nowhere"]})
    found = run_cases([lost], Scripted({"l": "x"}), tmp_path / "run", corpus)
    assert found.manifest["articles_not_there"] == 1


def test_keys_and_passwords_do_not_reach_the_report(tmp_path: Path) -> None:
    command = "byline eval run x --system http:http://me:secret@h/ --system byline:llm_api_key=sk-1"
    found = run(tmp_path / "run", Scripted(SAID), command=command, spec=command)
    assert "secret" not in json.dumps(found.manifest)
    assert "sk-1" not in json.dumps(found.manifest)


def test_a_folder_with_other_files_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "article.txt").write_text("It happened.")
    with pytest.raises(InputError, match="holds article.txt and is no run"):
        run(tmp_path, Scripted(SAID))
    assert {file.name for file in tmp_path.iterdir()} <= {"article.txt", "lock"}


@pytest.mark.parametrize(
    ("name", "content", "wrong"),
    [
        ("records.jsonl", '{"foo": 1}\n', "line 1: not an answer of a run .*: remove the line"),
        ("run.json", "x", "run.json is damaged: run the cases again"),
    ],
)
def test_a_damaged_run_says_what_to_do(tmp_path: Path, name: str, content: str, wrong: str) -> None:
    run(tmp_path / "run", Scripted(SAID))
    (tmp_path / "run" / name).write_text(content)
    with pytest.raises(InputError, match=wrong):
        run(tmp_path / "run", Scripted(SAID))


def test_a_reason_of_failure_is_one_line(tmp_path: Path) -> None:
    found = run(tmp_path / "run", Scripted(SAID | {"b": InputError("boom\n  at line 2")}))
    assert found.records[1].response.error == "boom at line 2"


def test_a_folder_of_several_runs_names_them(tmp_path: Path) -> None:
    run(tmp_path / "several" / "1-byline", Scripted(SAID))
    with pytest.raises(InputError, match="there are 1-byline in it"):
        load_run(tmp_path / "several")
