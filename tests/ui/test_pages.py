"""Conversations, the collection, evals and settings in a real browser."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from byline import Desk
from byline.index.embed import MiniLM
from byline.tests.conftest import ARTICLES
from byline.tests.fakes import saying
from byline.tests.servers import Silent, answering
from byline.tests.ui.reader import ask, marked, served, visit
from playwright.sync_api import Browser, Locator, Page, expect

COST = "What will the repair of the ferry cost?"
MAYOR = "Who resigned as mayor?"


def eventually(found: Callable[[], Any], seconds: float = 10) -> Any:
    """What is found, once it is there: an event of the page has no answer to wait for."""
    until = time.monotonic() + seconds
    while not (there := found()) and time.monotonic() < until:
        time.sleep(0.05)
    return there


def opened(page: Page, address: str, name: str) -> None:
    visit(page, address)
    page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory, minilm: MiniLM) -> Iterator[tuple[Desk, str]]:
    """A desk and the address of its page, where nothing but conversations is changed."""
    home = tmp_path_factory.mktemp("talking")
    for name, text in ARTICLES.items():
        (home / name).write_text(text)
    with Desk(home / "home", "default", embedder=minilm) as desk:
        assert desk.add(home).added == len(ARTICLES)
        with served(desk) as address:
            yield desk, address


class TestConversations:
    @pytest.fixture
    def desk(self, talking: tuple[Desk, str]) -> Desk:
        for one in talking[0].conversations.list():
            talking[0].conversations.delete(one.id)
        return talking[0]

    @pytest.fixture
    def address(self, talking: tuple[Desk, str]) -> str:
        return talking[1]

    def test_a_reload_shows_the_conversation_with_its_citations(
        self, page: Page, address: str
    ) -> None:
        visit(page, address)
        ask(page, COST)
        quote = marked(page)
        assert "4.2 million crowns" in quote
        page.reload()
        expect(page.locator(".turn .question")).to_have_text(COST)
        expect(page.locator("#source mark")).to_have_text(quote)
        ask(page, "And when was it closed?")
        expect(page.locator(".turn")).to_have_count(2)

    def test_it_is_renamed_exported_and_deleted(self, page: Page, desk: Desk, address: str) -> None:
        visit(page, address)
        ask(page, COST)
        page.locator(".toggle-button").click()
        listed = page.locator("#conversations")
        expect(listed.locator("li")).to_have_count(1)
        listed.get_by_role("button", name="Rename").click()
        listed.get_by_label("New name").fill("Ferry <b>fire</b>")
        listed.get_by_role("button", name="Rename").click()
        expect(listed.locator(".open")).to_have_text("Ferry <b>fire</b>")
        (held,) = desk.conversations.list()
        for kind, shape in (("md", "# Ferry"), ("html", "<h1>Ferry"), ("json", '"title": "Ferry')):
            with urlopen(f"{address}/conversations/{held.id}.{kind}") as response:
                written = response.read().decode()
            assert shape in written
            assert "4.2 million crowns" in written
        listed.get_by_role("button", name="Delete").click()
        listed.get_by_role("button", name="Delete").click()
        expect(listed).to_contain_text("None yet")
        expect(page.locator(".turn")).to_have_count(0)
        assert desk.conversations.list() == []

    def test_a_new_one_begins_empty(self, page: Page, desk: Desk, address: str) -> None:
        visit(page, address)
        ask(page, COST)
        page.locator(".toggle-button").click()
        page.get_by_role("button", name="New conversation").click()
        expect(page.locator(".turn")).to_have_count(0)
        expect(page.locator(".intro h2")).to_be_visible()
        ask(page, MAYOR)
        assert len(desk.conversations.list()) == 2

    def test_tabs_of_one_browser_that_ask_at_once_lose_no_conversation(
        self, browser: Browser, address: str
    ) -> None:
        context = browser.new_context()
        tabs = [context.new_page() for _ in range(2)]
        for tab in tabs:
            visit(tab, address)
        for tab, question in zip(tabs, (COST, MAYOR), strict=True):
            ask(tab, question)
        for tab in tabs:
            expect(tab.locator("#conversations .open")).to_have_count(1)
        tabs[0].reload()
        expect(tabs[0].locator("#conversations .open")).to_have_text([COST, MAYOR][::-1])
        context.close()

    def test_filters_of_the_words_are_in_the_boxes_and_can_be_dropped(
        self, page: Page, address: str
    ) -> None:
        visit(page, address)
        page.get_by_role("button", name="Filters").click()
        ask(page, "What did the Castrine Herald report on the mayor?")
        page.get_by_label("Published since").fill("2026-03-05")
        ask(page, MAYOR)
        newest = page.locator(".turn").last
        expect(newest.locator(".filters .tag").last).to_have_text("since 5 March 2026")
        page.get_by_label("Published since").fill("")
        ask(page, COST)
        expect(page.locator(".turn").last.locator(".filters .tag")).to_have_count(0)
        assert "4.2 million" in marked(page)

    def test_feedback_is_kept_and_becomes_cases(self, page: Page, desk: Desk, address: str) -> None:
        visit(page, address)
        ask(page, COST)
        page.get_by_role("button", name="Something is wrong").click()
        page.get_by_label("What is wrong").fill("The right answer is 4.2 million crowns")
        page.get_by_label("Which sentence").select_option("1")
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".rating")).to_contain_text("Thank you")
        (given,) = eventually(lambda: [*desk.conversations.feedback()])
        assert given["thumb"] == "down"
        assert "4.2 million crowns" in given["statement"]
        page.goto(f"{address}/evals")
        page.get_by_label("Readers' feedback").check()
        page.get_by_label("How many at most").fill("")
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.locator("#progress")).to_contain_text("Done: 1 question.", timeout=30_000)
        assert len(list((desk.folder / "runs").glob("*/scores.json"))) == 1

    def test_a_chip_says_what_it_stands_for(self, page: Page, address: str) -> None:
        visit(page, address)
        ask(page, COST)
        page.locator(".answer .chip").first.hover()
        expect(page.get_by_role("tooltip")).to_contain_text("Port Ansel Courier")
        page.keyboard.press("Escape")
        expect(page.get_by_role("tooltip")).to_have_count(0)


def test_a_follow_up_is_shown_as_it_was_understood(
    page: Page, home: Path, folder: Path, minilm: MiniLM
) -> None:
    rewritten = '{"question": "What did mayor Tomas Rehn sign?"}'
    llm = saying("Tomas Rehn resigned [1].", rewritten, "He signed a water contract [1].")
    with Desk(home, "default", llm=llm, embedder=minilm) as desk:
        desk.add(folder)
        with served(desk) as address:
            visit(page, address)
            ask(page, MAYOR)
            ask(page, "What had he signed?")
            understood = page.locator(".turn").last.locator(".filters").first
            expect(understood).to_contain_text("Understood as: ")


class TestCollection:
    def test_it_counts_finds_and_shows(self, page: Page, address: str) -> None:
        opened(page, address, "Collection")
        expect(page.locator(".counts h2")).to_have_text("3 articles")
        expect(page.locator(".outlets li")).to_have_count(3)
        days = "Articles by day from 3 March 2026 to 12 March 2026; most on 3 March 2026: 1"
        expect(page.get_by_role("img", name=days)).to_be_visible()
        expect(page.locator(".timeline .bar")).to_have_count(3)
        chosen(page, "mayor", "Mayor resigns over water contract")
        expect(page.locator("#article .text")).to_contain_text("Deputy mayor Ilse Kamp")
        page.get_by_label("Find an article").fill("zzzz")
        page.get_by_role("button", name="Find").click()
        nearest = "No article has these words. Nearest in meaning"
        expect(page.locator("#articles .label")).to_have_text(nearest)

    def test_an_article_is_removed_once_that_is_confirmed(
        self, page: Page, desk: Desk, address: str
    ) -> None:
        opened(page, address, "Collection")
        article = chosen(page, "mayor", "Mayor resigns over water contract")
        article.get_by_role("button", name="Remove …").click()
        article.get_by_role("button", name="Leave it as it is").click()
        assert len(desk.articles) == 3
        article.get_by_role("button", name="Remove …").click()
        article.get_by_role("button", name="Remove it").click()
        expect(page.locator(".counts h2")).to_have_text("2 articles")
        expect(article).to_contain_text("The article was removed.")
        assert len(desk.articles) == 2
        article.get_by_role("button", name="Put it back").click()
        expect(article.locator("h2")).to_have_text("Mayor resigns over water contract")
        expect(article.locator("h2")).to_be_focused()
        expect(page.locator(".counts h2")).to_have_text("3 articles")
        assert desk.search("Who resigned as mayor?", 1)[0].outlet == "Castrine Herald"

    def test_an_article_that_is_put_back_is_as_retracted_as_it_was(
        self, page: Page, desk: Desk, address: str
    ) -> None:
        mayor = "https://herald.example/2026/mayor-resigns"
        desk.articles.retract(mayor, "The letter was forged")
        page.goto(f"{address}/collection?article=gone")
        expect(page.locator("#article")).to_contain_text("not in the collection any more")
        page.goto(f"{address}/collection?article={mayor}")
        article = page.locator("#article")
        expect(article.locator(".notice")).to_contain_text("forged")
        article.get_by_role("button", name="Remove …").click()
        article.get_by_role("button", name="Remove it").click()
        article.get_by_role("button", name="Put it back").click()
        expect(article.locator(".notice")).to_contain_text("The letter was forged")
        assert desk.search("Who resigned as mayor?", 1)[0].outlet != "Castrine Herald"

    def test_a_retraction_shows_its_reason_and_is_undone(
        self, page: Page, desk: Desk, address: str
    ) -> None:
        opened(page, address, "Collection")
        article = chosen(page, "mayor", "Mayor resigns over water contract")
        article.get_by_role("button", name="Retract …").click()
        article.get_by_label("Why is it retracted?").fill("The letter was <b>forged</b>")
        article.get_by_role("button", name="Retract it").click()
        expect(article.locator(".notice")).to_contain_text("The letter was <b>forged</b>")
        assert "Castrine Herald" not in {hit.article.outlet for hit in desk.search("mayor", 10)}
        article.get_by_role("button", name="Let it stand again").click()
        expect(article.locator(".notice")).to_have_count(0)
        assert "Castrine Herald" in {hit.article.outlet for hit in desk.search("mayor", 10)}

    def test_versions_and_copies_are_named(
        self, page: Page, desk: Desk, address: str, tmp_path: Path
    ) -> None:
        story = "The council of Tern Bay voted for a new quay, said harbour master Ada Finch. "
        story += "It will be built next to the old one and cost 11 million crowns in all. " * 3
        first = {"id": "w", "title": "New quay", "outlet": "Wire", "published": "2026-03-01"}
        copy = {**first, "id": "c", "outlet": "Bay News", "published": "2026-03-02"}
        for text in (story, story.replace("11 million", "17 million")):
            (tmp_path / "quay.jsonl").write_text(json.dumps({**first, "text": text}))
            desk.add(tmp_path / "quay.jsonl")
        (tmp_path / "copy.jsonl").write_text(json.dumps({**copy, "text": text}))
        desk.add(tmp_path / "copy.jsonl")
        assert desk.articles.origins(["c"])["c"].id == "w"
        opened(page, address, "Collection")
        page.locator("#articles .open", has_text="Bay News").click()
        article = page.locator("#article")
        article.get_by_role("button", name="the article of Wire").click()
        expect(article.locator(".outlet")).to_have_text("Wire")
        article.get_by_text("2 versions").click()
        expect(article.locator(".history")).to_contain_text("numbers: 11 → 17")

    def test_a_dropped_file_is_added_and_a_wrong_one_explained(
        self, page: Page, desk: Desk, address: str, tmp_path: Path
    ) -> None:
        good, bad, odd = (tmp_path / name for name in ("quay.txt", "broken.jsonl", "cat.png"))
        good.write_text("Quay reopens\nThe quay at Tern Bay reopened on Friday, the port said.\n")
        bad.write_text("{nothing}\n")
        odd.write_bytes(b"PNG")
        dropped(page, address, good, bad, odd)
        report = page.locator("#report")
        expect(report).to_contain_text("1 added, 2 not added", timeout=30_000)
        expect(report).to_contain_text("broken.jsonl, line 1: not valid JSON")
        expect(report).to_contain_text("cat.png: unknown kind of file")
        expect(page.locator(".counts h2")).to_have_text("4 articles")
        page.get_by_role("link", name="Ask", exact=True).click()
        ask(page, "When did the quay at Tern Bay reopen?")
        assert "Friday" in marked(page)

    def test_a_file_that_is_dropped_again_changed_is_an_update_and_leaves_no_copy(
        self, page: Page, desk: Desk, address: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "quay.txt"
        for day, became in (("Friday", "1 added"), ("Sunday", "1 updated")):
            path.write_text(f"Quay reopens\nThe quay at Tern Bay reopened on {day}, it said.\n")
            dropped(page, address, path)
            expect(page.locator("#report")).to_contain_text(became, timeout=30_000)
        assert "Sunday" in desk.articles.get("upload:quay.txt").text
        left = [*Path(tempfile.gettempdir(), "gradio").rglob("quay.txt")]
        assert [one for one in left if "Tern Bay" in one.read_text()] == []

    def test_files_of_one_name_in_one_drop_are_articles_of_their_own(
        self, page: Page, desk: Desk, address: str, tmp_path: Path
    ) -> None:
        paths = [tmp_path / part / "index.txt" for part in ("east", "west")]
        for path in paths:
            path.parent.mkdir()
            path.write_text(
                f"The {path.parent.name} quay\nThe quay in the {path.parent.name} fell."
            )
        for became in ("2 added", "2 unchanged"):
            dropped(page, address, *paths)
            expect(page.locator("#report")).to_contain_text(became, timeout=30_000)
        assert len(desk.articles) == 5

    def test_a_page_and_a_feed_are_added_from_the_web(
        self, page: Page, home: Path, minilm: MiniLM
    ) -> None:
        from byline.settings import Settings

        settings = Settings(home=home, fetch_private=True, fetch_delay_seconds=0)
        with (
            newsroom() as site,
            Desk(settings=settings, embedder=minilm) as desk,
            served(desk) as address,
        ):
            opened(page, address, "Collection")
            box, report = page.get_by_label("From the web"), page.locator("#report")
            box.fill("herald.example")
            page.get_by_role("button", name="Add the article").click()
            expect(report.locator(".failure")).to_contain_text("begins with http:// or https://")
            box.fill(f"{site}/quay")
            page.get_by_role("button", name="Add the article").click()
            expect(report).to_contain_text("1 added", timeout=30_000)
            expect(page.locator(".counts h2")).to_have_text("1 article")
            box.fill(f"{site}/quay")
            page.get_by_role("button", name="Follow the feed").click()
            expect(report).to_contain_text("feed", timeout=30_000)
            assert list(desk.follow.list()) == []
            box.fill(f"{site}/feed")
            page.get_by_role("button", name="Follow the feed").click()
            expect(report).to_contain_text("1 added", timeout=30_000)
            expect(page.locator(".counts h2")).to_have_text("2 articles")
            expect(page.locator(".feeds li")).to_contain_text("Castrine Herald")
            page.get_by_role("button", name="Follow Castrine Herald no more").click()
            expect(page.locator(".feeds li")).to_have_count(0)
            assert len(desk.articles) == 2


def test_a_timeline_has_no_more_bars_than_can_be_seen() -> None:
    from byline.ui.page.collection import timeline

    drawn = timeline([date(1, 1, 1), date(2026, 3, 5)])
    assert drawn["unit"] == "decade"
    assert drawn["bars"][0] == ("0s", 1)
    assert drawn["bars"][-1] == ("2020s", 1)
    assert len(drawn["bars"]) == 203


@contextmanager
def newsroom() -> Iterator[str]:
    """The address of a newspaper's site: two pages, and a feed that lists one of them."""
    said = {
        "/quay": "The quay at Tern Bay reopened on Friday. The port paid 11 million crowns for it.",
        "/dike": "The dike at Gannet Bank broke on Monday. No village behind it was flooded.",
    }

    class Handler(Silent):
        def do_GET(self) -> None:
            site = f"http://{self.headers['host']}"
            if self.path == "/feed":
                body = (
                    '<?xml version="1.0"?><rss version="2.0"><channel><title>Castrine Herald'
                    f"</title><link>{site}</link><item><title>Dike</title><link>{site}/dike</link>"
                    "</item></channel></rss>"
                )
            else:
                text = f"<article><h1>News</h1><p>{said.get(self.path)}</p></article>"
                body = f"<!doctype html><html><title>News</title><body>{text}</body></html>"
            self.send_response(200 if self.path in ("/feed", *said) else 404)
            kind = "application/rss+xml" if self.path == "/feed" else "text/html"
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body.encode())

    with answering(Handler) as address:
        yield address


