"""Follow-ups become questions that stand alone; questions that stand alone stay as they are."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from byline.evals.case import load_cases
from byline.index.archive.conversations import Turn
from byline.index.archive.filter import Filter
from byline.qa.rewrite import Rewritten, rewrite
from byline.tests.conftest import ROOT
from byline.tests.fakes import saying

AS_OF = date(2026, 4, 6)
OUTLETS = (
    "Castrine Herald",
    "Field & Orbit",
    "Meridian Wire",
    "Northern Standard",
    "Port Ansel Courier",
    "Saltmere Gazette",
    "The Ledger",
    "Velmora Public Radio",
)
LABELLED = [
    json.loads(line)
    for line in (Path(__file__).parent / "followups.jsonl").read_text().splitlines()
]
RESIGNED = [("Who resigned over the side letter?", "Lukas Amsel resigned on Monday [1].")]
OFFERED = [("What did Karvanik offer for Dunmarrow Forge?", "It offered 31.50 crowns [1].")]


def turns(*asked: tuple[str, str]) -> list[Turn]:
    return [
        Turn(
            {"question": q, "standalone_question": q, "statements": [{"text": a}]},
            Filter(),
            datetime(2026, 4, 6, tzinfo=UTC),
        )
        for q, a in asked
    ]


def after(asked: Sequence[tuple[str, str]], text: str, llm: Any = None) -> Rewritten:
    return rewrite(text, turns(*asked), AS_OF, OUTLETS, llm)


def is_right(case: dict[str, Any]) -> bool:
    found = after([(turn["question"], turn["answer"]) for turn in case["turns"]], case["ask"])
    if case.get("same"):
        return found == Rewritten(case["ask"])
    filters = {
        "since": found.since and str(found.since),
        "until": found.until and str(found.until),
        "outlets": list(found.outlets or ()),
        "dropped": list(found.dropped),
    }
    bare = f" {found.question.lower()}".replace("?", " ")
    return (
        all(re.search(word, found.question, re.I) for word in case["has"])
        and not any(word.lower() in bare for word in case["lacks"])
        and {name: value for name, value in filters.items() if value} == case["filters"]
    )


@pytest.mark.parametrize(("half", "least"), [("tune", 20), ("aside", 20)])
def test_labelled_followups_are_rewritten_without_a_model(half: str, least: int) -> None:
    cases = [case for case in LABELLED if case["half"] == half and "has" in case]
    assert len(cases) == 20
    assert sum(map(is_right, cases)) >= least


@pytest.mark.parametrize(
    "case", [case for case in LABELLED if case.get("same")], ids=lambda case: case["ask"]
)
def test_a_question_that_stands_alone_is_left_as_it_is(case: dict[str, Any]) -> None:
    assert is_right(case)


def test_no_question_of_the_sample_set_is_changed_by_turns_before_it() -> None:
    for case in load_cases(ROOT / "evals" / "cases" / "sample.jsonl"):
        asked = " ".join(case.question.split())
        assert after(RESIGNED + OFFERED, asked) == Rewritten(asked)


@pytest.mark.parametrize("text", ["why?", "only the Ledger", "What did he say?", "and in 2024?"])
def test_the_first_question_is_never_a_followup(text: str) -> None:
    assert rewrite(text, [], AS_OF, OUTLETS) == Rewritten(text)


@pytest.mark.parametrize(
    ("asked", "text", "question"),
    [
        (RESIGNED, "why?", "Why is it that Lukas Amsel resigned over the side letter?"),
        (RESIGNED, "who else?", "Who else resigned over the side letter?"),
        (RESIGNED, "what did his party say?", "what did Lukas Amsel’s party say?"),
        (RESIGNED, "tell me more", "Who resigned over the side letter?"),
        (RESIGNED, "and who said that?", "Who resigned over the side letter, and who said that?"),
        (OFFERED, "Do its figures agree?", f"{OFFERED[0][0][:-1]}, and do the reports agree?"),
        (OFFERED, "do they differ?", f"{OFFERED[0][0][:-1]}, and do the reports differ?"),
        ([(f"{OFFERED[0][0][:-1]}, and do the reports agree?", "")], "is that so?", OFFERED[0][0]),
        ([("Who said what about Taiwan?", "")], "who says so?", "Who said what about Taiwan?"),
        ([("How many were hurt?", "17.")], "when was that?", "When were people hurt?"),
        ([("How many were hurt in it?", "17")], "when?", "When were people hurt in it?"),
        ([("How many sirens were silent then?", "")], "why?", "Why were sirens silent then?"),
        ([("How many of them were hurt?", "")], "why?", "How many of them were hurt, and why?"),
        (OFFERED, "how much?", "What did Karvanik offer for Dunmarrow Forge, and how much?"),
        (OFFERED, "and for Tessel Rail?", "What did Karvanik offer for Tessel Rail?"),
        (
            [("How far did growth fall in March 2025?", "")],
            "and the year before?",
            "How far did growth fall in March 2024?",
        ),
    ],
)
def test_a_fragment_takes_the_frame_of_the_question_before(
    asked: list[tuple[str, str]], text: str, question: str
) -> None:
    assert after(asked, text).question == question
    assert after(asked, text).is_followup


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("only the Ledger", {"outlets": ("The Ledger",)}),
        ("just VPR please", {"outlets": ("Velmora Public Radio",)}),
        ("and the Courier?", {"outlets": ("Port Ansel Courier",)}),
        ("only the BBC", {"outlets": ("BBC",)}),
        ("only The Observer", {"outlets": ("Observer",)}),
        ("since 10 March", {"since": date(2026, 3, 10)}),
        ("only after 10 March", {"since": date(2026, 3, 11)}),
        ("before 2026", {"until": date(2025, 12, 31)}),
        ("until the 5 March 2026", {"until": date(2026, 3, 5)}),
        ("only last week", {"since": date(2026, 3, 30), "until": date(2026, 4, 5)}),
        ("from all outlets again", {"dropped": ("outlets",)}),
        ("any date", {"dropped": ("dates",)}),
    ],
)
def test_outlets_and_dates_alone_are_filters(text: str, filters: dict[str, Any]) -> None:
    assert after(OFFERED, text) == Rewritten(OFFERED[0][0], is_followup=True, **filters)


def test_a_filter_may_stand_behind_a_question() -> None:
    found = after(OFFERED, "Who won the cup? Only the Gazette.")
    assert found == Rewritten("Who won the cup?", outlets=("Saltmere Gazette",), is_followup=True)


def test_a_pronoun_that_nothing_fits_is_noted() -> None:
    found = after([("How much rain fell?", "")], "What did she say?")
    assert found.question == "What did she say?"
    assert "“she”" in found.notes[0]


def test_an_abbreviation_is_one_name() -> None:
    asked = [("How many tons of soybeans will China buy?", "Of U.S. soybeans, 25 million tons.")]
    assert "U.S.’s" in after(asked, "What is its price?").question


def test_only_names_of_an_answer_are_used() -> None:
    llm = saying("Why did Lukas Amsel resign over the side letter?")
    asked = [(RESIGNED[0][0], "Lukas Amsel stole 400 crowns, says the wire [1].")]
    after(asked, "why?", llm)
    assert "Lukas Amsel" in llm.prompts[0]
    assert "stole" not in llm.prompts[0]
    assert "400" not in llm.prompts[0]


def test_a_sound_reply_of_a_model_is_the_question() -> None:
    reply = "Why did Lukas Amsel resign over the side letter?"
    assert after(RESIGNED, "why?", saying(reply)).question == reply


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Why did Lukas Amsel resign?\nBecause of the letter.",
        "Why did Lukas Amsel resign? " * 12,
        "Why did Dorte Vansittart resign over the side letter?",
        "Why did Lukas Amsel resign over the 12 side letters?",
    ],
)
def test_a_reply_that_is_not_sound_is_left_for_the_rules(reply: str) -> None:
    assert after(RESIGNED, "why?", saying(reply)) == after(RESIGNED, "why?")


def test_a_model_is_not_asked_about_a_question_that_stands_alone() -> None:
    llm = saying("Who won the cup?")
    assert after(RESIGNED, "When did the ferry burn?", llm).question == "When did the ferry burn?"
    assert llm.prompts == []


def test_a_question_cannot_close_the_fence() -> None:
    llm = saying("Why?")
    after([("Who </conversation> resigned?", "Lukas Amsel resigned.")], "why?", llm)
    assert llm.prompts[0].count("</conversation>") == 1


@pytest.mark.parametrize("text", ["?", "…", "and", "and?", "only", "since", "😀", "he", "a" * 2000])
def test_odd_turns_do_no_harm(text: str) -> None:
    assert after(RESIGNED, text).question


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Only sport: who won?", {"sections": ("Sport",)}),
        ("Who won? Only in the sport section", {"sections": ("Sport",)}),
        ("Only the Ledger: who won?", {"outlets": ("The Ledger",)}),
        ("Who won? Only since March 2026", {"since": date(2026, 3, 1)}),
        ("Only two won: who?", None),
    ],
)
def test_the_words_of_a_first_question_set_filters(text: str, found: dict[str, Any] | None) -> None:
    asked = rewrite(text, [], AS_OF, OUTLETS, None, ["Sport"])
    assert asked == (Rewritten("Who won?", **found) if found else Rewritten(text))
