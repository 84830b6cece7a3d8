from datetime import UTC, date, datetime

import pytest
from byline.index.dates import find_dateline, parse_moment, resolve
from hypothesis import given
from hypothesis import strategies as st

WRITTEN = date(2026, 2, 4)  # a Wednesday


def at(hour: int, minute: int) -> datetime:
    return datetime(2026, 2, 4, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-02-04T14:32:00+01:00", at(13, 32)),
        ("2026-02-04T14:32:00+0100", at(13, 32)),
        ("2026-02-04T14:32Z", at(14, 32)),
        ("2026-02-04 14:32:00 UTC", at(14, 32)),
        ("Wed, 04 Feb 2026 14:32:00 GMT", at(14, 32)),
        ("Wed, 04 Feb 2026 14:32:00 -0500", at(19, 32)),
        ("Wed, 04 Feb 2026 14:32:00 +0100 (CET)", at(13, 32)),
        ("4 Feb 2026 14:05 GMT", at(14, 5)),
        ("4 Feb 2026 14:05 (GMT)", at(14, 5)),
        ("Wed 4 Feb 2026 14.05 GMT", at(14, 5)),
        ("Feb. 4, 2026 2:32 p.m. ET", at(19, 32)),
        ("February 4, 2026 at 2:32pm EST", at(19, 32)),
        ("4 February 2026, 14:05 UTC+3", at(11, 5)),
        ("1770215520", at(14, 32)),
        ("1770215520000", at(14, 32)),
    ],
)
def test_a_time_with_its_zone_is_a_moment_in_utc(text: str, moment: datetime) -> None:
    parsed = parse_moment(text)
    assert parsed == moment
    assert isinstance(parsed, datetime)
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-04",
        "20260204",
        "20260204143200",
        "2026/02/04",
        "February 4, 2026",
        "4 Feb 2026",
        "the 4th of February 2026".removeprefix("the "),
        "Wednesday, February 4, 2026",
        "2026-02-04T14:32:00",
        "4 Feb 2026 14:05",
        "4 Feb 2026 14:05 IST",
        "2:32 PM – Wednesday, February 4, 2026",
    ],
)
def test_a_time_without_a_known_zone_leaves_the_date(text: str) -> None:
    parsed = parse_moment(text)
    assert parsed == WRITTEN
    assert not isinstance(parsed, datetime)


@pytest.mark.parametrize(
    "text",
    ["", "Wednesday", "2:32 PM", "2026", "2026-02", "2026-W06", "March 2026", "May 5", "4 Feb 26"]
    + ["2026-02-30", "202602", "9999-12-31T23:00-05:00", "May", "today", "12 March 2026 5 people"],
)
def test_what_is_not_a_whole_date_is_none(text: str) -> None:
    assert parse_moment(text) is None


def test_day_and_month_that_could_be_exchanged_are_none() -> None:
    assert parse_moment("03/04/2026") is None
    assert parse_moment("13/03/2026") == parse_moment("03/13/2026") == date(2026, 3, 13)
    assert parse_moment("04/04/2026") == date(2026, 4, 4)


