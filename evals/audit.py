"""The harness on trial: systems whose truth is known, and what every metric says of them.

table = audit(cases, corpus); wrong = fooled(table)     # [] where no metric is taken in

The systems are made from the cases themselves: one that is always right, one that is always wrong,
one that pastes a passage for an answer, and so on. A metric is fooled when it gives one of them
what it does not deserve.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .case import Case
from .compare import as_table
from .corpus import Corpus, Span
from .match import as_date, says
from .metrics import METRICS, Seen, scored
from .record import Record
from .response import Cited, Passage, Response, Said
from .summary import Estimate, summarise

_FOUND = 12  # passages that each system "retrieves"


@dataclass(frozen=True, slots=True)
class Trial:
    """A case with what the systems make their answers of."""

    case: Case
    corpus: Corpus
    evidence: tuple[Span, ...]
    "where each piece stands"
    passages: tuple[Span, ...]
    "that hold the pieces"
    relevant: tuple[Span, ...]
    "a passage of each relevant article"
    others: tuple[Span, ...]
    "passages of articles that are not relevant"

    @property
    def answer(self) -> str:
        """What is expected, in as few words."""
        return ", ".join(group[0] for group in self.case.wanted)

    def cited(self, number: int, span: Span) -> Cited:
        """A valid citation of a span."""
        article = self.corpus.article(span.article_id)
        assert article is not None
        return Cited(
            number=number,
            article_id=article.id,
            outlet=article.outlet,
            title=article.title,
            published=str(article.published) if article.published else None,
            start=span.start,
            end=span.end,
            quote=article.text[span.start : span.end],
        )

    def found(self, spans: Sequence[Span]) -> tuple[Passage, ...]:
        """Spans as passages that retrieval found."""
        cited = [self.cited(0, span) for span in spans]
        return tuple(
            Passage(
                text=c.quote or "",
                article_id=c.article_id,
                start=c.start,
                end=c.end,
                published=c.published,
            )
            for c in cited
        )


def _perfect(trial: Trial) -> Response:
    """Says what is expected, cites where it stands, declines what cannot be answered."""
    if not trial.case.answerable:
        return _declined(trial)
    spans = dict.fromkeys((*trial.passages, *trial.relevant, *trial.others))
    said = _said(trial, trial.answer, trial.evidence, trial.found([*spans][:_FOUND]))
    return replace(said, disagreements=trial.case.disagreement or ())


def _empty(trial: Trial) -> Response:
    """Gives back nothing."""
    return Response("")


def _wrong(trial: Trial) -> Response:
    """Says what is not so, with a valid citation of something else."""
    said = _said(trial, "Nothing of the kind was reported", trial.others[:1])
    return replace(said, disagreements=())


def _random(trial: Trial) -> Response:
    """Quotes any sentence of the collection, rightly cited."""
    span = trial.others[0]
    quote = trial.cited(1, span).quote or ""
    first = quote.split(". ")[0].rstrip(".")
    return _said(trial, first, (Span(span.article_id, span.start, span.start + len(first)),))


def _pasted(trial: Trial) -> Response:
    """Pastes the passage that holds the evidence as its answer."""
    if not trial.evidence:
        return _said(trial, trial.cited(1, trial.others[0]).quote or "", trial.others[:1])
    passage = trial.passages[0]
    return _said(trial, trial.cited(1, passage).quote or "", (passage,))


def _declined(trial: Trial) -> Response:
    """Declines everything."""
    return Response(
        "The articles do not answer this.",
        status="declined",
        reason="no_evidence",
        statements=(),
        citations=(),
        hits=trial.found(trial.others),
    )


def _cites_everything(trial: Trial) -> Response:
    """Says what is expected, and cites all that was found for it."""
    perfect = _perfect(trial)
    if not trial.case.answerable:
        return perfect
    spans = [Span(h.article_id or "", h.start or 0, h.end or 0) for h in perfect.hits or ()]
    said = _said(trial, trial.answer, spans, perfect.hits)
    return replace(said, disagreements=("the sources differ",))


def _cites_nothing(trial: Trial) -> Response:
    """Says what is expected, and cites nothing."""
    if not trial.case.answerable:
        return _declined(trial)
    return _said(trial, trial.answer, (), _perfect(trial).hits)


def _wrong_passage(trial: Trial) -> Response:
    """Says what is expected, and cites what has nothing to do with it."""
    if not trial.case.answerable:
        return _declined(trial)
    return _said(trial, trial.answer, trial.others[:1])


def _misquotes(trial: Trial) -> Response:
    """Is right but for its quotes: a word is changed in each."""
    perfect = _perfect(trial)
    changed = [replace(c, quote=f"{c.quote} indeed") for c in perfect.citations or ()]
    return replace(perfect, citations=tuple(changed))


def _outdated(trial: Trial) -> Response:
    """Says what has been corrected, or must not be said; declines for the wrong reason."""
    if not trial.case.answerable:
        return replace(_declined(trial), reason="unsupported")
    old = (*trial.case.superseded, *trial.case.must_not_say, "Nothing")
    return _said(trial, old[0], trial.evidence)


def _sloppy(trial: Trial) -> Response:
    """Is right, cites all copies as if they were sources, and numbers them wrongly."""
    perfect = _perfect(trial)
    if not trial.case.answerable:
        return perfect
    said = _said(trial, trial.answer, [*trial.relevant, trial.others[0]], perfect.hits)
    (statement,) = said.statements or ()
    numbers = tuple(n for n in statement.citations if n < len(statement.citations))
    text = statement.text.replace(f"[{len(statement.citations)}]", "[99]")
    return replace(said, text=text, statements=(replace(statement, citations=numbers),))


def _invents(trial: Trial) -> Response:
    """Puts words that nobody said between quotation marks."""
    return _said(trial, f"“It is {trial.answer} as was foretold,” said a source", trial.others[:1])


def _always_answers(trial: Trial) -> Response:
    """Is right where it can be, and never declines."""
    return _perfect(trial) if trial.case.answerable else _random(trial)


SYSTEMS: dict[str, Callable[[Trial], Response]] = {
    "perfect": _perfect,
    "empty": _empty,
    "all wrong": _wrong,
    "random": _random,
    "pasted passage": _pasted,
    "all declined": _declined,
    "cites everything": _cites_everything,
    "cites nothing": _cites_nothing,
    "right, wrong passage": _wrong_passage,
    "misquotes": _misquotes,
    "outdated": _outdated,
    "sloppy numbers": _sloppy,
    "invented quotation": _invents,
    "never declines": _always_answers,
}
Table = dict[str, dict[str, Estimate]]


def audit(cases: Sequence[Case], corpus: Corpus, seed: int = 0) -> Table:
    """What every metric says of every system, over the cases whose truth is fully known."""
    trials = list(_trials(cases, corpus, random.Random(seed)))
    return {name: summarise(_records(trials, answer)) for name, answer in SYSTEMS.items()}


def _records(trials: Sequence[Trial], answer: Callable[[Trial], Response]) -> list[Record]:
    records = []
    for trial in trials:
        seen = Seen(trial.case, answer(trial), trial.corpus)
        scores, broken = scored(seen)
        assert not broken, broken
        records.append(Record(trial.case.id, 0, seen.response, seen.grade, scores))
    return records


def _trials(cases: Sequence[Case], corpus: Corpus, chance: random.Random) -> Iterator[Trial]:
    """The cases that can be tried: every piece of evidence stands somewhere, the answer in it."""
    for case in cases:
        places = [corpus.spans(said, case.relevant) for said in case.evidence]
        evidence = tuple(spans[0] for spans in places if spans)
        passages = [_around(span, corpus) for span in evidence]
        is_known = len(evidence) == len(case.evidence) > 0 and None not in passages
        if case.answerable and not (is_known and case.wanted and _is_literal(case)):
            continue
        others = [i for i in corpus.ids if not case.is_relevant(i)]
        chosen = chance.sample(others, min(_FOUND, len(others)))
        elsewhere = tuple(chance.choice(corpus.passages(i)) for i in chosen)
        holding = tuple(passage for passage in passages if passage)
        ids = [i for name in case.relevant if (i := corpus.resolve(name))]
        relevant = tuple(corpus.passages(i)[0] for i in ids)
        if not case.answerable:
            case = replace(case, reason="no_evidence")
        yield Trial(case, corpus, evidence, holding, relevant, elsewhere)


def _around(span: Span, corpus: Corpus) -> Span | None:
    """The passage that a span stands in; none holds a byline."""
    return next((p for p in corpus.passages(span.article_id) if p.meets(span)), None)


def _is_literal(case: Case) -> bool:
    """Whether the evidence says the first of the expected answers itself, or yields its date."""
    text = "\n".join(case.evidence)
    return all(says(text, group[0]) or as_date(group[0]) for group in case.wanted)


def _said(
    trial: Trial, text: str, spans: Sequence[Span], hits: tuple[Passage, ...] | None = None
) -> Response:
    """An answer of one sentence that cites the spans."""
    cited = tuple(trial.cited(number, span) for number, span in enumerate(spans, 1))
    numbers = "".join(f"[{c.number}]" for c in cited)
    sentence = f"{text} {numbers}".strip() + "."
    return Response(
        sentence,
        status="answered",
        statements=(Said(sentence, 0, len(sentence), tuple(c.number for c in cited)),),
        citations=cited,
        hits=trial.found(trial.others) if hits is None else hits,
        confidence=1.0,
    )


_SYSTEM_FREE = ("chunking_ceiling", "judge_right", "judge_support")
"Of the collection, or of a judge: the systems here do not differ in it."

# What each system deserves: the least and the most that a metric may give it.
_EXACT, _NONE = (1.0, 1.0), (0.0, 0.0)
_RIGHTLY = ("precision", "accuracy", "answered_rightly", "right_minus_wrong", "contains")
_RANKED = [
    name
    for name, metric in METRICS.items()
    if metric.family == "retrieval" and "@" in name or name.endswith("mrr")
]
DESERVED: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "perfect": {
        **dict.fromkeys((*_RIGHTLY, "evidence_recall"), _EXACT),
        **dict.fromkeys(("evidence_precision", "correction_respected", "f1", "exact"), _EXACT),
        **dict.fromkeys(("disagreement_found", "disagreement_described"), _EXACT),
        **dict.fromkeys(("freshness", "declining_reason"), (0.9, 1.0)),
        # Where two pieces say the same, one of them helps nothing; and the rule cannot derive
        # every date ("two days before the collapse").
        **dict.fromkeys(("citation_precision", "citation_recall", "citation_f1"), (0.9, 1.0)),
        # The first passage holds one piece, the next one the next.
        **dict.fromkeys(_RANKED, (0.6, 1.0)),
        **dict.fromkeys(("hit@1", "mrr", "span_mrr", "span_ndcg@10", "ndcg@10"), (0.99, 1.0)),
        **dict.fromkeys(("quote_fidelity", "span_validity", "hit@10", "recall@10"), _EXACT),
        **dict.fromkeys(("all_evidence@10", "declining_precision", "declining_recall"), _EXACT),
        **dict.fromkeys(("wrong_article", "dangling", "unused", "failed"), _NONE),
        **dict.fromkeys(("right_on_wrong_passage", "after_as_of", "says_forbidden"), _NONE),
        **dict.fromkeys(("disagreement_claimed",), _NONE),
        "date_accuracy": _EXACT,
        "answer_in_passages": (0.6, 1.0),  # dates are derived
    },
    "empty": {
        **dict.fromkeys(("accuracy", "answered_rightly", "declining_recall", "coverage"), _NONE),
        "right_minus_wrong": _NONE,
        "failed": _EXACT,
    },
    "all wrong": {
        **dict.fromkeys(("precision", "accuracy", "contains", "disagreement_found"), _NONE),
        "date_accuracy": _NONE,
        **dict.fromkeys(_RANKED, _NONE),
        **dict.fromkeys(("evidence_recall", "declining_recall", "hit@10"), _NONE),
        **dict.fromkeys(("citation_recall", "citation_precision"), (0.0, 0.05)),
        "right_minus_wrong": (-1.0, -0.9),
        "wrong_article": _EXACT,
        "span_validity": _EXACT,
        "freshness": _NONE,
        "f1": (0.0, 0.1),
    },
    "random": {
        **dict.fromkeys(("precision", "accuracy", "answered_rightly"), (0.0, 0.05)),
        **dict.fromkeys(("evidence_recall", "hit@10", "declining_recall"), _NONE),
        "span_validity": _EXACT,
        "right_minus_wrong": (-1.0, -0.8),
        "wrong_article": _EXACT,
    },
    "pasted passage": {
        **dict.fromkeys(("precision", "answered_rightly", "accuracy"), (0.0, 0.05)),
        "right_minus_wrong": (-1.0, 0.0),
        "exact": _NONE,
        "f1": (0.0, 0.15),
        "is_brief": (0.0, 0.15),
        **dict.fromkeys(("contains", "speaker_accuracy", "date_accuracy"), (0.0, 0.15)),
        "disagreement_described": (0.0, 0.15),
        "declining_recall": _NONE,
    },
    "all declined": {
        **dict.fromkeys(("answered_rightly", "coverage", "failed"), _NONE),
        "declining_recall": _EXACT,
        "declining_precision": (0.0, 0.65),
        "accuracy": (0.0, 0.65),
    },
    "cites everything": {
        **dict.fromkeys(_RIGHTLY, _EXACT),
        "citation_precision": (0.0, 0.5),
        "evidence_precision": (0.0, 0.5),
        "wrong_article": (0.5, 1.0),
        "evidence_recall": _EXACT,
        "disagreement_claimed": _EXACT,
    },
    "cites nothing": {
        **dict.fromkeys(_RIGHTLY, _EXACT),
        **dict.fromkeys(("citation_recall", "citation_f1", "evidence_recall"), _NONE),
    },
    "right, wrong passage": {
        **dict.fromkeys(_RIGHTLY, _EXACT),
        **dict.fromkeys(("right_on_wrong_passage", "wrong_article"), _EXACT),
        **dict.fromkeys(("evidence_recall", "hit@10", "all_evidence@10"), _NONE),
        **dict.fromkeys(("citation_recall", "citation_precision"), (0.0, 0.1)),
        "answer_in_passages": (0.0, 0.2),  # a number may stand anywhere
    },
    "misquotes": {
        **dict.fromkeys(("quote_fidelity", "span_validity"), _NONE),
        **dict.fromkeys(_RIGHTLY, _EXACT),
    },
    "outdated": {
        **dict.fromkeys(("correction_respected", "declining_reason", "answered_rightly"), _NONE),
        "says_forbidden": _EXACT,
    },
    "sloppy numbers": {
        "dangling": (0.1, 1.0),
        "unused": (0.1, 1.0),
        "copies_as_sources": (0.05, 1.0),
    },
    "invented quotation": {
        **dict.fromkeys(("quotations_verbatim", "citation_recall"), _NONE),
    },
    "never declines": {
        "answered_rightly": _EXACT,
        "declining_recall": _NONE,
        "precision": (0.0, 0.9),
        "accuracy": (0.0, 0.9),
        "coverage": _EXACT,
    },
}


def fooled(table: Table) -> list[str]:
    """The metrics that give a system what it does not deserve, a line each.

    One that says the same of every system tells nothing, and is named too.
    """
    found = []
    for system, deserved in DESERVED.items():
        for name, (low, high) in deserved.items():
            value = table[system][name].value
            if value is None or not low - 1e-9 <= value <= high + 1e-9:
                found.append(f"{name} gives '{system}' {value}, and it deserves {low} to {high}")
    for name, metric in METRICS.items():
        values = {table[system][name].value for system in table} - {None}
        if len(values) < 2 and metric.family != "cost" and name not in _SYSTEM_FREE:
            found.append(f"{name} tells no system from another: {values or 'never scored'}")
    return found


def as_markdown(table: Table) -> str:
    """Every metric on every system; "-" where it could not be scored."""
    rows = []
    for name, metric in METRICS.items():
        values = [table[system][name].value for system in table]
        if any(value is not None for value in values):
            shown = ["-" if value is None else f"{value:.3f}" for value in values]
            rows.append([name, *shown, metric.better])
    return as_table(["metric", *table, "better"], rows)
