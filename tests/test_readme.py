"""The program that the README shows runs as it stands there."""

import re
from pathlib import Path

import pytest
from byline.index.embed import MiniLM
from byline.tests.conftest import ARTICLES, ROOT

ARTICLE = """Ferry fire: crew praised
By Mara Tenholt, Port Ansel Courier
March 4, 2026

PORT ANSEL — Three people were injured in the ferry fire on Monday, the port authority said.
The rail strike did not hinder the rescue, because the crew had put out the fire by noon.
"""


def test_the_program_of_the_readme_prints_an_answer_and_its_citations(
    tmp_path: Path,
    minilm: MiniLM,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (program,) = re.findall(r"^```python\n(.+?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, text in {**ARTICLES, "injured.txt": ARTICLE}.items():
        (folder / name).write_text(text)
    monkeypatch.setenv("BYLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("byline.desk.models.MiniLM", lambda folder: minilm)  # it is loaded already
    exec(compile(program, "README.md", "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out
    assert "Three people were injured in the ferry fire on Monday" in printed
    assert re.search(r"^1 Port Ansel Courier .*Three people were injured", printed, re.M)
