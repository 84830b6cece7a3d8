"""Whether the passages that a statement cites carry it, and which of their sentences do.

>>> paper = Evidence("Some 25 million people voted. Hale lost.", label="[2]")
>>> verify("30 million people voted.", [paper]).why
"'30 million' is not in [2]; [2] says 'some 25 million'"

What can be checked is checked first: a wrong number, date, name, quotation, speaker or polarity is
a veto. Whether the sense is there is asked of `align.support`, or of a judge where there is one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import prod

from ...index.chunk import sentence_spans
from ...index.embed import Embedder
from ...index.numbers import in_digits
from ...index.words import stem, words
from ..judge import Judge as Judge
from .align import support
from .facts import Facts, Word, facts
from .held import Case, Finding, Held, near
from .vetoes import CHECKS, plain


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage that a statement cites."""

    text: str
    written: date | None = None
    "the article's date, against which its relative dates are read"
    label: str = ""
    "how a reason names it: [2]"
    beside: str = ""
    "outlet, headline, authors, section: names and dates may stand there"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a statement."""

    verdict: str
    "supported | partial | unsupported | contradicted | unchecked"
    score: float | None
    "0 to 1: how likely it is that the evidence supports the statement"
    why: str | None
    "a reason that a reader understands, or the derivation that was used"
    spans: tuple[tuple[int, int, int], ...]
    "(index into evidence, start, end) of the sentences that carry it, in code points"


# Likelihood of the sense from which a statement without a veto is supported; below it the check is
# not sure, unless the passages hold less than this share of the statement's words.
SUPPORTED, SPOKEN_OF = 0.65, 0.34
_OUTRIGHT = 0.75  # likelihood where one sentence says every word
_TELLS = frozenset(map(stem, ("say", "said", "report", "tell", "told", "according")))
_AT_MOST = 3  # sentences that carry one statement
_VETOED, _DOUBTED = 0.3, 0.7  # what a veto, or a doubt, leaves of the score
# What a correction says was wrong is no evidence for it: "An earlier version of this article said
# three", and in that sentence and the next ", not three".
_ERRED = re.compile(
    r"\b(?:an?|our|the) (?:earlier|previous|original) versions? of (?:this|our|the) (?:\w+ ){0,2}?"
    r"(?:article|story|report|column|piece|post|headline)\b(?:[^;.]|\.(?=\d))*",
    re.I,
)
_NOT_SO = re.compile(r", (?:and )?not [^,;.]+(?=[.]?\Z)", re.I)
_RANK = ("contradicted", "unsupported", "partial", "unchecked", "supported")


def checked_by(embedder: Embedder | None, judge: Judge | None) -> str:
    """What `verify` uses: "rules", "rules+minilm", "rules+judge NAME"."""
    if judge is not None:
        return f"rules+judge {judge.name}"
    return "rules" if embedder is None else "rules+minilm"


def verify(
    said: str,
    evidence: Sequence[Evidence],
    *,
    embedder: Embedder | None = None,
    judge: Judge | None = None,
    as_of: date | None = None,
    only_support: bool = False,
) -> Verdict:
    """The verdict on a statement (of several sentences: the worst of theirs).

    `as_of` is the day against which the statement's own relative dates are read. With
    `only_support` whatever a rule refuses is unsupported, without more about it: that is quicker.
    """
    held = [
        Held(
            number, start, end, read, one.text, one.label or "the evidence", one.beside, one.written
        )
        for number, one in enumerate(evidence)
        for start, end, read in _read(one.text, one.written)
    ]
    spans = sentence_spans(said, 0, len(said))
    parts = [said[start:end] for start, end in spans if re.search(r"\w", said[start:end])]
    if not parts or not held:
        return Verdict("unsupported", 0.0, "there is nothing to check it against", ())
    day = as_of or next((one.written for one in evidence if one.written), None)
    found = [_verify(facts(part, day), held, embedder, judge, only_support) for part in parts]
    worst = min(found, key=lambda one: _RANK.index(one.verdict))
    whys = dict.fromkeys(one.why for one in found if one.why and one.verdict == worst.verdict)
    carried = dict.fromkeys(span for one in (worst, *found) for span in one.spans)
    scores = [one.score for one in found if one.score is not None]
    return Verdict(
        worst.verdict,
        round(prod(scores), 4) if scores else None,
        "; ".join(whys) or None,
        tuple(sorted(list(carried)[:_AT_MOST])),
    )


@lru_cache(maxsize=2_000)
def _read(text: str, written: date | None) -> tuple[tuple[int, int, Facts], ...]:
    found, before = [], ""
    for start, end in sentence_spans(text, 0, len(text)):
        said = text[start:end]
        right = _NOT_SO.sub("", said) if _ERRED.search(f"{before} {said}") else said
        found.append((start, end, facts(_ERRED.sub(" ", right), written)))
        before = said
    return tuple(found)


def _verify(
    claim: Facts,
    held: Sequence[Held],
    embedder: Embedder | None,
    judge: Judge | None,
    only_support: bool,
) -> Verdict:
    if verbatim := _verbatim(claim, held):
        return Verdict("supported", 0.99, None, (verbatim.span,))
    carriers = _carriers(claim, held)
    case = Case(claim, carriers, near(carriers, held), held)
    findings = [finding for check in CHECKS for finding in check(case)]
    is_sound = all(finding.verdict == "supported" for finding in findings)
    if only_support and not is_sound:
        return Verdict("unsupported", None, None, ())
    sense, is_judged = _sense(case, embedder, judge)
    unsaid = frozenset[str]().union(*(finding.unsaid for finding in findings))
    if not is_judged and is_sound and _is_outright(claim, carriers, unsaid):
        sense = max(sense, _OUTRIGHT)
    lowered = {"supported": 1.0, "unchecked": _DOUBTED, "partial": _DOUBTED}
    score = sense * prod(lowered.get(finding.verdict, _VETOED) for finding in findings)
    verdict = min((finding.verdict for finding in findings), key=_RANK.index, default="supported")
    if verdict == "supported" and sense < SUPPORTED:
        is_spoken_of = not is_judged and (findings or _share(claim, carriers) >= SPOKEN_OF)
        is_unsure = is_spoken_of or (is_judged and sense > 1 - SUPPORTED)
        verdict = "unchecked" if is_unsure else "unsupported"
    spans = tuple(one.span for one in sorted(carriers, key=lambda one: one.span))
    return Verdict(verdict, score, _why(verdict, findings, carriers), spans)


def _sense(case: Case, embedder: Embedder | None, judge: Judge | None) -> tuple[float, bool]:
    """How likely the sense of a statement is there, and whether the judge said so."""
    if judge:
        premise = "\n\n".join(dict.fromkeys(one.passage for one in case.near))
        judged = judge.support(premise, case.claim.text)
        if judged is not None:
            return judged, True
    cited = {one.number for one in case.carriers}
    texts = [one.read.text for one in case.held if one.number in cited]
    named = {word for name in case.claim.names for word in name.words}
    texts += [one for one in {one.beside for one in case.near} if named & set(plain(one).split())]
    return _aligned(case.claim, texts, embedder), False


def _why(verdict: str, findings: Sequence[Finding], carriers: Sequence[Held]) -> str | None:
    shown = (verdict, "supported") if verdict == "unchecked" else (verdict,)
    whys = [finding.why for finding in findings if finding.verdict in shown]
    if verdict == "unsupported" and not whys:
        whys = [f"{carriers[0].label} does not say so"]
    return "; ".join(dict.fromkeys(whys)) or None


def _is_outright(claim: Facts, carriers: Sequence[Held], unsaid: frozenset[str]) -> bool:
    """Whether one sentence says every word of a statement, its names in it too, in their order.

    What is derived (`unsaid`) it need not say.
    """
    names = {stem(word) for name in claim.names for word in name.words}
    checked = names | {stem(word) for period in claim.periods for word in words(period.words)}
    wanted = (
        {
            word.stem
            for word in claim.content
            if word.stem not in checked and word.stem not in _TELLS and not word.text[0].isdigit()
        }
        - {stem(number.unit) for number in claim.numbers}
        - unsaid
    )
    return bool(wanted or claim.numbers) and any(
        wanted <= (held := {word.stem for word in one.read.words})
        and names <= held | set(map(stem, words(one.beside)))
        and _order(claim, held) == _order(one.read, {word.stem for word in claim.content})
        and all(any(p.holds(q) for q in one.read.periods) for p in claim.periods)
        for one in carriers
    )


def _order(read: Facts, among: set[str]) -> list[tuple[str, bool]]:
    """The content words among these, each where it comes first, and whether it is negated."""
    return list(dict.fromkeys((w.stem, w.negated) for w in read.content if w.stem in among))


def _share(claim: Facts, carriers: Sequence[Held]) -> float:
    """The share of a statement's content words that the sentences hold."""
    wanted = {word.stem for word in claim.content}
    held = {word.stem for one in carriers for word in one.read.words}
    return len(wanted & held) / len(wanted) if wanted else 0.0


