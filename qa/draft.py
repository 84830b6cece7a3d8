r"""Checks a text that somebody else wrote, sentence by sentence, against the articles.

    report = check_draft("# Fire\n\nNobody was hurt.", matching, now, library)
    for statement in report.statements: ...   # report.text[statement.start : statement.end]

What it cites itself counts for nothing: each sentence is looked for in the articles, and held
against the passages that say most of it by the verifier that checks answers.
"""

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt

from ..errors import BylineError, InputError
from ..index.archive.filter import Filter
from ..index.article import day_of
from ..index.chunk import sentence_spans
from ..index.dates import When
from ..index.embed import Embedder, Vectors
from ..index.numbers import NUMBER, in_digits
from ..index.words import stems
from .ask import Library
from .budget import Deadline
from .check import Checker, evidence
from .cite import (
    Citation,
    Numbering,
    Sentence,
    Source,
    Statement,
    citations,
    notes_of_retracted,
    with_copies,
)
from .dissent import find_contest
from .events import to_json
from .judge import Judge, Sitting
from .refusal import reads_as_declined
from .reply import unmarked
from .retrieve import SIGNALS, Hit, retrieve
from .turns import Turns
from .verify import checked_by, verify
from .verify.facts import Period, facts

# A newspaper page holds 10,000; at up to ten statements a second this much takes a minute or more.
LONGEST_DRAFT = 60_000  # characters
VERDICTS = ("contradicted", "unsupported", "partial", "unchecked", "supported")
_PASSAGES = 8  # that are looked at for one statement
_NEAREST = 3  # of them that a statement is held against
_ABOUT = 0.5  # share of a statement's words below which a passage is of something else
_VETOED = 0.3  # of the score of what a date belies, as in verify/
_SHORT = 4  # content words below which a sentence is looked for with the one before it
_AGAIN = 3  # times that a report is made anew, as an article was withdrawn meanwhile
_LONE = re.compile("[\ud800-\udfff]")
_BREAK = re.compile(r"\r\n?|\n")
_PREFIX = re.compile(r"[ \t]*(?:(?:>|[-*•+]|#{1,6}|\d{1,3}[.)]|\[[ xX]\])[ \t]+|>|[`~]{3,}\w*)*")
_QUOTED = re.compile(r"[ \t>]*(?:[`~]{3,}\s*$)?")  # in front of the further lines of a block
# "[12](address) people": a number that is a link, and none of a citation.
_LINKED = re.compile(r"\[(\d[\d.,]*)\]\([^()\s]*\)(?=\s+[a-z])")
_WRAPPED = 0.6  # share of its block's longest line from which a line may have been wrapped
_PRONOUN = re.compile(r"\W*(?:he|she|it|they|his|her|its|their|this|that|these|those)\b", re.I)
_TALK = re.compile(
    r"""\W*(?:hi|hello|hey|dear|greetings|good\s(?:morning|afternoon|evening)|thanks?|sure|certainly
    |of\scourse|absolutely|(?:kind|best|warm)\s|yours|regards|sincerely|cheers|please|sorry
    |let\sme|feel\sfree|here(?:['’]s|\s(?:is|are))|i\s(?:hope|can|have|would|will|am)|i['’])\b""",
    re.I | re.X,
)


@dataclass(frozen=True, slots=True)
class DraftReport:
    """What became of each statement of a text, and the passages that bear on them."""

    text: str
    "as given"
    statements: tuple[Statement, ...]
    "`text[start:end]` of each is its own `text`; its citations support or contradict it"
    citations: tuple[Citation, ...]
    counts: dict[str, int]
    "of statements by verdict"
    as_of: datetime | date
    notes: tuple[str, ...]
    checked_by: str
    index_version: int
    timings: dict[str, float] = field(default_factory=dict)
    "seconds: total"

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values, keys as here, dates in ISO 8601."""
        plain: dict[str, Any] = to_json(self)
        return plain


def read_draft(path: str) -> str:
    """The text of a file, or of standard input (`-`), character for character.

    Raises InputError where there is none in UTF-8.
    """
    try:
        with sys.stdin.buffer if path == "-" else open(path, "rb") as file:
            return file.read().decode("utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8: save it so.") from None


def check_draft(
    text: str,
    matching: Filter,
    as_of: datetime | date,
    library: Library,
    *,
    judge: Judge | None = None,
    signals: Sequence[str] = SIGNALS,
    seconds: float = 120.0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> DraftReport:
    """The report on a text. Its relative dates are read against `as_of`.

    `seconds` is what the judge may take in all; `progress` is told how many statements are done,
    and of how many. Raises InputError for an empty or over-long text.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError("The text is empty: give what is to be checked.")
    if len(text) > LONGEST_DRAFT:
        raise InputError(
            f"The text has {len(text)} characters; {LONGEST_DRAFT} is the most. Check it in parts."
        )
    text = _LONE.sub("\ufffd", text)
    for _ in range(_AGAIN):
        checking = _Checking(matching, as_of, library, judge, signals, Deadline(seconds))
        report = checking.report(text, progress)
        if checking.is_shown():
            return report
    raise BylineError("Articles are being withdrawn while the text is checked: check it again.")


