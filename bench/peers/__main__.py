"""The same articles, questions, embedder and model through Byline and what one would take instead.

    python -m bench.peers --model FILE.gguf [--sets ...] [--limit 25] [--cases 100] [--minutes 60]
    python -m bench.peers --llm MODEL@https://host/v1      # a hosted model; the key: OPENAI_API_KEY
    python -m bench.peers --report                         # the report of what is there, anew

Each peer is installed into an environment of its own below bench/cache/peers. A question is asked
of one peer after the other, then the next. Answers are kept in --out: what was asked is not asked
again. Without a model there are no answers, but what each peer finds.
"""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import sets  # noqa: E402
from ask import articles_of, ask, running, say, spread  # noqa: E402
from byline.errors import BylineError, InputError  # noqa: E402
from byline.qa.local import LocalModel  # noqa: E402
from byline.settings import load_settings  # noqa: E402
from install import PEERS, Peer, installed  # noqa: E402
from report import report, score  # noqa: E402
from serve import Served, served  # noqa: E402

SETS = ("sample", "seed", "realtimeqa_dev", "multihop_dev")
CACHE = HERE.parent / "cache"
_TIMED = 60  # articles that are indexed without any vector at hand


def main() -> int:
    """Ask, score and report."""
    given = _parser().parse_args()
    try:
        if not given.report:
            measure(given)
        text = report(given.out)
        if given.to:
            given.to.write_text(text, "utf-8")
        else:
            sys.stdout.write(text)
    except (BylineError, OSError) as error:
        say(str(error))
        return 1
    return 0


def _parser() -> ArgumentParser:
    parser = sets.parser(__doc__)
    names, add = [peer.name for peer in PEERS], parser.add_argument
    add("--sets", nargs="+", default=SETS, choices=SETS)
    add("--peers", nargs="+", default=names, choices=names)
    add("--cases", type=_number, default=100, help="questions of a set that are searched for")
    add("--limit", type=_number, default=25, help="of these, questions that the model answers")
    add("--minutes", type=float, default=1e6, help="ask the model no more after so long, a set")
    add(
        "--articles",
        type=_number,
        help="articles of a set: those that answer, and the first others",
    )
    add("--model", type=Path, help="a .gguf file that answers")
    add("--llm", metavar="MODEL@URL", help="another endpoint that answers")
    add("--python", action="append", default=[], help="an interpreter to install a peer with")
    add("--out", type=Path, default=CACHE / "peers" / "results", help="folder of the answers")
    add("--to", type=Path, help="file to write the report to")
    add("--report", action="store_true", help="ask nothing")
    return parser


def _number(text: str) -> int:
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def measure(given: Namespace) -> None:
    """Install the peers, index the articles, ask the questions and score what came of it."""
    peers = [peer for peer in PEERS if peer.name in given.peers]
    took = {peer.name: installed(peer, CACHE / "peers", given.python) for peer in peers}
    given.pythons = {name: found["python"] for name, found in took.items()}
    with ExitStack() as stack:
        endpoint = _endpoint(given, stack)
        known = noted(given.out)
        if endpoint and known.get("model", endpoint[1]) != endpoint[1]:
            raise InputError(f"{given.out} holds answers of {known['model']}: give another --out.")
        note(given.out, installed=known.get("installed", {}) | took)
        if endpoint:
            note(given.out, model=endpoint[1])
        at = stack.enter_context(served(CACHE / "vectors.db", *endpoint))
        for name in given.sets:
            with TemporaryDirectory(prefix="byline-peers-") as folder:
                _measure_set(name, given, peers, at, Path(folder), has_model=bool(endpoint))
        if "timed" not in known:
            _time_indexing(given, peers)


def _endpoint(given: Namespace, stack: ExitStack) -> tuple[str | None, ...]:
    """Address, model and key of what answers; nothing where nothing does."""
    if given.model:
        if not given.model.is_file():
            raise InputError(f"There is no model file {given.model}: correct --model.")
        local = LocalModel(str(given.model), 8192)
        stack.callback(local.close)
        return local.base_url, given.model.stem, None
    if not given.llm:
        return ()
    name, _, address = given.llm.partition("@")
    if not address.startswith("http"):
        raise InputError(f"--llm {given.llm} names no endpoint: write MODEL@https://host/v1.")
    key = load_settings().llm_api_key
    return address, name, key.get_secret_value() if key else "none"


def _measure_set(name, given, peers, at: Served, folder: Path, *, has_model: bool) -> None:
    say(name)
    out = given.out / name
    cases = spread(sets.cases(name, given.data), given.cases)
    with (
        articles_of(name, given.data, given.articles, folder) as (desk, sources),
        running(peers, given.pythons, at, sources) as (processes, took),
    ):
        note(out, articles=len(desk.articles), indexed=noted(out).get("indexed", {}) | took)
        ask("search", processes, cases, out, at)
        ask("quote", [p for p in processes if p.peer.is_byline], cases, out, at)
        if has_model:
            until = time.monotonic() + 60 * given.minutes
            ask("answer", processes, spread(cases, given.limit), out, at, until)
        peak = {process.peer.name: process.do("rest")["peak_mb"] for process in processes}
        note(out, peak_mb=noted(out).get("peak_mb", {}) | peak)
        score(out, cases, desk)


def _time_indexing(given: Namespace, peers: Sequence[Peer]) -> None:
    name = "realtimeqa_dev" if (given.data / "realtimeqa_dev").is_dir() else "sample"
    took = {}
    with (
        TemporaryDirectory(prefix="byline-peers-") as folder,
        articles_of(name, given.data, _TIMED, Path(folder)) as (desk, sources),
    ):
        for peer in peers:
            with (
                served(Path(folder) / f"{peer.key}.db") as at,
                running([peer], given.pythons, at, sources) as (_, one),
            ):
                took |= one
        note(given.out, timed={"articles": len(desk.articles), "indexed": took})


def noted(folder: Path) -> dict:
    """What was measured beside the answers."""
    file = folder / "measured.json"
    return json.loads(file.read_text()) if file.is_file() else {}


def note(folder: Path, **measured: object) -> None:
    """Keep it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "measured.json").write_text(json.dumps(noted(folder) | measured, indent=1))


if __name__ == "__main__":
    sys.exit(main())
