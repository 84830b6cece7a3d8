"""Follow-ups as questions that stand alone, with a language model or by rules.

rewrite("and why?", turns, date(2026, 4, 6), ["The Ledger"]).question

A question that stands alone is left as it is. Of earlier answers only the names are used.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ..errors import ModelError
from ..index.archive.conversations import Turn
from ..index.words import STOP_WORDS, words
from ..prompts import fence, load
from .budget import Deadline
from .mentions import AUX, LEAD, LOOKED_BACK, WH, antecedent, mentions, resolved
from .model import chat
from .spoken import DATE, SHIFT, period, shifted, spoken_filters

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

_LONGEST_REWRITE = 300  # characters of a model's reply
_LONGEST_FRAGMENT = 8  # words
_SECONDS = 30.0  # that a model has for it


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What a turn asks once the turns before are known."""

    question: str
    since: date | None = None
    until: date | None = None
    outlets: tuple[str, ...] | None = None
    sections: tuple[str, ...] | None = None
    "as given; None of these four: the words of the turn do not change it"
    dropped: tuple[str, ...] = ()
    "which filters the words lift: outlets, sections, dates"
    is_followup: bool = False
    notes: tuple[str, ...] = ()


def rewrite(
    text: str,
    turns: Sequence[Turn],
    as_of: date,
    known_outlets: Collection[str],
    llm: "LLM | None" = None,
    known_sections: Collection[str] = (),
) -> Rewritten:
    """The question that a turn asks, and the filters that its words set or lift. Never raises.

    A model is asked only where the rules see a follow-up. Its reply counts if it is one line of at
    most 300 characters without a name or number that the conversation does not hold.
    """
    text = " ".join(text.split())
    rest, changes = spoken_filters(text, as_of, known_outlets, known_sections)
    if not turns:  # a filter alone asks nothing
        return Rewritten(rest, **changes) if rest else Rewritten(text)
    frame = _ADDED.sub("", turns[-1].standalone_question)
    for name in known_outlets if "outlets" in changes and not rest else ():
        frame = frame.replace(name, changes["outlets"][0])  # "What did X write?" "and Y?"
    by_rule, notes = (frame, ()) if not rest else _by_rule(rest, turns, frame, as_of)
    refers_back = by_rule != rest or bool(notes)
    if rest and llm and refers_back and (reply := _by_model(rest, turns, as_of, by_rule, llm)):
        by_rule, notes = reply, ()
    is_followup = refers_back or bool(changes)
    return Rewritten(by_rule, is_followup=is_followup, notes=notes, **changes)


# Fragments, which take the frame of the question before

_ABOUT = re.compile(rf"(?P<lead>{LEAD})(?P<about>(?:(?:what|how) about|same for)\b\s*)?", re.I)
_BARE = re.compile(
    r"(?P<wh>(?:why|when|where|how)(?= (?:did|does|do) (?:he|she|it|they)$)"
    r"|why|when|where|who(?: (?:said|says) (?:so|that|it|this))?"
    r"|how(?: (?:many|much|long|often|old|big|far))?"
    r"|(?:on|for|by|at|in|to|from|with|according to) (?:what|which|whom|how much)(?: \w+)?)"
    r"(?: (?:so|exactly|not|is that|was that|(?:did|does|do) (?:he|she|it|they)))?",
    re.I,
)
_ELSE = re.compile(r"(?P<wh>who|what|where|when|why|any(?:one|body|thing|where)) else", re.I)
_AGREE = re.compile(
    r"(?:do|did) (?:they|(?:(?:all|its|the|these|those|their) )+(?:\w+ )?"
    r"(?:accounts|articles|figures|numbers|outlets|papers|reports|sources|versions)) (?:all )?"
    r"(?P<verb>agree|differ|disagree|conflict|contradict)(?: with)?(?: each other| on that)?",
    re.I,
)
_ADDED = re.compile(r", and (?:do the reports \w+|who (?:said|says) \w+)(?=\?$)", re.I)
"what the rules below put behind a question, which is not handed on"
_REPEATS = re.compile(
    r"(?:tell me |say |give me )?(?:some )?more(?: details?)?(?: about (?:it|that|this))?|details|"
    r"go on|explain(?: (?:it|that))?|really|are you sure|what (?:is|are) (?:its|the|your) sources?"
    r"|(?:is|was) (?:that|it) (?:true|right|so|sure|certain|correct|confirmed)",
    re.I,
)
_OPENING = re.compile(
    r"(?P<prep>in|at|near|from|on|for|by|with|against|according to|under|of|during) (?P<what>.+)",
    re.I,
)


