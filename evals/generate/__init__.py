"""Makes eval cases from a collection: by rules, and with a model where there is one.

made = generate(desk, 200)
save_cases(made.cases, Path("generated.jsonl")); print(made.dropped)

Every case has passed every check of `evals/checks.py`. A share of them are unanswerable twins,
which ask for what no article says. What a careful editor keeps of them: docs/log.md.
"""

import hashlib
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ...desk import Desk
from ...index.article import Article, day_start
from ...index.embed import endpoint_errors
from ...index.words import fold, stems
from ...prompts import fence, load
from ...qa.asked import kind_asked
from ..case import Case, wrong_key
from ..corpus import Corpus
from .checks import Collection, failed_check
from .names import Names
from .page import Candidate, also_called, first_name
from .questions import ask_about
from .twins import day_before, swapped, without_fact

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

_PER_ARTICLE = 2
# "Who is the mayor?", "How many people does it employ?": the answer changes with time.
_IS_NOW = re.compile(r"(?:Who|Where|How old) (?:is|was|[a-z]+s)\b|.*\b(?:does|has|have)\b")
_MOST_TWINS = 2  # of one case
_MOST_OF_A_RULE = 0.4  # of the twins
_KINDS = {"person": "name", "time": "date", "place": "place", "age": "age", "percent": "percent"}
_KINDS |= {"money": "money", "number": "number", "duration": "number"}
_SHORTEST_PASSAGE = 200  # characters: less is a caption or a cut-off paragraph
_LLM_SETTINGS = "BYLINE_LLM, BYLINE_LLM_BASE_URL and BYLINE_LLM_API_KEY"
Progress = Callable[[int, int], None]
"Called after each case with how many there are and how many are asked for."


@dataclass(frozen=True, slots=True)
class Generated:
    """The cases, and what became of the candidates that were looked at."""

    cases: tuple[Case, ...]
    dropped: Counter[str]
    "candidates by the check that they failed"
    made: Counter[str]
    "cases by rule"


@dataclass(frozen=True, slots=True)
class Written:
    """What a model is asked for."""

    __pydantic_config__ = ConfigDict(extra="forbid", str_strip_whitespace=True)

    question: str
    answer: str
    evidence: str


_WRITTEN = TypeAdapter(Written)


@dataclass(slots=True)
class _Tray:
    """The cases made so far, and the room that is left."""

    room: int
    taken: list[Candidate] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    seen: set[tuple[str, frozenset[str]]] = field(default_factory=set)
    of_article: Counter[str] = field(default_factory=Counter)

    def offer(self, candidate: Candidate, collection: Collection) -> bool:
        """Take a candidate that passes every check and is no double; else count why not."""
        words = _gist(candidate)
        if self.of_article[candidate.article_id] >= _PER_ARTICLE:
            why: str | None = "enough of its article"
        elif words in self.seen:
            why = "near-duplicate"
        else:
            why = failed_check(candidate, collection)
        if why:
            self.dropped[why] += 1
            return False
        self.seen.add(words)
        self.of_article[candidate.article_id] += 1
        self.taken.append(candidate)
        return True


def _gist(candidate: Candidate) -> tuple[str, frozenset[str]]:
    """What two candidates share that ask the same; "Lib Dem leader" and "Liberal leader" do."""
    asked = candidate.asks.replace(candidate.subject, "") if candidate.kind == "name" else ""
    return fold(candidate.answer), frozenset(stems(asked) or stems(candidate.question))


