"""`byline eval ...`: runs cases, compares runs, gates a release on them, makes and reviews cases.

    byline eval run sample && byline eval run cases.jsonl --index news --system byline:llm=qwen3

As in cli/__init__.py: parse, call one function, print.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import BylineError, InputError

if TYPE_CHECKING:
    from ..desk import Desk
    from ..evals.corpus import Corpus
    from ..evals.judge import Judge
    from ..evals.record import Run
    from ..evals.run import Plan
    from ..evals.systems import System

eval_app = typer.Typer(help="Measure answers: run, compare, gate, report.", no_args_is_help=True)

_EXTRA = ["genai_prices", "ir_measures", "jinja2", "lemminflect", "scipy"]
_EXTRA += ["text_to_num"]
_FORMATS = ("html", "markdown", "json", "junit")
RUNS = Path("eval-runs")

CasesArgument = Annotated[str, typer.Argument(help="A .jsonl file of cases, or `sample`.")]
IndexOption = Annotated[
    str | None, typer.Option("--index", help="Index of the articles.", metavar="NAME")
]
ArticlesOption = Annotated[
    list[Path] | None,
    typer.Option("--articles", help="Add these to the index first; may be repeated."),
]
JudgeOption = Annotated[
    str | None,
    typer.Option("--judge", help="Model that judges, not the one under test.", metavar="MODEL@URL"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
FormatOption = Annotated[
    list[str] | None, typer.Option("--format", help=f"{', '.join(_FORMATS)}; may be repeated.")
]
RunArgument = Annotated[Path, typer.Argument(help="Folder of a run, or its scores.json.")]


@eval_app.command()
def run(
    cases: CasesArgument,
    system: Annotated[
        list[str] | None,
        typer.Option(
            "--system",
            help="byline[:setting=value,...], http:URL, openai:MODEL@URL, "
            "llamaindex:MODULE:FUNCTION or recorded:FILE; may be repeated.",
        ),
    ] = None,
    index: IndexOption = None,
    articles: ArticlesOption = None,
    repeat: Annotated[int, typer.Option(min=1, help="Ask each case so often.")] = 1,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Cases at a time.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N cases.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only cases with this tag.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; one that is there is resumed.")
    ] = None,
    judge: JudgeOption = None,
    cache: Annotated[bool, typer.Option(help="Take answers given before to the same.")] = True,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="When resuming, ask again what failed.")
    ] = False,
    formats: FormatOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer and score every case; write a report."""
    with _extra():
        from ..evals.case import find_cases
        from ..evals.report import to_json, write

        file = find_cases(cases)
        stem = file.stem
        chosen = _chosen(cases, limit, tag)
        specs = system or ["byline"]
        _require_formats(formats)
        runs = []
        with _corpus(file, index, articles) as (name, corpus):
            for at, spec in enumerate(specs):
                folder = _folder(out, len(specs) > 1, spec, at)
                plan = _plan(repeat, workers, retry_failed, spec, cache)
                base = RUNS / stem
                runs.append(_run(chosen, spec, name, folder, base, corpus, plan, judge))
        where = out or (runs[0].folder if len(runs) == 1 else RUNS / stem)
        files = write(runs, where, formats or ("html", "markdown"))
    if as_json:
        _print_json(to_json(runs))
    else:
        _show(runs)
        typer.echo(f"Report: {files[0]}")
    _require_an_answer(runs)


@eval_app.command()
def score(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs of the same cases.")],
    index: IndexOption = None,
    articles: ArticlesOption = None,
) -> None:
    """Score the answers of runs anew, after the metrics have changed; nothing is asked again."""
    with _extra():
        from ..evals.case import find_cases
        from ..evals.run import score_run

        cases = find_cases(runs[0] / "cases.jsonl")
        with _corpus(cases, index, articles) as (_, corpus):
            _show([score_run(folder, corpus) for folder in runs])


@eval_app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs of the same cases.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write to.")] = None,
    formats: FormatOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the report of one run, or of several side by side."""
    with _extra():
        from ..evals.record import load_run
        from ..evals.report import to_json, write

        _require_formats(formats)
        loaded = [load_run(path) for path in runs]
        files = write(loaded, out or loaded[0].folder, formats or ("html", "markdown"))
    if as_json:
        _print_json(to_json(loaded))
    else:
        for file in files:
            typer.echo(str(file))


@eval_app.command()
def compare(
    first: RunArgument,
    second: RunArgument,
    judge: JudgeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs, case by case: differences with intervals, and what flipped."""
    with _extra():
        from dataclasses import asdict

        from ..evals import compare as comparing
        from ..evals.record import load_run

        runs = load_run(first), load_run(second)
        found = comparing.compare(*runs)
        referee = _judge(judge) if judge else None
        for model in {record.response.model for run in runs for record in run.records}:
            if referee:
                referee.require_apart(model)
        preferred = comparing.preference(*runs, referee) if referee else None
    if as_json:
        _print_json(found.to_dict() | {"preference": preferred and asdict(preferred)})
        return
    typer.echo(comparing.as_markdown(found), nl=False)
    if preferred:
        typer.echo(
            f"\nThe judge prefers the first in {preferred.first} cases and the second in "
            f"{preferred.second}; equal {preferred.equal}, no usable verdict {preferred.unscored}."
        )


