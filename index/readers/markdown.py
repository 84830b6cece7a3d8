r"""Reads an article from Markdown: facts from YAML front matter, text as its readers see it.

>>> raw = b"---\ntitle: Ferry burns\nsource: Gazette\n---\nNobody was *hurt* in the [fire](/fire)."
>>> article = read_markdown(raw, "ferry.md")
>>> article.outlet, article.text
('Gazette', 'Nobody was hurt in the fire.')
"""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ...errors import InputError
from ..article import Article
from ..clean import decode, tidy
from .records import to_article

_FRONT_MATTER = re.compile(
    r"\s*---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*\r?(?:\n|\Z)", re.DOTALL | re.MULTILINE
)
_HIDDEN_BLOCKS = ("<!--", "<script", "<style")
_TAG = re.compile(r"<!--(?:(?!<!--).)*?-->|</?[a-z][^<>]*>", re.DOTALL | re.IGNORECASE)
_LINES = ("list_item_close", "tr_close", "thead_close", "tbody_close")
_PARSER = MarkdownIt("commonmark").enable("table")


class _Loader(yaml.SafeLoader):
    """YAML without aliases: a few lines of them can stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not read: write the value out")
        return super().compose_node(parent, index)


def read_markdown(raw: bytes, fallback_id: str) -> Article:
    """The article of a Markdown file. InputError: its front matter is broken, or it has no text."""
    source = decode(raw)
    facts: Mapping[str, Any] = {}
    if front_matter := _FRONT_MATTER.match(source):
        facts = _load(front_matter[1])
        source = source[front_matter.end() :]
    return to_article({**facts, "text": plain(source)}, fallback_id)


def _load(front_matter: str) -> Mapping[str, Any]:
    try:
        facts = yaml.load(front_matter, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"its front matter is not valid YAML: {reason}") from error
    if not isinstance(facts, Mapping | None):
        raise InputError("its front matter must be lines of the form 'key: value'")
    return facts or {}


def plain(markdown: str) -> str:
    r"""Markdown as its reader sees it: no marks, addresses, images or comments; blocks are kept.

    >>> plain("# Ferry\n\nIt *burned*:\n\n- on Monday\n- on [Tuesday](/b)\n\n> Nobody was hurt.")
    'Ferry\n\nIt burned:\n\n- on Monday\n- on Tuesday\n\nNobody was hurt.'
    """
    written = ["\n"]
    for token in _PARSER.parse(markdown):
        if piece := _block(token, at_line_start=written[-1].endswith("\n")):
            written.append(piece)
    return tidy("".join(written))


def _block(token: Token, *, at_line_start: bool) -> str:
    match token.type:
        case "inline":
            return "".join(map(_inline, token.children or ()))
        case "fence" | "code_block":
            return f"{token.content}\n\n"
        case "html_block":
            hidden = token.content.lstrip().lower().startswith(_HIDDEN_BLOCKS)
            return "\n\n" if hidden else f"{unescape(_TAG.sub('', token.content))}\n\n"
        case "list_item_open":
            return f"{token.info}{token.markup if token.info else '-'} "
        case "td_open" | "th_open":
            return "" if at_line_start else " | "
    if token.nesting >= 0 or token.type in ("td_close", "th_close"):
        return ""
    if token.hidden or token.type in _LINES:
        return "" if at_line_start else "\n"
    return "\n\n"


def _inline(token: Token) -> str:
    match token.type:
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "html_inline":
            return "\n" if token.content.lower().startswith("<br") else ""
        case "image":
            return ""
    return token.content
