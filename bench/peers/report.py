"""Scores the records with the eval harness, and writes one Markdown report of what came of them.

score(out / "sample", cases, desk); print(report(out))
"""

import json
import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ask import lines
from byline import Desk
from byline.errors import InputError
from byline.evals.case import Case
from byline.evals.compare import as_table, compare
from byline.evals.corpus import Corpus
from byline.evals.record import Run, load_run
from byline.evals.report.sheet import measured
from byline.evals.run import run_cases
from byline.evals.summary import Estimate
from byline.evals.systems.recorded import RecordedSystem
from install import HERE, PEERS

_FOUND = ("hit@1", "hit@5", "hit@10", "mrr", "ndcg@10", "span_recall@10", "total_seconds")
_ANSWERED = {
    "precision": "right / answered",
    "accuracy": "right / all",
    "citation_precision": "citation precision",
    "citation_recall": "citation recall",
    "span_validity": "spans valid",
    "quote_fidelity": "quotes verbatim",
    "date_accuracy": "right date",
    "speaker_accuracy": "right speaker",
    "declining_precision": "unanswerable / declined",
    "declining_recall": "declined / unanswerable",
    "failed": "failed",
}
_COST = ("first_token_seconds", "total_seconds", "input_tokens", "output_tokens", "calls")
# Invariants 1 and 2 of the design: what an answer scores that breaks neither.
_KEPT = {"dangling": 0.0, "unused": 0.0, "quote_fidelity": 1.0, "span_validity": 1.0}
_PARTS = (
    ("What each finds, without a model", "search", dict(zip(_FOUND, _FOUND, strict=True))),
    ("Answers without a model", "quote", _ANSWERED),
    ("Answers with the model", "answer", _ANSWERED),
    ("Time and tokens of an answer with the model", "answer", {c: c for c in _COST}),
)
_NOTE = (
    "In brackets: 95 % intervals (Wilson's, or 5,000 bootstrap resamples of the questions); "
    "seconds are medians. “of 3”: so many could be scored. A dash: none could. An answer breaks an "
    "invariant that cites by a number that leads nowhere, lists what no sentence cites, or quotes "
    "what does not stand in the article, or not there. What is missing to 1 of the right dates and "
    "speakers is wrong. A strong hosted model is asked by "
    "`OPENAI_API_KEY=... python -m bench.peers --llm MODEL@https://HOST/v1 --out FOLDER`."
)


def score(folder: Path, cases: Sequence[Case], desk: Desk) -> None:
    """Score what each peer gave for the cases that it was asked."""
    shutil.rmtree(folder / "runs", ignore_errors=True)
    for file in sorted(folder.glob("*-*.jsonl")):
        asked = {line["id"] for line in lines(file)}
        own, to = [case for case in cases if case.id in asked], folder / "runs" / file.stem
        run_cases(own, RecordedSystem(file), to, Corpus(archive=desk.archive))


def report(out: Path) -> str:
    """The report of a folder of results. Raises InputError where there are none."""
    if not (out / "measured.json").is_file():
        raise InputError(f"There are no results in {out}: run without --report first.")
    known, folders = _read(out), [file.parent for file in sorted(out.glob("*/runs"))]
    parts = [_opening(known), _NOTE]
    for title, kind, columns in _PARTS:
        tables = [_table(folder, kind, columns) for folder in folders if _runs(folder, kind)]
        parts += [f"## {title}", *tables]
    behind = [line for folder in folders for line in _behind(folder)]
    parts += ["## Where Byline is clearly behind", "\n".join(behind) or "Nowhere."]
    parts += ["## Indexing, memory, disk", _indexing(known, folders)]
    parts += ["## Installation", _installation(known["installed"])]
    parts += [file.read_text("utf-8").strip() for file in HERE.glob("reading.md")]
    return "\n\n".join(parts) + "\n"


