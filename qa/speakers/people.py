"""Whom the words before or after `said` name: full names, roles, unnamed sources.

>>> scene = Scene("Finance Minister Ida Moravec spoke. Moravec waits.")
>>> full(scene, "Moravec"), noun_phrase(scene, "the minister"), noun_phrase(scene, "two officials")
('Ida Moravec', ('Ida Moravec', None), ('two officials', None))
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from ...index.words import STOP_WORDS
from .marks import HOLE, softened

_WORD = r"(?:[A-ZÀ-ÖØ-Þ](?:[\w’'-]*[\w’'])?)"
_LINK = (
    r"(?:(?:de|van|von|der|al|bin|&)\s"
    r"|(?<=(?:ank|ity|try|ent|ute|urt|ice|ers|ter|ion|cil|eau)\s)(?:of|for)\s(?:the\s)?"
    r"|(?<=(?:trol|alth)\s)and\s)"
)
NAME = rf"{_WORD}(?:\s{_LINK}{{0,2}}{_WORD})*"
RUN = re.compile(NAME)
_HONOUR_WORDS = """Mr Mrs Ms Miss Dr Professor Prof Sir Dame Lord Lady Minister President Judge
Prime Finance Governor Rector Mayor Commander Captain Prosecutor Chancellor Senator General Colonel
Chief Secretary Ambassador Director Deputy Chairman Chairwoman Chair King Queen Prince Princess Pope
CEO Speaker Leader Attorney Commissioner Superintendent State Premier Reps Whip Minority Majority
Rep Spokesman Spokeswoman Sheriff Congressman Congresswoman Representative Sen Gov
Justice Archbishop Bishop Cardinal Rev Emeritus Firefighter Officer"""
_NO_NAME_WORDS = """Asked Neither Nobody Monday Tuesday Wednesday Thursday Friday Saturday Sunday
January February March April June July August September October November December Earlier Later
Yesterday Today Not According One Two Three Many Now However Even Still Yet Meanwhile Instead Like
Unlike Although Though Since Also Then Last Next Every Despite Without Among Critics Around Perhaps
Adds Says"""
_HONOURS = frozenset(_HONOUR_WORDS.split())
_NOT_NAMES = frozenset(_NO_NAME_WORDS.split())
_PEOPLE = r"""(?:spokes\w+|officials?|person|people|sources?|manager|employees?|aides?|diplomats?
    |lawyers?|ministers?|analysts?|witness(?:es)?|advis[eo]rs?|director|chair\w*|head|member)"""
_UNNAMED = re.compile(
    rf"""(?i:\b(?:a|an|one|two|three|several|the)\s(?:[\w’'-]+\s){{0,3}}?{_PEOPLE})
    (?:\s(?:for|at|with|of|from|in|familiar|close|who|briefed|involved)\s.+)?$""",
    re.X,
)
PAPER = r"""(?:(?:[\w’'-]+\s){0,3}?(?:statement|post|readout|letter|message|interview|lecture|speech
    |reply|note|briefing|account|summary|report|tweet|article|release|video|email|estimate|testimony
    |memo|study|survey|poll|paper|(?:news|press)\sconference)\b)"""
_OWN_PAPER = re.compile(rf"(.+?)[’']s?\s({PAPER}(?:\sof\s(?:an?|the)\s[\w-]+)?)", re.X)
_DETERMINER = r"(?:[Tt]he|[Aa]n?|[Oo]ne|[Tt]wo|[Hh]is|[Hh]er|[Ii]ts|[Tt]heir|[A-Z]\w+[’']s)"
_PHRASE = re.compile(
    rf"(?:^|.*\s)({_DETERMINER}\s(?:[\w’'-]+\s){{0,5}}?[\w’'-]+(?:\s(?:of|for|at|with)\s.+)?)$"
)
_OF = re.compile(  # "the head |of the union", "Supporters |of the bill"
    rf"(?:\b{_DETERMINER}\s(?:[\w’'-]+\s){{0,3}}?[\w’'-]+|\b[\w’'-]+s)\s(?:of|for)\s$"
)
_LONGEST = 500  # characters of a clause that are read before its verb
_MOST_PLACES = 40  # of a surname that are looked at for the full name
_AUXILIARY = re.compile(r"\b(?:would|was|were|is|are|will|can|could|had|has)\b")
_ROLE = re.compile(
    r"[Tt]he\s((?:[\w-]+\s)*(?:[\w-]*(?:er|or|ist|ian|man|ive|(?<!m)ent|ge|air|tain|bishop)"
    r"|cardinal|pope|king|queen|prince|princess|general|colonel|sheriff))"
)
_SHE = r"(?:(Mrs|Ms|Miss|Dame|Lady)|Mr|Sir|Lord)\.? (?:\w+ )?"
_PREPOSITION = re.compile(r"(?i)\b(?:in|at|of|from|to|for|by|on|over|with|against)\s(?:the\s)?$")
_RELATIVE = re.compile(r"\s+(?:who|whose|which|on|in|at|after|before|during|outside|when|as|from|"
                       r"near|late|early|yesterday|today|this|last|while|by)\b")  # fmt: skip
_CUT = re.compile(r"(?:^|\s)(?:which|and|but|while|that|because|when|if|whether|as|whom|after|or|"
                  r"then|than|since|although|though|so)\s(?!the\W*$)")  # fmt: skip
_STARTER = re.compile(r"(?:[DRI]-[A-Z]\w*|who|whose|which|an?|the|[a-z0-9(]\w*)\b")
_PLACE = re.compile(rf"\s(?:in|of|from|at|near)\s{NAME}$")  # "of Ossen, Castrine,"
_PRONOUN = re.compile(r"\b([Hh]e|[Ss]he|[Tt]hey|[Ii]t|I|[Ww]e|[Yy]ou)$")
_ADVERBS = re.compile(
    r"(?:(?:^|\s)(?:had|has|have|also|now|still|then|later|only|further|itself|again|recently|\w+ly|once|"
    r"(?:on|last|late|early|this|earlier)\s\w+|that\s(?:day|night|week|month|year)|yesterday|today))*\s*$"
)
_BODY = re.compile(
    r"([Tt]he\s(?:[\w’-]+\s)??[\w’-]+)\s(?:had|issued|released|published|posted|declined)\b"
)


@dataclass(slots=True)
class Scene:
    """One reading of a part of an article from its beginning to its end."""

    text: str  # the whole article, where names are looked up
    part: str = ""  # the part that is read, masked
    people: list[str] = field(default_factory=list)  # persons who spoke or acted, in order
    female: dict[str, bool] = field(default_factory=dict)  # full name: spoken of as she
    body: str | None = None  # the last organisation that said something
    told: tuple[int, str | None, str | None] = (0, None, None)  # paragraph, speaker, channel
    known: dict[str, str] = field(default_factory=dict)  # names and roles that were looked up


def bare(run: str) -> str:
    """A name without titles before it and the possessive behind it."""
    words = re.sub(r"[’'](?:s\b)?$", "", run).split()
    titles = [at for at, word in enumerate(words[:-1]) if word.strip(".ƣ") in _HONOURS]
    words = words[titles[-1] + 1 :] if titles else words
    while len(words) > 1 and is_no_name(words[0]):
        words = words[1:]
    while len(words) > 1 and is_no_name(words[-1]):
        words = words[:-1]
    return " ".join(words)


def is_no_name(word: str) -> bool:
    """A capital letter that only begins a sentence, a day or a month."""
    return word in _NOT_NAMES or word.lower() in STOP_WORDS


def full(scene: Scene, name: str) -> str:
    """The first longer name of the text that ends in `name`, else `name`."""
    if name not in scene.known:
        at, whole = scene.text.find(f" {name}"), ""
        for _ in range(_MOST_PLACES):
            if at < 0 or (whole := _whole(scene.text, at + 1, at + 1 + len(name))):
                break
            at = scene.text.find(f" {name}", at + 1)
        scene.known[name] = whole or name
    return scene.known[name]


def _whole(text: str, start: int, end: int) -> str:
    """The name that ends at `end` with what stands before it."""
    at = max(0, start - 60)
    runs = list(RUN.finditer(softened(text[at:end])))
    is_word = runs and at + runs[-1].end() == end and not text[end : end + 1].isalnum()
    whole = bare(runs[-1][0]) if is_word else ""
    return whole if whole.endswith(" " + text[start:end]) else ""


def is_person(scene: Scene, name: str) -> bool:
    """A name of two words or more that the text nowhere gives an article."""
    return " " in name and bool(RUN.fullmatch(name)) and not any(
        f"{the} {name}" in scene.text for the in ("the", "The")
    )  # fmt: skip


def ends_in_name(words: str) -> str | None:
    """The bare name that `words` end in; its bearer in `Lisa Orr of Ossen`."""
    runs = list(RUN.finditer(words))
    if not runs or runs[-1].end() < len(words.rstrip()):
        return None
    is_of = len(runs) > 1 and re.fullmatch(
        r"\s(?:of|from|in|at)\s(?:the\s)?", words[runs[-2].end() : runs[-1].start()]
    )
    if is_of and " " in (bearer := bare(runs[-2][0])):
        return bearer
    name = bare(runs[-1][0])
    return None if not name or is_no_name(name) else name


def noun_phrase(scene: Scene, words: str) -> tuple[str | None, str | None]:
    """Speaker and channel in a subject: `the ministry’s readout` is the ministry, by a readout."""
    words = words.strip()
    if _AUXILIARY.search(words) or HOLE in words:
        return None, None
    if (paper := _OWN_PAPER.match(words)) and not ends_in_name(words[paper.start(2) :]):
        return noun_phrase(scene, paper[1])[0], paper[2]
    if (unnamed := _UNNAMED.search(words)) and not unnamed[0].lower().startswith("the "):
        return unnamed[0], None
    if name := ends_in_name(words):
        return full(scene, name), None
    if phrase := _PHRASE.search(words):
        of = _OF.search(words, 0, phrase.start(1))
        return by_role(scene, words[of.start() :] if of else phrase[1]), None
    is_plain = words[:1].isupper() and len(words.split()) < 4 and " by " not in words
    return (words if is_plain and not is_no_name(words.split()[0]) else None), None


def by_role(scene: Scene, phrase: str) -> str:
    """The name of `the minister` where the article gives it, else the phrase."""
    role = _ROLE.fullmatch(phrase)
    if not role:
        return phrase
    if phrase not in scene.known:
        named = Counter(_holders(scene, role[1]))
        scene.known[phrase] = named.most_common(1)[0][0] if named else phrase
    return scene.known[phrase]


def _holders(scene: Scene, role: str) -> list[str]:
    """The full names that stand right before or after a role."""
    noun = r"\s".join(f"[{w[0].upper()}{w[0].lower()}]{re.escape(w[1:])}" for w in role.split())
    given = []
    for found in re.finditer(rf"\b{noun}\b", scene.text):
        before = softened(scene.text[max(0, found.start() - 120) : found.start()])
        behind = softened(scene.text[found.end() : found.end() + 120])
        after = re.match(rf"(?:\s(?:of|at|for)\s[^,.]*?,|,)?\s({NAME})", behind)
        ahead = re.search(rf"({_WORD}(?:\s{_WORD})+),\s[^,.]*$", before)
        given += [full(scene, bare(m[1])) for m in (ahead, after) if m]
    return [name for name in given if " " in name]


def np_behind(scene: Scene, behind: str) -> str | None:
    """The speaker that `behind` begins with, as after `said` and `according to`."""
    segment = re.match(r"\s?([^,;:.—Ƣ]+)", behind)
    if not segment:
        return None
    cut = _RELATIVE.search(segment[1])
    head = (segment[1][: cut.start()] if cut else segment[1]).strip()
    following = re.match(rf"\s?,\s({NAME})(?=[,.]|\s(?:of|at|from)\b|$)", behind[segment.end() :])
    if following and not ends_in_name(head) and " " in bare(following[1]):
        return full(scene, bare(following[1]))
    name = noun_phrase(scene, head)[0]
    return name or (head if 0 < len(head.split()) < 5 else None)


def np_before(
    scene: Scene, before: str, left: int, inner: int, teller: str | None
) -> tuple[str, int, str | None] | None:
    """Speaker, where it begins, and channel of the subject that `before` ends with."""
    borders = [m.end() for m in re.finditer(r"Ƣ+\.?[\s,]*|[;:—]\s?", before)]
    offset = max(0, len(before) - _LONGEST, *borders[-1:], inner)
    stem = _ADVERBS.sub("", before[offset:])
    if pronoun := _PRONOUN.search(stem):
        at = offset + pronoun.start()
        if teller is None:
            meet(scene, left, left + at)
        who = _pronoun(scene, pronoun[1].lower())
        return (who, at, None) if who else None
    chunks = list(re.finditer(r"(?:[^,]|,(?=\d))+", stem))
    is_apart, clause = stem.endswith(","), None
    for number, chunk in reversed(list(enumerate(chunks))):
        cuts = [cut.end() for cut in _CUT.finditer(chunk[0] + " ")]
        words = chunk[0][cuts[-1] :] if cuts else chunk[0]
        at = offset + chunk.end() - len(words.lstrip())
        if not words.strip() and re.search(r"\b(?:and|but|or|then)$", chunk[0].strip()):
            who = teller or subject(scene, left, left + offset + chunk.start())
            who = who or subject(scene, left, left + at)
            return (who, at, None) if who else None
        words = re.sub(r"\s*\bwho(?:\slike\s.*)?$", "", words.strip())
        clause = clause or (at if not words else None)  # "Vass, head of the union, who said"
        is_apart = is_apart or not words
        if not words or (is_apart and number and _is_apposition(words, chunks[number - 1][0])):
            continue
        name, channel = noun_phrase(scene, words)
        if name is None and number and len(words.split()) < 3 and words[-3:] != "ing":
            name = words  # a headline's "..., union says"
        return (name, clause or at, channel) if name else None
    return None


def _is_apposition(words: str, previous: str) -> bool:
    """`words` stand between commas and describe what ends in `previous`."""
    if _PLACE.search(previous) and RUN.fullmatch(words):
        return True
    name, earlier = ends_in_name(words), ends_in_name(previous)
    if _STARTER.match(words) or name is None:
        return bool(_STARTER.match(words)) or earlier is not None
    return " " in (earlier or "") and previous.strip()[:1].isupper()


def meet(scene: Scene, left: int, right: int) -> None:
    """Notes the person or body that a part of a sentence begins with."""
    if name := subject(scene, left, right):
        scene.people.append(name)
    elif body := _BODY.match(scene.part, left, right):
        scene.body = body[1]


def _pronoun(scene: Scene, word: str) -> str | None:
    """Whom a pronoun means: the last person or body that may be meant."""
    if word in ("i", "we", "you"):
        return None
    if word in ("it", "they"):
        return scene.body or (scene.people[-1] if scene.people else None)
    for name in reversed(scene.people[-8:]):
        if name not in scene.female:
            title = re.search(rf"\b{_SHE}{re.escape(name.split()[-1])}\b", scene.text)
            scene.female[name] = bool(title[1]) if title else word == "she"
        if scene.female[name] == (word == "she"):
            return name
    return None


def subject(scene: Scene, left: int, right: int, *, is_head: bool = False) -> str | None:
    """The person that a sentence begins with, after a role or an adverbial."""
    for run in RUN.finditer(scene.part, left, right):
        name = full(scene, bare(run[0]))
        before = scene.part[left : run.start()]
        led = before + run[0][: max(0, run[0].find(bare(run[0])))]  # "At Castrine Central"
        if is_no_name(name) or _PREPOSITION.search(led) or run[0][0] == HOLE:
            continue
        if not re.search(r"(?:^|[,;]\s)(?:[\w’'-]+\s){0,4}$", before):
            return None
        acts = re.compile(r",|\s(?:was|is|has|had)\b").match(scene.part, run.end())
        if is_head or " " in name or (acts and len(name) > 1):
            return name
    return None
