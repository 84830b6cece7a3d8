"""What may not be shown, or not so much of it, reaches neither a prompt nor a screen."""

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from byline import Desk
from byline.errors import BylineError, InputError, SettingsError
from byline.index.archive import Archive, tables
from byline.index.article import Article
from byline.index.embed import MiniLM
from byline.index.reach import is_local
from byline.index.rights import Excerpts, cut
from byline.qa.events import Answer, Found
from byline.qa.judge import NLIJudge
from byline.settings import Settings
from byline.tests.fakes import Letters, saying, scripted
from byline.ui.export import to_markdown
from byline.ui.render import turns, welcome

SECRET = "Mayor Tomas Rehn hid eleven zinc crates of ballots under the Vexholm pier."
PLAIN = "Mayor Tomas Rehn opened the new library in Castrine on Monday."
HIDDEN = {
    "id": "h",
    "title": "Zinc crates",
    "outlet": "Zinc Post",
    "published": "2026-03-05",
    "text": SECRET,
}
SHOWN = {
    "id": "s",
    "title": "Library",
    "outlet": "The Ledger",
    "published": "2026-03-06",
    "text": PLAIN,
}
QUESTION = "How many crates did Mayor Tomas Rehn hide under the Vexholm pier?"
Put = Callable[..., None]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def write(desk: Desk, *records: dict[str, Any]) -> None:
        path = tmp_path / "given.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        report = desk.add(path)
        assert not report.failed, report.failed

    return write


@pytest.fixture
def both(home: Path, minilm: MiniLM, put: Put) -> Iterator[Desk]:
    with Desk(home, embedder=minilm) as desk:
        put(desk, HIDDEN, SHOWN)
        yield desk


def _version(desk: Desk, article_id: str, version: str) -> Article | None:
    try:
        return desk.articles.get(article_id, version)
    except InputError:
        return None


def everything(desk: Desk) -> str:
    """All that the surfaces say of an index: lists, searches, answers, the page."""
    said: list[Any] = [a.to_dict() for a in desk.articles.list()]
    said += [hit.to_dict() for hit in desk.search(QUESTION, 50)]
    asked = (QUESTION, "How many articles mention Rehn?", "What is the latest news?",
             "Who wrote the article on Rehn?", "What did Rehn open?")  # fmt: skip
    for question in asked:
        for style in ("sentences", "quotes"):
            for event in desk.stream(question, style=style):
                said += [h.to_dict() for h in event.hits] if isinstance(event, Found) else []
                said += [event.to_dict()] if isinstance(event, Answer) else []
                said += [event] if isinstance(event, str) else []
        said += list(turns(desk.stream, question, 1, partial(_version, desk)))
    said += [welcome(desk), desk.archive.outlets(), desk.archive.ids(), len(desk.articles)]
    said += [desk.archive.frequencies(["zinc", "rehn"])]
    said += [to_markdown(desk.conversations.load(one.id)) for one in desk.conversations.list()]
    return json.dumps(said, default=str)


@pytest.mark.parametrize(
    "facts",
    [
        {"status": "stat:withheld"},
        {"status": "Canceled"},
        {"status": "embargoed"},
        {"expires": "2026-03-06"},
        {"embargo_until": "2099-01-01"},
    ],
    ids=lambda facts: "-".join(facts.values()),
)
def test_what_is_withheld_later_is_said_nowhere(
    both: Desk, put: Put, facts: dict[str, str]
) -> None:
    chat = both.chat()
    assert SECRET in chat.ask(QUESTION).text.replace(" [1]", "")
    assert "zinc" in everything(both).lower()
    put(both, HIDDEN | facts)
    said = everything(both)
    assert "zinc" not in re.sub(r'"zinc": 0', "", said.lower())
    assert both.archive.frequencies(["zinc"])[0] == {"zinc": 0}
    chat.ask("and why?")  # the open conversation has forgotten it too
    assert chat.turns[0].answer["reason"] == "source_withheld"
    assert to_markdown(both.conversations.load(chat.id)).count("may not be shown") == 1


