"""Checks each sentence of an answer against the passages it cites, as soon as it is written.

    checker = Checker(hits, embedder, judge, as_of=date(2026, 3, 5))
    sentence = checker.check(sentence, numbering)  # with verdict, support, why, narrower sources

What is mended on the way is counted: a quotation that is not verbatim loses its marks, a citation
that does not carry its sentence gives way to a passage that does.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import repeat

from ..index.embed import Embedder
from ..index.words import stems
from .cite import Numbering, Sentence, Source
from .describe import stem_set
from .retrieve import Hit
from .verify import Evidence, Judge, Verdict, verify

_GOOD = ("supported", "unchecked")
_QUOTATION = re.compile(r"“([^“”]+)”|\"([^\"]+)\"|«([^«»]+)»|„([^„“”]+)[“”]")
_ELLIPSIS = re.compile(r"\s*(?:\[?\(?(?:\.\s?){3}\]?\)?|\[?\(?…\]?\)?)\s*")
_LABEL = "⟦{}⟧"
# What is written behind a quoted sentence: how a relative date was read.
_DERIVED = re.compile(r"\s*\((?:“[^”]+” is [^()“]+?(?:; )?)+\)")
_OPINION = ("opinion", "advertorial")
# Share of its words that a passage says which supports it: of 348 of qags and bump one says less.
_SAID_ELSEWHERE = 0.5


class Checker:
    """Checks the sentences of one answer against the passages that it was written from.

    Without `mends` neither words nor citations change: what somebody else wrote is only judged.
    """

    def __init__(
        self,
        hits: Sequence[Hit],
        embedder: Embedder | None,
        judge: Judge | None,
        as_of: datetime | date,
        *,
        mends: bool = True,
    ) -> None:
        self._hits, self._embedder, self._judge, self._mends = hits, embedder, judge, mends
        self._as_of = as_of.date() if isinstance(as_of, datetime) else as_of
        self._mended: Counter[str] = Counter()

    @property
    def notes(self) -> list[str]:
        """What was mended, counted."""
        return [f"{count} × {what}" for what, count in self._mended.items()]

    def check(self, sentence: Sentence, numbering: Numbering) -> Sentence:
        """The sentence with its verdict; its sources are narrowed to what carries it.

        One that has a verdict already, as it was made by a rule, keeps it.
        """
        if sentence.verdict != "unchecked":
            return sentence
        cited = list(map(_widened, _hits(sentence.sources), repeat(sentence.sources)))
        said = _DERIVED.sub("", sentence.text) if self._mends else sentence.text
        verdict = self._verdict(said, cited)
        if (
            self._mends
            and verdict.verdict not in _GOOD
            and (better := self._elsewhere(said, cited))
        ):
            what = "moved to the passage that carries its sentence" if cited else "added"
            self._mended[f"citation {what}"] += 1
            cited, verdict = better
        bare = self._unmarked(said, cited) if self._mends else said
        if bare != said:
            sentence = replace(sentence, text=bare)
            verdict = self._verdict(bare, cited)
        sources = _narrowed(cited, verdict) or sentence.sources
        if idle := len(cited) - len(_hits(sources)):
            self._mended["citation that did not help its sentence was left out"] += idle
        sentence = replace(
            sentence,
            sources=tuple(sources),
            verdict=verdict.verdict,
            support=verdict.score,
            why=_numbered(verdict.why, cited, sources, numbering) or sentence.why,
        )
        return _of_opinion(sentence) if verdict.verdict in _GOOD else sentence

    def _verdict(self, said: str, cited: Sequence[Hit]) -> Verdict:
        return verify(
            said, _held(cited), embedder=self._embedder, judge=self._judge, as_of=self._as_of
        )

    def _elsewhere(self, said: str, cited: Sequence[Hit]) -> tuple[list[Hit], Verdict] | None:
        """A single passage that supports the sentence, the best ranked one."""
        known, wanted = set(map(_key, cited)), set(stems(said))
        for hit in self._hits:
            says = len(wanted & stem_set(hit.text)) / (len(wanted) or 1)
            if _key(hit) not in known and says >= _SAID_ELSEWHERE:
                # By words alone: a dozen passages with their vectors would hold up the stream.
                verdict = verify(said, _held([hit]), as_of=self._as_of, only_support=True)
                if verdict.verdict == "supported":
                    return [hit], verdict
        return None

    def _unmarked(self, said: str, cited: Sequence[Hit]) -> str:
        """Without the marks around quotations that no cited passage holds word for word."""
        held = " ".join(_straight(hit.text) for hit in cited)

        def mend(match: re.Match[str]) -> str:
            quoted: str = next(filter(None, match.groups()))
            parts = [part.strip(" ,.;:!?") for part in _ELLIPSIS.split(_straight(quoted))]
            if all(part in held for part in parts):
                return match[0]
            self._mended["quotation that is not word for word in the passage lost its marks"] += 1
            return quoted

        return _QUOTATION.sub(mend, said) if cited else said


def _held(cited: Sequence[Hit]) -> list[Evidence]:
    return [evidence(hit, _LABEL.format(number)) for number, hit in enumerate(cited)]


def evidence(hit: Hit, label: str) -> Evidence:
    """A passage as `verify` reads it."""
    article, published = hit.article, hit.published
    beside = (hit.outlet, hit.title, article.section, *article.authors)
    return Evidence(
        text=hit.text,
        written=published.date() if isinstance(published, datetime) else published,
        label=label,
        beside="\n".join(filter(None, beside)),
    )


def _widened(hit: Hit, sources: Sequence[Source]) -> Hit:
    """A passage that holds all of its sources, as an article's first sentence may be cited too."""
    own = [source for source in sources if _key(source.hit) == _key(hit)]
    start = min([hit.start, *(source.start for source in own)])
    end = max([hit.end, *(source.end for source in own)])
    if (start, end) == (hit.start, hit.end):
        return hit
    return replace(hit, start=start, end=end, text=hit.article.text[start:end])


