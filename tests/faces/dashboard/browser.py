"""A real browser before a real gateway: Debian's Chromium, driven by Playwright; nothing is downloaded."""

import os
import re
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

DEMANDED = "KEEPAHEAD_TEST_BROWSER"
"""Set to "demanded", a missing browser is a failure: CI sets it, and installs Chromium."""

PATIENCE = 60_000
"""Milliseconds that anything may take on a busy machine; how fast it is, bench/ says."""

expect.set_options(timeout=PATIENCE)

NAMES = ("chromium", "chromium-browser", "google-chrome")
SIZES: Mapping[str, tuple[int, int]] = {"wide": (1440, 900), "phone": (390, 844)}
SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"

_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
_THEME = "keepahead_theme"


def chromium() -> str:
    """Return where Chromium is; skip the test where there is none, or fail where one is demanded."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        reason = "there is no Chromium here (Debian: apt-get install chromium)"
        if os.environ.get(DEMANDED) == "demanded":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@dataclass
class Watched:
    """What a page did beside what is seen: where it went outside, and what it complained of."""

    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def request(self, request: Request) -> None:
        """Note a request that leaves the machine."""
        if not re.match(r"(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|data:|blob:", request.url):
            self.outside.append(request.url)

    def said(self, message: ConsoleMessage) -> None:
        """Note an error in the console."""
        if message.type == "error":
            self.complaints.append(message.text)


@contextmanager
def browser() -> Generator[Browser]:
    """Start Chromium."""
    path = chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        try:
            yield started
        finally:
            started.close()


@contextmanager
def opened(
    browser: Browser, base: str, key: str | None = None, *, size: str = "wide", theme: str = "light", path: str = "/"
) -> Generator[tuple[Page, Watched]]:
    """Open a page as whoever has that gateway key: logged in where one is given. Nothing may leave the machine."""
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, base_url=base)
    context.add_cookies([{"name": _THEME, "value": theme, "url": base}])
    watched, page = Watched(), context.new_page()
    page.on("request", watched.request)
    page.on("console", watched.said)
    page.set_default_timeout(PATIENCE)
    try:
        if key is None:
            page.goto(path)
        else:
            log_in(page, key, path)
        yield page, watched
        assert watched.outside == []
    finally:
        context.close()


def log_in(page: Page, key: str, path: str = "/") -> None:
    """Show a key on the page that asks for it."""
    page.goto(path)
    page.get_by_label("Gateway key").fill(key)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{path}")


def reload(page: Page) -> None:
    """Load the page anew, and wait until it is connected: before that the server hears of no key and no click."""
    page.reload()
    page.wait_for_function("window.did_handshake === true")


def keep_picture(page: Page, name: str) -> Path:
    """Write a screenshot of all of the page to build/screenshots, to be looked at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path, full_page=True, animations="disabled")
    return path
