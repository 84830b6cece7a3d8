"""Retrieval: whether the articles, the evidence and the answer are among what was found.

By article an article's rank is that of its first passage. By span a passage holds a piece of
evidence when it has at least half of it; it is relevant when it holds a piece that none before it
holds, and a piece that none holds counts as one more that was missed.
Ranking measures are those of ir-measures (MacAvaney et al. 2022), which runs trec_eval's code.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import ir_measures
from ir_measures import RR, R, Success, nDCG

from ...index.embed import bundled_tokenizer
from ..corpus import Span
from ..match import groups_said, is_polarity
from .registry import metric
from .seen import Seen, holds

CUTOFFS = (1, 3, 5, 10)
_IR = "ir-measures: "
_MEASURES = [*(Success @ k for k in CUTOFFS), *(R @ k for k in CUTOFFS), RR, nDCG @ 10]


@lru_cache(maxsize=50_000)
def ranked(relevant: tuple[str, ...], found: tuple[str, ...]) -> dict[str, float]:
    """Every ranking measure of one ranking, by ir-measures' name of it."""
    judged = [ir_measures.Qrel("q", name, 1) for name in relevant]
    scores = [ir_measures.ScoredDoc("q", name, -float(at)) for at, name in enumerate(found)]
    return {str(m.measure): m.value for m in ir_measures.iter_calc(_MEASURES, judged, scores)}


def by_article(seen: Seen) -> dict[str, float] | None:
    """The measures over articles; None where none is named, or nothing was retrieved openly."""
    if not seen.case.answerable or not seen.relevant or seen.ranked_articles is None:
        return None
    return ranked(tuple(seen.relevant), tuple(seen.ranked_articles))


def by_span(seen: Seen) -> dict[str, float] | None:
    """The measures over passages; None where no evidence is located in the articles."""
    hits = pieces_by_hit(seen)
    if hits is None:
        return None
    relevant, held = [], set[int]()
    for at, pieces in enumerate(hits):
        if pieces - held and not (held and seen.case.evidence_need == "any"):
            relevant.append(f"hit {at}")
        held |= pieces
    missed = len(seen.case.evidence) - len(held)
    if seen.case.evidence_need == "any":
        missed = int(not held)
    relevant += [f"missed {piece}" for piece in range(missed)]
    return ranked(tuple(relevant), tuple(f"hit {at}" for at in range(len(hits))))


def pieces_by_hit(seen: Seen) -> list[set[int]] | None:
    """Which pieces of evidence each passage found holds, by offsets or, without them, by words."""
    if not seen.case.answerable or not seen.case.evidence or seen.response.hits is None:
        return None
    if seen.response.error is not None or not all(seen.evidence):
        return None
    found = []
    for hit in seen.response.hits:
        if hit.article_id and hit.start is not None and hit.end is not None:
            span = Span(hit.article_id, hit.start, hit.end)
            met = [any(span.meets(at) for at in spans) for spans in seen.evidence]
        else:
            met = [holds(hit.text, said) for said in seen.case.evidence]
        found.append({piece for piece, is_met in enumerate(met) if is_met})
    return found


def _share_of_evidence(k: int) -> None:
    def score(seen: Seen) -> float | None:
        hits = pieces_by_hit(seen)
        if hits is None:
            return None
        held: set[int] = set().union(*hits[:k])
        if seen.case.evidence_need == "any":
            return float(bool(held))
        return len(held) / len(seen.case.evidence)

    score.__doc__ = f"Share of the evidence that is needed in the first {k} passages."
    metric(f"span_recall@{k}", family="retrieval", source="Byline")(score)


def _measure(of: Callable[[Seen], dict[str, float] | None], key: str, help: str) -> None:
    def score(seen: Seen) -> float | None:
        found = of(seen)
        return None if found is None else found[key]

    score.__doc__ = help
    prefix = "" if of is by_article else "span_"
    name = {"RR": "mrr", "nDCG@10": "ndcg@10"}.get(key, key)
    name = name.replace("Success", "hit").replace("R@", "recall@")
    metric(f"{prefix}{name}", family="retrieval", source=f"{_IR}{key}")(score)