def _narrowed(cited: Sequence[Hit], verdict: Verdict) -> list[Source]:
    return [
        Source(cited[at], cited[at].start + start, cited[at].start + end)
        for at, start, end in verdict.spans
    ]


def _numbered(
    why: str | None, cited: Sequence[Hit], sources: Sequence[Source], numbering: Numbering
) -> str | None:
    """A reason with the answer's numbers in the place of labels."""
    if why is None:
        return None
    numbers = dict(zip(map(_key, _hits(sources)), numbering.numbers(sources), strict=True))
    for at, hit in enumerate(cited):
        number = numbers.get(_key(hit))
        name = f"[{number}]" if number else hit.outlet or "another passage"
        why = why.replace(_LABEL.format(at), name)
    return why


def _hits(sources: Iterable[Source]) -> list[Hit]:
    """The passages of sources, each once, in order."""
    return list({_key(source.hit): source.hit for source in sources}.values())


def _key(hit: Hit) -> tuple[str, int, int]:
    return hit.article_id, hit.start, hit.end


def _of_opinion(sentence: Sentence) -> Sentence:
    """An opinion piece supports only that somebody argues it: who, is said, or it is partial."""
    articles = [source.hit.article for source in sentence.sources]
    if not articles or any(article.kind not in _OPINION for article in articles):
        return sentence
    names = [name for article in articles for name in (*article.authors, article.outlet) if name]
    if any(name in sentence.text or f"{name.split()[-1]} " in sentence.text for name in names):
        return sentence
    quoted = " ".join(s.hit.article.text[s.start : s.end] for s in sentence.sources).split()
    if names and quoted == sentence.text.split():  # word for word, so that it can be attributed
        return replace(
            sentence, text=f"Opinion, {', '.join(dict.fromkeys(names))}: {sentence.text}"
        )
    why = "an opinion piece argues it; no report says so"
    return replace(sentence, verdict="partial", why=why)


def _straight(text: str) -> str:
    straight = text.translate(str.maketrans("“”„«»‘’", '"""""\'\''))
    return " ".join(straight.split())
