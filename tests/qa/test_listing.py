"""How often, list all: every article that matches, none that does not, counted."""

import json

import pytest
from byline import Desk
from byline.index.archive.filter import Filter
from byline.index.embed import MiniLM
from byline.qa.listing import listed


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("listing")
    articles = [
        {
            "id": f"a{n}",
            "title": f"Report {n}",
            "outlet": "The Ledger" if n % 2 else "Herald",
            "published": f"2026-03-{n + 1:02}",
            "text": f"The ferry Marigold sailed {n} times." if n < 12 else "The mayor resigned.",
        }
        for n in range(15)
    ]
    file = folder / "articles.jsonl"
    file.write_text("\n".join(map(json.dumps, articles)))
    desk = Desk(folder, embedder=MiniLM())
    desk.add(file)
    return desk


@pytest.mark.parametrize(
    "question",
    ["How many articles mention the Marigold?", "List all stories about the Marigold ferry."],
)
def test_every_article_is_listed_the_newest_first(desk: Desk, question: str) -> None:
    head, *lines = listed(question, Filter(), desk.archive) or []
    assert head.text.startswith("12 of 15 articles match")
    assert len(lines) == 12
    assert lines[0].text == "The Ledger, 12 March 2026: Report 11."
    assert [line.sources[0].hit.article_id for line in lines] == [
        f"a{n}" for n in range(11, -1, -1)
    ]


def test_a_filter_counts(desk: Desk) -> None:
    found = listed(
        "How often was the Marigold mentioned?", Filter(outlets=("Herald",)), desk.archive
    )
    assert found
    assert found[0].text.startswith("6 of 8 articles match “marigold”")


def test_nothing_matches_or_nothing_is_named(desk: Desk) -> None:
    assert listed("How many articles mention Brenik?", Filter(), desk.archive) == []
    assert listed("How many articles are there?", Filter(), desk.archive) is None


def test_an_ask_gives_the_whole_list_with_its_citations(desk: Desk) -> None:
    answer = desk.ask("How many articles mention the Marigold?", as_of="2026-04-01")
    assert answer.status == "answered"
    assert len(answer.citations) == 12
    assert {statement.verdict for statement in answer.statements} == {"supported"}
