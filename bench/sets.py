"""The sets that are measured on: cases, and a desk that holds their articles.

    with opened("time", DATA) as desk:
        for case in cases("time", DATA): ...

`sample` comes with Byline; the others lie in a data folder that is not part of it.
"""

import gzip
import json
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from byline import Desk
from byline.evals.case import Case, load_cases
from byline.evals.importers import import_cases
from byline.settings import Settings
from byline.tests.servers import postgres
from vectors import Remembering

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
SAMPLE = ROOT / "index" / "sample"
_CACHE = ROOT / "bench" / "cache" / "vectors.db"


def parser(docstring: str | None) -> ArgumentParser:
    """A command line with --data; its help is the script's docstring."""
    found = ArgumentParser(description=(docstring or "").splitlines()[0], epilog=docstring)
    found.add_argument(
        "--data", type=Path, default=DATA, help="folder with the sets (default: %(default)s)"
    )
    return found


@contextmanager
def archive_at(given: str | None) -> Iterator[str | None]:
    """The address of a database; `private` starts a PostgreSQL for as long as it is measured."""
    with postgres() if given == "private" else nullcontext(given) as url:
        yield url


def available(names: Iterable[str], data: Path) -> list[str]:
    """Those of the sets that are there, else the bundled sample."""
    return [name for name in names if (data / name).is_dir()] or ["sample"]


def cases(name: str, data: Path) -> list[Case]:
    """The questions of a set, in the order of its file; all as if asked today."""
    if name == "sample":
        return load_cases(name)
    shape = name.removesuffix("_dev")
    return [replace(case, as_of=None) for case in import_cases(shape, data / name).cases]


def records(name: str, data: Path, limit: int | None = None) -> list[dict[str, Any]]:
    """The (first `limit`) articles of a set as its own records."""
    return _lines(data / name / "corpus.jsonl.gz")[:limit]


@contextmanager
def new_desk(
    home: Path, embedder: object = None, *, index: str = "bench", archive: str | None = None
) -> Iterator[Desk]:
    """A desk with an empty index below `home`, whatever the user's settings are."""
    settings = Settings(home=home, index=index, archive=archive, store=None)  # type: ignore[arg-type]
    with Desk(settings=settings, embedder=embedder) as desk:  # type: ignore[arg-type]
        yield desk


@contextmanager
def opened(
    name: str,
    data: Path,
    articles: Sequence[dict[str, Any]] | None = None,
    *,
    archive: str | None = None,
) -> Iterator[Desk]:
    """A desk with a set's articles, or with these instead, read by Byline's own readers.

    Vectors come from the cache; what is not in it is embedded and remembered.
    """
    with (
        tempfile.TemporaryDirectory(prefix="byline-bench-") as folder,
        new_desk(
            Path(folder),
            Remembering(_CACHE),
            index=f"bench-{Path(folder).name}",
            archive=archive,
        ) as desk,
    ):
        if articles is None and (data / name / "corpus.jsonl.gz").exists():
            articles = records(name, data)
        if articles is not None:
            source = written(articles, Path(folder) / f"{name}.jsonl")
        elif name == "sample":
            source = SAMPLE
        else:
            source = data / name
        report = desk.add(source)
        for failure in report.failed:
            if not failure.path.endswith("questions.jsonl"):
                print(f"Not read: {failure.path}, line {failure.line}: {failure.reason}")
        yield desk


def written(articles: Sequence[dict[str, Any]], path: Path) -> Path:
    """The records as a JSONL file."""
    path.write_text("".join(f"{json.dumps(article)}\n" for article in articles))
    return path


def relevant(case: Case, ids: Iterable[str]) -> set[str]:
    """Those of the ids that the case means."""
    return {article_id for article_id in ids if case.is_relevant(article_id)}


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def _lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return [json.loads(line) for line in file if line.strip()]