@eval_app.command()
def gate(
    run: RunArgument,
    config: Annotated[Path, typer.Option(help="gates.toml (docs/evals.md).")],
    against: Annotated[Path | None, typer.Option(help="The run to compare with.")] = None,
) -> None:
    """Fail (exit 1) where a run is worse than it may be, and say why."""
    with _extra():
        from ..evals import gate as gating
        from ..evals.record import load_run

        gates = gating.load_gates(config)
        baseline = load_run(against) if against else None
        failures = gating.gate(load_run(run), baseline, gates)
    if failures:
        for reason in failures:
            typer.echo(f"FAILED  {reason}")
        raise BylineError(f"The run may not be released: {len(failures)} conditions failed.")
    typer.echo(f"{len(gates)} gates passed")


@eval_app.command()
def calibrate(
    claims: Annotated[Path, typer.Argument(help="JSON Lines: evidence, claim, supported.")],
    judge: JudgeOption = None,
    limit: Annotated[int | None, typer.Option(min=2, help="Claims, drawn by chance.")] = 200,
    swap: Annotated[
        bool, typer.Option("--swap", help="Ask in both orders of the verdicts.")
    ] = False,
    repeat: Annotated[int, typer.Option(min=1, help="Ask so often; the majority counts.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Measure a judge against people: agreement, kappa, and whether to trust it."""
    with _extra():
        from ..evals.calibrate import calibrate as calibrating
        from ..evals.calibrate import load_claims

        if judge is None:
            raise InputError("calibrate needs the judge to measure: give --judge MODEL@URL.")
        drawn = load_claims(claims, limit)
        with _progress("Judging", len(drawn)) as step:
            found = calibrating(drawn, _judge(judge, swap=swap, repeats=repeat), step)
    if as_json:
        _print_json(found.to_dict())
    else:
        typer.echo(found.as_markdown())


@eval_app.command()
def generate(
    to: Annotated[Path, typer.Option(help="File to write the cases to.")],
    number: Annotated[int, typer.Option(min=1, help="Cases to make.")] = 100,
    index: IndexOption = None,
    seed: Annotated[int, typer.Option(help="Another seed gives other cases.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Make cases from the articles of an index: by rules, and with a model where one is set."""
    from . import opened_desk

    with _extra(), opened_desk(index) as desk:
        from ..evals.case import save_cases
        from ..evals.generate import generate as generating

        if to.is_dir():
            raise InputError(f"{to} is a folder: name the file to write the cases to.")
        with _progress("Making cases", number) as step:
            made = generating(desk, number, seed=seed, llm=desk.llm, progress=step)
        if not made.cases:
            dropped = ", ".join(f"{n} {name}" for name, n in made.dropped.most_common())
            raise BylineError(
                f"No case could be made from {len(desk.articles)} articles "
                f"({dropped or 'no sentence that a rule can ask about'}): add more articles."
            )
        save_cases(made.cases, to)
    counts = {"cases": len(made.cases), "made": dict(made.made), "dropped": dict(made.dropped)}
    if as_json:
        _print_json(counts | {"file": str(to)})
        return
    typer.echo(f"{len(made.cases)} cases in {to}: have a person read them (`byline eval review`)")
    for what, counted in (("by kind", made.made), ("candidates dropped", made.dropped)):
        typer.echo(f"  {what}: {', '.join(f'{n} {name}' for name, n in counted.most_common())}")


@eval_app.command()
def review(
    what: Annotated[list[str], typer.Argument(help="A file of cases, or folders of runs.")],
    by: Annotated[str, typer.Option(help="Who reviews.")],
    verdicts: Annotated[
        Path | None, typer.Option(help="File that keeps the verdicts (default: beside it).")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="Write the accepted cases there.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many answers.")] = None,
    index: IndexOption = None,
) -> None:
    """Accept, edit or reject cases one by one, or judge the answers of runs blind."""
    with _extra():
        if Path(what[0]).is_dir():
            _review_answers([Path(one) for one in what], by, verdicts, limit)
        else:
            _review_cases(what[0], by, verdicts, to, index)


@eval_app.command("import")
def import_cases(
    shape: Annotated[str, typer.Argument(help="beir, rgb, squad2, ragas, feedback ...")],
    path: Annotated[Path, typer.Argument(help="File or folder of that shape.")],
    to: Annotated[Path, typer.Option(help="Folder for cases.jsonl and articles.jsonl.")],
) -> None:
    """Turn questions of another shape into cases, and their texts into articles."""
    with _extra():
        from ..evals import importers

        imported = importers.import_cases(shape, path)
        articles = importers.write(imported, to)
    typer.echo(f"{len(imported.cases)} cases and {articles} articles in {to}")
    for where, reason in imported.left_out[:20]:
        typer.echo(f"  {where}: {reason}", err=True)
    if len(imported.left_out) > 20:
        typer.echo(f"  … and {len(imported.left_out) - 20} more", err=True)


@eval_app.command()
def audit(as_json: JsonOption = False) -> None:
    """Try every metric on systems whose truth is known; exit 1 where one is fooled."""
    with _extra():
        from dataclasses import asdict

        from ..evals import audit as auditing
        from ..evals.case import find_cases, load_cases

        with _corpus(find_cases("sample"), None, None) as (_, corpus):
            table = auditing.audit(load_cases("sample"), corpus)
    fooled = auditing.fooled(table)
    if as_json:
        plain = {s: {n: asdict(one) for n, one in found.items()} for s, found in table.items()}
        _print_json({"table": plain, "fooled": fooled})
    else:
        typer.echo(auditing.as_markdown(table))
    if fooled:
        raise BylineError(f"{len(fooled)} metrics were fooled: {'; '.join(fooled)}.")


@eval_app.command()
def metrics(as_json: JsonOption = False) -> None:
    """List every metric: what it says, and where it comes from."""
    with _extra():
        from ..evals.metrics import METRICS
    rows = [
        {"name": m.name, "family": m.family, "better": m.better, "says": m.help, "source": m.source}
        for m in METRICS.values()
    ]
    if as_json:
        _print_json({"metrics": rows})
        return
    for family in dict.fromkeys(row["family"] for row in rows):
        typer.echo(f"{family}")
        for row in rows:
            if row["family"] == family:
                typer.echo(f"  {row['name']:24} {row['says']}")


# Steps


@contextmanager
def _extra() -> Iterator[None]:
    """Say which extra is missing, where one is."""
    try:
        yield
    except OSError as error:
        raise BylineError(f"{error.filename or 'A file'}: {error.strerror or error}.") from None
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in _EXTRA:
            raise
        raise BylineError(
            f"`byline eval` needs the extra `evals` ({error.name} is missing): "
            "run `pip install 'byline[evals]'`."
        ) from None


def _chosen(path: str, limit: int | None, tag: str | None) -> list[Any]:
    from ..evals.case import load_cases
    from ..evals.summary import tags

    cases = load_cases(path)
    known = sorted({name for case in cases for name in tags(case)})
    if tag is not None and tag not in known:
        raise InputError(f"No case has the tag '{tag}': there are {', '.join(known)}.")
    return [case for case in cases if tag is None or tag in tags(case)][:limit]


@contextmanager
def _corpus(
    cases: Path, index: str | None, articles: Sequence[Path] | None
) -> Iterator[tuple[str | None, "Corpus"]]:
    """The index of the cases and its articles; the bundled cases bring theirs.

    Articles that are given without an index have one of their own, called by their paths.
    """
    from ..evals.case import BUNDLED
    from ..evals.corpus import Corpus
    from ..settings import load_settings
    from . import SAMPLE, add_paths, opened_desk, say

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
    if not added and not (settings.home / settings.index / "archive.db").exists():
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


def _opener(index: str | None) -> Callable[[Mapping[str, Any]], AbstractContextManager["Desk"]]:
    from . import opened_desk

    return lambda changed: opened_desk(**{"index": index, **changed})


def _run(
    cases: Sequence[Any],
    spec: str,
    index: str | None,
    folder: Path | None,
    base: Path,
    corpus: "Corpus",
    plan: "Plan",
    judge: str | None,
) -> "Run":
    from ..evals.run import run_cases, unfinished
    from ..evals.systems import model_at, open_system
    from ..index.reach import require_local
    from . import say

    if judge and corpus.archive:
        require_local(corpus.archive, f"judge {judge}", model_at(judge)[1])
    with ExitStack() as stack:
        system = stack.enter_context(open_system(spec, _opener(index)))
        referee = _apart(judge, system)
        if folder is None:
            folder = unfinished(base, cases, system, plan) or base / f"{_slug(spec)}-{_stamp()}"
        if (folder / "records.jsonl").exists():
            say(f"Resuming {folder}")
        step = stack.enter_context(_progress(system.label, len(cases) * plan.repeats))
        say(f"Asking {system.label} {len(cases) * plan.repeats} questions")
        try:
            return run_cases(cases, system, folder, corpus, plan=plan, judge=referee, progress=step)
        except KeyboardInterrupt:
            raise BylineError(
                f"Stopped. What was answered is kept in {folder}: run it again to go on."
            ) from None


def _folder(out: Path | None, several: bool, spec: str, at: int) -> Path | None:
    if out is None:
        return None
    return out / f"{at + 1}-{_slug(spec)}" if several else out


def _slug(spec: str) -> str:
    kept = "".join(char if char.isalnum() else "-" for char in spec)
    return "-".join(filter(None, kept.split("-")))[:60]


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S")


def _plan(repeat: int, workers: int, retry_failed: bool, spec: str, cache: bool) -> "Plan":
    from ..evals.run import Plan

    return Plan(
        repeats=repeat,
        workers=workers,
        cache=RUNS / "cache" if cache else None,
        retry_failed=retry_failed,
        spec=spec,
        command=" ".join(["byline", *sys.argv[1:]]),
    )


def _judge(address: str, *, swap: bool = False, repeats: int = 1) -> "Judge":
    from ..evals.judge import Judge
    from ..evals.systems import model_at
    from ..qa.model import openai_llm
    from ..settings import load_settings

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


def _apart(judge: str | None, system: "System") -> "Judge | None":
    if judge is None:
        return None
    found = _judge(judge)
    settings = system.about.get("settings", {})
    found.require_apart(system.about.get("model") or settings.get("llm"))
    found.check()  # before the first case is asked
    return found


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, fed how many are done and how many there are."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as p:
        task = p.add_task(what, total=total)
        yield lambda done, of: p.update(task, completed=done, total=of)


def _show(runs: Sequence["Run"]) -> None:
    """A few lines for a terminal: outcomes and the headline metrics with their intervals."""
    from ..evals.summary import HEADLINE, grades, summarise

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


def _warnings(run: "Run") -> Iterator[str]:
    settings = run.manifest["about"].get("settings")
    if settings is not None and settings.get("llm") is None:
        yield "Without a language model (BYLINE_LLM): answers are quoted sentences."
    absent = run.manifest.get("articles_not_there")
    if absent:
        yield f"{absent} cases name articles that are not in the index: is it the right one?"
    for name, count in (run.manifest.get("broken_metrics") or {}).items():
        yield f"In {count} answers a metric broke: {name}. Please report this."


def _require_an_answer(runs: Sequence["Run"]) -> None:
    for found in runs:
        if all(record.grade == "failed" for record in found.records):
            reason = found.records[0].response.error or "its text is empty"
            raise BylineError(f"{found.manifest['system']} failed in every case: {reason}")


def _require_formats(formats: Sequence[str] | None) -> None:
    for name in formats or ():
        if name not in _FORMATS:
            raise InputError(f"There is no format '{name}': use {', '.join(_FORMATS)}.")


def _print_json(value: Any) -> None:
    from . import print_json

    print_json(value)


def _ask(prompt: str) -> str:
    try:
        return str(typer.prompt(prompt, default="", show_default=False, err=True))
    except typer.Abort:  # end of input, or Ctrl-C
        raise EOFError from None


def _review_cases(
    path: str, by: str, verdicts: Path | None, to: Path | None, index: str | None
) -> None:
    from ..evals import review as reviewing
    from ..evals.case import find_cases, load_cases, save_cases

    file = verdicts or find_cases(path).with_suffix(".verdicts.jsonl")
    cases = load_cases(path)
    with _corpus(find_cases(path), index, None) as (_, corpus):
        done = reviewing.review_cases(
            cases, file, by, _ask, typer.echo, corpus if corpus.ids else None
        )
    counts = ", ".join(f"{n} {word}" for word, n in done.said.most_common()) or "nothing reviewed"
    typer.echo(f"{counts}; {done.before} before, {done.skipped} skipped, {done.left} left ({file})")
    if to:
        kept = reviewing.accepted(cases, reviewing.load_verdicts(file))
        save_cases(kept, to)
        typer.echo(f"{len(kept)} accepted cases in {to}")


def _review_answers(
    paths: Sequence[Path], by: str, verdicts: Path | None, limit: int | None
) -> None:
    from ..evals import review as reviewing
    from ..evals.agreement import agreement, as_markdown
    from ..evals.record import load_run

    runs = [load_run(path) for path in paths]
    file = verdicts or paths[0] / "judgements.jsonl"
    reviewing.review_answers(runs, file, by, _ask, typer.echo, limit=limit)
    typer.echo(as_markdown(agreement(reviewing.load_opinions(file), runs)))
