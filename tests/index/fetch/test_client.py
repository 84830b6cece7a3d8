"""A hostile server: each trick is refused or bounded, and told by its own message."""

import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from byline.errors import FetchError, FetchLater
from byline.index.fetch.client import PAGE, Client, Reply, gunzip
from byline.index.fetch.web import Web
from byline.tests.index.fetch.conftest import PUBLIC, Site

Make = Callable[..., Web]
LIMIT = 100_000


def refused(web: Web, url: str, said: str, kind: type[FetchError] = FetchError) -> None:
    with pytest.raises(FetchError, match=said) as error:
        web.get(url, PAGE, max_bytes=LIMIT)
    assert type(error.value) is kind
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0", "0.0.0.0", "[::1]", "[::]"]
    + ["[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"]
    + ["169.254.169.254", "100.64.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "224.0.0.1"]
    + ["[fe80::1]", "[fc00::1]", "[fec0::1]", "255.255.255.255", "198.18.0.1", "127。0。0。1"],
)
def test_a_private_address_is_refused_however_it_is_written(host: str, internet: list[str]) -> None:
    def resolve(host: str, port: int) -> list[str]:
        """As the system reads numbers; a test may not ask it for those of elsewhere."""
        if host == "localhost":
            return ["127.0.0.1", "::1"]
        return [host if ":" in host else socket.inet_ntoa(socket.inet_aton(host))]

    web = Web(user_agent="Byline", resolve=resolve)
    refused(web, f"http://{host}/", "private address .* BYLINE_FETCH_PRIVATE=true")
    assert internet == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://herald.example/a", "begin with http"),
        ("file:///etc/passwd", "begin with http"),
        ("http://user:secret@herald.example/", "user name or password"),
        ("http://", "host or port is missing"),
        ("http://herald.example:99999/", "host or port is missing"),
        ("http://0177.0.0.1/", "no web address"),
        ("http://[::1/", "no web address"),
        ("http://herald.example\r\nX: y/", "no web address"),
    ],
)
def test_what_is_no_web_address_is_refused(web: Make, url: str, said: str) -> None:
    refused(web(), url, said)


def test_private_networks_are_a_setting(site: Site) -> None:
    site.answers["/a"] = b"<p>Hello"
    web = Web(user_agent="Byline", delay_seconds=0, allow_private=True)
    assert web.get(site.url("/a", "127.0.0.1"), PAGE, max_bytes=LIMIT).text == "<p>Hello"


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "169.254.0.7", "fe80::1", "fe80::1%2", "::ffff:169.254.169.254"]
    + ["64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "::a9fe:a9fe", "fd00:ec2::254"]
    + ["100.100.100.200", "168.63.129.16"],
)
def test_what_tells_secrets_is_not_fetched_on_private_networks_either(
    address: str, internet: list[str]
) -> None:
    web = Web(user_agent="Byline", allow_private=True, resolve=lambda *_: ["127.0.0.1", address])
    refused(web, "http://herald.example/", "secrets: nothing is fetched from there")
    assert internet == []


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:{port}/secret", "http://169.254.169.254/latest/meta-data/"]
)
def test_a_redirect_to_a_private_address_is_refused(
    site: Site, internet: list[str], target: str
) -> None:
    def resolve(host: str, port: int) -> list[str]:
        return [PUBLIC if host == "herald.example" else host]

    site.answers["/a"] = (302, {"Location": target.format(port=site.port)}, b"")
    web = Web(user_agent="Byline", delay_seconds=0, resolve=resolve)
    refused(web, site.url("/a"), "^it redirects to http://1.* private address")
    assert set(internet) == {PUBLIC}
    assert site.paths == ["/a"]


def test_a_redirect_to_another_scheme_is_refused(web: Make, site: Site) -> None:
    site.answers["/a"] = (302, {"Location": "file:///etc/passwd"}, b"")
    refused(web(), site.url("/a"), "it redirects to file:.*begin with http")


