"""The field maps: which key of a record becomes which key of a case (docs/eval-cases.md).

IMPORTERS["multihop"].fields()["evidence"]  # (["facts"], listed)
"""

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ...errors import InputError
from ..match import reads_as_declined
from . import read as files
from .read import Entry, Record

Convert = Callable[[Any], Any]


def identity(value: Any) -> str:
    """As text."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InputError(f"an id must be a text or a number (given: {value!r:.60})")
    return str(value)


def listed(value: Any) -> list[Any]:
    """A list; one text is a list of one."""
    return value if isinstance(value, list) else [value]


def flat(value: Any) -> list[str]:
    """The different texts of a list and of lists in it; a cell of CSV may hold the list."""
    if isinstance(value, str) and value.strip().startswith("["):
        value = _cell(value.strip())
    found = [text for entry in listed(value) for text in listed(entry)]
    if not all(isinstance(text, str) for text in found):
        raise InputError(f"a text or a list of texts is needed (given: {value!r:.60})")
    return list(dict.fromkeys(text for text in found if text.strip()))


def _cell(cell: str) -> Any:
    """A list as JSON or Python writes it. NumPy's has no commas: Python would join its texts."""
    with suppress(ValueError, RecursionError):
        return json.loads(cell)
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        if repr(found := ast.literal_eval(cell)) == cell:
            return found
    raise InputError(f"not a list that can be read: save it as JSON ({cell:.60})")


def need(value: Any) -> str:
    """`all` where "all" is among the tags, else `any`."""
    return "all" if "all" in listed(value) else "any"


def quizzed(value: Any) -> str:
    """For people only: the quiz tells its evidence in words of its own."""
    return f"The quiz says: {value}"


def without_refusal(value: Any) -> list[Any]:
    """The texts; none where they say "Insufficient information."."""
    return [s for s in listed(value) if str(s).lower().strip(" .") != "insufficient information"]


def has_answer(value: Any) -> bool:
    """Without `answerable`, false where the answers are "Insufficient information."."""
    return value if isinstance(value, bool) else bool(without_refusal(value) or not value)


def passage_id(text: str) -> str:
    """The id of an article that is no more than a passage: the same text is the same article."""
    return f"p-{blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"


def passage_ids(value: Any) -> list[str]:
    """The ids of the articles that are made of these passages."""
    return [passage_id(text) for text in flat(value)]


def passages(file: Path, keys: Sequence[str]) -> Iterator[Entry]:
    """The passages that records hold under these keys, each text once."""
    seen = set[str]()
    for where, record in files.records(file):
        values = [record.get(key) or [] for key in keys] if isinstance(record, dict) else []
        try:
            found = dict.fromkeys(text for value in values for text in flat(value))
            yield from ((where, {"text": text}) for text in found if text not in seen)
            seen.update(found)
        except InputError as error:
            yield where, InputError(f"passages: {error}")


def falsified(record: Record) -> Record:
    """`need` is all; the tag `counterfactual` where there is a `fakeanswer`."""
    return {"need": "all", "tags": ["counterfactual"] * (record.get("fakeanswer") is not None)}


def references(record: Record) -> Record:
    """`evidence`, and `relevant`: `reference_contexts`, else `contexts` where no response is."""
    given = record.get("reference_contexts")
    if given is None and record.get("response") is None and record.get("answer") is None:
        given = record.get("contexts")  # beside a response, ragas 0.1 calls so what was retrieved
    return {"relevant": passage_ids(given or []), "evidence": flat(given or [])}


_THUMBS = dict.fromkeys(("up", "+1", "1", "true", "👍", "good", "positive"), True)
_THUMBS |= dict.fromkeys(("down", "-1", "0", "false", "👎", "bad", "negative"), False)
_SAID = r"(?:(?![.!?]\s)[^;\n]){1,80}?"
_TOLD = re.compile(
    r"(?:(?P<is_answer>(?:the\s+)?(?:right|correct)\s+answer(?:\s+is|\s+was|:))"
    r"|(?:(?:it|this|that)\s+)?should\s+(?:be|say|read|have\s+been|have\s+said))"
    rf"\s+(?P<right>{_SAID})(?:,?\s+(?:and\s+)?not\s+(?P<wrong>{_SAID}))?[.!]?",
    re.I,
)


