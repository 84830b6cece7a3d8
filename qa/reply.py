"""Reads what a model replied, whole or while it comes: sentences and the passages they stand on.

    reader = StatementReader()
    for piece in pieces:
        for said, numbers, gap in reader.feed(piece): ...
    last = reader.close()
    sentences, notes = read_reply(text, hits)

Where a sentence ends is decided by the text up to the third character of the next one and by
nothing later, so that a reply gives the same sentences however it is cut into pieces.
"""

import re
from collections.abc import Iterator, Sequence

from ..index.article import day_of
from ..index.chunk import sentence_spans
from ..index.clean import tidy
from ..index.words import stems
from .cite import Sentence, Source
from .retrieve import Hit

Cited = tuple[str, list[int], str]
"a sentence without its numbers, the numbers, and the gap in front of it"
Mended = tuple[int, int, int]
"how many citations were repaired and removed, and whether none is left"

_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.S)  # of models that reason aloud
_TAG_BEGUN = re.compile(r"<(?:t(?:h(?:i(?:n(?:k)?)?)?)?)?\Z")
_LABEL = re.compile(r"\W*answer\s*:\s*(?:\*+\s*)?", re.I)
_LABEL_BEGUN = re.compile(r"\W*answer\s*(?::\s*\**\s*)?\Z", re.I)
_LEAD = re.compile(r"\W*")
_KNOWN_AFTER = len("NO ANSWER") + 1  # characters of a reply that tell whether it is a refusal
_REFUSAL = re.compile(r"\W*NO[ _]ANSWER\b")
_NO_ANSWER = re.compile(r"\W*(?:NO[ _]ANSWER\b.*|(?i:no[ _]answer)\W*)", re.S)
# [3], [1, 2], [1][2], [1-3], [Passage 2], [^1], [1](address), and the brackets of some models.
_GROUP = (
    r"[\[【［]\^?(?:(?:passages?|sources?|no\.?)[^\S\n]*)?"
    r"(?P<n>\d+(?:[^\S\n]*(?:[,;&–-]|and)[^\S\n]*\d+)*)"
    r"[^\[\]【】［］\d\n]{0,10}[\]】］](?:\([^()\s]*\))?"
)
_NUMBERS = re.compile(rf"\s*{_GROUP}", re.I)
_MARK = re.compile(r"\s*(?:\((\d{1,2})\)|\^(\d{1,2}))(?=\W*\Z)")  # (1), ^1 where nothing else is
_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"]
_IN_PASSAGE = re.compile(  # what some models write in the place of [1]; no reader knows their order
    rf"\A(?:in|from|according to) (?:(?:the )?({'|'.join(_ORDINALS)}) passage|passage (\d{{1,2}}))"
    r",\s+(?:it (?:is|was) (?:said|stated|mentioned|reported) that\s+)?",
    re.I,
)
_TAIL = rf"(?:\s|{_GROUP.replace('?P<n>', '?:')})*+"
_STOP = re.compile(rf"(?P<stop>[.!?…。！？]++[\"”’»')*_]*+|(?=\n))(?P<tail>{_TAIL})", re.I)
# What stands behind a stop and may yet become a number, or a number's address.
_OPEN = re.compile(r"[\[【［][^\[\]【】［］\n]*\Z|(?<=[\]】］])\([^()\s]*\Z")
_SEEN = 3  # characters of the next sentence that are looked at
_OPENERS = "\"“‘'«([*_"
_BULLET = re.compile(r"[ \t]*(?:[-*•>]|#{1,6}|\d{1,2}[.)])[ \t]+")
_TABLE_RULE = re.compile(r"\|[ ]?[:-]")
_LONGEST_QUOTATION = 400  # characters behind which a quotation mark counts as never closed
_LONGEST_RANGE = 10
_VANISHES = re.compile(  # pictures, tags, and what makes words bold
    r"!\[[^\]]*\]\([^)]*\)?|<[a-z/!][^>]*>|`{3,}\w*|\*\*|__|!+(?=\[)", re.I
)
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")
_LINK_LEFT = re.compile(r"\](?=[(:])")  # of any other form: with a space behind it it is none


