"""Versions, retractions and stale answers, by the commands and in Python."""

import json
from pathlib import Path

import pytest
from byline import Desk
from byline.errors import InputError
from byline.tests.conftest import ARTICLES, Run, failed

MAYOR = "https://herald.example/2026/mayor-resigns"
QUESTION = "How much will the repair of the ferry cost?"
UPDATED = ARTICLES["ferry.txt"].replace("4.2 million", "5.1 million").replace(
    "The repair", "Two boats came.\nThe repair"
)  # fmt: skip


def ferry(folder: Path) -> str:
    return str(folder / "ferry.txt")


def update(folder: Path, more: str = "") -> None:
    (folder / "ferry.txt").write_text(UPDATED + more)


class TestVersions:
    def test_an_old_answer_still_shows_its_quote(self, own_desk: Desk, folder: Path) -> None:
        citations = own_desk.ask(QUESTION).citations
        assert citations
        update(folder)
        assert own_desk.add(folder).updated == 1
        assert own_desk.articles.get(ferry(folder)).version != citations[0].version
        for cited in citations:
            article = own_desk.articles.get(cited.article_id, cited.version)
            assert article.text[cited.start : cited.end] == cited.quote

    def test_the_history_says_what_changed(self, own_desk: Desk, folder: Path) -> None:
        update(folder, "Correction: An earlier version gave a lower cost.\n")
        own_desk.add(folder)
        first, last = own_desk.articles.history(ferry(folder))
        assert first.change is None
        assert last.change is not None
        assert last.change.numbers == (("4.2", "5.1"),)
        assert last.change.added[0] == "Two boats came."
        assert (first.is_published, last.is_published) == (False, True)
        assert first.seen < last.seen
        # What was corrected later carries the correction.
        assert first.article.notice is not None
        assert first.article.notice.kind == "corrected"
        assert first.article.notice.date == last.seen

    def test_updates_of_one_day_are_all_kept(self, own_desk: Desk, folder: Path) -> None:
        for hour in ("noon", "one", "two"):
            (folder / "ferry.txt").write_text(ARTICLES["ferry.txt"] + f"It is {hour} o'clock.\n")
            own_desk.add(folder)
        (folder / "ferry.txt").write_text(ARTICLES["ferry.txt"] + "It is two\n\no'clock.\n")
        own_desk.add(folder)  # re-flowed: no new version
        assert len(own_desk.articles.history(ferry(folder))) == 4

    @pytest.mark.parametrize("given", ["", "no-such-version"])
    def test_an_unknown_version_is_refused_with_those_that_there_are(
        self, desk: Desk, given: str
    ) -> None:
        with pytest.raises(InputError, match=f"no version '{given}' .* there are [0-9a-f]{{16}}"):
            desk.articles.get(MAYOR, given)


class TestRetracted:
    def test_it_is_no_evidence_unless_asked_for(self, own_desk: Desk, home: Path) -> None:
        asked = "Who takes over from Mayor Rehn?"
        with Desk(home, embedder=own_desk.library().embedder) as other:  # open in another process
            assert other.ask(asked).citations[0].article_id == MAYOR
            own_desk.articles.retract(MAYOR, "Its contract was forged.")
            answer = other.ask(asked)
            assert answer.declined
            assert MAYOR not in {one.article_id for one in answer.nearest}
            assert any("a report on it was retracted on 20" in note for note in answer.notes)
            assert "Kamp" not in json.dumps(answer.to_dict())
            assert MAYOR not in {hit.article_id for hit in other.search(asked)}
            wanted = other.ask(asked, retracted=True)
        (cited,) = wanted.citations
        assert cited.notice is not None
        assert (cited.notice.kind, cited.notice.text) == ("retracted", "Its contract was forged.")
        assert "the article of [1] was retracted" in wanted.notes
        assert MAYOR in {article.id for article in own_desk.articles.list()}

    def test_a_question_on_something_else_hears_nothing_of_it(self, own_desk: Desk) -> None:
        own_desk.articles.retract(MAYOR, "Forged.")
        answer = own_desk.ask("Who won the chess tournament in Oslo?")
        assert answer.declined
        assert not any("retracted" in note for note in answer.notes)

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({}, "Give a reason"),
            ({"reason": "  "}, "Give a reason"),
            ({"reason": "x" * 1001}, "at most 1000"),
            ({"reason": "Forged.", "undo": True}, "none to undo"),
            ({"undo": True}, "is not retracted"),
        ],
    )
    def test_bad_requests_are_refused(
        self, own_desk: Desk, options: dict[str, object], said: str
    ) -> None:
        with pytest.raises(InputError, match=said):
            own_desk.articles.retract(MAYOR, **options)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="no article 'none'"):
            own_desk.articles.retract("none", "Forged.")


