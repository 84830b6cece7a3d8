"""Sends one request to a web server that is not trusted, and reads a bounded reply.

reply = Client(user_agent="Byline").get("https://herald.example/a", PAGE, max_bytes=5_000_000)

>>> is_public("93.184.216.34"), is_public("::ffff:169.254.169.254"), is_public("100.64.0.1")
(True, False, False)
"""

import re
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urljoin

import httpcore
import httpx

from ...errors import FetchError, FetchLater, InputError
from ..article import day_start
from ..clean import decode
from ..dates import parse_moment

PAGE = ("text/html", "application/xhtml+xml")
_PIECE = 1 << 16  # bytes that are unpacked at once
_MOVED, _LATER = (301, 302, 303, 307, 308), (408, 425, 429, 500, 502, 503, 504)
_LONGEST_WAIT = 86_400.0  # seconds that a server can ask to be left alone

# Addresses that the registry calls global and that lead elsewhere: IPv6 outside its global
# range, 6to4 in both families, documentation.
_GLOBAL_V6 = ip_network("2000::/3")
_LEAD_ELSEWHERE = tuple(map(ip_network, ("192.88.99.0/24", "2002::/16", "3fff::/20")))

# This machine's link, where clouds tell secrets of a machine to whoever asks, and their other such
# addresses: Alibaba's, Azure's, Oracle's, Amazon's and Google's.
_NEVER = tuple(
    map(
        ip_network,
        ("169.254.0.0/16", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fe80::/10")
        + ("fd00:ec2::254", "fd20:ce::254"),
    )
)
_HOLD_V4 = tuple(map(ip_network, ("::/96", "64:ff9b::/96")))

_CHARSET = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([\w-]+)", re.I)
_CHARSETS = re.compile(  # the web's; some others that Python knows take quadratic time
    r"(?:us-)?ascii|(?:utf-?(?:8|16|32)|iso-?(?:8859|2022)|latin|windows|cp\d|koi8|mac|gb|big5|"
    r"shift|sjis|euc)[\w-]*",
    re.I,
)
_LATIN = re.compile(r"(?:us-)?ascii|iso-?8859-?1|latin-?1", re.I)  # on the web, windows-1252

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered: 200 with a body, 304 for nothing new, or a redirect."""

    url: str
    status: int
    headers: Mapping[str, str]
    "names in lower case"
    body: bytes = b""

    @property
    def kind(self) -> str:
        """The declared content type, without parameters; empty where none is."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def location(self) -> str | None:
        """Where a redirect leads to."""
        to = self.headers.get("location")
        return urljoin(self.url, to) if to and self.status in _MOVED else None

    @property
    def text(self) -> str:
        """The body decoded: as UTF-8 where it is that, else as declared, else as windows-1252.

        A UTF-8 text with a few bad bytes stays one, whatever is declared.
        """
        with suppress(InputError):
            return decode(self.body)
        text = self.body.decode("utf-8", "replace")
        high = len(self.body) - len(self.body.translate(None, bytes(range(128, 256))))
        if b"\0" not in self.body and text.count("\ufffd") * 10 < high:
            return text
        declared = self.headers.get("content-type", "").encode("utf-8", "replace")
        for found in _CHARSET.finditer(declared + b"\n" + self.body[:2048]):
            name = found[1].decode()
            if _CHARSETS.fullmatch(name):
                with suppress(LookupError, UnicodeDecodeError):
                    return self.body.decode("cp1252" if _LATIN.fullmatch(name) else name)
        return self.body.decode("cp1252", "replace")


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, and of no tunnel to elsewhere."""
    ip: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped or ip
    if not ip.is_global or ip.is_multicast or any(ip in net for net in _LEAD_ELSEWHERE):
        return False
    return isinstance(ip, IPv4Address) or ip in _GLOBAL_V6


def is_never_fetched(address: str) -> bool:
    """Whether an IP address is link-local or tells a cloud machine's secrets, in any spelling."""
    ip: IPv4Address | IPv6Address = ip_address(address)
    forms: list[IPv4Address | IPv6Address | None] = [ip]
    if isinstance(ip, IPv6Address):
        held = any(ip in net for net in _HOLD_V4)
        forms += [ip.ipv4_mapped, ip.sixtofour, IPv4Address(int(ip) % 2**32) if held else None]
    return any(one in net for one in forms if one for net in _NEVER)


def checked(url: str) -> httpx.URL:
    """An address that may be asked for. FetchError: it is not http(s), or holds a password."""
    try:
        parts = httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError, TypeError):
        raise FetchError("it is no web address: correct it") from None
    if parts.scheme not in ("http", "https"):
        raise FetchError("only addresses that begin with http:// or https:// can be fetched")
    if not parts.host or not 0 < (parts.port or 80) < 65536:
        raise FetchError("it is no web address: its host or port is missing or wrong")
    if parts.userinfo:
        raise FetchError("it holds a user name or password: leave them out")
    return parts


