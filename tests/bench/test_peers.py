"""The bench of peers: a peer's process, what it is served, and the report of what it gave."""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import numpy as np
import pytest
from byline.errors import InputError
from byline.evals.case import load_cases
from byline.evals.systems.recorded import RecordedSystem
from byline.index.embed import MiniLM

BENCH = Path(__file__).parents[2] / "bench"
sys.path[:0] = [str(BENCH), str(BENCH / "peers")]
from ask import Process, articles_of, ask  # noqa: E402
from install import PEERS, Peer  # noqa: E402
from report import report, score  # noqa: E402
from serve import Served, served  # noqa: E402

PEER = f"""
import sys
sys.path.insert(0, {str(BENCH / "peers")!r})
from peer import articles_in, cited, passage, serve

class Talking:
    def index(self, articles, source):
        self.articles = articles_in(articles)
        print("a library that talks")

    def answer(self, question, as_of):
        if "vials" in question:
            raise ValueError("no such thing")
        article = self.articles["mw-20260305-0417"]
        found = passage(article, article["text"][:200], start=0, end=200)
        wrong = passage(article, "What nobody wrote.", score=0.5)
        text = "In February 2026 [1]. Nobody knows [2] [3]."
        return {{"text": text, "citations": [cited(1, found), cited(2, wrong)], "hits": [found]}}

serve(Talking())
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a peer that answers one question and fails at another."""
    folder = tmp_path_factory.mktemp("peers")
    script = folder / "peer_paperqa.py"
    script.write_text(PEER)
    cases = [case for case in load_cases("sample") if case.id in ("a01", "c01")]
    with articles_of("sample", folder, None, folder) as (desk, sources):
        nothing = Served("", folder)
        process = Process(Peer("", str(script), ()), sys.executable, folder / "1", nothing)
        took = process.do("index", **sources) | {"value": {}, "mb": process.megabytes}
        (folder / "out" / "sample").mkdir(parents=True)
        ask("answer", [process], cases, folder / "out" / "sample", nothing)
        process.close()
        score(folder / "out" / "sample", cases, desk)
    measured = {"articles": 57, "indexed": {"PaperQA": took}}
    installed = {"PaperQA": {"needs": ["paper-qa==1"], "seconds": 1, "mb": 2, "packages": 3}}
    (folder / "out" / "sample" / "measured.json").write_text(json.dumps(measured))
    (folder / "out" / "measured.json").write_text(json.dumps({"installed": installed}))
    return folder / "out"


def test_what_a_peer_gives_is_read_as_recorded_answers(out: Path) -> None:
    system = RecordedSystem(out / "sample" / "answer-paperqa.jsonl")
    answer, failure = (system.answer(c) for c in load_cases("sample") if c.id in ("a01", "c01"))
    assert [cited.number for cited in answer.citations or ()] == [1, 2]
    assert answer.timings["total"] > 0
    assert failure.error == "ValueError: no such thing"


def test_report_shows_failures_and_broken_invariants_of_a_peer(out: Path) -> None:
    rows = [line.split(" | ") for line in report(out).splitlines() if "PaperQA | 2" in line]
    assert rows[0][2].startswith("1.00")  # right / answered
    assert rows[0][3].startswith("0.50")  # right / all
    assert rows[0][-1] == "1 of 1 |"
    assert "| a strong hosted model | not run |" in report(out)


def test_report_without_results_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run without --report first"):
        report(tmp_path)


class Model(BaseHTTPRequestHandler):
    """Answers as llama.cpp does."""

    asked: dict[str, object]

    def do_POST(self) -> None:
        type(self).asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"choices": [], "timings": {"prompt_n": 7, "predicted_n": 3}}')

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def at(vectors: Path) -> Iterator[Served]:
    """What peers are served, before a model that answers the same to everything."""
    model = HTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=model.serve_forever, daemon=True).start()
    with served(vectors, f"http://127.0.0.1:{model.server_port}", "medium") as found:
        yield found
    model.shutdown()
    model.server_close()


def test_every_peer_has_bylines_embedder(at: Served) -> None:
    texts = ["Rates rose.", "Nobody was hurt. " * 30]
    for _ in range(2):  # anew, and remembered
        reply = httpx.post(f"{at.address}/embeddings", json={"input": texts}).json()
        found = [one["embedding"] for one in reply["data"]]
        np.testing.assert_allclose(found, MiniLM().embed(texts), atol=1e-6)


def test_tokens_of_the_model_are_counted_and_bounded(at: Served) -> None:
    at.begin(60)
    body = {"model": "mine", "messages": [], "max_completion_tokens": 9000}
    for _ in range(2):
        httpx.post(f"{at.address}/chat/completions", json=body)
    expected = {"model": "medium", "messages": [], "max_tokens": 512, "cache_prompt": False}
    assert Model.asked == expected
    assert at.usage() == {"input_tokens": 14, "output_tokens": 6, "calls": 2}


def test_the_model_is_silent_when_the_time_of_a_question_is_over(at: Served) -> None:
    at.begin(-1)
    reply = httpx.post(f"{at.address}/chat/completions", json={"messages": []})
    assert reply.status_code == 400
    assert "is over" in reply.json()["error"]["message"]


def test_every_peer_is_pinned() -> None:
    assert all("==" in pin for peer in PEERS if not peer.is_byline for pin in peer.needs)
    assert len({peer.key for peer in PEERS}) == len(PEERS) == 5
