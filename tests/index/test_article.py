"""What makes two copies of an article the same version."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from byline.index.article import Article, day_end, day_start, from_iso, isoformat

ARTICLE = Article(
    id="a",
    text="Rates rose on Monday.\nPrices fell.",
    title="Rates rise",
    published=datetime(2026, 2, 4, 14, 32, tzinfo=UTC),
    updated=date(2026, 2, 5),
    extra={"desk": ["economy"]},
)


@pytest.mark.parametrize(
    "text",
    [
        "Rates rose\non Monday.  Prices fell.",
        "Rates rose on Monday.\n\nPrices fell.\n",
        "Rates rose on\u00a0Monday. Prices fell.",
    ],
)
def test_a_reflowed_copy_is_the_same_version(text: str) -> None:
    assert replace(ARTICLE, text=text).version == ARTICLE.version


def test_composed_and_decomposed_accents_are_the_same_version() -> None:
    one, other = (replace(ARTICLE, text=f"Ren{e} resigned.") for e in ("\u00e9", "e\u0301"))
    assert one.version == other.version


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Rates rise again"},
        {"title": None},
        {"text": "Rates rose on Tuesday.\nPrices fell."},
        {"text": "rates rose on Monday.\nPrices fell."},
    ],
)
def test_another_headline_or_text_is_another_version(change: dict[str, str]) -> None:
    assert replace(ARTICLE, **change).version != ARTICLE.version


@pytest.mark.parametrize(
    "change",
    [{"id": "b"}, {"outlet": "The Ledger"}, {"published": date(2026, 2, 4)}, {"extra": {}}],
)
def test_other_metadata_is_the_same_version(change: dict[str, object]) -> None:
    assert replace(ARTICLE, **change).version == ARTICLE.version


def test_an_article_goes_through_json() -> None:
    shown = json.loads(json.dumps(ARTICLE.to_dict()))
    assert shown["version"] == ARTICLE.version
    assert (shown["published"], shown["updated"]) == ("2026-02-04T14:32:00+00:00", "2026-02-05")
    assert shown["embargo_until"] is None
    assert shown["authors"] == []
    assert "text" not in ARTICLE.to_dict(with_text=False)


@pytest.mark.parametrize("moment", [ARTICLE.published, ARTICLE.updated, None])
def test_a_moment_survives_being_written_down(moment: datetime | date | None) -> None:
    assert from_iso(isoformat(moment)) == moment


def test_a_day_lasts_from_midnight_to_the_last_microsecond_in_utc() -> None:
    day = date(2026, 2, 4)
    assert day_start(day) == datetime(2026, 2, 4, tzinfo=UTC)
    assert day_end(day) == datetime(2026, 2, 5, tzinfo=UTC) - timedelta(microseconds=1)
    late = datetime(2026, 2, 4, 23, tzinfo=timezone(timedelta(hours=-5)))
    assert day_start(late) == day_end(late) == datetime(2026, 2, 5, 4, tzinfo=UTC)
