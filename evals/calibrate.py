"""Holds a judge against people: how far its verdicts agree with their labels, beyond chance.

calibration = calibrate(load_claims("claims.jsonl.gz", limit=200), judge)
print(calibration.as_markdown())

A claims file is JSON Lines (also .jsonl.gz): evidence, claim, supported; further keys are ignored.
"""

import gzip
import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import StrictBool, TypeAdapter, ValidationError

from ..errors import InputError
from .case import wrong_key
from .compare import as_table
from .judge import SUPPORT, Judge, Judgement
from .summary import Estimate, estimate, percentiles

SEED = 20261124
_RESAMPLES = 5000
_Z = 1.959963984540054  # of the normal distribution, for 95 %
_SAID = SUPPORT.verdicts  # for a claim that is supported, and for one that is not
_LABELS = ("supported", "not supported")
# Bands of Landis and Koch 1977: moderate, substantial, almost perfect agreement.
_MODERATE, _SUBSTANTIAL, _ALMOST_PERFECT = 0.4, 0.6, 0.8
_MOST_UNSCORED = 0.1  # our own: beyond it, what is left need not be like the whole
_NO_GATE = (
    "Do not gate on this judge: use the deterministic metrics, a larger judge or human review."
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim, the text it is held against, and what a person says of the two."""

    evidence: str
    claim: str
    supported: StrictBool
    id: str | None = None


_CLAIM = TypeAdapter(Claim)


def load_claims(path: Path | str, limit: int | None = None, seed: int = SEED) -> list[Claim]:
    """The claims of a file in order; with `limit` a random sample of so many, the same by a seed.

    The sample is drawn from all claims alike, whatever their label.
    Raises InputError that names file, line, key and what is wrong with it.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"There is no file {file}: name a .jsonl or .jsonl.gz file of claims.")
    claims = list(_claims(file))
    if not claims:
        raise InputError(f"{file} holds no claim: write one a line, with {', '.join(_REQUIRED)}.")
    if limit is None or limit >= len(claims):
        return claims
    if limit < 1:
        raise InputError(f"A judge needs a claim to be calibrated on: the limit is {limit}.")
    chosen = random.Random(seed).sample(range(len(claims)), limit)
    return [claims[place] for place in sorted(chosen)]


_REQUIRED = ("evidence", "claim", "supported")


def _claims(file: Path) -> Iterator[Claim]:
    for number, line in _numbered(file):
        try:
            yield _claim_of(line)
        except InputError as error:
            raise InputError(f"{file}, line {number}: {error}") from None


