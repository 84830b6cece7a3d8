"""Answers without a language model: picks the sentences that answer, word for word, or declines.

    ranked = rank(question.text, hits, archive, embedder, question.as_of)
    sentences = extract(question, ranked, embedder)

Each sentence of the passages found is described by a few numbers (how near its words and its
meaning are to the question's, whether it holds the kind of thing that is asked for, speaks of the
same names and the same time) and a logistic model weighs them. bench/fit_extract.py fits it;
docs/log.md has the numbers.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np

from ..index.archive import Archive
from ..index.chunk import sentence_spans
from ..index.dates import resolve
from ..index.embed import Embedder
from ..index.words import STOP_WORDS, stem, words
from . import when
from .asked import focus, kind_asked
from .cite import Sentence, Source
from .decide import decide, likelihood
from .describe import FEATURES, Wanted, align, day, describe, read, stem_set, weigh
from .describe import Candidate as Candidate
from .question import Question
from .retrieve import Hit

# Of the features, in their order: bench/fit_extract.py.
WEIGHTS = np.array(
    [2.52, 1.98, 2.45, 0.5, 0.68, 15.22, -1.06, 0.76, 1.98]
    + [-0.88, 0.29, 0.61, -1.34, -1.39, -0.16, -3.84, -0.37]
)
BIAS = -23.9
_ALSO = -2.0  # log-odds below the best, down to which another sentence is quoted too
_MOST = 3  # sentences that are quoted
_FOCUS_ALIKE = 0.58  # cosine from which another word stands for the one that is asked about
# Sentences whose meaning is compared: with 30 one answer of 276 is another. An overview, which is
# to name several articles, has more.
_COMPARED, _COMPARED_OF_MANY = 12, 30
_LONGEST_QUOTE = 700  # characters between two sentences quoted from one passage
_SAME = 0.65  # overlap of words from which two sentences are copies
_MOST_WORDS = 110  # of all quotes together: see evals, Seen.is_brief
_OVERVIEW = 5  # articles that an overview names
_LEAD_WITHIN = 1600  # characters in which the first sentence of an article stands


def rank(
    question: str,
    hits: Sequence[Hit],
    archive: Archive,
    embedder: Embedder,
    as_of: date | None = None,
) -> list[Candidate]:
    """The sentences of the passages by how likely they answer, best first."""
    wanted = weigh(question, archive, as_of)
    found = candidates(hits, wanted)
    if not found:
        return []
    asked, *said = read([question, *(c.text for c in found)], embedder)
    most = max(hit.score for hit in hits) or 1.0
    for candidate, heard in zip(found, said, strict=True):
        describe(candidate, wanted, float(asked[0] @ heard[0]), align(wanted, asked, heard), most)
        row = np.array([candidate.features[name] for name in FEATURES])
        candidate.score = float(row @ WEIGHTS + BIAS)
    return sorted(found, key=lambda c: -c.score)


def extract(question: Question, ranked: Sequence[Candidate], embedder: Embedder) -> list[Sentence]:
    """The sentences that answer, at most three; none where `decide` says that they do not.

    An overview has the first sentence of each of the best articles, newest first.
    """
    period = when.asked(question.text, question.as_of)
    if period.is_overview:
        return [quoted(candidate, question.text, None) for candidate in _leads(ranked)]
    if not decide(question, ranked, asked=period).answer:
        return []
    if not _speaks_of_focus(question.text, ranked[:2], embedder):
        return []
    kind = kind_asked(question.text)
    best = chosen(ranked, period.wants_latest)
    return [quoted(candidate, question.text, kind) for candidate in best]


def nearest(ranked: Sequence[Candidate], most: int) -> list[Source]:
    """The best sentence of each of the best articles."""
    first = {candidate.hit.article_id: candidate for candidate in reversed(ranked)}
    return [c.source for c in sorted(first.values(), key=lambda c: -c.score)[:most]]


def candidates(hits: Sequence[Hit], wanted: Wanted) -> list[Candidate]:
    """The sentences of the passages that say most of the question, each text once."""
    found: dict[str, Candidate] = {}
    for number, hit in enumerate(hits, 1):
        article = hit.article
        spans = sentence_spans(article.text, hit.start, hit.end, article.language)
        sets = [stem_set(article.text[start:end]) for start, end in spans]
        title = stem_set(article.title or "")
        for at, (start, end) in enumerate(spans):
            text, near = article.text[start:end], title.union(*sets[max(0, at - 1) : at + 2])
            key = " ".join(text.split())
            if key not in found:
                made = Candidate(hit, start, end, text, sets[at], near, number)
                made.is_first = at == 0
                found[key] = made

    def promise(candidate: Candidate) -> float:
        said = wanted.share(candidate.stems) + wanted.share(candidate.near) / 2
        return said + 0.3 / candidate.rank

    most = _COMPARED_OF_MANY if wanted.period.is_overview else _COMPARED
    return sorted(found.values(), key=promise, reverse=True)[:most]


def _speaks_of_focus(question: str, best: Sequence[Candidate], embedder: Embedder) -> bool:
    """Whether what the question asks about ("the population of") is spoken of at all."""
    about = focus(question)
    if about is None or any(stem(about) in candidate.near for candidate in best):
        return True
    text = " ".join(candidate.text for candidate in best)
    said = list(dict.fromkeys(w for w in words(text) if w not in STOP_WORDS and len(w) > 2))
    vectors = embedder.embed([about, *said])
    return bool(said) and float((vectors[1:] @ vectors[0]).max()) >= _FOCUS_ALIKE


def chosen(ranked: Sequence[Candidate], wants_latest: bool) -> list[Candidate]:
    """The best sentence and the next ones that are nearly as likely and no copies of it.

    Of copies, and of sentences that are as likely, the newest comes first where it is wanted.
    """
    found: list[Candidate] = []
    for candidate in ranked:
        if len(found) == _MOST or candidate.score < ranked[0].score + _ALSO:
            break
        length = sum(len(other.text.split()) for other in (*found, candidate))
        if not found or (
            length <= _MOST_WORDS and all(_goes_with(candidate, other) for other in found)
        ):
            found.append(candidate)
    if wants_latest:
        found.sort(key=lambda c: (c.score < ranked[0].score - 0.5, -_ordinal(c)))
    return found


def _leads(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The first whole sentence of each of the best articles, newest article first."""
    found: list[Candidate] = []
    for candidate in {c.hit.article_id: c for c in sorted(ranked, key=lambda c: -c.rank)}.values():
        text = candidate.hit.article.text
        spans = sentence_spans(
            text, 0, min(len(text), _LEAD_WITHIN), candidate.hit.article.language
        )
        if candidate.hit.article.excerpt_limit is not None:
            spans = []  # what may be quoted of it is the passage
        start, end = next(
            ((a, b) for a, b in spans if len(text[a:b].split()) > 7),
            (candidate.start, candidate.end),
        )
        lead = Candidate(
            candidate.hit,
            start,
            end,
            text[start:end],
            stem_set(text[start:end]),
            frozenset(),
            candidate.rank,
        )
        lead.score = candidate.score
        if all(_goes_with(lead, other) for other in found):
            found.append(lead)
    best = sorted(found, key=lambda c: c.rank)[:_OVERVIEW]
    return sorted(best, key=lambda c: -_ordinal(c))


