"""A real browser for the tests of the page. Knows how to find or install Chromium, and what no page may ever do.

No test is skipped for want of a browser: one is installed where that is possible, else the tests fail and say
what to install. After every test the pages it opened are checked: no script of a visitor's text ran, no foreign
host was asked for anything, nothing was reported as an error.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when Blocks is built

import gradio as gr
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from playground.components.event_queue import with_event_queue
from playground.page import create_app, launch_options
from playground.settings import Settings
from playground.workbench import Workbench, share, shared
from tests.tools import zoo
from tests.tools.ports import free_port

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
WAIT = 20_000
"""Milliseconds that a test waits for something to appear, a model's loading included: ten times what the slowest answer
takes, because shared machines are slow at times."""
expect.set_options(timeout=WAIT)


def installed(playwright: Playwright) -> str | None:
    """A browser that is already here: named in PLAYGROUND_CHROMIUM, on PATH, or playwright's own."""
    named = os.environ.get("PLAYGROUND_CHROMIUM")
    if named:
        path = shutil.which(named)
        if not path:
            pytest.fail(f"PLAYGROUND_CHROMIUM names {named!r}, which can't be run.", pytrace=False)
        return path
    for name in NAMES:
        if path := shutil.which(name):
            return path
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
    if path := installed(playwright_driver):
        return path
    said: list[str] = []
    _run([sys.executable, "-m", "playwright", "install", "chromium"], 300, said)
    if path := installed(playwright_driver):
        return path
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        _run(["apt-get", "update"], 300, said)
        _run(["apt-get", "install", "-y", "chromium", "fonts-noto-cjk"], 900, said)
        if path := installed(playwright_driver):
            return path
    pytest.fail(
        "The browser tests need Chromium or Chrome. Install it with `python -m playwright install chromium` or "
        "`apt-get install chromium fonts-noto-cjk`, or name one in PLAYGROUND_CHROMIUM. Tried: " + "; ".join(said),
        pytrace=False,
    )


@pytest.fixture(scope="session")
def browser(playwright_driver: Playwright, chromium_path: str) -> Iterator[Browser]:
    arguments = [*ARGUMENTS, "--process-per-site"]  # a context's pages share what was compiled: see `contexts`
    chromium = playwright_driver.chromium.launch(executable_path=chromium_path, args=arguments)
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


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Iterator[Callable[[bool], BrowserContext]]:
    """`contexts(touch)` -> the session's browser context with or without a touch screen: pages of one context share
    their cache, so that scripts are fetched once. A page that stays open keeps their process: scripts are compiled once."""

    open_contexts: dict[bool, BrowserContext] = {}

    def context(touch: bool) -> BrowserContext:
        if touch not in open_contexts:
            made = browser.new_context(has_touch=touch, is_mobile=touch, reduced_motion="reduce", locale="en-US")
            made.set_default_timeout(WAIT)
            made.set_default_navigation_timeout(3 * WAIT)  # what came before may still compute in this process
            keeper = made.new_page()
            keeper.route("**/*", lambda route: route.fulfill(body=""))
            keeper.goto("http://127.0.0.1/")
            open_contexts[touch] = made
        return open_contexts[touch]

    yield context
    for made in open_contexts.values():
        made.close()


COUNT_FRAMES = """window.__frames = 0;
const nextFrame = window.requestAnimationFrame;
window.requestAnimationFrame = (step) => { window.__frames++; return nextFrame.call(window, step); };"""
"""Counts in `__frames` what scripts want to do at the next frame."""
AS_A_NEWCOMER = """try {
  if (!sessionStorage.getItem('opened')) { localStorage.clear(); sessionStorage.setItem('opened', '1'); }
} catch (error) { /* a page without an address */ }"""
"""Forgets what other tests' pages left in the browser (a lesson begun, a language), unless this page is loaded anew. Else a
test hangs on those before it, and one that fails in the middle fails again when it is tried once more."""


def new_page(contexts, url: str = "", *, width: int = 1280, height: int = 800, theme: str = "light", touch=False):
    """A page of that size, at an address if there is one; `.watch` is its Watch."""
    page = contexts(touch).new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.watch = Watch(page)
    page.add_init_script(COUNT_FRAMES)
    page.add_init_script(AS_A_NEWCOMER)
    if url:
        page.goto(with_theme(url, theme))
    return page


@pytest.fixture
def open_page(contexts) -> Iterator[Callable[..., Page]]:
    """`open_page(url, width=1280, height=800, theme="light", touch=False)` -> Page; `.watch` is its Watch."""
    pages: list[Page] = []

    def opener(url: str = "", **options) -> Page:
        pages.append(new_page(contexts, url, **options))
        return pages[-1]

    yield opener
    try:
        for page in pages:
            page.watch.assert_clean()
    finally:
        for page in pages:
            page.close()


def with_theme(url: str, theme: str) -> str:
    """The address with Gradio's own switch for light or dark."""
    return f"{url}{'&' if '?' in url else '?'}__theme={theme}"


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., str]]:
    """`serve(blocks, **launch_options)` -> address of the running app; all are closed when the tests end."""
    running: list[gr.Blocks] = []

    def server(blocks: gr.Blocks, **options) -> str:
        options = {"footer_links": ["api", "settings"], "quiet": True, **options}
        _, address, _ = with_event_queue(blocks).launch(
            server_name="127.0.0.1", server_port=free_port(), prevent_thread_lock=True, inbrowser=False, **options
        )
        running.append(blocks)
        return address

    yield server
    for blocks in running:
        blocks.close(verbose=False)


