"""Who is quoted in an article, directly or in reported speech.

>>> text = 'Finance Minister Ida Moravec spoke. “We wait,” she told the Herald. “Then we act.”'
>>> [(text[q.start : q.end], q.speaker) for q in quotations(text)]
[('We wait,', 'Ida Moravec'), ('Then we act.', 'Ida Moravec')]

Rules over the marks, a closed list of reporting verbs and the names of the article; no parser.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache

from ...index.chunk import sentence_spans
from .claims import SAYS, Claim, claims_of
from .marks import Mark, as_written, marks, masked
from .people import NAME, Scene, bare, full

_AROUND = 4000  # characters before and after a span that are read for its speaker
_LONGEST = 1000  # characters of a sentence; more is cut
_STANCE = {"deny": "denied", "allege": "alleged", "claim": "alleged", "accuse": "alleged"}
_STANCE |= {"confirm": "confirmed"}
_ONLY_DIRECT = frozenset({"thank", "ask", "call", "describe", "quote", "answer", "continue", "add"})
_LETTER = re.compile(r"[^\W_Ƣ]")
_TITLE = re.compile(r"\b(?:known as|so-called|titled|entitled|named|words?|credit|heading)\s$")
_THAT = re.compile(
    r"(?:\s(?:to|in|on|at|late|early|earlier|again|last|this|\w+day|yesterday|during|after|before)"
    r"\b[^Ƣ,;]{0,60}?)?\sthat\s"
)
_TOLD_THAT = re.compile(r"[^Ƣ,;]{0,60}?\bthat\s")
_GOES_ON = re.compile(
    r",\s(?!\w+ing\b|(?:which|who|and|but|while|after|as|when|because|or|so)\b)"
    r"(?=(?:[\w’'-]+\s){2})"
)
_VERB_NEXT = re.compile(r",\s(?=(?:is|are|was|were|has|have|had|will|would|can|could|should)\b)")
_SIGNED = re.compile(rf"[.\s]*[—–]\s?({NAME})(?:,[^Ƣ\n]*)?[.\s]*(?:\n|$)")


@dataclass(frozen=True, slots=True)
class Quoted:
    """Words that an article gives as somebody's, and whose they are."""

    start: int
    end: int  # text[start:end] are the words, in code points, without the marks
    speaker: str  # the full name where the article gives one, else as written: "the ministry"
    channel: str | None  # as written: "a post on Telegram", "her spokesman Jan Rell"
    is_direct: bool  # in quotation marks
    reported_by: str | None  # who says that the speaker said so
    stance: str  # said | alleged | denied | confirmed


def quotations(text: str, start: int = 0, end: int | None = None) -> list[Quoted]:
    """The quotations and reported statements that touch `text[start:end]`, by their start.

    Words in marks without a speaker (titles, scare quotes) are left out. A reported statement may
    contain a direct quotation. Of a long text only the paragraphs within 4000 characters are read
    for pronouns and channels, but names are looked up in all of it.
    """
    end = len(text) if end is None else end
    left, right = max(0, start - _AROUND), min(len(text), end + _AROUND)
    left = text.rfind("\n", max(0, left - _AROUND), left) + 1 or left
    right = max(right, text.find("\n", right, right + _AROUND))
    found = _read(text, left, right)
    return [quoted for quoted in found if quoted.start < end and quoted.end > start]


@lru_cache(maxsize=2_000)
def speaker_of(text: str, start: int, end: int) -> Quoted | None:
    """Whose words fill most of `text[start:end]`, counted in letters and digits.

    Where statements contain each other the inner one counts. None where the outlet's own words are
    most or two speakers have the same share.
    """
    found = sorted(quotations(text, start, end), key=lambda quoted: quoted.start - quoted.end)
    owner: list[Quoted | None] = [None] * (end - start)
    for quoted in found:  # the longest first, so that inner ones write over it
        left, right = max(quoted.start, start) - start, min(quoted.end, end) - start
        owner[left:right] = [quoted] * (right - left)
    letters = [at for at in range(end - start) if _LETTER.match(text, start + at)]
    share = Counter(own.speaker if (own := owner[at]) else None for at in letters)
    ranked = share.most_common(2)
    if not ranked or ranked[0][0] is None or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None
    words = Counter(own for at in letters if (own := owner[at]) and own.speaker == ranked[0][0])
    return words.most_common(1)[0][0]


