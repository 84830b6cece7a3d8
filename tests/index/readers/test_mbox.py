"""What is taken from mail: newsletters, lists, and what is neither."""

from datetime import UTC, date, datetime
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path

import pytest
from byline.errors import InputError
from byline.index.article import Article
from byline.index.read import Entry, Failure, estimate, read, read_upload
from byline.index.readers.mbox import messages, read_message

STORY = "The harbour ferry burned for two hours on Monday evening, and nobody on board was hurt."
SECOND = "The fire brigade of Tern Bay said that the engine room would be examined on Tuesday."
POSTMARK = b"From news@gazette.example Thu Mar  5 10:00:00 2026\n"
SIGNED = "-- "  # the space is part of it: RFC 3676


def mail(text: str = STORY, page: str | None = None, **headers: str) -> bytes:
    message = EmailMessage()
    held = {"From": "The Gazette <news@gazette.example>", "Subject": "Ferry burns"}
    for name, value in (held | headers).items():
        message[name.replace("_", "-")] = value
    message.set_content(text, cte="8bit")
    if page is not None:
        message.add_alternative(page, subtype="html")
    return message.as_bytes()


def mbox(path: Path, *mails: bytes) -> Path:
    path.write_bytes(b"".join(POSTMARK + raw + b"\n" for raw in mails))
    return path


def article(raw: bytes) -> Article:
    return read_message(raw, "a.eml")


def test_a_mailbox_gives_its_articles_and_a_broken_message_is_reported_alone(
    tmp_path: Path,
) -> None:
    broken = b"Date: tomorrow or so\n" + mail()
    path = mbox(tmp_path / "news.mbox", mail(Message_ID="<m1@g.example>"), broken, mail(SECOND))
    found = [entry for entry in read([path], max_article_bytes=5000) if isinstance(entry, Entry)]
    assert [entry.line for entry in found] == [1, 2, 3]
    assert found[0].load().id == "m1@g.example"
    assert found[2].load().text == SECOND
    with pytest.raises(InputError, match="it cannot be read: Invalid date value"):
        found[1].load()
    assert estimate([path]) == 2  # about


def test_a_message_keeps_its_place_when_others_come_before_it(tmp_path: Path) -> None:
    path = mbox(tmp_path / "news.mbox", mail())
    path.write_bytes(path.read_bytes().rstrip())
    (one,) = read([path], max_article_bytes=5000)
    _, same = read([mbox(tmp_path / "news.mbox", mail(SECOND), mail())], max_article_bytes=5000)
    assert isinstance(one, Entry)
    assert isinstance(same, Entry)
    assert one.fingerprint == same.fingerprint
    assert one.load().id == same.load().id


@pytest.mark.parametrize(
    ("headers", "outlet", "authors"),
    [
        ({}, "The Gazette", ()),
        ({"From": "Mara Tenholt from The Gazette <m@g.example>"}, "The Gazette", ("Mara Tenholt",)),
        (
            {"From": "Jo Vask <jo@l.example>", "List_Id": "Harbour news <harbour.l.example>"},
            "Harbour news",
            ("Jo Vask",),
        ),
        ({"From": "news@gazette.example"}, "gazette.example", ()),
        ({"From": "=?utf-8?q?K=C3=BCste?= <k@k.example>"}, "Küste", ()),
    ],
)
def test_the_outlet_is_the_list_or_the_sender(
    headers: dict[str, str], outlet: str, authors: tuple[str, ...]
) -> None:
    read = article(mail(**headers))
    assert (read.outlet, read.authors, read.title) == (outlet, authors, "Ferry burns")


@pytest.mark.parametrize(
    ("stated", "published"),
    [
        ("Thu, 5 Mar 2026 10:00:00 +0100", datetime(2026, 3, 5, 9, tzinfo=UTC)),
        ("Thu, 5 Mar 2026 10:00:00 -0000", date(2026, 3, 5)),
    ],
)
def test_the_date_is_the_messages(stated: str, published: datetime | date) -> None:
    assert article(mail(Date=stated)).published == published
    assert article(mail()).published is None


def test_the_page_is_read_as_pages_are_and_the_mail_about_itself_left_out() -> None:
    page = f"""<table><tr><td><a href="x">View this email in your browser</a></td></tr><tr><td>
<h1>Ferry burns</h1><p>{STORY}</p><p>{SECOND}</p></td></tr><tr><td>You are receiving this email
because you signed up.<br><a href="u">Unsubscribe</a><br>The Gazette, 12 Quay Street</td></tr>
</table><script>alert(1)</script>"""
    assert article(mail("See it in a browser.", page)).text == f"{STORY}\n\n{SECOND}"


def test_plain_text_stands_in_where_the_page_has_no_story() -> None:
    assert article(mail(STORY, "<p>Hi</p>")).text == STORY


def test_broken_lines_are_joined_and_what_the_list_adds_is_left_out() -> None:
    text = f"""The harbour master said on Friday that the northern quay would be closed
until the café was repaired, which takes a week.

- boats: south
- cars: north

{SIGNED}
Jo Vask
_______________________________________________
harbour mailing list
To unsubscribe send an email to harbour-leave@list.example
"""
    kept = "would be closed until the café was repaired, which takes a week.\n\n- boats: south\n- c"
    read = article(mail(text))
    assert kept in read.text
    assert read.text.endswith("north")
    cut = article(mail(text.replace(f"{SIGNED}\nJo Vask\n", "")))
    assert cut.text == read.text


def test_a_line_that_begins_with_from_ends_no_message() -> None:
    body = f"{STORY}\n\nFrom the quay it is far.\n>From Monday on no boat lands.\n"
    ((number, raw),) = messages(BytesIO(POSTMARK + mail(body)), 5000)
    assert number == 1
    assert raw
    assert article(raw).text.endswith("From the quay it is far.\nFrom Monday on no boat lands.")


def test_a_mail_that_is_too_long_is_reported_and_the_next_is_read(tmp_path: Path) -> None:
    path = mbox(tmp_path / "a.mbox", mail(STORY * 90), mail(SECOND))
    failure, entry = read([path], max_article_bytes=3000)
    assert isinstance(failure, Failure)
    assert (failure.line, failure.reason[:38]) == (1, "the message is longer than 3,000 bytes")
    assert isinstance(entry, Entry)
    assert entry.load().text == SECOND


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"Dear reader,\nFrom here on it burns.\n", "it is no mbox: its first line"),
        (b"\n\n", "the file holds no records"),
        (b"\x89PNG\r\n\x1a\n", "it is no mbox"),
    ],
)
def test_what_is_no_mailbox_is_said(raw: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.mbox").write_bytes(raw)
    (failure,) = read_upload(tmp_path / "a.mbox", max_article_bytes=5000)
    assert isinstance(failure, Failure)
    assert reason in failure.reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"Content-Type: image/png\n\nxx", "it has no text"),
        (mail()[:40], "it has no text"),
        (mail().replace(b"utf-8", b"x-no-charset").replace(STORY.encode(), b"\xff" * 60), "UTF-8"),
        (b"Content-Type: text/plain;" + b"a;" * 90_000, "Content-Type is longer than 5,000 char"),
        (mail("Unsubscribe\n"), "it has no text"),
    ],
)
def test_a_message_without_a_story_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        article(raw)


def test_a_message_that_is_cut_off_gives_what_it_has() -> None:
    raw = mail(STORY, f"<p>{STORY}</p><p>{SECOND}</p>")
    assert article(raw[:-60]).text.startswith(STORY)
