"""Answers that were given elsewhere."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from ...errors import InputError
from ..case import Case, read_lines
from ..response import Response, response_of


class RecordedSystem:
    """Answers from a file: a response a line, with the case's id as `id` (or `case`)."""

    def __init__(self, file: Path) -> None:
        if not file.is_file():
            raise InputError(f"There is no file of answers {file}.")
        self._responses = dict(_read_responses(file))
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        self.label, self.about = file.stem, {"file": str(file), "sha256": digest}
        self.depends_on = None

    def answer(self, case: Case) -> Response:
        """The recorded answer. Raises InputError where there is none."""
        if case.id not in self._responses:
            raise InputError(f"there is no recorded answer to '{case.id}'")
        return self._responses[case.id]


def _read_responses(file: Path) -> Iterator[tuple[str, Response]]:
    seen = set()
    for number, record in read_lines(file):
        case_id = record.pop("id", None) or record.pop("case", None)
        given = record.get("response", record)
        try:
            if not isinstance(case_id, str) or not isinstance(given, dict):
                raise InputError("id: is missing: give the case's id")
            if case_id in seen:
                raise InputError(f"id: there is an answer to '{case_id}' already")
            yield case_id, response_of(given)
        except InputError as error:
            raise InputError(f"{file}, line {number}: {error}") from None
        seen.add(case_id)
