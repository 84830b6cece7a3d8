"""The bundled articles and the questions about them fit together."""

from collections import Counter

import pytest
from byline import Article, Desk
from byline.evals.case import Case, load_cases

TAGS = """fact number relative_date speaker conflict multi_article correction copies metadata
unanswerable"""
CASES = load_cases("sample")


@pytest.fixture(scope="module")
def articles(sample_desk: Desk) -> dict[str, Article]:
    """The sample's articles by id; a path stands under its file name."""
    return {a.id.rpartition("/")[2] if a.id.startswith("/") else a.id: a for a in _all(sample_desk)}


def _all(desk: Desk) -> list[Article]:
    return desk.articles.list(1000)


def test_there_are_48_articles_of_six_outlets_and_all_are_read(sample_desk: Desk) -> None:
    found = _all(sample_desk)  # the fixture has made sure that none failed
    assert len(found) >= 48
    assert len({article.outlet for article in found} - {None}) >= 6
    assert sample_desk.check().problems == ()


def test_an_article_has_250_to_700_words_an_outlet_and_a_date(sample_desk: Desk) -> None:
    odd = [
        (article.id.rpartition("/")[2], len(article.text.split()))
        for article in _all(sample_desk)
        if not 250 <= len(article.text.split()) <= 700 or not (article.outlet and article.published)
    ]
    assert odd == []


def test_there_are_270_cases_of_all_kinds_160_of_them_unanswerable() -> None:
    assert len(CASES) >= 270
    assert sum(not case.answerable for case in CASES) >= 160
    assert set(TAGS.split()) <= {tag for case in CASES for tag in case.tags}
    assert all(case.as_of for case in CASES)


def test_each_half_has_64_unanswerable_twins_of_its_own_answerable_cases() -> None:
    halves = {case.id: line % 2 for line, case in enumerate(CASES)}
    answerable = {case.id for case in CASES if case.answerable}
    twins = [case for case in CASES if "twin" in case.tags]
    of = {case.id: (case.note or "").removeprefix("twin of ").partition(":")[0] for case in twins}
    assert set(of.values()) <= answerable
    assert all(halves[case.id] == halves[of[case.id]] for case in twins)
    assert min(Counter(halves[case.id] for case in twins).values()) >= 64


def test_no_question_stands_twice() -> None:
    assert [q for q, n in Counter(case.question for case in CASES).items() if n > 1] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_case_stands_on_the_articles(case: Case, articles: dict[str, Article]) -> None:
    named = (*case.relevant, *(name for side in case.disagreement or () for name in side.articles))
    assert set(named) <= set(articles)
    texts = [articles[name].text for name in case.relevant]
    missing = [said for said in case.evidence if not any(said in text for text in texts)]
    assert missing == []
    if case.answerable:
        assert case.answers
        assert case.evidence or "metadata" in case.tags
        assert case.relevant
    else:
        assert "unanswerable" in case.tags
