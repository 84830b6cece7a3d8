"""What every system under test is: a label, what is known of it, and an answer to a case."""

from typing import Any, Protocol

from ..case import Case
from ..response import Response

NO_TURNS = "earlier turns were not sent: the system has no conversation"
NO_FILTERS = "filters and the date of asking were not sent: the system takes none"


class System(Protocol):
    """What answers cases, from several threads at once."""

    label: str
    "what it is called in reports"
    about: dict[str, Any]
    "what is known of it, for the report: settings, model, index"
    depends_on: Any
    "what its answers depend on beside the case, as JSON; None: unknown, so they are not cached"

    def answer(self, case: Case) -> Response:
        """Answer one case. Raises where it cannot; what it raises is the case's failure."""
        ...


def is_limited(case: Case) -> bool:
    """Whether a case has a date of asking or filters, which not every system takes."""
    limits = (case.as_of, case.filters.since, case.filters.until, case.filters.outlets)
    return any(limits)