def _opening(known: Mapping) -> str:
    pins = dict.fromkeys(pin for one in known["installed"].values() for pin in one["needs"])
    return (
        "# Byline beside what one would take instead\n\n"
        f"Written by `python -m bench.peers` on {datetime.now(UTC):%Y-%m-%d}; Python "
        f"{platform.python_version()}, {os.cpu_count()} cores that others used too. Model: "
        f"{known.get('model', 'none')}, at most 512 tokens a reply, temperature 0. Embedder of "
        f"all: all-MiniLM-L6-v2, int8. Peers: {', '.join(pin for pin in pins if '==' in pin)}."
    )


def _runs(folder: Path, kind: str) -> dict[str, Run]:
    """The runs of a kind by the peer's name."""
    there = [(peer, folder / "runs" / f"{kind}-{peer.key}") for peer in PEERS]
    return {peer.name: load_run(run) for peer, run in there if (run / "scores.json").is_file()}


def _table(folder: Path, kind: str, columns: Mapping[str, str]) -> str:
    runs = _runs(folder, kind)
    found = {peer: measured(run.records, columns) for peer, run in runs.items()}
    told = [name for name in columns if any(row[name].scored for row in found.values())]
    breaks = ["breaks an invariant"] if columns is _ANSWERED else []
    rows = [
        [peer, str(len(runs[peer].cases)), *(_cell(row[name]) for name in told)]
        + [_broken(runs[peer]) for _ in breaks]
        for peer, row in found.items()
    ]
    rows += [["a strong hosted model", "not run"]] if kind == "answer" else []
    return as_table([folder.name, "questions", *(columns[name] for name in told), *breaks], rows)


def _cell(one: Estimate) -> str:
    if one.value is None:
        return "–"
    digits = 2 if one.value < 100 else 0
    interval = "" if one.low is None else f" ({one.low:.{digits}f}–{one.high:.{digits}f})"
    return f"{one.value:.{digits}f}{interval}" + (f" of {one.scored}" if one.unscored else "")


def _broken(run: Run) -> str:
    given = [record.scores for record in run.records if record.grade not in ("failed", "declined")]
    broken = [any(scores.get(m, kept) != kept for m, kept in _KEPT.items()) for scores in given]
    return f"{sum(broken)} of {len(given)}"


def _behind(folder: Path) -> Iterator[str]:
    """The metrics in which a peer is better on the questions of both, by a paired interval."""
    for kind in ("search", "answer"):
        runs = _runs(folder, kind)
        byline = runs.pop("Byline", None)
        for peer, run in runs.items() if byline else ():
            for d in compare(run, byline).differences:
                if d.verdict == "worse":
                    values = f"Byline {d.second:.2f}, {peer} {d.first:.2f}"
                    bounds = f"{d.low:+.2f} to {d.high:+.2f}, {d.cases} questions"
                    yield f"- {folder.name}, {kind}: {d.metric}: {values} ({bounds})"


def _indexing(known: Mapping, folders: Sequence[Path]) -> str:
    about = {folder.name: _read(folder) for folder in folders}
    if timed := known.get("timed"):
        about = {"no vector at hand": timed} | about
    rows = [
        [f"{name}, {one['articles']} articles", *_took(peer, took, one.get("peak_mb", {}))]
        for name, one in about.items()
        for peer, took in one["indexed"].items()
    ]
    return as_table(["", "", "passages", "s", "s of its processor", "MB on disk", "peak MB"], rows)


def _took(peer: str, took: Mapping, peak: Mapping[str, float]) -> list[str]:
    if "error" in took:
        return [peer, f"failed: {took['error']}"]
    most = max(peak.get(peer, 0), took["peak_mb"])
    numbers = (took["seconds"], took["cpu_seconds"], took["mb"], most)
    return [peer, str(took["value"].get("passages", "–")), *(f"{number:.1f}" for number in numbers)]


def _installation(installed: Mapping[str, Mapping]) -> str:
    rows = [
        [name, f"{one['seconds']:.0f}", f"{one['mb']:.0f}", str(one["packages"])]
        for name, one in installed.items()
    ]
    return as_table(["", "s", "MB", "packages"], rows)


def _read(folder: Path) -> dict:
    return json.loads((folder / "measured.json").read_text())
