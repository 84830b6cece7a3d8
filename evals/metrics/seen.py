"""One answer to one case as metrics see it: what was said, what was cited, where that stands.

seen = Seen(case, response, corpus); seen.grade
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...index.chunk import sentence_spans
from ...qa.answer import cited_sentences
from ..case import Case, is_named
from ..corpus import Corpus, Span
from ..match import groups_said, reads_as_declined, says
from ..response import Cited, Passage, Response, Said

# An answer may run to so many words and sentences, and so many more for each further thing that is
# asked for. A passage pasted whole holds the answer and gives none: half of the sample's passages
# have 159 words or more, in nine sentences. One sentence of a post may have 102 (seed, s15).
_WORDS, _MORE_WORDS = 130, 50
_SENTENCES, _MORE_SENTENCES = 5, 2
_LEAST_QUOTE = 20  # characters from which a quote inside the evidence counts as a part of it


@dataclass(frozen=True)
class Seen:
    """A case, the response of a system to it, and the articles that both speak of."""

    case: Case
    response: Response
    corpus: Corpus
    judged: Mapping[str, Any] = field(default_factory=dict)
    "what a judge was asked: its verdict (None: unusable) and its reason"

    # What was answered

    @cached_property
    def grade(self) -> str:
        """Right | partly | wrong | declined | failed, or unjudged where no answer is known.

        An answer is right when it says what is expected, whole (match.says), nothing that it must
        not say, and is an answer in length. An unanswerable case is wrong when it is answered.
        """
        if self.failed:
            return "failed"
        if self.declined:
            return "declined"
        if not self.case.answerable or self.says_forbidden:
            return "wrong"
        if not self.groups:
            return "unjudged"
        if all(self.groups):
            return "right" if self.is_brief else "partly"
        return "partly" if any(self.groups) else "wrong"

    @property
    def failed(self) -> bool:
        """Whether there is neither an answer nor a refusal: an error, or an empty text."""
        is_empty = not self.response.text.strip() and self.response.status != "declined"
        return self.response.error is not None or is_empty

    @cached_property
    def declined(self) -> bool:
        """Whether the system says that there is no answer."""
        if self.response.status is not None:
            return self.response.status == "declined"
        return reads_as_declined(self.response.text)

    @property
    def answered(self) -> bool:
        """Whether there is an answer, right or wrong."""
        return not self.failed and not self.declined

    @property
    def is_right(self) -> bool:
        """Whether the outcome is what it should be: answered rightly, or rightly declined."""
        return self.grade == "right" or (self.grade == "declined" and not self.case.answerable)

    @cached_property
    def said(self) -> str:
        """The answer's text without its citation numbers."""
        return " ".join(re.sub(r"\s*\[\d+(?:\s*,\s*\d+)*\]", "", self.response.text).split())

    @cached_property
    def groups(self) -> list[bool]:
        """For each group of expected answers, whether one of them is said."""
        return groups_said(self.said, self.case.wanted, self.case.tolerance, self.context)

    @cached_property
    def context(self) -> str:
        """Where the names of the answer may stand in full: question, quotes and passages."""
        quotes = [cited.quote or "" for cited in self.response.citations or ()]
        passages = [f"{hit.title or ''} {hit.text}" for hit in self.handed or ()]
        return "\n".join((self.case.question, *quotes, *passages))

    @cached_property
    def says_forbidden(self) -> bool:
        """Whether it states something that a right answer does not."""
        return any(says(self.said, said, context=self.context) for said in self.case.must_not_say)

    @cached_property
    def is_brief(self) -> bool:
        """Whether it is an answer in length, and not an article."""
        more = max(0, len(self.case.wanted) - 1)
        sentences = sentence_spans(self.response.text, 0, len(self.response.text))
        is_short = len(self.said.split()) <= _WORDS + _MORE_WORDS * more
        return is_short and len(sentences) <= _SENTENCES + _MORE_SENTENCES * more

    # What was found

    @cached_property
    def ranked_articles(self) -> list[str] | None:
        """Ids of the articles that were found, each at its first passage."""
        if self.response.hits is None or self.response.error is not None:
            return None
        ids = [hit.article_id for hit in self.response.hits]
        return list(dict.fromkeys(i for i in ids if i)) if all(ids) else None

    @cached_property
    def relevant(self) -> list[str]:
        """The ids, in this corpus or this response, of the articles that the case names."""
        named = {hit.article_id for hit in self.response.hits or () if hit.article_id}
        named |= {cited.article_id for cited in self.response.citations or () if cited.article_id}
        found = []
        for name in self.case.relevant:
            met = next((i for i in sorted(named) if is_named(i, name)), None)
            found.append(self.corpus.resolve(name) or met or name)
        return list(dict.fromkeys(found))

    @cached_property
    def evidence(self) -> list[list[Span]]:
        """Where each piece of evidence stands in the relevant articles."""
        return [self.corpus.spans(said, self.case.relevant) for said in self.case.evidence]

    @property
    def handed(self) -> Sequence[Passage] | None:
        """The passages that the answer was written from."""
        if self.response.hits is None or self.response.error is not None:
            return None
        return self.response.hits[: self.response.handed]

    # What was cited

    @cached_property
    def citations(self) -> dict[int, Cited] | None:
        """The citations of an answer by their numbers."""
        if not self.answered or self.response.citations is None:
            return None
        return {cited.number: cited for cited in self.response.citations}

    @cached_property
    def statements(self) -> list[Said]:
        """The sentences of an answer; told from its text where the system does not list them.

        A number counts for the sentence that it stands in or right behind, before or after the
        full stop.
        """
        if not self.answered:
            return []
        if self.response.statements:
            return list(self.response.statements)
        parsed = cited_sentences(self.response.text)
        return [Said(text, citations=tuple(dict.fromkeys(n))) for text, n, _ in parsed]

    @cached_property
    def used(self) -> list[Cited] | None:
        """The citations that a sentence uses, each once, in the order of use."""
        if self.citations is None:
            return None
        numbers = dict.fromkeys(n for s in self.statements for n in s.citations)
        return [self.citations[n] for n in numbers if n in self.citations]

    def touches(self, cited: Cited, piece: int) -> bool:
        """Whether a citation quotes a piece of the evidence, or a part of it."""
        spans = self.evidence[piece]
        if cited.article_id and cited.start is not None and cited.end is not None:
            quoted = Span(cited.article_id, cited.start, cited.end)
            if any(quoted.meets(span) for span in spans):
                return True
        return holds(cited.quote, self.case.evidence[piece])

    def is_evident(self, cited: Cited) -> bool:
        """Whether a citation quotes any of the evidence."""
        return any(self.touches(cited, piece) for piece in range(len(self.case.evidence)))


def holds(quote: str | None, evidence: str) -> bool:
    """Whether a quote has the evidence in it, or is a part of it that is long enough to tell."""
    one, other = " ".join((quote or "").split()), " ".join(evidence.split())
    return bool(one) and (other in one or (len(one) >= _LEAST_QUOTE and one in other))
