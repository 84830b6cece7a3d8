"""Feeds broken files to the readers: nothing but an article or a reason may come of them.

    python bench/fuzz_readers.py --seconds 600

Samples of every format (real ones where the data folder is there) are mutated: bits and slices,
truncation, nesting, huge attributes, entities, encodings, NULs, values of other types. It fails
where anything but InputError is raised, an input takes five seconds, a file or socket is opened
that is none of the input's or Python's own, or an external entity is fetched (a pipe that would
block the reader, and a port on this machine, are offered to it).
"""

import faulthandler
import gzip
import json
import os
import random
import re
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from functools import reduce
from pathlib import Path

from byline.errors import InputError
from byline.index.clean import language
from byline.index.read import Entry, Failure, read
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from sets import markdown, parser

STORY = "TERN BAY, March 5, 2026 (Gazette) — The ferry burned for two hours on Monday evening."
PAGE = f'<html lang="en"><head><title>Ferry burns</title><meta property="article:published_time" \
content="2026-03-05T10:00:00Z"><script type="application/ld+json">{{"@type":"NewsArticle",\
"author":{{"name":"Mara Tenholt"}},"isAccessibleForFree":false}}</script></head><body><article>\
<h1>Ferry burns</h1><p>{STORY}</p><table><tr><td>a</td></tr></table></article></body></html>'
NITF = f'<nitf><head><docdata management-status="usable"><doc-id id-string="f1"/><date.issue \
norm="20260305T100000Z"/><date.release norm="20260306"/><correction info="The age was wrong"/>\
</docdata></head><body><body.head><hedline><hl1>Ferry</hl1></hedline><byline>By Mara Tenholt\
</byline></body.head><body.content><p>{STORY}</p></body.content></body></nitf>'
ITEM = f'<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="u:1"><itemMeta><pubStatus \
qcode="stat:usable"/><embargoed>2026-03-06T10:00:00Z</embargoed><signal qcode="sig:correction"/>\
<edNote>CORRECTION: age</edNote></itemMeta><contentMeta><headline>Ferry</headline></contentMeta>\
<contentSet><inlineXML>{NITF}</inlineXML></contentSet></newsItem>'
NINJS = {"uri": "u:1", "type": "text", "versioncreated": "2026-03-05T10:00:00Z"}
NINJS |= {"pubstatus": "usable", "headlines": [{"value": "Ferry"}], "ednote": "Corrected: age"}
NINJS |= {"bodies": [{"contenttype": "text/html", "value": f"<p>{STORY}</p>"}, {"value": NITF}]}
RECORD = {"id": "1", "title": "Ferry burns", "text": STORY, "date": "2026-03-05", "kind": "news"}


def _capture(page: str) -> bytes:
    http = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{page}".encode()
    head = "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/1\r\nWARC-Date: "
    head += "2026-03-05T10:00:00Z\r\nContent-Type: application/http; msgtype=response\r\n"
    return f"{head}Content-Length: {len(http)}\r\n\r\n".encode() + http + b"\r\n\r\n"


PART = "Content-Type: text/{}; charset=utf-8\nContent-Transfer-Encoding: {}\n\n"
MAIL = f"""From: =?utf-8?q?Mara_Tenholt?= from Gazette <news@gazette.example>
Subject: =?utf-8?b?RmVycnk=?= burns
Date: Thu, 5 Mar 2026 10:00:00 +0100
Message-ID: <m1@gazette.example>
List-Id: Gazette news <news.gazette.example>
Content-Type: multipart/alternative; boundary="b"

--b
{PART.format("plain", "quoted-printable")}{STORY.replace("—", "=E2=80=94")}
--b
{PART.format("html", "8bit")}{PAGE}
--b--
"""
POSTMARK = "From news@gazette.example Thu Mar  5 10:00:00 2026\n"


