"""Questions to begin with: asked by rule of the newest articles, and answered by them.

suggestions(desk)  # ["What did the new ferry terminal in Port Ansel cost?", ...]
"""

from itertools import islice

from ...desk import Desk
from ...evals.generate.names import Names
from ...evals.generate.questions import ask_about
from ...index.words import fold
from ...qa.ask import Means, ask
from ...qa.events import Answer
from ...qa.question import question

_ARTICLES, _QUESTIONS, _TRIED = 60, 4, 24
_OF_EACH = 3  # questions of one article that are tried
_LONGEST = 100  # characters: what is read at a glance


def suggestions(desk: Desk) -> list[str]:
    """Up to four questions, of an article each, that quoting answers rightly; no model is asked."""
    newest = desk.articles.list(_ARTICLES)
    names = Names(article.text for article in newest)
    library, means = desk.library(), Means()
    found: dict[str, str] = {}  # by article
    candidates = (
        (article.id, one)
        for article in newest
        for one in islice(
            (c for c in ask_about(article, names) if len(c.question) <= _LONGEST), _OF_EACH
        )
    )
    for article_id, one in islice(candidates, _TRIED):
        if article_id in found:
            continue
        *_, answer = ask(question(one.question), library, means, stream=False)
        assert isinstance(answer, Answer)
        if answer.status == "answered" and fold(one.answer) in fold(answer.text):
            found[article_id] = one.question
        if len(found) == _QUESTIONS:
            break
    return list(found.values())