def _numbered(file: Path) -> Iterator[tuple[int, bytes]]:
    """Number and content of each line that is not empty."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, line
    except (OSError, EOFError) as error:
        raise InputError(f"{file} cannot be read: {error}. Is it whole?") from None


def _claim_of(line: bytes) -> Claim:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON in UTF-8: {error}") from None
    if not isinstance(record, dict):
        raise InputError(f"not a JSON object but {line[:40]!r}")
    try:
        claim = _CLAIM.validate_python(record)
    except ValidationError as error:
        raise InputError(wrong_key(error, _REQUIRED)) from None
    for name in ("evidence", "claim"):
        if not record[name].strip():
            raise InputError(f"{name}: is empty")
    return claim


@dataclass(frozen=True, slots=True)
class Calibration:
    """A judge's verdicts beside people's labels, and what follows from them.

    What the judge left unscored is counted, and left out of every other number.
    """

    model: str
    prompt_version: str
    repeats: int
    swap: bool
    rows: tuple[tuple[Claim, Judgement], ...]
    seconds: float
    "of the whole calibration; replies that were cached took none"

    @property
    def pairs(self) -> list[tuple[bool, bool]]:
        """Label and verdict of each claim that was judged."""
        return [
            (claim.supported, judgement.verdict == _SAID[0])
            for claim, judgement in self.rows
            if judgement.verdict
        ]

    @property
    def judged(self) -> int:
        """How many claims have a verdict."""
        return len(self.pairs)

    @property
    def reasons(self) -> Counter[str]:
        """How many claims are unscored for which kind of reason."""
        given = [judgement.reason_unscored for _, judgement in self.rows]
        return Counter(reason.partition(":")[0] for reason in given if reason)

    @property
    def confusion(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Claims by label (supported, not) and verdict (supported, not, unscored)."""
        counts = Counter((claim.supported, judgement.verdict) for claim, judgement in self.rows)
        yes, no = _SAID
        supported, refuted = (
            (counts[label, yes], counts[label, no], counts[label, None]) for label in (True, False)
        )
        return supported, refuted

    @property
    def agreement(self) -> Estimate:
        """The share of judged claims with the person's label, with Wilson's interval."""
        return self._share([float(label == verdict) for label, verdict in self.pairs])

    @property
    def recall(self) -> dict[str, Estimate]:
        """Of the judged claims of each label: the share that the judge says it of."""
        return {
            name: estimate([float(v == label) for found, v in self.pairs if found == label])
            for name, label in zip(_LABELS, (True, False), strict=True)
        }

    @property
    def balanced_accuracy(self) -> float | None:
        """The mean of the two recalls; None where a label is missing."""
        values = [found.value for found in self.recall.values() if found.value is not None]
        return sum(values) / 2 if len(values) == 2 else None

    @property
    def base_rate(self) -> float | None:
        """The agreement of always saying the commoner label of the judged claims."""
        labels = Counter(label for label, _ in self.pairs)
        return max(labels.values()) / self.judged if labels else None

    @property
    def kappa(self) -> Estimate:
        """Cohen's kappa with a bootstrap interval.

        Resampled are texts of evidence with all their claims, for these are not independent. The
        lower bound is at most what Wilson's bound of the agreement gives at the same chance
        agreement: of a few claims without a disagreement every resample has none either.
        """
        tables = _tables([(c.evidence, c.supported, j.verdict) for c, j in self.rows if j.verdict])
        value = _number(_kappas(tables.sum(axis=0)))
        low, high = _interval(tables) if value is not None else (None, None)
        return Estimate(value, low, high, self.judged, len(self.rows) - self.judged)

    def _share(self, values: Sequence[float]) -> Estimate:
        return estimate([*values, *[None] * (len(self.rows) - len(values))])

    @property
    def advice(self) -> str:
        """What to do with this judge, in one or two sentences."""
        return _flaw(self) or _by_kappa(self.kappa)

    def to_dict(self) -> dict[str, Any]:
        """All numbers and every verdict, for JSON; claims by id, without their texts."""
        return _summary(self) | {"verdicts": [_row(*row) for row in self.rows]}

    def as_markdown(self) -> str:
        """The calibration as a report for people."""
        parts = (_heading(self), self.advice, _measures(self), _matrix(self), _unscored(self))
        return "\n\n".join(part for part in (*parts, _spent(self), _SOURCES) if part) + "\n"


