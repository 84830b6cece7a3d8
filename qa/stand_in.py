"""Of the articles that run one text, one is shown: its origin, else the one that ranks first.

    same = in_place_of(asked, rankings, article_of, group_of, shelf, allowed, archive)

What only a copy says (a local insert, another figure, a word of what is asked) is shown as its own.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain, zip_longest

import numpy as np

from ..index.archive import Archive
from ..index.archive.shelf import Shelf
from ..index.copies import contained
from ..index.numbers import in_digits
from ..index.words import stems

_FIGURE = re.compile(r"\d(?:[\d.,]*\d)?")
_SAID = 0.5  # share of a passage's shingles that has been said


def in_place_of(
    asked: str,
    rankings: Sequence[Sequence[int]],
    article_of: Mapping[int, int],
    group_of: Mapping[int, int],
    shelf: Shelf,
    allowed: set[int],
    archive: Archive,
) -> dict[int, int]:
    """For passages of copies, the passage that says the same and is shown in its place.

    The first of a group's copies stands that has a word of what is `asked` which the shown article
    has not. `group_of` has the origin of each article; `allowed` are those that pass the filter: an
    origin that does not is not shown.
    """
    shown: dict[int, int] = {}  # the article of each group
    for pk in _ordered(rankings):
        group = group_of[article_of[pk]]
        shown.setdefault(group, group if group in allowed else article_of[pk])
    copied = [pk for pk in _ordered(rankings) if shown[group_of[article_of[pk]]] != article_of[pk]]
    if not copied:
        return {}
    several = {shown[group_of[article_of[pk]]]: group_of[article_of[pk]] for pk in copied}
    is_shown = np.isin(shelf.articles, list(several))
    of_shown = dict(
        zip(shelf.keys[is_shown].tolist(), shelf.articles[is_shown].tolist(), strict=True)
    )
    passages = {p.pk: p for p in archive.passages([*of_shown, *copied], hidden=True)}
    said = defaultdict(list)
    for pk in filter(passages.__contains__, of_shown):
        said[several[of_shown[pk]]].append(passages[pk])
    same, wanted = {}, set(stems(asked))
    told = defaultdict[int, set[str]](set)  # words of what is asked
    for pk in filter(passages.__contains__, copied):
        text, group = passages[pk].text, group_of[article_of[pk]]
        others, has = said[group], wanted & set(stems(text))
        best = max(others, key=lambda one: contained(text, one.text), default=None)
        # What stands on the border of two passages is half in each.
        is_said = best and max(contained(text, t) for t in (best.text, best.article.text)) >= _SAID
        if best and is_said and not _tells_otherwise(text, best.article.text):
            for so_far in (best.text, best.article.text):
                if has - told[group]:
                    told[group] |= wanted & set(stems(so_far))
            if has <= told[group]:
                same[pk] = best.pk
                continue
        others.append(passages[pk])
        told[group] |= has
    return same


def _tells_otherwise(text: str, other: str) -> bool:
    """Whether a sentence of one text stands in the other with other figures."""
    said, held = _without_figures(text), _without_figures(other)
    return any(held.get(words, figures) != figures for words, figures in said.items())


@lru_cache(maxsize=500)
def _without_figures(text: str) -> dict[str, list[str]]:
    """Sentences without their figures, and these."""
    parts = re.split(r"[.!?]\s|\n", in_digits(text))
    return {" ".join(_FIGURE.sub("#", part).split()): _FIGURE.findall(part) for part in parts}


def _ordered(rankings: Sequence[Sequence[int]]) -> list[int]:
    """All passages once, the first of each ranking before the second of any."""
    return list(dict.fromkeys(pk for pk in chain(*zip_longest(*rankings)) if pk is not None))