SAMPLES: dict[str, list[bytes]] = {
    ".txt": [f"Ferry burns\nBy Mara Tenholt\n{STORY}\nCorrection: {STORY}".encode()],
    ".md": [f"---\ntitle: Ferry\ndate: 2026-03-05\n---\n# Ferry\n\n- *{STORY}*\n".encode()],
    ".html": [PAGE.encode()],
    ".xml": [ITEM.encode(), f"<newsMessage><itemSet>{ITEM}{ITEM}</itemSet></newsMessage>".encode()],
    ".nitf": [NITF.encode()],
    ".json": [json.dumps(held).encode() for held in (NINJS, [NINJS, RECORD], RECORD)],
    ".jsonl": [f"{json.dumps(RECORD)}\n{json.dumps(RECORD)}\n".encode()],
    ".csv": [f'title,text,date\nFerry,"{STORY}",2026-03-05\n'.encode()],
    ".eml": [MAIL.encode()],
    ".mbox": [f"{POSTMARK}{MAIL}\n{POSTMARK}{MAIL}".encode()],
    ".warc": [_capture(PAGE) * 2],
    ".warc.gz": [gzip.compress(_capture(PAGE)) * 2],
}
_LONGEST_SAMPLE = 60_000
_HANG_SECONDS, _STUCK_SECONDS = 5, 30
_ROUND = 100  # examples
_DEEP = reduce(lambda held, _: [held], range(400), 1)
_WEIRD = (
    None,
    True,
    -1,
    1e308,
    10**30,
    "",
    "\0",
    "\ud800",
    [],
    {},
    _DEEP,
    {"name": None},
    "9" * 99,
)


_HELD = re.compile(rb'="([^"<>]{0,500})"|>([^<>]{1,2000})<')  # attributes and texts of markup
_SAID = [
    *(b"", b" ", b"9" * 99, b"2026-13-45", b"20260305T100000+0100", b"2999-01-01", b"0000-00-00"),
    *(b"stat:canceled", b"withheld", b"embargoed", b"ninat:text", b"sig:kill", b"KILL: wrong"),
    *(b"Correction: the age", b"text/html", b"application/xhtml+xml", b"base64", b"x" * 100_000),
    *("\u202e\u0301é\U0001f600".encode(), b"&#0;", b"&#xd800;", b"&lt;p&gt;&lt;b", b"://[", b"By "),
]
_SHORT = ']]> <![CDATA[ <!-- & &nbsp; &e8; &x; &y; %p; """ --- \0 \r\n\r\n \ufeff'


def tokens(pipe: str, port: int) -> list[bytes]:
    """Pieces that have broken parsers before."""
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    fetched = f'<!ENTITY x SYSTEM "file://{pipe}"><!ENTITY y SYSTEM "http://127.0.0.1:{port}/">'
    named = [
        f'<!DOCTYPE a [<!ENTITY e0 "ha">{bomb}]>',
        f"<!DOCTYPE a [{fetched}]>",
        f'<!DOCTYPE a SYSTEM "file://{pipe}">',
        f'<xi:include href="file://{pipe}" parse="text"/>',
        f'<?xml-stylesheet href="file://{pipe}"?>',
        f'<link rel="canonical" href="http://127.0.0.1:{port}/"><base href="file://{pipe}">',
        f'<p id="{"a" * 200_000}">',
    ]
    named += [f'<?xml version="1.0" encoding="{e}"?>' for e in ("utf-16", "cp037", "x", "utf-7")]
    named += [
        "Content-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Content-Length: 99999",
    ]
    deep = ("<a>", "[", '{"a":', "> ", "*_", "(", "<p><b>", "<table><tr><td>", "&amp;", "&eacute;")
    texts = [*_SHORT.split(" "), *named, *(piece * 4000 for piece in deep)]
    return [*(text.encode() for text in texts), b"\xff\xfe", b"\xed\xa0\x80", b"\x1f\x8b"]