def _read(text: str, left: int, right: int) -> list[Quoted]:
    """The quotations of text[left:right]."""
    signs = marks(text[left:right])
    scene = Scene(text, masked(text[left:right], signs, SAYS.search))
    starts = [mark.start for mark in signs]
    found, owner, last = list[Quoted](), dict[int, Claim](), None
    for start, end in sentence_spans(scene.part, 0, len(scene.part), longest=_LONGEST):
        claims = claims_of(scene, start, end)
        inside = signs[bisect_left(starts, start) : bisect_right(starts, end)]
        is_bare = not claims and not _LETTER.search(scene.part, start, end)
        for mark in inside:
            claim = _signed(scene, mark) or (last if is_bare else _claim_on(scene, mark, claims))
            owner |= {mark.start: claim} if claim else {}
        taken = [owner[mark.start] for mark in inside if mark.start in owner]
        last = [last, *claims[-1:], *taken][-1]
        found += [q for claim in claims for q in _indirect(scene, claim, claims, start, end)]
    groups = {mark.group: owner[mark.start] for mark in signs if mark.start in owner}
    for mark in signs:
        if claim := owner.get(mark.start) or groups.get(mark.group):
            found.append(_quoted(claim, mark.start, mark.end, is_direct=True))
    found = [replace(q, start=q.start + left, end=q.end + left) for q in found]
    return sorted(found, key=lambda quoted: (quoted.start, quoted.end))


def _signed(scene: Scene, mark: Mark) -> Claim | None:
    """The name with a dash that stands behind words in marks."""
    signed = _SIGNED.match(scene.part, mark.end + 1)
    name = full(scene, bare(signed[1])) if signed else ""
    return Claim(mark.end, mark.end, name, "say", True) if name else None


def _claim_on(scene: Scene, mark: Mark, claims: list[Claim]) -> Claim | None:
    """The claim that gives words in marks to a speaker."""
    for claim in claims:
        between = scene.part[mark.end + 1 : claim.start]
        if claim.start > mark.end and not between.strip(" ,.\n—–-"):
            return claim
    if _TITLE.search(scene.part[max(0, mark.start - 30) : mark.start - 1]):
        return None
    before = [claim for claim in claims if claim.end <= mark.start]
    behind = [claim for claim in claims if claim.start >= mark.end and claim.is_behind]
    return before[-1] if before else behind[0] if behind else None


def _indirect(
    scene: Scene, claim: Claim, claims: list[Claim], left: int, right: int
) -> list[Quoted]:
    """The reported words before and behind a claim that are not in marks."""
    text, behind = scene.part, scene.part[claim.end : right]
    if claim.verb in _ONLY_DIRECT and claim.verb != "add":
        return []
    later = [other.start for other in claims if other.start > claim.start]
    if claim.verb == "accord" and _LETTER.search(behind):
        spans = [(left if claim.is_behind else claim.end, right)]
    elif claim.is_behind:
        spans = [(max(left, text.rfind(";", left, claim.start) + 1), claim.start)]
        goes_on = _VERB_NEXT if SAYS.match(text, claim.start) else _GOES_ON
        if not later and (rest := goes_on.match(text, claim.end, right)):
            spans.append((rest.end(), right))
    else:
        that = (_TOLD_THAT if claim.verb == "tell" else _THAT).match(behind)
        if not that and re.search(r"Ƣ\.?[\s,]*$", text[left : claim.start]):
            return []  # "...," he said in an interview
        start = claim.end + (that.end() if that else 0)
        others = [c.start for c in claims if c.start > claim.start and not c.reported_by
                  and not c.is_behind and c.speaker != claim.speaker]  # fmt: skip
        spans = [(start, min(right, *others, start + len(text[start:right].split(";")[0])))]
    spans = [_trimmed(text, *span) for span in spans]
    return [_quoted(claim, *at, is_direct=False) for at in spans if _LETTER.search(text, *at)]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    end = start + len(text[start:end].rstrip(" ,.;\n—"))
    return end - len(text[start:end].lstrip(" ,:\n")), end


def _quoted(claim: Claim, start: int, end: int, *, is_direct: bool) -> Quoted:
    stance = _STANCE.get(claim.verb, "said")
    speaker, channel, teller = (
        part and as_written(part) for part in (claim.speaker, claim.channel, claim.reported_by)
    )
    return Quoted(start, end, speaker or "", channel, is_direct, teller, stance)