class StatementReader:
    """Fed with the pieces of a reply, gives each sentence as soon as the next one has begun."""

    def __init__(self) -> None:
        self._raw = ""
        self._begun = self._is_refusal = False
        self._start = self._from = 0  # of the sentence, and where its end is looked for
        self._gap = " "
        self._is_line = True  # whether the sentence begins a line

    def feed(self, piece: str) -> list[Cited]:
        """The sentences that this piece ends."""
        self._raw += piece
        return list(self._read(_TAG_BEGUN.sub("", self._raw), is_whole=False))

    def close(self) -> list[Cited]:
        """What is left when nothing more comes."""
        return list(self._read(self._raw, is_whole=True))

    def _read(self, raw: str, *, is_whole: bool) -> Iterator[Cited]:
        text = tidy(_THOUGHTS.sub("", raw))
        if not self._begun and not self._begin(text, is_whole=is_whole):
            return
        if self._is_refusal:
            return
        while found := _STOP.search(text, self._from):
            after = found.end()
            is_open = len(text) - after < _SEEN or _OPEN.match(text, after)
            if is_open and not is_whole:
                return
            if after == len(text):
                break
            self._from = after
            said, seen = text[self._start : found.end("stop")], text[after : after + _SEEN]
            is_line = "\n" in found["tail"]
            if is_line or (found["tail"] or said[-1:] in "。！？") and self._ends(said, seen):
                yield from self._cited(text[self._start : after], seen)
                self._start, self._is_line = after, is_line
                self._gap = "\n" if is_line else self._gap
        if is_whole:
            yield from self._cited(text[self._start :], "")
            self._start = self._from = len(text)

    def _begin(self, text: str, *, is_whole: bool) -> bool:
        """Whether enough is there to tell a label or a refusal."""
        label = _LABEL.match(text)
        start = label.end() if label else 0
        lead = _LEAD.match(text, start)
        is_open = lead is None or len(text) - lead.end() < _KNOWN_AFTER or _LABEL_BEGUN.match(text)
        if is_open and not is_whole:
            return False
        self._begun, self._start, self._from = True, start, start
        self._is_refusal = _REFUSAL.match(text, start) is not None
        return True

    def _ends(self, said: str, seen: str) -> bool:
        """Whether a sentence ends here: not behind an abbreviation, nor within a quotation."""
        if self._is_line and (bullet := _BULLET.match(said)):
            said = said[bullet.end() :]
        elif self._is_line and _BULLET.fullmatch(f"{said} "):
            return False
        said = _NUMBERS.sub("", said).strip()
        last = max(said.rfind("“"), said.rfind('"'))
        is_quoting = said.count("“") > said.count("”") or said.count('"') % 2
        if is_quoting and len(said) - last < _LONGEST_QUOTATION:
            return False
        both = f"{said} {seen.lstrip(_OPENERS) or seen}"
        return any(end == len(said) for _, end in sentence_spans(both, 0, len(both)))

    def _cited(self, shown: str, seen: str) -> Iterator[Cited]:
        if self._is_line and (bullet := _BULLET.match(shown)):
            shown = shown[bullet.end() :]
        is_row = shown.startswith("|")
        if is_row and _TABLE_RULE.match(seen):  # the head of a table says nothing
            return
        shown = _VANISHES.sub("", shown)
        numbers = [n for found in _NUMBERS.finditer(shown) for n in _expand(found["n"])]
        said = _LINK_LEFT.sub("] ", unmarked(shown))
        said = said.strip(" |\n\t" if is_row else None)
        if not numbers:
            numbers = [int(found[1] or found[2]) for found in _MARK.finditer(said)]
            said = _MARK.sub("", said)
        if not numbers and (named := _IN_PASSAGE.match(said)):
            numbers = [int(named[2] or _ORDINALS.index(named[1].lower()) + 1)]
            said = said[named.end() :][:1].upper() + said[named.end() + 1 :]
        if re.search(r"\w", said) and not _NO_ANSWER.fullmatch(said):
            yield said, numbers, self._gap
            self._gap = " "


