"""The web app in a browser, from a file to a mark, by clicks and keys."""

import json
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from exp.serving.upload import uploads_in
from tests.serving.kit import serving

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 300_000  # milliseconds for a verb on a machine that does other things too


@pytest.fixture
def page() -> Iterator[Page]:
    place = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if place is None:
        pytest.skip("no Chromium is on this machine; install it (apt install chromium), or name it by CHROMIUM")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=place, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 800})
        page.set_default_timeout(PATIENCE)
        yield page
        browser.close()


def _fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.set_viewport_size({"width": 1100, "height": 800})


def _is_dark(page: Page) -> bool:
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="light")
    return sum(map(int, dark[4:-1].split(","))) < 150


def test_from_a_file_to_a_mark(page, unit, tmp_path):
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: dialog.accept())
    file = tmp_path / "AHU-1.csv"
    file.write_bytes(unit)
    folder = tmp_path / "served"
    with serving("--output", str(folder)) as (_, address, _):
        page.goto(address)
        _fits_a_phone(page)
        assert _is_dark(page)
        with page.expect_file_chooser() as chooser:
            page.get_by_label("Drop trend files here").click()
        chooser.value.set_files(file)
        expect(page.locator("#chosen")).to_contain_text("AHU-1.csv, ")
        page.get_by_role("button", name="Read the files").click()

        expect(page.get_by_role("heading", name="Which point is what")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("AHU-1.csv: can be evaluated")).to_be_visible()
        _fits_a_phone(page)
        fan = page.get_by_label("Supply Fan Speed Command", exact=True)
        row = page.get_by_role("row").filter(has=fan)
        expect(row.locator(".reads")).to_contain_text(" to ")
        fan.select_option("")
        expect(row.locator(".reads")).to_be_empty()
        page.get_by_role("button", name="Find faults").click()

        expect(page.get_by_role("heading", name="Was it right?")).to_be_visible(timeout=PATIENCE)
        expect(page.frame_locator("iframe").get_by_role("heading", name="AHU-1.csv").first).to_be_visible()
        assert "SF_CS" not in uploads_in(folder)[0].roles.read_text()
        _fits_a_phone(page)
        events = page.get_by_role("group")
        number = events.count()
        assert number > 0
        named = events.first.text_content()
        events.first.get_by_label("right").focus()
        page.keyboard.press("ArrowRight")
        expect(events.first.get_by_label("wrong")).to_be_checked()
        page.get_by_role("button", name="Save marks and find faults again").click()

        expect(page.get_by_text("1 wrong; threshold raised")).to_be_visible(timeout=PATIENCE)
        assert named not in page.get_by_role("group").all_text_contents()
        (mark,) = json.loads((uploads_in(folder)[0].found / "feedback.json").read_text())["marks"]
        assert mark["right"] is False
        page.get_by_role("link", name="Files").click()
        page.get_by_role("button", name="Remove AHU-1.csv").click()
        expect(page.get_by_text("Given before")).to_have_count(0)
        assert uploads_in(folder) == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert said == []