def calibrate(
    claims: Sequence[Claim],
    judge: Judge,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Calibration:
    """Let the judge judge every claim; `progress` is told how many of how many are done.

    Raises ModelError where the judge's model replies to nothing at all.
    """
    began = time.monotonic()
    rows = []
    for done, claim in enumerate(claims, 1):
        rows.append((claim, judge.supports(claim.evidence, claim.claim)))
        progress(done, len(claims))
    seconds = time.monotonic() - began
    return Calibration(
        judge.model, SUPPORT.version, judge.repeats, judge.swap, tuple(rows), seconds
    )


def kappa(one: Sequence[Hashable], other: Sequence[Hashable]) -> float | None:
    """Agreement of two raters beyond chance: (po - pe) / (1 - pe), Cohen 1960, equation 1.

    None where both give one and the same label throughout: then there is no chance to speak of.

    >>> kappa(["y", "y", "n", "n"], ["y", "n", "n", "n"])
    0.5
    """
    labels = {label: place for place, label in enumerate(dict.fromkeys([*one, *other]))}
    table = np.zeros((len(labels), len(labels)), np.int64)
    for row, column in zip(one, other, strict=True):
        table[labels[row], labels[column]] += 1
    return _number(_kappas(table))


def _kappas(tables: NDArray[np.int64]) -> NDArray[np.float64]:
    """Kappa of each table of counts, shape (..., k, k) to (...); NaN where it is not defined."""
    total = tables.sum(axis=(-2, -1))
    agreed = np.trace(tables, axis1=-2, axis2=-1)
    by_chance = (tables.sum(axis=-1) * tables.sum(axis=-2)).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        found: NDArray[np.float64] = np.divide(
            total * agreed - by_chance, total * total - by_chance, dtype=np.float64
        )
    return found


def _number(value: NDArray[np.float64]) -> float | None:
    return None if np.isnan(value) else float(value)


def _tables(judged: Sequence[tuple[str, bool, str | None]]) -> NDArray[np.int64]:
    """Counts of label and verdict for each text of evidence, shape (texts, 2, 2)."""
    texts = {text: place for place, text in enumerate(dict.fromkeys(t for t, _, _ in judged))}
    tables = np.zeros((len(texts), 2, 2), np.int64)
    for text, label, verdict in judged:
        tables[texts[text], int(not label), int(verdict != _SAID[0])] += 1
    return tables


def _interval(tables: NDArray[np.int64]) -> tuple[float | None, float | None]:
    """The middle 95 % of kappa over resamples of the texts; none for a single text."""
    count = len(tables)
    if count < 2:
        return None, None
    drawn = np.random.default_rng(SEED).multinomial(count, [1 / count] * count, _RESAMPLES)
    found = _kappas(np.tensordot(drawn, tables, axes=1))
    defined = found[~np.isnan(found)]  # a resample in which all agree on one label has none
    low, high = percentiles(defined)
    return min(low, _wilson_bound(tables)), high


def _wilson_bound(tables: NDArray[np.int64]) -> float:
    """Kappa at the lower bound of the agreement (Wilson 1927), each text counting once."""
    table, n = tables.sum(axis=0), len(tables)
    total = table.sum()
    agreed = np.trace(table) / total
    by_chance = (table.sum(axis=1) @ table.sum(axis=0)) / total**2
    spread = _Z * math.sqrt(agreed * (1 - agreed) / n + _Z**2 / (4 * n**2))
    low = (agreed + _Z**2 / (2 * n) - spread) / (1 + _Z**2 / n)
    return float((low - by_chance) / (1 - by_chance))


def _flaw(calibration: Calibration) -> str | None:
    """What keeps kappa from meaning anything, with what to do."""
    claims, judged = len(calibration.rows), calibration.judged
    if not judged:
        return f"The judge gave no verdict on any of {claims} claims. {_NO_GATE}"
    labels, verdicts = (set(side) for side in zip(*calibration.pairs, strict=True))
    if len(labels) == 1:
        return (
            "All judged claims carry the same label, so nothing is known of the other: calibrate "
            "on claims of both labels before you gate."
        )
    if len(verdicts) == 1:
        return (
            f"The judge says {_SAID[0] if True in verdicts else _SAID[1]} whatever it is shown: "
            f"kappa is 0, and its agreement only the share of that label. {_NO_GATE}"
        )
    if claims - judged > _MOST_UNSCORED * claims:
        return (
            f"{claims - judged} of {claims} claims came back without a verdict, and the others "
            f"need not be like them. {_NO_GATE}"
        )
    return None


def _by_kappa(kappa: Estimate) -> str:
    """Advice by the lower bound of kappa's interval."""
    if kappa.low is None:
        return "One text gives kappa no interval: calibrate on claims about more texts."
    bound = f"Kappa may be as low as {kappa.low:.2f}"
    if kappa.low < _MODERATE:
        return f"{bound}, which is less than moderate agreement with people. {_NO_GATE}"
    if kappa.low < _SUBSTANTIAL:
        return (
            f"{bound}, moderate agreement with people: report this judge beside the deterministic "
            "metrics, with its interval, but do not gate on it."
        )
    if kappa.low < _ALMOST_PERFECT:
        return (
            f"{bound}, substantial agreement with people: you may gate on this judge, with a "
            "margin, and should read what it rejects."
        )
    return f"{bound}, almost perfect agreement with people: you may gate on this judge."


def _summary(calibration: Calibration) -> dict[str, Any]:
    supported, refuted = calibration.confusion
    return {
        "model": calibration.model,
        "prompt_version": calibration.prompt_version,
        "repeats": calibration.repeats,
        "swap": calibration.swap,
        "claims": len(calibration.rows),
        "judged": calibration.judged,
        "unscored": dict(calibration.reasons),
        "agreement": asdict(calibration.agreement),
        "kappa": asdict(calibration.kappa),
        "base_rate": calibration.base_rate,
        "balanced_accuracy": calibration.balanced_accuracy,
        "recall": {name: asdict(found) for name, found in calibration.recall.items()},
        "confusion": {"supported": supported, "not supported": refuted},
        "shares": _shares(calibration),
        "spent": _counted(calibration),
        "advice": calibration.advice,
    }


def _shares(calibration: Calibration) -> dict[str, float | None]:
    """How much of the judged claims is supported by the labels, and by the judge."""
    pairs = calibration.pairs
    sides = {"labelled supported": 0, "judged supported": 1}
    return {
        name: sum(pair[side] for pair in pairs) / len(pairs) if pairs else None
        for name, side in sides.items()
    }


def _counted(calibration: Calibration) -> dict[str, float | int | None]:
    judgements = [judgement for _, judgement in calibration.rows]
    return {
        "replies": sum(judgement.replies for judgement in judgements),
        "cached": sum(judgement.cached for judgement in judgements),
        "input_tokens": _known([judgement.input_tokens for judgement in judgements]),
        "output_tokens": _known([judgement.output_tokens for judgement in judgements]),
        "seconds": round(calibration.seconds, 3),
    }


def _known(counts: Sequence[int | None]) -> int | None:
    return None if None in counts else sum(count or 0 for count in counts)


def _row(claim: Claim, judgement: Judgement) -> dict[str, Any]:
    return {"id": claim.id, "supported": claim.supported} | asdict(judgement)


def _heading(calibration: Calibration) -> str:
    asked = f"asked {calibration.repeats} times" if calibration.repeats > 1 else "asked once"
    orders = ", verdicts offered in both orders" if calibration.swap else ""
    return (
        f"# {calibration.model} as a judge of {len(calibration.rows)} claims\n\n"
        f"Prompt {SUPPORT.prompt} {calibration.prompt_version}, {asked}{orders}."
    )


def _measures(calibration: Calibration) -> str:
    shares, recall = _shares(calibration), calibration.recall
    rows = [
        ("Agreement with people", *_shown(calibration.agreement)),
        ("Agreement of always saying the commoner label", _decimal(calibration.base_rate), ""),
        ("Cohen's kappa", *_shown(calibration.kappa)),
        (
            "Balanced accuracy (0.5: tells nothing apart)",
            _decimal(calibration.balanced_accuracy),
            "",
        ),
        *[(f"Recall of claims that are {name}", *_shown(recall[name])) for name in _LABELS],
        *[(f"Share {name}", _decimal(share), "") for name, share in shares.items()],
    ]
    counted = f"Of {calibration.judged} judged claims:\n\n"
    return counted + as_table(("Measure", "value", "95 % interval"), rows)


def _matrix(calibration: Calibration) -> str:
    rows = zip(_LABELS, calibration.confusion, strict=True)
    head = ("People say", *(f"judge says {verdict}" for verdict in _SAID), "unscored")
    return as_table(head, [(label, *map(str, counts)) for label, counts in rows])


def _unscored(calibration: Calibration) -> str:
    rows = [(reason, str(count)) for reason, count in calibration.reasons.most_common()]
    return as_table(("Unscored, because of", "claims"), rows) if rows else ""


def _spent(calibration: Calibration) -> str:
    spent = {
        name: "unknown" if n is None else f"{n:,}" for name, n in _counted(calibration).items()
    }
    return (
        f"Replies: {spent['replies']} ({spent['cached']} of them from the cache); tokens: "
        f"{spent['input_tokens']} in, {spent['output_tokens']} out; "
        f"{calibration.seconds:,.0f} seconds."
    )


_SOURCES = (
    "Intervals: Wilson 1927 for shares; for kappa (Cohen 1960) the middle 95 % of "
    f"{_RESAMPLES:,} bootstrap resamples of the texts of evidence, its lower bound at most what "
    "Wilson's bound of the agreement gives. The advice goes by that lower bound, in the bands of "
    "Landis and Koch 1977: above 0.4 moderate, above 0.6 substantial, above 0.8 almost perfect."
)


def _shown(found: Estimate) -> tuple[str, str]:
    interval = "" if found.low is None else f"{found.low:.2f} to {found.high:.2f}"
    return _decimal(found.value), interval


def _decimal(value: float | None) -> str:
    return "not known" if value is None else f"{value:.2f}"
