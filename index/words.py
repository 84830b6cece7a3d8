"""The words of a text as the lexical index and the quoting answerer see them.

>>> stems("Who lifted the bans?")
['lift', 'ban']
"""

import re
import threading
import unicodedata
from functools import lru_cache

import Stemmer

WORD = re.compile(r"\w+(?:[.,’']\w+)*")
# Function words of English: they carry no topic, and OR-ed into a full-text query they make it
# four times slower (docs/log.md). Question words are among them; negations are not.
_FUNCTION_WORDS = """
a about above after again all also am an and any are as at be because been before being below
between both but by can could did do does doing down during each every for from further get
had has have having he her here hers him his how i if in into is it its just me more most much
many my of off on once only or other our ours out over own s same she should so some such t
than that the their theirs them then there these they this those through to too under until up
us very was we were what when where which while who whom whose why will with would you your
"""
STOP_WORDS = frozenset(_FUNCTION_WORDS.split())
_local = threading.local()


def stems(text: str) -> list[str]:
    """The stems of a text's content words, in order, case and accents folded."""
    return list(_stems(text))


@lru_cache(maxsize=2_000)
def _stems(text: str) -> tuple[str, ...]:
    return tuple(stem(word) for word in words(text) if word not in STOP_WORDS)


def words(text: str) -> list[str]:
    """The words of a text, in order, case and accents folded, possessive endings dropped."""
    found = WORD.findall(fold(text))
    return [word[:-2] if word.endswith(("'s", "’s")) else word for word in found]


def fold(text: str) -> str:
    """Lower case without accents; `É` and `e` compare equal. The length may change."""
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The Snowball (English) stem of a folded word."""
    if not hasattr(_local, "stemmer"):  # a Stemmer is not safe to share between threads
        _local.stemmer = Stemmer.Stemmer("english")
    stemmed: str = _local.stemmer.stemWord(word)
    return stemmed