def test_a_name_is_resolved_once_and_the_connection_goes_where_it_was_checked(
    site: Site, internet: list[str]
) -> None:
    """DNS that answers a public address to the check and a private one afterwards."""
    answers = iter([PUBLIC, PUBLIC, "127.0.0.1"])
    web = Web(user_agent="B", delay_seconds=0, resolve=lambda host, port: [next(answers)])
    site.answers["/a"] = b"<p>Hello"
    assert web.get(site.url("/a"), PAGE, max_bytes=LIMIT).status == 200
    assert internet == [PUBLIC, PUBLIC]  # robots.txt and the page
    refused(web, site.url("/a"), "private address 127.0.0.1")
    assert internet == [PUBLIC, PUBLIC]
    assert site.asked[-1][1]["host"] == f"herald.example:{site.port}"


def test_one_private_address_among_several_is_enough_to_refuse(web: Make, site: Site) -> None:
    refused(web(resolve=lambda *_: [PUBLIC, "10.0.0.1"]), site.url("/a"), "private address 10.0")


def test_an_endless_body_is_cut_off(web: Make, site: Site) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        while True:
            handler.wfile.write(b"<p>more and more" * 100)

    site.answers["/a"] = endless
    refused(web(), site.url("/a"), "longer than 100,000 bytes.*max_article_bytes")


def test_a_declared_length_over_the_limit_is_not_read(web: Make, site: Site) -> None:
    site.answers["/a"] = (200, {"Content-Length": "9" * 15}, b"")
    refused(web(), site.url("/a"), "longer than 100,000 bytes")


