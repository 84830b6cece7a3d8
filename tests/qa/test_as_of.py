"""With a date of asking nothing is used that was first seen or published after it."""

import json
from pathlib import Path
from typing import Any

import pytest
from byline import Desk
from byline.tests.fakes import Letters

OLD = "The council of Brenik said the bridge at Skellow Ford will cost 4 million crowns."
NEW = "The council of Brenik said the bridge at Skellow Ford will cost 9 million crowns."
QUESTION = "What will the bridge at Skellow Ford cost?"


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({}, {}),
        ({"updated": "2026-03-02"}, {"updated": "2026-03-02"}),  # a page that keeps its date
        ({"updated": "2026-03-02"}, {}),
        ({"updated": "2026-03-02"}, {"updated": "2026-05-01T10:00:00Z"}),
        ({"published": None}, {"published": None}),
    ],
)
def test_what_an_article_says_since_a_later_day_is_not_used(
    home: Path, tmp_path: Path, first: dict[str, Any], then: dict[str, Any]
) -> None:
    def add(text: str, **facts: Any) -> None:
        record = {"id": "bridge", "outlet": "Post", "published": "2026-03-01", "text": text}
        (tmp_path / "a.jsonl").write_text(json.dumps(record | facts) + "\n")
        assert not desk.add(tmp_path / "a.jsonl").failed

    def said(as_of: str | None) -> str:
        answer = desk.ask(QUESTION, as_of=as_of).to_dict()
        listed = [one.text for one in desk.articles.list(as_of=as_of)]
        hits = [hit.text for hit in desk.search(QUESTION, as_of=as_of)]
        return json.dumps([answer, listed, hits, desk.chat().ask(QUESTION, as_of=as_of).to_dict()])

    with Desk(home, embedder=Letters()) as desk:
        add(OLD, **first)
        assert ("4 million" in said("2026-03-10")) is ("published" not in first)
        add(NEW, **then)
        assert "9 million" in said(None)
        assert "9 million" not in said("2026-03-10")
        add(NEW, section="Harbour", **then)  # facts alone are new
        assert "9 million" not in said("2026-03-10")
        assert "4 million" not in said(None)
