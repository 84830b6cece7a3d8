"""What is held of articles: what a person says stays, what another announces reaches its own."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from byline.index.archive import Archive
from byline.index.archive.filter import Filter
from byline.index.archive.writes import Accession
from byline.index.article import Article
from byline.index.chunk import chunk
from byline.index.clean import marks

PAST = date(2026, 5, 20)
FERRY = "The day the ferry burned"
TOLD = f"The Post withdraws the article “{FERRY}”, published in May, which was wrong."


def article(article_id: str, text: str = "It burned.", **facts: object) -> Article:
    given = {"outlet": "The Post", "marks": marks(text), "published": date(2026, 5, 3)} | facts
    return Article(id=article_id, text=text, **given)  # type: ignore[arg-type]


def notice(article_id: str = "notice", text: str = TOLD, **facts: object) -> Article:
    given = {"title": "Retraction: our report", "published": date(2026, 5, 9)} | facts
    return article(article_id, text, **given)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    opened = Archive(tmp_path / "archive.db")
    yield opened
    opened.close()


def put(archive: Archive, *articles: Article) -> None:
    for one in articles:
        passages = chunk(one, 200)
        vectors = [np.ones(2, np.float32) for _ in passages]
        archive.accept([Accession(one, [one.id.encode()], passages, vectors)])
    archive.publish()


def told(archive: Archive, article_id: str) -> tuple[str, str] | None:
    """Kind and text of an article's notice; a retracted one counts only where it is asked for."""
    found = archive.article(article_id)
    assert found is not None
    counted = {one.id for one in archive.list_articles(Filter())}
    is_retracted = found.notice is not None and found.notice.kind == "retracted"
    assert (article_id in counted) != is_retracted
    assert article_id in {one.id for one in archive.list_articles(Filter(retracted=True))}
    return (found.notice.kind, found.notice.text) if found.notice else None


class TestByHand:
    def test_a_re_add_does_not_undo_what_a_person_set(self, archive: Archive) -> None:
        put(archive, article("a"))
        before = archive.generation
        assert archive.retract("a", "Forged.")
        assert archive.generation > before
        put(archive, article("a", section="Harbour"))  # the same version with other facts
        assert told(archive, "a") == ("retracted", "Forged.")
        put(archive, article("a", "It burned for hours."))
        assert told(archive, "a") == ("retracted", "Forged.")

    def test_undone_an_article_stands_again(self, archive: Archive) -> None:
        put(archive, article("a", "It burned.\nCorrection: It was in May."))
        archive.retract("a", "Forged.")
        assert archive.retract("a", None)
        assert told(archive, "a") == ("corrected", "Correction: It was in May.")
        assert archive.retract("a", None) is False
        assert archive.retract("none", None) is None

    def test_a_person_is_believed_against_the_source(self, archive: Archive) -> None:
        put(archive, article("a", status="retracted"))
        assert told(archive, "a") == ("retracted", "Retracted by its source.")
        assert archive.retract("a", None)
        assert told(archive, "a") is None
        put(archive, article("a", "It burned again.", status="retracted"))
        assert told(archive, "a") is None


class TestBySource:
    def test_what_the_source_takes_back_stands_again(self, archive: Archive) -> None:
        put(archive, article("a", status="retracted"))
        put(archive, article("a", status="usable"))
        assert told(archive, "a") is None

    def test_a_re_flowed_copy_keeps_the_marks_of_the_stored_text(self, archive: Archive) -> None:
        first = article("a", "It burned.\nCorrection: It was in May.")
        put(archive, first)
        put(archive, article("a", "It burned.\n\n\nCorrection: It was in May."))
        (mark,) = archive.article("a").marks  # type: ignore[union-attr]
        assert first.text[mark.start : mark.end] == "Correction: It was in May."


