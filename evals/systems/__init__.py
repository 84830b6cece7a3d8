"""Systems under test: whatever answers a case. Byline is one of them.

with open_system("byline:style=quotes", open_desk) as system:
    response = system.answer(case)

A system is named as KIND:ADDRESS,key=value,...

    byline                            Byline, as the settings have it
    byline:signals=dense,llm=qwen3    with other settings, a policy or a style
    http:URL                          an address that takes {"question", "as_of", ...} as JSON and
                                      gives an answer record (`Response`)
    openai:MODEL@BASE_URL             any endpoint that speaks OpenAI's chat completions
    llamaindex:MODULE:FUNCTION        a function that gives a LlamaIndex query engine
    recorded:FILE                     answers that were given elsewhere, as JSON Lines
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ...desk import Desk
from ...errors import InputError
from ...qa.ask import POLICIES, STYLES
from ...settings import Settings
from .byline import BylineSystem, code_version
from .http import HttpSystem
from .llamaindex import LlamaIndexSystem
from .openai import OpenAISystem, model_at
from .recorded import RecordedSystem
from .system import System

__all__ = ["BylineSystem", "OpenDesk", "System", "code_version", "model_at", "open_system"]

OpenDesk = Callable[[Mapping[str, Any]], AbstractContextManager[Desk]]
"Opens the desk of the index under test with these settings changed."
KINDS = ("byline", "http", "openai", "llamaindex", "recorded")
_ASKED = ("policy", "style")


@contextmanager
def open_system(spec: str, open_desk: OpenDesk) -> Iterator[System]:
    """The system of a specification; closed at the end. Raises InputError where there is none."""
    kind, _, rest = spec.partition(":")
    if kind not in KINDS:
        raise InputError(f"There is no kind of system '{kind}': use {', '.join(KINDS)}.")
    address, options = _parsed(rest, spec, has_address=kind != "byline")
    with ExitStack() as stack:
        if kind == "byline":
            yield _byline(options, open_desk, stack)
            return
        if options:
            raise InputError(f"A system of kind {kind} takes no options: leave out {options}.")
        if kind == "http":
            yield HttpSystem(address)
        elif kind == "openai":
            yield OpenAISystem(*model_at(address), stack)
        elif kind == "llamaindex":
            yield LlamaIndexSystem(address)
        else:
            yield RecordedSystem(Path(address))


def _parsed(rest: str, spec: str, *, has_address: bool) -> tuple[str, dict[str, str]]:
    """The address and the options of a specification."""
    if has_address:
        if not rest:
            kind = spec.partition(":")[0]
            raise InputError(f"System '{spec}' lacks its address: write {kind}:ADDRESS.")
        return rest, {}
    options: dict[str, str] = {}
    name = ""
    for part in filter(None, rest.split(",")):
        key, is_option, value = part.partition("=")
        if is_option:
            name = key.strip()
            options[name] = value
        elif name:  # a comma inside a value: signals=dense,articles
            options[name] += f",{part}"
        else:
            raise InputError(f"System '{spec}': '{part}' is no option: write key=value.")
    return "", options


def _byline(options: Mapping[str, str], open_desk: OpenDesk, stack: ExitStack) -> "BylineSystem":
    # Keys would stand in the report; a passage's size and the embedder are the index's.
    known = {name for name in Settings.model_fields if not name.endswith("_key")}
    known -= {"home", "index", "passage_chars", "embedder", "embed_base_url", "embed_model_dir"}
    for name in options:
        if name not in known and name not in _ASKED:
            raise InputError(
                f"Byline has no setting '{name}': use {', '.join((*_ASKED, *sorted(known)))}."
            )
    for name, values in (("policy", POLICIES), ("style", STYLES)):
        if options.get(name) not in (None, *values):
            raise InputError(f"Byline has no {name} '{options[name]}': use {', '.join(values)}.")
    settings = {name: v for name, v in options.items() if name in known and name not in _ASKED}
    desk = stack.enter_context(open_desk(settings))
    return BylineSystem(
        desk, policy=options.get("policy", "flag"), style=options.get("style"), changed=options
    )
