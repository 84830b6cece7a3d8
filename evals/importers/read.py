"""Reads the files of a set, one record at a time, each with its place; `.gz` is unpacked.

for where, record in records(Path("queries.jsonl.gz")): ...
"""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import InputError

Record = dict[str, Any]
Entry = tuple[str, Any]
"where it stands, and a record, an InputError or whatever else the file holds there"


def matching(folder: Path, *names: str) -> list[Path]:
    """The files of a folder with such names, packed or not; `*` stands for anything."""
    return sorted({f for name in names for end in ("", ".gz") for f in folder.glob(name + end)})


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            yield opened  # type: ignore[misc]
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}") from None


def records(file: Path) -> Iterator[Entry]:
    """The records of a CSV, TSV, JSON or JSON Lines file; the latter may be called .json, too."""
    kind = file.name.lower().removesuffix(".gz").rpartition(".")[2]
    with _opened(file) as opened:
        whole = _parsed(opened.read()) if kind == "json" else None
        if kind in ("csv", "tsv"):
            yield from _rows(opened, file.name, "\t" if kind == "tsv" else ",")
        elif isinstance(whole, list | dict):
            for number, record in enumerate(whole if isinstance(whole, list) else [whole], 1):
                yield f"{file.name}, record {number}", record
        else:
            opened.seek(0)
            numbered = enumerate(opened, 1)
            yield from ((f"{file.name}, line {n}", _parsed(s)) for n, s in numbered if s.strip())


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return InputError(f"not JSON in UTF-8: {error}")


def _rows(opened: BinaryIO, name: str, delimiter: str) -> Iterator[Entry]:
    """The rows under the names of the first one; empty cells are left away."""
    csv.field_size_limit(max(csv.field_size_limit(), 1 << 24))
    with io.TextIOWrapper(opened, "utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines, delimiter=delimiter, strict=True)
        for row in rows:
            found: Any = {key: value for key, value in row.items() if value and key}
            if None in row or None in row.values():
                found = InputError("not as many values as the first row: quote commas and quotes")
            yield f"{name}, line {rows.line_num}", found


def corpus(file: Path) -> Iterator[Entry]:
    """`corpus.jsonl`."""
    for beside in matching(file.parent, "corpus.jsonl"):
        yield from records(beside)


def text_files(file: Path) -> Iterator[Entry]:
    """`*.txt`, each an article that is called by its file's name."""
    for beside in matching(file.parent, "*.txt"):
        with _opened(beside) as opened:
            yield beside.name, {"id": beside.name, "text": opened.read().decode("utf-8-sig")}


def squad_questions(file: Path) -> Iterator[Entry]:
    """The records of a file, and the questions of SQuAD's own nested file as such records."""
    for where, record in records(file):
        if not isinstance(record, dict) or "data" not in record:
            yield where, record
    for name, _, questions in _paragraphs(file):
        for one in questions:
            is_possible = not one.pop("is_impossible", False)
            one |= {"answerable": is_possible, "relevant": [name] if is_possible else []}
            yield f"{file.name}, question {one.get('id')}", one


def squad_paragraphs(file: Path) -> Iterator[Entry]:
    """`corpus.jsonl`, and the paragraphs of the nested file."""
    yield from corpus(file)
    for name, text, _ in _paragraphs(file):
        title = name.rpartition("#")[0].replace("_", " ")
        yield f"{file.name}, paragraph {name}", {"id": name, "title": title, "text": text}


def _paragraphs(file: Path) -> Iterator[tuple[str, str, list[Record]]]:
    """Name, text and questions of each paragraph of a nested file."""
    try:
        wholes = [whole for _, whole in records(file) if isinstance(whole, dict)]
        articles = [article for whole in wholes for article in whole.get("data", ())]
        for article in articles:
            for number, part in enumerate(article["paragraphs"], 1):
                asked = [q | {"answers": [a["text"] for a in q["answers"]]} for q in part["qas"]]
                yield f"{article['title']}#{number}", part["context"], asked
    except (KeyError, TypeError):
        raise InputError(f"{file} is not nested as SQuAD is: data, paragraphs, qas") from None


def beir_queries(file: Path) -> Iterator[Entry]:
    """The queries of BEIR that have a judgement above 0, with `qrels` and `split`."""
    judged: dict[str, dict[str, str]] = {}
    for judgements in matching(file.parent / "qrels", "*.tsv"):
        for where, row in records(judgements):
            try:
                if float(row["score"]) > 0:
                    split = judgements.name.partition(".")[0]
                    judged.setdefault(row["query-id"], {}).setdefault(row["corpus-id"], split)
            except (KeyError, TypeError, ValueError):
                raise InputError(f"qrels/{where}: no query-id, corpus-id and score") from None
    for where, record in records(file):
        found = judged.get(str(record.get("_id"))) if isinstance(record, dict) else None
        if found:
            record |= {"qrels": [*found], "split": next(iter(found.values()))}
        elif isinstance(record, dict):
            where, record = file.name, InputError("a query without a judgement in qrels above 0")
        yield where, record
