"""Reads what a feed lists: RSS, Atom, JSON Feed, sitemaps and their indexes, as one kind of item.

>>> feed = read_feed('<urlset><url><loc>https://a.example/1</loc></url></urlset>', "https://a.example")
>>> feed.kind, feed.items[0].url
('sitemap', 'https://a.example/1')
"""

import io
import json
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Any
from urllib.parse import urljoin

from ...errors import FetchError, InputError
from ..article import day_start
from ..clean import tidy
from ..dates import parse_moment
from .client import checked

FEED = (
    *("application/rss+xml", "application/atom+xml", "application/feed+json", "application/xml"),
    *("text/xml", "application/json", "application/rdf+xml", "application/x-rss+xml", "text/json"),
    *("text/html", "application/xhtml+xml", "text/plain", "application/octet-stream"),
    *("binary/octet-stream", "application/gzip", "application/x-gzip", "text/x-xml"),
)
_MOST_ITEMS = 50_000  # of one listing: what a sitemap may hold
_MOST_CHARS, _MOST_TAGS = 5_000_000, 200_000  # of RSS and Atom: feedparser can be made slow
_HTML_FEED = re.compile(
    r"<link\b(?=[^>]{0,300}\btype=[\"']?application/(?:rss|atom|feed)\+)"
    r"[^>]{0,300}?\bhref=[\"']?([^\"' >]{1,500})",
    re.I,
)
_BLOCKS = ("p", "div", "br", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "tr", "table")
_EXPIRY = ("expirationdate", "expires", "expired")
_LATEST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Item:
    """One article as a feed lists it. What is not said is None."""

    url: str | None = None
    "where its page is"
    id: str | None = None
    "the feed's own name for it"
    title: str | None = None
    published: datetime | date | None = None
    updated: datetime | date | None = None
    authors: tuple[str, ...] = ()
    outlet: str | None = None
    rights: str | None = None
    embargo_until: datetime | date | None = None
    expires: datetime | date | None = None
    summary: str | None = None
    "plain text that stands for the article"
    content: str | None = None
    "plain text that the feed calls the article's own"
    stamp: str | None = None
    "what changes with the page where the feed says nothing else of it"

    @property
    def key(self) -> bytes:
        """A hash of what is listed, the same in all feeds: another where it was changed."""
        listed = repr(astuple(replace(self, outlet=None)))
        return blake2b(listed.encode("utf-8", "replace"), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Feed:
    """A listing: its items as they are listed, or the listings that an index of sitemaps names."""

    kind: str
    "RSS 2.0, Atom 1.0, JSON Feed, sitemap, sitemap index ..."
    title: str | None
    items: tuple[Item, ...]
    parts: tuple[str, ...] = ()
    "the sitemaps of an index, the newest first"


def read_feed(text: str, url: str) -> Feed:
    """What a listing that stands at `url` holds. FetchError: it is none, or damaged."""
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("{"):
        return _json_feed(start, url)
    if re.search("<!ENTITY", start, re.I):
        raise FetchError("its XML declares entities, which no feed needs: it is not read")
    if re.search(r"<(?:\w+:)?(urlset|sitemapindex)\b", start[:5000]):
        return _sitemap(start, url)
    return _xml_feed(start, url)


def _json_feed(text: str, url: str) -> Feed:
    """As https://www.jsonfeed.org/version/1.1/ has it."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise FetchError("it is no feed: its JSON cannot be read") from None
    if not str(given.get("version", "")).startswith("https://jsonfeed.org/version/"):
        raise FetchError("it is no feed: it is JSON, and not that of jsonfeed.org")
    items = given.get("items")
    return Feed(
        kind="JSON Feed",
        title=_line(given.get("title")),
        items=tuple(
            _json_item(item, given, url)
            for item in (items if isinstance(items, list) else [])[:_MOST_ITEMS]
            if isinstance(item, dict)
        ),
    )


def _json_item(item: dict[str, Any], feed: dict[str, Any], url: str) -> Item:
    authors = item.get("authors") or item.get("author") or feed.get("authors") or feed.get("author")
    names = authors if isinstance(authors, list) else [authors]
    html = _text(item.get("content_html"))
    return Item(
        url=_address(item.get("url") or item.get("external_url"), url),
        id=_line(item.get("id")),
        title=_line(item.get("title")),
        published=_moment(item.get("date_published")),
        updated=_moment(item.get("date_modified")),
        authors=_lines(name.get("name") for name in names if isinstance(name, dict)),
        outlet=_line(feed.get("title")),
        summary=_text(item.get("summary")),
        content=_plain(html) if html else _text(item.get("content_text")),
        rights=_line(item.get("_rights")),
        embargo_until=_embargo(item),
        expires=parse_moment(_said(item, _EXPIRY) or ""),
    )


def _sitemap(text: str, url: str) -> Feed:
    """As https://www.sitemaps.org/protocol.html has it, and news sitemaps."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, recover=True, encoding="utf-8"
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.LxmlError, ValueError):
        raise FetchError("its XML cannot be read: it is no sitemap") from None
    if root is None:
        raise FetchError("its XML cannot be read: it is no sitemap")
    nodes = islice(root.iterchildren("*"), _MOST_ITEMS)
    listed = [(_address(facts.get("loc"), url), facts) for facts in map(_of_sitemap, nodes)]
    found = [(address, facts) for address, facts in listed if address]
    if root.tag.endswith("sitemapindex"):
        found.sort(key=lambda one: one[1].get("lastmod", ""), reverse=True)
        return Feed("sitemap index", None, (), tuple(address for address, _ in found))
    return Feed(
        kind="sitemap",
        title=next((facts["name"] for _, facts in found if "name" in facts), None),
        items=tuple(
            Item(
                url=address,
                title=_line(facts.get("title")),
                published=_moment(facts.get("publication_date")),
                outlet=_line(facts.get("name")),
                stamp=facts.get("lastmod"),
            )
            for address, facts in found
        ),
    )


