"""What a generated question must pass before it becomes a case: a small function for each check.

collection = Collection.of(desk.archive, corpus, names, candidates)
name = failed_check(candidate, collection)  # None: it is kept
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ...index.archive import Archive
from ...index.archive.filter import Filter
from ...index.words import fold, stems
from ...qa.asked import HOLDS, kind_asked
from ...qa.retrieve import full_text_query
from ..corpus import Corpus
from .names import CAPITAL, Names
from .page import Candidate

_PRONOUN = re.compile(
    r"\b(?:he|she|him|her|his|hers|they|them|their|theirs|it|its|we|our)\b", re.IGNORECASE
)
_ELSEWHERE = re.compile(
    r"\b(?:this|these|those|such|there|here|another|others?|similar|same)\b", re.IGNORECASE
)
_RELATIVE = re.compile(
    r"\b(?:at the time|at first|yesterday|today|tonight|tomorrow|now|recently|currently|earlier"
    r"|later|ago|so far|again"
    r"|(?:last|next|this|past|previous|following|same|that|coming) (?:year|month|week|season|time"
    r"|day|night|summer|winter|spring|autumn|weekend|quarter|term|century|decade|\w+day)s?"
    r"|the (?:year|month|week|day) (?:before|after)|\w+day (?:morning|evening|night)"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\b",
    re.IGNORECASE,
)
# "the company", "the final" and the like mean what another sentence has named; "the leader of
# Chad", "the US market" and "the world" say it themselves.
_DEFINITE = re.compile(r"\bthe ((?:[\w£$€.,’'-]+ ?){1,5})", re.IGNORECASE)
_SAYS_WHICH = ("of", "for", "between", "against")
_UNIQUE = """world internet web net sun moon sea euro dollar pound public environment media best
worst largest biggest highest"""
_MOST_PASSAGES = 1000
_FIGURE = re.compile(
    r"\d[\d,.]*|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty)\b"
)


@dataclass(frozen=True, slots=True)
class Collection:
    """The articles at hand, and everything that has been asked about them."""

    archive: Archive
    corpus: Corpus
    names: Names
    answers: dict[tuple[str, str], set[str]]
    "folded answers by rule and what is asked"
    told: dict[tuple[str, str], bool] = field(default_factory=dict)
    "what `tells` has found"

    @classmethod
    def of(
        cls, archive: Archive, corpus: Corpus, names: Names, asked: Iterable[Candidate]
    ) -> "Collection":
        """The collection with the candidates that its articles give."""
        answers: dict[tuple[str, str], set[str]] = defaultdict(set)
        for candidate in asked:
            answers[_asked(candidate)].add(fold(candidate.answer))
        return cls(archive, corpus, names, answers)

    def holds(self, words: str, *more: str, matching: Filter | None = None) -> bool:
        """Whether a passage holds all these phrases."""
        query = " AND ".join(_phrase(phrase) for phrase in (words, *more))
        return bool(self.archive.match_passages(query, matching, 1))

    def count(self, words: str) -> int:
        """How many passages hold a phrase, up to a thousand."""
        return len(self.archive.match_passages(_phrase(words), None, _MOST_PASSAGES))

    def tells(self, name: str, pattern: str) -> bool:
        """Whether a passage that holds the name matches the pattern."""
        if (name, pattern) not in self.told:
            texts = self.passages_with(name)
            self.told[name, pattern] = any(re.search(pattern, text) for text in texts)
        return self.told[name, pattern]

    def passages_with(self, name: str, matching: Filter | None = None) -> list[str]:
        """The texts of passages that hold a name, up to a thousand."""
        found = self.archive.match_passages(_phrase(name), matching, _MOST_PASSAGES)
        return [passage.text for passage in self.archive.passages([key for key, _ in found])]


def _phrase(words: str) -> str:
    return '"' + " ".join(re.findall(r"\w+", words)) + '"'


def _asked(candidate: Candidate) -> tuple[str, str]:
    return candidate.rule, " ".join(stems(candidate.asks))


def evidence_is_verbatim(candidate: Candidate, collection: Collection) -> bool:
    """The article says the evidence word for word."""
    return bool(collection.corpus.spans(candidate.evidence, [candidate.article_id]))


def answer_follows(candidate: Candidate, collection: Collection) -> bool:
    """The evidence holds the answer between word borders, and it is of the kind asked for."""
    is_there = any(_stands_in(said, candidate.evidence) for said in candidate.said)
    return is_there and _is_of_kind(candidate)


def _is_of_kind(candidate: Candidate) -> bool:
    kind = kind_asked(candidate.question)
    if kind in ("person", "place", None):
        return kind is None or candidate.answer[:1].isupper()
    if kind == "age":
        return candidate.answer[:1].isdigit()
    return bool(HOLDS[kind].search(candidate.answer) or _FIGURE.search(candidate.answer))


def answer_is_not_told(candidate: Candidate, collection: Collection) -> bool:
    """No way to say the answer stands in the question."""
    return not any(_stands_in(said, candidate.question) for said in candidate.said)


def _stands_in(words: str, text: str) -> bool:
    pattern = r"\s+".join(map(re.escape, fold(words).split()))
    return bool(re.search(rf"(?<!\w){pattern}(?!\w|[.,]\d)", fold(text)))


def question_stands_alone(candidate: Candidate, collection: Collection) -> bool:
    """The question names its subject and points at nothing outside itself.

    No pronoun before a name, no "the company", no "last week".
    """
    question = candidate.question
    if candidate.kind == "speaker":
        return _quotation_stands_alone(question, collection.names)
    names = [word for word in _names_in(question, collection.names)]
    pronoun = _PRONOUN.search(question)
    is_clear = not pronoun or bool(names and question.find(names[0]) < pronoun.start())
    is_clear = is_clear and not _RELATIVE.search(question) and not _ELSEWHERE.search(question)
    return bool(names) and is_clear and not any(map(_dangles, _DEFINITE.findall(question)))


def _quotation_stands_alone(question: str, names: Names) -> bool:
    """A quotation may say "I" and "we"; "he" and "it" must come after what they mean."""
    said = question.partition('"')[2]
    words = re.findall(r"[\w’']+", said)
    first = {word.lower() for word in words[:3]}
    pointing = re.search(
        r"\b(?:he|she|him|her|his|they|them|their|this|these|that's)\b", said, re.I
    )
    named = _names_in(said.partition(" ")[2], names)
    if not named or first & {"he", "she", "they", "it", "it's", "this", "that", "these", "those"}:
        return False
    return not pointing or said.find(named[0]) < pointing.start()


def _names_in(text: str, names: Names) -> list[str]:
    words = re.findall(rf"(?<=[\w,.] ){CAPITAL}", text)
    return [word for word in words if len(word) > 1 and not names.is_ordinary(word)]


def _dangles(after_the: str) -> bool:
    """Whether what follows "the" ends without saying which one."""
    words = after_the.split()
    for word in words:
        if word[:1].isupper() or word[:1].isdigit() or word in (*_UNIQUE.split(), *_SAYS_WHICH):
            return False
    return True


def answer_is_unambiguous(candidate: Candidate, collection: Collection) -> bool:
    """No article answers what is asked otherwise, nor this article twice."""
    return len(collection.answers.get(_asked(candidate), {candidate.answer})) <= 1


def retrieval_does_not_tell(candidate: Candidate, collection: Collection) -> bool:
    """Finding the passage is not yet the answer.

    Either the passage that BM25 alone puts first for the question does not hold the answer, or it
    holds another candidate of the kind that is asked for (a second person, number, date or place),
    so that one must be chosen. That a passage's only name or number answers most questions of its
    kind was shown by Weissenborn et al. (CoNLL 2017) and Sugawara et al. (EMNLP 2018).
    """
    found = collection.archive.match_passages(full_text_query(candidate.question), None, 1)
    for passage in collection.archive.passages([key for key, _ in found]):
        if any(_stands_in(said, passage.text) for said in candidate.said):
            return len(_rivals(candidate, passage.text, collection.names)) > 0
    return True


def _rivals(candidate: Candidate, text: str, names: Names) -> set[str]:
    """What else in a text could be taken for the answer."""
    if candidate.kind in ("speaker", "name"):
        found = set(names.people(text)) | set(re.findall(rf"\b(?:Mr|Mrs|Ms)\.? {CAPITAL}", text))
    elif candidate.kind == "place":
        found = set(_names_in(text, names))
    elif candidate.kind == "date":
        found = set(re.findall(r"\b(?:1[5-9]|20)\d\d\b|\b\d{1,2} [A-Z][a-z]{2,8}\b", text))
    else:
        found = set(_FIGURE.findall(text))
    own = {part for said in (*candidate.said, candidate.question) for part in said.split()}
    bare = {part.strip('?,.":') for part in own}
    return {rival for rival in found if not set(re.findall(r"[\w&’'-]+", rival)) & bare}


Check = Callable[[Candidate, Collection], bool]
CHECKS: dict[str, Check] = {
    "evidence is not verbatim": evidence_is_verbatim,
    "answer does not follow": answer_follows,
    "answer stands in the question": answer_is_not_told,
    "question does not stand alone": question_stands_alone,
    "ambiguous in the collection": answer_is_unambiguous,
    "retrieval alone gives it away": retrieval_does_not_tell,
}


def failed_check(candidate: Candidate, collection: Collection) -> str | None:
    """The name of the first check that a candidate fails; None where it passes all."""
    return next((name for name, holds in CHECKS.items() if not holds(candidate, collection)), None)
