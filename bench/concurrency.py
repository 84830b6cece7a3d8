"""Writers and readers at once: no wrong answer, no exception, and how soon news is seen.

    python bench/concurrency.py [--data FOLDER] [--seconds 10] [--full]

Two processes add articles in turn, each with a word of its own, and remove some; a third follows a
feed of this machine, to which articles come; four others ask for the words, two of them through the
vector index, as in an index of many passages. A word whose article was acknowledged must be found,
by the first search or a later one (when that search began, after the acknowledgement, is
measured); one that was
found before or acknowledged five seconds ago must be found; one whose removal was acknowledged five
seconds ago must not. Required: nothing wrong, 95 % of new articles seen by a reader within five
seconds. `--full` takes two minutes.
"""

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from html import escape
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import sets
from byline import Desk
from byline.index.archive import shelf as shelf_module
from byline.qa import retrieve as retrieve_module
from byline.settings import Settings
from byline.tests.servers import Silent, answering
from crash import Hashed, articles

_WRITERS, _READERS = 2, 4
_SETTLED_SECONDS = 5.0

Begin = Callable[[], float]
"waits until all are ready; when to end, in seconds since 1970"


def _desk(home: Path) -> Desk:
    settings = Settings(home=home, index="busy", fetch_private=True, fetch_delay_seconds=0)
    return Desk(settings=settings, embedder=Hashed())


def _warm(desk: Desk, source: Path) -> None:
    """Have everything loaded that an addition needs."""
    report = desk.add(source)
    assert report.accepted == 1, report


def write(home: Path, given: list[dict[str, Any]], name: str, begin: Begin) -> dict[str, Any]:
    """Add some articles, now and then remove one; note each once it is acknowledged."""
    dice, held, done = random.Random(name), [], {"added": 0, "removed": 0}
    with _desk(home) as desk, (home / f"{name}.notes").open("a") as notes:

        def note(word: str, is_there: bool | None) -> None:
            notes.write(json.dumps([word, is_there, time.time()]) + "\n")
            notes.flush()

        _warm(desk, sets.written([given[0] | {"outlet": "Busy"}], home / f"{name}.jsonl"))
        until = begin()
        while time.time() < until:
            new = {f"{name}{done['added'] + n}": dice.choice(given) for n in range(3)}
            records = [  # of one outlet, whose articles are never taken for copies of each other
                {
                    "id": word,
                    "outlet": "Busy",
                    "title": a.get("title"),
                    "text": f"{a['text']}\n\nWord: {word}.",
                }
                for word, a in new.items()
            ]
            report = desk.add(sets.written(records, home / f"{name}.jsonl"))
            assert report.added == len(records), report
            done["added"] += len(records)
            for word in new:
                note(word, True)
            held += new
            if len(held) > 20 and dice.random() < 0.5:
                word = held.pop(dice.randrange(len(held)))
                note(word, None)  # from now on it may be there or not
                desk.articles.remove(word)
                note(word, False)
                done["removed"] += 1
            time.sleep(dice.random() * 0.2)
    return done


def follow(home: Path, given: list[dict[str, Any]], begin: Begin) -> dict[str, Any]:
    """Follow a feed to which an article comes before each look; note it once the look is done."""
    pages: dict[str, bytes] = {}

    class Site(Silent):
        def do_GET(self) -> None:
            body = pages.get(self.path)
            self.send_response(200 if body else 404)
            kind = "application/rss+xml" if self.path == "/feed" else "text/html"
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

    items, added = "", 0

    def publish(root: str, word: str, article: dict[str, Any]) -> None:
        nonlocal items
        title, text = escape(article.get("title") or word), escape(article["text"])
        story = "".join(f"<p>{line}</p>" for line in text.splitlines() if line.strip())
        page = f"<html><title>{title}</title><article>{story}<p>It was added. Word: {word}.</p>"
        pages[f"/{word}"] = f"{page}</article></html>".encode()
        items = f"<item><title>{title}</title><link>{root}/{word}</link></item>{items}"
        feed = f"<rss version='2.0'><channel><title>Feed</title>{items}</channel></rss>"
        pages["/feed"] = feed.encode()

    with (
        answering(Site) as root,
        _desk(home) as desk,
        (home / "follower.notes").open("a") as notes,
    ):
        publish(root, "follow0x", given[0])
        desk.follow.add(f"{root}/feed", outlet="Busy")
        until = begin()
        while time.time() < until:
            word = f"follow{added}x"
            publish(root, word, given[added % len(given)])
            desk.follow.run()
            stored = [a for a in desk.articles.list(5000) if a.id.endswith(f"/{word}")]
            assert stored, f"{word} was not fetched"
            if f"Word: {word}." in stored[0].text:
                notes.write(json.dumps([word, True, time.time()]) + "\n")
                notes.flush()
            added += 1
            time.sleep(0.5)
    return {"followed": added}


