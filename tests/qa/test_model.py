"""A real language model behind a real llama.cpp server, reached as any endpoint is.

The model is small and weak: what it says does not matter, only that what is shown of it holds.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from byline import Answer, Desk
from byline.errors import ModelError, ModelUnavailable
from byline.index.embed import MiniLM
from byline.settings import load_settings
from byline.tests.conftest import ROOT

MODEL = ROOT / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
QUESTION = "How many workers replaced the cables of the bridge?"
KEY = "the-right-key"


@pytest.fixture(scope="module")
def model() -> Path:
    if not MODEL.is_file() and os.environ.get("CI") != "true":
        pytest.skip(f"{MODEL.relative_to(ROOT)} is missing: run `make test-model`")
    assert MODEL.is_file(), "run `make test-model`"
    return MODEL


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[str]:
    """The address of a llama.cpp server that asks for a key."""
    from xllamacpp import CommonParams, Server

    params = CommonParams()
    params.model.path = str(model)
    params.model_alias = "smollm2"
    params.n_ctx, params.n_parallel, params.port = 4096, 1, 0
    params.cpuparams.n_threads = 1  # spinning threads stall where a core is shared
    params.hostnames, params.api_keys = ["127.0.0.1"], [KEY]
    params.ui, params.verbosity = False, -1
    running = Server(params)
    yield f"{running.listening_address}/v1"
    del running


@pytest.fixture
def open_desk(home: Path, folder: Path, minilm: MiniLM) -> Iterator[Any]:
    """Opens a desk over the three articles with settings of its own."""
    opened: list[Desk] = []

    def call(**given: object) -> Desk:
        settings = load_settings(home=home, llm_context_window=4096, **given)
        brief = settings.model_copy(update={"llm_max_tokens": 16})  # fewer than are allowed
        desk = Desk(settings=brief, embedder=minilm)
        opened.append(desk)
        desk.add(folder)
        return desk

    yield call
    for desk in opened:
        desk.close()


def hold(desk: Desk, answer: Answer) -> None:
    """Whatever the model said: it is cited exactly, or it is declined."""
    shown = {int(number) for number in re.findall(r"\[(\d+)\]", answer.text)}
    assert shown == {citation.number for citation in answer.citations}
    for statement in answer.statements:
        assert answer.text[statement.start : statement.end] == statement.text
    for citation in (*answer.citations, *answer.nearest):
        article = desk.articles.get(citation.article_id)
        assert article.text[citation.start : citation.end] == citation.quote
    assert answer.declined == (not answer.citations)
    assert answer.model == "smollm2"
    assert answer.usage.input_tokens
    assert answer.usage.output_tokens


def test_a_model_answers_a_plain_question(open_desk: Any, server: str) -> None:
    desk = open_desk(llm="smollm2", llm_base_url=server, llm_api_key=KEY)
    hold(desk, desk.ask(QUESTION))


def test_a_model_answers_a_streamed_question_as_a_plain_one(open_desk: Any, server: str) -> None:
    desk = open_desk(llm="smollm2", llm_base_url=server, llm_api_key=KEY)
    found, *tokens, answer = desk.stream(QUESTION)
    assert found.hits
    assert len(tokens) > 1
    assert all(isinstance(token, str) for token in tokens)
    hold(desk, answer)


def test_a_wrong_key_is_refused_in_one_line_that_does_not_show_it(
    open_desk: Any, server: str
) -> None:
    desk = open_desk(llm="smollm2", llm_base_url=server, llm_api_key="the-wrong-key")
    for call in (desk.ask, lambda text: list(desk.stream(text))):
        with pytest.raises(
            ModelError, match="smollm2 at .* refused: .*BYLINE_LLM_API_KEY"
        ) as error:
            call(QUESTION)
        assert not isinstance(error.value, ModelUnavailable)
        assert "\n" not in str(error.value)
        assert "the-wrong-key" not in str(error.value)


def test_an_endpoint_that_is_down_is_unavailable(open_desk: Any, unused_address: str) -> None:
    desk = open_desk(llm="smollm2", llm_base_url=unused_address)
    with pytest.raises(ModelUnavailable, match="did not answer: Connection error"):
        desk.ask(QUESTION)


def test_a_model_file_runs_in_this_process(open_desk: Any, model: Path) -> None:
    desk = open_desk(llm=f"gguf:{model}")
    answer = desk.ask(QUESTION)
    assert answer.model
    assert desk._local_model.base_url.startswith("http://127.0.0.1:")
    shown = {int(number) for number in re.findall(r"\[(\d+)\]", answer.text)}
    assert shown == {citation.number for citation in answer.citations}
