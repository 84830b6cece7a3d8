"""What is found in the sample: by its headline, within filters, whatever is typed."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from byline import Desk
from byline.index.archive.filter import Filter
from byline.index.article import day_start
from byline.qa.question import matching
from byline.qa.retrieve import full_text_query, fuse, is_named, nearest, retrieve, timeliness
from byline.qa.when import asked
from byline.tests.fakes import Letters
from hypothesis import given, settings
from hypothesis import strategies as st

WEIRD = {
    "quotes": '"the "budget"" \'vote\'',
    "operators": "AND OR NOT NEAR(budget, 2) * ^ : title:budget -vote {a b} +x",
    "emoji": "😀🔥👩‍👩‍👧",
    "stop words": "who was it and why were they there",
    "punctuation": "?!… — “” ()[]{};",
    "2000 characters": "budget vote " * 166,
    "one long word": "b" * 2000,
    "right to left": "من استقال؟ מי התפטר \u202ebudget",
    "combining marks": "Z\u0301\u0302\u0303\u0304a\u0301l\u0323g\u0300o\u0308",
    "null": "who \x00 resigned",
    "lone surrogate": "who \udcff resigned",
    "other letters": "誰が辞任した？ Кто ушёл?",
    "path": "../../etc/passwd'; DROP TABLE articles; --",
    "percent": "100% %s %d $1 \\",
}


def exact(desk: Desk, text: str, **filters: object) -> list[object]:
    """The hits of a search; each is the span that it says it is, best first."""
    hits = desk.search(text, **filters)
    for hit in hits:
        assert hit.article.text[hit.start : hit.end] == hit.text
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len({(hit.article_id, hit.start) for hit in hits}) == len(hits)
    return hits


def test_an_article_or_the_one_it_copies_is_found_by_its_headline(sample_desk: Desk) -> None:
    articles = sample_desk.articles.list(1000)
    origins = sample_desk.articles.origins([article.id for article in articles])
    missed = [
        article.title
        for article in articles
        if article.title
        and getattr(origins.get(article.id), "id", article.id)
        not in {hit.article_id for hit in exact(sample_desk, article.title, retracted=True)[:3]}
    ]
    assert missed == []


def test_a_question_or_search_that_names_an_outlet_has_its_articles_first(
    tmp_path: Path, own_desk: Desk
) -> None:
    said = "The council voted on the harbour wall on Monday. It will cost {} million crowns."
    for outlet, cost in (("The Ledger", 3), ("Northern Standard", 4)):
        head = f"title: Council votes\noutlet: {outlet}\npublished: 2026-03-03"
        (tmp_path / f"{cost}.md").write_text(f"---\n{head}\n---\n{said.format(cost)}")
    own_desk.add([tmp_path / "3.md", tmp_path / "4.md"])
    library, today = own_desk.library(), date(2026, 3, 5)
    for outlet, named in (("The Ledger", "the Ledger"), ("Northern Standard",) * 2):
        text = f"What will the harbour wall cost, as {named} had it?"
        opened = (library.archive, library.store, library.embedder)
        first = retrieve(text, Filter(), *opened, when=asked(text, today), as_of=today)[0]
        assert first.outlet == outlet
        assert own_desk.search(f"{named} harbour wall", limit=1)[0].outlet == outlet


@pytest.mark.parametrize(
    ("outlet", "text", "told"),
    [
        ("The Ledger", "as the Ledger had it", True),
        ("The Ledger", "what a ledger is", False),
        ("BBC", "Did the BBC's man say so?", True),
        ("Sun", "on Sunday", False),
        (None, "who?", False),
        ("The ", "what was said", False),
    ],
)
def test_whether_a_text_names_an_outlet(outlet: str | None, text: str, told: bool) -> None:
    assert is_named(outlet, text) is told


def test_an_article_is_found_by_a_rare_word_of_its_text(sample_desk: Desk) -> None:
    hits = exact(sample_desk, "Tesar")
    assert "Tesar" in hits[0].text


@pytest.mark.parametrize("text", WEIRD.values(), ids=WEIRD)
def test_whatever_is_typed_is_no_error(sample_desk: Desk, text: str) -> None:
    exact(sample_desk, text)


@given(text=st.text(min_size=1, max_size=80).filter(str.strip))
@settings(max_examples=40)
def test_no_text_is_an_error(sample_desk: Desk, text: str) -> None:
    exact(sample_desk, text, limit=3)


@pytest.mark.parametrize(
    ("since", "until", "outlets", "as_of"),
    [
        ("2026-03-05", None, (), None),
        (None, "2026-03-05", (), None),
        ("2026-03-03", "2026-03-04", (), None),
        (None, None, ("The Ledger", "Northern Standard"), None),
        (None, None, (), "2026-03-06"),
        ("2026-03-01", "2026-03-31", ("The Ledger",), "2026-03-20"),
    ],
)
def test_filters_hold_for_every_hit(
    sample_desk: Desk,
    since: str | None,
    until: str | None,
    outlets: Sequence[str],
    as_of: str | None,
) -> None:
    hits = exact(
        sample_desk,
        "vote on the budget strike",
        limit=1000,
        since=since,
        until=until,
        outlets=outlets,
        as_of=as_of,
    )
    assert hits
    for hit in hits:
        assert not outlets or hit.outlet in outlets
        assert hit.published or not (since or until)
        if hit.published:
            day = day_start(hit.published).astimezone(UTC).date()
            assert not since or day >= date.fromisoformat(since)
            assert not until or day <= date.fromisoformat(until)
            assert not as_of or day <= date.fromisoformat(as_of)
        if as_of and hit.article.updated:
            assert day_start(hit.article.updated).date() <= date.fromisoformat(as_of)


def test_a_limit_is_kept(sample_desk: Desk) -> None:
    assert len(exact(sample_desk, "the vote", limit=1)) == 1
    assert len(exact(sample_desk, "the vote", limit=7)) == 7


def test_as_many_are_given_as_are_asked_for_and_there_are(sample_desk: Desk) -> None:
    found = exact(sample_desk, "the vote", limit=1000, retracted=True)
    copies = sample_desk.articles.origins(sample_desk.archive.ids())
    own = {article_id for article_id in sample_desk.archive.ids() if article_id not in copies}
    assert {hit.article_id for hit in found} >= own
    assert 100 < len(found) < sample_desk.check().passages


def test_nothing_passes_a_filter_that_no_article_passes(sample_desk: Desk) -> None:
    assert exact(sample_desk, "vote", until="1999-12-31") == []


def test_a_hit_goes_through_json(sample_desk: Desk) -> None:
    hit = sample_desk.search("Who resigned?")[0]
    shown = hit.to_dict()
    assert shown["version"] == hit.article.version
    assert isinstance(shown["published"], str)
    assert isinstance(hit.published, date | datetime)


def test_an_empty_index_finds_nothing(home: object, minilm: object) -> None:
    with Desk(home, embedder=minilm) as desk:
        assert desk.search("Who resigned?") == []


def test_what_two_rankings_agree_on_comes_first() -> None:
    scores = fuse([[1, 2, 3], [3, 4]])
    assert max(scores, key=lambda key: scores[key]) == 3
    assert scores[1] == pytest.approx(1 / 61)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.02], ids=["all", "half", "few"])
def test_the_nearest_are_those_of_exact_search(sample_desk: Desk, share: float) -> None:
    archive, store = sample_desk.archive, sample_desk.store
    shelf, question = archive.shelf(), sample_desk.library().embedder.embed_question("A vote?")
    passing = np.random.default_rng(2).random(len(shelf.keys)) < share
    keys = shelf.keys[passing]
    exact = archive.vectors(keys.tolist()) @ question
    found = nearest(question, shelf, passing, archive, store, 10)
    assert found == keys[np.lexsort((keys, -exact))][:10].tolist()
    assert len(found) == min(10, len(keys)) > 0


def test_a_query_is_made_of_quoted_content_words() -> None:
    assert full_text_query("Who was at O'Neill's in Zürich?") == '"o\'neill" OR "zurich"'
    assert full_text_query("who was it") == '"who" OR "was" OR "it"'
    assert full_text_query("😀") == ""


@pytest.mark.parametrize(
    ("question", "later"),
    [
        ("Who was hurt on 5 March?", False),
        ("What is the latest toll?", True),
        ("Who was hurt?", True),
        ("Who was hurt at first?", None),
    ],
)
def test_the_day_that_a_question_is_about_draws_its_articles(
    question: str, later: bool | None
) -> None:
    today = date(2026, 4, 6)
    when = asked(question, today)
    near, far = (timeliness(when, today, date(2026, month, 5)) for month in (3, 4))
    assert (near == far) if later is None else (far > near) is later
    assert timeliness(when, today, None) == 1


def test_a_question_about_now_finds_the_newer_report_first(sample_desk: Desk) -> None:
    text, today = "What is the most recent price per share that Karvanik has offered?", "2026-04-06"
    day, library = date.fromisoformat(today), sample_desk.library()
    hits = retrieve(
        text,
        matching(today, None, None, ()),
        library.archive,
        library.store,
        library.embedder,
        when=asked(text, day),
        as_of=day,
    )
    assert "36.20" in hits[0].text
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@pytest.mark.parametrize(("outlet", "first"), [("Herald", "old"), ("Courier", "new")])
def test_a_correction_lowers_what_its_own_outlet_said_before_and_no_other(
    home: Path, tmp_path: Path, outlet: str, first: str
) -> None:
    old = "Eleven people were hurt in the fire on the ferry Marguerite, doctors in Brenik said."
    new = (
        "Harbour workers went home early when a fire broke out in Brenik, and people were hurt.\n\n"
        "Correction: an earlier version of this article misspelt the name of the pier."
    )
    rows = [
        {"id": "old", "outlet": outlet, "published": "2026-03-02", "text": old},
        {"id": "new", "outlet": "Courier", "published": "2026-03-04", "text": new},
    ]
    source = tmp_path / "two.jsonl"
    source.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    text, day = "How many people were hurt in the fire on the ferry Marguerite?", date(2026, 4, 6)
    with Desk(home, embedder=Letters()) as desk:
        desk.add(source)
        when = asked(text, day)
        assert when.wants_latest
        assert not when.is_now
        parts = (desk.archive, desk.store, Letters())
        hits = retrieve(text, matching(day, None, None, ()), *parts, when=when, as_of=day)
    assert hits[0].article_id == first
