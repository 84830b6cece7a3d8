"""Byline answers questions from news articles; every sentence stands on a passage that it cites.

from byline import Desk

with Desk() as desk:
    desk.add(["articles/"])
    answer = desk.ask("Who resigned on Monday?")
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from .errors import BylineError

if TYPE_CHECKING:
    __version__: str
    from .desk import Desk
    from .index.article import Article
    from .qa.cite import Citation
    from .qa.events import Answer
    from .qa.question import Question
    from .settings import Settings

_HOMES = {
    "Answer": ".qa.ask",
    "Article": ".index.article",
    "Citation": ".qa.cite",
    "Desk": ".desk",
    "Question": ".qa.question",
    "Settings": ".settings",
}
__all__ = [
    "Answer",
    "Article",
    "BylineError",
    "Citation",
    "Desk",
    "Question",
    "Settings",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Public names are loaded when first used, so that `byline --help` stays fast."""
    if name == "__version__":
        return version("byline")
    if name not in _HOMES:
        raise AttributeError(f"module 'byline' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name], __name__), name)
