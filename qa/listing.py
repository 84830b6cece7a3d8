"""Answers "how often" and "list all": every article that matches, and how many were read.

sentences = listed("How many articles mention the ferry?", Filter(), archive, without="")
"""

import re

from ..index.archive import Archive
from ..index.archive.filter import Filter
from ..index.article import Article, day_start
from ..index.chunk import sentence_spans
from ..index.words import STOP_WORDS, stem, stems, words
from .cite import Sentence, Source
from .retrieve import Hit

# What such a question says about articles rather than about their matter.
_ABOUT_ARTICLES = """article story report piece item coverage outlet newspaper paper site press news
mention name cite say write wrote written cover discuss talk list all every many often frequently
time number count show find give tell publish appear run carry total how there altogether different
archive collection index please column op-ed editorial"""
_DROPPED = frozenset(map(stem, words(_ABOUT_ARTICLES)))
_EVERY = 1_000_000
_CITED_AT_ONCE = 10  # by the sentence with the count


def listed(
    question: str, matching: Filter, archive: Archive, *, without: str | None = None
) -> list[Sentence] | None:
    """A sentence with the count, then one an article, the newest first; [] where none matches.

    An article matches where one of its passages, with the headline, has all of the question's
    content words in any form. `without` is the question's date expression, which the filter has
    taken. None: the question names nothing to look for.
    """
    asked = question.replace(without, " ") if without else question
    terms = [w for w in words(asked) if w not in STOP_WORDS and stem(w) not in _DROPPED]
    if not terms:
        return None
    query = " AND ".join(f'"{term}"' for term in dict.fromkeys(terms))
    found = archive.match_passages(query, matching, _EVERY)
    passages = archive.passages([pk for pk, _ in found], matching)
    best: dict[str, Source] = {}
    for passage in passages:
        hit = Hit(passage.article, passage.start, passage.end, passage.text, 0.0)
        best.setdefault(passage.article.id, _telling(hit, terms))
    if not best:
        return []
    sources = sorted(best.values(), key=lambda source: _age(source.hit.article))
    total = archive.count(matching)[0]
    shown = " ".join(f"“{term}”" for term in dict.fromkeys(terms))
    verb = "matches" if len(sources) == 1 else "match"
    head = (
        f"{len(sources)} of {total} articles {verb} {shown}; all of them were read and are listed."
    )
    some = tuple(sources[:_CITED_AT_ONCE])
    count = Sentence(head, some, verdict="supported", support=1.0, score=1.0)
    return [count, *(_line(source) for source in sources)]


def _telling(hit: Hit, terms: list[str]) -> Source:
    """The sentence of a passage that has most of the words, the first of several."""
    wanted = set(map(stem, terms))
    text = hit.article.text
    spans = sentence_spans(text, hit.start, hit.end, hit.article.language)
    start, end = max(spans, key=lambda span: len(wanted & set(stems(text[slice(*span)]))))
    return Source(hit, start, end)


def _age(article: Article) -> tuple[float, str]:
    published = article.published
    return (-day_start(published).timestamp() if published else 0.0), article.id


def _line(source: Source) -> Sentence:
    article = source.hit.article
    when = day_start(article.published) if article.published else None
    day = f"{when.day} {when:%B %Y}" if when else "undated"
    named = f"{article.outlet or 'Unnamed outlet'}, {day}: {article.title or 'no headline'}"
    shown = re.sub(r"[\[\]]", "", named).rstrip(".")
    return Sentence(f"{shown}.", (source,), verdict="supported", support=1.0, score=1.0, gap="\n")
