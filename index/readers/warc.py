"""Finds the web pages of WARC files, of which CC-NEWS is made, record by record.

with open("CC-NEWS-20260204.warc.gz", "rb") as file:
    for page in pages(file, max_bytes=5_000_000): ...
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from ..article import Article, isoformat
from ..dates import parse_moment
from .html import of_site, read_html

_ENVELOPE = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http\r\n"
_HTML = ("text/html", "application/xhtml+xml")
_OUTERMOST = 2  # raw bytes of a record for each byte that a page may have


@dataclass(frozen=True, slots=True)
class Page:
    """A captured web page, decoded from its transfer and content encodings."""

    number: int
    "of its record in the file, counted from 1"
    url: str
    seen: str | None
    "when it was captured, ISO 8601; no date of publication"
    charset: str | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class NoPage:
    """A record that is none; `reason` is None where that is no failure."""

    number: int
    kind: str
    "request, revisit, warcinfo, status 404, image/png ..."
    reason: str | None = None


def pages(file: BinaryIO, max_bytes: int) -> Iterator[Page | NoPage]:
    """The records of a WARC file, compressed or not; one at a time is in memory.

    Where a record's head cannot be read, what follows is lost, and the last one says so.
    """
    from fastwarc.warc import ArchiveIterator  # adding other files should not wait for it

    number = 0
    try:
        for record in ArchiveIterator(file, parse_http=False):
            number += 1
            yield _page(record, number, max_bytes)
    except OSError as error:
        reason = f"it is no WARC record, and what follows it is not read: {_told(error)}"
        yield NoPage(number + 1, "damaged", reason)


def read_page(page: Page, fallback_id: str) -> Article:
    """The article of a captured page. InputError: as `read_html`."""
    article = of_site(read_html(page.raw, fallback_id, charset=page.charset), page.url)
    seen = {"seen": page.seen} if page.seen else {}
    return replace(article, extra={**article.extra, **seen})


def _page(record: Any, number: int, max_bytes: int) -> Page | NoPage:
    kind = str(record.record_type).rsplit(".")[-1]
    if kind not in ("response", "resource"):
        return NoPage(number, kind)
    if record.content_length > _OUTERMOST * max_bytes:
        return NoPage(number, kind, f"the record is longer than {_OUTERMOST * max_bytes:,} bytes")
    url = (record.headers.get("WARC-Target-URI") or "").strip("<>")
    seen = isoformat(parse_moment(record.headers.get("WARC-Date") or ""))
    raw = record.reader.read(record.content_length)
    if record.headers.get("Content-Length") is None or len(raw) < record.content_length:
        return NoPage(number, kind, "the record is cut short: the file ends within it")
    try:
        status, media_type, charset, body = _decoded(record, raw, max_bytes)
    except OSError as error:
        return NoPage(number, kind, f"its payload cannot be decoded: {_told(error)}")
    if status != 200:
        return NoPage(number, f"status {status}")
    if media_type not in _HTML:
        return NoPage(number, media_type or "unknown type")
    if len(body) > max_bytes:
        reason = f"the page is longer than {max_bytes:,} bytes: raise max_article_bytes to read it"
        return NoPage(number, kind, reason)
    if not url.startswith(("https://", "http://")):
        return NoPage(number, kind, "the record names no web address")
    return Page(number, url, seen, charset, body)


def _decoded(
    record: Any, raw: bytes, max_bytes: int
) -> tuple[int | None, str | None, str | None, bytes]:
    """Status, media type, charset and at most `max_bytes` + 1 bytes of the page.

    The payload is decoded apart from the file, so that a broken one does not end the reading.
    Some crawlers take chunks apart and leave the header that announces them.
    """
    if not record.is_http:
        stated = record.headers.get("Content-Type") or ""
        return 200, _media_type(stated), None, raw
    from fastwarc.warc import WarcRecord

    failed = OSError("no HTTP response")
    for encodings in ("all", "content"):
        alone = WarcRecord.from_bytes(_ENVELOPE + b"Content-Length: %d\r\n\r\n%b" % (len(raw), raw))
        try:
            alone.parse_http(auto_decode=encodings)
            if alone.http_headers is None:
                break
            status, charset = alone.http_headers.status_code, alone.http_charset
            body = alone.reader.read(max_bytes + 1)
            return status, _media_type(alone.http_content_type), charset, body
        except OSError as error:
            failed = error
    raise failed


def _media_type(stated: str | None) -> str | None:
    return (stated or "").partition(";")[0].strip().lower() or None


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
