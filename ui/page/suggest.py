"""Questions to begin with: asked by rule of the newest articles, and answered by them.

suggestions(desk)  # ["What did the new ferry terminal in Port Ansel cost?", ...]
"""

from ...desk import Desk
from ...evals.generate.names import Names
from ...evals.generate.questions import ask_about
from ...index.words import fold

_ARTICLES, _QUESTIONS, _TRIED = 20, 3, 8
_LONGEST = 90  # characters: what is read at a glance


def suggestions(desk: Desk) -> list[str]:
    """Up to three questions, of an article each, that searching finds the answer to."""
    newest = desk.articles.list(_ARTICLES)
    names = Names(article.text for article in newest)
    found: list[str] = []
    tried = 0
    for article in newest:
        asked = (one for one in ask_about(article, names) if len(one.question) <= _LONGEST)
        candidate = next(asked, None)
        if candidate is None or tried == _TRIED:
            continue
        tried += 1
        hits = desk.search(candidate.question, 2)
        if any(fold(candidate.answer) in fold(hit.text) for hit in hits):
            found.append(candidate.question)
        if len(found) == _QUESTIONS:
            break
    return found