def test_a_kill_reaches_another_open_desk_at_once_and_no_source_undoes_it(
    both: Desk, home: Path, minilm: MiniLM, put: Put
) -> None:
    with Desk(home, embedder=minilm) as reader:
        assert "zinc" in everything(reader).lower()
        began = time.monotonic()
        assert both.articles.kill("h").ids == ("h",)
        assert {hit.article_id for hit in reader.search(QUESTION)} == {"s"}
        assert time.monotonic() - began < 5
        put(both, HIDDEN | {"status": "usable"})
        put(both, HIDDEN | {"text": f"{SECRET} He denied it.", "status": "usable"})
        assert "zinc" not in everything(reader).lower().replace('"zinc": 0', "")
        both.articles.kill("h", undo=True)
        assert {hit.article_id for hit in reader.search(QUESTION)} == {"h", "s"}
    with pytest.raises(InputError, match="no article 'x'"):
        both.articles.kill(["h", "x"])
    assert both.articles.get("h")


def test_an_embargo_ends_and_an_article_expires_while_it_is_open(both: Desk, put: Put) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=3)
    put(both, HIDDEN | {"embargo_until": soon.isoformat()}, SHOWN | {"expires": soon.isoformat()})
    assert {hit.article_id for hit in both.search(QUESTION)} == {"s"}
    time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()) + 0.1)
    assert {hit.article_id for hit in both.search(QUESTION)} == {"h"}


