"""What an endpoint does with a model, found by asking it: never by the model's name.

capabilities(llm, Deadline(60)).json_schema
"""

import json
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..errors import ModelError, ModelUnavailable
from .budget import Deadline
from .model import STREAM_USAGE, is_openai, json_schema, responses, usage_of

if TYPE_CHECKING:
    from llama_index.core.llms import LLM


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an endpoint does with a model; False where it refuses or ignores it."""

    json_schema: bool = False
    logprobs: bool = False
    stream_usage: bool = False


def capabilities(llm: "LLM", deadline: Deadline) -> Capabilities:
    """What the endpoint does with this model: asked once in a process, for a few tokens.

    All at once, and where that is refused one by one. A model that is reached in another way than
    OpenAI's API has none of them. Raises ModelUnavailable.
    """
    if not is_openai(llm):
        return Capabilities()
    key = (str(getattr(llm, "api_base", None)), llm.metadata.model_name)
    if key not in _known:
        every = list(_FEATURES)
        found = _tried(llm, deadline, every)
        if found is None:
            found = {name for one in every for name in _tried(llm, deadline, [one]) or ()}
        _known[key] = Capabilities(**dict.fromkeys(found, True))
    return _known[key]


_SEVEN = {"type": "object", "properties": {"n": {"enum": [7]}}, "required": ["n"]}
_FEATURES: dict[str, dict[str, Any]] = {
    "json_schema": json_schema("seven", _SEVEN),
    "logprobs": {"logprobs": True},
    "stream_usage": STREAM_USAGE,
}
_PIECES_READ = 40  # of a reply that is held to no schema
_known: dict[tuple[str, str], Capabilities] = {}  # by address and model: facts, not settings


def _tried(llm: "LLM", deadline: Deadline, names: Sequence[str]) -> set[str] | None:
    """Which of these features show in a reply to a request for them; None where it is refused."""
    from llama_index.core.llms import ChatMessage

    options: dict[str, Any] = {}
    for name in names:
        options |= _FEATURES[name]
    asked = [ChatMessage(role="user", content="Reply with the word yes.")]
    text, shown = "", set[str]()
    try:
        with closing(responses(llm, asked, deadline, **options)) as found:
            pieces = list(islice(found, _PIECES_READ))
    except ModelUnavailable:
        raise
    except ModelError:
        return None
    for piece in pieces:
        text += piece.delta or ""
        if any(getattr(c, "logprobs", None) for c in getattr(piece.raw, "choices", ())):
            shown.add("logprobs")
        if usage_of(piece.raw)[0]:
            shown.add("stream_usage")
    with suppress(ValueError):
        if json.loads(text) == {"n": 7}:  # nobody says that who is asked for a yes
            shown.add("json_schema")
    return shown & set(names)
