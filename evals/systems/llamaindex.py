"""A LlamaIndex query engine; its source nodes are its passages and, where it cites, citations."""

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import InputError
from ..case import Case
from ..response import Cited, Passage, Response
from .system import NO_FILTERS, NO_TURNS, is_limited


class LlamaIndexSystem:
    """A query engine; its source nodes are its passages and, where it cites them, its citations."""

    def __init__(self, address: str) -> None:
        try:
            self._engine = _imported(address)()
        except Exception as error:  # of somebody's function
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"{address} failed: {type(error).__name__}: {reason}") from None
        if not hasattr(self._engine, "query"):
            raise InputError(f"{address} gave a {type(self._engine).__name__}, not a query engine.")
        name = type(self._engine).__name__
        self._cites = "Citation" in name
        self.label, self.about = f"LlamaIndex {name}", {"engine": f"{address} ({name})"}
        self.depends_on = None

    def answer(self, case: Case) -> Response:
        """Query the engine. [n] is its n-th source node, as CitationQueryEngine numbers them."""
        began = time.monotonic()
        reply = self._engine.query(case.question)
        text = str(reply)
        total = time.monotonic() - began
        nodes = [node.node for node in reply.source_nodes]
        scores = [node.score for node in reply.source_nodes]
        hits = tuple(
            Passage(score=score, **_place(node)) for node, score in zip(nodes, scores, strict=True)
        )
        cited = (
            tuple(
                Cited(number=at, quote=place.pop("text"), **place)
                for at, place in enumerate(map(_place, nodes), 1)
            )
            if self._cites
            else None
        )
        notes = ((NO_TURNS, bool(case.turns)), (NO_FILTERS, is_limited(case)))
        return Response(
            text,
            citations=cited,
            hits=hits,
            timings={"total": total},
            notes=tuple(note for note, applies in notes if applies),
        )


def _place(node: Any) -> dict[str, Any]:
    """Where a node stands: its article and, where it says so, its span; and its text.

    CitationQueryEngine puts "Source N:" in front of the text of what it cut, without offsets.
    """
    known = node.metadata
    text = node.get_content().strip()
    opening, _, rest = text.partition("\n")
    text = rest if opening.startswith("Source ") and opening.endswith(":") else text
    return {
        "text": text.strip(),
        "article_id": known.get("article_id") or node.ref_doc_id,
        "outlet": known.get("outlet"),
        "title": known.get("title"),
        "published": known.get("published"),
        "start": known.get("start"),
        "end": known.get("end"),
    }


def _imported(address: str) -> Callable[[], Any]:
    module, _, name = address.rpartition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # as `python -m` does
    try:
        found: Callable[[], Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"llamaindex:{address} cannot be imported ({error}): write llamaindex:MODULE:FUNCTION "
            "for a function that gives a query engine."
        ) from None
    return found