def mutated(raw: bytes, draw: random.Random, pieces: list[bytes], others: list[bytes]) -> bytes:
    """A sample with one to six changes."""
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(raw) + 1)
        end = min(len(raw), at + draw.choice((1, 4, 40, 400)))
        tag, piece, other = raw.find(b">", at) + 1, draw.choice(pieces), draw.choice(others)
        start, stop = _held(raw, draw) or (at, end)
        kinds = [
            (raw[:at], bytes([draw.randrange(256)]), raw[at + 1 :]),
            (raw[:at],),
            (raw[:at], raw[end:]),
            (raw[:end], raw[at:end] * draw.choice((1, 9, 99)), raw[end:]),
            (raw[:at], piece, raw[at:]),
            (raw[:tag], piece, raw[tag:]),
            (piece, raw),
            (raw[:at], other[draw.randrange(len(other) + 1) :]),
            *[(raw[:start], draw.choice(_SAID), raw[stop:])] * 3,
            (_recoded(raw, draw),),
        ]
        raw = b"".join(draw.choice(kinds))
    return raw[:2_000_000]


def _held(raw: bytes, draw: random.Random) -> tuple[int, int] | None:
    found = list(_HELD.finditer(raw))
    place = draw.choice(found) if found else None
    return place.span(place.lastindex or 0) if place else None


def _recoded(raw: bytes, draw: random.Random) -> bytes:
    with suppress(ValueError, LookupError):
        return raw.decode().encode(draw.choice(("utf-16", "latin-1", "utf-32", "cp037")))
    return raw


def retyped(raw: bytes, draw: random.Random) -> bytes:
    """JSON with one value replaced by one of another type; other bytes as they are."""
    with suppress(ValueError):
        held = json.loads(raw)
        place = held
        while isinstance(place, dict | list) and place:
            key = draw.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if draw.random() < 0.5 or not isinstance(place[key], dict | list):
                place[key] = draw.choice(_WEIRD)
                break
            place = place[key]
        return json.dumps(held).encode()
    return raw


def broken(suffix: str, raw: bytes, draw: random.Random, pieces: list[bytes]) -> bytes:
    """A file that was a good one of this suffix; compressed ones also under their compression."""
    if "json" in suffix and draw.random() < 0.5:
        return retyped(raw, draw)
    if suffix.endswith(".gz") and draw.random() < 0.7:
        with suppress(OSError, EOFError):
            return gzip.compress(mutated(gzip.decompress(raw), draw, pieces, SAMPLES[".warc"]), 1)
    return mutated(raw, draw, pieces, SAMPLES[suffix])


class Watched:
    """Notes every file and address that is opened while `active`."""

    def __init__(self) -> None:
        self.active = False
        self.opened: list[str] = []
        own = {sys.prefix, sys.base_prefix, "/usr/share/zoneinfo", "/dev/null"}
        self._own = tuple(os.path.realpath(path) for path in own)
        sys.addaudithook(self._see)

    def _see(self, event: str, given: tuple[object, ...]) -> None:
        if not self.active:
            return
        if event == "open" and isinstance(given[0], str | bytes):
            path = os.path.realpath(os.fsdecode(given[0]))
            if not path.startswith(self._own):
                self.opened.append(path)
        elif event.startswith(("socket.", "subprocess.", "os.exec", "os.system", "urllib.")):
            self.opened.append(f"{event} {given}"[:200])


def samples(data: Path) -> None:
    """Add the real samples of the data folder."""
    formats = sorted((data / "formats").glob("[iw]*_samples/**/*"))
    pages = sorted((data / "extraction" / "html").glob("*.gz"))[:20]
    for path in formats:
        suffix = next((s for s in SAMPLES if path.name.endswith(s)), None)
        if suffix and 0 < path.stat().st_size < _LONGEST_SAMPLE:
            SAMPLES[suffix].append(path.read_bytes())
    SAMPLES[".html"] += [gzip.decompress(path.read_bytes())[:_LONGEST_SAMPLE] for path in pages]


