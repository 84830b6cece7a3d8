"""Byline within LlamaIndex: the answers of the desk, in LlamaIndex's own programs."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from byline import BylineError, Desk
from byline.index.embed import MiniLM
from byline.qa.events import Answer
from byline.tests.fakes import Slow, saying, scripted
from llama_index.core.agent.workflow import ReActAgent
from llama_index.core.indices.query.query_transform import HyDEQueryTransform
from llama_index.core.query_engine import (
    RetrieverQueryEngine,
    RouterQueryEngine,
    SubQuestionQueryEngine,
    TransformQueryEngine,
)
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.schema import MetadataMode, QueryBundle
from llama_index.core.selectors import LLMSingleSelector
from llama_index.core.tools import QueryEngineTool

BURNED = "What did the fire in the engine room of the ferry close?"
RESIGNED = "Which mayor resigned, and when?"
WRITTEN = "Mayor Tomas Rehn resigned on Thursday [1]. His contract was with the moon [1]."
SAMPLE = (
    "When was the road bridge at Skellow Ford reopened?",
    "What did the new ferry terminal in Port Ansel cost?",
    "How many people died in the Corran Hills flood?",
    "How many articles mention the ferry?",
)


def tool(desk: Desk, **options: Any) -> QueryEngineTool:
    engine = desk.as_query_engine(**options)
    return QueryEngineTool.from_defaults(engine, name="news", description="Answers from news.")


@pytest.fixture
def writing(desk: Desk, minilm: MiniLM) -> Iterator[Callable[..., Desk]]:
    """Opens the three articles with a model and settings."""
    opened: list[Desk] = []

    def start(handed: Any = None, **settings: Any) -> Desk:
        given = desk.settings.model_copy(update=settings)
        opened.append(Desk(llm=handed, embedder=minilm, settings=given))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.mark.parametrize("question", SAMPLE)
def test_each_way_through_the_engine_gives_the_answer_of_the_desk(
    sample_desk: Desk, question: str
) -> None:
    options: dict[str, Any] = {"as_of": "2026-04-10"}
    asked = sample_desk.ask(question, **options)
    plain = sample_desk.as_query_engine(**options)
    streaming = sample_desk.as_query_engine(streaming=True, **options)

    async def awaited() -> list[Any]:
        streamed = await streaming.aquery(question)
        pieces = [piece async for piece in streamed.async_response_gen()]
        assert "".join(pieces) == asked.text
        return [await plain.aquery(question), await streamed.get_response()]

    streamed = streaming.query(question).get_response()
    for response in (plain.query(question), streamed, *asyncio.run(awaited())):
        assert response.response == asked.text
        assert len(response.source_nodes) == len(asked.citations)  # none where it declines
        assert response.metadata | {"timings": None} == asked.to_dict() | {"timings": None}
        for node, cited in zip(response.source_nodes, asked.citations, strict=True):
            assert node.metadata["number"] == cited.number
            article = sample_desk.articles.get(cited.article_id)
            span = slice(node.node.start_char_idx, node.node.end_char_idx)
            assert article.text[span] == node.text == cited.quote


def test_a_source_node_tells_where_its_quote_stands_and_what_stands_on_it(
    writing: Callable[..., Desk],
) -> None:
    engine = writing(saying(WRITTEN)).as_query_engine()
    assert engine.get_prompts() == {}
    response = engine.query(RESIGNED)
    (node,) = response.source_nodes
    (again,) = engine.query(QueryBundle(RESIGNED)).source_nodes
    known = node.metadata
    assert known["verdicts"] == [one["verdict"] for one in response.metadata["statements"]]
    assert len(known["verdicts"]) == 2
    assert (known["outlet"], known["published"]) == ("Castrine Herald", "2026-03-12")
    assert known["url"] == "https://herald.example/2026/mayor-resigns"
    assert node.node.ref_doc_id == known["article_id"]
    span = f"{known['start']}-{known['end']}"
    assert node.node_id == again.node_id == f"{known['article_id']}@{known['version']}:{span}"
    json.dumps(known)
    for_models = node.node.get_content(MetadataMode.LLM)
    assert "Castrine Herald" in for_models
    assert known["version"] not in for_models


def test_a_stream_gives_a_statement_once_nothing_takes_it_back_and_stops_with_its_reader(
    writing: Callable[..., Desk],
) -> None:
    said = "Mayor Tomas Rehn resigned on Thursday [1]. Ilse Kamp takes over until the election [1]."
    with scripted(Slow(said, 0.02), Slow(said * 40, 0.02)) as endpoint:
        desk = writing(llm="small", llm_base_url=endpoint.address)
        engine = desk.as_query_engine(streaming=True, policy="off")  # which never declines
        response = engine.query(RESIGNED)
        first = next(response.response_gen)
        assert first == "Mayor Tomas Rehn resigned on Thursday [1]."
        assert (response.source_nodes, response.metadata) == ([], {"question": RESIGNED})
        (rest,) = response.response_gen
        assert first + rest == response.metadata["text"]
        assert [node.metadata["number"] for node in response.source_nodes] == [1]
        left = engine.query(RESIGNED).response_gen
        next(left)
        left.close()
        assert endpoint.left.wait(5)


@pytest.mark.parametrize(
    ("reply", "settings", "policy"),
    [
        ("Rehn sold the moon in 1999 [1]. It was cheese [2].", {}, "flag"),
        (WRITTEN, {}, "flag"),
        (WRITTEN, {}, "strict"),
        (WRITTEN, {}, "off"),
        ("It was cheese [1].", {"repair": True}, "flag"),
        ("NO ANSWER", {}, "flag"),
    ],
)
def test_what_is_streamed_is_the_text_also_where_it_is_declined_or_written_again(
    writing: Callable[..., Desk], reply: str, settings: dict[str, Any], policy: str
) -> None:
    desk = writing(saying(reply, WRITTEN), **settings)
    *events, answer = desk.stream(RESIGNED, policy=policy, checked=True)
    assert isinstance(answer, Answer)
    pieces = [event for event in events if isinstance(event, str)]
    assert "".join(pieces) == answer.text
    assert "" not in pieces


def test_what_was_streamed_of_an_article_that_is_killed_meanwhile_is_taken_back_in_words(
    own_desk: Desk, minilm: MiniLM
) -> None:
    pieces: list[str] = []
    with Desk(own_desk.settings.home, embedder=minilm, llm=saying(WRITTEN)) as desk:
        for event in desk.stream(RESIGNED, policy="off", checked=True):
            if isinstance(event, str) and not pieces:
                own_desk.articles.kill([one.id for one in own_desk.articles.list()])
            pieces += [event] if isinstance(event, str) else []
    assert isinstance(event, Answer)
    assert event.reason == "source_withheld"
    assert pieces[0] == "Mayor Tomas Rehn resigned on Thursday [1]."
    assert pieces[-1] == f"\n\n{event.text}"


def test_the_retriever_gives_the_passages_of_a_search(desk: Desk) -> None:
    options: dict[str, Any] = {"limit": 2, "outlets": ["Castrine Herald", "Northern Standard"]}
    hits, retriever = desk.search(RESIGNED, **options), desk.as_retriever(**options)
    nodes = retriever.retrieve(RESIGNED)
    assert [(n.text, n.score, n.node.start_char_idx, n.metadata["article_id"]) for n in nodes] == [
        (hit.text, hit.score, hit.start, hit.article_id) for hit in hits
    ]
    assert asyncio.run(retriever.aretrieve(RESIGNED)) == nodes
    bundle = QueryBundle(RESIGNED, custom_embedding_strs=["chess"], embedding=[1.0, 0.0])
    assert retriever.retrieve(bundle) == nodes


def test_llamaindexs_own_engines_work_on_top_of_it(desk: Desk) -> None:
    llm = saying("The mayor.")
    synthesizer = get_response_synthesizer(llm=llm)
    assert str(RetrieverQueryEngine(desk.as_retriever(), synthesizer).query(RESIGNED)) == (
        "The mayor."
    )
    assert "outlet: Castrine Herald" in llm.prompts[0]
    assert "article_id" not in llm.prompts[0]
    hyde = HyDEQueryTransform(llm=saying("A chess player won."))
    engine = TransformQueryEngine(desk.as_query_engine(), hyde)
    assert str(engine.query(RESIGNED)) == desk.ask(RESIGNED).text


@pytest.mark.parametrize("streaming", [False, True])
def test_a_router_sends_a_question_to_it(desk: Desk, streaming: bool) -> None:
    choice = '[{"choice": 1, "reason": "it is about news"}]'
    selector = LLMSingleSelector.from_defaults(llm=saying(choice))
    router = RouterQueryEngine(selector, [tool(desk, streaming=streaming)], llm=saying("unused"))
    response = router.query(RESIGNED)
    assert str(response) == desk.ask(RESIGNED).text
    assert response.metadata["selector_result"].ind == 0
    assert response.metadata["status"] == "answered"
    assert response.source_nodes[0].metadata["number"] == 1


def test_a_question_is_split_over_it(desk: Desk) -> None:
    parts = {"items": [{"sub_question": q, "tool_name": "news"} for q in (BURNED, RESIGNED)]}
    llm = saying("Both happened.")
    engine = SubQuestionQueryEngine.from_defaults(
        [tool(desk)],
        llm=llm,
        question_gen=LLMQuestionGenerator.from_defaults(llm=saying(json.dumps(parts))),
        response_synthesizer=get_response_synthesizer(llm=llm),
        verbose=False,
        use_async=True,
    )
    response = engine.query("What happened in March?")
    assert str(response) == "Both happened."
    for question in (BURNED, RESIGNED):
        assert desk.ask(question).text in llm.prompts[0]
    cited = [node.metadata for node in response.source_nodes if "number" in node.metadata]
    assert {one["question"] for one in cited} == {BURNED, RESIGNED}


# LlamaIndex's workflows read every attribute of an agent, deprecated ones of pydantic too.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("streaming", [False, True])
def test_an_agent_uses_it_as_a_tool(desk: Desk, streaming: bool) -> None:
    llm = saying(
        f'Thought: I look it up.\nAction: news\nAction Input: {{"input": "{RESIGNED}"}}',
        "Thought: I can answer.\nAnswer: The mayor did.",
    )
    agent = ReActAgent(tools=[tool(desk, streaming=streaming)], llm=llm, streaming=False)

    async def run() -> Any:
        return await agent.run("Who resigned?")

    reply = asyncio.run(run())
    assert str(reply) == "The mayor did."
    assert desk.ask(RESIGNED).text in llm.prompts[1]
    (call,) = reply.tool_calls
    assert call.tool_output.raw_output.source_nodes[0].metadata["number"] == 1


def test_wrong_options_are_refused_when_they_are_given(desk: Desk) -> None:
    wrong = {"since": "someday", "outlets": ["No Such"], "policy": "lenient", "style": "verse"}
    for option, value in wrong.items():
        with pytest.raises(BylineError):
            desk.as_query_engine(**{option: value})
    for limit, text in ((0, "x"), (10, " "), (10, "x" * 3000)):
        with pytest.raises(BylineError):
            desk.as_retriever(limit=limit).retrieve(text)
    unknown = {
        "sinse": desk.as_query_engine,
        "checked": desk.as_query_engine,
        "policy": desk.as_retriever,
    }
    for option, make in unknown.items():
        with pytest.raises(TypeError, match=option):
            make(**{option: "flag"})
