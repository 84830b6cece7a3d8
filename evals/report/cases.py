"""The part of a report about each case: its answers and passages, with what matters marked.

for entry in entries_of(sheets):
    entry.said("It will cost 4.2 million."), entry.kinds
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from markupsafe import Markup

from ..case import Case
from ..match import says
from ..record import Record
from ..response import Cited, Passage, Response, Said
from .sheet import Sheet

_NUMBERS = re.compile(r"((?:\s*\[\d+(?:\s*,\s*\d+)*\])+)")
_Kinds = Sequence[tuple[str, re.Pattern[str] | None]]


@dataclass(frozen=True, eq=False)
class Entry:
    """A case and what each system gave for it."""

    case: Case
    given: list[tuple[Sheet, list[Record]]]

    @cached_property
    def kinds(self) -> set[str]:
        """What the filters of the page look for."""
        found = {record.grade for _, records in self.given for record in records}
        if any(not sheet.right(record) for sheet, records in self.given for record in records):
            found.add("notright")
        if len({tuple(record.grade for record in records) for _, records in self.given}) > 1:
            found.add("differ")
        return found

    @cached_property
    def _expected(self) -> list[str]:
        sides = [said for position in (self.case.disagreement or ()) for said in position.answers]
        return [said for group in self.case.wanted for said in group] + sides

    @cached_property
    def _words(self) -> _Kinds:
        kinds = {"expected": self._expected, "forbidden": self.case.must_not_say}
        return [(kind, _pattern(said, r"(?<!\w)", r"(?!\w)")) for kind, said in kinds.items()]

    @cached_property
    def _evidence(self) -> re.Pattern[str] | None:
        return _pattern(self.case.evidence)

    def said(self, text: str) -> Markup:
        """A piece of an answer with what is expected, and what is forbidden, marked.

        Where an expected answer is said in other words, the whole piece is marked.
        """
        case = self.case
        is_marked = any(pattern.search(text) for _, pattern in self._words if pattern)
        is_said = (says(text, one, case.tolerance, case.question) for one in self._expected)
        if not is_marked and any(is_said):
            return _marked(text, [("meant", re.compile(r"\S(?:.*\S)?", re.S))])
        return _marked(text, self._words)

    def quoted(self, text: str) -> Markup:
        """A quote or passage with the evidence and the expected answers marked."""
        return _marked(text, [("evidence", self._evidence), *self._words])

    def ranks(self, hits: Iterable[Passage]) -> list[int]:
        """At which ranks a passage has evidence."""
        evidence = self._evidence
        return [n for n, hit in enumerate(hits, 1) if evidence and evidence.search(hit.text)]


def entries_of(sheets: Sequence[Sheet]) -> list[Entry]:
    """Every case that any of the systems was to be asked."""
    cases = {case.id: case for sheet in sheets for case in sheet.run.cases}
    return [
        Entry(case, [(sheet, sheet.by_case.get(case.id, [])) for sheet in sheets])
        for case in cases.values()
    ]


def sentences(response: Response) -> Iterator[Said]:
    """The sentences of an answer without the numbers at their ends, which are shown as chips.

    Of a system that does not list its sentences, the pieces between its numbers.
    """
    if response.statements is not None:
        for said in response.statements:
            marks = re.escape("".join(f"[{number}]" for number in said.citations))
            text = re.sub(rf"\s*{marks}(?=[.!? ]*$)", "", said.text) if marks else said.text
            yield replace(said, text=text)
        return
    pieces = _NUMBERS.split(response.text)
    for text, marks in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        numbers = tuple(dict.fromkeys(int(n[:9]) for n in re.findall(r"\d+", marks)))
        if text.strip() or numbers:
            yield Said(text, citations=numbers)


def link(cited: Cited | Passage) -> str | None:
    """An address that is safe to follow; None for any that is not http(s)."""
    for url in (getattr(cited, "link", None), cited.url):
        if url and re.fullmatch(r"https?://[^\s\\]+", url, re.I):
            return str(url)
    return None


def _pattern(said: Iterable[str], before: str = "", after: str = "") -> re.Pattern[str] | None:
    """Any of these, whatever the case and the white space between words; the longest first."""
    wanted = sorted({tuple(s.split()) for s in said if s.strip()}, key=lambda w: -len(" ".join(w)))
    each = "|".join(r"\s+".join(map(re.escape, words)) for words in wanted)
    return re.compile(f"{before}(?:{each}){after}", re.I) if each else None


def _marked(text: str, kinds: _Kinds) -> Markup:
    """The text, escaped, in pieces that are marked with every kind they belong to."""
    found = [
        (*m.span(), kind) for kind, pattern in kinds if pattern for m in pattern.finditer(text)
    ]
    edges = sorted({0, len(text), *(edge for start, end, _ in found for edge in (start, end))})
    made = Markup()
    for start, end in pairwise(edges):
        of_piece = " ".join(sorted({kind for s, e, kind in found if s <= start and end <= e}))
        marked = Markup('<mark class="{}">{}</mark>').format(of_piece, text[start:end])
        made += marked if of_piece else text[start:end]
    return made
