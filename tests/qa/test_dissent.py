"""Disagreements: found where figures for one thing differ, each with its independent sources."""

from datetime import date

import pytest
from byline.index.article import Article
from byline.index.embed import MiniLM
from byline.qa.cite import Numbering, Sentence, Source
from byline.qa.dissent import Contest, find_contest
from byline.qa.retrieve import Hit

QUESTION = "How much rain fell at Tarn Pass before the flood?"
WIRE = (
    "The weather station at Tarn Pass recorded 142 millimetres of rain in the 24 hours to Sunday."
)
MORE = " Rescue teams from three towns went from house to house in the valley through the night."
OTHER = "The institute says 168 millimetres of rain fell at Tarn Pass in the 24 hours to Sunday."


def hit(name: str, text: str, day: int, outlet: str) -> Hit:
    article = Article(id=name, text=text, published=date(2026, 3, day), outlet=outlet)
    return Hit(article, 0, len(text), text, 0.1)


def contest(*hits: Hit, question: str = QUESTION) -> Contest | None:
    first = hits[0]
    end = first.text.index(".") + 1
    answer = Sentence(first.text[:end], (Source(first, 0, end),))
    return find_contest(question, [answer], hits, MiniLM())


def test_each_position_has_its_citation_dates_and_independent_sources() -> None:
    wire, copy = hit("a", WIRE + MORE, 15, "Wire"), hit("b", WIRE + MORE, 16, "Courier")
    found = contest(wire, copy, hit("c", OTHER, 19, "Radio"))
    assert found is not None
    numbering = Numbering()
    said = numbering.add(found.sentence)
    record = found.record(numbering)
    assert [position.says for position in record.positions] == [
        "142 millimetres",
        "168 millimetres",
    ]
    assert [position.sources for position in record.positions] == [1, 1]  # a copy is no source
    assert record.positions[0].articles == ("a", "b")
    assert record.positions[1].citations == (2,)
    assert not record.superseded
    assert said.text == (
        "The reports differ: 142 millimetres (Wire, 15 March 2026) or 168 millimetres "
        "(Radio, 19 March 2026) [1][2]."
    )


def test_a_later_report_that_says_so_replaces_the_earlier_one() -> None:
    old = hit(
        "a", "Karvanik offered 31 crowns a share for the Dunmarrow Forge steelworks.", 9, "Ledger"
    )
    new = hit(
        "b", "Karvanik raised its offer to 36 crowns a share for Dunmarrow Forge.", 25, "Wire"
    )
    found = contest(old, new, question="What price has Karvanik offered for Dunmarrow Forge?")
    assert found is not None
    assert found.superseded
    assert found.sentence.text.startswith("The figure has changed: 31 crowns")


@pytest.mark.parametrize(
    "other",
    [
        OTHER.replace("168", "142"),  # the same figure
        "The Corran bridge is 168 metres long and was built in 1971.",  # another thing
        "Some 168 people were brought to a school in Hollin Bridge.",
        OTHER.replace("168 millimetres", "a great deal"),
    ],
)
def test_what_agrees_or_speaks_of_something_else_is_no_disagreement(other: str) -> None:
    assert contest(hit("a", WIRE, 15, "Wire"), hit("b", other, 19, "Radio")) is None


def test_a_figure_that_the_question_names_itself_is_not_asked_for() -> None:
    question = "Who measured 142 millimetres of rain at Tarn Pass?"
    assert (
        contest(hit("a", WIRE, 15, "Wire"), hit("b", OTHER, 19, "Radio"), question=question) is None
    )


DEAD = "Eleven people were killed in the flood in the Corran Hills, the police said."
TOLL = "The toll of the flood in the Corran Hills has risen to 17, the police said."
ASKED = "How many people were killed in the flood in the Corran Hills?"


@pytest.mark.parametrize("first", [0, 1])
def test_a_toll_that_has_risen_replaces_the_earlier_count(first: int) -> None:
    both = [hit("a", DEAD, 15, "Wire"), hit("b", TOLL, 19, "Radio")]
    found = contest(*both[first:], *both[:first], question=ASKED)
    assert found is not None
    assert found.superseded
    assert found.sentence.text.startswith("The figure has changed: 11 (Wire, 15 March 2026)")
    assert found.newest.text == TOLL


def test_a_toll_that_stood_lower_before_or_is_of_something_else_is_no_contest() -> None:
    dead, late = hit("a", DEAD, 19, "Wire"), hit("b", TOLL, 15, "Radio")
    assert contest(dead, late, question=ASKED) is None
    shares = "The number of shares in Karvanik has risen to 17, the exchange said."
    assert contest(hit("a", DEAD, 15, "W"), hit("b", shares, 19, "R"), question=ASKED) is None


def test_a_toll_that_has_grown_is_of_one_event_and_one_thing() -> None:
    risen = "The number of people hurt on the Ansel Marigold has risen to 17, an office said."
    before = "Eleven people were hurt when the Ansel Marigold burned, with six crew on board."
    other = "Six people were hurt when the roof of a depot fell."
    question = "How many people were hurt on the Ansel Marigold?"
    hits = hit("c", risen, 10, "Courier"), hit("a", other, 2, "Wire"), hit("b", before, 7, "Radio")
    found = contest(*hits, question=question)
    assert found is not None
    assert [side[0].written for side in found.sides] == ["11", "17"]


def test_two_figures_of_one_article_are_told_where_it_is_asked_whether_they_agree() -> None:
    text = f"{WIRE} The mayor spoke of 90 millimetres of rain at Tarn Pass in those 24 hours."
    one = hit("a", text, 15, "Wire")
    assert contest(one) is None
    found = contest(one, question="Do the figures of the rain that fell at Tarn Pass agree?")
    assert found is not None
    assert found.sentence.text.startswith("The report has several figures: 142 millimetres")
