"""Citations: whether each sentence stands on what it cites, and the articles say that.

Sentences are judged against their own citations. Whether a quote carries a sentence is told by a
rule (`carries`); what a judge or an entailment model says of it is counted apart (judge.py).
"""

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import combinations

from ...index.copies import is_copy
from ...index.dates import resolve
from ...index.words import STOP_WORDS, fold, stems
from ..match import Number, dates, tokens, without_dates
from ..response import Cited, Said, moment
from .registry import metric
from .seen import Seen

_ALCE = "ALCE, Gao et al. 2023, with a rule for the entailment model"
_DESIGN = "Byline, invariants 1 and 2 of the design"
_NUMBERS = re.compile(r"\[(\d+(?:\s*,\s*\d+)*)\]")
# What Byline writes behind a quoted sentence: how it read a relative date.
_DERIVATION = re.compile(r"\s*\((?:“[^”]+” is [^()“]+?(?:; )?)+\)")
_CARRIED = 0.6  # share of a sentence's content words that its quotes must hold


@metric("citation_recall", family="citations", source=_ALCE)
def citation_recall(seen: Seen) -> float | None:
    """Share of the sentences that their own citations carry; one that cites nothing is not."""
    if seen.citations is None or not seen.statements:
        return None
    carried = [_carry(statement, _cited(seen, statement)) for statement in seen.statements]
    return sum(carried) / len(carried)


@metric("citation_precision", family="citations", source=_ALCE)
def citation_precision(seen: Seen) -> float | None:
    """Share of the citations that help to carry their sentence: without it less would stand."""
    if seen.citations is None:
        return None
    helps = []
    for statement in seen.statements:
        cited = _cited(seen, statement)
        is_carried = _carry(statement, cited)
        for at, one in enumerate(cited):
            others = cited[:at] + cited[at + 1 :]
            is_needed = _carry(statement, [one]) or not _carry(statement, others)
            helps.append(is_carried and is_needed)
    return sum(helps) / len(helps) if helps else None


@metric("citation_f1", family="citations", source=_ALCE)
def citation_f1(seen: Seen) -> float | None:
    """Harmonic mean of citation precision and recall; 0 for sentences that cite nothing."""
    recall, precision = citation_recall(seen), citation_precision(seen) or 0.0
    if recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@metric("evidence_recall", family="citations", source="Byline: the case's evidence")
def evidence_recall(seen: Seen) -> float | None:
    """Share of the evidence that is needed that a sentence of the answer cites."""
    if seen.used is None or not seen.case.evidence:
        return None
    pieces = range(len(seen.case.evidence))
    cited = [any(seen.touches(one, piece) for one in seen.used) for piece in pieces]
    return float(any(cited)) if seen.case.evidence_need == "any" else sum(cited) / len(cited)


@metric("evidence_precision", family="citations", source="Byline: the case's evidence")
def evidence_precision(seen: Seen) -> float | None:
    """Share of the citations that quote evidence; others may be apt, and are not known to be."""
    if not seen.used or not seen.case.evidence:
        return None
    return sum(map(seen.is_evident, seen.used)) / len(seen.used)


@metric("quote_fidelity", family="citations", source=_DESIGN)
def quote_fidelity(seen: Seen) -> float | None:
    """Share of the quotes that stand in the article, character by character."""
    return _of_citations(seen, lambda c, text: (c.quote or "") in text, needs=("quote",))


@metric("span_validity", family="citations", source=_DESIGN)
def span_validity(seen: Seen) -> float | None:
    """Share of the citations whose offsets cut the quote out of the article."""
    return _of_citations(
        seen,
        lambda c, text: (c.start or 0) >= 0 and text[c.start : c.end] == c.quote,
        needs=("quote", "start", "end"),
    )


@metric("quotations_verbatim", family="citations", source="Byline")
def quotations_verbatim(seen: Seen) -> float | None:
    """Share of the answer's quotations of three words and more that a cited quote holds."""
    if seen.citations is None:
        return None
    found = []
    for statement in seen.statements:
        quotes = [_straight(cited.quote or "") for cited in _cited(seen, statement)]
        said = _straight(_DERIVATION.sub("", statement.text))
        for quotation in re.findall(r'"([^"]+)"', said):
            if len(quotation.split()) >= 3:
                words = quotation.strip(" .,;")
                found.append(any(words in quote for quote in quotes))
    return sum(found) / len(found) if found else None


@metric("wrong_article", family="citations", better="lower", source="Byline")
def wrong_article(seen: Seen) -> float | None:
    """Share of the citations from articles that the case does not name."""
    if not seen.used or not seen.relevant:
        return None
    known = [c for c in seen.used if c.article_id]
    return sum(c.article_id not in seen.relevant for c in known) / len(known) if known else None


@metric("dangling", family="citations", better="lower", source=_DESIGN)
def dangling(seen: Seen) -> float | None:
    """Share of the numbers in the text that point to no citation; 0 where there is no number."""
    if seen.citations is None:
        return None
    groups = _NUMBERS.findall(seen.response.text)
    shown = [int(n.strip()[:9]) for group in groups for n in group.split(",")]
    return sum(n not in seen.citations for n in shown) / len(shown) if shown else 0.0


