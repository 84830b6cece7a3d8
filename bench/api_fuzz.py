"""Schemathesis against the service: what its OpenAPI description promises, and what it does not.

    python bench/api_fuzz.py --full

Each operation is called over a real uvicorn with requests that fit its description and with ones
that break it, half of them about articles, conversations and jobs that are there. It fails where a
status is 5xx or undocumented, or a response is not of its documented type, headers or schema.
"""

import socket
import sys
import tempfile
import time
import warnings
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import schemathesis
from byline import Desk
from byline.index.embed import MiniLM
from byline.index.jobs import Jobs
from byline.tests.servers import serving
from byline.ui.api import api
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as of_openapi

_SAMPLE = Path(__file__).parent.parent / "index" / "sample"
_CHECKS = [
    checks.not_a_server_error,
    of_openapi.status_code_conformance,
    of_openapi.content_type_conformance,
    of_openapi.response_headers_conformance,
    of_openapi.response_schema_conformance,
]
_MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
_SHORT, _FULL = 3, 150  # cases of an operation in each mode


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """The API of a desk on a free port; nothing but this machine can be fetched from."""
    real = socket.getaddrinfo

    def here_alone(host: Any, *rest: Any, **more: Any) -> Any:
        if host not in ("127.0.0.1", "localhost", b"127.0.0.1"):
            raise socket.gaierror(socket.EAI_NONAME, "not looked up in a fuzz")
        return real(host, *rest, **more)

    socket.getaddrinfo = here_alone
    try:
        with serving(api(desk), log_level="critical") as address:
            yield address
    finally:
        socket.getaddrinfo = real


def fuzz(address: str, desk: Desk, cases: int) -> tuple[Counter[tuple[str, int]], list[str]]:
    """How often each operation answered with each status; and what it should not have done."""
    told: Counter[tuple[str, int]] = Counter()
    wrong: dict[str, str] = {}
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in _MODES:
            with suppress(Unsatisfiable):  # nothing breaks a route that takes nothing
                strategy = operation.as_strategy(generation_mode=mode)
                _run(strategy, desk, cases, told, wrong)
    return told, list(wrong.values())


def _run(
    strategy: Any, desk: Desk, cases: int, told: Counter[tuple[str, int]], wrong: dict[str, str]
) -> None:
    if len(desk.articles) < 8:  # calls before have removed them
        desk.add(sorted(_SAMPLE.glob("*"))[:16])
    while len(desk.conversations.list(3)) < 3:
        desk.chat().ask("How many turbines will stand on Gannet Bank?")
    jobs = Jobs(desk.archive.engine, desk.folder / "jobs").list(20)
    known = {
        "article_id": [quote(article.id, safe="") for article in desk.articles.list(20)],
        "conversation_id": [one.id for one in desk.conversations.list(20)],
        "job_id": [job.id for job in jobs],
    }

    @seed(1)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(case=strategy, known_one=st.booleans(), which=st.integers(0, 19))
    def call(case: Any, known_one: bool, which: int) -> None:
        for name in case.path_parameters or {}:
            if known_one and known.get(name):
                case.path_parameters[name] = known[name][which % len(known[name])]
        if isinstance((case.query or {}).get("wait"), int | float):
            case.query["wait"] = min(case.query["wait"], 1)
        response = case.call(timeout=120)
        label = case.operation.label
        told[label, response.status_code] += 1
        try:
            case.validate_response(response, checks=_CHECKS)
        except* AssertionError as errors:
            for error in errors.exceptions:
                key = f"{label} {response.status_code} {type(error).__name__}"
                wrong.setdefault(key, f"{key}: {error}\n{case.as_curl_command()[:500]}")

    call()


def main() -> int:
    """Print a table of statuses; 1 where anything was wrong."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="over 5,000 cases")
    parser.add_argument("--cases", type=int, help="of an operation, in each of the two modes")
    chosen = parser.parse_args()
    cases = chosen.cases or (_FULL if chosen.full else _SHORT)
    warnings.simplefilter("ignore")
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as home,
        Desk(home, "fuzz", embedder=MiniLM()) as desk,
        served(desk) as address,
    ):
        told, wrong = fuzz(address, desk, cases)
    print("## The HTTP API, fuzzed from its description\n")
    print("| operation | cases | statuses |\n|---|---|---|")
    for label in dict.fromkeys(label for label, _ in told):
        statuses = {status: n for (of, status), n in sorted(told.items()) if of == label}
        shown = ", ".join(f"{status} × {n}" for status, n in statuses.items())
        print(f"| {label} | {sum(statuses.values())} | {shown} |")
    total = told.total()
    print(f"\n{total:,} cases in {time.monotonic() - began:.0f} s, {len(wrong)} things wrong")
    print("\n".join(f"\n{one}" for one in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
