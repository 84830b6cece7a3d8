"""What docs/tutorial.md shows is run, and prints what stands there.

python -m byline.tests.test_tutorial    # writes what is printed now
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from byline.tests.conftest import ROOT, Run

PAGE = ROOT / "docs" / "tutorial.md"
HOME = "/home/ada/news"
BLOCK = re.compile(r'^```(?:text title="(?P<file>.+?)"|console)\n(?P<text>.*?)^```\n', re.M | re.S)
# What is another at each run: how long it took, the day, digests of versions.
_EACH_RUN = re.compile(
    r"in \d+\.\d s \([\d.]+ articles per second\)|20[2-9]\d-\d\d-\d\d[T ][\d:]+(?:\+00:00| UTC)"
    r"|(?<=corrected )20\d\d-\d\d-\d\d|(?<=retracted on )20\d\d-\d\d-\d\d|\b[0-9a-f]{16}\b"
)


def page(text: str, call: Callable[[list[str]], str]) -> str:
    """The page with what its commands print; its files are written to the working directory."""

    def run(block: re.Match[str]) -> str:
        if block["file"]:
            Path(block["file"]).parent.mkdir(exist_ok=True)
            Path(block["file"]).write_text(block["text"])
            return block[0]
        told = ""
        for line in re.findall(r"^\$ byline (.+)$", block["text"], re.M):
            printed = call(shlex.split(line)).replace(os.getcwd(), HOME)
            told += f"$ byline {line}\n{re.sub(r' +$', '', printed, flags=re.M)}"
        return f"```console\n{told}```\n"

    return BLOCK.sub(run, text)


def test_the_tutorial_prints_what_it_shows(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    shown = PAGE.read_text()
    printed = page(shown, lambda arguments: run(*arguments).out)
    assert _EACH_RUN.sub("…", printed) == _EACH_RUN.sub("…", shown)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        own = {name: value for name, value in os.environ.items() if not name.startswith("BYLINE_")}
        given = own | {"BYLINE_HOME": f"{folder}/home", "COLUMNS": "80", "PYTHONWARNINGS": "ignore"}
        command = [sys.executable, "-m", "byline"]

        def of_process(arguments: list[str]) -> str:
            ended = subprocess.run(
                [*command, *arguments], capture_output=True, text=True, env=given
            )
            return ended.stdout + ended.stderr

        PAGE.write_text(page(PAGE.read_text(), of_process))