def unmarked(text: str) -> str:
    """A text without numbers of citations, pictures, tags and what makes links and bold words."""
    said, before = _NUMBERS.sub("", text), ""
    while said != before:  # what is taken out may bring together what it stood between
        said, before = _VANISHES.sub("", _LINK.sub(r"\1", said)), said
    return said


def cited_sentences(text: str) -> Iterator[Cited]:
    """Sentences without their numbers, the numbers, and the gap in front of each."""
    reader = StatementReader()
    yield from reader.feed(text)
    yield from reader.close()


def read_reply(text: str, hits: Sequence[Hit]) -> tuple[list[Sentence], list[str]]:
    """The sentences of a reply with their sources (none where it says that there is no answer).

    Also notes of what was mended: see `attach`.
    """
    attached = [attach(cited, hits) for cited in cited_sentences(text)]
    return [sentence for sentence, _ in attached], noted([mended for _, mended in attached])


def attach(cited: Cited, hits: Sequence[Hit]) -> tuple[Sentence, Mended]:
    """One sentence of a reply with its sources, and what was mended.

    A number beyond the passages, or a missing one, is replaced by the passage that holds most of
    the sentence's words, where there is one, else it is left out. Sources are narrowed to the
    sentences of the passage that carry the statement.
    """
    said, numbers, gap = cited
    valid = [n for n in numbers if 1 <= n <= len(hits)]
    removed, is_repaired = len(numbers) - len(valid), False
    if not valid and (found := _carrier(said, hits)):
        valid, removed, is_repaired = [found], 0, True
    sources = [source for n in dict.fromkeys(valid) for source in narrow(said, hits[n - 1])]
    return Sentence(said, tuple(sources), gap=gap), (int(is_repaired), removed, int(not valid))


def noted(mended: Sequence[Mended]) -> list[str]:
    """Notes of what was mended in all sentences of a reply."""
    what = (
        "without a valid citation now cites the passage that holds its words",
        "citation that pointed to no passage was removed",
        "sentence cites no passage",
    )
    totals = [sum(counts) for counts in zip(*mended, strict=True)]
    return [f"{total} × {said}" for total, said in zip(totals, what, strict=False) if total]


def _expand(numbers: str) -> list[int]:
    found = [int(digits[:6]) for digits in re.findall(r"\d+", numbers)]
    is_range = re.fullmatch(r"\d+\s*[–-]\s*\d+", numbers)
    if is_range and 0 < found[1] - found[0] <= _LONGEST_RANGE:
        return list(range(found[0], found[1] + 1))
    return found


# A passage carries a sentence when it, or its date, holds all its numbers and this share of its
# words; where there are numbers, less will do.
_CARRIES, _CARRIES_NUMBERS = 0.7, 0.5
_NARROWED_TO = 2  # sentences of a passage that one statement may need


def _carrier(said: str, hits: Sequence[Hit]) -> int | None:
    wanted = set(stems(said))
    digits = set(re.findall(r"\d+", said))
    shares = {
        number: len(wanted & set(stems(hit.text))) / len(wanted)
        for number, hit in enumerate(hits, 1)
        if wanted and digits <= set(re.findall(r"\d+", hit.text)) | _dated(hit)
    }
    best = max(shares, key=lambda number: (shares[number], -number), default=None)
    enough = _CARRIES_NUMBERS if digits else _CARRIES
    return best if best is not None and shares[best] >= enough else None


def _dated(hit: Hit) -> set[str]:
    day = hit.published and day_of(hit.published)
    return {str(day.day), str(day.year)} if day else set()


def narrow(said: str, hit: Hit) -> list[Source]:
    """The sentences of a passage that share most words with a statement, at most two."""
    article = hit.article
    spans = sentence_spans(article.text, hit.start, hit.end, article.language)
    wanted = set(stems(said))
    held = {span: wanted & set(stems(article.text[slice(*span)])) for span in spans}
    chosen: list[tuple[int, int]] = []
    covered: set[str] = set()
    for _ in range(_NARROWED_TO):
        best = max(spans, key=lambda span: (len(held[span] - covered), -span[0]))
        gained = held[best] - covered
        if chosen and len(gained) < max(2, len(wanted) / 4):
            break
        chosen.append(best)
        covered |= gained
    return [Source(hit, *span) for span in sorted(chosen)]