def _aligned(claim: Facts, texts: Sequence[str], embedder: Embedder | None) -> float:
    """What `align.support` says, where numbers are in digits and dates, which are checked, out."""
    said = claim.text
    for period in claim.periods:
        bare = re.sub(rf"(?:\b(?:on|in|since|by)\s+)?{re.escape(period.words)}", "", said)
        said = bare if re.search(r"\w", bare) else said
    return support(_in_digits(said), [_in_digits(text) for text in texts], embedder)


_in_digits = lru_cache(maxsize=20_000)(in_digits)


def _verbatim(claim: Facts, held: Sequence[Held]) -> Held | None:
    said = plain(claim.text)
    return next((one for one in held if plain(one.passage[one.start : one.end]) == said), None)


def _weight(word: Word) -> float:
    return 2.0 if word.text[:1].isupper() or word.text[:1].isdigit() else 1.0


def _carriers(claim: Facts, held: Sequence[Held]) -> list[Held]:
    """The fewest sentences, at most three, that hold most of the statement's words."""
    wanted = {word.stem: _weight(word) for word in claim.content}
    wanted |= {key: 2.0 for key in claim.keys if key.startswith("@")}
    total = sum(wanted.values()) or 1.0
    holds = {one: one.read.keys & wanted.keys() for one in held}
    chosen: list[Held] = []
    covered: set[str] = set()
    for _ in range(_AT_MOST):
        gains = {one: sum(wanted[stem] for stem in holds[one] - covered) for one in held}
        # Words that stand together in one sentence count more than scattered ones.
        best = max(held, key=lambda one: (gains[one], len(holds[one]), -one.number, -one.start))
        if chosen and gains[best] < max(2.0, total / 6):
            break
        chosen.append(best)
        covered |= holds[best]
    return chosen