class _Checking:
    """One text on its way to its report."""

    def __init__(
        self,
        matching: Filter,
        as_of: datetime | date,
        library: Library,
        judge: Judge | None,
        signals: Sequence[str],
        deadline: Deadline,
    ) -> None:
        self.filter, self.as_of, self.library, self.signals = matching, as_of, library, signals
        self.judge = Sitting(judge, deadline) if judge else None
        self.turns = Turns() if judge else library.turns  # as of an ask
        self.today = day_of(as_of)
        self.numbering = Numbering()
        self.limited: dict[str, Hit] = {}
        "the one passage that is used of an article of which no more may be quoted"
        self.used: set[str] = set()

    def report(self, text: str, progress: Callable[[int, int], None]) -> DraftReport:
        """What is found of each statement."""
        began, library = time.monotonic(), self.library
        index_version = library.archive.generation
        said = [(start, end, *_said(text, start, end, head)) for start, end, head in parts(text)]
        queries = _queries([words if why is None else "" for _, _, words, why in said])
        statements = list[Statement]()
        before = list[Hit]()
        for (start, end, words, why), hits in zip(said, self._found(queries), strict=True):
            sentence = Sentence(words, (), why=why)
            if why is None:
                with self.turns.late():
                    sentence = self._checked(words, [*hits, *before])
                before = [source.hit for source in sentence.sources] or before
            numbered = self.numbering.add(sentence)
            verdict, why = sentence.verdict, sentence.why
            if verdict == "unchecked" and not why:
                why = "the words are there; whether the sense is, the check cannot tell"
            statements.append(
                replace(
                    numbered, text=text[start:end], start=start, end=end, verdict=verdict, why=why
                )
            )
            progress(len(statements), len(said))
        cited = citations(self.numbering.sources, self.filter.as_of)
        cited = with_copies(cited, library.archive, self.filter.as_of)
        counts = Counter(statement.verdict for statement in statements)
        return DraftReport(
            text=text,
            statements=tuple(statements),
            citations=cited,
            counts={verdict: counts[verdict] for verdict in VERDICTS},
            as_of=self.as_of,
            notes=tuple(self._notes(cited)),
            checked_by=self._checked_by(),
            index_version=index_version,
            timings={"total": round(time.monotonic() - began, 4)},
        )

    def is_shown(self) -> bool:
        """Whether everything that was used may still be shown."""
        return not self.used - self.library.archive.showable(self.used)

    def _found(self, queries: Sequence[str]) -> Iterator[list[Hit]]:
        """The passages that may bear on each query; none for an empty one."""
        library = self.library
        asked = list(dict.fromkeys(filter(None, queries)))
        embedder = (
            _Embedded(asked, library.embedder) if "dense" in self.signals else library.embedder
        )
        for query in queries:
            yield (
                retrieve(
                    query,
                    self.filter,
                    library.archive,
                    library.store,
                    embedder,
                    limit=_PASSAGES,
                    signals=self.signals,
                )
                if query
                else []
            )

    def _checked(self, words: str, hits: Sequence[Hit]) -> Sentence:
        """A statement as the passages that say most of it have it."""
        shown = self.library.archive.showable({hit.article_id for hit in hits})
        hits = [hit for hit in hits if hit.text and hit.article_id in shown]
        hits = [self.limited.get(hit.article_id, hit) for hit in hits]
        hits = list({_key(hit): hit for hit in hits}.values())
        wanted = set(stems(words))
        near = sorted(hits, key=lambda hit: -_share(wanted, hit.text))[:_NEAREST]
        if not near:
            return Sentence(words, (), "no article speaks of it", verdict="unsupported")
        best, *rest = near
        checked = self._judged(words, [best])
        if checked.verdict != "supported":
            better = next((hit for hit in rest if self._says(words, hit)), None)
            if better:
                best, checked = better, self._judged(words, [better])
        if checked.verdict in ("unchecked", "unsupported") and rest:
            more = self._judged(words, near)
            checked = more if more.verdict == "supported" else checked
        is_far = _share(wanted, best.text) < _ABOUT
        if is_far and checked.verdict in ("contradicted", "unsupported"):
            why = "no article speaks of it"
            return replace(checked, sources=(), why=why, verdict="unsupported")
        return self._contested(checked, hits) if checked.verdict == "supported" else checked

    def _contested(self, checked: Sentence, hits: Sequence[Hit]) -> Sentence:
        """A supported statement with what other articles give for a figure of it."""
        asked, values = _figureless(checked.text)
        contest = find_contest(asked, [checked], hits, self.library.embedder) if values else None
        mine = (
            [side for side in contest.sides if side[0].quantity.value in values] if contest else []
        )
        if not contest or len(mine) != 1:
            return checked
        others = [side[0] for side in contest.sides if side is not mine[0]]
        for other in others:
            self._use(other.source.hit)
        sources = (*checked.sources, *(other.source for other in others))
        numbers = self._numbers(sources)
        says = ", ".join(f"[{numbers[_key(f.source.hit)]}] says '{f.written}'" for f in others)
        is_old = contest.superseded and mine[0] is not contest.sides[-1]
        told = "a later report replaces it" if is_old else "but reports may differ"
        verdict = "contradicted" if is_old else "supported"
        why = "; ".join(filter(None, (checked.why, f"{told}: {says}")))
        return replace(checked, sources=sources, verdict=verdict, why=why)

    def _says(self, words: str, hit: Hit) -> bool:
        """Whether a passage supports a statement by its words alone."""
        found = verify(words, [evidence(hit, "")], as_of=self.today, only_support=True)
        return found.verdict == "supported"

    def _judged(self, words: str, hits: Sequence[Hit]) -> Sentence:
        for hit in hits:
            self._use(hit)
        checker = Checker((), self.library.embedder, self.judge, self.as_of, mends=False)
        sources = tuple(Source(hit, hit.start, hit.end) for hit in hits)
        checked = checker.check(Sentence(words, sources), self.numbering)
        if checked.text != words:  # as an opinion, which the draft does not call one
            why = "an opinion piece argues it; no report says so"
            checked = replace(checked, text=words, verdict="partial", why=why)
        is_wrong = checked.verdict in ("contradicted", "unsupported")
        if not is_wrong and (told := self._misdated(checked)):
            score = round(_VETOED * (checked.support or 0), 4)
            checked = replace(checked, verdict="contradicted", support=score, why=told)
        return checked

    def _misdated(self, checked: Sentence) -> str | None:
        """What is wrong with a relative date that the article has too, where it is another day."""
        read, known = facts(checked.text, self.today), self._numbers(checked.sources)
        for period in read.periods:
            if not period.first or any(period.words in quote for quote in read.quotes):
                continue
            said = [
                (other, source.hit)
                for source in checked.sources
                if (published := source.hit.published)
                for other in facts(_text(source), day_of(published)).periods
                if other.words.casefold() == period.words.casefold() and other.first
            ]
            if said and not any(period.holds(other) for other, _ in said):
                other, hit = said[0]
                days = f"{_days(other)}, not {_days(period)}"
                return f"'{period.words}' in [{known[_key(hit)]}] is {days}"
        return None

    def _numbers(self, sources: Sequence[Source]) -> dict[tuple[str, int, int], int]:
        """The number of each passage."""
        keys = dict.fromkeys(_key(source.hit) for source in sources)
        return dict(zip(keys, self.numbering.numbers(sources), strict=True))

    def _use(self, hit: Hit) -> None:
        self.used.add(hit.article_id)
        if hit.article.excerpt_limit is not None:
            self.limited.setdefault(hit.article_id, hit)

    def _notes(self, cited: Sequence[Citation]) -> Iterator[str]:
        yield from notes_of_retracted(cited, self.library.archive, self.filter.as_of, self.today)
        if self.judge and self.judge.silent:
            yield (
                f"{self.judge.silent} × the judge {self.judge.name} gave nothing: "
                "the rules alone checked"
            )

    def _checked_by(self) -> str:
        judge, embedder = self.judge, self.library.embedder
        return checked_by(embedder, judge if judge and judge.given and not judge.silent else None)


