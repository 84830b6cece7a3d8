"""Answers without a language model: picks the sentences that answer, word for word, or declines.

    sentences = extract(question, hits, embedder)

Each sentence of the passages found is described by a few numbers (how much of the question it and
its surroundings say, how near its meaning is, whether it holds the kind of thing that is asked
for) and a logistic model weighs them. bench/fit_extract.py fits it; docs/log.md has the numbers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..index.chunk import sentence_spans
from ..index.embed import Embedder
from ..index.words import STOP_WORDS, WORD, fold, stem, words
from .retrieve import Hit

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"Jan\.|Feb\.|Aug\.|Sept?\.|Oct\.|Nov\.|Dec\.)"
)
_SMALL = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    r"sixteen|seventeen|eighteen|nineteen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty)"
)
_NUMBER = rf"(?:[$€£¥]?\d[\d.,]*|\b{_SMALL}\b|\b(?:half|third|quarter|dozens?|hundreds?|thousands?|millions?|billions?|no|none|once|twice|double|triple)\b)"
_UNIT_OF_TIME = r"(?:second|minute|hour|day|night|week|month|year|decade|centur|season|term)"
_KINDS = {  # what is asked for -> what a sentence must hold
    "time": rf"\b{_MONTH}|\b(?:1[5-9]|20)\d\d\b|\b\d+(?:st|nd|rd|th)\b|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|\b(?:yesterday|today|tonight|tomorrow|ago|earlier|later|midnight|noon|dawn|(?:last|next|this)\s+(?:week|month|year|spring|summer|autumn|fall|winter|night|morning|evening|afternoon)|spring|summer|autumn|winter)\b|\d\s?[ap]\.?m\b|\bcentury\b|\b\d0s\b",
    "duration": rf"(?:{_NUMBER}|\ba|\ban|several|few)[\s-]+(?:\w+[\s-]+)?{_UNIT_OF_TIME}",
    "percent": rf"{_NUMBER}\s?(?:%|per\s?cent|percentage|basis)|\b(?:half|third|quarter|fifth|tenth|majority|all|most)\b",
    "number": _NUMBER,
    "money": r"[$€£¥]\s?\d|\d[\d.,]*\s*(?:million|billion|trillion|thousand|m|bn|k)?\s*(?:\w+\s)?(?:dollars?|euros?|pounds?|cents?|pence|crowns?|marks?|yen|yuan|rupees?|francs?|pesos?|rubles?)\b|\b\d[\d.,]*\b",
    "person": r"(?<=[\w,;:“\"(’'-]\s)[“\"(]?[A-Z][\w’'-]+|^[A-Z][\w’'-]+\s[A-Z]",
    "place": r"\b(?:in|at|near|from|to|of|off|outside|inside|across|on|between|through|along|beside|under|over|into)\s+(?:\w+\s+){0,3}[A-Z]|^[A-Z]{3,}",
    "reason": r"\b(?:because|since|due|after|over|as|so|to|for|citing|blam\w+|caus\w+|reason|owing|amid|fear\w*|concern\w*)\b",
}
_ASKS = (  # the first that the question matches
    ("percent", r"\b(?:what|which)\s+(?:\w+\s+)?(?:percent(?:age)?|per\s?cent|share|proportion|fraction)\b|\bwhat\s+rate\b|\brate\b.*\bwhat\b|\bhow many percent"),
    ("money", r"\bhow much\s+(?:money|did .* (?:cost|pay|spend|raise)|does .* cost|will .* (?:cost|pay))|\b(?:what|which)\s+(?:was |is |were )?(?:the )?(?:price|cost|sum|salary|amount)\b"),
    ("duration", r"\bhow long\b|\bfor how many (?:days|weeks|months|years|hours|minutes)\b"),
    ("number", r"\bhow (?:many|much|old|far|tall|high|big|large|deep|wide|fast|heavy|often|hot|cold|strong)\b|\bwhat (?:number|score|age|total|distance|size|population|temperature|capacity|margin)\b"),
    ("time", r"\bwhen\b|\b(?:what|which)\s+(?:\w+\s+)?(?:year|month|day|date|century|decade|season|weekday|week|time)\b|\bsince when\b|\buntil when\b"),
    ("place", r"\bwhere\b|\b(?:what|which)\s+(?:\w+\s+)?(?:city|town|village|country|place|state|region|province|river|island|port|county|district|venue|street|continent)\b"),
    ("person", r"\bwho(?:m|se)?\b|\b(?:what|which)\s+(?:\w+\s+)?(?:person|minister|president|mayor|player|judge|company|companies|firm|firms|team|club|party|agency|airline|bank|union|author|artist|director|outlets?|newspapers?)\b"),
    ("reason", r"\bwhy\b|\bwhat (?:caused|led|reason)"),
)  # fmt: skip
ASKED = tuple((kind, re.compile(pattern, re.I)) for kind, pattern in _ASKS)
_HOLDS = {kind: re.compile(pattern, re.M) for kind, pattern in _KINDS.items()}
_COUNTED = re.compile(r"\bhow many\s+((?:[\w-]+\s+){0,3}?[\w-]+?)\s+(?:of|in|on|at|to|by|from|for|was|were|is|are|has|have|had|did|do|does|will|would|can|could|took|with|people|that|who)\b", re.I)  # fmt: skip
_YES_NO = re.compile(r"^\W*(?:is|are|was|were|do|does|did|has|have|had|will|would|can|could|should)\b", re.I)  # fmt: skip


def kind_asked(question: str) -> str | None:
    """What kind of thing a question asks for; None where its words do not tell."""
    return next((kind for kind, asks in ASKED if asks.search(question)), None)


def extract(question, hits, archive, embedder):
    raise NotImplementedError


def nearest_sentences(text, hits, embedder, most):
    raise NotImplementedError
