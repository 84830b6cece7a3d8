"""Byline as a system under test: an open desk, asked as users ask it."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from ...desk import Desk
from ...index.archive.filter import Filter
from ...qa.events import Answer, Found
from ...qa.retrieve import Hit
from ..case import Case
from ..response import Noticed, Passage, Response, response_of
from .system import NO_TURNS


class BylineSystem:
    """An open desk."""

    def __init__(
        self,
        desk: Desk,
        *,
        policy: str = "flag",
        style: str | None = None,
        changed: Mapping[str, str] | None = None,
    ) -> None:
        self._desk, self._policy, self._style = desk, policy, style
        named = {k: v for k, v in (changed or {}).items() if not k.endswith("_url")}
        shown = ", ".join(f"{key}={value}" for key, value in named.items())
        self.label = f"Byline ({shown})" if shown else "Byline"
        settings = desk.settings.model_dump(
            mode="json", exclude={"home", "llm_api_key", "judge_api_key", "embed_api_key"}
        )
        archive = desk.archive
        index = {
            "name": desk.settings.index,
            "generation": archive.generation,
            "embedder": archive.built_with("embedder"),
            "articles": len(desk.articles),
        }
        asked = {"policy": policy, "style": style}
        self.about = {"settings": settings | asked, "index": index}
        # What an embargo or an expiry changes moves no generation.
        shown = hashlib.sha256(archive.matching_articles(Filter()).tobytes()).hexdigest()[:12]
        # The index by what it is and which state it is in, not by where it lies.
        self.depends_on = {
            "code": code_version(),
            "settings": {k: v for k, v in (settings | asked).items() if k != "index"},
            "index": {"uuid": archive.uuid, "generation": archive.generation, "shown": shown},
        }

    def answer(self, case: Case) -> Response:
        """Ask the desk, streaming, so that the first token has its time."""
        began = time.monotonic()
        first: float | None = None
        found = Found((), 0)
        events = self._desk.stream(
            case.question,
            as_of=case.as_of,
            since=case.filters.since,
            until=case.filters.until,
            outlets=case.filters.outlets,
            policy=self._policy,
            style=self._style,
        )
        for event in events:
            if isinstance(event, Found):
                found = event
                continue
            first = first or time.monotonic() - began
            if isinstance(event, Answer):
                return _recorded(event, found, first, time.monotonic() - began, case)
        raise AssertionError("a stream ends with the answer")


def _recorded(answer: Answer, found: Found, first: float, total: float, case: Case) -> Response:
    record = answer.to_dict()
    record["usage"] |= {"calls": int(answer.model is not None)}
    response = response_of(record)
    return replace(
        response,
        timings=response.timings | {"first_token": first, "total": total},
        hits=tuple(_passage(hit) for hit in found.hits),
        handed=found.handed,
        notes=(*response.notes, *([NO_TURNS] if case.turns else [])),
    )


def _passage(hit: Hit) -> Passage:
    record = hit.to_dict()
    notice = record.pop("notice")
    return Passage(**record, notice=Noticed(**notice) if notice else None)


def code_version() -> str:
    """A hash of Byline's own code and prompts: what its answers depend on beside the settings."""
    root = Path(__file__).parents[2]
    libraries = ("llama-index-core", "numpy", "onnxruntime", "pystemmer", "sentencex", "tokenizers")
    rooms = ("desk", "index", "prompts", "qa")
    files = [file for room in rooms for file in (root / room).rglob("*.*")]
    digest = hashlib.sha256("".join(map(version, libraries)).encode())
    for file in sorted([*files, root / "evals" / "response.py", Path(__file__)]):
        if file.suffix in (".json", ".md", ".py", ".txt"):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