def fuzz(suffix: str, until: float, folder: Path, pieces: list[bytes], watched: Watched) -> Counter:
    """What became of the inputs of one suffix; raises what is no reason."""
    counts, path = Counter[str](), folder / f"input{suffix}"
    rounds = 0
    while time.monotonic() < until:
        rounds += 1

        @seed(rounds)
        @settings(
            max_examples=_ROUND,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.sampled_from(SAMPLES[suffix]), st.integers(0, 2**64))
        def once(sample: bytes, number: int) -> None:
            path.write_bytes(broken(suffix, sample, random.Random(number), pieces))
            check(path, watched, counts)

        once()
    return counts


def check(path: Path, watched: Watched, counts: Counter[str]) -> None:
    """Read one file as `byline add` does."""
    counts["inputs"] += 1
    began = time.monotonic()
    signal.setitimer(signal.ITIMER_PROF, _HANG_SECONDS)
    faulthandler.dump_traceback_later(_STUCK_SECONDS, exit=True)
    watched.active = True
    try:
        for entry in read([path], max_article_bytes=5_000_000):
            if isinstance(entry, Entry):
                try:
                    entry.load()
                    counts["articles"] += 1
                    continue
                except InputError as error:
                    entry = Failure(entry.path, entry.line, str(error))
            counts["refused"] += isinstance(entry, Failure)
            assert not isinstance(entry, Failure) or "\n" not in entry.reason, entry
    finally:
        watched.active = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()
    beyond = [opened for opened in watched.opened if opened != os.path.realpath(path)]
    watched.opened.clear()
    assert not beyond, f"opened {beyond}"
    counts["slowest ms"] = max(counts["slowest ms"], round(1000 * (time.monotonic() - began)))


def main() -> int:
    """Fuzz every reader in turn; 1 where one of them failed."""
    command = parser(__doc__)
    command.add_argument("--seconds", type=float, default=20, help="for all readers together")
    command.add_argument("--only", metavar="SUFFIX", help="one reader, such as .html")
    asked = command.parse_args()
    samples(asked.data)
    names = [asked.only] if asked.only else list(SAMPLES)
    rows, failed = [], False
    signal.signal(signal.SIGPROF, _hangs)
    with tempfile.TemporaryDirectory(prefix="byline-fuzz-") as home, socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        port.listen()
        port.setblocking(False)
        os.mkfifo(pipe := str(Path(home) / "pipe"))
        pieces, watched = tokens(pipe, port.getsockname()[1]), Watched()
        language(STORY * 3)  # what is imported, unpacked or loaded once is Byline's own affair
        for suffix in names:
            (Path(home) / f"input{suffix}").write_bytes(SAMPLES[suffix][0])
            for entry in read([Path(home) / f"input{suffix}"], max_article_bytes=5_000_000):
                assert isinstance(entry, Entry), entry
                entry.load()
        for suffix in names:
            until = time.monotonic() + asked.seconds / len(names)
            try:
                counts = fuzz(suffix, until, Path(home), pieces, watched)
            except BaseException as error:
                failed, counts = True, Counter()
                kept = Path(tempfile.gettempdir()) / f"byline-fuzz-input{suffix}"
                kept.write_bytes((Path(home) / f"input{suffix}").read_bytes())
                causes = getattr(error, "exceptions", (error,))  # of what fails only at first
                told = "; ".join(f"{type(cause).__name__}: {cause}" for cause in causes)
                print(f"{suffix}: {told[:500]} (kept as {kept})")
                if isinstance(error, KeyboardInterrupt):
                    break
            with suppress(BlockingIOError):
                port.accept()
                failed = True
                print(f"{suffix}: an address was fetched")
            columns = ("inputs", "articles", "refused", "slowest ms")
            rows.append([suffix, len(SAMPLES[suffix]), *(counts[c] for c in columns)])
    print(markdown(["reader", "samples", "inputs", "articles", "refused", "slowest, ms"], rows))
    return int(failed)


def _hangs(*_: object) -> None:
    raise TimeoutError(f"an input took more than {_HANG_SECONDS} seconds")


if __name__ == "__main__":
    sys.exit(main())