@given(st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_any_iso_moment_is_read_back(moment: datetime) -> None:
    moment = moment.replace(fold=0)
    if moment.utcoffset() is None or moment.utcoffset().total_seconds() % 60:  # type: ignore[union-attr]
        return
    try:
        expected = moment.astimezone(UTC)
    except OverflowError:
        expected = None
    assert parse_moment(moment.isoformat()) == expected


FRAGMENTS = """4 30 2026 1e9 0 99999999 March Feb. may Wed , : / - – | ( ) + GMT ET a.m. T Z W am
Published: CASTRINE — last next year week ago hours two of in will the past early mid end
quarter weekend on 12th 29 ١ ²"""
DATE_LIKE = st.lists(
    st.sampled_from(FRAGMENTS.split()),
    max_size=14,
).map(" ".join)


@given(st.text() | DATE_LIKE)
def test_no_text_makes_a_reader_fail(text: str) -> None:
    for read in (parse_moment, find_dateline):
        assert read(text) is None or isinstance(read(text), date)


@given(st.text() | DATE_LIKE, st.dates())
def test_what_is_resolved_stands_in_the_text_in_order(text: str, written: date) -> None:
    end = 0
    for when in resolve(text, written):
        assert text[when.start : when.end] == when.words
        assert end <= when.start < when.end
        assert when.first <= when.last
        assert when.label
        end = when.end


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("2:32 PM – Wednesday, February 4, 2026", WRITTEN),
        ("Wednesday, February 4, 2026 2:32 PM", WRITTEN),
        ("Published: 4 Feb 2026 14:05 GMT", at(14, 5)),
        ("Last updated 4 Feb 2026 at 2.05pm GMT", at(14, 5)),
        ("**Posted on Feb. 4, 2026, 2:32 p.m. ET**", at(19, 32)),
        ("February 4, 2026", WRITTEN),
        ("[4 February 2026]", WRITTEN),
        ("2026-02-04", WRITTEN),
        ("Harbour | Feb 4, 2026 | 5 min read", WRITTEN),
        ("Published February 4, 2026 | Updated February 5, 2026", WRITTEN),
        ("By Ada Quill · 4 Feb 2026 14:05 GMT", at(14, 5)),
        ("By Ada Quill, 4 Feb 2026 14:05 GMT", at(14, 5)),
        ("Castrine, 4 February 2026", WRITTEN),
        ("CASTRINE, February 4, 2026 (Meridian Wire) —", WRITTEN),
        ("CASTRINE, February 4, 2026 (Meridian Wire) — Ships sailed at dawn.", WRITTEN),
        ("PORT ELLERY, Calif., Feb. 4, 2026 /WireDesk/ -- Quill Corp. opened a yard.", WRITTEN),
        ("February 4, 2026 – Ships sailed at dawn.", WRITTEN),
    ],
)
def test_a_dateline_gives_the_published_date(line: str, moment: date) -> None:
    assert find_dateline(line) == moment


@pytest.mark.parametrize(
    "line",
    [
        "The court met on March 9, 2026.",
        "The permit ends March 9, 2026",
        "Sales rose in Castrine, March 9, 2026",
        "On March 9, 2026 — the day of the storm — ships sailed.",
        "In Castrine, March 9, 2026 — the day of the storm — is not forgotten.",
        "CASTRINE (Meridian Wire) — Ships sailed at dawn.",
        "CASTRINE, March 9 (Meridian Wire) —",
        "March 9",
        "March 2026",
        "1770215520",
        "20260204",
    ],
)
def test_a_line_that_is_not_a_whole_dateline_is_none(line: str) -> None:
    assert find_dateline(line) is None


