"""The sentences of an answer as they come: checked, numbered, left out where the policy says so.

for statement in statements.add(sentence): ...
"""

from collections.abc import Iterator

from .check import Checker
from .cite import Numbering, Sentence, Statement
from .hostile import LEFT_OUT, without_addresses
from .trace import note, span
from .turns import Turns


class Statements:
    """The statements of one answer, and what was tried and left out."""

    def __init__(
        self, checker: Checker, policy: str, turns: Turns, *, must_cite: bool = False
    ) -> None:
        self.checker, self._policy, self._must_cite = checker, policy, must_cite
        self._turns = turns
        self.numbering = Numbering()
        self.sentences: list[Sentence] = []
        self.statements: list[Statement] = []
        self.tried: list[Sentence] = []
        "shown or not"
        self._given = 0

    def add(self, sentence: Sentence) -> Iterator[Statement]:
        """The sentence as a statement, if it is shown.

        What cites nothing waits for what does: without that there is no answer.
        """
        if self._policy != "off":
            with self._turns.late(), span("verify", "EVALUATOR") as opened:
                sentence = self.checker.check(sentence, self.numbering)
                score = {"label": sentence.verdict, "value": sentence.support}
                note(opened, {f"gen_ai.evaluation.score.{name}": v for name, v in score.items()})
        sentence = without_addresses(sentence)
        self.tried.append(sentence)
        if self._policy == "strict" and sentence.verdict != "supported":
            return
        if not sentence.sources and (self._must_cite or LEFT_OUT in sentence.text):
            return  # it may be an article's order that the model has followed
        self.sentences.append(sentence)
        self.statements.append(self.numbering.add(sentence))
        if self._given or self.statements[-1].citations:
            yield from self.statements[self._given :]
            self._given = len(self.statements)

    @property
    def hidden(self) -> int:
        """How many sentences were left out."""
        return len(self.tried) - len(self.sentences)

    @property
    def failed(self) -> list[tuple[str, str]]:
        """The sentences that did not pass, with the reasons."""
        return [
            (sentence.text, sentence.why or sentence.verdict)
            for sentence in self.tried
            if sentence.verdict in ("partial", "unsupported", "contradicted")
        ]

    @property
    def passed(self) -> float:
        """The share of sentences that are supported."""
        good = sum(sentence.verdict == "supported" for sentence in self.tried)
        return good / len(self.tried) if self.tried else 0.0
