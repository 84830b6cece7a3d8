"""What kind of thing a question asks for."""

import pytest
from byline.index.words import stem
from byline.qa.asked import (
    HOLDS,
    asks_for_words,
    focus,
    is_yes_or_no,
    kind_asked,
    names,
    unit,
)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("When did the bridge reopen?", "time"),
        ("In which month did the council vote?", "time"),
        ("What year was the depot built?", "time"),
        ("How long did the call last?", "duration"),
        ("For how many weeks was it closed?", "duration"),
        ("How many turbines are there?", "number"),
        ("How tall is the tower?", "number"),
        ("What percentage of members voted?", "percent"),
        ("How much did the terminal cost?", "money"),
        ("What was the price of the painting?", "money"),
        ("How old is the goalkeeper?", "age"),
        ("Where was he arrested?", "place"),
        ("In which city was he arrested?", "place"),
        ("Who resigned?", "person"),
        ("Whose brother was paid?", "person"),
        ("Which club won the cup?", "person"),
        ("Why did she resign?", "reason"),
        ("What caused the fire?", "reason"),
        ("Did the bridge reopen?", None),
        ("", None),
        ("😀", None),
    ],
)
def test_the_kind_is_told_by_the_question_words(question: str, kind: str | None) -> None:
    assert kind_asked(question) == kind


@pytest.mark.parametrize(
    ("kind", "holding", "lacking"),
    [
        ("time", "It reopened on Tuesday.", "It reopened after repairs."),
        ("duration", "It was closed for eleven weeks.", "It was closed."),
        ("number", "Forty-three men: 43.", "The men went home."),
        ("percent", "A share of 12 per cent.", "A small part of it was lost."),
        ("money", "It cost $4.2 million.", "It was costly."),
        ("age", "Mara Tenholt, 42, agreed.", "Mara Tenholt agreed."),
        ("place", "He lives in Port Ansel.", "he lives alone."),
        ("reason", "It failed because of ice.", "It failed."),
    ],
)
def test_a_sentence_holds_what_is_asked_for_or_not(kind: str, holding: str, lacking: str) -> None:
    assert HOLDS[kind].search(holding)
    assert not HOLDS[kind].search(lacking)


@pytest.mark.parametrize(
    ("question", "counted"),
    [
        ("How many turbines did Skerrow Wind get a licence for?", "turbin"),
        ("How many people were hurt?", "peopl"),
        ("How much did it cost?", None),
        ("Who resigned?", None),
    ],
)
def test_the_unit_is_what_is_counted(question: str, counted: str | None) -> None:
    assert unit(question) == counted


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("What is the population of Saltmere?", "population"),
        ("Which vaccine did Easterby skip?", "vaccine"),
        ("Which company won the bid?", None),
        ("When did it rain?", None),
    ],
)
def test_the_focus_is_the_thing_that_must_be_spoken_of(question: str, about: str | None) -> None:
    assert focus(question) == about


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("When did the mayor of Port Ansel call Mara Tenholt?", ["port ansel", "mara tenholt"]),
        ("Who leads the U.S. team?", ["u.s"]),
        ("Which bridge opened on 10 March 2026?", []),
        ("Saltmere?", []),
    ],
)
def test_names_are_told_by_their_capitals(question: str, said: list[str]) -> None:
    assert names(question) == [frozenset(map(stem, name.split())) for name in said]


@pytest.mark.parametrize(
    ("question", "is_asked"),
    [
        ("What did the mayor say about the bridge?", True),
        ("How did Skerrow Wind respond?", True),
        ("What did the bridge cost?", False),
    ],
)
def test_somebodys_words_are_asked_for(question: str, is_asked: bool) -> None:
    assert asks_for_words(question) == is_asked


@pytest.mark.parametrize(
    ("question", "is_asked"),
    [
        ("Did the bridge reopen?", True),
        ("After the vote in March, was the bridge reopened?", True),
        ("When the bridge reopened, who was there?", False),
        ("Which bridge was reopened, and when?", False),
    ],
)
def test_yes_or_no_is_asked_for(question: str, is_asked: bool) -> None:
    assert is_yes_or_no(question) == is_asked


@pytest.mark.parametrize("said", ["He left it to the council.", "She stood for mayor as usual."])
def test_a_common_preposition_is_no_reason(said: str) -> None:
    assert not HOLDS["reason"].search(said)