# One sentence, and what its expressions mean on Wednesday 4 February 2026.
MEANINGS = [
    ("The yard reopened in July last year.", "July 2025"),
    ("The yard reopened in July of last year.", "July 2025"),
    ("Last month's figures beat every forecast.", "January 2026"),
    ("Prices had slipped last month, the bureau said.", "January 2026"),
    ("The toll takes effect this April.", "April 2026"),
    ("Quill told investors on a Wednesday call that costs fell.", "4 February 2026"),
    ("In December the board cut its forecast.", "December 2025"),
    ("In October the council split.", "October 2025"),
    ("Minutes of the October meeting show a split.", "October 2025"),
    ("Hours earlier a rival had quit the race.", "3–4 February 2026"),
    ("Police arrested two men hours ago.", "3–4 February 2026"),
    ("The ferry sank 36 hours ago.", "2–3 February 2026"),
    ("The mayor resigned on Tuesday.", "3 February 2026"),
    ("The mayor resigned Monday night.", "2 February 2026"),
    ("Ministers will meet on Tuesday.", "10 February 2026"),
    ("On Monday, judges will hear the appeal.", "9 February 2026"),
    ("The firm said Tuesday it will cut 300 jobs.", "3 February 2026"),
    ("The firm said it will cut 300 jobs on Friday.", "6 February 2026"),
    ("The vote is expected to be held on Thursday.", "5 February 2026"),
    ("They'll decide on Sunday.", "8 February 2026"),
    ("The court on Monday ruled that the firm will pay.", "2 February 2026"),
    ("Lawmakers vote this Friday.", "6 February 2026"),
    ("The storm hit last Friday.", "30 January 2026"),
    ("Talks resume next Friday.", "6 February 2026"),
    ("The strike began this past Sunday.", "1 February 2026"),
    ("The strike began on Tuesday of last week.", "27 January 2026"),
    ("She flies home Tuesday next week.", "10 February 2026"),
    ("Shares fell yesterday.", "3 February 2026"),
    ("Flights were halted last night.", "3 February 2026"),
    ("The bridge is closed today.", "4 February 2026"),
    ("Crews returned this morning.", "4 February 2026"),
    ("The bridge reopens tomorrow.", "5 February 2026"),
    ("The bridge closed last week.", "26 January – 1 February 2026"),
    ("The panel sits next week.", "9–15 February 2026"),
    ("Two papers broke the story this week.", "2–8 February 2026"),
    ("Earlier this week the port closed.", "2–4 February 2026"),
    ("A verdict may come later this week.", "4–8 February 2026"),
    ("The port closed a week ago.", "26 January – 1 February 2026"),
    ("The port closed three days ago.", "1 February 2026"),
    ("The port closed 10 days ago.", "25 January 2026"),
    ("The port closed two months ago.", "December 2025"),
    ("Two years ago the port closed.", "2024"),
    ("A year ago the port closed.", "2025"),
    ("The port closed earlier this month.", "1–4 February 2026"),
    ("It reopens later this month.", "4–28 February 2026"),
    ("It reopens later this year.", "4 February – 31 December 2026"),
    ("Exports doubled last year.", "2025"),
    ("Exports are down this year.", "2026"),
    ("A census is due next year.", "2027"),
    ("A census is due in March of next year.", "March 2027"),
    ("The census opens next month.", "March 2026"),
    ("The census closed last July.", "July 2025"),
    ("The census opens next January.", "January 2027"),
    ("A vote is planned for September.", "September 2026"),
    ("The upcoming June session is full.", "June 2026"),
    ("The March report showed a loss.", "March 2025"),
    ("He has led the union since May.", "May 2025"),
    ("The union won a raise in early January.", "1–10 January 2026"),
    ("Prices rose in February.", "February 2026"),
    ("The pact was signed on March 9.", "9 March 2025"),
    ("The pact will be signed on March 9.", "9 March 2026"),
    ("The pact was signed on 9 January.", "9 January 2026"),
    ("A hearing on March 9 is open to all.", "9 March 2026"),
    ("A storm on Dec. 28 was the worst in years.", "28 December 2025"),
    ("The fair ran Aug. 2-8.", "2–8 August 2025"),
    ("The fair opens on the 9th of April.", "9 April 2026"),
    ("The fair opened on March 9 last year.", "9 March 2025"),
    ("The fair on Sunday, March 8, is free.", "8 March 2026"),
    ("The fair closed on Friday, Feb. 28.", "28 February 2025"),
    ("Sales fell in June, but Nov. 3 will bring relief.", "June 2025; 3 November 2026"),
    ("Fans filled the quay over the weekend.", "31 January – 1 February 2026"),
    ("Ministers meet this weekend.", "7–8 February 2026"),
    ("The vote takes place next weekend.", "14–15 February 2026"),
    ("Prices have risen in the past three days.", "1–4 February 2026"),
    ("The yard will hire in the next two weeks.", "4–18 February 2026"),
    ("Karvanik lost money in the fourth quarter.", "1 October – 31 December 2025"),
    ("Sales last quarter missed every forecast.", "1 October – 31 December 2025"),
    ("Exports recovered in the second half of last year.", "1 July – 31 December 2025"),
    ("The inquiry must report by the end of the month.", "28 February 2026"),
    ("Two ministers left at the turn of the year.", "31 December 2025 – 1 January 2026"),
    ("The bridge will open in mid-March.", "11–20 March 2026"),
    ("A deal was struck late last year.", "1 September – 31 December 2025"),
    ("Shots were heard the day before yesterday.", "2 February 2026"),
    ("The council will decide on the 12th, its clerk said.", "12 February 2026"),
    ("A fortnight ago the judge freed him.", "19–25 January 2026"),
    ("The blockade ends three days from now.", "7 February 2026"),
    ("On Friday week the council will vote.", "13 February 2026"),
    ("A march is planned a week from Sunday.", "15 February 2026"),
    ("The siren contract was signed in July two years ago.", "July 2024"),
    ("It was counted between 20 March and 17 April last year.", "20 March 2025; 17 April 2025"),
    ("The mayor, who quit last week, will speak on Saturday.",
     "26 January – 1 February 2026; 7 February 2026"),
    ("The board agreed in April to sell, and on Monday the sale closed.",
     "April 2025; 2 February 2026"),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "labels"), MEANINGS)
