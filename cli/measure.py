"""The steps of `byline eval`: the articles of cases, a system and a judge at work, a person's say.

Loaded by the commands alone: what it imports is slow, and of the extra `evals`.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.progress import TimeRemainingColumn as Remaining

from ..errors import BylineError, InputError
from ..evals import review as reviewing
from ..evals.agreement import agreement, as_markdown
from ..evals.case import BUNDLED, find_cases, load_cases, save_cases
from ..evals.corpus import Corpus
from ..evals.judge import Judge
from ..evals.record import Run, load_run
from ..evals.run import Plan, run_cases, unfinished
from ..evals.summary import HEADLINE, grades, summarise, tags
from ..evals.systems import System, model_at, open_system
from ..index.archive import has_index
from ..index.reach import require_local
from ..qa.model import openai_llm
from ..settings import load_settings
from .parts import SAMPLE, add_paths, opened_desk, say

RUNS = Path("eval-runs")


def chosen(path: str, limit: int | None, tag: str | None) -> list[Any]:
    """The cases of a file, or `sample`, that have a tag, so many of them at most."""
    cases = load_cases(path)
    known = sorted({name for case in cases for name in tags(case)})
    if tag is not None and tag not in known:
        raise InputError(f"No case has the tag '{tag}': there are {', '.join(known)}.")
    return [case for case in cases if tag is None or tag in tags(case)][:limit]


@contextmanager
def corpus_of(
    cases: Path, index: str | None, articles: Sequence[Path] | None
) -> Iterator[tuple[str | None, Corpus]]:
    """The index of the cases and its articles; the bundled cases bring theirs.

    Articles that are given without an index have one of their own, called by their paths.
    """
    added: list[Any] = [*(articles or ())]
    for path in added:
        if not path.exists():
            raise InputError(f"There are no articles {path}: it does not exist.")
    if cases.parent == BUNDLED and index is None and not added:
        added = [SAMPLE]
    if added and index is None:
        paths = "\n".join(str(path.resolve()) for path in added)
        index = f"eval-{_slug(cases.stem)[:40]}-{hashlib.sha256(paths.encode()).hexdigest()[:8]}"
    settings = load_settings(index=index)
    if not added and not has_index(settings.home, settings.index, settings.archive_url):
        yield index, Corpus()  # a system of another kind may know where its articles are
        return
    with opened_desk(index, new=bool(added)) as desk:
        if added:
            changed = add_paths(desk, added)
            if changed.failed:
                say(f"{len(changed.failed)} articles could not be read: `byline add` says which.")
            if not changed.accepted:
                raise InputError(f"No article could be read from {', '.join(map(str, added))}.")
        chars = desk.archive.built_with("passage_chars") or desk.settings.passage_chars
        yield index, Corpus(archive=desk.archive, passage_chars=int(chars))


def run_system(
    cases: Sequence[Any],
    spec: str,
    index: str | None,
    folder: Path | None,
    base: Path,
    corpus: Corpus,
    plan: Plan,
    judge: str | None,
) -> Run:
    """Ask a system all cases; in a new folder below `base`, or where an earlier run stopped."""
    if judge and corpus.archive:
        require_local(corpus.archive, f"judge {judge}", model_at(judge)[1])
    with ExitStack() as stack:
        system = stack.enter_context(
            open_system(spec, lambda changed: opened_desk(**{"index": index, **changed}))
        )
        referee = _apart(judge, system)
        if folder is None:
            new = f"{_slug(spec)}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
            folder = unfinished(base, cases, system, plan) or base / new
        if (folder / "records.jsonl").exists():
            say(f"Resuming {folder}")
        step = stack.enter_context(progress(system.label, len(cases) * plan.repeats))
        say(f"Asking {system.label} {len(cases) * plan.repeats} questions")
        try:
            return run_cases(cases, system, folder, corpus, plan=plan, judge=referee, progress=step)
        except KeyboardInterrupt:
            raise BylineError(
                f"Stopped. What was answered is kept in {folder}: run it again to go on."
            ) from None


def folder_of(out: Path | None, several: bool, spec: str, at: int) -> Path | None:
    """Where a run is to be kept; None: wherever its base has room."""
    if out is None:
        return None
    return out / f"{at + 1}-{_slug(spec)}" if several else out


def _slug(spec: str) -> str:
    kept = "".join(char if char.isalnum() else "-" for char in spec)
    return "-".join(filter(None, kept.split("-")))[:60]


def plan_of(repeat: int, workers: int, retry_failed: bool, spec: str, cache: bool) -> Plan:
    """How cases are asked, and the command that says so."""
    return Plan(
        repeats=repeat,
        workers=workers,
        cache=RUNS / "cache" if cache else None,
        retry_failed=retry_failed,
        spec=spec,
        command=" ".join(["byline", *sys.argv[1:]]),
    )


def judge_at(address: str, *, swap: bool = False, repeats: int = 1) -> Judge:
    """The judge at MODEL@URL; `repeats`: how often it is asked."""
    model, url = model_at(address)
    settings = load_settings(llm=model, llm_base_url=url)
    key = settings.llm_api_key
    llm = openai_llm(
        model,
        url,
        key.get_secret_value() if key else None,
        context_window=settings.llm_context_window,
        max_tokens=400,
        timeout_seconds=settings.llm_timeout_seconds,
    )
    changed = {"max_retries": 2} | ({"temperature": 0.7} if repeats > 1 else {})
    llm = llm.model_copy(update=changed)  # at temperature 0 each reply would be the same
    return Judge(llm, cache=RUNS / "judged" / _slug(url), swap=swap, repeats=repeats)


def _apart(judge: str | None, system: System) -> Judge | None:
    if judge is None:
        return None
    found = judge_at(judge)
    settings = system.about.get("settings", {})
    found.require_apart(system.about.get("model") or settings.get("llm"))
    found.check()  # before the first case is asked
    return found


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, fed how many are done and how many there are."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as p:
        task = p.add_task(what, total=total)
        yield lambda done, of: p.update(task, completed=done, total=of)


def show(runs: Sequence[Run]) -> None:
    """A few lines for a terminal: outcomes and the headline metrics with their intervals."""
    for found in runs:
        counts = grades(found.records)
        typer.echo(f"{found.manifest['system']}: {len(found.records)} questions, {found.folder}")
        typer.echo("  " + ", ".join(f"{n} {grade}" for grade, n in counts.most_common()))
        for warning in _warnings(found):
            typer.echo(f"  {warning}", err=True)
        measured = summarise(found.records)
        for name in HEADLINE:
            one = measured[name]
            if one.value is not None:
                bounds = "" if one.low is None else f"   {one.low:.3f} to {one.high:.3f}"
                typer.echo(f"  {name:24} {one.value:.3f}{bounds}   of {one.scored}")


def _warnings(run: Run) -> Iterator[str]:
    settings = run.manifest["about"].get("settings")
    if settings is not None and settings.get("llm") is None:
        yield "Without a language model (BYLINE_LLM): answers are quoted sentences."
    absent = run.manifest.get("articles_not_there")
    if absent:
        yield f"{absent} cases name articles that are not in the index: is it the right one?"
    for name, count in (run.manifest.get("broken_metrics") or {}).items():
        yield f"In {count} answers a metric broke: {name}. Please report this."


def require_an_answer(runs: Sequence[Run]) -> None:
    """Raise BylineError where a system answered nothing at all."""
    for found in runs:
        if all(record.grade == "failed" for record in found.records):
            reason = found.records[0].response.error or "its text is empty"
            raise BylineError(f"{found.manifest['system']} failed in every case: {reason}")


def _ask(prompt: str) -> str:
    try:
        return str(typer.prompt(prompt, default="", show_default=False, err=True))
    except typer.Abort:  # end of input, or Ctrl-C
        raise EOFError from None


def review_cases(
    path: str, by: str, verdicts: Path | None, to: Path | None, index: str | None
) -> None:
    """Ask a person about each case; write what is accepted to a file."""
    file = verdicts or find_cases(path).with_suffix(".verdicts.jsonl")
    cases = load_cases(path)
    with corpus_of(find_cases(path), index, None) as (_, corpus):
        done = reviewing.review_cases(
            cases, file, by, _ask, typer.echo, corpus if corpus.ids else None
        )
    counts = ", ".join(f"{n} {word}" for word, n in done.said.most_common()) or "nothing reviewed"
    typer.echo(f"{counts}; {done.before} before, {done.skipped} skipped, {done.left} left ({file})")
    if to:
        kept = reviewing.accepted(cases, reviewing.load_verdicts(file))
        save_cases(kept, to)
        typer.echo(f"{len(kept)} accepted cases in {to}")


def review_answers(
    paths: Sequence[Path], by: str, verdicts: Path | None, limit: int | None
) -> None:
    """Ask a person about the answers of runs, and show how far all agree."""
    runs = [load_run(path) for path in paths]
    file = verdicts or paths[0] / "judgements.jsonl"
    reviewing.review_answers(runs, file, by, _ask, typer.echo, limit=limit)
    typer.echo(as_markdown(agreement(reviewing.load_opinions(file), runs)))
