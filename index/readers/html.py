"""Reads an article from a web page: its text without navigation, and the facts of its metadata.

>>> story = "<h1>Ferry burns</h1><p>Nobody was hurt when a ferry burned on Monday.</p>"
>>> read_html(f"<title>Ferry burns</title><nav>Home</nav>{story}".encode(), "ferry.html").text
'Nobody was hurt when a ferry burned on Monday.'
"""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from itertools import dropwhile
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from ...errors import InputError
from ..address import is_one_site
from ..article import Article
from ..clean import is_prose, marks
from ..dates import parse_moment
from .records import to_article
from .xml import text_of_markup

for _name in ("readability", "trafilatura", "htmldate", "courlan", "justext", "charset_normalizer"):
    logging.getLogger(_name).addHandler(logging.NullHandler())  # else warnings go to stderr

_KINDS = {  # https://schema.org/NewsArticle and its subtypes
    "ReportageNewsArticle": "news",
    "OpinionNewsArticle": "opinion",
    "AnalysisNewsArticle": "analysis",
    "AdvertiserContentArticle": "advertorial",
}
_PUBLISHED = ("article:published_time", "datepublished", "pubdate", "date", "dc.date")
_UPDATED = ("article:modified_time", "datemodified", "og:updated_time")
_SHORTEST_PARAGRAPH = re.compile(r".{40}")  # a page whose lines are all shorter is a menu
_LEAST_KEPT = 0.5  # of a text: where the second opinion sees less, it sees another part of the page
_TEASER_WORDS = 200  # behind a paywall: two such labelled pages are whole, with 420 and 580 words
_LONGEST_NOTICE = 1000  # characters
_NOTICES = "//*[contains(@class, 'correction') or contains(@class, 'editors-note') or \
contains(@class, 'editor-note') or contains(@id, 'correction')]"
_UPDATE = re.compile(r"\W*updated?\b", re.I)
_LINK_LINE = re.compile(  # to another story: "READ MORE: Ferry burns", "Ferry burns [VIDEO]"
    r"\W*(?i:(?:read|see) (?:more|also|next)|also read|related(?: stories)?|don[’']t miss)"
    r"\s*(?::|$)|.{10,120}\[(?:INSIGHT|VIDEO|REACTION|WARNING|NEWS|PICTURES|PICS|PHOTOS|LATEST)\]\W*$"
)
_TABLE_RULE = re.compile(r"\|[|\s:-]+")


def read_html(raw: bytes, fallback_id: str, *, charset: str | None = None) -> Article:
    """The article of a page. InputError: there is none in it, or its facts cannot be used.

    `charset`: what the server said that served it, which wins over what the page says.
    """
    import trafilatura  # takes a tenth of a second, which asking should not wait for
    from trafilatura.settings import Document

    try:
        tree = trafilatura.load_html(_as_text(raw, charset))
        facts = {} if tree is None else _declared(tree)  # before extraction empties the tree
        notices = [] if tree is None else _notices(tree)
        markup = "" if tree is None else etree.tostring(tree, method="html", encoding="unicode")
        page = trafilatura.bare_extraction(
            tree,
            include_comments=False,
            with_metadata=True,
            # of the date what the page declares, never what its text mentions
            date_extraction_params={"extensive_search": False, "original_date": True},
        )
    except Exception as error:  # no page may stop a run, whatever the parsers stumble over
        reason = " ".join(str(error).split())
        raise InputError(f"the page cannot be parsed: {reason}") from error
    text = _paragraphs(page.text or "") if isinstance(page, Document) else ""
    standfirst = facts.pop("standfirst", "")
    text = _agreed(text, _second_opinion(markup), standfirst)
    if not isinstance(page, Document) or not _SHORTEST_PARAGRAPH.search(text):
        raise InputError("no article text was found in the page")
    is_teaser = facts.pop("is_paid", False) and len(text.split()) < _TEASER_WORDS
    missing = [notice for notice in notices if _letters(notice) not in _letters(text)]
    found = {
        "text": "\n\n".join([text, *missing]),
        "title": page.title,
        "outlet": page.sitename,
        "authors": page.author,
        "published": page.date,
        "section": page.categories[0] if page.categories else None,
        # a canonical address without a path is a template's mistake, and would be every page's id
        "url": page.url if urlsplit(page.url or "").path.strip("/") else None,
        "completeness": "teaser" if is_teaser else None,
        "standfirst": standfirst if standfirst not in text else None,
    }
    return to_article(found | {name: fact for name, fact in facts.items() if fact}, fallback_id)


def of_site(article: Article, address: str) -> Article:
    """The article of a page that was found at an address; that is its id where it names no other.

    A page speaks for its own site only: a canonical address on another one is not believed, for
    it would put its text in the place of another outlet's article.
    """
    if article.url is None or not is_one_site(article.url, address):
        return replace(article, id=address, url=address)
    return article


def _as_text(raw: bytes, charset: str | None) -> bytes | str:
    """The page decoded as its server said, or its bytes where that is not said or not true."""
    with suppress(LookupError, ValueError):
        return raw.decode(charset) if charset else raw
    return raw