def _by_rule(
    text: str, turns: Sequence[Turn], frame: str, as_of: date
) -> tuple[str, tuple[str, ...]]:
    """A turn's question that stands alone, and notes of what is unclear."""
    lead = _ABOUT.match(text)
    assert lead is not None  # both parts may be empty
    bare = text[lead.end() :].strip(" ?.!")
    if _REPEATS.fullmatch(bare):
        return frame, ()
    if match := _AGREE.fullmatch(bare):
        return f"{frame.rstrip(' ?.')}, and do the reports {match['verb'].lower()}?", ()
    if match := _BARE.fullmatch(bare):
        return _asked_of(match["wh"].lower(), frame, turns), ()
    if match := _ELSE.fullmatch(bare):
        return _else(match["wh"].lower(), frame), ()
    is_long = len(bare.split()) > _LONGEST_FRAGMENT or not bare
    if not is_long and not re.search(rf"\b(?:{AUX}|{WH})\b", bare, re.I):
        dated = SHIFT.fullmatch(bare) or period(bare, as_of)
        if lead[0] or dated or (_OPENING.fullmatch(bare) and len(bare.split()) <= 4):
            return _filled(bare, frame, as_of), ()
    return resolved(text, turns)


def _asked_of(wh: str, frame: str, turns: Sequence[Turn]) -> str:
    """The question before, asked again with "why" or another bare question word."""
    plain, upper = frame.rstrip(" ?."), wh[:1].upper() + wh[1:]
    if wh not in ("why", "when", "where", "how"):
        names_speakers = wh.startswith("who ") and re.match(r"who (?:said|says)\b", plain, re.I)
        return frame if names_speakers else f"{plain}, and {wh}?"
    if re.match(rf"(?:{AUX})\b", plain, re.I):
        return f"{upper} {plain[:1].lower()}{plain[1:]}?"
    counted = r"how many (?!of\b)(?P<what>(?:[\w-]+ ){0,2}?)(?P<verb>were|was|are|is) (?P<rest>.+)"
    if said := re.match(counted, plain, re.I):
        return f"{upper} {said['verb']} {said['what'] or 'people '}{said['rest']}?"
    inverted = rf"(?:when|where|why|how(?: \w+)?|what) (?P<rest>(?:{AUX})\b.*)"
    if verb := re.match(inverted, plain, re.I):
        return f"{upper} {verb['rest']}?"
    subject = re.match(r"who (?P<rest>(?!(?:do|does|did)\b).+)", plain, re.I)
    if subject and (name := antecedent("he", turns, (), True)):
        return f"{upper} is it that {name} {subject['rest']}?"
    return f"{plain}, and {wh}?"


def _else(wh: str, frame: str) -> str:
    """The question before, asked for others."""
    wh = {"anyone": "who", "anybody": "who", "anything": "what", "anywhere": "where"}.get(wh, wh)
    if re.match(rf"{wh}\b", frame, re.I):
        return f"{frame[: len(wh)]} else{frame[len(wh) :]}" if " else " not in frame else frame
    names = mentions(frame)
    if wh == "who" and names and (verb := re.match(rf"(?:{AUX}) $", frame[: names[0].start], re.I)):
        return f"Who else {verb[0].lower()}{frame[names[0].end :].strip()}"
    return f"{frame.rstrip(' ?.')}, and {wh} else?"


