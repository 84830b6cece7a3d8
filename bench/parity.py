"""One core, many faces, two databases: the same statements, numbers and spans from each.

    python bench/parity.py [--questions 50]

Questions of the sample are put to `Desk.ask`, and then to every other face as its own users do: the
command line in a process of its own, the HTTP API as JSON and as events, the official OpenAI client
plain and streamed, the official client of MCP, and LlamaIndex's query engine. Twice: without a
model, and with a scripted one that quotes the first passage. Then to a desk whose archive is in
PostgreSQL and whose vectors are on a Chroma server, where PostgreSQL is installed.
Fails where a face or a database differs.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import sets
from byline import Desk
from byline.settings import Settings
from byline.tests.servers import chroma, postgres, postgres_programs
from load import Server, running
from mcp import Client
from openai import OpenAI

Answer = dict[str, Any]
Face = Callable[[str], Answer]
_OF_EACH_ASK = ("as_of", "timings", "usage", "notes", "index_version")


def main() -> None:
    """Print a table; 1 where a face differs."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0], epilog=__doc__)
    parser.add_argument("--data", help="not used: the sample is asked")
    parser.add_argument("--full", action="store_true", help="50 questions")
    parser.add_argument("--questions", type=int, help="how many (default: 4, with --full 50)")
    given = parser.parse_args()
    many = given.questions or (50 if given.full else 4)
    cases = sets.cases("sample", Path())
    questions = [cases[n * len(cases) // many].question for n in range(many)]
    differ = 0
    print("## Parity of the faces\n")
    with tempfile.TemporaryDirectory(prefix="byline-bench-") as folder:
        home = Path(folder)
        with sets.new_desk(home) as desk:
            desk.add(sets.SAMPLE)
        rows: list[list[object]] = []
        for name, model in (("no model", None), ("scripted model", "model")):
            with running(model) if model else contextlib.nullcontext() as endpoint:
                for face, same in _compared(home, endpoint, questions):
                    rows.append([f"{face}, {name}", many, same, many - same])
                    differ += many - same
        if postgres_programs() is None:
            print("PostgreSQL is not installed: servers are left out.\n")
        else:
            for what, same in _on_servers(home, questions).items():
                rows.append([f"PostgreSQL and a Chroma server, {what}", many, same, many - same])
                differ += many - same
        print(sets.markdown(("face", "questions", "as Desk.ask", "other"), rows))
    sys.exit(differ > 0)


def _compared(
    home: Path, endpoint: Server | None, questions: list[str]
) -> Iterator[tuple[str, int]]:
    """Each face, and in how many questions it gives what the desk gives."""
    environment = _environment(home, endpoint)
    model = {"llm": environment.get("BYLINE_LLM"), "llm_base_url": environment.get(_BASE_URL)}
    here = {"home": home, "index": "bench", "archive": None, "store": None}
    settings = Settings(**here, **model, llm_api_key="none")  # type: ignore[arg-type]
    with Desk(settings=settings) as desk, running("service", home, endpoint) as service:
        wanted = [_core(desk.ask(question).to_dict()) for question in questions]
        for name, face in _faces(desk, service, environment).items():
            got = [_core(face(question)) for question in questions]
            yield name, sum(one == other for one, other in zip(got, wanted, strict=True))


def _on_servers(home: Path, questions: list[str]) -> dict[str, int]:
    """In how many questions a desk on servers answers, and finds, what the desk here does."""
    with (
        postgres() as archive,
        tempfile.TemporaryDirectory(prefix="byline-bench-") as folder,
        chroma(Path(folder, "chroma")) as store,
        sets.new_desk(home) as here,
        Desk(
            settings=Settings(home=Path(folder), index="bench", archive=archive, store=store)
        ) as there,
    ):
        there.add(sets.SAMPLE)
        desks = (here, there)
        answers = [[_core(desk.ask(one).to_dict()) for one in questions] for desk in desks]
        found = [[[h.to_dict() for h in desk.search(one)] for one in questions] for desk in desks]
    return {
        "answers": sum(map(_same, *answers)),
        "the ten passages found": sum(map(_same, *found)),
    }


def _same(one: object, other: object) -> bool:
    return one == other


_BASE_URL = "BYLINE_LLM_BASE_URL"


def _environment(home: Path, endpoint: Server | None) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BYLINE_")}  # noqa: TID251
    kept |= {"BYLINE_HOME": str(home), "BYLINE_INDEX": "bench"}
    if endpoint:
        kept |= {"BYLINE_LLM": "scripted", "BYLINE_LLM_API_KEY": "none"}
        kept |= {_BASE_URL: f"http://127.0.0.1:{endpoint.port}/v1"}
    return kept


def _faces(desk: Desk, service: Server, environment: dict[str, str]) -> dict[str, Face]:
    address = f"http://127.0.0.1:{service.port}/v1"
    client = OpenAI(base_url=address, api_key="-")

    def by_command(question: str) -> Answer:
        command = [sys.executable, "-m", "byline", "ask", "--json", question]
        printed = subprocess.check_output(command, env=environment, text=True)
        return dict(json.loads(printed))

    def as_json(question: str) -> Answer:
        got = httpx.post(f"{address}/ask", json={"question": question}, timeout=60)
        return dict(got.json())

    def as_events(question: str) -> Answer:
        accept = {"Accept": "text/event-stream"}
        got = httpx.post(f"{address}/ask", json={"question": question}, headers=accept, timeout=60)
        *_, last = [block for block in got.text.split("\n\n") if block]
        return dict(json.loads(last.partition("data: ")[2]))

    def ask(question: str, stream: bool) -> Any:
        messages = [{"role": "user", "content": question}]
        return client.chat.completions.create(
            model="byline",
            messages=messages,
            stream=stream,  # type: ignore[call-overload]
        )

    def completed(question: str) -> Answer:
        got = ask(question, False)
        message = got.choices[0].message
        return dict(got.byline) | _annotated(message.content, message.annotations)

    def chunked(question: str) -> Answer:
        chunks = [chunk for chunk in ask(question, True) if chunk.choices]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        return dict(chunks[-1].byline) | _annotated(text, chunks[-1].choices[0].delta.annotations)

    def by_mcp(question: str) -> Answer:
        async def call() -> Answer:
            async with Client(f"http://127.0.0.1:{service.port}/mcp") as session:
                got = await session.call_tool("ask_news", {"question": question})
            return dict(got.structured_content or {})

        return asyncio.run(call())

    def by_engine(question: str) -> Answer:
        got = desk.as_query_engine().query(question)
        wanted = [one.node.text for one in got.source_nodes]
        assert wanted == [one["quote"] for one in got.metadata["citations"]]
        return dict(got.metadata) | {"text": str(got)}

    return {
        "command line": by_command,
        "HTTP, JSON": as_json,
        "HTTP, events": as_events,
        "OpenAI client": completed,
        "OpenAI client, streamed": chunked,
        "MCP client": by_mcp,
        "LlamaIndex query engine": by_engine,
    }


def _annotated(text: str, annotations: Any) -> Answer:
    """What the client sees of the answer without Byline's own record beside it."""
    spans: dict[tuple[int, int], list[int]] = {}
    for one in annotations:
        one = one if isinstance(one, dict) else one.model_dump()
        at = one["url_citation"]
        spans.setdefault((at["start_index"], at["end_index"]), []).append(one["citation"])
    return {"text": text, "spans": [[*at, numbers] for at, numbers in spans.items()]}


def _core(answer: Answer) -> Answer:
    """The answer without what is of each ask its own, and where its statements cite what."""
    spans = [[s["start"], s["end"], s["citations"]] for s in answer["statements"] if s["citations"]]
    kept = {name: value for name, value in answer.items() if name not in _OF_EACH_ASK}
    return {"spans": spans, **kept}


if __name__ == "__main__":
    main()
