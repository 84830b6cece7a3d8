"""Finds the articles that paths hold: files, folders, lines of JSONL, mails, records of WARC.

for entry in read(["articles/"], max_article_bytes=5_000_000):
    article = entry.load() if isinstance(entry, Entry) else None

>>> list(read(["no-such-folder"], max_article_bytes=1000))
[Failure(path='no-such-folder', line=None, reason='it does not exist')]
"""

import errno
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import InputError
from .article import Article
from .readers.html import read_html
from .readers.markdown import read_markdown
from .readers.mbox import messages, read_message
from .readers.parts import Part, json_parts, xml_parts
from .readers.records import checked_header, read_csv, read_json
from .readers.text import read_text
from .readers.warc import NoPage, pages, read_page
from .storage import is_stored, listed, local, opened

if TYPE_CHECKING:
    from .archive.writes import Accession

_READERS: dict[str, Callable[[bytes, str], Article]] = {
    ".txt": read_text,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".eml": read_message,
}
_CUT: dict[str, Callable[[bytes], list[Part]]] = {
    ".xml": xml_parts,
    ".nitf": xml_parts,
    ".json": json_parts,
}
_WARC = (".warc", ".warc.gz")
_KNOWN = (*_READERS, *_CUT, ".jsonl", ".ndjson", ".csv", ".mbox", *_WARC)
_LISTED = ", ".join(_KNOWN)
_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html)\b", re.I)


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that cannot be read, and why."""

    path: str
    line: int | None
    "where a line, row or record of the file is meant, counted from 1"
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An article that was found and not yet parsed."""

    path: str
    line: int | None
    fingerprint: bytes
    "16 bytes; the same for a source that has changed neither its bytes nor its place"
    load: Callable[[], Article]
    "raises InputError: one line that says what is wrong, without path and line"
    made: "Accession | None" = None
    "what another process has made of it already"


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Records of a file that are no articles and no failures, such as requests and pictures."""

    path: str
    kinds: Mapping[str, int]


Found = Entry | Failure | PassedOver


@dataclass(frozen=True, slots=True)
class File:
    """A file that was found and not yet opened."""

    at: Path | str
    "its resolved path, or its address in object storage"
    shown: str
    id: str
    "what an article in it is called that says neither an id nor an address"
    size: int = 0
    "bytes, when it was found"


def read(paths: Iterable[Path | str | Found], *, max_article_bytes: int) -> Iterator[Found]:
    """The articles of files and folders in order of name; each file is read once.

    What was found elsewhere, on the web for instance, is passed on.

    In folders, hidden files and files of other kinds are passed over. Nothing is parsed before
    `Entry.load` is called, save XML and JSON, which say only inside what they are; of a file of
    records one record at a time is in memory.
    """
    for found in files(paths):
        if isinstance(found, File):
            yield from entries(found, max_article_bytes)
        else:
            yield found


def files(paths: Iterable[Path | str | Found]) -> Iterator[File | Found]:
    """The files at or below paths and addresses in object storage, each once, in order of name."""
    seen: set[Path] = set()
    for path in paths:
        if not isinstance(path, Path | str):
            yield path
        elif is_stored(path):
            yield from _stored(str(path))
        else:
            yield from _files(local(path), seen)


def read_upload(path: Path, *, max_article_bytes: int, name: str = "") -> Iterator[Entry | Failure]:
    """The articles of a file that lies here only for now: it is called `upload:NAME`.

    So a file of that name that is given again, changed, is a new version of the same articles.
    """
    name = _shown(Path(name or path.name))
    if _suffix(path) not in _KNOWN:
        yield Failure(name, None, f"unknown kind of file; known are {_LISTED}")
    else:
        for found in entries(File(path, name, f"upload:{name}"), max_article_bytes):
            if not isinstance(found, PassedOver):
                yield found


def estimate(paths: Iterable[Path | str]) -> int:
    """About how many articles the paths hold: a file is one, a file of records has its lines.

    Object storage is left out: there only reading would tell.
    """
    total = 0
    for found in files(path for path in paths if not is_stored(path)):
        if not isinstance(found, File):
            continue
        suffix = _suffix(Path(found.shown))
        if suffix in (*_READERS, *_CUT, *_WARC):
            total += 1
            continue
        mark = b"\nFrom " if suffix == ".mbox" else b"\n"
        with suppress(OSError), open(found.at, "rb") as file:
            total += sum(piece.count(mark) for piece in iter(partial(file.read, 1 << 20), b""))
    return total


def _stored(url: str) -> Iterator[File | Failure]:
    try:
        found = listed(url)
    except InputError as error:
        yield Failure(url, None, str(error))
        return
    known = [(name, size) for name, size in found if _suffix(Path(name)) in _KNOWN]
    for name, size in known:
        yield File(name, name, name, size)
    if not known:
        yield Failure(url, None, f"there is no file that ends in {_LISTED}")


def _files(given: Path, seen: set[Path]) -> Iterator[File | Failure]:
    """The files at or below a path, and what cannot be entered."""
    left, is_empty = [given], True
    while left:
        path = left.pop()
        try:
            resolved = path.resolve(strict=True)
            known = _suffix(path) in _KNOWN
            is_empty = is_empty and not known
            if resolved in seen:
                continue
            seen.add(resolved)
            if resolved.is_dir() and not known:
                left += sorted((p for p in path.iterdir() if p.name[:1] != "."), reverse=True)
            elif known and resolved.is_file():
                yield File(resolved, _shown(path), _shown(resolved), resolved.stat().st_size)
            elif known:
                yield Failure(_shown(path), None, "it has the name of a file and is none")
            elif path is given:
                yield Failure(_shown(path), None, f"unknown kind of file; known are {_LISTED}")
        except (OSError, ValueError, RuntimeError) as error:
            yield Failure(_shown(path), None, _reason(error))
            is_empty = False
    if is_empty and given.is_dir():
        yield Failure(_shown(given), None, f"the folder holds no file that ends in {_LISTED}")


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return next((known for known in _WARC if name.endswith(known)), path.suffix.lower())


def entries(found: File, limit: int) -> Iterator[Found]:
    """The articles of a file, none of more than `limit` bytes; the file is read once."""
    shown, fallback_id = found.shown, found.id
    suffix = _suffix(Path(shown))
    try:
        with found.at.open("rb") if isinstance(found.at, Path) else opened(found.at) as file:
            if not file.peek(1):
                yield Failure(shown, None, "the file is empty")
            elif suffix in _WARC:
                yield from _captures(file, shown, limit)
            elif suffix not in (*_READERS, *_CUT):
                cut = _mails if suffix == ".mbox" else partial(_records, is_csv=suffix == ".csv")
                records = cut(file, shown, fallback_id, limit)
                yield next(records, Failure(shown, None, "the file holds no records"))
                yield from records
            elif len(raw := file.read(limit + 1)) > limit:
                yield Failure(shown, None, _too_long("file", limit))
            elif suffix in _CUT:
                yield from _parts(_CUT[suffix], raw, shown, fallback_id)
            else:
                fingerprint = _fingerprint(fallback_id.encode(), raw)
                yield Entry(shown, None, fingerprint, partial(_READERS[suffix], raw, fallback_id))
    except OSError as error:
        yield Failure(shown, None, _reason(error))


def _parts(
    cut: Callable[[bytes], list[Part]], raw: bytes, shown: str, fallback_id: str
) -> Iterator[Entry | Failure]:
    """The only article of a file is called by its path, each of several also by its content."""
    try:
        parts = cut(raw)
    except InputError as error:
        yield Failure(shown, None, str(error))
        return
    for number, (content, load) in enumerate(parts, 1):
        alone = len(parts) == 1
        digest = blake2b(content, digest_size=6).hexdigest()
        part_id = fallback_id if alone else f"{fallback_id}#{digest}"
        fingerprint = _fingerprint(part_id.encode(), content)
        yield Entry(shown, None if alone else number, fingerprint, partial(load, part_id))


def _captures(file: BinaryIO, shown: str, limit: int) -> Iterator[Found]:
    """A captured page is called by its address, wherever the file lies."""
    passed = Counter[str]()
    for page in pages(file, limit):
        if not isinstance(page, NoPage):
            fingerprint = _fingerprint(page.url.encode("utf-8", "replace"), page.raw)
            yield Entry(shown, page.number, fingerprint, partial(read_page, page, page.url))
        elif page.reason:
            yield Failure(shown, page.number, page.reason)
        else:
            passed[page.kind] += 1
    if passed:
        yield PassedOver(shown, passed)


def _mails(file: BinaryIO, shown: str, fallback_id: str, limit: int) -> Iterator[Found]:
    """A mail without an id is called by its content, as a record is."""
    try:
        for number, raw in messages(file, limit):
            if raw is None:
                yield Failure(shown, number, _too_long("message", limit))
            else:
                mail_id = f"{fallback_id}#{blake2b(raw.strip(), digest_size=6).hexdigest()}"
                fingerprint = _fingerprint(mail_id.encode(), raw.strip())
                yield Entry(shown, number, fingerprint, partial(read_message, raw, mail_id))
    except InputError as error:
        yield Failure(shown, None, str(error))


def _records(
    file: BinaryIO, shown: str, fallback_id: str, limit: int, is_csv: bool = False
) -> Iterator[Entry | Failure]:
    """A record without an id is called by its content: lines move, and none may take another's."""
    header = b""
    for number, raw in _bounded(file, limit, quoted=is_csv):
        if raw is None:
            yield Failure(shown, number, _too_long("row" if is_csv else "line", limit))
        elif not raw.strip():
            continue
        elif not is_csv or header:
            record_id = f"{fallback_id}#{blake2b(raw.strip(), digest_size=6).hexdigest()}"
            reader = partial(read_csv, header=header) if is_csv else read_json
            fingerprint = _fingerprint(record_id.encode(), header, raw)
            yield Entry(shown, number, fingerprint, partial(reader, raw, record_id))
        else:
            try:
                header = checked_header(raw)
            except InputError as error:
                yield Failure(shown, number, str(error))
                return


