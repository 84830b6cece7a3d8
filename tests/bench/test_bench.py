"""The measurements run, and say something of the bundled sample, where there is no data folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from byline.evals.case import load_cases
from byline.tests.servers import postgres_programs

ROOT = Path(__file__).parents[2]

# Runs a script as its own command line does, with the vectors that this run of the tests has.
SCRIPT = """
import runpy, sys
from pathlib import Path

script, vectors, *sys.argv[1:] = sys.argv[1:]
sys.path.insert(0, str(Path(script).parent))
import sets

sets._CACHE = Path(vectors)
runpy.run_path(script, run_name="__main__")
"""


def run(script: str, folder: Path, vectors: Path, *arguments: str) -> str:
    """What a script prints."""
    command = [sys.executable, "-c", SCRIPT, str(ROOT / "bench" / script), str(vectors)]
    command += ["--data", str(folder / "none"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def retrieval(tmp_path_factory, vectors):
    folder = tmp_path_factory.mktemp("retrieval")
    numbers = folder / "numbers.json"
    printed = run("retrieval.py", folder, vectors, "--json", str(numbers))
    return printed, json.loads(numbers.read_text())


def test_fused_ranking_finds_the_samples_articles_and_beats_dense_alone(retrieval):
    means = retrieval[1]["sample"]["means"]
    assert means["Byline"]["nDCG@10"] > 0.8
    assert means["Byline"]["nDCG@10"] > means["dense alone"]["nDCG@10"] > 0.5


def test_every_answerable_question_of_the_sample_is_judged(retrieval):
    answerable = [case for case in load_cases("sample") if case.relevant]
    assert retrieval[1]["sample"]["questions"] == len(answerable)
    assert "Left out" not in retrieval[0]


def test_gains_are_differences_of_the_means_inside_their_intervals(retrieval):
    found = retrieval[1]["sample"]
    for ranker, gains in found["gains"].items():
        for measure, (mean, low, high) in gains.items():
            difference = found["means"]["Byline"][measure] - found["means"][ranker][measure]
            assert mean == pytest.approx(difference)
            assert low <= mean <= high


def test_the_sample_is_asked_with_one_signal_and_with_all(tmp_path, vectors):
    printed = run("evals.py", tmp_path, vectors, "--limit", "6")
    assert "# all signals against dense alone" in printed
    assert "6 cases in both" in printed


def test_copies_made_of_the_samples_articles_are_found(tmp_path, vectors):
    printed = run("copies.py", tmp_path, vectors)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines()]
    shares = {row[0]: float(row[3]) for row in rows if len(row) == 5 and row[1].isdigit()}
    assert shares["all edits"] > 0.9
    assert shares["no copy: two articles"] < 0.05  # the sample has copies of its own
    filled = [row for row in rows if len(row) == 7 and row[0].isdigit()]
    assert [int(row[0]) for row in filled][-1] == 1000


@pytest.mark.embedded("test_postgres.py and bench/replicas.py kill who writes there")
def test_kills_lose_nothing_of_the_sample(tmp_path: Path, vectors: Path) -> None:
    printed = run("crash.py", tmp_path, vectors, "--kills", "2")
    assert "| lost, double, unfound or otherwise wrong | 0 |" in printed


@pytest.mark.alone
def test_streams_under_load_all_end_with_their_own_answer(tmp_path: Path, vectors: Path) -> None:
    printed = run("load.py", tmp_path, vectors)
    row = next(line for line in printed.splitlines() if line.startswith("| 5 |"))
    _, _, asks, *_, failed, swapped, _, _, _ = [cell.strip() for cell in row.split("|")][:-1]
    assert int(asks) >= 5
    assert (failed, swapped) == ("0", "0")
    assert "| Byline |" in printed


def test_every_face_gives_the_answer_of_the_desk(tmp_path: Path, vectors: Path) -> None:
    printed = run("parity.py", tmp_path, vectors, "--questions", "2")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines()]
    faces = [row for row in rows if len(row) == 4 and row[1].isdigit()]
    assert len(faces) == (14 if postgres_programs() is None else 16)
    assert {(row[1], row[2], row[3]) for row in faces} == {("2", "2", "0")}


def test_an_index_grows_in_both_ways_and_each_part_of_it_is_measured(tmp_path, vectors):
    home = tmp_path / "home"
    run("scale.py", tmp_path, vectors, "--home", str(home), "--sizes", "60", "--written-above", "9")
    lines = [json.loads(line) for line in (home / "measured.jsonl").read_text().splitlines()]
    *grown, found = [line for line in lines if line["kind"] in ("adding", "size")]
    assert grown[0]["embed (seeded), processor"] > 0
    assert [line["passages"] for line in grown][-1] == found["passages"] >= 60
    for part in ("bytes a passage: full text", "recall@10: the dense signal"):
        assert found[part] > 0
    assert found["search, the largest outlet (22 %): p50 processor, ms"] > 0
    assert found["found after `add`, median, s"] < 5