class TestKilledMeanwhile:
    def test_between_finding_and_prompt_it_is_left_out(
        self, both: Desk, home: Path, minilm: MiniLM
    ) -> None:
        llm = saying("Tomas Rehn opened the library [1].")
        with Desk(home, embedder=minilm, llm=llm) as desk:
            events = desk.stream(QUESTION)
            assert isinstance(next(events), Found)
            both.articles.kill("h")
            *_, answer = events
        assert llm.prompts
        assert "zinc" not in "".join(llm.prompts).lower()
        assert isinstance(answer, Answer)
        assert answer.reason != "source_withheld"

    @pytest.mark.parametrize("stream", [True, False])
    def test_between_prompt_and_answer_it_is_not_answered(
        self, both: Desk, home: Path, minilm: MiniLM, stream: bool
    ) -> None:
        def reply(_: Any) -> str:
            both.articles.kill("h")
            return f"{SECRET[:-1]} [1]."

        with scripted(reply) as endpoint:
            settings = Settings(home=home, llm="m", llm_base_url=endpoint.address)
            with Desk(embedder=minilm, settings=settings) as desk:
                if stream:
                    *said, answer = desk.stream(QUESTION)
                    assert len([one for one in said if not isinstance(one, Found)]) == 0
                else:
                    answer = desk.ask(QUESTION)
        assert isinstance(answer, Answer)
        assert (answer.status, answer.reason) == ("declined", "source_withheld")
        assert "zinc" not in json.dumps(answer.to_dict()).lower()

    def test_a_quoted_answer_is_declined_too(
        self, both: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        events = both.stream(QUESTION)
        for event in events:
            if not isinstance(event, Found):
                both.articles.kill("h")
                break
        *_, answer = events
        assert isinstance(answer, Answer)
        assert answer.reason == "source_withheld"


PLACES = ("northern", "southern", "eastern", "western", "outer", "inner", "upper", "lower")
LONG = " ".join(
    f"The {place} council of Castrine paid {number} crowns for the ferry pier."
    for number, place in enumerate(PLACES, 11)
)


class TestExcerpts:
    @pytest.mark.parametrize("limit", [0, 5, 70, 150, 300])
    @pytest.mark.parametrize("style", ["sentences", "quotes"])
    def test_no_answer_quotes_more_than_the_limit(
        self, home: Path, minilm: MiniLM, put: Put, limit: int, style: str
    ) -> None:
        llm = saying(*["The western council paid 14 crowns [1]. The outer one paid 15 [1]."] * 9)
        settings = Settings(home=home, passage_chars=200)
        url = "https://ledger.example/pier"
        with Desk(embedder=minilm, llm=llm, settings=settings) as desk:
            put(desk, SHOWN | {"text": LONG, "excerpt_limit": limit, "url": url})
            asked = ("What did the western council pay for the ferry pier?",
                     "How many articles mention the pier?", "What is the latest news?")  # fmt: skip
            for question in asked:
                answer = desk.ask(question, style=style)
                for quotes in (answer.citations, answer.nearest):
                    spans = {(c.start, c.end) for c in quotes}
                    assert sum(end - start for start, end in spans) <= limit
                    assert all(LONG[c.start : c.end] == c.quote for c in quotes)
                *_, turn = turns(desk.stream, question, 1, partial(_version, desk))
                parts = ("before", "quote", "after")
                shown = sum(len(s[part].strip("… ")) for s in turn["sources"] for part in parts)
                assert shown <= limit
            hits = desk.search("What did the western council pay?", 50)
            assert sum(len(hit.text) for hit in hits) <= limit
            assert hits[0].url == url
            assert limit < 70 or "western" in hits[0].text
            sent = [set(re.findall(r"The \w+ council of Castrine", p)) for p in llm.prompts]
            assert all(len(found) <= limit // 60 for found in sent)

    def test_a_quote_is_cut_at_a_sentence_or_is_none(self) -> None:
        article = Article(id="a", text="Rates rose. Prices fell again today.", excerpt_limit=20)
        ends = [cut(article, 0, 36, room) for room in (36, 20, 11, 9, 5, 4, 0)]
        assert [article.text[:end] for end in ends] == [
            article.text, "Rates rose.", "Rates rose.", "Rates", "Rates", "", "",
        ]  # fmt: skip
        excerpts = Excerpts()
        assert [excerpts.take(article, *span) for span in ((0, 11), (0, 5), (12, 36))] == [
            (0, 11), (0, 5), (12, 12),
        ]  # fmt: skip

    def test_a_stored_answer_that_quotes_more_than_is_now_allowed_is_not_shown(
        self, both: Desk, put: Put
    ) -> None:
        chat = both.chat()
        chat.ask(QUESTION)
        put(both, HIDDEN | {"excerpt_limit": 20})
        assert "more of an article than" in to_markdown(both.conversations.load(chat.id))

    def test_show_prints_no_more_than_may_be_quoted(
        self, run: Callable[..., Any], tmp_path: Path
    ) -> None:
        path = tmp_path / "a.jsonl"
        facts = {"text": LONG, "excerpt_limit": 70, "url": "https://ledger.example/pier"}
        path.write_text(json.dumps(SHOWN | facts))
        run("add", path)
        assert "southern" not in run("articles", "show", "s", "--json").out
        shown = run("articles", "show", "s").out
        assert "southern" not in shown
        assert "the rest is at https://ledger.example/pier" in shown


def test_a_teaser_is_named_and_where_it_is_all_there_is_the_source_is_incomplete(
    both: Desk, put: Put
) -> None:
    put(both, HIDDEN | {"completeness": "teaser", "url": "https://zinc.example/a"})
    assert "only the beginning of the article is at hand: [1]" in both.ask(QUESTION).notes
    declined = both.ask("How old is the Vexholm pier where the crates were hid?")
    assert (declined.status, declined.reason) == ("declined", "source_incomplete")
    assert declined.text.endswith("https://zinc.example/a")
    assert both.ask("Who won the chess match in Oslo?").reason == "no_evidence"


class TestConversations:
    def test_nothing_of_a_private_one_is_stored(self, both: Desk) -> None:
        private = both.chat(private=True)
        private.ask(QUESTION)
        assert private.ask("and why?").standalone_question != "and why?"
        assert both.conversations.list() == []
        with pytest.raises(InputError, match="is stored: a private one begins anew"):
            both.chat("x", private=True)

    def test_old_ones_are_deleted(self, home: Path, minilm: MiniLM) -> None:
        with Desk(home, embedder=minilm) as desk:
            for name, age in (("old", 8), ("new", 6)):
                chat = desk.chat()
                chat.ask(name)
                aged = tables.turns.update().where(tables.turns.c.conversation_id == chat.id)
                with desk.archive.engine.begin() as connection:
                    connection.execute(aged.values(asked_at=time.time() - age * 86400))
            assert len(desk.conversations.list()) == 2
            desk.check()
        with Desk(embedder=minilm, settings=Settings(home=home, conversation_days=7)) as desk:
            desk.check()
            assert [one.title for one in desk.archive.conversations.list()] == ["new"]


class TestLocalOnly:
    def test_no_byte_leaves_for_a_model_elsewhere(
        self, both: Desk, home: Path, monkeypatch: pytest.MonkeyPatch, minilm: MiniLM
    ) -> None:
        both.local_only = True
        monkeypatch.setattr("byline.index.reach.is_local", lambda address: False)
        with scripted("Rehn [1].") as endpoint:
            there = endpoint.address
            for given in (
                {"llm": "m", "llm_base_url": there},
                {"judge": "m", "judge_base_url": there},
                {"judge": f"nli:{there}"},
                {"embedder": "openai:m", "embed_base_url": there, "embed_api_key": "k"},
            ):
                with Desk(settings=Settings(home=home, **given)) as desk:
                    for refused in (desk.ask, desk.chat().ask):
                        with pytest.raises(SettingsError, match="local_only.*nothing was sent"):
                            refused(QUESTION)
            with (
                Desk(home, embedder=minilm, judge=NLIJudge(there)) as desk,
                pytest.raises(SettingsError, match="the judge that was handed in"),
            ):
                desk.ask(QUESTION)
            assert endpoint.requests == []

    def test_it_holds_for_a_desk_that_is_open_already(
        self, both: Desk, home: Path, minilm: MiniLM
    ) -> None:
        llm = saying("NO ANSWER")
        with Desk(home, embedder=minilm, llm=llm) as desk:
            desk.ask(QUESTION)
            both.local_only = True
            count = len(llm.prompts)
            with pytest.raises(SettingsError, match="the model that was handed in"):
                desk.ask(QUESTION)
            assert len(llm.prompts) == count
            both.local_only = False
            desk.ask(QUESTION)

    def test_a_program_may_answer_for_its_models(self, both: Desk, home: Path) -> None:
        both.local_only = True
        with Desk(home, embedder=MiniLM(), llm=saying("NO ANSWER"), models_stay_here=True) as desk:
            assert desk.ask(QUESTION)
        with Desk(home, embedder=Letters()) as desk, pytest.raises(BylineError, match="embedder"):
            desk.search("x")

    def test_a_model_at_a_loopback_address_is_asked(self, both: Desk, home: Path) -> None:
        both.local_only = True
        with scripted("NO ANSWER") as endpoint:
            settings = Settings(home=home, llm="m", llm_base_url=endpoint.address)
            with Desk(settings=settings) as desk:
                desk.ask(QUESTION)
            assert endpoint.requests

    @pytest.mark.parametrize(
        ("address", "expected"),
        [
            ("http://127.0.0.1:8080/v1", True),
            ("http://127.9.9.9/v1", True),
            ("http://[::1]:1/v1", True),
            ("http://localhost:11434", True),
            ("http://localhost.example/v1", False),
            ("http://127.0.0.1.example/v1", False),
            ("http://127.0.0.1@example.org/v1", False),
            ("http://0.0.0.0/v1", False),
            ("http://192.168.1.2/v1", False),
            ("http://[broken", False),
            (None, False),
        ],
    )
    def test_what_is_on_this_machine(self, address: str | None, expected: bool) -> None:
        assert is_local(address) is expected

    def test_what_a_proxy_would_be_given_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
        assert not is_local("http://127.0.0.1:8080/v1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert is_local("http://127.0.0.1:8080/v1")


def test_words_of_hidden_passages_are_not_counted(both: Desk) -> None:
    archive: Archive = both.archive
    assert archive.frequencies(["zinc", "rehn"]) == ({"zinc": 1, "rehn": 2}, 2)
    archive.kill(["h"])
    assert archive.frequencies(["zinc", "rehn"]) == ({"zinc": 0, "rehn": 1}, 1)
