"""The measurements of the readers run where there is no data folder."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        (("extraction.py",), "There are no pages with hand-made bodies"),
        (("fuzz_readers.py", "--seconds", "1", "--only", ".warc.gz"), "| .warc.gz | 1 | 100 |"),
    ],
)
def test_it_runs_without_data(script: tuple[str, ...], printed: str, tmp_path: Path) -> None:
    name, *arguments = script
    command = [sys.executable, str(BENCH / name), "--data", str(tmp_path / "none"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert printed in done.stdout
