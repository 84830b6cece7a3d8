"""Kills a process that adds, updates and removes articles, again and again, and looks for harm.

    python bench/crash.py [--data FOLDER] [--kills 20] [--seed 1]

A child process works on an index with a cheap embedder and a vector index that is written to files
every forty rows, and notes, with fsync, what was acknowledged to it. It gets SIGKILL at a random
moment: anywhere, within a write of the vector store, or as the files of its index change, a third
of the time each. Then another process opens the index,
searches, checks, repairs if need be, and compares with the notes: nothing acknowledged is lost,
nothing is there twice, a sample of passages (at the end every one) is found by its own text, by its
vector and by its words. Required: no loss, no double, none that is not found.
"""

import hashlib
import json
import logging
import mmap
import os
import random
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import chromadb  # noqa: F401  # once, before the forks
import ingest
import numpy as np
import sets
from byline import Desk
from byline.index import build
from byline.index import store as store_module
from byline.index.archive import Archive
from byline.index.archive import shelf as shelf_module
from byline.index.build import embedded_text
from byline.index.read import Entry, read
from byline.index.store import Store
from byline.qa import retrieve as retrieve_module
from byline.qa.retrieve import full_text_query
from byline.settings import Settings
from numpy.typing import NDArray

IDLE, READING, ARCHIVE, CHROMA = range(4)
PHASES = ("between operations", "reading and embedding", "archive transaction", "vector store")
_SYNC_THRESHOLD = 40
_LONGEST_SECONDS = 1.0
_FIRST = 300  # articles that are there before the first kill
_SAMPLE = 30

State = dict[str, int | None]
"the revision of each article's text; None: it is not there"


