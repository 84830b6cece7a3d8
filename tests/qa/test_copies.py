"""Of articles that run one text one is shown, and the others are told."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from byline import Desk
from byline.cli import main
from byline.index.archive.origins import Reach
from byline.tests.conftest import Run
from byline.tests.fakes import Letters

STORY = """A fire in the engine room of the ferry Marguerite closed the terminal in Port Ansel on
Monday, the port authority said. Nobody was hurt. The repair will cost 4.2 million crowns and take
about six weeks, said Odile Farrant, who runs the terminal. The ferry was built in 1998 and had
passed an inspection in January. Two other boats will take over its crossings until the summer.
"""
INSERT = "In Brenik, Mayor Tomas Rehn offered a berth at Gallows Quay to the stranded boats."
OTHER = """Rates rose by half a point on Tuesday, the central bank said. Governor Ilse Kamp spoke of
a stubborn inflation in the price of bread and of rents. The next meeting is in May."""


def record(name: str, text: str, day: int, **facts: str) -> dict[str, str]:
    return {"id": name, "text": text, "outlet": f"{name} News", "date": f"2026-03-0{day}", **facts}


RECORDS = [
    record("Wire", STORY, 2, title="Ferry fire closes terminal"),
    record("Local", f"{STORY}\n\n{INSERT}", 3, title="Port without ferry"),
    record("Late", STORY, 4, title="Fire on the ferry"),
    record("Bank", OTHER, 3, title="Rates rise"),
]


@pytest.fixture
def desk(home: Path, tmp_path: Path) -> Iterator[Desk]:
    source = tmp_path / "all.jsonl"
    source.write_text("".join(f"{json.dumps(one)}\n" for one in RECORDS))
    with Desk(home, embedder=Letters()) as desk:
        assert desk.add(source).added == 4
        yield desk


def found(desk: Desk, text: str, limit: int = 10, **filters: object) -> list[str]:
    return [hit.article_id for hit in desk.search(text, limit, **filters)]


def test_one_of_a_group_is_found_and_no_rank_is_spent_on_the_others(desk: Desk) -> None:
    assert found(desk, "ferry fire")[0] == "Wire"
    assert sorted(found(desk, "ferry fire")) == ["Bank", "Wire"]
    assert sorted(found(desk, "ferry fire", limit=2)) == ["Bank", "Wire"]


def test_where_the_origin_does_not_pass_the_filter_a_copy_is_shown(desk: Desk) -> None:
    assert "Wire" not in found(desk, "ferry fire", since="2026-03-03")
    assert len(found(desk, "ferry fire", since="2026-03-03")) == 2
    assert found(desk, "ferry fire", outlets=["Late News"]) == ["Late"]


def test_what_only_a_copy_says_is_found(home: Path, tmp_path: Path) -> None:
    long = f"{STORY}\n\n{STORY.replace('e', 'o')}\n\n{STORY.replace('a', 'u')}"
    local = f"{INSERT} {INSERT.replace('a', 'o')} {INSERT.replace('e', 'a')}"
    records = [
        record("Wire", long, 2),
        record("Local", f"{long}\n\n{local}\n\n{local.replace('o', 'i')}", 3),
    ]
    (tmp_path / "two.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in records))
    with Desk(home, embedder=Letters()) as desk:
        desk.add(tmp_path / "two.jsonl")
        assert desk.articles.origins(["Local"])["Local"].id == "Wire"
        assert "Local" in found(desk, "Gallows Quay Brenik Rehn")
        assert found(desk, "Marguerite Farrant")[0] == "Wire"


def test_a_word_that_only_the_lead_of_copies_has_finds_one_of_them(
    home: Path, tmp_path: Path
) -> None:
    leads = [f"Readers in Gallowmere saw the smoke, says {'ABC'[n]}. {STORY}" for n in range(3)]
    copies = [record(f"Local {n}", lead, 3, title="Ferry") for n, lead in enumerate(leads)]
    records = [RECORDS[0], *copies]
    (tmp_path / "all.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in records))
    with Desk(home, embedder=Letters()) as desk:
        desk.add(tmp_path / "all.jsonl")
        assert len(desk.articles.origins(["Local 0", "Local 1", "Local 2"])) == 3
        (local, *others) = [one for one in found(desk, "Gallowmere ferry fire") if one != "Wire"]
        assert (local[:5], others) == ("Local", [])
        assert "Gallowmere" in desk.search("Gallowmere", 1)[0].text
        assert found(desk, "Marguerite terminal") == ["Wire"]


def test_copies_do_not_crowd_out_what_else_there_is(home: Path, tmp_path: Path) -> None:
    crowd = [record(f"Paper {n}", STORY, 3) for n in range(130)]
    (tmp_path / "many.jsonl").write_text(
        "".join(f"{json.dumps(one)}\n" for one in [*crowd, *RECORDS])
    )
    with Desk(home, embedder=Letters()) as desk:
        desk.add(tmp_path / "many.jsonl")
        assert len(desk.articles.origins(desk.archive.ids())) == 132
        assert found(desk, "ferry fire") == ["Wire", "Bank"]


def test_a_citation_tells_the_other_outlets_as_of_the_date_of_asking(desk: Desk) -> None:
    question = "What will the repair of the ferry cost?"
    cited = desk.ask(question, as_of="2026-04-01").citations
    assert [(one.article_id, one.copies) for one in cited] == [
        ("Wire", ("Local News", "Late News"))
    ]
    earlier = desk.ask(question, as_of="2026-03-03")
    assert [one.copies for one in (*earlier.citations, *earlier.nearest)][:1] == [("Local News",)]


def test_an_answer_as_of_a_day_tells_no_later_correction(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "late.jsonl").write_text(
        json.dumps(
            record(
                "Wire",
                "The ferry's age was wrong.",
                5,
                title="Correction: Ferry fire closes terminal",
            )
            | {"id": "Correction"}
        )
    )
    desk.add(tmp_path / "late.jsonl")
    question = "What will the repair of the ferry cost?"
    for as_of, is_told in (("2026-03-04", False), ("2026-04-01", True)):
        answer = desk.ask(question, as_of=as_of)
        (cited,) = (one for one in answer.citations if one.article_id == "Wire")
        assert (cited.notice is not None) is is_told


def test_a_copy_of_what_was_retracted_answers_with_a_note(desk: Desk) -> None:
    question, note = "What will the repair of the ferry cost?", "runs the text of an article"
    assert not any(note in one for one in desk.ask(question).notes)
    desk.articles.retract("Wire", "Forged.")
    answer = desk.ask(question)
    assert [one.article_id for one in answer.citations] == ["Late"]
    assert "[1] runs the text of an article that was retracted" in answer.notes
    earlier = desk.ask(question, as_of="2026-03-03")  # before it was retracted
    assert earlier.citations
    assert not any(note in one for one in earlier.notes)
    desk.articles.retract("Wire", undo=True)
    assert not any(note in one for one in desk.ask(question).notes)


def test_a_kill_and_a_retraction_tell_the_copies_that_go_on_answering_or_take_them(
    desk: Desk, home: Path, run: Run
) -> None:
    with Desk(home, embedder=Letters()) as reader:
        assert desk.articles.kill("Wire") == Reach(("Wire",), ("Local", "Late"))
        assert found(reader, "ferry fire") != []
        assert desk.articles.kill("Wire", copies=True) == Reach(("Wire", "Local", "Late"), ())
        assert found(reader, "ferry fire") == ["Bank"]
        assert desk.articles.kill("Wire", copies=True, undo=True).ids == ("Wire", "Local", "Late")
        said = run("articles", "retract", "Late", "--reason", "Forged.").out
        assert re.search(r"answering.*: Wire\n.*answering.*: Local\n.*retract --copies`", said)
        said = run("articles", "kill", "Late", "--json").out
        assert json.loads(said) == {"killed": 1, "copies": ["Wire", "Local"]}
        desk.articles.kill("Late", undo=True)
        assert desk.articles.retract("Local", "Forged.", copies=True).copies == ()
        assert found(reader, "ferry fire") == ["Bank"]


def test_listing_and_showing_say_whose_text_it_is(
    desk: Desk, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BYLINE_HOME", str(home))

    def run(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["byline", "articles", *arguments])
        with pytest.raises(SystemExit):
            main()
        return capsys.readouterr().out

    assert run("list").count("copy of Wire (Wire News)") == 2
    listed = json.loads(run("list", "--json"))["articles"]
    assert {one["id"]: one["copy_of"] for one in listed} == {
        "Wire": None,
        "Local": "Wire",
        "Late": "Wire",
        "Bank": None,
    }
    assert "copy of Wire (Wire News)" in run("show", "Late")
    assert json.loads(run("show", "Late", "--json"))["copy_of"] == "Wire"
    assert "copy of" not in run("show", "Wire")


def test_rebuilding_and_removing_keep_the_groups_right(desk: Desk) -> None:
    desk.check(rebuild=True)
    assert {of: one.id for of, one in desk.articles.origins(["Local", "Late"]).items()} == {
        "Local": "Wire",
        "Late": "Wire",
    }
    desk.articles.remove("Wire")
    assert desk.articles.origins(["Late"])["Late"].id == "Local"
    assert sorted(found(desk, "ferry fire")) == ["Bank", "Local"]
