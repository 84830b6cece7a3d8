"""How well retrieval ranks articles, beside each of its signals alone.

    python bench/retrieval.py [--data FOLDER] [--json FILE] [--archive URL]

For TIME 1963 and a news quiz (without the data folder: the bundled sample): nDCG@10, recall@10, MRR
and hit@1 by article, where an article's rank is that of its first passage. All signals run over the
same index with the same vectors, so the differences are paired by question; the intervals are 95 %
of 10,000 bootstrap resamples of the questions.

With --archive (a database, or `private` for a PostgreSQL of its own) the index is in PostgreSQL;
`ts_rank_cd` is then PostgreSQL's own ranking. Milliseconds are of `Archive.match_passages` and
`match_articles`, by the clock.

The last table asks on the day that each case states, or today: with and without what its dates say
of ranking. Of the sets that the weights were chosen on (even lines) only the odd lines count.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import ir_measures
import numpy as np
import sets
import sqlalchemy as sa
from byline import Desk
from byline.evals.case import Case
from byline.evals.importers import import_cases
from byline.index.archive.filter import Filter
from byline.index.archive.tokens import parsed
from byline.qa.question import matching, question
from byline.qa.retrieve import full_text_query, retrieve
from byline.qa.when import asked as asked_when
from ir_measures import RR, R, Success, nDCG

SETS = ("time", "realtimeqa_dev", "multihop_dev")
_TUNED_ON = ("realtimeqa_dev", "sample")
MEASURES = {"nDCG@10": nDCG @ 10, "recall@10": R @ 10, "MRR": RR, "hit@1": Success @ 1}
_DEPTH = 300  # passages: more than the three signals together can find
_RESAMPLES = 10_000
_SEED = 1963


def main() -> None:
    """Print a table a set."""
    parser = sets.parser(__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    parser.add_argument("--archive", metavar="URL", help="a database, or `private`")
    parser.add_argument("--sets", nargs="+", default=SETS, help="which (default: all)")
    given = parser.parse_args()
    found = {}
    with sets.archive_at(given.archive) as archive:
        for name in sets.available(given.sets, given.data):
            with sets.opened(name, given.data, archive=archive) as desk:
                found[name] = measured(name, given.data, desk)
            print(as_markdown(name, found[name]), end="\n\n", flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


def measured(name: str, data: Path, desk: Desk) -> dict[str, object]:
    """Means of the measures for each ranker, and what fusion gains over each other one."""
    began = time.monotonic()
    asked = [case for case in sets.cases(name, data) if case.relevant and case.answerable]
    ids = _article_ids(desk)
    judged = {case.id: sets.relevant(case, ids.values()) for case in asked}
    if absent := [case_id for case_id, articles in judged.items() if not articles]:
        print(f"Left out, their articles are not in {name}: {', '.join(absent)}")
    asked = [case for case in asked if judged[case.id]]
    runs: dict[str, dict[str, list[str]]] = {}
    for case in asked:
        for ranker, ranked in _rankings(case, desk, ids).items():
            runs.setdefault(ranker, {})[case.id] = list(dict.fromkeys(ranked))
    scores = {ranker: _scores(judged, run) for ranker, run in runs.items()}
    hybrid = scores["Byline"]
    return {
        "articles": len(desk.articles),
        "passages": desk.archive.count()[1],
        "questions": len(asked),
        "seconds": round(time.monotonic() - began, 1),
        "match": _match_times(asked, desk),
        "ranked": {case.id: _lexical(case, desk) for case in asked},
        "means": {
            ranker: {measure: float(values.mean()) for measure, values in found.items()}
            for ranker, found in scores.items()
        },
        "gains": {
            ranker: {m: _interval(hybrid[m] - values) for m, values in found.items()}
            for ranker, found in scores.items()
            if ranker != "Byline"
        },
        "dates": _dates(name, data, judged, desk),
    }


def _dates(
    name: str, data: Path, judged: Mapping[str, set[str]], desk: Desk
) -> dict[str, float | list[float]]:
    """nDCG@10 without and with the question's dates, and the difference with its interval."""
    cases = sets.cases(name, data)
    if name != "sample":  # which `sets.cases` asks today
        cases = import_cases(name.removesuffix("_dev"), data / name).cases
    kept = [case for case in cases[:: 2 if name in _TUNED_ON else 1] if case.id in judged]
    runs: dict[str, dict[str, list[str]]] = {"without": {}, "with": {}}
    library = desk.library()
    for case in kept:
        asked = question(case.question, as_of=case.as_of)
        today = asked.as_of.date() if isinstance(asked.as_of, datetime) else asked.as_of
        when = {"when": asked_when(asked.text, today), "as_of": today}
        for run, dates in (("without", {}), ("with", when)):
            open_index = (library.archive, library.store, library.embedder)
            hits = retrieve(asked.text, asked.filter, *open_index, limit=_DEPTH, **dates)
            runs[run][case.id] = list(dict.fromkeys(hit.article_id for hit in hits))
    of_kept = {case.id: judged[case.id] for case in kept}
    before, after = (_scores(of_kept, run)["nDCG@10"] for run in runs.values())
    return {
        "questions": len(kept),
        "without": float(before.mean()),
        "with": float(after.mean()),
        "gain": _interval(after - before),
    }