def _filled(bare: str, frame: str, as_of: date) -> str:
    """The question before with a fragment in the place of what it replaces."""
    plain = frame.rstrip(" ?.")
    shift, said = SHIFT.fullmatch(bare), DATE.search(plain)
    if shift or period(bare, as_of):
        new = (
            shifted(shift, frame, as_of)
            if shift
            else re.sub(r"^(?:In|On) ", lambda m: m[0].lower(), bare)
        )
        if not re.match(r"(?:in|on|during|since|last|this|next|yesterday|today)\b", new, re.I):
            is_day = re.search(r"^\d\d?\b|day$| \d\d?$", new)
            new = f"{'on' if is_day else 'in'} {new}"
        if said:
            return f"{plain[: said.start()]}{new}{plain[said.end() :]}?".replace("  ", " ")
        return f"{plain} {new}?"
    opening = _OPENING.fullmatch(bare)
    new, prep = (opening["what"], opening["prep"].lower()) if opening else (bare, "")
    groups = mentions(plain)
    if prep:
        preps = "in|at|near|from" if prep in ("in", "at", "near", "from") else re.escape(prep)
        stands = re.compile(rf"\b(?:{preps}) (?:the )?$", re.I)
        after = [group for group in groups if stands.search(plain[: group.start])]
        if not after:
            return f"{plain} {prep} {new}?"
        return f"{plain[: after[-1].start]}{new}{plain[after[-1].end :]}?"
    kinds = [m.kind for m in mentions(f"x {new}")]
    counted = re.match(r"(?P<how>how (?:many|much)) (?P<what>[a-z]\w*)", plain, re.I)
    if counted and not kinds and new.islower():
        return f"{counted['how']} {new}{plain[counted.end() :]}?"
    wanted = kinds[0] if kinds else "thing"
    same = [group for group in groups if group.kind == wanted]
    alike = same or [group for group in groups if "name" in (group.kind, wanted)] or groups
    if not alike:
        return f"{plain}, {new}?"
    slot = alike[-1 if wanted == "thing" else 0]
    return f"{plain[: slot.start]}{new}{plain[slot.end :]}?"


# With a model


def _by_model(
    text: str, turns: Sequence[Turn], as_of: date, by_rule: str, llm: "LLM"
) -> str | None:
    """A model's rewriting; None where it fails or brings in what nobody said."""
    from llama_index.core.llms import ChatMessage

    lines = []
    for turn in turns[-LOOKED_BACK:]:
        said = " ".join(str(s["text"]) for s in turn.answer["statements"])
        names = dict.fromkeys(m.text for m in mentions(said) if m.text[:1].isupper())
        lines.append(f"Question: {turn.standalone_question}")
        lines.append(f"Names in the answer: {', '.join(names) or 'none'}")
    system, user = load("rewrite").fill(
        conversation=fence("\n".join(lines), "conversation"), as_of=str(as_of), question=text
    )
    messages = [ChatMessage(role="system", content=system), ChatMessage(role="user", content=user)]
    try:
        reply = chat(llm, messages, Deadline(_SECONDS)).text.strip()
    except ModelError:
        return None
    return reply if _is_sound(reply, "\n".join([*lines, text, by_rule])) else None


def _is_sound(reply: str, known: str) -> bool:
    """Whether a reply is one short line whose names and numbers are all known."""
    if not reply or "\n" in reply or len(reply) > _LONGEST_REWRITE:
        return False
    held = set(words(known))
    names = [group.text for group in mentions(f"- {reply}") if re.search(r"[A-Z]", group.text)]
    new = words(" ".join([*names, *re.findall(r"\d[\d.,]*", reply)]))
    return all(word in held or word in STOP_WORDS for word in new)
