"""How many true statements of a draft are supported, and how many false ones are caught.

    python bench/drafts.py [--data FOLDER] [--limit STATEMENTS]

Of the sample: sentences of its articles as they stand; the same reworded by rules (a synonym, a
date in full, "According to X", a clause put first); and with one thing made false (a number, a
name, a date, the polarity), each kind a draft of its own for every article, checked as on the
article's day. Then the labelled statements of a small model and true ones written against the
verifier (bench/labels/opponent.jsonl), as on the day of their question. No passage is handed over:
what is measured is retrieval and verifier together. Caught is partial, unsupported or contradicted.
"""

import json
import random
import re
from calendar import day_name, month_name
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date

import sets
from byline import Desk
from byline.index.archive.filter import Filter
from byline.index.article import Article, day_of
from byline.index.chunk import sentence_spans
from byline.index.dates import resolve
from byline.index.embed import MiniLM
from byline.qa.ask import Library
from byline.qa.draft import DraftReport, check_draft

_VERDICTS = ("supported", "unchecked", "partial", "unsupported", "contradicted")
_PARAGRAPHS = "\n\n"
_WORDS = (
    ("per cent", "percent"), (" said that ", " stated that "), (" because ", " as "),
    (" also ", " "), (" begins ", " starts "),
    (" bought ", " purchased "), (" began ", " started "), (" reduce ", " cut "),
    (" help ", " assist "), (" injured", " hurt"), (" however,", ""), (" nearly ", " almost "),
    (" children ", " kids "), (" build ", " construct "), (" near ", " close to "),
    (" two ", " 2 "), (" three ", " 3 "), (" four ", " 4 "), (" five ", " 5 "), (" six ", " 6 "),
)  # fmt: skip
_REPORTED = re.compile(r"^(?P<who>[A-Z][\w’' -]{3,40}?) said that (?P<what>[a-z].+)\.$")
_TAIL = re.compile(
    r"^(?P<rest>(?:The|A|An|It|He|She|They) .+?) "
    r"(?P<when>(?:in|on|by|until) [A-Z][a-z]+(?: \d{4})?)\.$"
)
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*(?![\w])")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-zé]+ [A-Z][\w’-]+\b")
_MONTHS, _DAYS = list(month_name)[1:], list(day_name)
_DATE = re.compile(rf"\b(?:{'|'.join(_MONTHS + _DAYS)}|(?:19|20)\d\d)\b")
_AUXILIARY = re.compile(r"\b(?:is|are|was|were|has|have|had|will|would|can|could)\b(?! not\b)")
_NOT = re.compile(r"\b(?P<a>is|are|was|were|has|have|had|will|would|can|could|did|do) not\b")
Changed = Callable[[str, Article, random.Random], str | None]


def main() -> None:
    """Measure and print."""
    parser = sets.parser(__doc__)
    parser.add_argument("--limit", type=int, default=150, help="statements of each kind")
    parser.add_argument("--show", help="print the statements of kinds with this in their name")
    given = parser.parse_args()
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    statements = seconds = 0.0
    with sets.opened("sample", given.data) as desk:
        library = Library(desk.archive, desk.store, MiniLM())
        for kind, written, asked, draft in [*drafts(desk, given.limit), *labelled()]:
            report = check_draft(draft, Filter(as_of=asked), written, library)
            statements += len(report.statements)
            seconds += report.timings["total"]
            rows[kind].update(counted(report))
            if given.show and given.show in kind:
                for one in report.statements:
                    print(f"{one.verdict} {one.score} {one.text!r} {one.why}")
    head = ["drafts of the sample", "statements", *_VERDICTS, "caught"]
    print(sets.markdown(head, table(rows)))
    print(f"\n{statements / seconds:.1f} statements a second")


def counted(report: DraftReport) -> Counter[str]:
    """Verdicts; what is taken for a heading, question or greeting is none."""
    return Counter(
        one.verdict for one in report.statements if one.verdict != "unchecked" or one.citations
    )


def table(rows: dict[str, Counter[str]]) -> Iterator[list[str]]:
    """A line a kind: shares of the verdicts."""
    for kind, found in rows.items():
        total = found.total()
        caught = sum(found[verdict] for verdict in _VERDICTS[2:])
        shares = [f"{found[verdict] / total:.2f}" for verdict in _VERDICTS]
        yield [kind, str(total), *shares, f"{caught / total:.2f}"]