class TestCommands:
    def test_an_article_with_one_version_says_so(self, run: Run, folder: Path) -> None:
        run("add", folder)
        done = run("articles", "history", MAYOR)
        assert done.out.splitlines()[0].startswith("1. seen 20")
        assert "It has one version: it has not changed since it was first seen." in done.out

    def test_history_and_an_old_version_are_shown(self, run: Run, folder: Path) -> None:
        run("add", folder)
        update(folder)
        run("add", folder)
        shown = run("articles", "history", ferry(folder)).out
        assert "Numbers: 4.2 → 5.1; 1 sentence changed; 1 sentence added." in shown
        assert "+ Two boats came." in shown
        versions = json.loads(run("articles", "history", ferry(folder), "--json").out)["versions"]
        assert versions[1]["change"]["numbers"] == [["4.2", "5.1"]]
        old = run("articles", "show", ferry(folder), "--version", versions[0]["version"])
        assert "4.2 million" in old.out
        failed(run("articles", "show", MAYOR, "--version", "x"), 2, "no version 'x'")
        failed(run("articles", "history", "none"), 2, "no article 'none'")

    @pytest.mark.parametrize("options", [[], ["--json"]])
    def test_history_shows_no_more_of_a_text_than_may_be_quoted(
        self, run: Run, tmp_path: Path, options: list[str]
    ) -> None:
        first = {"id": "a", "text": "Rates rose today. The bank has eleven secret vaults."}
        said = "Correction: An earlier version gave a wrong number of vaults."
        text = f"Rates rose today. It has 12 other vaults.\n{said}"
        last = {"id": "a", "excerpt_limit": 20, "text": text}
        for record in (first, last):
            (tmp_path / "a.jsonl").write_text(json.dumps(record))
            run("add", tmp_path / "a.jsonl")
        shown = run("articles", "history", "a", *options).out
        assert "vaults" not in shown
        assert "the article says what" in shown
        assert ("Rates rose today." in shown) is bool(options)

    def test_a_retraction_is_shown_in_lists_and_undone(self, run: Run, folder: Path) -> None:
        run("add", folder)
        assert "no longer used" in run("articles", "retract", MAYOR, "--reason", "Forged.").out
        (line,) = (one for one in run("articles", "list").out.splitlines() if MAYOR in one)
        assert "retracted" in line
        asked = run("ask", "Who takes over from Mayor Rehn?", "--retracted")
        assert "Forged." in asked.out
        assert run("articles", "retract", MAYOR, "--undo").out == "Stands again.\n"
        failed(run("articles", "retract", MAYOR, "--undo"), 2, "is not retracted")

    def test_answers_that_no_longer_hold_are_listed(
        self, run: Run, folder: Path, own_desk: Desk
    ) -> None:
        assert run("check", "--answers").out == "No stored answer cites what has changed since.\n"
        chat = own_desk.chat()
        assert chat.ask(QUESTION).citations
        chat.ask("Who takes over from Mayor Rehn?")
        update(folder)
        own_desk.add(folder)
        own_desk.articles.remove(MAYOR)
        shown = run("check", "--answers")
        assert shown.code == 0
        assert f"{chat.id}, turn 1: {QUESTION}" in shown.out
        assert "5.1 million" in shown.out
        listed = run("check", "--answers", "--json")
        assert listed.code == 0, listed.err
        first, last = json.loads(listed.out)["stale"]
        assert (first["conversation"], first["turn"], first["reason"]) == (chat.id, 1, "changed")
        assert "5.1 million" in first["now"]
        assert (last["turn"], last["reason"]) == (2, "removed")
        assert [turn.stale[0].reason for turn in own_desk.conversations.load(chat.id).turns] == [
            "changed",
            "removed",
        ]
        done = run("conversations", "export", chat.id, "--json")
        assert done.code == 0, done.err
        exported = json.loads(done.out)
        assert exported["turns"][1]["stale"][0]["reason"] == "removed"
        assert "### No longer holds" in run("conversations", "export", chat.id).out
        said = run("chat", chat.id).err
        assert f"No longer holds, in the answer to “{QUESTION}”: [1]" in said
