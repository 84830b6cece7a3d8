"""The public names and their shapes, as programs that embed Byline rely on them."""

import asyncio
import inspect
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import byline
import pytest
from byline import Answer, Article, BylineError, Citation, Desk, Question, Settings
from byline.errors import InputError, SettingsError
from byline.qa.cite import Statement
from byline.qa.events import Found
from byline.settings import load_settings
from byline.tests.fakes import Letters, saying

ANSWER = """question standalone_question text status reason statements citations disagreements
nearest as_of newest_evidence notes model prompt_version checked_by policy index_version usage
style confidence timings"""
STATEMENT = "text start end citations verdict score why"
CITATION = """number article_id version outlet title authors published updated url kind start end
quote speaker link copies notice warning"""


def test_the_public_names_are_there() -> None:
    assert set(byline.__all__) == {
        *("Answer", "Article", "BylineError", "Citation", "Desk", "Question", "Settings"),
        "__version__",
    }
    for name in byline.__all__:
        assert getattr(byline, name) is not None
    assert all(isinstance(kind, type) for kind in (Answer, Article, Citation, Question, Settings))
    assert issubclass(InputError, BylineError)
    assert re.fullmatch(r"\d+\.\d+\.\d+", byline.__version__)
    with pytest.raises(AttributeError, match="no attribute 'Answers'"):
        byline.Answers  # noqa: B018


def test_a_desk_is_opened_asked_and_closed_with_these_arguments() -> None:
    def names(call: object) -> list[str]:
        return [name for name in inspect.signature(call).parameters if name != "self"]  # type: ignore[arg-type]

    assert {"home", "llm", "embedder"} <= set(names(Desk))
    assert names(Desk.add)[0] == "paths"
    assert names(Desk.search)[:2] == ["text", "limit"]
    filters = {"as_of", "since", "until", "outlets"}
    assert names(Desk.ask)[0] == "text"
    assert {*filters, "policy"} <= set(names(Desk.ask))
    assert names(Desk.stream) == [*names(Desk.ask), "checked"]
    assert filters <= set(names(Desk.search))


def test_an_answer_has_these_keys_and_no_others(desk: Desk) -> None:
    shown = desk.ask("Who resigned on Thursday?", as_of="2026-04-01").to_dict()
    assert list(shown) == ANSWER.split()
    assert list(shown["statements"][0]) == STATEMENT.split()
    assert list(shown["citations"][0]) == CITATION.split()
    assert set(shown["usage"]) == {"input_tokens", "output_tokens", "cost"}
    assert set(shown["timings"]) == {"retrieve", "answer", "total"}
    assert shown == json.loads(json.dumps(shown))


def test_a_declined_answer_has_the_same_keys(desk: Desk) -> None:
    shown = desk.ask("What is the capital of Peru?").to_dict()
    assert list(shown) == ANSWER.split()
    assert (shown["statements"], shown["citations"], shown["disagreements"]) == ([], [], [])
    assert list(shown["nearest"][0]) == CITATION.split()
    assert shown["newest_evidence"] is None


def test_what_an_answer_says_about_itself(desk: Desk) -> None:
    answer = desk.ask("  Who resigned\non Thursday? ", as_of=date(2026, 4, 1), policy="strict")
    assert answer.question == answer.standalone_question == "Who resigned on Thursday?"
    assert (answer.policy, answer.checked_by) == ("strict", "rules+minilm")
    assert answer.to_dict()["as_of"] == "2026-04-01"
    assert answer.index_version == desk.archive.generation
    citation = answer.to_dict()["citations"][0]
    assert citation["outlet"] == "Castrine Herald"
    assert citation["authors"] == ["Lena Voss"]
    assert citation["published"] == "2026-03-12"
    assert citation["link"].startswith("https://herald.example/2026/mayor-resigns#:~:text=Mayor")
    assert {statement.verdict for statement in answer.statements} == {"supported"}


