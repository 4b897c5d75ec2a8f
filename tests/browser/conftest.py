"""A real browser for the tests of the page. Knows how to find or install Chromium, and what no page may ever do.

No test is skipped for want of a browser: one is installed where that is possible, else the tests fail and say
what to install. After every test the pages it opened are checked: no script of a visitor's text ran, no foreign
host was asked for anything, nothing was reported as an error.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when Blocks is built

import gradio as gr
import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from playground.page import create_app, launch_options
from tests.tools import zoo

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WAIT = 60_000
"""Milliseconds that a test waits for something to appear; long, because shared machines are slow at times."""


def _installed(playwright: Playwright) -> str | None:
    """A browser that is already here: named in PLAYGROUND_CHROMIUM, on PATH, or playwright's own."""
    named = os.environ.get("PLAYGROUND_CHROMIUM")
    if named:
        found = shutil.which(named)
        if not found:
            pytest.fail(f"PLAYGROUND_CHROMIUM names {named!r}, which can't be run.", pytrace=False)
        return found
    for name in NAMES:
        if found := shutil.which(name):
            return found
    own = Path(playwright.chromium.executable_path)
    return str(own) if own.exists() else None


def _run(command: list[str], seconds: int, said: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(command, timeout=seconds, capture_output=True, text=True, env=environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        said.append(f"{' '.join(command)}: {error}")
        return False
    if done.returncode:
        said.append(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.returncode == 0


@pytest.fixture(scope="session")
def playwright_driver() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium_path(playwright_driver: Playwright) -> str:
    """Path of Chromium or Chrome, installed first where there is none."""
    if found := _installed(playwright_driver):
        return found
    said: list[str] = []
    _run([sys.executable, "-m", "playwright", "install", "chromium"], 300, said)
    if found := _installed(playwright_driver):
        return found
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        _run(["apt-get", "update"], 300, said)
        _run(["apt-get", "install", "-y", "chromium", "fonts-noto-cjk"], 900, said)
        if found := _installed(playwright_driver):
            return found
    pytest.fail(
        "The browser tests need Chromium or Chrome. Install it with `python -m playwright install chromium` or "
        "`apt-get install chromium fonts-noto-cjk`, or name one in PLAYGROUND_CHROMIUM. Tried: " + "; ".join(said),
        pytrace=False,
    )


@pytest.fixture(scope="session")
def browser(playwright_driver: Playwright, chromium_path: str) -> Iterator[Browser]:
    chromium = playwright_driver.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
    yield chromium
    chromium.close()


class Watch:
    """What a page did that no page may do. Put a part of an expected console error into `allowed`."""

    def __init__(self, page: Page):
        self.page = page
        self.allowed: list[str] = []
        self.console_errors: list[str] = []
        self.page_errors: list[str] = []
        self.foreign_requests: list[str] = []
        self.dialogs: list[str] = []
        page.on("console", lambda message: self._console(message.type, message.text, message.location))
        page.on("pageerror", lambda error: self.page_errors.append(str(error)))
        page.on("request", lambda request: self._request(request.url))
        page.on("dialog", self._dialog)

    def _console(self, kind: str, text: str, location: dict) -> None:
        if kind == "error" or "auto-margin" in text:  # Plotly gives up laying out: the picture is wrong
            self.console_errors.append(f"{text} ({location.get('url', '')})")

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and parts.hostname not in ("127.0.0.1", "localhost"):
            self.foreign_requests.append(url)

    def _dialog(self, dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def assert_clean(self) -> None:
        """Raises AssertionError naming whatever went wrong on the page."""
        if not self.page.is_closed():
            assert self.page.evaluate("window.__xss === undefined"), "a text of the visitor ran as a script"
        assert self.dialogs == [], "a script opened a dialog"
        assert self.foreign_requests == [], "the page asked a foreign host"
        assert self.page_errors == [], "a script of the page failed"
        unexpected = [e for e in self.console_errors if not any(part in e for part in self.allowed)]
        assert unexpected == [], "the page reported errors"


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`open_page(url, width=1280, height=800, theme="light", touch=False)` -> Page; `.watch` is its Watch."""
    contexts = []

    def opener(url: str = "", *, width: int = 1280, height: int = 800, theme: str = "light", touch: bool = False):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=touch,
            is_mobile=touch,
            reduced_motion="reduce",
            locale="en-US",
        )
        contexts.append(context)
        context.set_default_timeout(WAIT)
        page = context.new_page()
        page.watch = Watch(page)
        if url:
            page.goto(with_theme(url, theme))
        return page

    yield opener
    try:
        for context in contexts:
            for page in context.pages:
                if hasattr(page, "watch"):
                    page.watch.assert_clean()
    finally:
        for context in contexts:
            context.close()


@pytest.fixture
def page(open_page) -> Page:
    """An empty page of 1280 by 800; `page.watch` holds what it did wrong, and the test fails if it did."""
    return open_page()


def with_theme(url: str, theme: str) -> str:
    """The address with Gradio's own switch for light or dark."""
    return f"{url}{'&' if '?' in url else '?'}__theme={theme}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., str]]:
    """`serve(blocks, **launch_options)` -> address of the running app; all are closed when the tests end."""
    running: list[gr.Blocks] = []

    def server(blocks: gr.Blocks, **options) -> str:
        options = {"footer_links": ["api", "settings"], "quiet": True, **options}
        _, address, _ = blocks.launch(
            server_name="127.0.0.1", server_port=free_port(), prevent_thread_lock=True, inbrowser=False, **options
        )
        running.append(blocks)
        return address

    yield server
    for blocks in running:
        blocks.close(verbose=False)


@pytest.fixture(scope="session")
def address(serve) -> str:
    return serve(create_app().queue(max_size=64), **launch_options())


@pytest.fixture
def opened(address, open_page):
    """`opened(width=…, theme=…)` -> the page with the default model loaded and its first tab drawn."""

    def opener(**options) -> Page:
        page = open_page(address, **options)
        page.wait_for_selector("#card dl", state="attached", timeout=180_000)
        page.wait_for_selector("#next-token .pv[data-rendered]", timeout=60_000)
        return page

    return opener


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Tiny models as local folders: a masked one and encoder-decoders."""
    place = tmp_path_factory.mktemp("models")
    return {family: zoo.save(family, place / family) for family in ("bert", "bart", "t5")}