def test_an_expression_means_days_relative_to_the_dateline(sentence: str, labels: str) -> None:
    assert "; ".join(when.label for when in resolve(sentence, WRITTEN)) == labels


@pytest.mark.parametrize(
    "sentence",
    [
        "It may march on, and we may not.",
        "May we go? March on! The sun rose.",
        "The March for Harbours drew crowds, the Sunday Herald wrote.",
        "Stores opened early on Black Friday.",
        "The pact dates from May 2025 and lapses on March 9, 2026.",
        "In 2025 exports doubled, and on 9 March 2025 they peaked.",
        "He called the day before; the same day she left.",
        "The following Tuesday they met, as they do every Tuesday and on most Sundays.",
        "In the last week of the season, and his last year in office, he won.",
        "The next year was worse; the president's last month was not.",
        "Nearly two years ago, or more than 10 years ago, it closed.",
        "It blooms this spring.",
        "The animal froze 46,000 years ago.",
        "She finished 12th in the 12th district on the 12th floor.",
        "The weekend of the vote, the first quarter of the match and the last two days of it.",
        "USA TODAY and Harbour Today reported it.",
        "March 9,000 miles.",
    ],
)
def test_what_is_dated_anchored_elsewhere_or_no_date_is_left_out(sentence: str) -> None:
    assert resolve(sentence, WRITTEN) == []


@pytest.mark.parametrize(
    ("sentence", "words", "rule"),
    [
        ("It fell on Tuesday.", "Tuesday", "weekday before the dateline"),
        ("It will fall on Tuesday.", "Tuesday", "weekday after the dateline"),
        ("It fell on Wednesday.", "Wednesday", "weekday at the dateline"),
        ("It fell in July last year.", "July last year", "month before the dateline"),
        ("It fell on 9 January.", "9 January", "day before the dateline"),
        ("It fell two years ago.", "two years ago", "period before the dateline"),
        ("It fell this week.", "this week", "period at the dateline"),
    ],
)
def test_the_words_and_the_rule_are_recorded(sentence: str, words: str, rule: str) -> None:
    (when,) = resolve(sentence, WRITTEN)
    assert (when.words, when.rule) == (words, rule)


def test_a_day_that_no_year_around_the_dateline_has_is_left_out() -> None:
    assert resolve("It opens on Feb. 29.", WRITTEN) == []
    assert resolve("It opens on June 31.", WRITTEN) == []
    assert resolve("It closed on Feb. 29.", date(2025, 1, 9))[0].first == date(2024, 2, 29)


def test_a_week_that_spans_two_years_names_both() -> None:
    (when,) = resolve("It closed last week.", date(2026, 1, 7))
    assert when.label == "29 December 2025 – 4 January 2026"


def test_a_moment_serves_as_the_day_of_writing() -> None:
    assert resolve("It closed yesterday.", at(14, 32))[0].first == date(2026, 2, 3)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("The line is closed until Thursday.", date(2026, 2, 5), date(2026, 2, 5)),
        ("Three men were remanded until 19 February.", date(2026, 2, 19), date(2026, 2, 19)),
        ("The court ordered a reply by Monday noon.", date(2026, 2, 9), date(2026, 2, 9)),
        ("Ferries resume on Saturday.", date(2026, 2, 7), date(2026, 2, 7)),
        ("The fee goes up in May.", date(2026, 5, 1), date(2026, 5, 31)),
        ("It opened in June of the year before last.", date(2024, 6, 1), date(2024, 6, 30)),
        ("She got an early start in January.", date(2026, 1, 1), date(2026, 1, 31)),
    ],
)
def test_deadlines_and_timetables_look_ahead(text: str, first: date, last: date) -> None:
    assert [(w.first, w.last) for w in resolve(text, date(2026, 2, 4))] == [(first, last)]


@pytest.mark.parametrize("text", ["The pier burned on a Sunday.", "Its midyear report is out."])
def test_a_day_of_no_week_and_a_bare_midyear_are_left_out(text: str) -> None:
    assert resolve(text, date(2026, 2, 4)) == []


def test_a_year_and_a_month_in_one_breath_are_one_date() -> None:
    said = "It is the first since the one fifteen years ago this October."
    (found,) = resolve(said, date(2026, 3, 10))
    assert (found.words, found.label) == ("fifteen years ago this October", "October 2011")