def drafts(desk: Desk, limit: int) -> Iterator[tuple[str, date, date, str]]:
    """Kind, day, day of asking and text; what a change leaves as it was is not in them."""
    kinds: dict[str, Changed] = {
        "true, word for word": lambda said, *_: said,
        "true, reworded": reworded,
        "false: number": number,
        "false: name": name,
        "false: date": day,
        "false: polarity": polarity,
    }
    articles = [one for one in desk.articles.list(1000) if one.published and not one.notice]
    for kind, change in kinds.items():
        drawn, left = random.Random(7), limit
        for article in drawn.sample(articles, len(articles)):
            spans = sentence_spans(article.text, 0, len(article.text))
            marked = [(mark.start, mark.end) for mark in article.marks]
            said = [
                article.text[a:b]
                for a, b in spans
                if b - a > 40 and article.text[b - 1] == "." and not _within(a, b, marked)
            ]
            picked = drawn.sample(said, min(6, len(said)))
            made = [new for one in picked if (new := change(one, article, drawn))][:left]
            if made and article.published:
                last = article.updated or article.published
                left -= len(made)
                yield kind, day_of(article.published), day_of(last), _PARAGRAPHS.join(made)


def _within(start: int, end: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(a < end and start < b for a, b in spans)


def reworded(said: str, article: Article, drawn: random.Random) -> str | None:
    """By every rule that fits; quotations stay as they are."""
    if re.search('[“”"]', said):
        return None
    new = said
    assert article.published
    for when in resolve(new, day_of(article.published))[:1]:
        if when.first == when.last and when.first:
            full = f"{when.first.day} {when.first:%B %Y}"
            if re.search(r"\bon\s\Z", new[: when.start]):
                new = f"{new[: when.start]}{full}{new[when.end :]}"
    if told := _REPORTED.match(new):
        who = re.sub("^(?:The|A|An) ", lambda article: article[0].lower(), told["who"])
        new = f"According to {who}, {told['what']}."
    elif tail := _TAIL.match(new):
        first, rest = tail["when"], tail["rest"]
        new = f"{first[0].upper()}{first[1:]}, {rest[0].lower()}{rest[1:]}."
    for old, other in _WORDS:
        new = new.replace(old, other)
    return new if new != said else None


def number(said: str, article: Article, drawn: random.Random) -> str | None:
    """One number another, which the article does not have."""
    found = _NUMBER.search(said)
    if not found or re.match(r"(?:19|20)\d\d$", found[0]):
        return None
    digits = [at for at, sign in enumerate(found[0]) if sign.isdigit()]
    for _ in range(20):
        at = drawn.choice(digits)
        new = found[0][:at] + drawn.choice("123456789") + found[0][at + 1 :]
        if new != found[0] and new not in article.text:
            return said[: found.start()] + new + said[found.end() :]
    return None


def name(said: str, article: Article, drawn: random.Random) -> str | None:
    """Another name of the same article in a name's place."""
    found = _NAME.search(said)
    others = [one for one in _NAME.findall(article.text) if one not in said]
    if not found or not others:
        return None
    return said[: found.start()] + drawn.choice(sorted(set(others))) + said[found.end() :]


def day(said: str, article: Article, drawn: random.Random) -> str | None:
    """Another weekday, month or year."""
    found = _DATE.search(said)
    if not found:
        return None
    years = [str(int(found[0]) + step) for step in (-2, -1, 1)] if found[0].isdigit() else []
    known = years or next(names for names in (_MONTHS, _DAYS) if found[0] in names)
    new = drawn.choice([one for one in known if one != found[0]])
    return said[: found.start()] + new + said[found.end() :]


def polarity(said: str, article: Article, drawn: random.Random) -> str | None:
    """A negation put in, or taken out."""
    bare = re.sub("“[^”]*”", lambda quote: "x" * len(quote[0]), said)
    if found := _NOT.search(bare):
        return said[: found.end("a")] + said[found.end() :]
    found = _AUXILIARY.search(bare)
    return f"{said[: found.end()]} not{said[found.end() :]}" if found else None


def labelled() -> Iterator[tuple[str, date, date, str]]:
    """The labelled statements, each a draft."""
    path = sets.ROOT / "bench" / "labels" / "opponent.jsonl"
    for line in path.read_text("utf-8").splitlines():
        one = json.loads(line)
        who = "a small model" if one["source"] == "model" else "reworded to be hard"
        truth = "true" if one["label"] == "supported" else "false"
        asked = date.fromisoformat(one["as_of"])
        yield f"{truth}, {who}", asked, asked, one["statement"]


if __name__ == "__main__":
    main()
