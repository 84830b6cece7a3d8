"""Cuts XML and JSON files into the articles that they hold, by what they are, not by their name.

>>> [(_, load)] = json_parts(b'{"headline": "Ferry burns", "text": "Nobody was hurt."}')
>>> load("ferry.json").title
'Ferry burns'
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from lxml import etree

from ...errors import InputError
from ..article import Article
from .html import read_html
from .newsml import news_items, read_newsitem
from .ninjs import is_ninjs, read_ninjs
from .nitf import read_nitf
from .records import NAMES, parsed, to_article
from .xml import parse

Part = tuple[bytes, Callable[[str], Article]]
"its bytes, and what makes the article of it, given an id to fall back on (raises InputError)"

_FEED = "a feed, and no article: it is for `byline follow add`"
_NO_ARTICLES = {
    **dict.fromkeys(("rss", "feed", "RDF"), _FEED),
    **dict.fromkeys(("urlset", "sitemapindex"), "a sitemap: it is for `byline follow add`"),
    "schema": "an XML schema",
    "svg": "a drawing",
}


def xml_parts(raw: bytes) -> list[Part]:
    """The articles of NewsML-G2, NITF or XHTML. InputError: what the file is instead."""
    root = parse(raw)
    if root.tag == "nitf":
        return [(raw, partial(read_nitf, root))]
    if root.tag == "html":
        return [(raw, partial(read_html, raw))]
    if root.tag == "newsMessage" or root.tag.endswith("Item"):
        items = news_items(root)
        return [(etree.tostring(item), partial(read_newsitem, item)) for item in items]
    what = _NO_ARTICLES.get(root.tag) or f"XML of an unknown kind (<{root.tag}>)"
    raise InputError(f"it is {what}; NewsML-G2, NITF and XHTML are read")


def json_parts(raw: bytes) -> list[Part]:
    """The articles of a JSON object or array: ninjs, or Byline's own records."""
    found = parsed(raw)
    if not isinstance(found, list):
        return [(raw, partial(_read_object, found))]
    if not found:
        raise InputError("its array is empty")
    try:
        return [(json.dumps(part).encode(), partial(_read_object, part)) for part in found]
    except RecursionError:
        raise InputError("it is nested too deeply") from None


def _read_object(record: Any, fallback_id: str) -> Article:
    if not isinstance(record, Mapping):
        raise InputError("an article as a JSON object is expected")
    if is_ninjs(record):
        return read_ninjs(record, fallback_id)
    names = {str(key).strip().lower() for key in record}
    if names.isdisjoint(NAMES["text"]):
        is_feed = str(record.get("version")).startswith("https://jsonfeed.org/")
        schema = "a JSON schema" if "$schema" in names else "JSON of an unknown kind"
        what = _FEED if is_feed else schema
        raise InputError(f"it is {what}; ninjs (with a uri) and records with a text are read")
    return to_article(record, fallback_id)