@pytest.mark.parametrize("members", [1, 3])
def test_a_zip_bomb_is_unpacked_to_the_limit_and_no_further(
    web: Make, site: Site, members: int
) -> None:
    bomb = gzip.compress(b"a" * 20_000_000) * members
    assert len(bomb) < LIMIT
    site.answers["/a"] = (200, {"Content-Encoding": "gzip"}, bomb)
    refused(web(), site.url("/a"), "longer than 100,000 bytes")


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 131_072])
def test_what_is_packed_is_unpacked_whole(web: Make, site: Site, size: int) -> None:
    text = b"abcdefgh" * (size // 8) + b"x" * (size % 8)
    packed = gzip.compress(text[: size // 2]) + gzip.compress(text[size // 2 :]) + b"\0\0"
    site.answers["/a"] = (200, {"Content-Encoding": "gzip"}, packed)
    assert web().get(site.url("/a"), PAGE, max_bytes=200_000).body == text
    assert gunzip(packed, 200_000) == text


@pytest.mark.parametrize(
    ("headers", "body", "said", "kind"),
    [
        ({"Content-Encoding": "gzip"}, b"no gzip at all", "is damaged", FetchError),
        (
            {"Content-Encoding": "gzip"},
            gzip.compress(b"x" * 999, mtime=0)[:-9],
            "too early",
            FetchLater,
        ),
        ({"Content-Encoding": "br"}, b"x", "packed as 'br'", FetchError),
        ({"Content-Encoding": "gzip, gzip"}, b"x", "packed as 'gzip, gzip'", FetchError),
        ({"Content-Encoding": "deflate"}, zlib.compress(b"x"), "packed as 'defl", FetchError),
        ({"Content-Type": "application/pdf"}, b"%PDF", "content is application/pdf", FetchError),
        ({"Content-Type": "application/rss+xml"}, b"x", "`byline follow add`", FetchError),
        ({"Content-Length": "1000"}, b"<p>short", "ended before all of it", FetchLater),
        ({"Content-Length": "x"}, b"<p>short", "not speak HTTP", FetchLater),
    ],
)
def test_a_reply_that_is_not_what_it_says_is_refused(
    web: Make, site: Site, headers: dict[str, str], body: bytes, said: str, kind: Any
) -> None:
    site.answers["/a"] = (200, headers, body)
    refused(web(), site.url("/a"), said, kind)


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (403, "403: it does not give the page to programs", FetchError),
        (404, "404: there is no such page", FetchError),
        (204, "204, which is no page", FetchError),
        (500, "500 .busy or failing.", FetchLater),
    ],
)
def test_a_status_is_told(web: Make, site: Site, status: int, said: str, kind: Any) -> None:
    site.answers["/a"] = (status, {}, b"")
    refused(web(), site.url("/a"), said, kind)


@pytest.mark.parametrize("of", ["headers", "body"])
def test_a_slow_drip_ends_in_time(web: Make, site: Site, of: str) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n")
        handler.wfile.write(b"" if of == "headers" else b"\r\n")
        for _ in range(100):
            handler.wfile.write(b"X-A: b\r\n" if of == "headers" else b"<p>")
            time.sleep(0.05)

    site.answers["/a"] = drip
    began = time.monotonic()
    refused(web(timeout_seconds=0.5), site.url("/a"), "longer than 0.5 seconds", FetchLater)
    assert time.monotonic() - began < 2


def test_redirects_are_followed_five_times(web: Make, site: Site) -> None:
    for step in range(9):
        site.answers[f"/{step}"] = (302, {"Location": f"/{step + 1}"}, b"")
    site.answers["/9"] = b"<p>Hello"
    assert web().get(site.url("/4"), PAGE, max_bytes=LIMIT).url == site.url("/9")
    refused(web(), site.url("/3"), "more than 5 redirects")


def test_a_redirect_loop_is_told(web: Make, site: Site) -> None:
    site.answers["/a"] = (301, {"Location": "/b"}, b"")
    site.answers["/b"] = (301, {"Location": "/a"}, b"")
    refused(web(), site.url("/a"), "redirects in a circle")
    assert site.paths == ["/a", "/b"]


def test_no_cookie_proxy_or_netrc_is_used(
    web: Make, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine herald.example login me password secret")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    site.answers["/a"] = (302, {"Location": "/b", "Set-Cookie": "id=1"}, b"")
    site.answers["/b"] = b"<p>Hello"
    web().get(site.url("/a"), PAGE, max_bytes=LIMIT)
    assert not {"cookie", "authorization"} & set(site.asked[-1][1])
    assert site.asked[-1][1]["user-agent"] == "Byline/1.1"


def test_what_does_not_answer_is_for_later(web: Make, unused_address: str) -> None:
    refused(web(allow_private=True, resolve=lambda *_: ["127.0.0.1"]), unused_address,
            "does not answer", FetchLater)  # fmt: skip

    def unknown(host: str, port: int) -> list[str]:
        raise OSError

    refused(web(resolve=unknown), "http://nowhere.example/", "no host 'nowhere.ex", FetchLater)


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"]
    made += ["/CN=herald.example", "-addext", "subjectAltName=DNS:herald.example"]
    subprocess.run([*made, "-keyout", "key", "-out", "cert"], cwd=tmp_path, check=True,
                   capture_output=True)  # fmt: skip
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    client = Client(user_agent="Byline", resolve=lambda *_: [PUBLIC])
    try:
        with pytest.raises(FetchError, match="certificate of herald.example is not valid: self"):
            client.get(f"https://herald.example:{server.server_port}/", max_bytes=LIMIT)
        client._tls.load_verify_locations(tmp_path / "cert")  # somebody vouches for it
        with pytest.raises(FetchError, match="certificate of ledger.example is not valid: Host"):
            client.get(f"https://ledger.example:{server.server_port}/", max_bytes=LIMIT)
        with pytest.raises(FetchError, match="answers 501"):
            client.get(f"https://herald.example:{server.server_port}/", max_bytes=LIMIT)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("body", "declared"),
    [
        ("Zoë’s café".encode(), "iso-8859-1"),  # declared wrongly
        ("Zoë’s café".encode("cp1252"), "utf-8"),
        ("Zoë’s café".encode("cp1252"), "iso-8859-1"),  # as browsers read it
        ("Zoë’s café".encode("cp1252"), "no-such-charset"),
        ("Zoë’s café".encode("cp1252"), "punycode"),
        ("Zoë’s café".encode("utf-16"), ""),
        ("Zoë’s café".encode("utf-16-le"), "utf-16-le"),
        ("Zoë’s café".encode(), ""),
    ],
)
def test_a_wrong_charset_loses_no_text(body: bytes, declared: str) -> None:
    headers = {"content-type": f"text/html; charset={declared}"} if declared else {}
    assert Reply("http://a/", 200, headers, body).text == "Zoë’s café"


def test_the_charset_of_the_page_counts_where_the_server_names_none() -> None:
    body = '<meta charset="windows-1251"><p>Мост открыт'
    assert Reply("http://a/", 200, {}, body.encode("cp1251")).text == body


def test_a_bad_byte_does_not_make_utf8_another_charset() -> None:
    body = "Zoë’s café ".encode() * 20 + b"\xff"
    text = Reply("http://a/", 200, {"content-type": "text/html; charset=utf-8"}, body).text
    assert text == "Zoë’s café " * 20 + "\ufffd"
