"""Noun groups of a question, and which of the turns before a pronoun stands for.

>>> [(group.text, group.kind) for group in mentions("What did Lukas Amsel say about the treaty?")]
[('Lukas Amsel', 'person'), ('the treaty', 'thing')]
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..index.archive.conversations import Turn
from ..index.words import STOP_WORDS, fold

LOOKED_BACK = 4  # turns in which a pronoun's antecedent is looked for
_FAR_INSIDE = 8  # words before a pronoun: further in, it stands for something in its own question
LEAD = r"(?:(?:and|but|or|so|ok|okay|also|now|then|again)\b[\s,]*)*"
MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
WEEKDAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"


@dataclass(frozen=True, slots=True)
class Mention:
    """A noun group of a text, `text[start:end]`."""

    text: str
    start: int
    end: int
    kind: str
    "person | place | thing | name (a single word that may be any of them)"


_TITLES = """minister president mayor professor doctor dr mr mrs ms sir judge governor coach captain
councillor senator chancellor king queen bishop director chair manager leader negotiator author
lawyer"""
_PERSONS = frozenset(_TITLES.split())
_PARTS_OF_NAMES = """bank union league university party council court ministry radio office wind
rail foundation gallery athletic rovers festival institute polytechnic port hills river lake"""
_THINGS = frozenset(_PARTS_OF_NAMES.split())
_PLACE_WORDS = "in|at|near|from|to|across|outside|around"
AUX = "is|are|was|were|do|does|did|has|have|had|will|would|can|could|should|might|must"
WH = "who|whom|whose|what|which|when|where|why|how"
BREAKS = (
    "|".join(STOP_WORDS) + f"|{_PLACE_WORDS}|{AUX}|not|no|say|said|according|against|since|last"
)
_AFTER_AUX = re.compile(rf"\b(?:{AUX}) $", re.I)
_CLAUSE = re.compile(r"[,;]|\b(?:that|when|after|before|because|while|if|and|who)\b", re.I)
_CAPITAL = rf"(?!(?i:{BREAKS})\b)(?!{MONTH}\b|{WEEKDAY}\b)(?:(?:[A-Z]\.){{2,}}|[A-Z][\w’'-]*)"
_COMMON = rf"(?!(?:{BREAKS})\b)[^\W_][\w’'-]*"
_JOINED = rf" (?:(?:of|the|de|van|von|&) ){{0,2}}{_CAPITAL}"
_MENTION = re.compile(
    rf"\b(?:(?P<article>(?i:the|its|their|an?)) {_COMMON}(?:{_JOINED}| {_COMMON})*"
    rf"|{_CAPITAL}(?:{_JOINED})*)"
)
_VERB_BEHIND = re.compile(r"(?<=\w)(?<! of)(?: [a-z]\S*)+$")
_BEFORE_VERB = re.compile(r"\b(?:do|does|did|will|would|can|could|should|might|must) $", re.I)


def mentions(text: str) -> list[Mention]:
    """The names and definite noun groups of a text, in order."""
    found = []
    for match in _MENTION.finditer(text):
        said, before = match[0], text[: match.start()]
        if match["article"]:  # a verb may stand behind: "did the men sue Skerrow Wind"
            first, _, last = said.rpartition(" ")
            inverted = _BEFORE_VERB.search(before)
            if " " in first and last[:1].islower() and (inverted or last.endswith("ed")):
                said = first
            if inverted:
                said = re.sub(r"(?<=[a-z]) [a-z]\S* [A-Z].*", "", said)
        said = re.sub(r"[’']s?$", "", said)
        if before or " " in said or said.isupper() or not re.match(r" [a-z]", text[len(said) :]):
            start = match.start()
            found.append(Mention(said, start, start + len(said), _kind(said, before, match)))
    return found


def _kind(said: str, before: str, match: re.Match[str]) -> str:
    parts, previous = fold(said).split(), fold(before).split()[-1:]
    is_titled = {*previous, parts[0]} & _PERSONS
    if match["article"]:
        return "person" if parts[-1] in _PERSONS or parts[-1].endswith("man") else "thing"
    if {*parts} & _THINGS or "of" in parts or "&" in parts or said.isupper():
        return "place" if re.search(rf"\b(?:{_PLACE_WORDS}) $", before) else "thing"
    if re.search(r"\b(?:in|at|near|across|outside) $", before):
        return "place"
    return "person" if is_titled or " " in said else "name"


SUITS = {  # the kinds that a pronoun may stand for, the likeliest first
    **dict.fromkeys(("he", "she", "him", "her", "his"), ("person", "name")),
    **dict.fromkeys(("it", "its", "that", "this"), ("thing", "name", "person")),
    **dict.fromkeys(("they", "them", "their"), ("thing", "person", "name")),
    "there": ("place", "name", "thing", "person"),
}
_END = r"(?=\s*(?:[?.,;!]|$))"
_PRONOUN = re.compile(
    rf"""\b(?:(?P<subject>he|she|they|his|its|their)|(?P<object>him|them)|(?P<her>her)
    |(?<!\btime\ is\ )(?P<it>it)(?!\s(?:takes?|took|taken|rain|snow|seems?|be\b
        |(?:was\s|is\s)?(?:true|possible|likely|that)))
    |(?<!\bis\ )(?<!\bare\ )(?<!\bwas\ )(?P<there>there){_END}
    |(?:(?<=about\s)|(?<=to\s)|(?<=of\s)|(?<=for\s)|(?<=after\s)|(?<=before\s)|(?<=with\s))
        (?P<topic>that|this){_END})\b""",
    re.I | re.X,
)
_ALIKE = {"him": "he", "his": "he", "her": "she", "its": "it", "them": "they", "their": "they"}


def antecedent(
    word: str, turns: Sequence[Turn], taken: Collection[str], as_subject: bool
) -> str | None:
    """What a pronoun stands for: of the last turn that names anything fitting."""
    for turn in reversed(turns[-LOOKED_BACK:]):
        asked = turn.standalone_question
        if word in ("they", "them", "their") and (asked_for := _group_asked_for(asked)):
            return asked_for
        said = " ".join(str(statement["text"]) for statement in turn.answer["statements"])
        wants_name = re.search(r"\b(?:who|whom|whose|which|what is the name)\b", asked, re.I)
        # A name may open an answer to "who?"; elsewhere the first word may be any.
        opens = wants_name and word not in ("it", "its", "there")
        answered = mentions(re.sub(r"\s*\[\d+\]", "", f"- {said}" if opens else said))
        named = [m for m in answered if m.text not in asked and _is_name(m.text)]
        held = mentions(asked)
        is_object = not as_subject and word not in ("he", "she")
        groups = [*(held[::-1] if is_object else held), *named]
        if wants_name:
            groups = [*named, *groups]
        kinds = SUITS[word]
        if wants_name and any(m.kind in kinds[:2] for m in named):
            groups = named
        for kind in kinds:
            for group in groups:
                if group.kind == kind and group.text not in taken:
                    is_said = group in named  # "The Lorenz Foundation bought": without the verb
                    return _VERB_BEHIND.sub("", group.text) if is_said else group.text
    return None


def _is_name(text: str) -> bool:
    return re.sub(r"^(?:The|An?) ", "", text)[:1].isupper()


def _group_asked_for(asked: str) -> str | None:
    """Whom "they" are after "How many people were hurt?" or "Which reporters wrote it?"."""
    if many := re.match(r"how many (\w+) (?:were|are) (\w+(?:ed|en|t)\b.*)", asked, re.I):
        return f"the {many[1]} {many[2].rstrip(' ?')}"
    if many := re.match(r"how many (\w+s|people|men|women)\b", asked, re.I):
        return f"the {many[1]}"
    which = re.match(rf"which (\w+s) (?!(?:{AUX})\b)(.+)", asked, re.I)
    return f"the {which[1]} who {which[2].rstrip(' ?')}" if which else None


def resolved(text: str, turns: Sequence[Turn]) -> tuple[str, tuple[str, ...]]:
    """A question with names for the pronouns that refer back; a note where one is not clear."""
    out, end, notes = "", 0, []
    chosen: dict[str, str] = {}
    for match in _PRONOUN.finditer(text):
        before, after, word = text[: match.start()], text[match.end() :], match[0].lower()
        is_owner = word in ("his", "its", "their")
        if word == "her":
            is_owner = re.match(rf" (?!(?:{BREAKS})\b)\w", after) is not None
        is_object = match.lastgroup in ("object", "it", "her") and not is_owner
        if _is_bound(before, after, word, is_object=is_object, is_owner=is_owner):
            continue
        key = _ALIKE.get(word, word)
        taken = [*chosen.values(), *(mention.text for mention in mentions(text))]
        as_subject = re.search(r"\b(?:do|does|did|will|has|have|had) $", before, re.I) is not None
        name = chosen.get(key) or antecedent(word, turns, taken, as_subject)
        if name is None:
            notes.append(f"it is not clear what “{match[0]}” stands for: ask with the name")
            continue
        chosen[key] = name
        shown = re.sub(r"^(?:The|An?) ", lambda article: article[0].lower(), name)
        if word == "there" and not before.endswith(("from ", "in ")):
            shown = f"in {shown}"
        out += text[end : match.start()] + shown + ("’s" if is_owner else "")
        end = match.end()
    return out + text[end:], tuple(notes)


def _is_bound(before: str, after: str, word: str, *, is_object: bool, is_owner: bool) -> bool:
    """Whether a pronoun stands for something in its own question; where in doubt it does."""
    if word in ("that", "this"):
        return False
    held = mentions(before)
    if word == "there":
        return any(mention.kind in ("place", "thing") for mention in held)
    before = re.sub(rf"^{LEAD}", "", before, flags=re.I)
    # "its own", "After their call, what ...", and what stands far inside a long question
    is_ahead = re.match(r"(?:after|before|when|while|since|if|despite|in|during)\b", before, re.I)
    if (
        after.startswith(" own ")
        or (is_ahead and "," in after)
        or len(before.split()) > _FAR_INSIDE
    ):
        return True
    clause = before.partition(" ")[2]
    if is_object and word != "it" and not _CLAUSE.search(clause):
        return False
    # "how many doctors have their samples tested", but "how many seats did they win"
    after_aux = _AFTER_AUX.search(before) and not (is_owner and re.search(r"ha\w+ $", before))
    if re.search(rf"\b(?:which|what|how many)\s+(?!(?:{BREAKS})\b)\w", before, re.I):
        return not after_aux
    who = word not in ("it", "its") and re.search(rf"\bwho\s+(?!(?:{AUX})\b)\w", before, re.I)
    if word == "it" and not held and re.match(_END, after):
        return False
    content = [part for part in before.split() if not re.fullmatch(BREAKS, part, re.I)]
    is_named = any(m.kind in SUITS[word] or re.search("[A-Z]", m.text) for m in held)
    return bool(is_named or who or (len(content) > 1 and not after_aux))
