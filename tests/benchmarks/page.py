"""What a visitor waits for, in Chromium: python -m tests.benchmarks.page

A server of its own is started, as README's command does it, and these are measured, each the median of --rounds with the
fastest in brackets:
- fresh: from the moment at which a new server answers until a page that was opened then shows its first picture;
- open: a visitor's first visit of a warm server, nothing cached, until the first picture is drawn;
- reload: the same page again;
- text: another text of 16 tokens, from Shift+Enter until X-ray is drawn anew;
- each view, opened for the first time on a page, until its first picture is drawn;
- click: from a click on a picture until the answer stands there.
And the bytes that the first visit and a reload transfer, the largest answers by name. --model may name a folder.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, installed
from tests.tools.ports import free_port

TEXTS = [
    f"The capital of {country} is {city}. The capital of Italy is"
    for country, city in [("Spain", "Madrid"), ("Japan", "Tokyo"), ("Egypt", "Cairo"), ("Chile", "Santiago")]
]
XRAY = "#xray-picture .pv"
DRAWN = """([tab, view]) => {
  const visible = (e) => e.offsetParent !== null && e.getBoundingClientRect().width > 0;
  const open = [...document.querySelectorAll('[role=tab][aria-selected=true]')].filter(visible);
  const named = (name) => !name || open.some((e) => e.textContent.trim() === name);
  const answers = '.pv[data-rendered], .pv-message, iframe, button.t';
  const panels = [...document.querySelectorAll('[role=tabpanel]')].filter(visible);
  return named(tab) && named(view) && panels.some((p) => [...p.querySelectorAll(answers)].some(visible)); }"""
"""Whether the open tab and view show a picture, a token strip or the reason why there is none."""
ON_CLICK = {
    ("Train", "Fine-tune"),
    ("Train", "Classify"),
    ("Train", "From scratch"),
    ("Tasks", "Answer"),
    ("Tasks", "Translate"),
    ("Tasks", "Summarise"),
    ("Tasks", "Tag"),
    ("Tasks", "Side by side"),
    ("Tasks", "A list"),
}
"""Views that draw nothing of a language model before a visitor presses their button."""
AT_REST = """(picture) => {
  const gd = document.querySelector(picture), box = gd.getBoundingClientRect();
  const looks = [box.x, box.y, box.width, box.height, gd.dataset.rendered].join();
  gd.restingFor = looks === gd.restingLooks ? gd.restingFor + 1 : 0;
  gd.restingLooks = looks;
  return gd.restingFor >= 3; }"""
"""Whether a picture stood where it stands, and was not drawn anew, at three looks before."""
CLICKED, ANSWER = "#attention-overview .pv", "#attention-sentence"
Place = tuple[str, str | None]
"""A tab and one of its views, by title; None for a tab without views."""


@contextmanager
def server(model: str) -> Iterator[tuple[str, float]]:
    """The address of a new server, and when it first answered."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port), "--model", model], stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                httpx.get(address, timeout=5)
                break
            except httpx.TransportError:
                if process.poll() is not None:
                    raise SystemExit("The server did not start.") from None
                time.sleep(0.05)
        yield address, time.perf_counter()
    finally:
        process.terminate()
        process.wait()


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def report(name: str, times: Sequence[float]) -> None:
    print(f"{name:<44} {statistics.median(times):6.2f} s  [{min(times):.2f}]", flush=True)


def redrawn(page: Page, picture: str, work: Callable[[], object]) -> None:
    """Does something, and waits until the picture is drawn once more."""
    before = page.locator(picture).get_attribute("data-rendered")
    work()
    page.wait_for_function(
        "([picture, before]) => document.querySelector(picture)?.dataset.rendered !== before", arg=[picture, before]
    )


