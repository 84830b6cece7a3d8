"""Byline itself, asked in the same way: with the model, and without one as it quotes."""

import sys
from pathlib import Path

BENCH = Path(__file__).parents[1]
sys.path.insert(0, str(BENCH))

from byline import Desk  # noqa: E402
from byline.evals.case import Case  # noqa: E402
from byline.evals.response import to_record  # noqa: E402
from byline.evals.systems import BylineSystem  # noqa: E402
from byline.settings import Settings  # noqa: E402
from peer import serve  # noqa: E402
from vectors import Remembering  # noqa: E402


class Byline:
    """Its index stands in `folder`."""

    def __init__(self, folder: str, served: str, _: str, vectors: str, __: str) -> None:
        embedder = Remembering(Path(vectors))
        place = {"home": Path(folder), "index": "bench"}
        model = {"llm": "local", "llm_base_url": served, "ask_timeout_seconds": 900}
        self._desk = Desk(settings=Settings(**place, llm=None), embedder=embedder)
        self._asking = Desk(settings=Settings(**place, **model), embedder=embedder)

    def index(self, articles: str, source: str) -> dict[str, int]:
        """Read, clean, split, embed and store the articles."""
        self._desk.add(source)
        return {"passages": len(self._desk.library().store.keys())}

    def search(self, question: str, as_of: str | None = None) -> dict[str, object]:
        """The ten best passages."""
        return {"hits": [h.to_dict() for h in self._desk.search(question, limit=10, as_of=as_of)]}

    def quote(self, question: str, as_of: str | None) -> dict[str, object]:
        """The answer without a model."""
        return to_record(BylineSystem(self._desk).answer(Case("q", question, as_of)))

    def answer(self, question: str, as_of: str | None) -> dict[str, object]:
        """The answer with the model."""
        return to_record(BylineSystem(self._asking).answer(Case("q", question, as_of)))


serve(Byline(*sys.argv[1:]))