def generate(
    desk: Desk,
    number: int,
    *,
    seed: int = 0,
    llm: "LLM | None" = None,
    twins: float = 0.25,
    progress: Progress = lambda made, number: None,
) -> Generated:
    """New cases from the articles of an open desk; the same ones for the same seed.

    `twins` is the share of unanswerable ones. With a model its questions come first, and rules fill
    what is left. There are fewer than `number` where the collection does not give more. Raises
    ModelUnavailable or ModelError where the endpoint fails.
    """
    draw = random.Random(seed)
    corpus = Corpus(archive=desk.archive, passage_chars=desk.settings.passage_chars)
    articles = {found.id: found for found in map(corpus.article, corpus.ids) if found}
    # A case quotes its article, and a model would read whole passages.
    articles = {key: found for key, found in articles.items() if found.excerpt_limit is None}
    names = Names(article.text for article in articles.values())
    asked = [found for article in articles.values() for found in ask_about(article, names)]
    collection = Collection.of(desk.archive, corpus, names, asked)
    tray, wanted = _Tray(number - round(number * twins)), round(number * twins)
    candidates: Iterator[Candidate] = _in_turn(asked, draw)
    if llm is not None:
        by_model = _by_model(articles, corpus, names, llm, draw, tray.dropped)
        candidates = chain(by_model, candidates)
    _fill(tray, candidates, collection, progress)
    doubles = _twins(tray, wanted, _Pool(asked, articles, collection), draw)
    tray.room = number - len(doubles)
    _fill(tray, candidates, collection, progress)
    cases = [_case(candidate, articles) for candidate in tray.taken]
    made = Counter(candidate.rule for candidate in tray.taken)
    made["twin"] = len(doubles)
    return Generated((*cases, *doubles), +tray.dropped, +made)


def _fill(
    tray: _Tray, candidates: Iterator[Candidate], collection: Collection, progress: Progress
) -> None:
    while len(tray.taken) < tray.room and (candidate := next(candidates, None)):
        if tray.offer(candidate, collection):
            progress(len(tray.taken), tray.room)


def _in_turn(candidates: Sequence[Candidate], draw: random.Random) -> Iterator[Candidate]:
    """The candidates in random order, one of each rule in turn, so that all rules have a share."""
    by_rule: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_rule[candidate.rule].append(candidate)
    for found in by_rule.values():
        draw.shuffle(found)
    for row in zip_longest(*by_rule.values()):
        yield from (candidate for candidate in row if candidate)


# Cases


def _case(candidate: Candidate, articles: Mapping[str, Article]) -> Case:
    article = articles[candidate.article_id]
    return Case(
        _case_id(candidate.article_id, candidate.question),
        candidate.question,
        as_of=_asked_on(candidate, article, articles.values()),
        answers=candidate.said,
        relevant=(candidate.article_id,),
        evidence=(candidate.evidence,),
        speaker=candidate.speaker,
        tags=("generated", candidate.kind),
        note=f"rule: {candidate.rule}",
    )


def _case_id(article_id: str, *told: str) -> str:
    """Stable: the same article and question have the same id in every run."""
    digest = hashlib.sha256("\n".join((article_id, *told)).encode()).hexdigest()
    return f"generated-{digest[:12]}"


def _asked_on(candidate: Candidate, article: Article, articles: Iterable[Article]) -> str | None:
    """The day after the newest article; of what is so for a time, the day after its own."""
    if not article.published:
        return None
    return _after([article] if _IS_NOW.match(candidate.question) else articles)


def _after(articles: Iterable[Article]) -> str | None:
    """The day after the newest article, or today where that lies in the future."""
    days = [day_start(article.published).date() for article in articles if article.published]
    if not days:
        return None
    return min(max(days) + timedelta(days=1), datetime.now(UTC).date()).isoformat()


# Twins


@dataclass(frozen=True, slots=True)
class _Pool:
    """What twins are drawn from."""

    asked: Sequence[Candidate]
    articles: Mapping[str, Article]
    collection: Collection


def _twins(tray: _Tray, number: int, pool: _Pool, draw: random.Random) -> list[Case]:
    """Up to `number` twins of the cases in random order, not too many of one rule."""
    order = list(_in_turn(tray.taken, draw))
    of_rule: Counter[str] = Counter()
    found: dict[str, Case] = {}
    for candidate in order * _MOST_TWINS:
        if len(found) == number:
            break
        if of_rule[candidate.rule] >= _MOST_OF_A_RULE * number:
            continue
        twins = _twins_of(candidate, pool, draw)
        twin = next((twin for twin in twins if twin.question not in found), None)
        if twin is None:
            tray.dropped["no twin that is surely unanswerable"] += 1
        else:
            found[twin.question] = twin
            of_rule[candidate.rule] += 1
    return list(found.values())


