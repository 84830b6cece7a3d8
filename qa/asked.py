r"""What a question asks for: the kind of thing, the unit that is counted, the thing it is about.

>>> kind_asked("How long did the call last?"), unit("How many turbines are there in the bay?")
('duration', 'turbin')
"""

import re
from calendar import month_name

from ..index.words import STOP_WORDS, stem, words


def _any(alternatives: str) -> str:
    return f"(?:{'|'.join(alternatives.split())})"


_SMALL_NUMBER = _any(
    """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen (?:twen|thir|for|fif|six|seven|eigh|nine)ty half third
    quarter dozens? hundreds? thousands? millions? billions? no none once twice double triple"""
)
_NUMBER = rf"(?:[$€£¥]?\d[\d.,]*|\b(?i:{_SMALL_NUMBER})\b)"
_MONTH = _any(
    """January February March April May June July August September October November December
    Jan\\. Feb\\. Aug\\. Sept?\\. Oct\\. Nov\\. Dec\\."""
)
_RELATIVE_DAY = _any("yesterday today tonight tomorrow ago earlier later midnight noon dawn")
_PART_OF_YEAR = _any("week month year spring summer autumn fall winter night morning evening")
_DURATION = _any("second minute hour day night week month year decade centur season term")
_CURRENCY = _any(
    "dollars? euros? pounds? cents? pence crowns? marks? yen yuan rupees? francs? pesos? roubles?"
)
_BEFORE_PLACE = _any(
    "in at near from to of off outside inside across on between through along beside under over"
)
_REASON = _any(
    """because since due\\sto after citing cited blam\\w+ caus\\w+ reasons? owing amid fear\\w*
    concern\\w* so\\sthat grounds? explain\\w* could\\snot too as\\sa\\sresult"""
)
# What a sentence must hold to answer a question for this kind of thing.
HOLDS = {
    kind: re.compile(pattern, re.MULTILINE)
    for kind, pattern in {
        "percent": rf"{_NUMBER}\s?(?:%|per\s?cent|percentage|basis)|\b(?:half|third|quarter|all)\b",
        "money": rf"[$€£¥]\s?\d|\b\d[\d.,]*\b|{_NUMBER}\s(?:\w+\s)?{_CURRENCY}\b",
        "duration": rf"(?:{_NUMBER}|\ban?|\bseveral|\bfew)[\s-]+(?:\w+[\s-]+)?{_DURATION}",
        "age": r",\s(?:now\s)?\d{1,3}(?:,|\.|$)|\baged?\s\d|\b\d{1,3}[\s-]years?[\s-]old"
        r"|\bturn\w+\s\d{1,3}\b|\bborn\b|\bin (?:his|her|their) \w+ties\b",
        "number": _NUMBER,
        "time": rf"\b{_MONTH}|\b(?:1[5-9]|20)\d\d\b|\b\d+(?:st|nd|rd|th)\b|\d\s?[ap]\.?m\b"
        rf"|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|\b{_RELATIVE_DAY}\b"
        rf"|\b(?:last|next|this)\s{_PART_OF_YEAR}\b|\b(?:spring|summer|autumn|winter|century)\b",
        "place": rf"\b{_BEFORE_PLACE}\s+(?:\w+\s+){{0,3}}[A-Z]|^[A-Z]{{3,}}",
        "person": r"(?<=[\w,;:“\"(’'-]\s)[“\"(]?[A-Z][\w’'-]+|^[A-Z][\w’'-]+\s[A-Z]",
        "reason": rf"\b{_REASON}\b",
    }.items()
}
_WHAT = r"\b(?:what|which)\s+(?:\w+\s+)?"
_PLACES = _any("city town village country place state region river island port district venue")
_PERSONS = _any(
    """person minister president mayor player judge company companies firms? team club party agency
    airline bank union author artist director outlets? newspapers?"""
)
# The first kind that a question matches is asked for.
_ASKED = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in {
        "percent": rf"{_WHAT}(?:percentage|per\s?cent|share|proportion|fraction)\b|\bwhat rate\b",
        "money": r"\bhow much\s(?:money|(?:did|does|will) .* (?:cost|pay|spend|raise))"
        r"|\bwhat (?:(?:was|is|were) )?(?:the )?(?:price|cost|sum|salary|amount)\b",
        "duration": rf"\bhow long\b|\bfor how many {_DURATION}",
        "age": r"\bhow old\b|\b(?:what|whose) (?:(?:is|was) )?(?:the )?age\b",
        "number": r"\bhow (?:many|much|far|tall|high|big|large|deep|wide|fast|heavy|often|strong)\b"
        r"|\bwhat (?:number|score|total|distance|size|temperature|capacity|margin)\b",
        "time": rf"\bwhen\b|{_WHAT}(?:year|month|day|date|century|decade|season|week|time)\b",
        "place": rf"\bwhere\b|{_WHAT}{_PLACES}\b",
        "person": rf"\bwho(?:m|se)?\b|{_WHAT}{_PERSONS}\b",
        "reason": r"\bwhy\b|\bwhat (?:caused|led|reason)",
    }.items()
)
_AUXILIARY = _any("is was are were did does do has have had will would can could should took")
_COUNTED = re.compile(
    rf"\bhow many\s+(?!{_AUXILIARY}\b)((?:[\w-]+\s+){{0,3}}?[\w-]+?)\s+"
    rf"(?:{_AUXILIARY}|of|in|on|at|to|by|from|for|with|that|who)\b",
    re.IGNORECASE,
)
# "Which vaccine did ...", "What is the population of ...", "Who is the ambassador to ..."
_FOCUS = (
    re.compile(
        rf"\b(?:what|which)\s+((?:[\w’'-]+\s+){{0,3}}?[\w’'-]+?)\s+"
        rf"(?:{_AUXILIARY}|of|in|at|on|to|from|for|by|that)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:what|who)\s+(?:is|was|are|were|will be|would be)\s+((?:[\w.’'-]+\s+){0,5}?[\w’'-]+)"
        r"(?=\s+(?:of|to|for|in|at|on|by|from|with|that|which|who|when|after|before)\b|\s*[?,.;]|$)",
        re.IGNORECASE,
    ),
)
_UNNAMED = """number name figure amount date time day month year week place person people thing kind
sort type way reason cause percentage share rate total company firm country city town said known
politician minister journalist academic writer author columnist manufacturer contractor outlet
source article side member leader official professor piece story report newspaper reporter player
club team critic"""
_SAYING = _any(
    "say said claim comment reply replied tell told write wrote post call argue describe respond"
)
_ASKS_WORDS = re.compile(
    rf"\bwhat\b.*\b{_SAYING}\b|\bhow did\b.*\b(?:comment|respond|react|reply)\b",
    re.IGNORECASE,
)
_YES_OR_NO = re.compile(
    rf"^(?:{_AUXILIARY})\b(?!.*\bhow\b)|^(?!.*\b(?:wh(?:o|om|ose|at|ich|en|ere|y)|how)\b).*,\s(?:{_AUXILIARY})\b",
    re.IGNORECASE,
)
_NAMED = r"(?:[A-Z]\.)+|[A-Z0-9][\w’'-]*"
_NAME = re.compile(
    rf"(?<!\w)(?:{_NAMED})(?:\s+(?:(?:of|the|de|van|and|&)\s+)?(?:(?:[A-Z]\.)+|[A-Z][\w’'-]*))*"
)
_MONTHS = frozenset(stem(month.lower()) for month in month_name[1:])
# Nouns that ask for a kind of thing which a sentence holds without naming it.
_NOT_NAMED = frozenset(map(stem, _UNNAMED.split()))


