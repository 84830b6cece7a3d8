"""Whose text an article runs, as articles come, change and go."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from byline.index.archive import Archive, origins, tables
from byline.index.archive.filter import Filter
from byline.index.archive.origins import is_credited, names, outlets_of
from byline.index.archive.writes import Accession
from byline.index.article import Article
from byline.index.chunk import chunk

WORDS = [
    f"{a}{b}"
    for a in ["ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu"]
    for b in ["lan", "rin", "sto", "vek"]
]
DAY = date(2026, 3, 1)


def prose(seed: int, words: int = 240) -> str:
    chance = random.Random(seed)
    return ". ".join(
        " ".join(chance.choice(WORDS) for _ in range(12)).capitalize() for _ in range(words // 12)
    )


TEXT = prose(1)


def article(article_id: str, text: str = TEXT, *, day: int = 0, **facts: object) -> Article:
    given: dict[str, object] = {"outlet": f"The {article_id}", "published": DAY + timedelta(day)}
    return Article(id=article_id, text=text, **(given | facts))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    opened = Archive(tmp_path / "one" / "archive.db")
    opened.find_copies()
    yield opened
    opened.close()


def put(archive: Archive, *articles: Article) -> None:
    accessions = []
    for one in articles:
        passages = chunk(one, 1000)
        vectors = [np.ones(2, np.float32) for _ in passages]
        accessions.append(Accession(one, [one.id.encode()], passages, vectors))
    archive.accept(accessions)
    archive.publish()


def groups(archive: Archive) -> dict[str, str]:
    """The origin of each article that is a copy, by the table itself."""
    own, origin = tables.articles, tables.articles.alias("origin")
    query = sa.select(own.c.id, origin.c.id).join(origin, own.c.origin_pk == origin.c.pk)
    with archive.engine.connect() as connection:
        dangling = connection.scalar(
            sa.select(sa.func.count()).where(
                own.c.origin_pk.is_not(None),
                own.c.origin_pk.not_in(sa.select(origin.c.pk).where(origin.c.origin_pk.is_(None))),
            )
        )
        assert dangling == 0  # an origin is there, and is no copy itself
        return {one: other for one, other in connection.execute(query)}


class TestComing:
    def test_a_copy_points_to_the_article_published_first(self, archive: Archive) -> None:
        put(archive, article("a", day=1), article("b", f"Here at home.\n{TEXT}", day=2))
        put(archive, article("c", prose(2)), article("d", TEXT[:1000], day=3))
        assert groups(archive) == {"b": "a", "d": "a"}

    def test_an_earlier_one_that_comes_later_becomes_the_origin_of_all(
        self, archive: Archive
    ) -> None:
        put(archive, article("a", day=1), article("b", day=2))
        put(archive, article("undated", published=None))
        put(archive, article("first", day=0))
        assert groups(archive) == dict.fromkeys(("a", "b", "undated"), "first")

    @pytest.mark.parametrize(
        "named",
        [
            {"outlet": "Reuters"},
            {"text": f"BRENIK (AP) - {TEXT}"},
            {"text": f"{TEXT}\n\n© 2026 AFP"},
            {"authors": ("dpa",)},
            {"outlet": "Castrine Herald"},
        ],
    )
    def test_the_one_that_is_named_is_the_origin_however_late(
        self, archive: Archive, named: dict[str, str]
    ) -> None:
        other = f"{TEXT} She told the Castrine Herald so." if "outlet" in named else TEXT
        put(archive, article("a", other), article("b", other, day=1))
        put(archive, article("wire", day=5, **named))
        assert groups(archive) == {"a": "wire", "b": "wire"}

    def test_a_time_of_the_day_comes_before_the_day_alone(self, archive: Archive) -> None:
        put(
            archive, article("day"), article("noon", published=datetime(2026, 3, 1, 12, tzinfo=UTC))
        )
        assert groups(archive) == {"day": "noon"}

    def test_two_stories_of_one_outlet_are_versions_not_copies(self, archive: Archive) -> None:
        put(archive, article("a", outlet="The Ledger"), article("b", day=1, outlet="The Ledger"))
        assert groups(archive) == {}
        put(archive, article("c", day=2))
        assert len(groups(archive)) == 1  # the copy is of one of them, and does not tie them

    def test_order_of_coming_and_batches_make_no_difference(self, tmp_path: Path) -> None:
        every = [article(f"{n}-{k}", prose(n) + " " * k, day=k) for n in range(3) for k in range(4)]
        expected = {f"{n}-{k}": f"{n}-0" for n in range(3) for k in range(1, 4)}
        for seed, size in ((0, 12), (1, 5), (2, 1)):
            archive = Archive(tmp_path / str(seed) / "archive.db")
            random.Random(seed).shuffle(every)
            for at in range(0, len(every), size):
                put(archive, *every[at : at + size])
            assert groups(archive) == expected
            archive.close()

    def test_of_a_form_with_thousands_of_members_few_are_compared(
        self, archive: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compared = []
        monkeypatch.setattr(origins, "overlap", lambda one, other: compared.append(1) or 0.0)
        put(archive, *(article(f"{n}", f"{TEXT} {n}") for n in range(200)))
        assert len(compared) <= 200 * origins._COMPARED


class TestChangingAndGoing:
    def test_a_removed_origin_hands_over_to_the_next(self, archive: Archive) -> None:
        put(archive, *(article(name, day=day) for day, name in enumerate("abcd")))
        assert archive.remove("a")
        assert groups(archive) == {"c": "b", "d": "b"}
        for name in "bc":
            archive.remove(name)
        assert groups(archive) == {}
        assert archive.remove("d")

    def test_a_large_group_hands_over_too(self, archive: Archive) -> None:
        put(archive, *(article(f"{n:02}", day=n) for n in range(30)))
        archive.remove("00")
        assert groups(archive) == {f"{n:02}": "01" for n in range(2, 30)}

    def test_an_article_that_gets_another_text_leaves_its_group(self, archive: Archive) -> None:
        put(archive, article("a"), article("b", day=1), article("c", day=2))
        put(archive, article("a", prose(9)))
        assert groups(archive) == {"c": "b"}
        put(archive, article("a"))
        assert groups(archive) == {"b": "a", "c": "a"}

    def test_new_facts_choose_the_origin_anew(self, archive: Archive) -> None:
        put(archive, article("a"), article("b", day=1))
        put(archive, article("a", day=3))
        assert groups(archive) == {"a": "b"}

    def test_without_the_one_between_them_two_are_no_copies(self, archive: Archive) -> None:
        one, other = prose(3, 300), prose(4, 300)
        put(
            archive, article("a", one), article("b", one + other, day=1), article("c", other, day=2)
        )
        before = groups(archive)
        archive.remove("b")
        assert groups(archive) == {}
        assert "b" in {*before, *before.values()}

    def test_placing_again_changes_nothing(self, archive: Archive) -> None:
        put(archive, article("a"), article("b", day=1), article("c", prose(2)))
        before = groups(archive)
        with archive.engine.begin() as connection:
            for _ in range(2):
                origins.place(connection, [3, 1, 2])
        assert groups(archive) == before == {"b": "a"}


class TestOlderIndex:
    def test_articles_without_bands_are_placed_also_after_a_kill_between_steps(
        self, archive: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(archive, *(article(name, day=day) for day, name in enumerate("abcde")))
        expected = groups(archive)
        with archive.engine.begin() as connection:
            connection.execute(tables.bands.delete())
            connection.execute(tables.articles.update().values(origin_pk=None))
            connection.execute(tables.meta.delete().where(tables.meta.c.key == "copies"))
        monkeypatch.setattr(origins, "_BATCH", 2)
        place, calls = origins.place, []

        def killed(*given: object) -> None:
            calls.append(given)
            if len(calls) == 2:
                raise KeyboardInterrupt
            place(*given)

        monkeypatch.setattr(origins, "place", killed)
        with pytest.raises(KeyboardInterrupt):
            archive.find_copies()
        archive.find_copies()
        assert groups(archive) == expected
        assert len(calls) == 5  # 2, (2), 2, 1, none

    def test_what_is_placed_is_not_placed_again(
        self, archive: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(archive, article("a"))
        monkeypatch.delattr(origins, "place_more")
        archive.find_copies()


class TestReading:
    def test_copies_are_those_that_may_be_shown_and_were_published_by_then(
        self, archive: Archive
    ) -> None:
        put(archive, article("a"), article("b", day=1), article("c", day=2, status="killed"))
        put(archive, article("d", day=3), article("e", prose(2)))
        assert [c.id for c in archive.copies(["a"])["a"]] == ["b", "d"]
        assert [c.id for c in archive.copies(["d"], Filter(as_of=DAY + timedelta(1)))["d"]] == [
            "a",
            "b",
        ]
        assert archive.copies(["e", "nowhere"]) == {}

    def test_an_origin_under_embargo_is_not_told(self, archive: Archive) -> None:
        put(archive, article("a", embargo_until=datetime.now(UTC) + timedelta(1)))
        put(archive, article("b", day=1), article("c", day=2))
        assert groups(archive) == {"b": "a", "c": "a"}
        assert [(c.id, c.is_origin) for c in archive.copies(["b"])["b"]] == [("c", False)]

    def test_an_outlet_is_listed_once_and_not_for_itself(self) -> None:
        copies = [
            origins.Copy(i, o, False) for i, o in (("1", "A"), ("2", "B"), ("3", "A"), ("4", None))
        ]
        assert outlets_of(copies, "B") == ("A",)


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("LONDON (Reuters) - Rates rose.", True),
        ("Rates rose.\n\nReporting by Reuters; editing by M. Voss", True),
        ("Rates rose, an official told Reuters on Monday.", False),
        ("The AP is a road. APA and PA are letters.", False),
        ("", False),
    ],
)
def test_an_agency_is_credited_where_it_is_the_author(text: str, is_so: bool) -> None:
    assert is_credited(Article(id="a", text=text)) is is_so


@pytest.mark.parametrize(
    ("text", "outlet", "is_so"),
    [
        ("The Castrine Herald reported it.", "Castrine Herald", True),
        ("First published in The Ledger.", "The Ledger", True),
        ("Time passed, and he had time.", "Time", False),
        ("It was in a ledger (closed).", "The Ledger", False),
        ("Anything", "", False),
        ("(a+b)", "a+b", True),
    ],
)
def test_an_outlet_is_named_as_a_source(text: str, outlet: str, is_so: bool) -> None:
    assert names(Article(id="a", text=text), outlet) is is_so