def dropped(page: Page, address: str, *paths: Path) -> None:
    """Files dropped on the collection's page."""
    opened(page, address, "Collection")
    page.get_by_role("button", name="Add articles").click()
    page.locator("#adding input[type=file]").set_input_files(paths)


def chosen(page: Page, words: str, title: str) -> Locator:
    """The pane of an article that was looked for and chosen."""
    page.get_by_label("Find an article").fill(words)
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#articles .label")).to_have_text("The best matches")
    first = page.locator("#articles .open").first
    expect(first).to_contain_text(title)
    first.click()
    expect(page.locator("#article h2")).to_have_text(title)
    return page.locator("#article")


def test_a_run_is_started_opened_and_compared(page: Page, desk: Desk, address: str) -> None:
    page.goto(f"{address}/evals")
    page.get_by_label("How many at most").fill("3")
    for turn in (1, 2):
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.locator(".runs li input")).to_have_count(turn, timeout=60_000)
        page.wait_for_timeout(1100)  # runs are named by the second
    report = page.frame_locator("#report iframe")
    page.get_by_role("button", name="Report", exact=True).first.click()
    expect(report.locator("h1").first).to_contain_text("Evaluation of Byline")
    for pick in page.locator(".runs li input").all():
        pick.check()
    page.get_by_role("button", name="Compare the two").click()
    expect(report.locator("body")).to_contain_text("Byline")
    missed = page.locator(".runs details summary").first
    missed.click()
    link = page.locator(".runs details a").first
    question = link.text_content() or ""
    link.click()
    expect(page.locator(".suggested").first).to_have_text(question)