for _k in CUTOFFS:
    _measure(by_article, f"Success@{_k}", f"A relevant article is among the first {_k}.")
    _measure(by_article, f"R@{_k}", f"Share of the relevant articles among the first {_k}.")
    _share_of_evidence(_k)
_measure(by_article, "RR", "1 / rank of the first relevant article.")
_measure(by_article, "nDCG@10", "Normalised discounted gain of the first ten articles.")
_measure(by_span, "RR", "1 / rank of the first passage that holds evidence.")
_measure(by_span, "nDCG@10", "Normalised discounted gain of the first ten passages.")


def _all_evidence(k: int) -> None:
    def score(seen: Seen) -> float | None:
        hits = pieces_by_hit(seen)
        if hits is None:
            return None
        met: set[int] = set().union(*hits[:k])
        if seen.case.evidence_need == "any":
            return float(bool(met))
        return float(len(met) == len(seen.case.evidence))

    score.__doc__ = f"All the evidence that is needed is in the first {k} passages."
    source = "HotpotQA's joint support, Yang et al. 2018, as recall at a cutoff"
    metric(f"all_evidence@{k}", family="retrieval", source=source)(score)


for _k in (5, 10):
    _all_evidence(_k)

_TO_MODEL = "Byline: the expected answer, by match.says, in the passages handed to the model"


@metric("answer_in_passages", family="retrieval", source=_TO_MODEL)
def answer_in_passages(seen: Seen) -> float | None:
    """Everything that is expected stands in the passages that were handed to the model."""
    if not _is_to_be_read(seen):
        return None
    return float(_completed_by(seen) is not None)


@metric("tokens_to_answer", family="retrieval", source=_TO_MODEL, better="lower", unit="tokens")
def tokens_to_answer(seen: Seen) -> float | None:
    """Tokens of the passages up to the one that completes the answer; unscored where none does."""
    last = _completed_by(seen) if _is_to_be_read(seen) else None
    if last is None:
        return None
    return float(count_tokens([hit.text for hit in (seen.handed or ())[:last]]))


@metric("tokens_handed", family="retrieval", source=_TO_MODEL, better="lower", unit="tokens")
def tokens_handed(seen: Seen) -> float | None:
    """Tokens of all passages that were handed to the model."""
    if seen.handed is None:
        return None
    return float(count_tokens([hit.text for hit in seen.handed]))


@metric("chunking_ceiling", family="retrieval", source="Byline")
def chunking_ceiling(seen: Seen) -> float | None:
    """Share of the evidence that stands whole in one passage: what chunking lets be found."""
    if not seen.evidence or not all(seen.evidence):
        return None
    whole = [
        any(
            passage.start <= span.start and span.end <= passage.end
            for span in spans
            for passage in seen.corpus.passages(span.article_id)
        )
        for spans in seen.evidence
    ]
    return sum(whole) / len(whole)


def _is_to_be_read(seen: Seen) -> bool:
    """Whether there are passages, and an answer that one of them may say: not yes or no."""
    is_open = any(all(map(is_polarity, group)) for group in seen.case.wanted)
    has_passages = seen.handed is not None
    return has_passages and seen.case.answerable and bool(seen.case.wanted) and not is_open


def _completed_by(seen: Seen) -> int | None:
    """How many passages it takes until each thing that is expected stands in one of them."""
    missing = set(range(len(seen.case.wanted)))
    for count, hit in enumerate(seen.handed or (), 1):
        said = groups_said(hit.text, seen.case.wanted, seen.case.tolerance, seen.context)
        missing -= {group for group, is_said in enumerate(said) if is_said}
        if not missing:
            return count
    return None


@lru_cache(maxsize=1)
def _tokenizer() -> object:
    return bundled_tokenizer()


@lru_cache(maxsize=50_000)
def _tokens_of(text: str) -> int:
    encoded = _tokenizer().encode(text, add_special_tokens=False)  # type: ignore[attr-defined]
    return len(encoded.ids)


def count_tokens(texts: Sequence[str]) -> int:
    """Tokens of texts by the bundled WordPiece vocabulary (30,522 words, lower case).

    Language models count by vocabularies of their own.
    """
    return sum(map(_tokens_of, texts))