class Hashed:
    """Unit vectors that are a hash of the text: a text is nearest to itself."""

    name = "hashed"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One a text."""
        rows = [np.frombuffer(hashlib.shake_128(t.encode()).digest(64), np.int8) for t in texts]
        found = np.array(rows, np.float32).reshape(-1, 64)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """As of any text."""
        return self.embed([text])[0]


class Work:
    """The index, the articles, and what may be in it."""

    def __init__(self, folder: Path, articles: Sequence[dict[str, Any]]) -> None:
        self.folder, self.notes = folder, folder / "notes.jsonl"
        self.articles = {str(a["id"]): a for a in articles}
        self.state: State = dict.fromkeys(self.articles)
        self.phase = mmap.mmap(-1, 16)

    def desk(self) -> Desk:
        """The index, open."""
        return Desk(settings=Settings(home=self.folder, index="crash"), embedder=Hashed())

    def text(self, article_id: str, revision: int) -> str:
        """What an article says in its n-th revision."""
        return f"{self.articles[article_id]['text']}\n\nThis is revision number {revision}."

    def enter(self, phase: int) -> int:
        """Show what is done from now on; what was before."""
        before = self.phase[0]
        self.phase[:9] = struct.pack("<Bd", phase, time.time())
        return before


def work(given: Work, seed: int) -> None:
    """In a child: operate and note until killed."""
    build._BATCH = 16
    for kind, names, phase in (
        (Archive, ("accept", "publish", "remove", "forget_doomed", "forget_traces"), ARCHIVE),
        (Store, ("_write",), CHROMA),
    ):
        for name in names:
            setattr(kind, name, _noting(given, getattr(kind, name), phase))
    dice = random.Random(seed)
    with given.notes.open("a") as notes, given.desk() as desk:

        def note(**said: object) -> None:
            notes.write(json.dumps(said) + "\n")
            notes.flush()
            os.fsync(notes.fileno())

        while True:
            given.enter(READING)
            operate(given, desk, dice, note)
            given.enter(IDLE)
            time.sleep(dice.random() * 0.02)


def begin(given: Work) -> None:
    """In a child: the articles that are there before the first kill."""
    first = list(given.articles)[:_FIRST]
    new = [{**given.articles[key], "text": given.text(key, 1)} for key in first]
    with given.desk() as desk:
        assert desk.add(sets.written(new, given.folder / "first.jsonl")).added == len(first)


def _noting(given: Work, real: Callable[..., Any], phase: int) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        before = given.enter(phase)
        try:
            return real(*args, **options)
        finally:
            given.enter(before)

    return call


def operate(given: Work, desk: Desk, dice: random.Random, note: Callable[..., None]) -> None:
    """Add or update some articles, or remove some; the notes say what was begun and what done."""
    held = [key for key, revision in given.state.items() if revision is not None]
    absent = [key for key, revision in given.state.items() if revision is None]
    what = dice.choice(["add", "add", "update", "remove"]) if held and absent else "add"
    some = absent if what == "add" else held
    ids = dice.sample(some or held, min(len(some or held), dice.randint(1, 48)))
    if what == "remove":
        ids = ids[:12]
        note(ids=ids, to=[None] * len(ids))
        desk.articles.remove(ids)
        note(done=len(ids))
        given.state.update(dict.fromkeys(ids))
        return
    to = [(given.state[key] or 0) + 1 if what == "update" else dice.randint(1, 9) for key in ids]
    new = [
        {**given.articles[key], "text": given.text(key, revision)}
        for key, revision in zip(ids, to, strict=True)
    ]
    note(ids=ids, to=to)
    source = sets.written(new, given.folder / "batch.jsonl")
    report = desk.add(source, progress=lambda report: note(done=report.accepted))
    assert report.accepted == len(ids), report.failed
    given.state.update(zip(ids, to, strict=True))


def acknowledged(given: Work) -> State:
    """Bring the state up to what the notes acknowledge; what was begun and may be there or not."""
    begun: State = {}
    for line in given.notes.read_text().splitlines():
        said = json.loads(line)
        if "ids" in said:
            begun = dict(zip(said["ids"], said["to"], strict=True))
            ids = list(begun)
        else:
            for key in ids[: said["done"]]:
                if key in begun:
                    given.state[key] = begun.pop(key)
    given.notes.write_text("")
    return begun


def inspect(given: Work, begun: State, seed: int, everything: bool) -> dict[str, Any]:
    """In a child: open, search, check, repair if need be, compare."""
    logging.disable(logging.WARNING)
    shelf_module.HELD_IN_MEMORY = retrieve_module._EXACT_UP_TO = 0  # else Chroma is not asked
    dice, wrong = random.Random(seed), []
    with given.desk() as desk:
        was_suspect = (desk.folder / "chroma.open").exists()
        waiting = desk.archive.pending() is not None or bool(desk.archive.doomed())
        keys = desk.archive.all_passages()
        for passage in desk.archive.passages(dice.sample(keys, min(len(keys), 2))):
            hits = desk.search(embedded_text(passage.article, passage.text), 20)
            own = desk.articles.origins([passage.article.id])  # which a search shows in its place
            shown = {text for hit in hits for text in (hit.text, hit.article_id)}
            if shown.isdisjoint({passage.text, *(one.id for one in own.values())}):
                wrong.append(f"before any repair a search does not find: {passage.text[:60]}")
        problems = [p for p in desk.check().problems if "wait to be" not in p]
        if problems and dice.random() < 0.5:
            desk.check(repair=True)
        else:
            desk.add([])  # what the next writer does
        if problems or waiting or was_suspect:
            wrong += desk.check().problems
        wrong += compare(given, begun, desk)
        keys = desk.archive.all_passages()
        wrong += unfound(desk, keys if everything else dice.sample(keys, min(len(keys), _SAMPLE)))
        state = {a.id: int(a.text.split()[-1][:-1]) for a in desk.archive.articles(list(begun))}
        return {
            "suspect": was_suspect,
            "waiting": waiting,
            "torn": any("cannot be read" in p for p in problems),
            "short": any("vector in the store" in p for p in problems),
            "problems": problems,
            "wrong": wrong,
            "begun": {key: state.get(key) for key in begun},
            "passages": len(keys),
        }


def compare(given: Work, begun: State, desk: Desk) -> list[str]:
    """What is lost, there twice or otherwise than it was acknowledged."""
    wrong = []
    held = {article.id: article.text for article in desk.archive.articles(list(given.articles))}
    for key, revision in given.state.items():
        allowed = [revision, begun.get(key, revision)]
        texts = [None if r is None else given.text(key, r) for r in allowed]
        if held.get(key) not in texts and held.get(key) not in _cleaned(given, key, allowed):
            wrong.append(f"{key} is not as acknowledged {allowed}")
    spans = Counter(
        (p.article.id, p.start)
        for p in desk.archive.passages(desk.archive.all_passages(), hidden=True)
    )
    if any(number > 1 for number in spans.values()):
        wrong.append("passages are there twice")
    if {key for key, _ in spans} != set(held):
        wrong.append("articles without passages")
    return wrong


def _cleaned(given: Work, key: str, revisions: Sequence[int | None]) -> list[str | None]:
    """The texts as they are read, which for some articles is not letter by letter."""
    records = [
        {**given.articles[key], "text": given.text(key, revision)}
        for revision in revisions
        if revision is not None
    ]
    source = sets.written(records, given.folder / "expected.jsonl")
    return [
        entry.load().text
        for entry in read([source], max_article_bytes=1 << 20)
        if isinstance(entry, Entry)
    ]


def unfound(desk: Desk, keys: Sequence[int]) -> list[str]:
    """Passages that are not found by their own vector or words."""
    wrong = []
    for passage in desk.archive.passages(keys):
        vector = Hashed().embed_question(embedded_text(passage.article, passage.text))
        near = desk.archive.passages(desk.store.nearest(vector, 3))
        if passage.text not in [other.text for other in near]:
            wrong.append(f"not found by vector: {passage.article.id} {passage.start}")
        query = full_text_query(passage.text)
        if passage.pk not in [pk for pk, _ in desk.archive.match_passages(query, None, 20)]:
            wrong.append(f"not found by words: {passage.article.id} {passage.start}")
    return wrong


def killed(given: Work, seed: int) -> tuple[str, bool]:
    """Let a child work and kill it; what it was at, and whether it had written index files."""
    dice = random.Random(seed)
    given.phase[:16] = bytes(16)
    child = _forked(lambda: work(given, seed))
    aim = dice.choice(["anywhere", "store", "files"])
    patience = time.monotonic() + 60
    while not given.phase[1] and time.monotonic() < patience:  # it has not begun yet
        time.sleep(0.002)
    time.sleep(dice.random() * _LONGEST_SECONDS)
    while aim != "anywhere" and given.phase[0] != CHROMA and time.monotonic() < patience:
        time.sleep(0.0005)
    if aim == "store":
        time.sleep(dice.random() * 0.05)
    while aim == "files" and given.phase[0] == CHROMA and not _is_written(given):
        pass
    if aim == "files":
        time.sleep(dice.random() * 0.004)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the worker ended by itself: {status}"
    return PHASES[given.phase[0]], _is_written(given)


def _is_written(given: Work) -> bool:
    """Whether files of the vector index have changed since the phase was entered."""
    _, since = struct.unpack("<Bd", given.phase[:9])
    files = (given.folder / "crash").glob("chroma*/*/*.*")
    return any(file.stat().st_mtime >= since for file in files)


def _forked(task: Callable[[], object]) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        task()
        status = 0
    except BaseException as error:
        print(f"child: {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        os._exit(status)


def articles(data: Path, number: int, folder: Path) -> list[dict[str, Any]]:
    """As `ingest.articles`, in a child: who forks must not have had Chroma open."""
    result = folder / "articles.json"
    child = _forked(lambda: result.write_text(json.dumps(ingest.articles(data, number))))
    _, status = os.waitpid(child, 0)
    assert not status, "there are no articles"
    found: list[dict[str, Any]] = json.loads(result.read_text())
    return found


def inspected(given: Work, begun: State, seed: int, everything: bool = False) -> dict[str, Any]:
    """`inspect` in a process of its own: what the kill left may end it, and that is told."""
    result = given.folder / "result.json"
    result.unlink(missing_ok=True)
    child = _forked(lambda: result.write_text(json.dumps(inspect(given, begun, seed, everything))))
    _, status = os.waitpid(child, 0)
    if status:
        return {"wrong": [f"opening or checking ended with status {status}"]}
    found: dict[str, Any] = json.loads(result.read_text())
    return found


def main() -> int:
    """Print a table of what the kills hit, and everything that was wrong."""
    parser = sets.parser(__doc__)
    parser.add_argument("--kills", type=int, default=20, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument("--full", action="store_const", dest="kills", const=200, help="200 kills")
    given = parser.parse_args()
    hnsw: dict[str, Any] = store_module.CONFIGURATION["hnsw"]  # type: ignore[assignment]
    hnsw |= {"sync_threshold": _SYNC_THRESHOLD, "batch_size": _SYNC_THRESHOLD}
    began, hit, counts, wrong = time.monotonic(), Counter[str](), Counter[str](), []
    with tempfile.TemporaryDirectory(prefix="byline-crash-") as folder:
        work = Work(Path(folder), articles(given.data, 600, Path(folder)))
        _, status = os.waitpid(_forked(lambda: begin(work)), 0)
        assert not status, "the index could not be made"
        work.state.update(dict.fromkeys(list(work.articles)[:_FIRST], 1))
        for number in range(given.kills):
            seed = given.seed * 1000 + number
            phase, is_written = killed(work, seed)
            begun = acknowledged(work)
            is_last = number == given.kills - 1
            found = inspected(work, begun, seed, is_last)
            if "begun" not in found:  # it died: what does the next one find?
                again = inspected(work, begun, seed, is_last)
                found = {**again, "wrong": found["wrong"] + again["wrong"]}
            work.state.update(found.get("begun", {}))
            hit[phase] += 1
            counts["index files being written"] += phase == PHASES[CHROMA] and is_written
            for sign in ("suspect", "waiting", "torn", "short"):
                counts[sign] += bool(found.get(sign))
            counts["repaired"] += bool(found.get("problems"))
            for said in found["wrong"]:
                print(f"kill {number} ({phase}): {said}", flush=True)
            wrong += found["wrong"]
            if number % 20 == 19:
                print(f"{number + 1} kills, {len(wrong)} wrong", file=sys.stderr, flush=True)
        held = sum(revision is not None for revision in work.state.values())
    rows = [
        *((f"killed: {phase}", hit[phase]) for phase in PHASES),
        ("of the last, while index files were being written", counts["index files being written"]),
        ("the next one to open found the mark of a dead process", counts["suspect"]),
        ("accepted or removed articles waited for the vector store", counts["waiting"]),
        ("the vector store was torn", counts["torn"]),
        ("the vector store was short of vectors", counts["short"]),
        ("needed repair", counts["repaired"]),
        ("lost, double, unfound or otherwise wrong", len(wrong)),
    ]
    print(f"## {given.kills} kills\n\n{sets.markdown(['', 'times'], rows)}\n")
    print(
        f"({held} articles, {found.get('passages')} passages at the end, every one searched; "
        f"{time.monotonic() - began:.0f} s; required: nothing wrong)"
    )
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