@metric("unused", family="citations", better="lower", source=_DESIGN)
def unused(seen: Seen) -> float | None:
    """Share of the listed citations that no sentence uses."""
    if not seen.citations or seen.used is None:
        return None
    return 1 - len(seen.used) / len(seen.citations)


@metric("right_on_wrong_passage", family="citations", better="lower", source="Byline")
def right_on_wrong_passage(seen: Seen) -> float | None:
    """A right answer that cites nothing of what makes it right: luck, or memory."""
    if seen.grade != "right" or seen.used is None:
        return None
    if seen.case.evidence:
        return float(not any(map(seen.is_evident, seen.used)))
    if not seen.relevant:
        return None
    return float(not any(cited.article_id in seen.relevant for cited in seen.used))


@metric("copies_as_sources", family="citations", better="lower", source="Byline")
def copies_as_sources(seen: Seen) -> float | None:
    """Share of the articles cited that run the text of another cited article."""
    if not seen.used:
        return None
    ids = list(dict.fromkeys(c.article_id for c in seen.used if c.article_id))
    texts = {i: article.text for i in ids if (article := seen.corpus.article(i))}
    if len(texts) < len(ids) or not ids:
        return None
    copies = {
        two
        for one, two in combinations(ids, 2)
        if seen.corpus.origin(one) == seen.corpus.origin(two) or is_copy(texts[one], texts[two])
    }
    return len(copies) / len(ids)


def _of_citations(
    seen: Seen, check: Callable[[Cited, str], bool], needs: tuple[str, ...]
) -> float | None:
    """Share of the citations that pass; None where no citation has what is needed to tell.

    One that lacks it among others that have it does not pass, nor does one of an article that is
    not there.
    """
    every = seen.response.citations if seen.answered else None
    needed = ("article_id", *needs)
    whole = [all(getattr(one, name) is not None for name in needed) for one in every or ()]
    if not every or not any(whole) or not seen.corpus.ids:
        return None
    passed = 0
    for cited, is_whole in zip(every, whole, strict=True):
        article = seen.corpus.article(cited.article_id or "") if is_whole else None
        passed += bool(article and cited.quote and check(cited, article.text))
    return passed / len(every)


def carries(sentence: str, quotes: list[str], beside: str = "") -> bool:
    """Whether quotes hold what a sentence states: its numbers, dates, names and most of its words.

    `beside` is what a citation says besides (outlet, headline, date, what relative dates mean):
    names and dates may stand there. A rule: it does not see negation, who did what to whom, or
    another name at the head of the sentence.

    >>> carries("Rates rose to 4%.", ["The bank said rates rose to 4 per cent."])
    True
    >>> carries("Rates rose to 5%.", ["The bank said rates rose to 4 per cent."])
    False
    """
    held = {token for quote in quotes for token in tokens(quote)}
    bare = without_dates(sentence)
    numbers = {token for token in tokens(bare) if isinstance(token, Number)}
    if not numbers <= held:
        return False
    stated = [day for text in (*quotes, beside) for day in dates(text)]
    if not all(any(day.is_stated_by(one) for one in stated) for day in dates(sentence)):
        return False
    quoted = frozenset().union(*map(_stems, quotes))
    if not _stems(" ".join(_names(sentence))) <= quoted | _stems(beside):
        return False
    wanted = {word for word in _stems(bare) if not word[0].isdigit()}
    if not wanted:  # numbers and dates have been told; function words must stand as they are
        is_said = any(fold(sentence).strip(" .") in fold(quote) for quote in quotes)
        return is_said or bool(numbers) or bool(dates(sentence))
    return len(wanted & quoted) / len(wanted) >= _CARRIED


@lru_cache(maxsize=20_000)
def _stems(text: str) -> frozenset[str]:
    return frozenset(stems(text))


def _names(sentence: str) -> list[str]:
    """Capitalised words that do not open the sentence."""
    found = re.findall(r"(?<=[\w,;:] )[A-ZÀ-Þ][\w’'-]+", sentence)
    return [word for word in found if word.lower() not in STOP_WORDS]


def _carry(statement: Said, cited: list[Cited]) -> bool:
    said = _NUMBERS.sub("", _DERIVATION.sub("", statement.text))
    beside = " ".join(map(_beside, cited))
    return bool(cited) and carries(said, [c.quote or "" for c in cited], beside)


def _beside(cited: Cited) -> str:
    """What a citation says beside its quote, and what the relative dates in its quote mean."""
    header = f"{cited.outlet or ''} {cited.title or ''} {(cited.published or '')[:10]}"
    return f"{header} {_meant(cited.quote or '', cited.published)}"


@lru_cache(maxsize=20_000)
def _meant(quote: str, published: str | None) -> str:
    written = moment(published)
    return " ".join(when.label for when in resolve(quote, written.date())) if written else ""


def _cited(seen: Seen, statement: Said) -> list[Cited]:
    citations = seen.citations or {}
    return [citations[n] for n in dict.fromkeys(statement.citations) if n in citations]


def _straight(text: str) -> str:
    return " ".join(text.translate(str.maketrans("“”‘’", "\"\"''")).split())
