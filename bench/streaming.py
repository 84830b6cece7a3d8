"""What streaming costs: the first token, leaving in mid-stream, and when statements are checked.

    python bench/streaming.py --model models/SmolLM2-135M-Instruct.Q4_1.gguf [--turns N]

A small model runs in this process on one thread and reads every prompt anew. The first token of
`Desk.stream` is timed from the question, and in the very same call the model's own first token from
the moment at which the model is called: the difference is what Byline adds, however busy the
machine is. Medians over the turns of one run. Required: at most 150 ms; the model free again within
a second of closing the stream; each statement before the next sentence of the reply has ended.
"""

import time
from argparse import Namespace
from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING, Any

import sets
from byline import Answer, Desk
from byline.qa import model
from byline.qa.budget import Deadline
from byline.qa.cite import Statement
from byline.qa.events import Found
from byline.qa.local import LocalModel
from byline.qa.model import openai_llm
from byline.qa.reply import cited_sentences
from llama_index.core.llms import ChatMessage

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

_SHORT = [ChatMessage(role="user", content="Say yes.")]


def main() -> None:
    """Print a table."""
    parser = sets.parser(__doc__)
    parser.add_argument("--model", required=True, help="a .gguf file")
    parser.add_argument("--turns", type=int, default=20, help="questions (%(default)s)")
    given = parser.parse_args()
    local = LocalModel(given.model, 4096)
    try:
        _measure(given, _llm(local.base_url))
    finally:
        local.close()


def _measure(given: Namespace, llm: "LLM") -> None:
    asked = [case.question for case in sets.cases("sample", given.data)][: given.turns]
    alone, added, freed, idle, late, checked = [], [], [], [], 0, 0
    with sets.opened("sample", given.data) as held:
        settings = held.settings.model_copy(update={"max_passages": 3})
        with Desk(settings=settings, llm=llm, embedder=held._embedder) as desk:
            for text in asked:
                through, own = _first_through(desk, text)
                alone.append(own)
                added.append(through - own)
                freed.append(_first(llm))  # the stream was closed just now
                idle.append(_first(llm))
                behind, of = _statements(desk, text)
                late, checked = late + behind, checked + of
    rows = [
        ("first token of the model alone, s", f"{median(alone):.2f}"),
        ("what Desk.stream adds, ms (required: 150)", f"{median(added) * 1000:.0f}"),
        ("a short request of an idle model, s", f"{median(idle):.2f}"),
        ("the same after a stream was closed, s", f"{median(freed):.2f}"),
        ("longer by at most, s (required: 1)", f"{max(map(float.__sub__, freed, idle)):.2f}"),
        ("statements that had a sentence behind them", str(checked)),
        ("of these, behind its end (required: 0)", str(late)),
    ]
    print(f"## Streaming: {len(asked)} questions\n\n{sets.markdown(['', 'median'], rows)}")


def _llm(base_url: str) -> "LLM":
    limits: dict[str, Any] = {"context_window": 4096, "max_tokens": 80, "timeout_seconds": 120.0}
    llm: Any = openai_llm("local", base_url, None, **limits)
    llm.additional_kwargs = {"extra_body": {"cache_prompt": False}}
    return llm  # type: ignore[no-any-return]


def _first(llm: "LLM") -> float:
    """Seconds until the first token of a short reply; the rest is left."""
    began = time.perf_counter()
    pieces = model.stream_chat(llm, _SHORT, Deadline(120))
    next(pieces)
    took = time.perf_counter() - began
    pieces.close()
    return took


def _first_through(desk: Desk, text: str) -> tuple[float, float]:
    """Seconds until the first token, from the question and from the call of the model."""
    real, marks = model._begun, []

    def marked(*given: Any) -> Iterator[Any]:
        marks.append(time.perf_counter())
        for response in real(*given):
            marks.extend([time.perf_counter()] if response.delta else [])
            yield response

    model._begun = marked  # type: ignore[assignment]
    began = time.perf_counter()
    events: Any = desk.stream(text)
    next((event for event in events if isinstance(event, str)), None)
    took = time.perf_counter() - began
    events.close()
    model._begun = real
    return took, marks[1] - marks[0]


def _statements(desk: Desk, text: str) -> tuple[int, int]:
    """How many statements came behind the end of the next sentence, and of how many."""
    came, said = [], ""
    for event in desk.stream(text):
        said += event if isinstance(event, str) else ""
        if isinstance(event, Statement):
            came.append(len(said))
        assert isinstance(event, (Found, str, Statement, Answer))
    ends = list(_ends(said))[1:]
    return sum(at >= end for at, end in zip(came, ends, strict=False)), min(len(came), len(ends))


def _ends(reply: str) -> Iterator[int]:
    """Where the last word of each sentence ends."""
    at = 0
    for said, _, _ in cited_sentences(reply):
        for word in said.split():
            at = max(at, reply.find(word, at) + len(word))
        yield at


if __name__ == "__main__":
    main()