def kind_asked(question: str) -> str | None:
    """The key of HOLDS that a question asks for; None where its words do not tell."""
    return next((kind for kind, asks in _ASKED if asks.search(question)), None)


def focus(question: str) -> str | None:
    """The word that says what of something is asked for ("population"), where it must be named."""
    for pattern in _FOCUS:
        if match := pattern.search(question):
            last = words(match[1])[-1:]
            if last and last[0] not in STOP_WORDS:
                is_named = stem(last[0]) not in _NOT_NAMED and not last[0].endswith("ed")
                return last[0] if is_named else None
    return None


def asks_for_words(question: str) -> bool:
    """Whether what somebody said is asked for ("What did the mayor reply?")."""
    return bool(_ASKS_WORDS.search(question))


def is_yes_or_no(question: str) -> bool:
    """Whether yes or no is asked for, which no sentence of an article says by itself."""
    return bool(_YES_OR_NO.search(question))


def names(question: str) -> list[frozenset[str]]:
    """The stems of each name that a question says, months and figures aside."""
    found = []
    for match in _NAME.finditer(question):
        said = words(match[0])
        if match.start() == 0:  # the first word has a capital for another reason
            said = said[1:]
        stems = frozenset(stem(word) for word in said if word not in STOP_WORDS) - _MONTHS
        if stems and not all(one.isdigit() for one in stems):
            found.append(stems)
    return found


def unit(question: str) -> str | None:
    """The stem of what is counted ("how many turbines")."""
    counted = _COUNTED.search(question)
    return stem(words(counted[1])[-1]) if counted and words(counted[1]) else None
