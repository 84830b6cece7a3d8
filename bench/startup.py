"""How long a new process takes: `byline --help`, and `byline ask` without a model.

    python bench/startup.py [--turns N]

The median of five processes each, in turns, over an index of the bundled articles, beside Python
that does nothing and Python that only imports what asking needs. Required: 0.5 s and 2 s.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict

import sets

_QUESTION = "How many turbines did Skerrow Wind get a licence for?"
_COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import numpy, onnxruntime, sqlalchemy, typer, rich'": [
        "-c",
        "import numpy, onnxruntime, sqlalchemy, typer, rich",
    ],
    "byline --help": ["-m", "byline", "--help"],
    "byline ask": ["-m", "byline", "ask", "--index", "demo", _QUESTION],
}


def main() -> None:
    """Print a row a command."""
    parser = sets.parser(__doc__)
    parser.add_argument("--turns", type=int, default=5, help="processes each (%(default)s)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="byline-bench-") as home:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("BYLINE_")}  # noqa: TID251
        environment = {**kept, "BYLINE_HOME": home}
        _run(["-m", "byline", "add", "--index", "demo", str(sets.SAMPLE)], environment, home)
        seconds: dict[str, list[float]] = defaultdict(list)
        for turn in range(given.turns + 1):  # the first one warms the file cache
            for name, arguments in _COMMANDS.items():
                taken = _run(arguments, environment, home)
                if turn:
                    seconds[name].append(taken)
    rows = [
        [f"`{name}`", f"{statistics.median(s):.2f}", f"{min(s):.2f} to {max(s):.2f}"]
        for name, s in seconds.items()
    ]
    print("## A new process, seconds\n")
    print(sets.markdown(["", "median", "range"], rows))
    print("\n(required: `byline --help` 0.5, `byline ask` 2)")


def _run(arguments: list[str], environment: dict[str, str], folder: str) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=folder, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{arguments}: {done.stderr}")
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
