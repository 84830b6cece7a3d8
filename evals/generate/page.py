"""An article as the rules read it: its sentences, its people, its clauses, its verbs.

page = page_of(article, names)
page.person("Mr Rehn"); page.clause(" the bridge in Brenik, which had been shut.")
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import lemminflect

from ...index.article import Article
from ...index.chunk import sentence_spans
from .names import CAPITAL, HONORIFIC, NAME, Names

# A clause may end here; anywhere else the sentence is passed over rather than cut.
_CLAUSE_END = re.compile(
    r"(?<!\b[A-Z])(?<!\b(?:Mr|Ms|Dr|St|Jr))(?<!\b(?:Sen|Rep|Gov|Mrs|Rev))[.;!?](?=\s|$)"
    r"|\s[-–—]\s|\s\(|,\s(?:which|who|but|while|after|according|said|with|when|where|although|and"
    r"|as|making|leaving|compared|up|down|despite|ahead|before|beating|\w+ing|has|had|was|is|will"
    r"|were|are|told|[a-z]+ed)\b"
    r"|\s(?:after|while|when|because|although|which|who|but|as|before|compared|despite|since)\b"
)
# lemminflect has no types of its own.
_lemmas: Callable[..., tuple[str, ...]] = lemminflect.getLemma
_forms: Callable[..., dict[str, tuple[str, ...]]] = lemminflect.getAllInflections
_form: Callable[..., tuple[str, ...]] = lemminflect.getInflection
_AND_ANOTHER = re.compile(r"\band (?:[A-Z][\w.’'-]* )+([a-z]+)")
# "The Reds": whom a nickname means, only its own page tells.
_TEAM = re.compile(r"The (?:(?!Netherlands|Philippines|Bahamas)\w+s|.* (?:Democrat|Republican))")
_WEEKDAY_AT_END = re.compile(
    r",? (?:on|late on|early on) (?:Mon|Tues|Wednes|Thurs|Fri|Sat|Sun)\w+$"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question, its answer, and the sentence that holds it."""

    question: str
    answer: str
    "the fullest form that the article gives"
    kind: str
    "speaker | name | number | money | percent | date | age | place"
    rule: str
    subject: str
    "the name in the question that it is about"
    asks: str
    "what is asked, without detail: another answer to it makes the question ambiguous"
    article_id: str
    evidence: str
    also: tuple[str, ...] = ()
    "other ways to say the answer"
    speaker: str | None = None

    @property
    def said(self) -> tuple[str, ...]:
        """Every way to say the answer."""
        return (self.answer, *self.also)


@dataclass(frozen=True, slots=True)
class Page:
    """An article with its sentences and what is known of its names."""

    article: Article
    names: Names
    spans: list[tuple[int, int]]
    people: list[str]
    "the full names of the persons in it"

    def matches(self, pattern: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str]]]:
        """Where a pattern fits a sentence in which no quotation is left open."""
        for start, end in self.spans:
            sentence = self.article.text[start:end]
            if sentence.count('"') % 2 == 0:
                for match in pattern.finditer(sentence):
                    yield sentence, match

    def around(self, start: int, end: int) -> str:
        """The whole sentences that `start` to `end` touches."""
        touched = [(left, right) for left, right in self.spans if left < end and start < right]
        return self.article.text[touched[0][0] : touched[-1][1]] if touched else ""

    def full_name(self, surname: str) -> str | None:
        """The one full name that the article gives with this surname; None: none, or several."""
        found = {name for name in self.people if name.rpartition(" ")[2] == surname}
        return found.pop() if len(found) == 1 else None

    def clause(self, text: str, shortest: int = 2) -> str | None:
        """The clause that a text begins with, its persons named in full; None where unclear."""
        rest = clause(text, shortest)
        if rest is None:
            return None
        lone = rf"(?<![A-Z\w’'] )\b(?:{HONORIFIC} )?({CAPITAL})\b(?![’'-]?\w| [A-Z])"
        rest = re.sub(lone, lambda match: self.full_name(match[1]) or match[0], rest)
        return None if re.search(r"\b(?:Mr|Mrs|Ms|Miss)\b", rest) else rest

    def person(self, words: str) -> str | None:
        """The full name of a person that is called so here, by full name or "Mr" and surname."""
        if called := re.fullmatch(rf"{HONORIFIC} ({CAPITAL})", words):
            return self.full_name(called[1])
        is_called = re.match(r"(?:Mr|Mrs|Ms|Miss)\b", words)
        return None if is_called else self.names.person(words)

    def subject(self, words: str) -> str | None:
        """The name that these words are, in full; None where they are none or it is unclear."""
        bare = re.sub(rf"^(?:The )?(?:{HONORIFIC} )?", "", words)
        if (
            self.names.is_ordinary(bare.split()[0])
            or len(bare) < 3
            or bare == "U.S."
            or _TEAM.fullmatch(words)
        ):
            return None
        if bare != words.removeprefix("The ") or " " not in bare:
            full = self.full_name(bare)
            full = full or self.names.introduced(bare, self.article.text)
            if full or bare != words.removeprefix("The "):
                return full
        return f"the {bare}" if words.startswith("The ") else bare


def page_of(article: Article, names: Names) -> Page:
    """The article with its sentences and people."""
    spans = sentence_spans(article.text, 0, len(article.text), article.language)
    return Page(article, names, spans, names.people(article.text))


@lru_cache(maxsize=10_000)
def finite(verb: str) -> tuple[str, str | None]:
    """The auxiliary of a finite verb and its lemma: "did" and "rise"; None for other words."""
    for lemma in _lemmas(verb, upos="VERB"):
        forms = _forms(lemma, upos="VERB")
        for tag, auxiliary in (("VBD", "did"), ("VBZ", "does")):
            if verb in forms.get(tag, ()):
                return auxiliary, lemma
    return "did", None


@lru_cache(maxsize=10_000)
def is_participle(verb: str) -> bool:
    """Whether a word is the past participle of a verb."""
    lemmas = _lemmas(verb, upos="VERB")
    forms = (_forms(lemma, upos="VERB") for lemma in lemmas)
    # Where past tense and participle are the same, the tables list the past tense alone.
    return any(verb in found.get("VBN", found.get("VBD", ())) for found in forms)


def clause(text: str, shortest: int = 2) -> str | None:
    """The words up to the end of the clause; None where the end is unclear or it is too long."""
    end = _CLAUSE_END.search(f"{text} ")
    rest = text[: end.start()] if end else text
    rest = _WEEKDAY_AT_END.sub("", rest).strip()
    if not shortest <= len(rest.split()) <= 14 or re.search(r"[,:\"“”()]|\band [a-z]| that ", rest):
        return None
    return None if any(finite(verb)[1] for verb in _AND_ANOTHER.findall(rest)) else rest


def first_name(words: str, names: Names) -> str:
    """The first name in a text; empty where there is none."""
    for match in re.finditer(NAME, words):
        if len(match[0]) > 2 and not names.is_ordinary(match[0].split()[0]):
            return match[0]
    return ""


def also_called(person: str) -> tuple[str, ...]:
    """The surname, where it is long enough to be told from other words."""
    last = person.rpartition(" ")[2]
    return (last,) if len(last) > 2 else ()


@lru_cache(maxsize=10_000)
def past_of(participle: str) -> tuple[str, str]:
    """The lemma and the past tense of a participle: "write" and "wrote"; empty for no verb."""
    lemma = next(iter(_lemmas(participle, upos="VERB")), "")
    return lemma, next(iter(_form(lemma, "VBD")), "") if lemma else ""