def _lexical(case: Case, desk: Desk) -> list[list[int]]:
    """The first ten passages and articles by BM25, to be held against another archive's."""
    query = full_text_query(case.question)
    ways = (desk.archive.match_passages, desk.archive.match_articles)
    return [[pk for pk, _ in way(query, None, 10)] for way in ways]


def _match_times(asked: Sequence[Case], desk: Desk) -> dict[str, list[float]]:
    """Milliseconds of a full-text match: the median and the 95th percentile by the clock."""
    found = {}
    for name in ("match_passages", "match_articles"):
        taken = []
        for case in asked:
            query, began = full_text_query(case.question), time.perf_counter()
            getattr(desk.archive, name)(query, None, 200)
            taken.append((time.perf_counter() - began) * 1000)
        found[name] = [float(value) for value in np.percentile(taken, (50, 95))]
    return found


def _article_ids(desk: Desk) -> dict[int, str]:
    """The id of each article by its number in the archive."""
    shelf = desk.archive.shelf()
    a_passage_of = dict(zip(shelf.articles.tolist(), shelf.keys.tolist(), strict=True))
    passages = desk.archive.passages(list(a_passage_of.values()), hidden=True)
    id_of = {passage.pk: passage.article.id for passage in passages}
    return {article: id_of[passage] for article, passage in a_passage_of.items()}


def _rankings(case: Case, desk: Desk, ids: Mapping[int, str]) -> dict[str, list[str]]:
    """Ids of articles, best first, an article as often as it was found."""
    archive, text = desk.archive, case.question
    asked = matching(case.as_of, None, None, ()) if case.as_of else Filter()
    library = desk.library()

    def by_passage(*signals: str) -> list[str]:
        kept = {"signals": signals} if signals else {}
        hits = retrieve(text, asked, archive, library.store, library.embedder, limit=_DEPTH, **kept)
        return [hit.article_id for hit in hits]

    whole = archive.match_articles(full_text_query(text), asked, 100)
    return {
        "Byline": by_passage(),
        "dense alone": by_passage("dense"),
        "BM25, passages": by_passage("passages"),
        "BM25, articles": [ids[article] for article, _ in whole],
        **_own_ranking(text, desk, ids),
    }


def _own_ranking(text: str, desk: Desk, ids: Mapping[int, str]) -> dict[str, list[str]]:
    """The ranking of PostgreSQL itself; none on SQLite."""
    if desk.archive.engine.dialect.name == "sqlite":
        return {}
    query = sa.text(
        "SELECT p.article_pk FROM passages_text t JOIN passages p USING (pk), "
        "CAST(:asked AS tsquery) q WHERE t.words @@ q "
        "ORDER BY ts_rank_cd(t.words, q, 1) DESC, pk LIMIT 300"
    )
    asked = {"asked": parsed(full_text_query(text)).expression}
    with desk.archive.engine.connect() as connection:
        return {"ts_rank_cd, passages": [ids[pk] for pk in connection.scalars(query, asked)]}


def _scores(
    judged: Mapping[str, Iterable[str]], run: Mapping[str, list[str]]
) -> dict[str, np.ndarray]:
    """Each measure's value for each question, in the order of `judged`."""
    qrels = [ir_measures.Qrel(q, a, 1) for q, articles in judged.items() for a in articles]
    ranked = [
        ir_measures.ScoredDoc(q, article, -float(rank))
        for q, articles in run.items()
        for rank, article in enumerate(articles)
    ]
    order = {case_id: at for at, case_id in enumerate(run)}
    found = {measure: np.zeros(len(order)) for measure in MEASURES}
    names = {measure: name for name, measure in MEASURES.items()}
    for metric in ir_measures.iter_calc(list(MEASURES.values()), qrels, ranked):
        found[names[metric.measure]][order[metric.query_id]] = metric.value
    return found


def _interval(differences: np.ndarray) -> list[float]:
    """Mean, and the bounds of its 95 % bootstrap interval."""
    random = np.random.default_rng(_SEED)
    drawn = random.integers(0, len(differences), (_RESAMPLES, len(differences)))
    low, high = np.percentile(differences[drawn].mean(axis=1), (2.5, 97.5))
    return [float(differences.mean()), float(low), float(high)]


def as_markdown(name: str, found: Mapping[str, object]) -> str:
    """The set's heading and its two tables."""
    heading = (
        f"## {name}: {found['articles']} articles, {found['passages']} passages, "
        f"{found['questions']} questions"
    )
    means = [
        [ranker, *(f"{values[measure]:.3f}" for measure in MEASURES)]
        for ranker, values in found["means"].items()
    ]
    gains = [
        [ranker, *("{:+.3f} ({:+.3f} to {:+.3f})".format(*values[m]) for m in MEASURES)]
        for ranker, values in found["gains"].items()
    ]
    times = [
        [name, *(f"{value:.1f}" for value in values)] for name, values in found["match"].items()
    ]
    dates = found["dates"]
    dated = [[dates["questions"], f"{dates['without']:.3f}", f"{dates['with']:.3f}"]]
    dated[0].append("{:+.3f} ({:+.3f} to {:+.3f})".format(*dates["gain"]))
    return "\n\n".join(
        (
            heading,
            sets.markdown(["", *MEASURES], means),
            sets.markdown(["Byline minus", *MEASURES], gains),
            sets.markdown(["ms", "p50", "p95"], times),
            sets.markdown(["nDCG@10: questions", "without dates", "with", "gain"], dated),
        )
    )


if __name__ == "__main__":
    main()