def _ordinal(candidate: Candidate) -> int:
    published = day(candidate.hit.published)
    return published.toordinal() if published else 0


def _goes_with(one: Candidate, other: Candidate) -> bool:
    shared = len(one.stems & other.stems) / (len(one.stems | other.stems) or 1)
    reach = max(one.end, other.end) - min(one.start, other.start)
    is_far = one.hit == other.hit and reach > _LONGEST_QUOTE
    return shared < _SAME and not is_far


def quoted(candidate: Candidate, question: str, kind: str | None) -> Sentence:
    """The sentence word for word; where a time is asked for, with what its dates mean."""
    text = " ".join(candidate.text.split())
    likely = round(likelihood(question, candidate.score), 4)
    written = day(candidate.hit.published)
    if kind != "time" or written is None:
        return Sentence(text, (candidate.source,), score=likely)
    meant = [f"“{one.words}” is {one.label}" for one in resolve(candidate.text, written)]
    if not meant:
        return Sentence(text, (candidate.source,), score=likely)
    meaning = "; ".join(meant)
    stop = "." if text.endswith(".") else ""
    return Sentence(
        f"{text.removesuffix('.')} ({meaning}){stop}",
        (candidate.source,),
        why=f"{meaning}: counted from the article's date, {written.isoformat()}",
        score=likely,
    )