def test_dates_may_be_given_in_three_ways(desk: Desk) -> None:
    moments = ("2026-03-05", date(2026, 3, 5), datetime(2026, 3, 5, 23, 59, tzinfo=UTC))
    found = [{hit.article_id for hit in desk.search("the", until=moment)} for moment in moments]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"policy": "lenient"}, "no policy 'lenient': use flag or strict or off"),
        ({"style": "poem"}, "no style 'poem': use sentences or quotes"),
        ({"since": "soon"}, "since 'soon' is not a date"),
        ({"outlets": ["Castrine Herld"]}, "known are Castrine Herald"),
        ({"as_of": "2999-01-01"}, "lies in the future"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    desk: Desk, options: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        desk.ask("Who?", **options)
    with pytest.raises(InputError, match=said):
        list(desk.stream("Who?", **options))


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_out_of_bounds_is_refused(desk: Desk, limit: int) -> None:
    with pytest.raises(InputError, match=f"limit is {limit}: give a number from 1 to 1000"):
        desk.search("Who?", limit)


def test_eight_threads_get_the_answers_that_one_gets(desk: Desk) -> None:
    questions = [
        "Who resigned on Thursday?",
        "How many workers replaced the cables?",
        "What will the repair of the ferry cost?",
        "What is the capital of Peru?",
    ]
    alone = [desk.ask(question, as_of="2026-04-01").text for question in questions]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda q: desk.ask(q, as_of="2026-04-01").text, questions * 2))
    assert together == alone * 2


def test_a_stream_without_a_model_is_what_was_found_and_the_answer(desk: Desk) -> None:
    found, *statements, answer = desk.stream("Who resigned on Thursday?")
    assert isinstance(found, Found)
    assert isinstance(answer, Answer)
    assert tuple(statements) == answer.statements
    cited = {citation.article_id for citation in answer.citations}
    assert cited <= {hit.article_id for hit in found.hits}


def test_a_stream_that_is_left_lets_the_desk_be_used_on(desk: Desk) -> None:
    llm = saying("Mayor Tomas Rehn resigned on Thursday [1].")
    with Desk(desk.settings.home, llm=llm, embedder=desk.library().embedder) as other:
        events = other.stream("Who resigned on Thursday?")
        next(events)
        next(events)
        events.close()  # type: ignore[attr-defined]
        assert other.ask("Who resigned on Thursday?").status == "answered"


def test_an_index_of_another_name_is_another_index(home: Path, desk: Desk) -> None:
    with Desk(home, "other", embedder=Letters()) as other:
        assert len(other.articles) == 0
        assert other.ask("Who resigned?").text == "There are no articles to answer from."
    assert len(desk.articles) == 3


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".", "-x", "a" * 65, "a b"])
def test_the_name_of_an_index_is_no_path(home: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="Setting index is not valid"):
        Desk(home, name)


def test_an_unknown_embedder_is_refused(home: Path) -> None:
    with (
        Desk(home, embedder="maxilm") as desk,
        pytest.raises(SettingsError, match="no embedder 'maxilm': use minilm, or openai:NAME"),
    ):
        desk.search("Who?")


def test_a_model_file_that_is_not_there_is_refused(desk: Desk) -> None:
    with (
        Desk(
            desk.settings.home, llm="gguf:/nowhere/a.gguf", embedder=desk.library().embedder
        ) as other,
        pytest.raises(SettingsError, match="no model file /nowhere/a.gguf: correct BYLINE_LLM"),
    ):
        other.ask("Who resigned on Thursday?")


