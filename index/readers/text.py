r"""Reads an article from plain text, as it stands when it is pasted from a page.

>>> read_text(b"Ferry burns\nBy Mara Tenholt\nNobody was hurt in the fire.", "ferry.txt").title
'Ferry burns'
"""

from ..article import Article
from ..clean import decode
from .records import to_article


def read_text(raw: bytes, fallback_id: str) -> Article:
    """The article of a text file, its facts from the lines at its head.

    InputError: it is not text, or nothing of it is left without boilerplate.
    """
    return to_article({"text": decode(raw)}, fallback_id)
