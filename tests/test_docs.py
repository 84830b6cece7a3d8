"""What the pages with Python and docs/notebook.ipynb show is run, and prints what stands there.

python -m byline.tests.test_docs    # writes what is printed now
"""

import asyncio
import io
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import httpx
import pytest
from byline import Desk
from byline.bench.vectors import Remembering
from byline.index.embed import MiniLM
from byline.tests.conftest import ROOT, SAMPLE
from opentelemetry import trace

PAGE, NOTEBOOK = ROOT / "docs" / "python.md", ROOT / "docs" / "notebook.ipynb"
OTHERS = [ROOT / "docs" / "models.md"]
BLOCK = re.compile(r"^```python\n(.+?)^```\n(?:\n```text\n.*?^```\n)?", re.M | re.S)


def printed(code: str, names: dict[str, Any]) -> str:
    with redirect_stdout(io.StringIO()) as out:
        exec(compile(code, "docs", "exec"), names)
    return out.getvalue()


def page(text: str, names: dict[str, Any]) -> str:
    """The page with what its blocks print, each behind its own."""

    def run(block: re.Match[str]) -> str:
        out = printed(block[1], names)
        return f"```python\n{block[1]}```\n" + (f"\n```text\n{out}```\n" if out else "")

    return BLOCK.sub(run, text)


def notebook(cells: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """The notebook with what its cells print."""
    for cell in cells["cells"]:
        if cell["cell_type"] == "code":
            out = printed("".join(cell["source"]), names).splitlines(keepends=True)
            shown = {"name": "stdout", "output_type": "stream", "text": out}
            cell["outputs"] = [shown] if out else []
    return cells


@contextmanager
def as_shown(home: Path, embedder: MiniLM | Remembering) -> Iterator[dict[str, Any]]:
    """What a reader has: the index demo, no model, a program of its own."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with pytest.MonkeyPatch.context() as patch:
        for name in [one for one in os.environ if one.startswith(("BYLINE_", "OPENAI_"))]:
            patch.delenv(name)
        patch.setenv("BYLINE_HOME", str(home))
        patch.setattr("byline.desk.models.MiniLM", lambda folder: embedder)
        patch.setattr(trace, "set_tracer_provider", lambda one: patch.setattr(trace, PROVIDER, one))
        patch.setattr(trace, PROVIDER, None)
        yield names
        names["desk"].close()


PROVIDER = "_TRACER_PROVIDER"


def test_the_page_on_python_prints_what_it_shows_and_its_web_app_answers(
    sample_desk: Desk, minilm: MiniLM, vectors: Path
) -> None:
    shown = PAGE.read_text()
    with as_shown(sample_desk.settings.home, Remembering(vectors)) as names:
        assert page(shown, names) == shown

        async def ask(path: str, question: str) -> httpx.Response:
            transport = httpx.ASGITransport(names["app"])
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.get(path, params={"q": question})

        question = "How many people died in the Corran Hills flood?"
        whole = asyncio.run(ask("/ask", question)).json()
        assert whole["status"] == "answered"
        assert asyncio.run(ask("/ask/stream", question)).text == whole["text"]
        assert asyncio.run(ask("/ask", " ")).status_code == 422


@pytest.mark.parametrize("shown", OTHERS, ids=lambda path: path.stem)
def test_another_page_prints_what_it_shows(
    shown: Path, sample_desk: Desk, minilm: MiniLM, vectors: Path
) -> None:
    with as_shown(sample_desk.settings.home, Remembering(vectors)) as names:
        assert page(shown.read_text(), names) == shown.read_text()


def test_the_notebook_prints_what_it_shows(
    tmp_path: Path, minilm: MiniLM, vectors: Path, sample_desk: Desk
) -> None:
    shown = NOTEBOOK.read_text()
    with as_shown(tmp_path / "home", Remembering(vectors)) as names:
        assert notebook(json.loads(shown), names) == json.loads(shown)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = Remembering(MiniLM(), Path(folder) / "vectors.db")
        with Desk(Path(folder) / "a", "demo", embedder=found) as made:
            made.add(SAMPLE)
        with as_shown(Path(folder) / "a", found) as given:
            PAGE.write_text(page(PAGE.read_text(), given))
        for other in OTHERS:
            with as_shown(Path(folder) / "a", found) as given:
                other.write_text(page(other.read_text(), given))
        with as_shown(Path(folder) / "b", found) as given:
            filled = notebook(json.loads(NOTEBOOK.read_text()), given)
            NOTEBOOK.write_text(json.dumps(filled, indent=1, ensure_ascii=False) + "\n")