def test_a_file_that_is_no_model_is_refused(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(b"GGUF and then nonsense" * 100)
    with (
        Desk(desk.settings.home, llm=f"gguf:{path}", embedder=desk.library().embedder) as other,
        pytest.raises(SettingsError, match="cannot be loaded as a model"),
    ):
        other.ask("Who resigned on Thursday?")


def test_articles_are_listed_counted_and_shown(desk: Desk) -> None:
    listed = desk.articles.list()
    assert [article.title for article in listed] == [
        "Mayor resigns over water contract",
        "Skellow Ford bridge reopens",
        "Ferry fire closes Port Ansel terminal",
    ]
    assert len(desk.articles) == 3
    assert desk.articles.get(listed[0].id) == listed[0]
    assert [a.outlet for a in desk.articles.list(outlets=["castrine herald"])] == [
        "Castrine Herald"
    ]
    with pytest.raises(InputError, match="There is no article 'x' in index 'default'"):
        desk.articles.get("x")


def test_async_asks_give_what_the_others_give(desk: Desk) -> None:
    question, options = "Who resigned on Thursday?", {"as_of": "2026-04-01"}

    async def streamed() -> list[object]:
        return [event async for event in desk.astream(question, **options)]

    answer = asyncio.run(desk.aask(question, **options))
    assert answer.text == desk.ask(question, **options).text
    *_, last = asyncio.run(streamed())
    assert isinstance(last, Answer)
    assert last.citations == answer.citations


def test_an_async_stream_that_is_left_stops_the_model(desk: Desk) -> None:
    llm = saying(" ".join(["Mayor Tomas Rehn resigned on Thursday [1]."] * 50))

    async def left(other: Desk) -> int:
        seen = 0
        async for event in other.astream("Who resigned on Thursday?"):
            seen += isinstance(event, str)
            if seen == 3:
                break
        return seen

    with Desk(desk.settings.home, llm=llm, embedder=desk.library().embedder) as other:
        assert asyncio.run(left(other)) == 3
        assert other.ask("Who resigned on Thursday?").status == "answered"


def test_a_conversation_is_kept_and_goes_on(desk: Desk) -> None:
    talk = desk.chat()
    first = talk.ask("Who resigned on Thursday?", as_of="2026-04-01", outlets=["Castrine Herald"])
    again = desk.chat(talk.id)
    second = again.ask("and when?")
    assert second.question == "and when?"
    assert "resigned" in second.standalone_question
    assert again.filters.outlets == ("Castrine Herald",)
    held = desk.conversations.load(talk.id)
    assert [turn.answer["citations"] for turn in held.turns] == [
        first.to_dict()["citations"],
        second.to_dict()["citations"],
    ]


def test_statements_are_streamed_as_soon_as_their_sentence_ends(desk: Desk) -> None:
    reply = "Mayor Tomas Rehn resigned on Thursday [1]. Deputy mayor Ilse Kamp takes over [1]."
    with Desk(desk.settings.home, llm=saying(reply), embedder=desk.library().embedder) as other:
        said, came = "", []
        for event in other.stream("Who resigned on Thursday?", as_of="2026-04-01"):
            said += event if isinstance(event, str) else ""
            if isinstance(event, Statement):
                came.append((event.text, len(said)))
    assert len(came) == 2
    assert came[0][1] < reply.index("takes over")


def test_a_model_does_not_judge_itself() -> None:
    with pytest.raises(SettingsError, match="a model does not check itself"):
        load_settings(llm="gpt-5-mini", judge="gpt-5-mini")


def test_a_section_is_a_filter_everywhere(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    said = (
        ("Sport", "Rovers won the cup."),
        ("Business", "Mills won the contract."),
        (None, "Nobody won a thing."),
    )
    path.write_text("\n".join(json.dumps({"text": t, "section": s}) for s, t in said))
    with Desk(home, embedder=Letters()) as desk:
        assert desk.add(path).added == 3
        assert desk.archive.sections() == {"Business": 1, "Sport": 1}
        (hit,) = desk.search("Who won?", sections=["sport"])  # as the index spells it
        assert hit.text == "Rovers won the cup."
        assert [a.section for a in desk.articles.list(sections=["Business"])] == ["Business"]
        answer = desk.ask("How many articles mention won?", sections=["Sport"])
        assert [c.quote for c in answer.citations] == ["Rovers won the cup."]
        with pytest.raises(InputError, match="There is no section 'Sports' .* known are Sport"):
            desk.ask("Who won?", sections=["Sports"])
        chat = desk.chat()
        chat.ask("How many articles mention won?", sections=["Business"])
        assert chat.filters.sections == ("Business",)
        assert "only Business" in chat.ask("How many articles mention contract?").notes[-1]
        chat.ask("How many articles mention cup? Only sport")
        assert desk.chat(chat.id).filters.sections == ("Sport",)
        chat.ask("all sections")
        assert chat.filters.sections == ()
