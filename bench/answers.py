"""How often the quoting answerer answers, rightly, and declines what the articles do not say.

    python bench/answers.py [--data FOLDER] [--set NAME ...] [--json FILE]

Over squad2, a news quiz, a real article (seed) and the bundled sample, without a language model.
An answer is right where it cites what the set names as evidence (a quote holds the evidence or is
part of it); where a set has none, where a quote from a relevant article holds one of the answers
between word borders. With the tag `metadata` the sentence that cites the article may say it, as
who wrote an article need not stand in its text. With the tag `all` every piece of evidence, or
every answer, must be cited; some of them is "partly". Case, white space and typographic quotes do
not count. A question that the articles do not answer should be declined.

Of the sample, the weights of qa/extract.py were fitted on the even lines (bench/fit_extract.py);
the odd ones are kept aside, and are shown apart. squad2's answerable half was fitted on, too.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import sets
from byline import Answer, Desk
from sets import Case

SETS = ("squad2", "realtimeqa_dev", "seed")
_OUTCOMES = ("right", "partly", "wrong", "declined")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T[\d:.]+(?:Z|[+-][\d:]+)?")
_STRAIGHT = str.maketrans("’‘“”", "''\"\"")


def main() -> None:
    """Print a table of the sets and one of the sample's tags."""
    parser = sets.parser(__doc__)
    parser.add_argument("--set", action="append", metavar="NAME", help="only this set; repeatable")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N questions of each set")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the outcomes there")
    given = parser.parse_args()
    there = [name for name in SETS if (given.data / name).is_dir()]
    chosen = given.set or ["sample", *there]
    judged = {name: outcomes(name, given.data, given.limit) for name in chosen}
    print(as_markdown(judged))
    if given.json:
        plain = {
            name: {case.id: outcome for case, outcome in found} for name, found in judged.items()
        }
        given.json.write_text(json.dumps(plain, indent=1) + "\n")


def outcomes(name: str, data: Path, limit: int | None = None) -> list[tuple[Case, str]]:
    """What became of each question of a set: right, partly, wrong or declined."""
    with sets.opened(name, data) as desk:
        return [(case, _outcome(case, desk)) for case in sets.cases(name, data)[:limit]]


def _outcome(case: Case, desk: Desk) -> str:
    answer = desk.ask(case.question, as_of=case.as_of, style="quotes")
    if answer.declined:
        return "declined"
    if not case.answerable:
        return "wrong"
    found = _found(case, answer)
    if not any(found):
        return "wrong"
    return "partly" if "all" in case.tags and not all(found) else "right"


def _found(case: Case, answer: Answer) -> list[bool]:
    """For each piece of evidence, or each answer, whether it is cited."""
    right = sets.relevant(case, (c.article_id for c in answer.citations))
    cited = [c for c in answer.citations if not case.relevant or c.article_id in right]
    quotes = [folded(citation.quote) for citation in cited]
    is_metadata = "metadata" in case.tags
    if case.evidence and not is_metadata:
        named = [folded(evidence) for evidence in case.evidence]
        return [any(e in quote or quote in e for quote in quotes) for e in named]
    if is_metadata:
        numbers = {citation.number for citation in cited}
        quotes += [folded(s.text) for s in answer.statements if numbers.intersection(s.citations)]
    patterns = [rf"(?<!\w){re.escape(folded(said))}(?!\w)" for said in case.answers]
    return [any(re.search(pattern, quote) for quote in quotes) for pattern in patterns]


def folded(text: str) -> str:
    """Case, white space and typographic quotes folded; of a moment in ISO 8601 its date.

    >>> folded("The  “LAST” word, 2026-03-10T05:30:00+00:00")
    'the "last" word, 2026-03-10'
    """
    text = _MOMENT.sub(r"\1", text)
    return " ".join(text.casefold().translate(_STRAIGHT).split())


def as_markdown(judged: dict[str, list[tuple[Case, str]]]) -> str:
    """Both tables."""
    rows = []
    for name, found in judged.items():
        rows.append([name, *_counts(found)])
        if name == "sample":
            rows.append(["sample, even lines (used for fitting)", *_counts(found[::2])])
            rows.append(["sample, odd lines (kept aside)", *_counts(found[1::2])])
    head = [
        "Set",
        "answerable",
        *_OUTCOMES,
        "right / answered",
        "unanswerable",
        "declined",
        "share",
    ]
    text = f"## Quoted answers\n\n{sets.markdown(head, rows)}"
    if "sample" in judged:
        text += f"\n\n## The sample by tag\n\n{_by_tag(judged['sample'])}"
    return text


def _by_tag(found: Sequence[tuple[Case, str]]) -> str:
    tags = Counter(tag for case, _ in found for tag in case.tags)
    rows = []
    for tag, number in tags.most_common():
        counts = Counter(outcome for case, outcome in found if tag in case.tags)
        rows.append([tag, number, *(counts[outcome] for outcome in _OUTCOMES)])
    return sets.markdown(["Tag", "questions", *_OUTCOMES], rows)


def _counts(found: Iterable[tuple[Case, str]]) -> list[object]:
    answerable: Counter[str] = Counter()
    rest: Counter[str] = Counter()
    for case, outcome in found:
        (answerable if case.answerable else rest)[outcome] += 1
    answered = answerable.total() - answerable["declined"]
    return [
        answerable.total(),
        *(answerable[outcome] for outcome in _OUTCOMES),
        f"{answerable['right'] / answered:.1%}" if answered else "-",
        rest.total(),
        rest["declined"],
        f"{rest['declined'] / rest.total():.1%}" if rest else "-",
    ]


if __name__ == "__main__":
    main()