def feedback(record: Record) -> Record:
    """What answer, thumb and reason tell together: see "Feedback" below."""
    is_up = _THUMBS.get(str(record.get("thumb")).strip().lower())
    if is_up is None:
        raise InputError(f"thumb: neither up nor down (given: {record.get('thumb')!r:.60})")
    answer = _answered(record.get("answer"))
    text, status = str(answer.get("text") or ""), answer.get("status")
    is_declined = status == "declined" if status else bool(text) and reads_as_declined(text)
    cited = listed(answer.get("citations") or []) if is_up and not is_declined else []
    if not all(isinstance(one, dict) for one in cited):
        raise InputError(f"citations: a list of objects is needed (given: {cited!r:.60})")
    reason = str(record.get("reason") or "").strip()
    right, wrong = ("", "") if is_up else _told(reason, text)
    thumb, tag = "up" if is_up else "down", re.sub(r"\W+", "_", reason.lower()).strip("_")
    is_tag = 0 < len(tag) <= 30 and not right
    said, meant = "Declined" if is_declined else "Answered", record.get("statement")
    note = [f"{said}: {text or '(no text)'}", f"Thumb {thumb}."]
    note += [f"Reason: {reason}"] * bool(reason) + [f"Statement meant: {meant}"] * bool(meant)
    return {
        "question": answer.get("standalone_question") or record.get("question"),
        "as_of": record.get("as_of") or answer.get("as_of"),
        "answers": [right] if right else [],
        "relevant": flat([one.get("article_id") or "" for one in cited]),
        "evidence": flat([one.get("quote") or "" for one in cited]),
        "must_not_say": [wrong] if wrong else [],
        "answerable": not (is_up and is_declined),
        "tags": ["feedback", "needs_review", f"thumb_{thumb}", *[tag] * is_tag],
        "note": "\n".join(note),
    }


def _answered(answer: Any) -> Record:
    """The answer as a record, whether it was kept as one, as its JSON or as a text."""
    if isinstance(answer, str) and answer.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):
            answer = json.loads(answer)
    return answer if isinstance(answer, dict) else {"text": answer}


def _told(reason: str, answered: str) -> tuple[str, str]:
    """Right and wrong answer, where the reason says them and nothing else.

    "Should be shorter" tells none: what is wrong must be named, too, and be what was answered.
    """
    found = _TOLD.fullmatch(reason)
    right, wrong = (found["right"].strip(), (found["wrong"] or "").strip()) if found else ("", "")
    wrong = wrong if wrong.casefold() in answered.casefold() else ""
    return (right, wrong) if found and (found["is_answer"] or wrong) else ("", "")


_BY: Mapping[str, Convert] = dict.fromkeys(("answers", "relevant", "evidence", "tags"), listed)


@dataclass(frozen=True, slots=True)
class Importer:
    """How files of one shape become cases and articles."""

    keys: str
    "of the case; `tags=type` comes from type, `a=b|c` from the first of b and c that is there"
    by: Mapping[str, Convert] = field(default_factory=dict)
    "how keys become what they are, where not as the others"
    more: Convert = lambda record: {}
    "what several keys of a record tell together, by key of the case"
    read: Callable[[Path], Iterator[Entry]] = files.records
    articles: Callable[[Path], Iterator[Entry]] | None = files.corpus
    "None: the texts under `passages` are the articles"
    passages: tuple[str, ...] = ()

    def fields(self) -> dict[str, tuple[list[str], Convert | None]]:
        """By key of the case: where it comes from, and how it is converted."""
        pairs = [part.partition("=") for part in self.keys.split()]
        by = {"id": identity, **_BY, **self.by}
        return {to: ((given or to).split("|"), by.get(to)) for to, _, given in pairs}


IMPORTERS = {
    "realtimeqa": Importer(
        "id question answers relevant as_of=date note=evidence", {"note": quizzed}
    ),
    "multihop": Importer(
        "id question answers answerable=answerable|answers relevant evidence=facts tags=type",
        {"answers": without_refusal, "answerable": has_answer},
    ),
    "squad2": Importer(
        "id question answers answerable relevant",
        {"answers": flat},
        read=files.squad_questions,
        articles=files.squad_paragraphs,
    ),
    "time": Importer("id question relevant"),
    "seed": Importer(
        "id question as_of answers need=tags relevant evidence answerable tags",
        {"need": need},
        articles=files.text_files,
    ),
    "rgb": Importer(
        "id question=query answers=answer relevant=positive must_not_say=fakeanswer",
        {"relevant": passage_ids, "must_not_say": flat},
        more=falsified,
        articles=None,
        passages=("positive", "positive_wrong", "negative"),
    ),
    "beir": Importer("id=_id question=text relevant=qrels tags=split", read=files.beir_queries),
    "ragas": Importer(
        "id question=user_input|question answers=reference|ground_truths|ground_truth "
        "tags=synthesizer_name|evolution_type",
        {"answers": flat},
        more=references,
        articles=None,
        passages=("reference_contexts", "contexts", "retrieved_contexts"),
    ),
    "feedback": Importer(
        "id question as_of note=answer|thumb|reason|statement", more=feedback, articles=None
    ),
}