class Client:
    """Sends single requests; safe in several threads. Knows no cookies, proxies or .netrc.

    A host is resolved once a request, and the connection goes to the very address that was found
    public (with `allow_private`, to almost any). `timeout_seconds` is for all of a request, however
    slowly it drips, but for the system's own look-up of the name.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        timeout_seconds: float = 20.0,
        allow_private: bool = False,
        resolve: Resolve = resolve,
    ) -> None:
        self._agent = user_agent
        self._seconds = timeout_seconds
        self._allow_private = allow_private
        self._resolve = resolve
        self._tls = httpx.create_ssl_context(trust_env=False)

    def get(
        self,
        url: str,
        kinds: Collection[str] = (),
        *,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """The reply to one GET; redirects are not followed.

        `kinds` are the content types that will do, none: all. Raises FetchError, FetchLater where
        it may go well another time.
        """
        parts = checked(url)
        target = httpcore.URL(
            scheme=parts.raw_scheme, host=parts.raw_host, port=parts.port, target=parts.raw_path
        )
        sent = {
            "Host": parts.netloc.decode(),
            "User-Agent": self._agent,
            "Accept": ", ".join((*kinds, "*/*;q=0.1")),
            "Accept-Encoding": "gzip",
            "Connection": "close",
            **(headers or {}),
        }
        network = _Pinned(self._addresses, time.monotonic() + self._seconds)
        connection = httpcore.HTTPConnection(
            target.origin, ssl_context=self._tls, network_backend=network
        )
        try:
            with connection, connection.stream("GET", target, headers=[*sent.items()]) as answer:
                given = ((k.decode("latin-1"), v.decode("latin-1")) for k, v in answer.headers)
                names = {name.lower(): value for name, value in given}
                reply = Reply(str(parts), answer.status, names)
                if answer.status == 304 or reply.location:
                    return reply
                _check(reply, kinds, max_bytes)
                body = _bounded(answer.iter_stream(), max_bytes)
                if names.get("content-encoding", "identity").lower() != "identity":
                    body = _bounded(_unpacked(body), max_bytes)
                return Reply(str(parts), answer.status, names, b"".join(body))
        except httpcore.TimeoutException:
            raise FetchLater(
                f"it took longer than {self._seconds:g} seconds: try later, "
                "or raise BYLINE_FETCH_TIMEOUT_SECONDS"
            ) from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise _broken(error, parts.host) from None

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError):
            raise FetchLater(f"there is no host '{host}': check the address") from None
        private = [] if self._allow_private else [a for a in found if not is_public(a)]
        if private:
            raise FetchError(
                f"{host} is at the private address {private[0]}, and only public ones are "
                "fetched: BYLINE_FETCH_PRIVATE=true allows it"
            )
        for never in filter(is_never_fetched, found):
            raise FetchError(
                f"{host} is at {never}, where machines of a cloud or of one cable tell each other "
                "secrets: nothing is fetched from there"
            )
        return found


class _Pinned(httpcore.NetworkBackend):
    """Connects to addresses that were checked, until a deadline."""

    def __init__(self, addresses: Resolve, deadline: float) -> None:
        self._addresses, self._deadline = addresses, deadline

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.NetworkStream:
        found = self._addresses(host, port)
        failed: Exception | None = None
        for place, address in enumerate(found):
            seconds = _left(self._deadline) / (len(found) - place)
            try:
                stream = httpcore.SyncBackend().connect_tcp(address, port, timeout=seconds)
                return _Timed(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError("the name has no address")


class _Timed(httpcore.NetworkStream):
    """A stream on which nothing lasts beyond a deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline)
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise httpcore.ReadTimeout
    return seconds


