"""Whatever answers cases comes in by one door: Byline, an address, a model, an engine, a file."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from byline import Desk
from byline.errors import BylineError, InputError
from byline.evals.case import Case, case_of
from byline.evals.corpus import Corpus
from byline.evals.metrics import Seen
from byline.evals.response import Response, Spent
from byline.evals.systems import BylineSystem, code_version, open_system
from byline.index.embed import MiniLM
from byline.qa.budget import price
from byline.settings import Settings
from byline.tests.fakes import saying

CASE = case_of(
    {
        "id": "c",
        "question": "How much will the repair of the ferry cost?",
        "as_of": "2026-03-20",
        "answers": ["4.2 million"],
        "evidence": ["The repair will cost 4.2 million crowns"],
    }
)


@contextmanager
def no_desk(changed: Mapping[str, Any]) -> Iterator[Desk]:
    raise AssertionError("this system needs no desk")
    yield


def answer(spec: str, case: Case = CASE) -> Response:
    with open_system(spec, no_desk) as system:
        return system.answer(case)


def test_byline_gives_its_answer_with_passages_confidence_and_times(own_desk: Desk) -> None:
    found = BylineSystem(own_desk).answer(CASE)
    assert found.status == "answered"
    assert Seen(CASE, found, Corpus(archive=own_desk.archive)).grade == "right"
    assert found.hits
    assert found.handed == len(found.hits)
    assert 0 < (found.confidence or 0) <= 1
    assert 0 < found.timings["first_token"] <= found.timings["total"]
    assert found.usage.calls == 0


def test_byline_with_a_model_says_which_passages_it_was_handed(
    home: Path, folder: Path, minilm: MiniLM
) -> None:
    with Desk(home, llm=saying("It will cost 4.2 million crowns [1]."), embedder=minilm) as desk:
        desk.add(folder)
        few = desk.settings.model_copy(update={"max_passages": 1})
        with Desk(settings=few, llm=saying("It costs 4.2 million [1]."), embedder=minilm) as asking:
            found = BylineSystem(asking).answer(CASE)
    assert found.handed == 1
    assert len(found.hits or ()) > 1
    assert found.usage.calls == 1
    assert 0 < (found.confidence or 0) <= 1


def test_byline_takes_the_filters_of_a_case(own_desk: Desk) -> None:
    limited = case_of({"id": "c", "question": CASE.question, "filters": {"outlets": ["Nobody"]}})
    with pytest.raises(InputError, match="There is no outlet 'Nobody'"):
        BylineSystem(own_desk).answer(limited)


def test_settings_policy_and_style_are_options_of_byline(home: Path, folder: Path) -> None:
    seen: list[Mapping[str, Any]] = []

    @contextmanager
    def opened(changed: Mapping[str, Any]) -> Iterator[Desk]:
        seen.append(changed)
        with Desk(settings=Settings(home=home, signals=changed["signals"])) as desk:
            desk.add(folder)
            yield desk

    with open_system("byline:signals=dense,articles,policy=strict,style=quotes", opened) as system:
        assert system.answer(CASE).policy == "strict"
        assert system.label == "Byline (signals=dense,articles, policy=strict, style=quotes)"
        assert system.about["settings"]["signals"] == "dense,articles"
    assert seen == [{"signals": "dense,articles"}]


def test_the_index_and_the_settings_are_what_answers_of_byline_depend_on(own_desk: Desk) -> None:
    one, strict = BylineSystem(own_desk), BylineSystem(own_desk, policy="strict")
    assert one.depends_on == BylineSystem(own_desk).depends_on != strict.depends_on
    own_desk.articles.remove(own_desk.articles.list(1)[0].id)
    assert BylineSystem(own_desk).depends_on != one.depends_on
    assert "home" not in json.dumps(one.depends_on)


def test_answers_depend_on_the_code_of_every_room(monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[str] = set()
    real = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda file: read.add(file.name) or real(file))
    code_version()
    assert read >= {"align.json", "vetoes.py", "html.py", "filter.py", "answer.md", "hostile.txt"}


Endpoint = Callable[..., str]


def test_an_address_gives_an_answer_record(endpoint: Endpoint) -> None:
    record = {"text": "4.2 million [1].", "citations": [{"number": 1, "quote": "4.2 million"}]}
    found = answer(f"http:{endpoint(200, 'application/json', json.dumps(record).encode())}")
    assert found.text == "4.2 million [1]."
    assert found.timings["total"] > 0


@pytest.mark.parametrize(
    ("status", "body", "wrong"),
    [
        (500, b"broken", "replied 500: broken"),
        (200, b"<html>", "did not reply with JSON"),
        (200, b"[]", "replied with a list"),
        (200, b'{"text": "x", "citation": []}', "citation: there is no such key"),
    ],
)
def test_a_reply_that_is_no_record_is_a_failure_that_says_why(
    endpoint: Endpoint, status: int, body: bytes, wrong: str
) -> None:
    with pytest.raises(BylineError, match=wrong):
        answer(f"http:{endpoint(status, 'application/json', body)}")


def streamed(*pieces: str) -> bytes:
    """A chat completion as server-sent events, with its usage."""
    events: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces
    ]
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    events.append({"choices": [], "usage": usage})
    base = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    lines = [f"data: {json.dumps(base | event)}\n\n" for event in events]
    return "".join([*lines, "data: [DONE]\n\n"]).encode()


def test_an_openai_endpoint_gives_its_text_and_what_it_took(endpoint: Endpoint) -> None:
    url = endpoint(200, "text/event-stream", streamed("4.2 ", "million."))
    found = answer(f"openai:gpt-5-mini@{url}")
    assert found.text == "4.2 million."
    assert (found.usage.input_tokens, found.usage.output_tokens, found.usage.calls) == (9, 4, 1)
    assert found.usage.cost == price("gpt-5-mini", Spent(9, 4))
    assert found.citations is None
    assert found.notes == ("filters and the date of asking were not sent: the system takes none",)


def test_an_endpoint_that_is_down_is_a_failure(unused_address: str) -> None:
    with pytest.raises(BylineError, match=r"^m: Connection error"):
        answer(f"openai:m@{unused_address}")


def test_a_model_without_a_list_price_costs_nobody_knows_what() -> None:
    assert price("model-of-my-own", Spent(9, 4)) is None
    assert price(None, Spent(9, 4)) is None


ENGINE = """
from byline.tests.fakes import saying
from llama_index.core.query_engine import CitationQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, TextNode