class TestByAnotherArticle:
    @pytest.mark.parametrize("order", [1, -1])
    def test_an_announcement_marks_what_it_names_in_any_order(
        self, archive: Archive, order: int
    ) -> None:
        both = [article("a", title=FERRY), notice(url="https://post.example/notice")]
        for one in both[::order]:
            put(archive, one)
        assert told(archive, "a") == ("retracted", TOLD)
        assert told(archive, "notice") is None
        found = archive.article("a")
        assert found is not None
        assert found.notice is not None
        assert found.notice.link == "https://post.example/notice"
        assert found.notice.date == date(2026, 5, 9)

    def test_an_address_names_it_too(self, archive: Archive) -> None:
        url = "https://post.example/ferry"
        text = f"Our report at {url} gave the wrong year for the fire."
        put(archive, article("a", url=url), notice(text=text, title="Correction: a date"))
        assert told(archive, "a") == ("corrected", text)

    @pytest.mark.parametrize(
        "other",
        [
            {"outlet": "The Ledger"},
            {"outlet": None},
            {"title": "The day the ferry burned down"},
            {"published": date(2026, 5, 10)},
        ],
    )
    def test_it_must_be_of_the_outlet_no_younger_and_named_so(
        self, archive: Archive, other: dict[str, object]
    ) -> None:
        put(archive, article("a", **({"title": FERRY} | other)), notice())
        assert told(archive, "a") is None

    def test_two_of_one_headline_are_not_told_apart(self, archive: Archive) -> None:
        put(archive, article("a", title=FERRY), article("b", title=FERRY), notice())
        assert told(archive, "a") is told(archive, "b") is None

    def test_one_that_may_not_be_shown_marks_nothing(self, archive: Archive) -> None:
        put(archive, article("a", title=FERRY), notice(embargo_until=date(2999, 1, 1)))
        assert told(archive, "a") is None

    @pytest.mark.embedded("it reads the bytes of archive.db")
    def test_its_words_go_with_it_and_the_mark_stays(self, archive: Archive) -> None:
        put(archive, article("a", title=FERRY), notice())
        archive.remove("notice")
        assert told(archive, "a") == ("retracted", "Retracted by its source.")
        assert TOLD.encode() not in archive.path.read_bytes()

    @pytest.mark.parametrize(
        "facts", [{"status": "withheld"}, {"embargo_until": date(2999, 1, 1)}, {"expires": PAST}]
    )
    def test_its_words_are_hidden_with_it(self, archive: Archive, facts: dict[str, object]) -> None:
        put(archive, article("a", title=FERRY), notice())
        put(archive, notice(**facts))
        assert told(archive, "a") == ("retracted", "Retracted by its source.")
        put(archive, notice(status="usable"))
        assert told(archive, "a") == ("retracted", TOLD)

    def test_its_words_are_hidden_while_it_is_killed_by_hand(self, archive: Archive) -> None:
        put(archive, article("a", title=FERRY), notice())
        archive.kill(["notice"])
        assert told(archive, "a") == ("retracted", "Retracted by its source.")
        archive.kill(["notice"], undo=True)
        assert told(archive, "a") == ("retracted", TOLD)

    def test_its_words_expire_with_it(self, archive: Archive) -> None:
        soon = datetime.now(UTC) + timedelta(seconds=3)
        put(archive, article("a", title=FERRY), notice(expires=soon))
        assert told(archive, "a") == ("retracted", TOLD)
        time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()) + 0.05)
        assert told(archive, "a") == ("retracted", "Retracted by its source.")

    @pytest.mark.parametrize("order", [1, -1])
    def test_when_its_embargo_has_ended_the_next_that_comes_lets_it_mark(
        self, archive: Archive, order: int
    ) -> None:
        soon = datetime.now(UTC) + timedelta(seconds=3)
        for one in [article("a", title=FERRY), notice(embargo_until=soon)][::order]:
            put(archive, one)
        assert told(archive, "a") is None
        time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()) + 0.05)
        put(archive, article("b", outlet="The Ledger"))
        assert told(archive, "a") == ("retracted", TOLD)

    def test_named_anew_it_marks_the_other_and_the_first_stands_again(
        self, archive: Archive
    ) -> None:
        put(archive, article("a", title=FERRY), article("b", title="The bank raises rates"))
        put(archive, notice())
        now = TOLD.replace(FERRY, "The bank raises rates")
        put(archive, notice(text=now))
        assert (told(archive, "a"), told(archive, "b")) == (None, ("retracted", now))
        put(archive, notice(title="Another report"))
        assert told(archive, "b") is None

    def test_with_its_outlet_learned_later_it_marks(self, archive: Archive) -> None:
        put(archive, article("a", title=FERRY), notice(outlet=None))
        assert told(archive, "a") is None
        put(archive, notice())  # the same version with other facts
        assert told(archive, "a") == ("retracted", TOLD)
