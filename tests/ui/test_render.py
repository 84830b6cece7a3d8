"""What the page is given to show."""

import json
from pathlib import Path
from typing import Any

import pytest
from byline import Desk
from byline.index.embed import MiniLM
from byline.ui.render import turns

QUESTION = "What did the harbour master say about the tide?"
SAID = "The harbour master said [2] that the tide was the highest in forty years."
TEXT = f"{'Rain fell on the quay. ' * 9}{SAID}{' Gulls sat on the roofs.' * 9}"


def last_turn(home: Path, minilm: MiniLM, **facts: Any) -> dict[str, Any]:
    path = home.with_suffix(".jsonl")
    path.write_text(json.dumps({"id": "tide", "text": TEXT, **facts}))
    with Desk(home, "default", embedder=minilm) as desk:
        assert desk.add(path).added == 1
        *_, last = turns(desk.stream, QUESTION, 1, desk.articles.get)
    return last


def test_a_number_that_a_source_wrote_is_no_citation(home: Path, minilm: MiniLM) -> None:
    (sentence,) = last_turn(home, minilm)["sentences"]
    assert "2" in sentence["said"]
    assert (sentence["numbers"], sentence["tail"]) == ([1], ".")


def test_an_article_is_shown_whole_around_the_quote(home: Path, minilm: MiniLM) -> None:
    (source,) = last_turn(home, minilm)["sources"]
    assert source["before"] + source["quote"] + source["after"] == TEXT
    assert source["quote"] == SAID


@pytest.mark.parametrize("limit", [40, 120])
def test_no_more_of_an_article_is_shown_than_its_rights_allow(
    home: Path, minilm: MiniLM, limit: int
) -> None:
    (source,) = last_turn(home, minilm, excerpt_limit=limit)["sources"]
    shown = source["before"].removeprefix("… ") + source["quote"] + source["after"]
    assert len(shown.removesuffix(" …")) <= limit
    fits = SAID if limit >= len(SAID) else "Rain fell on the quay."  # no sentence is cut
    assert source["quote"] == fits


def test_what_goes_wrong_unexpectedly_is_told_without_a_traceback(
    home: Path, minilm: MiniLM, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(Desk, "stream", fail)
    with Desk(home, "default", embedder=minilm) as desk:
        *_, last = turns(desk.stream, QUESTION, 1, desk.articles.get)
    assert (last["status"], last["text"].split(":")[0]) == (
        "failed",
        "Unexpected ZeroDivisionError",
    )
    assert "secret" not in json.dumps(last)
    assert "secret" in caplog.text


def test_figures_of_one_article_are_no_disagreement_of_articles(home: Path, minilm: MiniLM) -> None:
    path = home.with_suffix(".jsonl")
    text = (
        "China has pledged to purchase 25 million tons of Velmoran soybeans next season.\n\n"
        "A minister spoke of the purchase of 20 million tons of Velmoran soybeans by China."
    )
    path.write_text(json.dumps({"id": "soy", "text": text}))
    asked = "How many tons of soybeans will China purchase, and do the reports agree?"
    with Desk(home, "default", embedder=minilm) as desk:
        assert desk.add(path).added == 1
        *_, last = turns(desk.stream, asked, 1, desk.articles.get)
    (found,) = last["disagreements"]
    assert found["within"]
    assert {one["says"] for one in found["positions"]} == {"25 million tons", "20 million tons"}
