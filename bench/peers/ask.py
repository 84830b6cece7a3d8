"""Asks the peers, each a process in its own environment, and keeps what they give as records.

A record is a line that `byline eval run --system recorded:FILE` reads.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import sets
from byline import Desk
from byline.evals.case import Case
from byline.index.embed import bundled_tokenizer
from install import HERE, Peer, megabytes
from serve import Served

_SECONDS = 900  # that the model answers one question of one peer
_TOKENIZER = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 256}
_OFFLINE = dict.fromkeys(("HF_HUB_OFFLINE", "LITELLM_LOCAL_MODEL_COST_MAP"), "True")


class Blank:
    """No embedder: of the desk that holds the articles the archive alone is used."""

    name = "blank"

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """See Embedder."""
        return np.ones((len(texts), 384), np.float32)


@contextmanager
def articles_of(
    name: str, data: Path, most: int | None, folder: Path
) -> Iterator[tuple[Desk, dict[str, str]]]:
    """A desk with a set's articles, the file of them for the peers, and what Byline reads.

    Articles that answer a question come first; there are `most` at most.
    """
    source = sets.SAMPLE if name == "sample" else data / name
    if (source / "corpus.jsonl.gz").exists():
        wanted = {article_id for case in sets.cases(name, data) for article_id in case.relevant}
        records = sorted(sets.records(name, data), key=lambda record: record["id"] not in wanted)
        source = sets.written(records[:most], folder / "records.jsonl")
    elif name != "sample":
        source = next(source.glob("*.txt"))
    with sets.new_desk(folder / "home", Blank()) as desk:
        desk.add(source)
        articles = [desk.archive.article(i).to_dict() for i in desk.archive.ids()]
        written = sets.written(articles, folder / "articles.jsonl")
        yield desk, {"articles": str(written), "source": str(source)}


class Process:
    """A peer that runs, with its index in a folder of its own."""

    def __init__(self, peer: Peer, python: str, folder: Path, at: Served) -> None:
        tokenizer, self._index, self._log = (folder / n for n in ("tokenizer", "index", "log"))
        tokenizer.mkdir(parents=True)
        self._index.mkdir()
        bundled_tokenizer().save(str(tokenizer / "tokenizer.json"))
        (tokenizer / "tokenizer_config.json").write_text(json.dumps(_TOKENIZER))
        given = (HERE / peer.script, self._index, at.address, tokenizer, at.vectors, peer.kind)
        with self._log.open("w") as log:
            self._pipe = subprocess.Popen(
                [python, *map(str, given)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | _OFFLINE,  # noqa: TID251
                cwd=folder,
            )
        self.peer = peer

    def do(self, what: str, **asked: Any) -> dict[str, Any]:
        """What the peer replies; that it ends is an error of its own."""
        with suppress(BrokenPipeError):
            print(json.dumps({"do": what, **asked}), file=self._pipe.stdin, flush=True)
        if line := self._pipe.stdout.readline():
            return json.loads(line)
        last = (self._log.read_text().split("\n")[-2:] or [""])[0][:300]
        return {"error": f"its process ended: {last}", "seconds": 0, "cpu_seconds": 0, "peak_mb": 0}

    @property
    def megabytes(self) -> float:
        """Its index on disk."""
        return megabytes(self._index)

    def close(self) -> None:
        """End it."""
        with suppress(BrokenPipeError, subprocess.TimeoutExpired):
            self._pipe.stdin.close()
            self._pipe.wait(20)
        self._pipe.kill()
        self._pipe.stdout.close()
        self._pipe.wait()


@contextmanager
def running(
    peers: Sequence[Peer], pythons: dict[str, str], at: Served, sources: dict
) -> Iterator[tuple[list[Process], dict[str, dict]]]:
    """Those that have indexed the articles, one after the other, and what that took of each."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="byline-peers-")))
        processes, took = [], {}
        for peer in peers:
            process = Process(peer, pythons[peer.name], folder / peer.key, at)
            stack.callback(process.close)
            reply = process.do("index", **sources)
            say(f"  {peer.name}: {reply.get('error') or 'indexed'}")
            took[peer.name] = reply | {"mb": process.megabytes}
            processes += [process] if "error" not in reply else []
        yield processes, took


def ask(
    kind: str, processes: Sequence[Process], cases: Sequence[Case], out: Path, at: Served, until=1e9
) -> None:
    """Ask every peer each question, in turns, until then; what was asked before is not."""
    files = {process: out / f"{kind}-{process.peer.key}.jsonl" for process in processes}
    known = {process: {line["id"] for line in lines(file)} for process, file in files.items()}
    for turn, case in enumerate(cases):
        if time.monotonic() > until:
            return
        for step in range(len(processes)):
            process = processes[(turn + step) % len(processes)]
            if case.id not in known[process]:
                record = _record(process, case, kind, at)
                with files[process].open("a") as file:
                    print(json.dumps({"id": case.id, **record}), file=file)
                say(f"  {kind} {turn + 1} {process.peer.name} {record['timings']['total']:.1f} s")


def _record(process: Process, case: Case, kind: str, at: Served) -> dict[str, Any]:
    at.begin(_SECONDS)
    reply = process.do(kind, question=case.question, as_of=case.as_of)
    record = reply.get("value") or {"error": reply["error"]}
    record["timings"] = {"total": reply["seconds"]} | record.get("timings", {})
    used = at.usage()
    return record | ({"usage": used} if used else {})


def lines(file: Path) -> list[dict[str, Any]]:
    """What a JSON Lines file holds; nothing where there is none."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []


def spread(cases: Sequence[Case], most: int) -> list[Case]:
    """So many cases, evenly from the whole set."""
    step = max(1.0, len(cases) / most)
    return [cases[int(at * step)] for at in range(min(most, len(cases)))]


def say(what: str) -> None:
    """Tell how far it is."""
    print(what, file=sys.stderr)
