"""What is taken from WARC files."""

import gzip
import io
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from byline.index.read import Entry, Failure, PassedOver, read
from byline.index.readers.warc import NoPage, Page, pages, read_page

STORY = "The harbour ferry burned for two hours on Monday evening, and nobody on board was hurt."
PAGE = f"<html><head><title>Ferry burns</title></head><body><p>{STORY}</p></body></html>".encode()
URL = "https://tern.example/ferry"


def record(
    payload: bytes = PAGE,
    *,
    kind: str = "response",
    url: str = URL,
    status: str = "200 OK",
    media_type: str = "text/html; charset=utf-8",
    headers: str = "",
) -> bytes:
    http = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\n{headers}\r\n".encode() + payload
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\n"
        "WARC-Date: 2026-03-05T10:00:00Z\r\nContent-Type: application/http; msgtype=response\r\n"
        f"Content-Length: {len(http)}\r\n\r\n"
    )
    return head.encode() + http + b"\r\n\r\n"


def found(raw: bytes, limit: int = 100_000) -> list[Page | NoPage]:
    return list(pages(io.BytesIO(raw), limit))


def test_a_page_keeps_its_address_and_when_it_was_seen_which_is_no_publication() -> None:
    (page,) = found(record())
    assert isinstance(page, Page)
    article = read_page(page, page.url)
    assert (article.id, article.url, article.text) == (URL, URL, STORY)
    assert article.extra["seen"] == "2026-03-05T10:00:00+00:00"
    assert article.published is None


@pytest.mark.parametrize(
    ("encode", "headers"),
    [
        (gzip.compress, "Content-Encoding: gzip\r\n"),
        (zlib.compress, "Content-Encoding: deflate\r\n"),
        (lambda raw: b"%x\r\n%b\r\n0\r\n\r\n" % (len(raw), raw), "Transfer-Encoding: chunked\r\n"),
        (lambda raw: raw, "Transfer-Encoding: chunked\r\n"),
    ],
)
def test_payloads_are_decoded(encode: Callable[[bytes], bytes], headers: str) -> None:
    (page,) = found(record(encode(PAGE), headers=headers))
    assert isinstance(page, Page)
    assert page.raw == PAGE


def test_the_servers_charset_is_believed() -> None:
    raw = PAGE.replace(b"harbour", b"caf\xe9")
    (page,) = found(record(raw, media_type="text/html; charset=iso-8859-1"))
    assert isinstance(page, Page)
    assert "café ferry" in read_page(page, "a").text


@pytest.mark.parametrize(
    ("canonical", "expected"),
    [
        ("https://www.tern.example/a", "https://www.tern.example/a"),
        ("https://ledger.example/a", URL),
        ("https://tern.example.evil.example/a", URL),
        ("https://[ledger/a", URL),
    ],
)
def test_a_page_speaks_for_its_own_site_only(canonical: str, expected: str) -> None:
    link = f'<link rel="canonical" href="{canonical}"></head>'.encode()
    (page,) = found(record(PAGE.replace(b"</head>", link)))
    assert isinstance(page, Page)
    article = read_page(page, page.url)
    assert article.id == article.url == expected
    (broken,) = found(record(PAGE.replace(b"</head>", link), url="https://[tern/ferry"))
    assert isinstance(broken, Page)
    assert read_page(broken, broken.url).id == "https://[tern/ferry"


def test_what_is_no_page_is_counted_and_no_failure(tmp_path: Path) -> None:
    path = tmp_path / "crawl.warc.gz"
    records = [
        record(kind="request"),
        record(kind="revisit"),
        record(status="404 Not Found"),
        record(media_type="image/png"),
        record(),
    ]
    path.write_bytes(b"".join(map(gzip.compress, records)))
    entry, passed = read([path], max_article_bytes=100_000)
    assert isinstance(entry, Entry)
    assert entry.line == 5
    assert isinstance(passed, PassedOver)
    assert passed.kinds == Counter({"request": 1, "revisit": 1, "status 404": 1, "image/png": 1})


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (record(b"x" * 40, headers="Content-Encoding: gzip\r\n"), "cannot be decoded"),
        (
            record(gzip.compress(b"x" * 9000, mtime=0), headers="Content-Encoding: gzip\r\n"),
            "longer than",
        ),
        (record(b"x" * 20_000), "longer than 2,000 bytes"),
        (record(url="dns:tern.example"), "names no web address"),
    ],
)
def test_a_bad_record_is_a_failure_and_the_next_is_read(bad: bytes, reason: str) -> None:
    first, second = found(bad + record(), limit=1000)
    assert isinstance(first, NoPage)
    assert reason in (first.reason or "")
    assert isinstance(second, Page)


def test_a_torn_file_keeps_what_was_read_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "torn.warc"
    path.write_bytes(record() + b"WARC?" * 20)
    entry, failure = read([path], max_article_bytes=100_000)
    assert isinstance(entry, Entry)
    assert isinstance(failure, Failure)
    assert failure.line == 2
    assert "no WARC record" in failure.reason


def test_a_capture_is_the_same_wherever_its_file_lies(tmp_path: Path) -> None:
    for name in ("a.warc", "b.warc"):
        (tmp_path / name).write_bytes(record())
    first, second = (e for e in read([tmp_path], max_article_bytes=100_000) if isinstance(e, Entry))
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize("kept", [-60, 120])
def test_a_record_that_the_end_of_the_file_cuts_is_a_failure(kept: int) -> None:
    (cut,) = found(record()[:kept])
    assert isinstance(cut, NoPage)
    assert cut.reason
