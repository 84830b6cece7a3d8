"""Where the story of a web page begins and ends, and what the page says of it."""

import json

from byline.index.readers.html import _agreed, read_html

LEDE = "The harbour ferry burned for two hours on Monday evening, and nobody on board was hurt."
NEXT = "The fire brigade of Tern Bay said that the engine room would be examined on Tuesday."
LAST = "The owner of the ferry has promised that a second one will sail from Wednesday morning."


def page(body: str, **linked: object) -> bytes:
    data = json.dumps({"@type": "NewsArticle", **linked})
    script = f'<script type="application/ld+json">{data}</script>'
    head = f"<head><title>Ferry burns</title>{script}</head>"
    return f"<html>{head}<body><article>{body}</article></body></html>".encode()


def story(*extra: str) -> str:
    return "".join(f"<p>{line}</p>" for line in (LEDE, NEXT, LAST, *extra))


class TestAgreement:
    def test_what_stands_outside_the_common_span_goes(self) -> None:
        text = "\n\n".join(["Ferries", LEDE, NEXT, "More stories", "Bridge opens", "Tram stops"])
        assert _agreed(text, f"{LEDE}\n\n{NEXT}", "") == f"{LEDE}\n\n{NEXT}"

    def test_a_lede_that_the_second_misses_stays_and_the_standfirst_goes(self) -> None:
        text = f"{LAST}\n\n{LEDE}\n\n{NEXT}"
        assert _agreed(text, NEXT, LAST) == f"{LEDE}\n\n{NEXT}"

    def test_notices_stay_wherever_they_stand(self) -> None:
        notice = "Correction: the ferry was built in 1990."
        text = f"{LEDE}\n\n{NEXT}\n\nBridge opens\n\n{notice}\n\nUpdated at noon"
        expected = f"{LEDE}\n\n{NEXT}\n\n{notice}\n\nUpdated at noon"
        assert _agreed(text, f"{LEDE}\n\n{NEXT}", "") == expected

    def test_a_second_that_saw_little_has_no_say(self) -> None:
        text = f"{LEDE}\n\n{NEXT}\n\n{LAST}"
        assert _agreed(text, LEDE, "") == text

    def test_the_second_stands_in_where_the_first_found_little(self) -> None:
        assert _agreed("", f"{LEDE}\n\n{NEXT}", "") == f"{LEDE}\n\n{NEXT}"


class TestPage:
    def test_links_to_other_stories_are_left_out(self) -> None:
        found = read_html(page(story("READ MORE: Bridge opens", NEXT.replace("Bay", "City"))), "a")
        assert "Bridge" not in found.text
        assert "Tern City" in found.text

    def test_little_text_behind_a_paywall_is_a_teaser(self) -> None:
        assert read_html(page(story(), isAccessibleForFree=False), "a").completeness == "teaser"
        assert read_html(page(story(), isAccessibleForFree="True"), "a").completeness is None
        long = story(*(f"Boat {n} of the owner {LEDE}" for n in range(20)))
        assert read_html(page(long, isAccessibleForFree="False"), "a").completeness is None

    def test_corrections_in_linked_data_and_outside_the_story_are_kept_and_marked(self) -> None:
        aside = '<aside class="article-correction">Correction: it was Monday.</aside>'
        linked = {"correction": [{"@type": "CorrectionComment", "text": "It was built in 1990."}]}
        found = read_html(page(story()).replace(b"</body>", f"{aside}</body>".encode()), "a")
        assert [found.text[m.start : m.end] for m in found.marks] == ["Correction: it was Monday."]
        found = read_html(page(story(), **linked), "a")
        assert found.text.endswith("\n\nCorrection: It was built in 1990.")

    def test_the_servers_charset_wins_over_the_pages(self) -> None:
        raw = page(story()).replace(b"harbour", "café".encode("cp1252"))
        assert "café ferry" in read_html(raw, "a", charset="cp1252").text
        assert "ferry" in read_html(raw, "a", charset="no-such").text
