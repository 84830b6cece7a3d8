"""What newsrooms do to a text that they take over, and what looks like it and is none.

EDITS["cut to 40 %"](text, random.Random(1)) -> the copy
"""

import random
import re
from collections.abc import Callable, Iterator

from byline.index.chunk import sentence_spans

_SWAPS = dict(
    line.split("=")
    for line in """said=stated|also=as well|but=yet|however=still|about=around|more than=over
officials=authorities|people=residents|big=large|began=started|told=informed|showed=revealed
because=since|several=a number of|while=as|after=following|will=is going to|help=assist
many=a lot of|including=among them|would=was set to|announced=made public|plan=scheme|used=employed
year=twelvemonth|company=firm|government=administration|meeting=gathering|against=opposed to
major=key|new=fresh|first=earliest|last=latest|want=wish|called=described|make=produce
according to=in the words of|during=in the course of|could=might|asked=requested""".replace(
        "\n", "|"
    ).split("|")
)
_SWAP = re.compile(rf"\b({'|'.join(_SWAPS)})\b")
_SPELLING = (
    (r"(\w{3,})iz(e|es|ed|ing|ation)\b", r"\1is\2"),
    (r"\b(col|fav|hon|lab|neighb|hum|harb)or(s|ed|ing|able|ful)?\b", r"\1our\2"),
    (r"\bcenter", "centre"),
    (r"\bpercent\b", "per cent"),
    (r"(\d) ?%", r"\1 percent"),
    (r"\bdefense\b", "defence"),
    (r"\bprogram\b", "programme"),
    (r"\b(Mr|Mrs|Ms|Dr)\. ", r"\1 "),
    (r"\bU\.S\.", "US"),
    (r"\b(Sen|Rep|Gov)\. ", r""),
    (r"[“”]", '"'),
    (r"[‘’]", "'"),
    (r" ?[—–] ?| -- ", " - "),
    (r"\$(\d[\d,.]*)", r"US$\1"),
)
_NUMERALS = re.findall(
    r"\w+", "zero one two three four five six seven eight nine ten eleven twelve"
)
_LEADS = (
    "Readers of this newspaper will remember that the matter was first raised in our letters pages "
    "last month. It concerns everyone who lives in the region, our correspondent writes.",
    "A story that began far from here has consequences at home. Local representatives said on "
    "Tuesday evening that they were following it closely and would report back within the week.",
    "It was the talk of the town yesterday. Here is what is known so far.",
)
_INSERTS = (
    "In our own county the reaction was muted. “We have other worries,” said shopkeeper Dorrit "
    "Aske, whose family has run the store on Quay Street for forty years. The town council meets "
    "on the question next Wednesday at half past six in the assembly rooms.",
    "Locally, about thirty people gathered outside the library. Organiser Pell Hanrick said the "
    "turnout was better than expected, given the rain.",
)


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text, 0, len(text), "en")]


def _paragraphs(text: str) -> list[str]:
    found = [part for part in text.split("\n") if part.strip()]
    if len(found) >= 4:
        return found
    whole = _sentences(text)
    return [" ".join(whole[at : at + 2]) for at in range(0, len(whole), 2)]


def lead(text: str, chance: random.Random) -> str:
    """A paragraph of one's own in front."""
    return f"{chance.choice(_LEADS)}\n\n{text}"


def cut(share: float) -> Callable[[str, random.Random], str]:
    """The tail cut off at a sentence, `share` of the words kept."""

    def cut(text: str, chance: random.Random) -> str:
        kept, left = [], share * len(text.split())
        for sentence in _sentences(text):
            if left <= 0:
                break
            kept.append(sentence)
            left -= len(sentence.split())
        return " ".join(kept)

    return cut


def headline(text: str, chance: random.Random) -> str:
    """Another headline, standing in the text."""
    words = text.split()
    return f"{' '.join(chance.sample(words, min(9, len(words)))).capitalize()}\n\n{text}"


def style(text: str, chance: random.Random) -> str:
    """House style: spelling, titles, quotation marks, dashes, numerals."""
    for pattern, put in _SPELLING:
        text = re.sub(pattern, put, text)
    if chance.random() < 0.5:
        return re.sub(r"(?<![\w.,$])(\d)(?![\w.,%])", lambda m: _NUMERALS[int(m[1])], text)
    spelled = re.compile(rf"\b({'|'.join(_NUMERALS[2:])})\b")
    return spelled.sub(lambda m: str(_NUMERALS.index(m[1])), text)


def dropped(text: str, chance: random.Random) -> str:
    """A fifth to two fifths of the paragraphs left out, never the first."""
    first, *rest = _paragraphs(text)
    leave = chance.uniform(0.2, 0.4)
    return "\n".join([first, *(part for part in rest if chance.random() > leave)])


def insert(text: str, chance: random.Random) -> str:
    """A paragraph from the region in the middle."""
    parts = _paragraphs(text)
    parts.insert(chance.randint(1, max(1, len(parts) - 1)), chance.choice(_INSERTS))
    return "\n".join(parts)


def credit(text: str, chance: random.Random) -> str:
    """An agency's credit line, at either end."""
    agency = chance.choice(["Reuters", "AP", "AFP", "dpa"])
    if chance.random() < 0.5:
        return f"LONDON ({agency}) - {text}"
    return f"{text}\n\nReporting by {agency}; editing by our foreign desk"