def _second_opinion(markup: str) -> str:
    """The text that readability finds in a page; empty where it finds none."""
    from readability import Document

    try:
        return text_of_markup(Document(markup).summary()) if markup else ""
    except Exception:  # trafilatura's text stands alone then, as after any other failure
        return ""


def _agreed(text: str, second: str, standfirst: str) -> str:
    """The text from the first to the last paragraph that both extractors found.

    At the head only what is no prose and the declared standfirst goes, never a lede that the
    second misses; notices stay wherever they stand. Chosen on half of the labelled pages
    (bench/extraction.py): F1 .971 becomes .988. The second's text stands in where the first found
    less than half as much.
    """
    if len(text) < len(second) * _LEAST_KEPT:
        return second
    seen, lead = _letters(second), _letters(standfirst)
    lines = text.split("\n\n")
    shared = [n for n, line in enumerate(lines) if (own := _letters(line)) and own in seen]
    if not shared:
        return text
    first, last = shared[0], shared[-1]
    head = [line for line in lines[:first] if is_prose(line) and _letters(line)[:80] not in lead]
    tail = [line for line in lines[last + 1 :] if marks(line) or _UPDATE.match(line)]
    kept = "\n\n".join([*head, *lines[first : last + 1], *tail])
    return kept if len(kept) >= len(text) * _LEAST_KEPT else text


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", text).lower()


def _notices(tree: Any) -> list[str]:
    """The corrections and notes that the page marks up as such, each on one line."""
    told = [" ".join(element.text_content().split()) for element in tree.xpath(_NOTICES)]
    for node in filter(_is_article, _linked_data(tree)):
        told += [f"Correction: {text}" for text in _texts(node.get("correction"))]
    return [line for line in dict.fromkeys(told) if len(line) <= _LONGEST_NOTICE and marks(line)]


def _declared(tree: Any) -> dict[str, Any]:
    """What the page's linked data says of its article, and dates with their time of day."""
    article = next(filter(_is_article, _linked_data(tree)), {})
    published = [article.get("datePublished"), *_contents(tree, _PUBLISHED)]
    updated = [article.get("dateModified"), *_contents(tree, _UPDATED)]
    moments = {"published": _first_moment(published), "updated": _first_moment(updated)}
    if moments["updated"] == moments["published"]:
        moments["updated"] = None
    return moments | {
        "outlet": next(_names(article.get("publisher")), None),
        "authors": list(_names(article.get("author"))),
        "section": next(_names(article.get("articleSection")), None),
        "kind": next(filter(None, map(_KINDS.get, _types(article))), None),
        "language": tree.get("lang"),
        "standfirst": next(iter(_contents(tree, ("description", "og:description"))), ""),
        "is_paid": str(article.get("isAccessibleForFree")).lower() == "false",
    }


def _linked_data(tree: Any) -> Iterator[dict[str, Any]]:
    """The objects of the page's JSON-LD, those in a graph or list one by one."""
    left = []
    for script in tree.xpath("//script[@type='application/ld+json']"):
        with suppress(ValueError):
            left.append(json.loads(script.text_content(), strict=False))
    while left:
        node = left.pop(0)
        if isinstance(node, list):
            left = node + left
        elif isinstance(node, dict):
            yield node
            left.append(node.get("@graph"))


def _types(node: dict[str, Any]) -> list[str]:
    types = node.get("@type")
    return [t for t in (types if isinstance(types, list) else [types]) if isinstance(t, str)]


def _is_article(node: dict[str, Any]) -> bool:
    return any(name.endswith(("Article", "BlogPosting")) for name in _types(node))


def _names(value: object) -> Iterator[str]:
    """The names in a value of JSON-LD: a text, an object with a name, or a list of these."""
    if isinstance(value, str) and value.strip():
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _names(part)
    elif isinstance(value, dict):
        yield from _names(value.get("name"))


def _texts(value: object) -> Iterator[str]:
    """The texts in a value of JSON-LD: a text, an object with a text, or a list of these."""
    for part in value if isinstance(value, list) else [value]:
        told = part.get("text") if isinstance(part, dict) else part
        if isinstance(told, str) and told.strip():
            yield " ".join(told.split())


def _contents(tree: Any, names: tuple[str, ...]) -> list[str]:
    """What the page's meta elements of these names hold, in the order of the names."""
    held: dict[str, str] = {}
    for meta in tree.iter("meta"):
        name = meta.get("property") or meta.get("name") or meta.get("itemprop") or ""
        held.setdefault(name.lower(), meta.get("content") or "")
    return [held[name] for name in names if name in held]


def _first_moment(values: list[Any]) -> datetime | date | None:
    return next(filter(None, (parse_moment(v) for v in values if isinstance(v, str))), None)


def _paragraphs(text: str) -> str:
    """Lines as paragraphs, table rows without their frame, no links to other stories.

    A table at the head is left out: many pages begin with one, and no story does.
    """
    lines = [line.strip() for line in text.split("\n")]
    kept = dropwhile(lambda line: line.startswith("|"), lines)
    rows = (
        line.strip("| ").replace("\\|", "|") if line[:1] == "|" else line
        for line in kept
        if not _TABLE_RULE.fullmatch(line)
    )
    return "\n\n".join(row for row in rows if row and not _LINK_LINE.match(row))
