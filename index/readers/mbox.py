r"""Reads articles from mail, as newsletters and mailing lists send it: `.mbox` and `.eml`.

>>> raw = b"From: The Gazette <news@gazette.example>\nSubject: Ferry burns\n\nNobody was hurt."
>>> read_message(raw, "ferry.eml").outlet
'The Gazette'
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from functools import partial
from itertools import chain, pairwise, takewhile
from typing import Any, BinaryIO

from ...errors import InputError
from ..article import Article
from ..clean import decode, is_prose, tidy
from .html import read_html
from .records import to_article

_POSTMARK = re.compile(rb"From \S.*\d\d:\d\d.*\d{4}")  # RFC 4155: sender and moment
_WRAPPED = range(50, 79)  # characters of a line that mail software broke; RFC 5322 has 78 at most
_LONGEST_HEADER = 5_000  # characters; the parser of the standard library is quadratic in them
_FOOTER = re.compile(
    r"(?i)\bunsubscribe\b|\b(?:view|read|open)\b.{0,40}\bin (?:a|your) browser\b|"
    r"receiv(?:e|ing|ed) th(?:is|ese) (?:e-?mail|message|newsletter)|was sent to \S+@|"
    r"\b(?:update|manage|change)\b.{0,20}\b(?:preferences|subscription)|\bmailing list$|^_{20,}$"
)


def messages(file: BinaryIO, max_bytes: int) -> Iterator[tuple[int, bytes | None]]:
    """The messages of an mbox file, numbered from 1; None for one of more than `max_bytes`.

    Not `mailbox.mbox`, for which any line that begins with "From " starts one: here a blank line
    stands before it, and it names a moment. InputError: it is no mbox file.
    """
    number, size, is_open, lines = 0, 0, True, list[bytes]()
    for line in chain(iter(partial(file.readline, max_bytes + 1), b""), [b""]):
        if not line or (is_open and _POSTMARK.match(line)):
            if number:
                yield number, b"".join(lines) if size <= max_bytes else None
            number, size = number + 1, 0
            lines.clear()
        elif not number and line.strip():
            raise InputError("it is no mbox: its first line is not of the form 'From SENDER DATE'")
        elif (size := size + len(line)) > max_bytes:
            lines.clear()
        else:
            lines.append(line)
        is_open = not line.strip()


def read_message(raw: bytes, fallback_id: str) -> Article:
    """The article of a message. InputError: it has no text, or a date that cannot be used."""
    try:
        raw = re.sub(rb"(?m)^>(>*From )", rb"\1", raw)
        message = message_from_bytes(raw, policy=policy.default.clone(header_factory=_header))
        text = next(filter(None, map(_story, _texts(message))), None)
        record = _facts(message) | {"text": text}
    except Exception as error:  # none may stop a run, whatever the parser stumbles over
        raise InputError(f"it cannot be read: {' '.join(str(error).split())[:200]}") from error
    return to_article(record, fallback_id)


def _header(name: str, value: str) -> Any:
    if len(value) > _LONGEST_HEADER:
        raise ValueError(f"its header {name} is longer than {_LONGEST_HEADER:,} characters")
    return policy.default.header_factory(name, value)


def _facts(message: EmailMessage) -> dict[str, Any]:
    """What the headers say. The outlet is the list where it has a name, else the sender."""
    names = ("from", "list-id", "date", "message-id", "subject", "archived-at")
    held = {name: " ".join(str(message[name] or "").split()) for name in names}
    (name, address), (of_list, _) = parseaddr(held["from"]), parseaddr(held["list-id"])
    both = re.fullmatch(r"(.+?) (?:from|at|via) (.+)", name)
    author, outlet = both.groups() if both else (name if of_list else "", of_list or name)
    return {
        "id": held["message-id"].strip("<>"),
        "title": held["subject"],
        "published": parsedate_to_datetime(held["date"]) if held["date"] else None,
        "outlet": outlet or address.rpartition("@")[2],
        "authors": [author] if author != outlet else [],
        "url": held["archived-at"].strip("<>"),  # RFC 5064
    }


def _texts(message: EmailMessage) -> Iterator[str]:
    """The message's text as that of its page, else as it stands plain."""
    page, plain = (_decoded(message.get_body((kind,))) for kind in ("html", "plain"))
    with suppress(InputError):
        yield read_html(page.encode(), "").text if page else ""
    yield _unwrapped(re.split(r"(?m)^-- \r?$", plain, maxsplit=1)[0])  # a signature: RFC 3676


def _decoded(part: Any) -> str:
    raw = (part and part.get_payload(decode=True)) or b""
    with suppress(LookupError, ValueError):
        return str(raw.decode(part.get_content_charset() or "utf-8") if raw else "")
    return decode(raw)


def _unwrapped(text: str) -> str:
    """Without the line breaks of mail software: for Byline a line break ends a sentence."""
    lines = pairwise(f"{tidy(text)}\n".split("\n"))
    breaks = re.compile(r"[-*•>#]|\d{1,3}[.)]\s|$").match  # a list, or a blank line
    return "".join(a + (" " if len(a) in _WRAPPED and not breaks(b) else "\n") for a, b in lines)


def _story(text: str) -> str:
    """A text without what its mail says of itself: lines at the head, all from one in the tail."""
    lines = text.split("\n")
    own = [n for n, line in enumerate(lines) if is_prose(line) and not _FOOTER.search(line)]
    first, end = (own[0], own[-1] + 1) if own else (len(lines), len(lines))
    head = [line for line in lines[:first] if not _FOOTER.search(line)]
    tail = takewhile(lambda line: not _FOOTER.search(line), lines[end:])
    return "\n".join([*head, *lines[first:end], *tail]).strip()
