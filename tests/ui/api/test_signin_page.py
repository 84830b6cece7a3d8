"""Sign-in in a real browser: what it sends, and what a read key may do on the page."""

from axe_playwright_python.sync_playwright import Axe
from byline import Desk
from byline.tests.servers import serving
from byline.tests.ui.reader import ask
from byline.tests.ui.test_pages import chosen
from byline.ui.api import service
from playwright.sync_api import Browser, expect


def test_a_reader_signs_in_asks_and_may_change_nothing(browser: Browser, desk: Desk) -> None:
    keys = desk.archive.keys
    key, shown = keys.add("Reading room", "read")
    page = browser.new_page()
    with serving(service(desk), log_config=None) as address:
        try:
            page.goto(f"{address}/collection")
            assert page.url == f"{address}/signin?next=%2Fcollection"
            assert Axe().run(page).violations_count == 0
            page.get_by_label("Key").fill("byl_no_key")
            page.keyboard.press("Enter")
            expect(page.get_by_role("alert")).to_contain_text("not known")
            page.get_by_label("Key").fill(shown)
            page.get_by_role("button", name="Sign in").click()
            expect(page).to_have_url(f"{address}/collection")
            page.goto(address)
            ask(page, "How much will the ferry's repair cost?")
            expect(page.locator(".answer")).to_contain_text("4.2 million")
            page.goto(f"{address}/collection")
            article = chosen(page, "mayor", "Mayor resigns over water contract")
            article.get_by_role("button", name="Remove …").click()
            with page.expect_response("**/queue/join*") as refused:
                article.get_by_role("button", name="Remove it").click()
            assert refused.value.status == 403
            assert len(desk.articles) == 3
            page.goto(f"{address}/signin")
            expect(page.get_by_text("Reading room")).to_be_visible()
            page.get_by_role("button", name="Sign out").click()
            expect(page.get_by_label("Key")).to_be_visible()
            page.goto(address)
            expect(page.get_by_label("Key")).to_be_visible()
            assert shown not in page.content()
        finally:
            page.close()
