"""What is said of an article's worth: by itself, its source, another article, or a person.

>>> own(Article(id="a", text="It rained.", status="Retracted")).kind
'retracted'
"""

import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .article import Article, Notice, from_iso
from .words import words

_ANNOUNCES = re.compile(
    r"\W*(?:(?P<retracted>retraction|withdrawal)|corrections?|clarifications?)"
    r"(?:\s+notice)?\s*(?:[:—–]|\s-\s)\s*(?P<rest>.*)",
    re.I | re.S,
)
_PIECE = r"(?:[\w.]+ ){0,3}(?:article|story|report|piece|column|post)\b"
_THIS, _OURS = (re.compile(rf"\b{one} {_PIECE}", re.I) for one in ("this", "our"))
_QUOTED = re.compile(r"“([^”]+)”|\"([^\"]+)\"")
_NAMED = re.compile(r"(?:articles?|story|report|piece|headlined?|titled|entitled)\W*$", re.I)
_ADDRESS = re.compile(r"https?://[^\s<>\"”)\]]+[^\s<>\"”)\].,;:]")
_BEFORE_QUOTE = 40  # characters
_SHORTEST_HEADLINE = 3  # words
_LONGEST_SAID = 300  # characters
_SHORTEST_LEAD = 8  # words: a byline or dateline has fewer
_SIGNALS = {"retract": "retracted", "withdr": "retracted", "correct": "corrected"}
_OF_SOURCE = {"retracted": "Retracted by its source.", "corrected": "Corrected by its source."}


@dataclass(frozen=True, slots=True)
class Announcement:
    """An article that corrects or retracts another of its outlet."""

    kind: str
    "corrected | retracted"
    said: str
    headlines: frozenset[str]
    "that it names, as `folded`"
    addresses: frozenset[str]

    def names(self, article: Article) -> bool:
        """Whether it is this article that is meant."""
        return folded(article.title or "") in self.headlines or not self.addresses.isdisjoint(
            {article.id, article.url}
        )


def announced(article: Article) -> Announcement | None:
    """What an article with a headline like "Retraction: ..." announces; None: it is another.

    It names an article by its headline behind its own label, or, in its first paragraph or one that
    is a notice, by its headline in quotation marks behind a word like article, or by its address.
    """
    label = _ANNOUNCES.match(article.title or "")
    if not label:
        return None
    lines = article.text.split("\n")
    first = next((line for line in lines if len(line.split()) >= _SHORTEST_LEAD), lines[0])
    told = [first, *(_marked(article, mark) for mark in article.marks if mark.kind in _KINDS)]
    headlines = {folded(label["rest"])}
    for paragraph in (article.title or "", *told):
        for quoted in _QUOTED.finditer(paragraph):
            if _NAMED.search(paragraph[max(0, quoted.start() - _BEFORE_QUOTE) : quoted.start()]):
                headlines.add(folded(quoted[1] or quoted[2]))
    return Announcement(
        "retracted" if label["retracted"] else "corrected",
        _shortened(first, min(_LONGEST_SAID, article.excerpt_limit or _LONGEST_SAID)),
        frozenset(one for one in headlines if len(one.split()) >= _SHORTEST_HEADLINE),
        frozenset(_ADDRESS.findall(" ".join(told))) - {article.id, article.url or ""},
    )


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rpartition(' ')[0]}…"


_KINDS = {"retraction": "retracted", "correction": "corrected"}


def folded(headline: str) -> str:
    """A headline by its words: case, accents and punctuation aside."""
    return " ".join(words(headline))


def own(article: Article) -> Notice | None:
    """The retraction or, where there is none, the last correction that an article carries itself.

    In its status, in what its source gave beside the text (`correction`, `retraction`, `signal`),
    or in its text. What it announces of another article is not its own.
    """
    status = (article.status or "").casefold()
    told = dict(_declared(article.extra))
    if status in _RETRACTED or re.match(r"\W*retracted\s?:", article.title or "", re.I):
        told["retracted"] = ""
    if not _ANNOUNCES.match(article.title or ""):
        for mark in article.marks:
            said = " ".join(_marked(article, mark).split())
            if mark.kind == "correction" or (
                mark.kind == "retraction" and _of_itself(article, said)
            ):
                told[_KINDS[mark.kind]] = said
    for kind in ("retracted", "corrected"):
        if kind in told:
            return Notice(kind, told[kind] or _OF_SOURCE[kind], article.updated)
    return None


_RETRACTED = ("retracted", "withdrawn")


def _declared(extra: Mapping[str, Any]) -> "list[tuple[str, str]]":
    """Kind and text of what a source says beside the text, in the shapes of JSON-LD and IPTC."""
    found = []
    for key, value in extra.items():
        name = key.casefold()
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):  # https://schema.org/CorrectionComment
                one = one.get("text") or one.get("description") or one.get("qcode")
            text = one.strip() if isinstance(one, str) else ""
            told = text if name in ("signal", "signals") else name if one else ""
            kind = next(
                (kind for stem, kind in _SIGNALS.items() if re.search(rf"\b{stem}", told)), None
            )
            if kind and name in ("signal", "signals"):
                found.append((kind, ""))
            elif kind and name in ("correction", "corrections", "retraction", "retracted"):
                found.append((kind, text if " " in text and not _ADDRESS.match(text) else ""))
    return found


def _marked(article: Article, mark: Any) -> str:
    return article.text[mark.start : mark.end]


def _of_itself(article: Article, said: str) -> bool:
    """Whether a marked retraction is of the article that it stands in."""
    if _THIS.search(said):
        return True
    if quoted := [folded(match[1] or match[2]) for match in _QUOTED.finditer(said)]:
        return folded(article.title or "") in quoted
    return bool(_OURS.search(said) or re.match(r"\W*retract", said, re.I))


def standing(article: Article, held: str | None) -> Notice | None:
    """What counts of an article's own notice and those that are held of it (`articles.notice`).

    A person has the first word, a retraction comes before a correction.
    """
    told = own(article)
    if not held:
        return told
    notes = json.loads(held)
    if hand := notes.get("hand"):
        if hand["kind"]:
            return _notice(hand)
        told = told if told and told.kind != "retracted" else None
        return told
    other = _notice(notes["other"]) if "other" in notes else None
    return min(filter(None, (told, other)), key=lambda one: one.kind != "retracted", default=None)


def _notice(held: Mapping[str, Any]) -> Notice:
    if (held.get("until") or math.inf) <= time.time():  # what said it has expired
        held = {"kind": held["kind"], "date": held["date"]}
    said = held.get("text") or _OF_SOURCE[held["kind"]]
    return Notice(held["kind"], said, from_iso(held.get("date")), held.get("link"))