class Fixed(BaseRetriever):
    def _retrieve(self, query_bundle):
        node = TextNode(text="The repair will cost 4.2 million crowns.")
        node.metadata = {"article_id": "ferry", "start": 3, "end": 43}
        node.excluded_llm_metadata_keys = list(node.metadata)
        return [NodeWithScore(node=node, score=0.5)]


def engine():
    llm = saying("It will cost 4.2 million crowns [1].")
    return CitationQueryEngine.from_args(None, llm=llm, retriever=Fixed())
"""


def test_a_citation_query_engine_is_a_system_whose_sources_are_citations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stack.py").write_text(ENGINE)
    monkeypatch.syspath_prepend(tmp_path)
    found = answer("llamaindex:stack:engine")
    assert found.text == "It will cost 4.2 million crowns [1]."
    (cited,) = found.citations or ()
    assert (cited.number, cited.article_id) == (1, "ferry")
    assert cited.quote == "The repair will cost 4.2 million crowns."
    assert [hit.text for hit in found.hits or ()] == [cited.quote]


def test_recorded_answers_are_told_apart_by_the_ids_of_their_cases(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text('{"id": "c", "text": "4.2 million"}\n{"id": "d", "text": "five"}\n')
    assert answer(f"recorded:{file}").text == "4.2 million"
    with pytest.raises(InputError, match="no recorded answer to 'z'"):
        answer(f"recorded:{file}", case_of({"id": "z", "question": "?"}))


def test_the_records_of_a_run_are_recorded_answers(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    line = {"case": "c", "repeat": 0, "cached": False, "response": {"text": "4.2 million"}}
    file.write_text(json.dumps(line) + "\n")
    assert answer(f"recorded:{file}").text == "4.2 million"


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('{"text": "x"}', "line 1: id: is missing"),
        ('{"id": "c", "txt": "x"}', "line 1: txt: there is no such key"),
        ('{"id": "c", "text": "x"}\n{"id": "c", "text": "y"}', "line 2: id: there is an answer"),
        ("{", "line 1: not JSON"),
    ],
)
def test_a_wrong_line_of_recorded_answers_is_named(tmp_path: Path, line: str, wrong: str) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(f"{line}\n")
    with pytest.raises(InputError, match=wrong):
        answer(f"recorded:{file}")


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ("bylin", "no kind of system 'bylin'"),
        ("http", "lacks its address"),
        ("byline:dense", "'dense' is no option"),
        ("byline:signal=dense", "no setting 'signal'"),
        ("byline:llm_api_key=sk", "no setting 'llm_api_key'"),
        ("byline:passage_chars=400", "no setting 'passage_chars'"),
        ("byline:style=bogus", "no style 'bogus'"),
        ("openai:m", "names no model at an address"),
        ("recorded:nowhere.jsonl", "no file of answers"),
        ("llamaindex:nowhere:engine", "cannot be imported"),
        ("llamaindex:json", "cannot be imported"),
        ("llamaindex:json:loads", "json:loads failed: TypeError"),
        ("llamaindex:locale:localeconv", "gave a dict, not a query engine"),
        ("http:notaurl", "'notaurl' is no address"),
    ],
)
def test_a_system_that_is_none_is_refused(spec: str, wrong: str) -> None:
    with pytest.raises(InputError, match=wrong), open_system(spec, no_desk):
        pass
