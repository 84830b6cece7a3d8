"""Politeness: robots.txt, one request a host at a time, pauses, conditional requests."""

import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler

import pytest
from byline.errors import FetchError, FetchLater
from byline.index.fetch.client import PAGE
from byline.index.fetch.web import Web
from byline.tests.index.fetch.conftest import Site

Make = Callable[..., Web]


def get(web: Web, url: str, **options: str) -> int:
    return web.get(url, PAGE, max_bytes=10_000, **options).status


def test_robots_txt_is_obeyed_for_its_agent(web: Make, site: Site) -> None:
    site.answers["/robots.txt"] = b"User-agent: byline\nDisallow: /no\n\nUser-agent: *\nDisallow: /"
    site.answers |= {"/yes": b"<p>x", "/no/a": b"<p>x", "/in": (302, {"Location": "/no/a"}, b"")}
    polite = web()
    assert get(polite, site.url("/yes")) == 200
    with pytest.raises(FetchError, match="robots.txt of herald.example .* to Byline"):
        get(polite, site.url("/no/a"))
    with pytest.raises(FetchError, match="it redirects to .*/no/a: robots.txt"):
        get(polite, site.url("/in"))
    assert site.paths == ["/yes", "/in"]
    assert len(site.asked) == 3  # robots.txt was read once


def test_a_server_without_robots_txt_allows_everything(web: Make, site: Site) -> None:
    site.answers["/a"] = b"<p>x"
    assert get(web(), site.url("/a")) == 200


def test_robots_txt_that_cannot_be_read_allows_nothing_for_now(web: Make, site: Site) -> None:
    site.answers |= {"/robots.txt": (503, {}, b""), "/a": b"<p>x"}
    polite = web()
    for _ in range(2):
        with pytest.raises(FetchLater, match="robots.txt of its server cannot be read"):
            get(polite, site.url("/a"))
    assert len(site.asked) == 1


def test_what_is_said_of_robots_txt_does_not_grow(web: Make, site: Site) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        is_first = handler.headers["Host"].startswith("herald.")
        handler.send_response(200 if is_first else 503)
        handler.end_headers()

    away = site.url("/b", "tern.example")
    site.answers |= {"/robots.txt": answer, "/a": (302, {"Location": away}, b"")}
    polite, told = web(), []
    for _ in range(3):
        with pytest.raises(FetchLater) as raised:
            get(polite, site.url("/a"))
        told.append(str(raised.value))
    assert told[0].startswith(f"it redirects to {away}: robots.txt of its server")
    assert told == told[:1] * 3
    assert raised.value.status == 503


def test_a_host_gets_one_request_at_a_time_and_pauses_between(web: Make, site: Site) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.05)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>x")

    site.answers["/robots.txt"] = b"User-agent: *\nCrawl-delay: 0.2"
    site.answers |= dict.fromkeys(("/1", "/2", "/3"), slow)
    polite = web(delay_seconds=0.1)
    get(polite, site.url("/1"))
    threads = [
        threading.Thread(target=get, args=(polite, site.url(path))) for path in ("/1", "/2", "/3")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert site.busiest == 1
    gaps = [later - sooner for sooner, later in zip(site.times[1:], site.times[2:], strict=False)]
    assert len(gaps) == 3
    assert min(gaps) >= 0.2


def test_nothing_new_is_a_304(web: Make, site: Site) -> None:
    site.answers["/a"] = (304, {}, b"")
    moment = "Tue, 10 Mar 2026 08:00:00 GMT"
    assert get(web(), site.url("/a"), etag='"x"', last_modified=moment) == 304
    headers = site.asked[-1][1]
    assert headers["if-none-match"] == '"x"'
    assert headers["if-modified-since"] == moment


@pytest.mark.parametrize("as_date", [False, True])
def test_a_host_that_asks_to_be_left_alone_is(web: Make, site: Site, as_date: bool) -> None:
    after = formatdate(time.time() + 120, usegmt=True) if as_date else "120"
    site.answers |= {"/a": (429, {"Retry-After": after}, b""), "/b": b"<p>x"}
    polite = web()
    with pytest.raises(FetchLater, match="answers 429") as error:
        get(polite, site.url("/a"))
    assert 110 < (error.value.wait_seconds or 0) <= 120
    with pytest.raises(FetchLater, match="asked to be left alone for 1(1.|20) seconds"):
        get(polite, site.url("/b"))
    assert site.paths == ["/a"]


def test_who_waits_is_woken_by_a_stop(web: Make, site: Site) -> None:
    site.answers["/a"] = b"<p>x"
    polite = web(delay_seconds=30)
    threading.Timer(0.2, polite.stop).start()
    began = time.monotonic()
    with pytest.raises(FetchLater, match="was stopped"):
        get(polite, site.url("/a"))
    assert time.monotonic() - began < 5