@contextmanager
def visit(browser: Browser) -> Iterator[Page]:
    """A page of a visitor who was never here."""
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def first_picture(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector(f"{XRAY}[data-rendered]")


def first_answer(browser: Browser, model: str) -> float:
    """Seconds from a new server's first answer to the first picture."""
    with server(model) as (address, answered), visit(browser) as page:
        first_picture(page, address)
        return time.perf_counter() - answered


def transferred(page: Page, work: Callable[[], object]) -> dict[str, int]:
    """Bytes that crossed the network meanwhile, headers and compression included: of each address."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    addresses: dict[str, str] = {}
    sizes: dict[str, int] = {}
    session.on("Network.requestWillBeSent", lambda e: addresses.__setitem__(e["requestId"], e["request"]["url"]))
    session.on("Network.loadingFinished", lambda e: sizes.__setitem__(e["requestId"], int(e["encodedDataLength"])))
    work()
    page.wait_for_timeout(1000)
    session.detach()
    totals: dict[str, int] = {}
    for request, size in sizes.items():
        name = urlsplit(addresses.get(request, "")).path.rsplit("/", 1)[-1] or "the page"
        totals[name] = totals.get(name, 0) + size
    return totals


def report_bytes(name: str, totals: dict[str, int]) -> None:
    largest = sorted(totals.items(), key=lambda item: -item[1])[:4]
    words = ", ".join(f"{file} {size / 1000:.0f}" for file, size in largest)
    print(f"{name:<44} {sum(totals.values()) / 1000:6.0f} kB: {words}")


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).locator("visible=true").first.click()


def places(page: Page, most: int, without: Collection[Place] = ON_CLICK) -> list[Place]:
    """Tabs and their views, by title, in the page's order, at most so many."""
    titles: list[Place] = []
    for tab in page.locator("#tabs > .tab-wrapper [role=tab]").all_inner_texts():
        if len(set(titles).difference(without)) >= most:
            break
        if (tab, None) in titles or any(tab == other for other, _ in titles):
            continue  # a second copy measures the bar's width
        open_tab(page, tab)
        page.wait_for_timeout(300)
        views = page.locator("#tabs [role=tabpanel] [role=tab]").locator("visible=true").all_inner_texts()
        titles += [(tab, view) for view in dict.fromkeys(views)] or [(tab, None)]
    return [title for title in titles if title not in without][:most]


def open_view(page: Page, tab: str, view: str | None) -> None:
    open_tab(page, tab)
    if view is not None:
        open_tab(page, view)
    page.wait_for_function(DRAWN, arg=[tab, view])


def click_another_head(page: Page) -> None:
    """A click on a head of the overview's other end, until the sentence speaks of it."""
    area = page.locator(CLICKED).locator(".nsewdrag").first.bounding_box()
    assert area is not None  # the overview is drawn: see measure()
    before = page.locator(ANSWER).inner_text()
    share = 0.95 if "head 0" in before else 0.02
    page.mouse.click(area["x"] + area["width"] * share, area["y"] + 5)
    page.wait_for_function(
        "([answer, before]) => document.querySelector(answer).innerText !== before", arg=[ANSWER, before]
    )


def type_text(page: Page, text: str) -> None:
    box = page.locator("#lens-text textarea")
    box.fill(text)
    redrawn(page, XRAY, lambda: box.press("Shift+Enter"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fresh", type=int, default=5, help="servers to start anew")
    parser.add_argument("--views", type=int, default=99, help="views to open, at most")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(playwright), args=ARGUMENTS)
        print(f"{options.model}, {options.rounds} rounds: median [fastest]")
        if options.fresh:
            answers = [first_answer(browser, options.model) for _ in range(options.fresh)]
            report("fresh server: its first answer to a picture", answers)
        with server(options.model) as (address, _):
            with visit(browser) as page:
                report_bytes("first visit", transferred(page, lambda: first_picture(page, address)))
                report_bytes("reload", transferred(page, page.reload))
            measure(browser, address, options.rounds, options.views)
        browser.close()


def measure(browser: Browser, address: str, rounds: int, most_views: int) -> None:
    """Prints what a warm server's visitors wait for."""
    waits: dict[str, list[float]] = {}
    titles: list[Place] = []

    def timed(name: str, work: Callable[..., object], *arguments: object) -> None:
        waits.setdefault(name, []).append(seconds(partial(work, *arguments)))

    for number in range(rounds):
        with visit(browser) as page:
            timed("open: a first visit to its picture", first_picture, page, address)
            timed("reload to its picture", first_picture, page, address)
            timed("another text to X-ray drawn", type_text, page, TEXTS[number % len(TEXTS)])
            titles = titles or places(page, most_views)
        with visit(browser) as page:
            first_picture(page, address)
            for tab, view in titles:
                timed(f"first open of {tab}{f', {view}' if view else ''}", open_view, page, tab, view)
            open_view(page, "Attention", "Heads")
            page.wait_for_selector(f"{CLICKED}[data-rendered]")  # drawn last, and deaf until then
            page.wait_for_function("answer => document.querySelector(answer).innerText.trim()", arg=ANSWER)
            page.locator(CLICKED).scroll_into_view_if_needed()
            page.wait_for_function(AT_REST, arg=CLICKED, polling=200)  # a click beside a head answers nothing
            timed("a click on a head to its sentence", click_another_head, page)
    for name, times in waits.items():
        report(name, times)


if __name__ == "__main__":
    main()