def _check(reply: Reply, kinds: Collection[str], max_bytes: int) -> None:
    """Raise what a status or a header says before the body is read."""
    status, said = reply.status, f"the server answers {reply.status}"
    if status in _LATER:
        raise FetchLater(
            f"{said} (busy or failing): try later", status=status, wait_seconds=_wait(reply)
        )
    if status in (401, 402, 403, 451):
        raise FetchError(f"{said}: it does not give the page to programs", status=status)
    if status in (404, 410):
        raise FetchError(f"{said}: there is no such page, check the address", status=status)
    if status != 200:
        raise FetchError(f"{said}, which is no page", status=status)
    if kinds and reply.kind and reply.kind not in kinds:
        raise FetchError(
            f"its content is {reply.kind[:60]}, and not {kinds[0] if kinds == PAGE else 'a feed'}"
            + ("; a feed is for `byline follow add`" if kinds == PAGE else "")
        )
    packed = reply.headers.get("content-encoding", "identity").lower()
    if packed not in ("identity", "gzip", "x-gzip"):
        raise FetchError(f"it is packed as '{packed[:40]}', which was not asked for")
    length = reply.headers.get("content-length", "")
    if length.isdigit() and int(length) > max_bytes:
        raise _too_long(max_bytes)


def _wait(reply: Reply) -> float | None:
    """Seconds of Retry-After (RFC 9110, 10.2.3), at most a day."""
    given = reply.headers.get("retry-after", "").strip()
    if given.isdigit():
        return min(float(given[:9]), _LONGEST_WAIT)
    moment = parse_moment(given)
    if moment is None:
        return None
    seconds = (day_start(moment) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _too_long(max_bytes: int) -> FetchError:
    return FetchError(f"it is longer than {max_bytes:,} bytes: a page's limit is max_article_bytes")


def _bounded(pieces: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > max_bytes:
            raise _too_long(max_bytes)
        yield piece


def _unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What gzip members hold, a bounded piece at a time; zeros after them do not matter."""
    inflater, out = zlib.decompressobj(31), b""
    try:
        for piece in pieces:
            left = piece
            while left or len(out) == _PIECE:
                if inflater.eof:
                    left = left.lstrip(b"\0")
                    if not left:
                        break
                    inflater = zlib.decompressobj(31)
                out = inflater.decompress(left, _PIECE)
                left = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
                yield out
    except zlib.error:
        raise FetchError("its packed content is damaged: it is no gzip") from None
    if not inflater.eof:
        raise FetchLater("its packed content ends too early: try again")


def gunzip(raw: bytes, max_bytes: int) -> bytes:
    """The content of a gzip file, as sitemaps are given. FetchError: damaged, or too long."""
    return b"".join(_bounded(_unpacked([raw]), max_bytes))


def _broken(error: Exception, host: str) -> FetchError:
    """What a failure of the connection means."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return FetchError(f"the certificate of {host} is not valid: {cause.verify_message}")
    if cause is not None:
        return FetchLater(f"{host} does not speak TLS as it should: check https against http")
    if isinstance(error, httpcore.ConnectError):
        return FetchLater(f"{host} does not answer: {error}")
    if "without sending complete" in str(error) or isinstance(error, httpcore.ReadError):
        return FetchLater("the connection ended before all of it had come: try again")
    return FetchLater(f"{host} does not speak HTTP as it should: {error}")