class _Embedded:
    """Questions whose vectors are there already: all of a text are embedded at once."""

    def __init__(self, texts: Sequence[str], embedder: Embedder) -> None:
        self.name, self._embedder = embedder.name, embedder
        self._vectors = dict(zip(texts, embedder.embed(texts), strict=True)) if texts else {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._embedder.embed(texts)

    def embed_question(self, text: str) -> Vectors:
        vector: Vectors = self._vectors[text]
        return vector


def _text(source: Source) -> str:
    return source.hit.article.text[source.start : source.end]


def _days(period: Period) -> str:
    assert period.first
    return When(0, 0, period.words, period.first, period.last or period.first, "").label


def _key(hit: Hit) -> tuple[str, int, int]:
    return hit.article_id, hit.start, hit.end


def _share(wanted: set[str], text: str) -> float:
    return len(wanted & set(stems(text))) / len(wanted) if wanted else 0.0


def _figureless(words: str) -> tuple[str, set[float]]:
    """A statement without its numbers, and these."""
    return NUMBER.sub(" ", in_digits(words)), {number.value for number in facts(words).numbers}


def _queries(statements: Sequence[str]) -> list[str]:
    """What each is looked for by: one that leans on the one before, together with that."""
    found = []
    before = ""
    for words in statements:
        leans = words and (_PRONOUN.match(words) or len(stems(words)) < _SHORT)
        found.append(f"{before} {words}"[-1000:] if leans else words)
        before = words or before
    return found


def parts(text: str) -> list[tuple[int, int, bool]]:
    r"""Spans of the sentences of a text, Markdown or plain, and whether each is a heading.

    >>> [(text[a:b], head) for text in ["# Fire\n- It burnt. Nobody\n  died."]
    ...  for a, b, head in parts(text)]
    [('Fire', True), ('It burnt.', False), ('Nobody\n  died.', False)]
    """
    starts = [0, *(gap.end() for gap in _BREAK.finditer(text)), len(text)]
    left_as_they_are = ["code", "fence", "html_block", "reference", "inline"]
    marked = MarkdownIt("commonmark").disable(left_as_they_are)
    blocks, heading = list[tuple[int, int, bool]](), False
    for token in marked.parse(re.sub("^\ufeff", " ", text)):
        heading = token.type == "heading_open" or (heading and token.type == "inline")
        if token.type == "inline" and token.map:
            blocks.append((*token.map, heading))  # type: ignore[arg-type]
    read = {line for first, last, _ in blocks for line in range(first, last)}
    # Lines that the parser leaves out, as those of a list of lists twenty deep, count too.
    blocks += [(line, line + 1, False) for line in range(len(starts) - 1) if line not in read]
    return [
        (start, end, heading)
        for first, last, heading in sorted(blocks)
        for start, end in _sentences(text, list(pairwise(starts[first : last + 1])))
        if re.search(r"\w", text[start:end])
    ]


def _sentences(text: str, lines: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of the sentences in the lines of a block, which wrapped lines do not end."""
    start = lines[0][0]
    bare: list[str] = []
    for left, right in lines:
        line = text[left:right]
        mark = (_QUOTED if bare else _PREFIX).match(line)
        width = mark.end() if mark else 0
        bare.append((" " * width + line[width:]).replace("|", " "))
    widest = max(len(line.rstrip()) for line in bare)
    block = ""
    for line, after in zip(bare, [*bare[1:], ""], strict=True):
        body = line.rstrip("\r\n")
        opens = after.lstrip()[:1]
        wraps = opens.islower() or opens.isdigit() or len(body.rstrip()) >= _WRAPPED * widest
        block += body + (" " if wraps else "\n") * (len(line) - len(body))
    return [(start + a, start + b) for a, b in sentence_spans(block, 0, len(block))]


def _said(text: str, start: int, end: int, is_heading: bool) -> tuple[str, str | None]:
    """The words of a sentence that are checked, and why they are not, where they are not."""
    raw = " ".join(_BREAK.sub(" ", text[start:end]).split())
    words = " ".join(unmarked(_LINKED.sub(r"\1", raw)).split())
    words = words if re.search(r"\w", words) else raw
    if is_heading and not words.endswith("."):
        return words, "a heading"
    if re.search(r"\?[\W_]*\Z", words):
        return words, "a question"
    if reads_as_declined(words):
        return words, "says what is not known"
    read = facts(words)
    has_facts = read.numbers or read.periods or read.quotes or any(n.is_certain for n in read.names)
    is_bare = len(read.content) < (2 if has_facts else 3)
    if is_bare or (not has_facts and _TALK.match(words)):
        return words, "states nothing that can be checked"
    return words, None
