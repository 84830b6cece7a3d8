"""Who says what in a sentence: each reporting verb with its speaker, channel and teller.

>>> scene = Scene("", "The roof leaks, Lena Vass said in a letter.")
>>> [(c.speaker, c.verb, c.channel) for c in claims_of(scene, 0, len(scene.part))]
[('Lena Vass', 'say', 'a letter')]
"""

import re
from dataclasses import dataclass, replace
from itertools import islice

from .marks import HOLE
from .people import NAME, PAPER, Scene, bare, full, is_person, meet

# isort: split
from .people import noun_phrase, np_before, np_behind, subject

_MOST_VERBS = 12  # reporting verbs of a sentence that are looked at


def _forms(lemma: str) -> tuple[str, str, str]:
    """Present, past and -ing form of a regular verb."""
    stem = re.sub(r"(?<=[^aeiou])y$", "i", lemma)
    present = lemma + "s" if stem == lemma else stem + "es"
    return present, stem.removesuffix("e") + "ed", lemma.removesuffix("e") + "ing"


_LEMMAS = """accuse acknowledge add admit allege announce answer argue ask assert assure caution
claim complain concede conclude confirm contend declare deny describe disclose explain insist joke
maintain note observe post predict promise quote recall remark repeat reply report respond reveal
state continue exclaim stress suggest shout thank testify tweet urge vow warn call"""
_SAY = """say|says|said|saying|reads|admitted|stresses|let it be known|speaks of|spoke of|spoken of
|shot back|hit back|fired back|pointed out|points out"""
_VERB = {form: lemma for lemma in _LEMMAS.split() for form in _forms(lemma)}
_VERB |= {verb: verb for verb in ("deny", "claim", "argue", "accuse", "allege")}
_VERB |= dict.fromkeys(("tell", "tells", "told", "telling"), "tell")
_VERB |= dict.fromkeys(("write", "writes", "wrote", "writing"), "write")
_VERB |= dict.fromkeys(("According to", "according to"), "accord")
_VERB |= dict.fromkeys(re.split(r"\n?\|", _SAY), "say")
SAYS = re.compile(r"\b(?:" + "|".join(sorted(_VERB, key=len, reverse=True)) + r")\b")
_NOT_INVERTED = frozenset({"call", "describe", "deny", "accuse", "tell", "accord"})
_REFUSED = re.compile(  # in `before|verb|behind`
    r"\b(?:to|not|n[’']t|an?|the|never|of|no|his|its|their|could|can|may|might|must|should)\s\|"
    r"|(?<!they\s)(?<!who\s)(?<!s\s)\|claim\|"
    r"|\|alleged\|(?!\s(?:that|the|his|her|in|on|an?|[A-ZƢ]))"
    r"|\|(?:claims|reports|states|posts|notes|answers|promises|quotes|remarks)\|"
    r"(?!\s(?:that\b|Ƣ|[a-z]+\s(?:was|is|had|has)\b|[A-Z][\w’']+\s)|:)"
    r"|\|call\w*\|[^Ƣ]*$|^(?!.*\b(?:that|which|what|whom)\s[^,]*\|).*\|call\w*\|\sƢ"
    r"|\|add\w*\|(?!\s(?:that\b|Ƣ|in\s)|[,:.])(?!\s[^,]*\b(?:is|was|were|had|would|will)\b)"
)
_ELSE = re.compile(
    r"[Ƣ;]|, (?:and|but) (?!that\b)|\b(?:while|after|before|when|because|as|since)\b"
)
_NO_SPEAKER = re.compile(r"\s?(?:[,.:Ƣ]|(?:that|on|in|at|to|he|she|it|they)\b|$)")
_CHANNEL = re.compile(
    rf"""\b(?:[Ii]n|[Aa]t|with|of|reading\sout|on|issued|released|published|posted|sent)\s
    ((?:an?|his|her|its|their)\s{PAPER}
    (?:\s(?:on|with|to)\s(?!\w+day)(?:(?:the\s)?(?:network\s)?{NAME}|(?:his|her|its)\s(?:own\s)?page))?)
    |\b(?:through|via)\s((?:an?|his|her|its|their)\s(?:[\w-]+\s)?(?:spokes\w+|aides?|lawyers?
    |office|agents?|attorney|representative|advis[eo]r)(?:\s{NAME})?)
    |\b(?:wrote|posted)\son\s((?:the|his|her|its|their)\s[\w’' -]+?(?=\s(?:that|two|an?|on|Ƣ)\b|,|:)
    |{NAME})|\bOn\s({NAME}),?\s(?=[^Ƣ]*\b(?:wrote|posted|writes))""",
    re.X,
)
_ISSUED = re.compile(r"issued|released|published|posted|sent|wrote|On\b")
_PASSIVE = re.compile(r"\b(?:was|were|been|be|is|are|being)\s(?:\w+ly\s)?$")
_QUOTED_AS = re.compile(r"\s(.+?)(?:\sof\s[^,]*?)?,?\sas\s\w+ing\b")
_QUOTED_BY = re.compile(r"\s(?:by\s([^,.]+?)\s)?as\s\w+ing\b(?:\sby\s([^,.]+))?")
_MOVE = re.compile(
    r"\s?who(?:\s[\w’]+){0,4}\s?$|\s?an?\s\w+\s(?:that\s)?(?:[Tt]he\s|[A-Z]|s?he\b|it\b|they\b)"
)
_LED = re.compile(
    r"(?:With|In|On|At|After|Before|When|While|As|Despite|For|By|During|Meanwhile)\b[^,Ƣ]*,\s$"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """`speaker verb`, at text[start:end]; what stands behind it or before it is the speaker's."""

    start: int
    end: int
    speaker: str
    verb: str
    is_behind: bool = False  # behind the words that it attributes
    channel: str | None = None
    reported_by: str | None = None


def claims_of(scene: Scene, left: int, right: int) -> list[Claim]:
    """Each `X said` of a sentence, in order; one inside another carries who reports it."""
    claims = list[Claim]()
    for found in islice(SAYS.finditer(scene.part, left, right), _MOST_VERBS):
        outer = claims[-1] if claims else None
        if outer and found.start() < outer.end:
            continue
        claim = _claim(scene, found, left, right, outer)
        if claim is None:
            continue
        if outer and claim.verb == "accord" and _is_said_by(scene, outer, claim):
            claims[-1] = replace(outer, reported_by=claim.speaker)
            continue
        claims.append(_within(scene, claim, outer))
        if is_person(scene, claim.speaker):
            scene.people.append(claim.speaker)
        else:
            scene.body = claim.speaker
    claims = claims or _head(scene, left, right)
    if not claims:
        meet(scene, left, right)
    return _through(scene, claims, left, right)


def _through(scene: Scene, claims: list[Claim], left: int, right: int) -> list[Claim]:
    """The claims with the channel of their sentence, or of the one before by the same speaker."""
    paragraph, teller, earlier = scene.told
    told = _CHANNEL.search(scene.part, left, right)
    channel = next((part.strip() for part in told.groups() if part), None) if told else None
    speaker = claims[0].speaker if claims else None
    start = scene.part.rfind("\n", 0, left)
    if claims and not channel and start == paragraph and teller in (None, speaker):
        channel = earlier
    is_kept = claims or (told and _ISSUED.match(told[0]))
    scene.told = (start, speaker, channel if is_kept else None)
    return [replace(claim, channel=claim.channel or channel) for claim in claims]


def _is_said_by(scene: Scene, outer: Claim, claim: Claim) -> bool:
    """`he said it rained, according to the Post`: the Post says that he said so."""
    between = scene.part[outer.end : claim.start].rstrip(" ,")
    return not outer.is_behind and not re.search("[,Ƣ;]", between) or len(between.split()) < 6


def _within(scene: Scene, claim: Claim, outer: Claim | None) -> Claim:
    """The claim with `reported_by` where it stands in what `outer` says."""
    if not outer or claim.is_behind or outer.is_behind or claim.speaker == outer.speaker:
        return claim
    between = scene.part[outer.end : claim.start]
    teller = outer.reported_by if " and that " in between else outer.speaker
    is_else = claim.reported_by or _ELSE.search(between)
    return claim if is_else else replace(claim, reported_by=teller)


def _head(scene: Scene, left: int, right: int) -> list[Claim]:
    """The claim of a headline: `Vass rules out strike: “...”`, `“...”: Vass`, `Vass: no strike`."""
    words = scene.part[left:right]
    if head := re.fullmatch(r"([^Ƣ]*):\sƢ+\.?|Ƣ+:\s(.+)", words):
        part = 2 if head[1] is None else 1
        name = subject(scene, left + head.start(part), left + head.end(part), is_head=True)
    else:
        head = re.fullmatch(rf"({NAME}):\s[^:]*[^:.]|[^:]+:\s({NAME})", words)
        part = 2 if head and head[1] is None else 1
        name = full(scene, bare(head[part])) if head else None
        name = name if name and is_person(scene, name) else None
    if not head or not name:
        return []
    return [Claim(left + head.start(part), left + head.end(part), name, "say", part == 2)]


def _claim(
    scene: Scene, found: re.Match[str], left: int, right: int, outer: Claim | None
) -> Claim | None:
    """The claim that a reporting verb makes, or None."""
    form, verb, start, end = found[0], _VERB[found[0]], found.start(), found.end()
    before, behind = scene.part[left:start], scene.part[end:right]
    if verb == "accord":
        return _according(scene, found, before, behind)
    if _REFUSED.search(f"{before}|{form}|{behind}"):
        return None
    if passive := _PASSIVE.search(before):
        return _passive(scene, found, before[: passive.start()], behind, left)
    if form.endswith("ing"):
        who = outer.speaker if outer else subject(scene, left, start)
        is_participle = re.search(r",\s(?:(?:also|again|only)\s)?$", before)
        return Claim(start, end, who, verb) if who and is_participle else None
    if verb not in _NOT_INVERTED and (speaker := _inverted(scene, before, behind)):
        return Claim(start, end + len(speaker[1]), speaker[0], verb, True)
    inner = outer.end - left if outer and not outer.is_behind else 0
    near = np_before(scene, before, left, inner, outer.speaker if outer else None)
    if verb == "quote" and (whom := _QUOTED_AS.match(behind)):
        name, stop = noun_phrase(scene, whom[1])[0], end + whom.end()
        return Claim(start, stop, name, "say", reported_by=near and near[0]) if name else None
    if near is None:
        return None
    name, at, channel = near
    only = re.search(r"(?:Ƣ\.?|,)\s?$", before[:at])
    ends = re.match(r"(?:\s(?!that\b)[\w’'.-]+){0,9}?\s?(?:[.,;]|$)", behind)
    # "a move the union said it would hail", "With her usual calm, Vass told us how to leave"
    is_led = _MOVE.match(before[at:]) or (
        _LED.match(before[:at]) and re.match(r"(?:\s[\w’'.-]+){3}", behind)
    )
    return Claim(left + at, end, name, verb, bool(only and ends and not is_led), channel)


def _passive(
    scene: Scene, found: re.Match[str], before: str, behind: str, left: int
) -> Claim | None:
    """`was told by X that`, `was quoted by X as saying`, where the subject speaks."""
    if found[0] == "quoted" and (told := _QUOTED_BY.match(behind)):
        near = np_before(scene, before, left, 0, None)
        teller = noun_phrase(scene, told[1] or told[2] or "")[0]
        if near is None:
            return None
        name, start, end = near[0], left + near[1], found.end() + told.end()
        is_behind = re.search(r"(?:Ƣ\.?|,)\s?$", before[: near[1]]) is not None
        return Claim(start, end, name, "say", is_behind, reported_by=teller)
    by = re.match(r"(?:\s\w+){0,3}?\sby\s", behind)
    who = np_behind(scene, behind[by.end() :]) if by else None
    return Claim(found.start(), found.end(), who, _VERB[found[0]]) if who else None


def _according(scene: Scene, found: re.Match[str], before: str, behind: str) -> Claim | None:
    paper = re.match(rf"\s((?:an?|the|its)\s{PAPER})[^,.]*?\s(?:by|from)\s", behind, re.X)
    name = np_behind(scene, behind[paper.end() :] if paper else behind)
    stop = re.search(r",\s|$", behind)
    end = found.end() + (stop.end() if stop else 0)
    channel = paper[1] if paper else None
    is_behind = bool(before.strip(" ,"))
    return Claim(found.start(), end, name, "accord", is_behind, channel) if name else None


def _inverted(scene: Scene, before: str, behind: str) -> tuple[str, str] | None:
    """Speaker and its words in `“...,” said X` and `..., said X`; None where a clause follows."""
    led = re.search(r"(?:Ƣ\.?|(,)|—|–)\s?$", before)
    words = re.match(r"[^,.;Ƣ]*", behind)
    name = None if not led or _NO_SPEAKER.match(behind) else np_behind(scene, behind)
    if not led or not words or not name:
        return None
    if led[1]:  # only a comma before the verb: it may end an apposition to the subject
        is_clause = behind[words.end() :][:1] == HOLE or " that " in words[0]
        is_apart = re.split("Ƣ+", before)[-1].count(",") > 1
        if is_clause or (is_apart and not words[0].lstrip()[:1].isupper()):
            return None
    return name, words[0]