def _bounded(file: BinaryIO, limit: int, *, quoted: bool) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number, None for one of more than `limit` bytes, which is passed over.

    `quoted`: a line break between quotation marks does not end a line, as in CSV.
    """
    number = start = 1
    size = quotes = 0
    pieces: list[bytes] = []
    while piece := file.readline(limit + 1):
        size += len(piece)
        if size > limit:
            pieces.clear()
        else:
            pieces.append(piece)
        quotes += quoted and piece.count(b'"')
        if piece.endswith(b"\n"):
            number += 1
            if quotes % 2 == 0:
                yield start, b"".join(pieces) if size <= limit else None
                start, size, quotes, pieces = number, 0, 0, []
    if size:
        yield start, b"".join(pieces) if size <= limit else None


def _fingerprint(*parts: bytes) -> bytes:
    return blake2b(b"\0".join(parts), digest_size=16).digest()


def _shown(path: Path) -> str:
    """The path as text that can be stored, also where its name is not valid UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _too_long(what: str, limit: int) -> str:
    return f"the {what} is longer than {limit:,} bytes: cut it, or raise max_article_bytes"


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "it does not exist"
    if isinstance(error, PermissionError):
        return "there is no permission to read it"
    if isinstance(error, RuntimeError) or getattr(error, "errno", None) == errno.ELOOP:
        return "its symbolic links lead in a circle"
    return f"it cannot be read: {getattr(error, 'strerror', None) or error}"


def read_stream(file: BufferedReader, *, max_article_bytes: int) -> Iterator[Entry | Failure]:
    """The articles of standard input: JSON Lines where it begins with `{`, else one text or page.

    An article that says neither an id nor an address is called by its content.
    """
    shown = "standard input"
    if file.peek(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        yield from _records(file, shown, "-", max_article_bytes)
        return
    raw = file.read(max_article_bytes + 1)
    if not raw.strip():
        yield Failure(shown, None, "it is empty")
    elif len(raw) > max_article_bytes:
        yield Failure(shown, None, _too_long("text", max_article_bytes))
    else:
        reader = read_html if _PAGE.match(raw) else read_text
        name = f"-#{blake2b(raw.strip(), digest_size=6).hexdigest()}"
        yield Entry(shown, None, _fingerprint(b"-", raw), partial(reader, raw, name))
