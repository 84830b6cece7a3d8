"""Runs every measurement and prints one Markdown report: `python -m bench [--full]`.

`--full` adds 2,000 articles twice in each of two forms, fills an index with 100,000 passages and
one with 40,000 articles, asks every question of every set, kills 200 times, lets writers and
readers at each other for two minutes, kills replicas for five, and calls the service 5,000 times;
it takes three hours. Another data folder is given with `--data FOLDER`; without one the bundled
sample is measured.
"""

import os
import platform
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

_FOLDER = Path(__file__).parent
_MODEL = _FOLDER.parent / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
_SCRIPTS = (
    "retrieval",
    "latency",
    "startup",
    "ingest",
    "bulk",
    "scale",
    "extraction",
    "copies",
    "dates",
    "speakers",
    "verify",
    "swaps",
    "attacks",
    "crash",
    "concurrency",
    "load",
    "parity",
    "replicas",
    "api_fuzz",
)
_FULL = ("drafts", "evals", "streaming", "service_faults")
_SERVED = ("load", "parity", "replicas", "api_fuzz")
# These take --full themselves.
_LONGER = ("ingest", "bulk", "scale", "copies", "attacks", "crash", "concurrency", *_SERVED)
_OF_LABELS = (
    "dates",
    "speakers",
    "swaps",
    "replicas",
    "api_fuzz",
    "service_faults",
)  # these read no data folder


def main() -> int:
    """Run the scripts one after the other; 1 where one of them failed."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--data", metavar="FOLDER", help="folder with the sets")
    parser.add_argument("--full", action="store_true", help="the full length")
    given = parser.parse_args()
    print(f"# Byline, measured with Python {platform.python_version()}, {os.cpu_count()} cores\n")
    failed = False
    for name in (*_SCRIPTS, *(_FULL if given.full else ())):
        command = [sys.executable, str(_FOLDER / f"{name}.py")]
        command += ["--data", given.data] if given.data and name not in _OF_LABELS else []
        command += ["--model", str(_MODEL)] if name == "streaming" else []
        command += ["--full"] if given.full and name in _LONGER else []
        sys.stdout.flush()
        failed |= subprocess.run(command).returncode != 0
        print()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
