"""Whether a text says an expected answer: numbers, dates and names compared by what they mean.

>>> says("It will cost twenty-five million dollars.", "$25m")
True
>>> says("It was signed on December 10, 2025.", "10 December 2025")
True
>>> says("Melania Trump spoke.", "Donald Trump", context="Donald Trump won.")
False

There is no sharing of single words: every word, number and unit of the expected answer must be
said. What stays hidden from it are negations ("not on Monday") and paraphrases: give alternatives,
and `must_not_say`.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile

from ..index.numbers import Day as Day
from ..index.numbers import Number as Number
from ..index.numbers import Token, in_digits
from ..index.numbers import dates as dates
from ..index.numbers import tokens as tokens
from ..index.numbers import without_dates as without_dates
from ..index.words import STOP_WORDS, fold, stem
from ..qa.refusal import reads_as_declined as reads_as_declined
from .case import Tolerance

_EXACT = Tolerance()


def as_date(expected: str) -> Day | None:
    """The date that an expected answer is, where it is nothing else."""
    stated = dates(expected)
    is_all = not re.sub(r"\b(?:on|in|the|of|at)\b|[\W_]", "", without_dates(expected), flags=re.I)
    return stated[0] if len(stated) == 1 and is_all else None


# Names

_FORMS = "mr mrs ms miss dr sir dame lord lady prof professor former ex deputy vice acting"
_OFFICES = """president senator sen rep representative governor gov minister chancellor king queen
prince princess pope judge justice chief prime secretary mayor ceo chairman chairwoman captain
general col gen sgt councillor spokesman spokeswoman spokesperson commissioner ambassador director
inspector detective coach economist lawyer"""
_TITLES = frozenset(f"{_FORMS} {_OFFICES}".split())
_DETERMINERS = {"the", "a", "an", "this", "that", "its", "their", "his", "her", "our"}
_PARTICLES = "de|del|della|der|den|di|da|du|la|le|van|von|bin|ibn|al|el"
_NAME = re.compile(r"[A-ZÀ-Þ][\w’'.-]*(?:\s+[A-ZÀ-Þ][\w’'.-]*){1,3}")


def _person(expected: str) -> list[str] | None:
    """The words of a name of two to four capitalised words, without titles."""
    kept = [word for word in expected.split() if fold(word).strip(".") not in _TITLES]
    name = " ".join(kept)
    return kept if _NAME.fullmatch(name) else None


def _names(text: str, name: Sequence[str], context: str) -> bool:
    """Whether a text names the bearer: in full, first and last name, or by surname.

    The surname alone counts where the context has the full name, and neither a determiner, nor
    another name, nor a capital after it makes it something else ("the House", "Melania Trump").
    """
    first, last = re.escape(name[0]), re.escape(name[-1])
    between = rf"(?:\s+(?:[A-ZÀ-Þ][\w’'.-]*|{_PARTICLES})){{0,2}}?"
    whole = re.compile(rf"(?<!\w){first}{between}\s+{last}(?!\w)")
    if whole.search(text):
        return True
    if not whole.search(context):
        return False
    for match in re.finditer(rf"(?:(?P<before>[\w.’'-]+)\s+)?(?<!\w){last}(?!\w)", text):
        before = match["before"] or ""
        is_title = fold(before).strip(".") in _TITLES
        is_other = before[:1].isupper() and not is_title and fold(before) not in STOP_WORDS
        goes_on = re.match(r"\s+[A-ZÀ-Þ]", text[match.end() :])
        if fold(before) not in _DETERMINERS and not is_other and not goes_on:
            return True
    return False


# Answers

_POLARITY = {"yes": "yes", "no": "no", "true": "yes", "false": "no"}
_OPENING = re.compile(
    r"\W*(?:the\s+answer\s+is\s+)?(yes|no|true|false)"
    r"(?:\s*(?:[^\w\s]|$)|\s+(?:it|he|she|they|there|we|that|this)\s)",  # not "No longer"
    re.I,
)


def is_polarity(expected: str) -> bool:
    """Whether an expected answer is yes or no: an answer says it, no passage does."""
    return fold(expected).strip(" .") in _POLARITY


def says(text: str, expected: str, tolerance: Tolerance = _EXACT, context: str = "") -> bool:
    """Whether a text states an expected answer, whole.

    "Yes" and "no" must open the text. A date counts as exactly stated as expected, or more so. A
    number counts by its value, with the expected unit near it. A name counts by its first and last
    word, or by the surname where `context` has it in full. Anything else must stand there word for
    word, in order, articles and case aside.
    """
    if (expected_word := fold(expected).strip(" .")) in _POLARITY:
        opening = _OPENING.match(text)
        return opening is not None and _POLARITY[opening[1].lower()] == _POLARITY[expected_word]
    if re.fullmatch(r"[A-Z]{2,4}", expected):  # "told us" does not say US
        return re.search(rf"(?<!\w){expected}(?!\w)", in_digits(text)) is not None
    if (day := as_date(expected)) is not None:
        return any(day.is_stated_by(stated, tolerance.days) for stated in dates(text))
    wanted, said = tokens(expected), tokens(text)
    if not wanted:
        return False
    if _stands(wanted, said) or _counted(wanted, said, tolerance):
        return True
    name = _person(expected)
    return name is not None and _names(text, name, context)


def _stands(wanted: Sequence[Token], said: Sequence[Token]) -> bool:
    length = len(wanted)
    return any(said[at : at + length] == wanted for at in range(len(said) - length + 1))


_NEAR = 4  # words behind a number in which its unit is looked for


def _counted(wanted: Sequence[Token], said: Sequence[Token], tolerance: Tolerance) -> bool:
    """Whether one number is said within its tolerance, with every word of its unit near it."""
    numbers = [token for token in wanted if isinstance(token, Number)]
    if len(numbers) != 1:
        return False
    units = {stem(token) for token in wanted if isinstance(token, str)}
    reach = abs(numbers[0].value) * tolerance.number + 1e-9
    for at, token in enumerate(said):
        if isinstance(token, Number) and abs(token.value - numbers[0].value) <= reach:
            after = takewhile(_is_word, said[at + 1 : at + 1 + _NEAR])  # up to the next number
            near = filter(_is_word, (*said[max(0, at - 1) : at], *after))
            if units <= set(map(stem, map(str, near))):
                return True
    return False


def _is_word(token: Token) -> bool:
    return isinstance(token, str)


def groups_said(
    text: str, wanted: Iterable[Iterable[str]], tolerance: Tolerance, context: str = ""
) -> list[bool]:
    """For each group of alternatives, whether the text says one of them."""
    return [any(says(text, said, tolerance, context) for said in group) for group in wanted]


# As SQuAD's own script compares (Rajpurkar et al. 2016)

_PUNCTUATION = re.compile(r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]")


def squad_words(text: str) -> list[str]:
    """Lower case, without ASCII punctuation and articles.

    >>> squad_words("The U.S. grew, 3%")
    ['us', 'grew', '3']
    """
    bare = _PUNCTUATION.sub("", text.lower())
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()
