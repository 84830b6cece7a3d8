"""What the tutorial and the how-tos of docs/ show is run, and prints what stands there.

python -m byline.tests.test_tutorial    # writes what is printed now
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from byline.tests.conftest import ROOT, Run

PAGES = ("tutorial.md", "feeds.md", "evals-in-ci.md")
SERVED = "127.0.0.1:8901"
HOME = "/home/ada/news"
BLOCK = re.compile(r'^```(?:text title="(?P<file>.+?)"|console)\n(?P<text>.*?)^```\n', re.M | re.S)
# What is another at each run: how long it took, the day, digests of versions.
_EACH_RUN = re.compile(
    r"in \d+\.\d s \([\d.]+ articles per second\)|20[2-9]\d-\d\d-\d\d[T ][\d:]+(?:\+00:00| UTC)"
    r"|total_seconds[^\n]+"
    r"|(?<=corrected )20\d\d-\d\d-\d\d|(?<=retracted on )20\d\d-\d\d-\d\d|\b[0-9a-f]{16}\b"
)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A folder as a page has its reader serve it; gives the address that it has here."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def page(text: str, call: Callable[[list[str], dict[str, str]], str], served: str) -> str:
    """The page with what its commands print; its files are written to the working directory."""
    exported: dict[str, str] = {}

    def run(block: re.Match[str]) -> str:
        if block["file"]:
            Path(block["file"]).parent.mkdir(exist_ok=True)
            Path(block["file"]).write_text(block["text"].replace(SERVED, served))
            return block[0]
        told = ""
        for line in re.findall(r"^\$ (.+)$", block["text"], re.M):
            printed, words = "", shlex.split(line.replace(SERVED, served))
            if words[0] == "export":
                exported.update([words[1].split("=", 1)])
            else:
                printed = call(words[1:], exported).replace(os.getcwd(), HOME)
            told += f"$ {line}\n{re.sub(r' +$', '', printed, flags=re.M)}"
        return f"```console\n{told.replace(served, SERVED)}```\n"

    return BLOCK.sub(run, text)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_prints_what_it_shows(
    name: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("BYLINE_FETCH_DELAY_SECONDS", "0")
    shown = (ROOT / "docs" / name).read_text()

    def call(arguments: list[str], variables: dict[str, str]) -> str:
        done = run(*arguments, **variables)
        return done.err + done.out

    with serving(tmp_path) as served:
        printed = page(shown, call, served)
    assert _EACH_RUN.sub("…", printed) == _EACH_RUN.sub("…", shown)


if __name__ == "__main__":
    own = {name: value for name, value in os.environ.items() if not name.startswith("BYLINE_")}
    for name in PAGES:
        with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as address:
            os.chdir(folder)
            given = own | {"BYLINE_HOME": f"{folder}/home", "COLUMNS": "80"}
            given |= {"PYTHONWARNINGS": "ignore", "BYLINE_FETCH_DELAY_SECONDS": "0"}

            def of_process(arguments: list[str], variables: dict[str, str]) -> str:
                command = [sys.executable, "-m", "byline", *arguments]
                env = given | variables  # noqa: B023
                ended = subprocess.run(command, capture_output=True, text=True, env=env)
                return ended.stderr + ended.stdout

            file = ROOT / "docs" / name
            file.write_text(page(file.read_text(), of_process, address))
