"""Models that say whether a passage supports a statement: a chat model, or an entailment model.

    judge = LLMJudge(llm)                                # judge.name is the model's
    judge = NLIJudge("http://localhost:8080")            # text-embeddings-inference, POST /predict
    verify(said, evidence, judge=judge)

Both give a likelihood from 0 to 1, or None where the model gave none; then the rules decide.
`Sitting` is a judge for one ask.
"""

import copy
import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from ..errors import ModelError, ModelUnavailable
from ..index.address import shown
from ..prompts import fence, load
from .budget import Deadline
from .model import close_client, reply, retrying

if TYPE_CHECKING:
    import httpx
    from llama_index.core.base.llms.types import ChatMessage, LogProb
    from llama_index.core.llms import LLM

_TOP = 10  # of the first word's alternatives
_SURE, _UNSURE = 0.95, 0.05  # of a bare word: it says nothing of how sure the model is
_WORD = re.compile(r"\W*(yes|no)\b", re.I)
_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.S)
_TIMEOUT_SECONDS = 30.0  # where no ask has a deadline
_SILENCES = 2  # in a row, behind which a judge counts as gone


class Judge(Protocol):
    """Reads whether a premise supports a claim."""

    name: str

    def support(self, premise: str, claim: str) -> float | None:
        """The likelihood, 0 to 1; None where the judge gave none."""
        ...


class Sitting:
    """A judge for one ask: within its deadline, and no more asked once it gave nothing twice.

    `given` and `silent` count the statements that it judged, and that were left to the rules.
    """

    def __init__(self, judge: Judge, deadline: Deadline) -> None:
        self.name, self.given, self.silent = judge.name, 0, 0
        self._judge: Judge = judge
        if isinstance(judge, (LLMJudge, NLIJudge)):
            self._judge = judge.within(deadline)
        self._left = _SILENCES

    def support(self, premise: str, claim: str) -> float | None:
        """See Judge."""
        found = self._judge.support(premise, claim) if self._left else None
        if found is None:
            self.silent, self._left = self.silent + 1, max(0, self._left - 1)
        else:
            self.given, self._left = self.given + 1, _SILENCES
        return found


class LLMJudge:
    """A chat model that is asked for yes or no; how sure it is tells the first token.

    Where the endpoint gives no likelihoods of tokens the word alone counts, as 0.95 or 0.05.
    """

    def __init__(self, llm: "LLM") -> None:
        self.name: str = llm.metadata.model_name
        self._llm = llm
        self._options: dict[str, Any] = {"logprobs": True, "top_logprobs": _TOP}
        self._deadline: Deadline | None = None

    def within(self, deadline: Deadline) -> "LLMJudge":
        """The same judge, whose calls share a deadline."""
        own = copy.copy(self)
        own._deadline = deadline
        return own

    def close(self) -> None:
        """Let go of its connections."""
        close_client(self._llm)

    def support(self, premise: str, claim: str) -> float | None:
        """How likely the premise states the claim; None where the model says neither or fails."""
        from llama_index.core.llms import ChatMessage

        texts = {"passage": premise, "statement": claim}
        texts = {tag: fence(text.replace("<", "‹"), tag) for tag, text in texts.items()}
        system, user = load("judge").fill(**texts)
        messages = [
            ChatMessage(role="system", content=system),
            ChatMessage(role="user", content=user),
        ]
        try:
            return self._ask(messages)
        except ModelError as error:
            if isinstance(error, ModelUnavailable) or not self._options:
                return None
        self._options.clear()  # an endpoint that refuses logprobs is asked without them from now on
        return self.support(premise, claim)

    def _ask(self, messages: Sequence["ChatMessage"]) -> float | None:
        deadline = self._deadline or Deadline(_TIMEOUT_SECONDS)
        found = reply(self._llm, messages, deadline, **self._options)
        known = _of_tokens(found.logprobs or ())
        if known is not None:
            return known
        said = _WORD.match(_THOUGHTS.sub("", found.message.content or ""))
        return None if said is None else _SURE if said[1].lower() == "yes" else _UNSURE


def _of_tokens(tokens: Iterable[Iterable["LogProb"]]) -> float | None:
    """The share of yes in the likelihood of yes and no, at the first token that is either."""
    for alternatives in tokens:
        found = {"yes": 0.0, "no": 0.0}
        for one in alternatives:
            word = re.sub(r"\W", "", one.token).lower()
            if word in found:
                found[word] += math.exp(one.logprob)
        if total := sum(found.values()):
            return found["yes"] / total
    return None


class NLIJudge:
    """An entailment model behind an endpoint of text-embeddings-inference.

    Its reply is read by label: the score of "entailment" (or "supported", "consistent").
    """

    def __init__(self, url: str, client: "httpx.Client | None" = None) -> None:
        import httpx

        self.name = urlsplit(shown(url)).netloc or url
        self._url = url.rstrip("/").removesuffix("/predict") + "/predict"
        self._client = client or httpx.Client()
        self._deadline: Deadline | None = None

    def within(self, deadline: Deadline) -> "NLIJudge":
        """The same judge, whose calls share a deadline."""
        own = copy.copy(self)
        own._deadline = deadline
        return own

    def close(self) -> None:
        """Let go of its connections."""
        self._client.close()

    def support(self, premise: str, claim: str) -> float | None:
        """The score of entailment; None where the endpoint does not answer with one."""
        import httpx

        body = {"inputs": [[premise, claim]], "truncate": True}
        deadline = self._deadline or Deadline(_TIMEOUT_SECONDS)
        try:
            for attempt in retrying(deadline):
                with attempt:
                    left = max(deadline.left, 0.001)
                    found = self._client.post(self._url, json=body, timeout=left)
                    if found.status_code == 429 or found.status_code >= 500:
                        found.raise_for_status()
            said = found.raise_for_status().json()
            labels = {str(one["label"]).lower(): float(one["score"]) for one in said[0]}
        except (httpx.HTTPError, ValueError, LookupError, TypeError):
            return None
        meant = ("entail", "support", "consistent")
        return next((score for label, score in labels.items() if label.startswith(meant)), None)
