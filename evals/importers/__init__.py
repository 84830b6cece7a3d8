"""Reads cases and articles from the files that benchmarks, tools and readers' feedback come in.

    imported = import_cases("squad2", "dev-v2.0.json")
    write(imported, Path("squad2"))

An importer is a field map (shapes.py) over the records of files (read.py).
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...errors import InputError
from ...index.readers.records import to_article
from ..case import Case, case_of, save_cases, to_record
from ..corpus import Corpus
from .read import Entry, Record, matching
from .shapes import IMPORTERS, Importer, identity, passage_id, passages

__all__ = ["IMPORTERS", "Imported", "import_cases", "write"]

_ARTICLE = ("title", "text", "date", "source", "url", "authors", "author", "category")
_Make = Callable[[Record], tuple[str, Any]]
_LeftOut = Counter[tuple[str, str]]
"by where and why; what every record may share is placed in its file, not at a line"


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file came to."""

    cases: list[Case]
    articles: Iterator[Record]
    "records that `byline add` reads; they are read from the file as they are taken"
    left_out: list[tuple[str, str]]
    "where it stands, and why it was left out"


def import_cases(shape: str, path: Path | str) -> Imported:
    """The cases and articles of a file or folder of one of the shapes in IMPORTERS.

    What a record says that a case cannot hold, evidence that does not stand in its articles word
    for word, and records that are none are left out and listed. InputError: there is no such
    shape, the path cannot be read, or not one case is left.
    """
    if shape not in IMPORTERS:
        raise InputError(f"There is no shape '{shape}': known are {', '.join(IMPORTERS)}.")
    importer, left_out = IMPORTERS[shape], _LeftOut()
    file = _questions(shape, Path(path))
    keys = {k for given, _ in importer.fields().values() for k in (*given, *importer.passages)}
    made = _taken(importer.read(file), partial(_case, shape), keys, file.name, left_out)
    cases = _checked([*made], _articles(importer, file, left_out), left_out)
    listed = [(at, f"{why} ({n:,} times)" if n > 1 else why) for (at, why), n in left_out.items()]
    if not cases:
        where, why = listed[0] if listed else (file.name, "it is empty")
        raise InputError(f"{file} holds no case of shape {shape}: {where}: {why}")
    return Imported(cases, _articles(importer, file, _LeftOut()), listed)


def _questions(shape: str, path: Path) -> Path:
    """The file with the questions: the path, or the one file of the folder that may be it."""
    named = matching(path, "queries.jsonl", "questions.jsonl")
    other = matching(path, "*.json", "*.jsonl", "*.csv")
    found = [path] if path.is_file() else named or other
    if len(found) == 1:
        return found[0]
    there = ", ".join(file.name for file in found) or ("none" if path.exists() else "no such path")
    raise InputError(f"{path}: give the one file with the questions of {shape} (there: {there}).")


def _taken(
    entries: Iterable[Entry], make: _Make, keys: set[str], file_name: str, left_out: _LeftOut
) -> Iterator[tuple[str, Any]]:
    """What is made of each record, with where it stands; `make` gives its id, too."""
    places: dict[str, str] = {}
    for where, record in entries:
        try:
            if not isinstance(record, dict):
                is_error = isinstance(record, InputError)
                raise record if is_error else InputError(f"not a JSON object but {record!r:.60}")
            name, made = make(record)
            if name in places:
                raise InputError(f"id '{name}' stands at {places[name]} already")
        except InputError as error:
            left_out[where, str(error)] += 1
            continue
        places[name] = where
        for key, value in record.items():
            if key not in keys and value not in (None, "", [], {}):
                left_out[file_name, f"key '{key}' is not taken"] += 1
        yield where, made


def _case(shape: str, record: Record) -> tuple[str, Case]:
    found: Record = {}
    for name, (keys, convert) in IMPORTERS[shape].fields().items():
        value = next((record[key] for key in keys if record.get(key) is not None), None)
        if value is not None:
            found[name] = convert(value) if convert else value
    found |= IMPORTERS[shape].more(record)
    if "id" not in found:  # the same record has the same id each time
        plain = json.dumps(record, sort_keys=True, default=str).encode()
        found["id"] = f"{shape}-{blake2b(plain, digest_size=6).hexdigest()}"
    case = case_of(found)
    try:
        json.dumps(to_record(case), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InputError("it holds half a character: save it as UTF-8") from None
    return case.id, case


def _articles(importer: Importer, file: Path, left_out: _LeftOut) -> Iterator[Record]:
    entries = importer.articles(file) if importer.articles else passages(file, importer.passages)
    keys = {"id", "_id", *_ARTICLE}
    return (made for _, made in _taken(entries, _article, keys, "articles", left_out))


def _article(record: Record) -> tuple[str, Record]:
    text, given = record.get("text"), record.get("id" if record.get("id") is not None else "_id")
    if not isinstance(text, str) or not text.strip():
        raise InputError("the article has no text")
    name = passage_id(text) if given is None else identity(given)
    return name, {"id": name} | {k: record[k] for k in _ARTICLE if record.get(k) is not None}


def _checked(found: list[Any], articles: Iterable[Record], left_out: _LeftOut) -> list[Case]:
    """The cases whose articles are there, with evidence that stands in them."""
    has_evidence = any(case.evidence for _, case in found)
    ids, at_hand = set[str](), []
    for record in articles:
        ids |= {record["id"], record["id"].rpartition("/")[2]}
        try:
            # As Byline stores it, for that is where metrics look for evidence.
            at_hand += [to_article(record, record["id"])] if has_evidence else []
        except InputError as error:
            left_out["articles", f"'{record['id']}': {error}"] += 1
    corpus, kept = Corpus(at_hand), []
    for where, case in found:
        if not ids and (case.relevant or case.evidence):
            left_out["articles", "none to check relevant and evidence of a case against"] += 1
        relevant = tuple(name for name in case.relevant if name in ids or not ids)
        for name in [name for name in case.relevant if name not in relevant]:
            left_out[where, f"relevant: article '{name}' is not there"] += 1
        if case.relevant and not relevant:
            left_out[where, f"case '{case.id}': none of its articles is there"] += 1
            continue
        evidence = tuple(s for s in case.evidence if not ids or corpus.spans(s, relevant))
        for said in [said for said in case.evidence if said not in evidence]:
            left_out[where, f"evidence: not word for word in its articles: {said:.60}"] += 1
        kept.append(replace(case, relevant=relevant, evidence=evidence))
    return kept


def write(imported: Imported, folder: Path) -> int:
    """Write cases.jsonl and, of articles, articles.jsonl, whole or not at all; counts articles.

    Without articles, that of an earlier import is removed. InputError: it cannot be written.
    """
    articles = folder / "articles.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder) as temporary:
            file = Path(temporary, articles.name)
            with file.open("w", encoding="utf-8") as lines:
                count = sum(lines.write(json.dumps(a) + "\n") > 0 for a in imported.articles)
            save_cases(imported.cases, folder / "cases.jsonl")
            file.replace(articles)
        if not count:
            articles.unlink()
    except OSError as error:
        raise InputError(f"{folder} cannot be written to: {error.strerror or error}") from None
    return count