def read(home: Path, is_wide: bool, seed: int, begin: Begin) -> dict[str, Any]:
    """Ask for words; how long after it was acknowledged each was found, and what was wrong."""
    if is_wide:
        shelf_module.HELD_IN_MEMORY = retrieve_module._EXACT_UP_TO = 0
    dice, notes, asked = random.Random(seed), _Notes(home), 0
    waits: list[float] = []
    wrong: list[str] = []
    with _desk(home) as desk:

        def finds(word: str) -> bool:
            nonlocal asked
            asked += 1
            hits = desk.search(word, 10)
            return any(
                h.article_id.endswith(word) and f"Word: {word}." in h.article.text for h in hits
            )

        finds("ready")
        until = begin()
        while time.time() < until:
            notes.follow()
            if notes.new:
                word, at = notes.new
                notes.new = None
                looked = time.time()
                while not finds(word) and looked < at + 2 * _SETTLED_SECONDS:
                    time.sleep(0.02)
                    looked = time.time()
                waits.append(looked - at)
            settled = time.time() - _SETTLED_SECONDS
            for there, is_expected in ((notes.there, True), (notes.gone, False)):
                words = [word for word, at in there.items() if at < settled]
                word = dice.choice(words) if words else ""
                if word and finds(word) is not is_expected:
                    notes.follow()
                    if word in there:  # nobody has begun to remove it meanwhile
                        wrong.append(f"{word} is {'not ' * is_expected}found")
    return {"asked": asked, "waits": waits, "wrong": wrong}


class _Notes:
    """What the writers have had acknowledged: words and when, followed as it is written."""

    def __init__(self, home: Path) -> None:
        self.home, self.at = home, dict[Path, int]()
        self.there, self.gone = dict[str, float](), dict[str, float]()
        self.new: tuple[str, float] | None = None
        "the newest that was acknowledged since the last look"

    def follow(self) -> None:
        """Read what has been noted since."""
        for path in self.home.glob("*.notes"):
            with path.open() as file:
                file.seek(self.at.get(path, 0))
                while (line := file.readline()).endswith("\n"):
                    word, is_there, when = json.loads(line)
                    if is_there:
                        self.there[word], self.new = when, (word, when)
                    else:
                        self.there.pop(word, None)
                        if self.new and self.new[0] == word:
                            self.new = None
                    if is_there is False:
                        self.gone[word] = when
                    self.at[path] = file.tell()


def _told(task: Callable[[], dict[str, Any]], result: Path) -> None:
    try:
        found = task()
    except BaseException as error:
        found = {"failed": f"{type(error).__name__}: {error}"}
    result.write_text(json.dumps(found))


def main() -> int:
    """Print a table, and everything that was wrong."""
    parser = sets.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="(default: %(default)s)")
    parser.add_argument("--full", action="store_const", dest="seconds", const=120.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="byline-busy-") as folder:
        home = Path(folder)
        found_articles = articles(given.data, 200, home)
        _desk(home).close()
        fork = get_context("fork")
        everyone = fork.Barrier(_WRITERS + _READERS + 1)

        def begin() -> float:
            everyone.wait(300)
            return time.time() + given.seconds

        tasks: dict[str, Callable[[], dict[str, Any]]] = {
            f"writer{n}x": partial(write, home, found_articles[:150], f"writer{n}x", begin)
            for n in range(_WRITERS)
        }
        tasks |= {f"reader{n}": partial(read, home, n % 2 == 0, n, begin) for n in range(_READERS)}
        tasks["follower"] = partial(follow, home, found_articles[150:], begin)
        results = {name: home / f"{name}.result" for name in tasks}
        processes = [
            fork.Process(target=_told, args=(task, results[name])) for name, task in tasks.items()
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        found = {
            name: json.loads(path.read_text()) if path.exists() else {"failed": "it died"}
            for name, path in results.items()
        }
        with _desk(home) as desk:
            health = desk.check()
    return _shown(found, given.seconds, health)


def _shown(found: dict[str, dict[str, Any]], seconds: float, health: Any) -> int:
    wrong = [f"{name}: {f['failed']}" for name, f in found.items() if "failed" in f]
    wrong += [f"{name}: {said}" for name, f in found.items() for said in f.get("wrong", ())]
    wrong += health.problems
    for said in wrong:
        print(said)
    waits = np.array([wait for f in found.values() for wait in f.get("waits", ())] or [np.nan])
    p50, p95 = np.percentile(waits, [50, 95])
    rows = [
        ("articles added", sum(f.get("added", 0) for f in found.values())),
        ("articles that came by the feed", found["follower"].get("followed", 0)),
        ("articles removed", sum(f.get("removed", 0) for f in found.values())),
        ("questions asked", sum(f.get("asked", 0) for f in found.values())),
        ("new articles looked for at once", len(waits)),
        ("seconds until the search that found it: median", f"{p50:.3f}"),
        ("seconds until the search that found it: 95 %", f"{p95:.3f}"),
        ("seconds until the search that found it: longest", f"{waits.max():.3f}"),
        ("wrong answers and exceptions", len(wrong)),
    ]
    print(
        f"## {_WRITERS} writers, a follower and {_READERS} readers for {seconds:.0f} s\n\n"
        f"{sets.markdown(['', ''], rows)}\n\n(required: nothing wrong, 95 % within 5 s; at the end "
        f"{health.articles} articles, {health.passages} passages, {health.vectors} vectors; "
        f"load {os.getloadavg()[0]:.1f})"
    )
    return int(bool(wrong) or not p95 <= _SETTLED_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
