"""The versions of an article, and what each changed.

>>> before = Article(id="a", text="The fire hurt 11 people. It began at noon.")
>>> now = Article(id="a", text="The fire hurt 17 people. It began at noon.")
>>> change = compare(before, now)
>>> change.numbers, change.summary
((('11', '17'),), 'numbers: 11 → 17; 1 sentence changed')
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import SequenceMatcher

from .article import Article, Notice
from .chunk import sentence_spans
from .notices import own
from .numbers import Number, tokens

_SAME_SENTENCE = 0.5  # share of words that two wordings of one sentence have in common
_WORD = re.compile(r"\S+")
_EDGES = "“”\"'‘’()[].,;:!?"


@dataclass(frozen=True, slots=True)
class Change:
    """What one version changed of the one before."""

    headline: tuple[str | None, str | None] | None
    "the old and the new one, where they differ"
    numbers: tuple[tuple[str, str], ...]
    "old and new, where a sentence only says another number"
    changed: tuple[tuple[str, str], ...]
    "sentences in their old and new wording"
    added: tuple[str, ...]
    removed: tuple[str, ...]
    notice: Notice | None
    "of a correction or retraction that the version before did not carry"

    @property
    def summary(self) -> str:
        """The change in a line; the numbers first."""
        said = [f"numbers: {', '.join(map(' → '.join, self.numbers))}"] if self.numbers else []
        said += ["new headline"] if self.headline else []
        for how in ("changed", "added", "removed"):
            if count := len(getattr(self, how)):
                said.append(f"{count} sentence{'' if count == 1 else 's'} {how}")
        said += [f"says that it was {self.notice.kind}"] if self.notice else []
        return "; ".join(said) or "nothing but marks between words"


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an article as it was seen."""

    version: str
    article: Article
    seen: datetime
    "when it first came in; of one that had been replaced and came back, when it came back"
    is_published: bool
    change: Change | None
    "None for the first one"


def versions(stored: Iterable[tuple[Article, datetime, bool]]) -> list[Version]:
    """The history of an article from its stored versions, oldest first, one published.

    A version that a later one corrects or retracts carries that notice too.
    """
    found: list[Version] = []
    for article, seen, is_published in stored:
        change = compare(found[-1].article, article) if found else None
        found.append(Version(article.version, article, seen, is_published, change))
    later: Notice | None = None
    for at, one in reversed(list(enumerate(found))):
        if later and not (one.article.notice and one.article.notice.kind == "retracted"):
            found[at] = replace(one, article=replace(one.article, notice=later))
        if one.change and one.change.notice:
            later = later or replace(one.change.notice, date=one.change.notice.date or one.seen)
    return found


def compare(before: Article, now: Article) -> Change:
    """What of headline and sentences differs; white space does not count."""
    old, new = sentences(before), sentences(now)
    changed: list[tuple[str, str]] = []
    added: list[str] = []
    removed: list[str] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            pairs, gone, come = _paired(old[a:b], new[c:d])
            changed, removed, added = changed + pairs, removed + gone, added + come
    # What stands elsewhere now was moved.
    moved = set(added) & set(removed)
    said, told = own(before), own(now)
    is_new = told and (said is None or (said.kind, said.text) != (told.kind, told.text))
    return Change(
        (before.title, now.title) if before.title != now.title else None,
        tuple(dict.fromkeys(pair for sentence in changed for pair in _numbers(*sentence))),
        tuple(changed),
        tuple(one for one in added if one not in moved),
        tuple(one for one in removed if one not in moved),
        told if is_new else None,
    )


def sentences(article: Article) -> list[str]:
    """The sentences of an article, white space folded."""
    text = article.text
    spans = sentence_spans(text, 0, len(text), article.language)
    return [" ".join(text[start:end].split()) for start, end in spans]


def nearest(quote: str, article: Article) -> str | None:
    """The sentence that says now what a quote said; None where none has half of its words."""
    found = [(_likeness(one, quote), one) for one in sentences(article)]
    likeness, sentence = max(found, default=(0.0, ""))
    return sentence if likeness >= _SAME_SENTENCE else None


def _paired(
    old: Sequence[str], new: Sequence[str]
) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """Old and new wordings of the same sentences; what is gone; what has come."""
    pairs, left = [], list(new)
    gone = []
    for sentence in old:
        best = max(left, key=lambda one: _likeness(sentence, one), default=None)
        if best is not None and _likeness(sentence, best) >= _SAME_SENTENCE:
            left.remove(best)
            pairs.append((sentence, best))
        else:
            gone.append(sentence)
    return pairs, gone, left


def _likeness(one: str, other: str) -> float:
    """The share of the words of two sentences that are in both."""
    ours, theirs = Counter(one.split()), Counter(other.split())
    return 2 * (ours & theirs).total() / ((ours + theirs).total() or 1)


def _numbers(old: str, new: str) -> Iterable[tuple[str, str]]:
    """Stretches of words that were replaced and that state numbers, before and after."""
    ours, theirs = _WORD.findall(old), _WORD.findall(new)
    for kind, a, b, c, d in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        was, now = " ".join(ours[a:b]).strip(_EDGES), " ".join(theirs[c:d]).strip(_EDGES)
        both = [{one for one in tokens(said) if isinstance(one, Number)} for said in (was, now)]
        if kind == "replace" and all(both) and both[0] != both[1]:
            yield was, now