def _of_sitemap(node: Any) -> dict[str, str]:
    """The texts below an entry by their local names; of images and videos none."""
    texts: dict[str, str] = {}
    for part in node.iter("*"):
        space, _, name = part.tag.rpartition("}")
        if "image" not in space and "video" not in space and (part.text or "").strip():
            texts.setdefault(name, part.text.strip())
    return texts


def _xml_feed(text: str, url: str) -> Feed:
    """RSS and Atom of all versions.

    feedparser is handed a stream: it would open a text that is an address or a path.
    """
    import feedparser

    if len(text) > _MOST_CHARS or text.count("<") > _MOST_TAGS:
        raise FetchError(f"it is longer than {_MOST_CHARS:,} characters or {_MOST_TAGS:,} tags")
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": url}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = feedparser.parse(io.BytesIO(text.encode()), response_headers=headers)
    except Exception as error:  # no feed may stop a run, whatever the parser stumbles over
        raise FetchError(f"its XML cannot be read: {type(error).__name__}") from error
    if not found.get("version"):
        other = _HTML_FEED.search(text[:50_000])
        hint = f"; the page names {urljoin(url, other[1])}" if other else ""
        raise FetchError(f"it is no feed: neither RSS, Atom, JSON Feed nor a sitemap{hint}")
    kind = feedparser.api.SUPPORTED_VERSIONS.get(found.version, found.version)
    title = _marked_up(found.feed, "title")
    items = [_xml_item(entry, found.feed, title, url) for entry in found.entries[:_MOST_ITEMS]]
    if not kind.startswith("Atom"):  # whose dc:date is when an item was published
        items = [
            item if item.published else replace(item, published=item.updated) for item in items
        ]
    return Feed(kind, title, tuple(items))


def _xml_item(entry: Any, feed: Any, title: str | None, url: str) -> Item:
    def said(name: str) -> Any:
        return entry.get(name) if name in entry else None

    contents = [_plain(_text(part.get("value")) or "") or "" for part in said("content") or ()]
    content = max(contents, key=len, default="") or None
    return Item(
        url=_address(said("feedburner_origlink") or said("link"), url),
        id=_line(said("id")),
        title=_marked_up(entry, "title"),
        published=_moment(said("published")) or _moment(said("created")),
        updated=_moment(said("updated")),
        authors=_lines(author.get("name") for author in said("authors") or ()),
        outlet=_line((said("source") or {}).get("title")) or _line(said("publisher")) or title,
        rights=_marked_up(entry, "rights") or _marked_up(feed, "rights"),
        summary=_marked_up(entry, "summary", lines=True),
        content=content,
        embargo_until=_embargo(entry),
        expires=parse_moment(_said(entry, _EXPIRY) or ""),
    )


def _said(given: Mapping[str, Any], endings: tuple[str, ...]) -> str | None:
    """The value of a key of PRISM or of a house extension, told by the end of its name."""
    for key, value in given.items():
        if re.sub(r"[^a-z]", "", str(key).lower()).endswith(endings):
            return _line(value)
    return None


def _embargo(given: Mapping[str, Any]) -> datetime | date | None:
    """When it ends; one that cannot be read never does: what may not be shown is not guessed."""
    said = _said(given, ("embargo", "embargodate", "embargountil", "embargoed"))
    return (parse_moment(said) or date.max) if said else None


def _marked_up(entry: Any, name: str, *, lines: bool = False) -> str | None:
    """A text that may be HTML, as plain text: of one line, or with its paragraphs."""
    value = _text(entry.get(name) if name in entry else None)
    if value and "html" in (entry.get(f"{name}_detail") or {}).get("type", ""):
        value = _plain(value)
    return value if lines else _line(value)


def _plain(html: str) -> str | None:
    """The text of a piece of HTML, its blocks as paragraphs."""
    if not re.search(r"[<&]", html):
        return _text(html)
    from lxml import etree
    from lxml.html import fragment_fromstring

    try:
        tree = fragment_fromstring(_text(html) or "", create_parent="div")
    except (etree.LxmlError, ValueError, AssertionError):
        return None
    for node in tree.xpath("//script | //style"):
        node.drop_tree()
    for node in tree.iter(*_BLOCKS):
        node.text = "\n\n" + (node.text or "")
        node.tail = "\n\n" + (node.tail or "")
    lines = (" ".join(line.split()) for line in tree.text_content().split("\n"))
    return _text("\n\n".join(filter(None, lines)))


def _text(value: object) -> str | None:
    return (tidy(value) or None) if isinstance(value, str) else None


def _line(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return " ".join((_text(value) or "").split()) or None


def _lines(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(_line, values))))


def _moment(value: object) -> datetime | date | None:
    """A date that is stated and not of the future: planned ones are not those of the text."""
    moment = parse_moment(str(value)) if isinstance(value, str | int) else None
    return moment if moment and day_start(moment) <= datetime.now(UTC) + _LATEST else None


def _address(value: object, base: str) -> str | None:
    """A link as a web address; None where it is anything else."""
    text = _line(value)
    try:
        return str(checked(urljoin(base, text))) if text else None
    except (InputError, ValueError):
        return None
