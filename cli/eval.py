"""`byline eval ...`: runs cases, compares runs, gates a release on them, makes and reviews cases.

byline eval run sample && byline eval run cases.jsonl --index news --system byline:llm=qwen3
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ..errors import BylineError, InputError
from .parts import IndexOption, JsonOption, opened_desk, print_json

eval_app = typer.Typer(help="Measure answers: run, compare, gate, report.", no_args_is_help=True)

_EXTRA = ("ir_measures", "jinja2", "scipy")
_FORMATS = ("html", "markdown", "json", "junit")

CasesArgument = Annotated[str, typer.Argument(help="A .jsonl file of cases, or `sample`.")]
ArticlesOption = Annotated[
    list[Path] | None,
    typer.Option("--articles", help="Add these to the index first; may be repeated."),
]
JudgeOption = Annotated[
    str | None,
    typer.Option("--judge", help="Model that judges, not the one under test.", metavar="MODEL@URL"),
]
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
        from . import measure

        file = find_cases(cases)
        chosen, base = measure.chosen(cases, limit, tag), measure.RUNS / file.stem
        specs = system or ["byline"]
        _require_formats(formats)
        runs = []
        with measure.corpus_of(file, index, articles) as (name, corpus):
            for at, spec in enumerate(specs):
                folder = measure.folder_of(out, len(specs) > 1, spec, at)
                plan = measure.plan_of(repeat, workers, retry_failed, spec, cache)
                found = measure.run_system(chosen, spec, name, folder, base, corpus, plan, judge)
                runs.append(found)
        where = out or (runs[0].folder if len(runs) == 1 else base)
        files = write(runs, where, formats or ("html", "markdown"))
    if as_json:
        print_json(to_json(runs))
    else:
        measure.show(runs)
        typer.echo(f"Report: {files[0]}")
    measure.require_an_answer(runs)


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
        from . import measure

        cases = find_cases(runs[0] / "cases.jsonl")
        with measure.corpus_of(cases, index, articles) as (_, corpus):
            measure.show([score_run(folder, corpus) for folder in runs])


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
        print_json(to_json(loaded))
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
        from . import measure

        runs = load_run(first), load_run(second)
        found = comparing.compare(*runs)
        referee = measure.judge_at(judge) if judge else None
        for model in {record.response.model for run in runs for record in run.records}:
            if referee:
                referee.require_apart(model)
        preferred = comparing.preference(*runs, referee) if referee else None
    if as_json:
        print_json(found.to_dict() | {"preference": preferred and asdict(preferred)})
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
        from . import measure

        if judge is None:
            raise InputError("calibrate needs the judge to measure: give --judge MODEL@URL.")
        drawn = load_claims(claims, limit)
        with measure.progress("Judging", len(drawn)) as step:
            found = calibrating(drawn, measure.judge_at(judge, swap=swap, repeats=repeat), step)
    if as_json:
        print_json(found.to_dict())
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
    with _extra(), opened_desk(index) as desk:
        from ..evals.case import save_cases
        from ..evals.generate import generate as generating
        from . import measure

        if to.is_dir():
            raise InputError(f"{to} is a folder: name the file to write the cases to.")
        with measure.progress("Making cases", number) as step:
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
        print_json(counts | {"file": str(to)})
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
        from . import measure

        if Path(what[0]).is_dir():
            measure.review_answers([Path(one) for one in what], by, verdicts, limit)
        else:
            measure.review_cases(what[0], by, verdicts, to, index)


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
        from . import measure

        with measure.corpus_of(find_cases("sample"), None, None) as (_, corpus):
            table = auditing.audit(load_cases("sample"), corpus)
    fooled = auditing.fooled(table)
    if as_json:
        plain = {s: {n: asdict(one) for n, one in found.items()} for s, found in table.items()}
        print_json({"table": plain, "fooled": fooled})
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
        print_json({"metrics": rows})
        return
    for family in dict.fromkeys(row["family"] for row in rows):
        typer.echo(f"{family}")
        for row in rows:
            if row["family"] == family:
                typer.echo(f"  {row['name']:24} {row['says']}")


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


def _require_formats(formats: Sequence[str] | None) -> None:
    for name in formats or ():
        if name not in _FORMATS:
            raise InputError(f"There is no format '{name}': use {', '.join(_FORMATS)}.")
