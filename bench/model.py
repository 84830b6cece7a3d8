"""What a real language model answers, and whether its answers keep Byline's promises.

    python bench/model.py [--model FILE.gguf] [--set NAME] [--limit N] [--data FOLDER]

A llama.cpp server on loopback serves the model to the official client, as any OpenAI-compatible
endpoint would; the articles and questions are those of a set (default: the seed where it is, else
the sample). Counts answers that hold what is asked for, and checks in every one that each `[n]`
resolves, that no citation is unused, and that every quote equals its span of the stored article.
"""

import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sets
from answers import folded
from byline import Answer, Desk
from byline.qa.answer import openai_llm
from xllamacpp import CommonParams, Server

_MODEL = sets.ROOT / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
_CONTEXT = 8192


def main() -> int:
    """Print a table of the answers; 1 where a promise is broken."""
    parser = sets.parser(__doc__)
    parser.add_argument("--model", type=Path, default=_MODEL, help="(default: %(default)s)")
    parser.add_argument("--set", help="name of the set")
    parser.add_argument("--limit", type=int, help="the first N questions")
    given = parser.parse_args()
    name = given.set or sets.available(["seed"], given.data)[0]
    cases = sets.cases(name, given.data)[: given.limit]
    counts: Counter[str] = Counter()
    rows, broken = [], []
    with served(given.model) as base_url, sets.opened(name, given.data) as desk:
        llm = openai_llm(
            given.model.stem,
            base_url,
            None,
            context_window=_CONTEXT,
            max_tokens=200,
            timeout_seconds=600,
        )
        with Desk(settings=desk.settings, llm=llm) as asking:
            for case in cases:
                began = time.monotonic()
                answer = asking.ask(case.question, as_of=case.as_of)
                broken += [f"{case.id}: {promise}" for promise in broken_promises(answer, asking)]
                outcome = _outcome(case, answer)
                counts[outcome] += 1
                seconds = f"{time.monotonic() - began:.1f}"
                shown = answer.text.replace("\n", " ").replace("|", "/")
                rows.append([case.id, outcome, len(answer.citations), seconds, shown[:120]])
    print(f"## {given.model.stem} on {name}, {len(cases)} questions\n")
    print(sets.markdown(["Question", "outcome", "citations", "seconds", "answer"], rows))
    print(f"\n{dict(counts)}; promises broken: {len(broken)}")
    print("\n".join(broken))
    return int(bool(broken))


@contextmanager
def served(model: Path) -> Iterator[str]:
    """The address of a llama.cpp server with this model."""
    params = CommonParams()
    params.model.path = str(model)
    params.n_ctx, params.n_parallel, params.cpuparams.n_threads = _CONTEXT, 1, 2
    params.port, params.ui, params.verbosity = 0, False, -1
    server = Server(params)
    yield f"{server.listening_address}/v1"
    del server


def broken_promises(answer: Answer, desk: Desk) -> Iterator[str]:
    """What of the invariants 1, 2 and 5 an answer breaks."""
    shown = {int(n) for s in answer.statements for n in re.findall(r"\[(\d+)\]", s.text)}
    numbers = [citation.number for citation in answer.citations]
    if shown != set(numbers) or numbers != list(range(1, len(numbers) + 1)):
        yield f"numbers {sorted(shown)} are shown and {numbers} listed"
    for citation in (*answer.citations, *answer.nearest):
        text = desk.articles.get(citation.article_id).text
        if text[citation.start : citation.end] != citation.quote:
            yield f"the quote of [{citation.number}] is not its span"
    if answer.declined == bool(answer.citations):
        yield f"{answer.status} with {len(numbers)} citations"


def _outcome(case: sets.Case, answer: Answer) -> str:
    if answer.declined:
        return "declined" if case.answerable else "rightly declined"
    said = [folded(expected) in folded(answer.text) for expected in case.answers]
    is_right = (all if "all" in case.tags else any)(said) and case.answerable
    return "right" if is_right else "wrong"


if __name__ == "__main__":
    sys.exit(main())