def test_what_cannot_be_run_is_told(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/evals")
    page.get_by_label("How many at most").fill("-5")
    page.get_by_role("button", name="Run", exact=True).click()
    told = page.locator("#progress .failure")
    expect(told).to_have_text("How many questions at most is -5: give 1 or more.")
    (tmp_path / "mine.jsonl").write_text("{")
    page.get_by_label("How many at most").fill("3")
    page.get_by_label("A file", exact=True).check()
    page.locator("#runs input[type=file]").set_input_files(tmp_path / "mine.jsonl")
    expect(page.locator("#runs")).to_contain_text("mine.jsonl")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(told).to_contain_text("mine.jsonl", timeout=30_000)
    expect(told).not_to_contain_text("/")


def test_a_run_that_is_not_there_is_told_and_no_path_is_followed(address: str) -> None:
    from urllib.error import HTTPError

    for name in ("nothing", "..", "../../default", "%2e%2e"):
        with pytest.raises(HTTPError) as refused:
            urlopen(f"{address}/reports?run={name}")
        with refused.value as told:
            assert told.code == 404


def test_settings_are_shown_and_keys_are_not(
    page: Page, home: Path, folder: Path, minilm: MiniLM
) -> None:
    from byline.settings import Settings

    endpoint = "http://ann:sk-secret@127.0.0.1:9/v1?key=sk-secret"
    settings = Settings(home=home, llm="gpt-5-mini", llm_api_key="sk-secret", llm_base_url=endpoint)
    with Desk(settings=settings, embedder=minilm) as desk:
        desk.add(folder)
        with served(desk) as address:
            page.goto(f"{address}/settings")
            expect(page.locator(".settings")).to_contain_text("gpt-5-mini")
            expect(page.locator(".settings")).to_contain_text("http://127.0.0.1:9/v1")
            assert "sk-secret" not in page.content()


def test_axe_finds_nothing_serious(page: Page, address: str) -> None:
    visit(page, address)
    ask(page, COST)
    found = []
    pages = {"Ask": "", "Collection": "#articles .open", "Evals": "#list h2", "Settings": "table"}
    for name, filled in pages.items():
        if filled:
            page.goto(f"{address}/{name.lower()}")
            expect(page.locator(filled).first).to_be_visible()
        expect(page.locator("[aria-current=page]")).to_have_text(name)
        expect(page).to_have_title(f"{name} – Byline")
        for scheme, width in product(("light", "dark"), (1280, 390)):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.set_viewport_size({"width": width, "height": 800})
            expect(page.locator("body.dark")).to_have_count(int(scheme == "dark"))
            page.wait_for_timeout(300)  # colours change by and by
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            asked = {"rules": {"target-size": {"enabled": True}}}  # of WCAG 2.2, off by default
            for violation in Axe().run(page, options=asked).response["violations"]:
                if violation["impact"] in ("serious", "critical"):
                    where = " ".join(node["html"][:160] for node in violation["nodes"])
                    found.append(f"{name} {scheme} {width} {violation['id']} {where}")
    assert "\n".join(found) == ""


def test_the_keyboard_is_enough(page: Page, address: str) -> None:
    visit(page, address)
    page.keyboard.type(COST)
    page.keyboard.press("Enter")
    expect(page.locator(".turn")).to_have_attribute("aria-busy", "false", timeout=20_000)
    chip = page.locator(".answer .chip").first
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        if chip.evaluate("chip => chip === document.activeElement"):
            break
    expect(chip).to_be_focused()
    expect(page.get_by_role("tooltip")).to_be_visible()
    page.keyboard.press("Enter")
    expect(chip).to_have_attribute("aria-pressed", "true")


@pytest.mark.alone
def test_twenty_readers_at_once_see_their_own_answers_only(
    browser: Browser, desk: Desk, address: str
) -> None:
    questions = [COST, MAYOR, "How many workers replaced the cables?", "Who takes over as mayor?"]
    calm: Any = {"reduced_motion": "reduce", "viewport": {"width": 400, "height": 300}}
    contexts = [browser.new_context(**calm) for _ in range(20)]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        page.goto(address, wait_until="commit")  # all at once
    for page in pages:
        expect(page.locator(".intro h2")).to_be_visible(timeout=60_000)
        expect(page.locator(".turn")).to_have_count(0)
    for at, page in enumerate(pages):
        page.get_by_label("Question").fill(questions[at % 4])
        page.get_by_label("Question").press("Enter")
    for at, page in enumerate(pages):
        turn = page.locator(".turn")
        expect(turn).to_have_attribute("aria-busy", "false", timeout=60_000)
        expect(turn).to_have_count(1)
        expect(turn.locator(".question")).to_have_text(questions[at % 4])
        expect(turn.locator(".failure")).to_have_count(0)
        expect(page.locator("#conversations .open")).to_have_count(1)
    ids = {page.evaluate("props => Object.values(localStorage).join()", None) for page in pages}
    assert len(ids) == 20
    assert len(desk.conversations.list()) == 20
    for context in contexts:
        context.close()


def test_hostile_articles_are_only_text_in_the_collection(
    page: Page, desk: Desk, address: str
) -> None:
    payload = (
        '<img src=x onerror="window.pwned=1"> ${window.pwned=1} {{window.pwned=1}} '
        "</script><script>window.pwned=1</script> [x](javascript:window.pwned=1) \u202egnp.exe"
    )
    hostile = {
        "id": f"hostile {payload}",
        "title": f"Quay {payload}",
        "outlet": f"Bay {payload}",
        "authors": [f"Ann {payload}"],
        "url": "javascript:window.pwned=1",
        "section": payload,
        "text": f"The quay was full of flags. {payload} {'long' * 2500}",
    }
    path = desk.settings.home.parent / "hostile.jsonl"
    path.write_text(json.dumps(hostile))
    desk.add(path)
    opened(page, address, "Collection")
    page.get_by_label("Find an article").fill("quay flags")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#articles .label")).to_have_text("The best matches")
    page.locator("#articles .open").first.click()
    expect(page.locator("#article h2")).to_contain_text("Quay <img src=x onerror=")
    expect(page.locator("#article .text")).to_contain_text("{{window.pwned=1}}")
    expect(page.locator("#article :is(img, script, iframe)")).to_have_count(0)
    expect(page.locator("#articles :is(img, script, iframe)")).to_have_count(0)
    expect(page.locator("#article a")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
