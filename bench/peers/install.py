"""The peers, each in a virtual environment of its own, installed from the package index.

installed(PEERS[1], Path("bench/cache/peers"), ["python3.12"])     # {"python", "seconds", "mb" ...}
"""

import json
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byline.errors import BylineError

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Peer:
    """What answers; its keys are described in peers.toml."""

    name: str
    script: str
    needs: list[str]
    note: str
    kind: str = ""
    python: Sequence[int] = (3, 11)

    @property
    def key(self) -> str:
        """Its name in files' names."""
        stem = Path(self.script).stem.removeprefix("peer_")
        return f"{stem}-{self.kind}" if self.kind else stem

    @property
    def is_byline(self) -> bool:
        """Whether it runs from this folder, and answers without a model."""
        return self.needs == ["."]


PEERS = [Peer(**entry) for entry in tomllib.loads((HERE / "peers.toml").read_text())["peer"]]


def installed(peer: Peer, folder: Path, pythons: Sequence[str]) -> dict[str, Any]:
    """Its interpreter, and what installing took; done again only when its pins change.

    Raises BylineError where no interpreter is new enough, or pip fails.
    """
    home = folder.resolve() / peer.script[:-3]
    receipt = home / "installed.json"
    if receipt.is_file() and (known := json.loads(receipt.read_text()))["needs"] == peer.needs:
        return known
    print(f"Installing {peer.name}", file=sys.stderr)
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([_python(peer, pythons), "-m", "venv", str(home)], check=True)
    python, began = str(home / "bin" / "python"), time.monotonic()
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir"]
    command = [*pip, "install", "-qq", *peer.needs]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parents[1])
    if done.returncode:
        raise BylineError(f"{peer.name} cannot be installed: {done.stderr.strip()[-400:]}")
    known = {"needs": peer.needs, "seconds": time.monotonic() - began, "mb": megabytes(home)}
    known["packages"] = len(json.loads(subprocess.check_output([*pip, "list", "--format=json"])))
    known["python"] = sys.executable if peer.is_byline else python
    receipt.write_text(json.dumps(known))
    return known


def megabytes(folder: Path) -> float:
    """What the files of a folder hold, links not followed."""
    return sum(f.lstat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6


def _python(peer: Peer, pythons: Sequence[str]) -> str:
    test = f"import sys; sys.exit(sys.version_info < {tuple(peer.python)})"
    for python in (sys.executable, *pythons, "python3.12", "python3.13"):
        if shutil.which(python) and not subprocess.run([python, "-c", test]).returncode:
            return python
    least = ".".join(map(str, peer.python))
    raise BylineError(f"{peer.name} needs Python {least} or newer: give --python PATH.")