@dataclass(frozen=True)
class Server:
    """A playground that runs: its address, and the workbench that its handlers shall use."""

    url: str
    workbench: Workbench

    def address(self) -> str:
        """The address, with its workbench put back in place where other tests shared another one."""
        share(self.workbench)
        return self.url


@pytest.fixture(scope="session")
def playground_server(serve, smollm2) -> Server:
    """The playground with the default model loaded."""
    return _playground(serve, smollm2)


@pytest.fixture(scope="session")
def tiny_server(serve, tiny) -> Server:
    """The playground opening on a tiny random Llama: for what a page does with any model."""
    return _playground(serve, tiny("llama"), default_model="llama")


@pytest.fixture(scope="module")
def class_server(serve, smollm2) -> Server:
    """The playground for a class with the default model: a tiny one answers no lesson."""
    return _playground(serve, smollm2, classroom=True)


def _playground(serve, model, **settings) -> Server:
    app = create_app(replace(Settings(), catalog_only=False, **settings))
    shared().add(model)
    return Server(serve(app, **launch_options()), shared())


def wait_until_ready(page: Page) -> Page:
    """The page with its first model loaded and its first tab, X-ray, drawn."""
    page.wait_for_selector("#card dl", state="attached")
    page.wait_for_selector("#xray-picture .pv[data-rendered]")
    return page


@pytest.fixture
def opened(playground_server, open_page):
    """`opened(width=…, theme=…)` -> a new page with the default model loaded, the Generate tab open and the animal's text
    analysed."""

    def opener(**options) -> Page:
        page = wait_until_ready(open_page(playground_server.address(), **options))
        to_animal(page)
        return page

    return opener


@pytest.fixture
def just_opened(playground_server, open_page):
    """`just_opened(width=…, theme=…)` -> a new page as it opens: on X-ray, drawn, with the default model."""
    return lambda **options: wait_until_ready(open_page(playground_server.address(), **options))


@pytest.fixture
def opened_tiny(tiny_server, open_page):
    """The same on a tiny random model."""
    return lambda **options: wait_until_ready(open_page(tiny_server.address(), **options))


@pytest.fixture(scope="module")
def visits(contexts) -> Iterator[dict[str, Page]]:
    """The pages that the tests of a file share, by name, once they are open."""
    pages: dict[str, Page] = {}
    yield pages
    for page in pages.values():
        page.close()


@pytest.fixture
def shared_page(request, visits) -> Iterator[Callable[[str, Callable[[], Page]], Page]]:
    """`shared_page(name, opener)` -> one page of that name for all tests of a file, because opening it costs more than most
    tests.

    It stands as the test before left it. After a failure the next test gets a new page. The test fails if the page did
    what none may do; `page.watch` knows.
    """
    names: list[str] = []

    def visit(name: str, opener: Callable[[], Page]) -> Page:
        if name not in visits:
            visits[name] = opener()
        names.append(name)
        return visits[name]

    yield visit
    for name in names:
        page = visits[name]
        clean = request.node.stash.get(PASSED, False) and not page.is_closed()
        try:
            page.watch.assert_clean()
        except AssertionError:
            clean = False
            raise
        finally:
            if not clean:
                visits.pop(name).close()


@pytest.fixture
def first_page(playground_server, contexts, shared_page) -> Page:
    """The file's page with the default model: in the first test of a file, as it opens."""
    address = playground_server.address()
    return shared_page("default", lambda: wait_until_ready(new_page(contexts, address)))


@pytest.fixture
def page(first_page) -> Page:
    """The same page, with the Generate tab open and the text of the animal analysed; everything else stands as the test
    before left it, so a test sets what it relies on."""
    to_animal(first_page)
    return first_page


@pytest.fixture
def animal_page(first_page) -> Page:
    """The same page with the text of the animal analysed, on the tab where the test before left it: for tests that open
    their own, since each opening is drawn."""
    if first_page.locator("#lens-text textarea").input_value() != ANIMAL:
        to_animal(first_page)
    return first_page


@pytest.fixture
def second_page(playground_server, contexts, shared_page) -> Callable[..., Page]:
    """`second_page(width=…)` -> another such page of the file, opened so by the first test that calls it."""

    def opener(**options) -> Page:
        address = playground_server.address()
        page = shared_page("second", lambda: wait_until_ready(new_page(contexts, address, **options)))
        to_animal(page)
        return page

    return opener


@pytest.fixture
def tiny_page(tiny_server, contexts, shared_page) -> Page:
    """The file's page on a tiny random model, as the test before left it."""
    address = tiny_server.address()
    return shared_page("tiny", lambda: wait_until_ready(new_page(contexts, address)))


ANIMAL = "The animal didn't cross the street because it was too tired."


def to_animal(page: Page) -> None:
    """Opens the Generate tab, to complete a text where the model can, with the text of the animal analysed."""
    page.get_by_role("tab", name="Generate").click()
    complete = page.get_by_role("radio", name="Complete", exact=True)
    if complete.count() and not complete.is_checked():
        complete.check()
    if page.locator("#lens-text textarea").input_value() != ANIMAL:
        page.locator("#lens-text textarea").fill(ANIMAL)
        page.locator("#look").click()
        expect(page.locator("#strip")).to_contain_text("animal")


def pytest_collection_modifyitems(items) -> None:
    """Marks the tests of this folder `browser`. One that fails is tried once more, on a new page, and reported as rerun:
    a shared machine that stands still for a minute is no fault of the page, and a fault fails twice."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")
            item.add_marker(pytest.mark.flaky(reruns=1))


PASSED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call":
        item.stash[PASSED] = report.passed
    return report


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Tiny models as local folders: a masked one and encoder-decoders."""
    place = tmp_path_factory.mktemp("models")
    return {family: zoo.save(family, place / family) for family in ("bert", "bart", "t5")}
