"""How often a sentence passes in which one thing was exchanged for another of its own passage.

    python bench/swaps.py [--minilm] [--other]

The hard case of checking: what is wrong stands in the passage, but of something else. Each sentence
of every second article of the sample (`--other`: of the others) is falsified in each way that it
offers, at random with a fixed seed, and checked against its own passage; a sentence as it stands is
the control. The words to exchange are found by patterns of this file, not by the checker's own.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial

import sets
from byline.index.article import Article, day_of
from byline.index.chunk import chunk, sentence_spans
from byline.index.embed import MiniLM
from byline.index.read import Entry, read
from byline.qa.verify import Evidence, verify
from verify import share

_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_WEEKDAY = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_YEAR = r"\b(?:19|20)\d\d\b"
_DATES = (rf"\b(?:{_WEEKDAY})\b", _YEAR, rf"\b\d{{1,2}} (?:{_MONTH})\b|\b(?:{_MONTH}) \d{{1,2}}\b")
_COUNT = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty"
_NUMBER = rf"(?<!{_MONTH[-8:]} )\b(?!{_YEAR})(?:\d[\d,]*(?:\.\d+)?|{_COUNT})\b(?! (?:{_MONTH}))"
_NAME = r"(?<=[a-z,] )[A-Z][a-z]+(?: [A-Z][a-z]+)+\b"
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|had|will|would|can|could|does|do|did)\b(?! not)")
_NOT = re.compile(r"\b(?:is|are|was|were|has|have|had|will|would|could|does|do|did)( not)\b")
_NEGATED = re.compile(
    r"\b(?:no|not|never|nothing|nobody|none|nor|neither|without|fail\w*)\b|n['’]t\b", re.I
)
_LONGEST = 400  # characters of a sentence

Falsify = Callable[[str, str, random.Random], str | None]


def main() -> None:
    """Print the table."""
    parser = sets.parser(__doc__)
    parser.add_argument("--minilm", action="store_true", help="check with MiniLM too")
    parser.add_argument("--other", action="store_true", help="the other half of the articles")
    given = parser.parse_args()
    embedder = MiniLM() if given.minilm else None
    tried, passed, flagged = Counter[str](), Counter[str](), Counter[str]()
    for sentence, evidence in _sentences(int(given.other)):
        for kind, said in _falsified(sentence, evidence.text):
            verdict = verify(said, [evidence], embedder=embedder).verdict
            tried[kind] += 1
            passed[kind] += verdict == "supported"
            flagged[kind] += verdict in ("partial", "unsupported", "contradicted")
    head = ["exchanged", "statements", "supported", "from", "to", "flagged"]
    print("## One thing exchanged for another of the passage\n")
    print(
        sets.markdown(
            head,
            (
                [kind, *share(passed[kind], tried[kind]), f"{flagged[kind] / tried[kind]:.3f}"]
                for kind in ("nothing", *_WAYS)
                if tried[kind]
            ),
        )
    )


def _sentences(first: int) -> Iterator[tuple[str, Evidence]]:
    """Each sentence, and the passage that it stands in."""
    entries = read([sets.SAMPLE], max_article_bytes=5_000_000)
    articles = (entry.load() for entry in entries if isinstance(entry, Entry))
    for article in sorted(articles, key=lambda one: one.id)[first::2]:
        for passage in chunk(article):
            text = article.text[passage.start : passage.end]
            evidence = Evidence(text, _day(article), "[1]", "")
            for start, end in sentence_spans(text, 0, len(text)):
                if end - start <= _LONGEST:
                    yield text[start:end].strip(), evidence


def _day(article: Article) -> date | None:
    when = article.published
    return day_of(when) if when else None


def _falsified(sentence: str, passage: str) -> Iterator[tuple[str, str]]:
    yield "nothing", sentence
    for kind, falsify in _WAYS.items():
        said = falsify(sentence, passage, random.Random(f"{kind} {sentence}"))
        if said and said != sentence and said not in passage:
            yield kind, said


def _other(patterns: Sequence[str], sentence: str, passage: str, seed: random.Random) -> str | None:
    """One thing of the sentence for another of the passage, of its shape, that it has not."""
    for pattern in seed.sample(patterns, len(patterns)):
        here = list(re.finditer(pattern, sentence))
        there = sorted({one[0] for one in re.finditer(pattern, passage)} - {one[0] for one in here})
        if here and there:
            one = seed.choice(here)
            return sentence[: one.start()] + seed.choice(there) + sentence[one.end() :]
    return None


def _turned(patterns: Sequence[str], sentence: str, _: str, seed: random.Random) -> str | None:
    """Two things of the sentence, each for the other."""
    for pattern in seed.sample(patterns, len(patterns)):
        here = list(re.finditer(pattern, sentence))
        if len({one[0] for one in here}) > 1:
            a, b = sorted(seed.sample(here, 2), key=lambda one: one.start())
            between = sentence[a.end() : b.start()]
            return sentence[: a.start()] + b[0] + between + a[0] + sentence[b.end() :]
    return None


def _not_put_in(sentence: str, _: str, seed: random.Random) -> str | None:
    if _NEGATED.search(sentence) or not (here := list(_VERB.finditer(sentence))):
        return None
    at = seed.choice(here).end()
    return f"{sentence[:at]} not{sentence[at:]}"


def _not_taken_out(sentence: str, _: str, seed: random.Random) -> str | None:
    if not (here := list(_NOT.finditer(sentence))):
        return None
    one = seed.choice(here)
    return sentence[: one.start(1)] + sentence[one.end(1) :]


_WAYS: dict[str, Falsify] = {
    "a number for another of the passage": partial(_other, [_NUMBER]),
    "two numbers of the sentence, each for the other": partial(_turned, [_NUMBER]),
    "a date for another of the passage": partial(_other, _DATES),
    "two dates of the sentence, each for the other": partial(_turned, _DATES),
    "a name for another of the passage": partial(_other, [_NAME]),
    "two names of the sentence, each for the other": partial(_turned, [_NAME]),
    '"not" put in': _not_put_in,
    '"not" taken out': _not_taken_out,
}


if __name__ == "__main__":
    main()