def _twins_of(candidate: Candidate, pool: _Pool, draw: random.Random) -> Iterator[Case]:
    """Twins by the day of asking where that takes the fact away, then by another name."""
    article = pool.articles[candidate.article_id]
    case = _case(candidate, pool.articles)
    if article.published and without_fact(
        candidate, day_before(article.published), pool.collection
    ):
        asked_on = day_before(article.published).isoformat()
        yield _unanswerable(case, candidate.question, "removed", asked_on)
    others = draw.sample(pool.asked, len(pool.asked))
    for question in swapped(candidate, others, pool.collection):
        yield _unanswerable(case, question, "swapped", case.as_of)


def _unanswerable(case: Case, question: str, how: str, as_of: str | None) -> Case:
    return Case(
        _case_id(case.relevant[0], question, how),
        question,
        as_of=as_of,
        answerable=False,
        tags=("generated", "unanswerable", "twin", how),
        note=f"twin of {case.id}: the fact is {how}",
    )


# With a model


def _by_model(
    articles: Mapping[str, Article],
    corpus: Corpus,
    names: Names,
    llm: "LLM",
    draw: random.Random,
    dropped: Counter[str],
) -> Iterator[Candidate]:
    """A question of the model about a passage of each article, in random order."""
    for article_id in draw.sample(list(articles), len(articles)):
        passages = [
            articles[article_id].text[span.start : span.end]
            for span in corpus.passages(article_id)
            if span.end - span.start >= _SHORTEST_PASSAGE
        ]
        if not passages:
            continue
        written = write(draw.choice(passages), articles[article_id].title or "", llm)
        if isinstance(written, str):
            dropped["the model's reply is not usable"] += 1
        else:
            yield _candidate(written, article_id, names)


def write(passage: str, headline: str, llm: "LLM") -> Written | str:
    """The model's question about a passage; where two replies are no use, what was wrong."""
    wrong = ""
    for _ in range(2):
        reply = _ask(passage, headline, wrong, llm)
        try:
            written = _WRITTEN.validate_json(reply[reply.find("{") : reply.rfind("}") + 1])
        except ValidationError as error:
            wrong = wrong_key(error, [f.name for f in fields(Written)])
            continue
        wrong = _mistake(written, passage)
        if not wrong:
            return written
    return wrong


def _mistake(written: Written, passage: str) -> str:
    """What is wrong with a reply, empty where nothing is."""
    if not written.question.endswith("?"):
        return "question: does not end in a question mark"
    if " ".join(written.evidence.split()) not in " ".join(passage.split()):
        return "evidence: does not stand in the passage word for word"
    if fold(written.answer) not in fold(written.evidence) or not written.answer:
        return "answer: does not stand in the evidence word for word"
    return ""


def _ask(passage: str, headline: str, wrong: str, llm: "LLM") -> str:
    from llama_index.core.llms import ChatMessage

    told = f"Your last reply could not be used: {wrong}. Try again." if wrong else ""
    system, user = load("generate").fill(
        headline=fence(headline, "headline"), passage=fence(passage, "passage"), wrong=told
    )
    messages = [
        ChatMessage(role="system", content=system),
        ChatMessage(role="user", content=user),
    ]
    with endpoint_errors(llm.metadata.model_name, _LLM_SETTINGS):
        return llm.chat(messages).message.content or ""


def _candidate(written: Written, article_id: str, names: Names) -> Candidate:
    kind = _KINDS.get(kind_asked(written.question) or "", "fact")
    subject = first_name(written.question.partition(" ")[2], names)
    also = also_called(written.answer) if names.person(written.answer) else ()
    return Candidate(
        written.question,
        written.answer,
        kind,
        "model",
        subject,
        written.question,
        article_id,
        written.evidence,
        also,
    )
