"""The peers, each in a virtual environment of its own, installed from the package index.

installed(PEERS[1], Path("bench/cache/peers"), ["python3.12"])     # {"python", "seconds", "mb" ...}
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byline.errors import BylineError

HERE = Path(__file__).parent
_LLAMAINDEX = (
    "llama-index-core==0.14.25",
    "llama-index-vector-stores-chroma==0.6.0",
    "llama-index-retrievers-bm25==0.8.0",
    "llama-index-llms-openai-like==0.8.1",
    "llama-index-embeddings-openai-like==0.4.0",
    "chromadb==1.5.9",
)


@dataclass(frozen=True)
class Peer:
    """What answers; `kind` is handed to its script."""

    name: str
    script: str
    needs: tuple[str, ...]
    kind: str = ""
    python: tuple[int, int] = (3, 11)

    @property
    def key(self) -> str:
        """Its name in files' names."""
        return Path(self.script).stem.removeprefix("peer_") + self.kind

    @property
    def is_byline(self) -> bool:
        """Whether it runs from this folder, and answers without a model."""
        return self.needs == (".",)


PEERS = (
    Peer("Byline", "peer_byline.py", (".",)),
    Peer("CitationQueryEngine", "peer_llamaindex.py", _LLAMAINDEX, "-default"),
    Peer("CitationQueryEngine, hybrid", "peer_llamaindex.py", _LLAMAINDEX, "-hybrid"),
    Peer("PaperQA", "peer_paperqa.py", ("paper-qa==2026.8.12",)),
    Peer("haiku.rag", "peer_haiku.py", ("haiku.rag==0.101.1",), python=(3, 12)),
)


def installed(peer: Peer, folder: Path, pythons: Sequence[str]) -> dict[str, Any]:
    """Its interpreter, and what installing took; done again only when its pins change.

    Raises BylineError where no interpreter is new enough, or pip fails.
    """
    home, needs = folder.resolve() / Path(peer.script).stem, list(peer.needs)
    receipt = home / "installed.json"
    if receipt.is_file() and (known := json.loads(receipt.read_text()))["needs"] == needs:
        return known
    print(f"Installing {peer.name}", file=sys.stderr)
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([_python(peer, pythons), "-m", "venv", str(home)], check=True)
    python, began = str(home / "bin" / "python"), time.monotonic()
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir"]
    command = [*pip, "install", "-qq", *needs]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parents[1])
    if done.returncode:
        raise BylineError(f"{peer.name} cannot be installed: {done.stderr.strip()[-400:]}")
    known = {"needs": needs, "seconds": time.monotonic() - began, "mb": megabytes(home)}
    known["packages"] = len(json.loads(subprocess.check_output([*pip, "list", "--format=json"])))
    known["python"] = sys.executable if peer.is_byline else python
    receipt.write_text(json.dumps(known))
    return known


def megabytes(folder: Path) -> float:
    """What the files of a folder hold, links not followed."""
    return sum(f.lstat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6


def _python(peer: Peer, pythons: Sequence[str]) -> str:
    test = f"import sys; sys.exit(sys.version_info < {peer.python})"
    for python in (sys.executable, *pythons, "python3.12", "python3.13"):
        if shutil.which(python) and not subprocess.run([python, "-c", test]).returncode:
            return python
    least = ".".join(map(str, peer.python))
    raise BylineError(f"{peer.name} needs Python {least} or newer: give --python PATH.")