def correction(text: str, chance: random.Random) -> str:
    """A correction at the end."""
    return (
        f"{text}\n\nCorrection: An earlier version of this article misstated the day of the "
        "meeting. It was a Thursday, not a Friday."
    )


def reword(text: str, chance: random.Random) -> str:
    """One to two sentences in ten lightly reworded."""
    found, share = _sentences(text), chance.uniform(0.1, 0.2)
    for at in chance.sample(range(len(found)), round(share * len(found))):
        swapped = _SWAP.sub(lambda m: _SWAPS[m[1]], found[at])
        front, comma, back = swapped.rstrip(".").partition(", ")
        found[at] = f"{back[:1].upper()}{back[1:]}, {front}." if comma else swapped
    return " ".join(found)


def mixed(text: str, chance: random.Random) -> str:
    """Three of the others, one after the other."""
    single = [lead, cut(0.6), style, dropped, insert, credit, reword]
    for edit in chance.sample(single, 3):
        text = edit(text, chance)
    return text


EDITS: dict[str, Callable[[str, random.Random], str]] = {
    "lead added": lead,
    "cut to 60 %": cut(0.6),
    "cut to 40 %": cut(0.4),
    "other headline": headline,
    "house style": style,
    "paragraphs dropped": dropped,
    "local insert": insert,
    "credit line": credit,
    "correction": correction,
    "reworded": reword,
    "three of these": mixed,
}


def _random(several: list[str], chance: random.Random) -> list[tuple[str, str]]:
    return [(several[0], other) for other in several[1:]]


def _round(told: list[str], chance: random.Random) -> str:
    """Stories of about one length in one text."""
    words = min(len(text.split()) for text in told) * chance.choice([0.5, 1.0])
    parts = [cut(words / len(text.split()))(text, chance) for text in told]
    return "\n\n".join(f"{n}. In other news today\n{part}" for n, part in enumerate(parts, 1))


def _roundup(several: list[str], chance: random.Random) -> list[tuple[str, str]]:
    """Two to five stories in one, beside one that is not its first."""
    told = several[: chance.randint(2, 5)]
    return [(told[chance.randint(1, len(told) - 1)], _round(told, chance))]


def _roundup_first(several: list[str], chance: random.Random) -> list[tuple[str, str]]:
    """Three to five stories in one, beside its first."""
    told = several[: chance.randint(3, 5)]
    return [(told[0], _round(told, chance))]


def _quoting(several: list[str], chance: random.Random) -> list[tuple[str, str]]:
    """An article a quarter to two fifths of which is quoted, in one piece, from another one."""
    own, other, *_ = several
    share = chance.uniform(0.25, 0.4)
    words = share / (1 - share) * len(own.split())
    parts = _sentences(other)
    start, quoted = chance.randrange(max(1, len(parts) // 2)), []
    for sentence in parts[start:]:
        if sum(len(s.split()) for s in quoted) >= words:
            break
        quoted.append(sentence)
    mine = _paragraphs(own)
    mine.insert(len(mine) // 2, f"As another paper reported: “{' '.join(quoted)}”")
    return [(other, "\n".join(mine))]


NOT_COPIES: dict[str, Callable[[list[str], random.Random], list[tuple[str, str]]]] = {
    "two articles": _random,
    "roundup, a later story of it": _roundup,
    "roundup of three and more, its first": _roundup_first,
    "quotes at length": _quoting,
}

_WEATHER = (
    "{place}: {sky} in the morning, {sky} later. Highs of {n} degrees, lows of {n}. Wind from the "
    "{way} at {n} kilometres an hour, gusts of up to {n}. Chance of rain {n} per cent. Sunrise at "
    "6.{n}, sunset at 18.{n}. "
)
_RESULTS = (
    "{place} Holdings reported revenue of ${n}.{n} million for the quarter ended in {month}, "
    "compared with ${n}.{n} million a year earlier. Net income was ${n}.{n} million, or {n} cents "
    "a share, against {n} cents. Analysts polled had expected {n} cents. The company said it "
    "expects full-year revenue of between ${n} million and ${n} million. Shares of the company "
    "have {went} {n} per cent since the beginning of the year. This story was generated "
    "automatically from data; it was checked by an editor before it was published. "
)
_MARKET = (
    "The {place} index closed {went} {n}.{n} points, or 0.{n} per cent, at {n},{n}. Volume was {n} "
    "million shares. {place} Holdings led the gainers with {n}.{n} per cent, {place} Mills was the "
    "day's heaviest loser, {went} {n}.{n} per cent. The crown stood at {n}.{n} to the dollar. "
)
_PLACES = "Brenik Castrine Skellow Ansel Gannet Zwolledam Harrow Tindle Morrow Vask Pellam Orrin"


def templates(chance: random.Random, number: int) -> Iterator[tuple[str, str]]:
    """Forms that are filled in anew each day: weather, results, markets."""

    def filled(form: str, times: int) -> str:
        def value(match: re.Match[str]) -> str:
            words = {
                "place": _PLACES,
                "sky": "sunny cloudy overcast bright rainy misty",
                "way": "north south east west",
                "month": "March June September December",
                "went": "up down",
            }
            return (
                str(chance.randint(10, 99))
                if match[1] == "n"
                else chance.choice(words[match[1]].split())
            )

        return "".join(re.sub(r"\{(\w+)\}", value, form) for _ in range(times))

    for at in range(number):
        form = (_WEATHER, _RESULTS, _MARKET)[at % 3]
        times = 1 if form is _RESULTS else chance.randint(1, 6)
        yield filled(form, times), filled(form, times)
