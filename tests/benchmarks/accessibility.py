"""What axe finds against WCAG 2.1, levels A and AA: python -m tests.benchmarks.accessibility

Every view of the page, the lessons and the link's field included, in light and dark, 1280 and 390 pixels wide; at 390 with a
touch screen. A fault is printed once, with the places where it stands. --model may name a folder.
"""

import argparse
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Browser, Page, sync_playwright

from tests.benchmarks.page import Place, first_picture, open_tab, places, server
from tests.browser.conftest import ARGUMENTS, installed, with_theme

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
LOOK = """async () => {
  const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];
  const answer = await axe.run(document, {runOnly: rules, resultTypes: ['violations']});
  return answer.violations.flatMap(({id, help, nodes}) => nodes.map((node) => {
    const why = [...node.any, ...node.all, ...node.none].map(({message}) => message).join('; ');
    return `${id}: ${help}. ${node.html.slice(0, 120)} ${why}`; })); }"""
SETTLE = 1500
"""Milliseconds after which a view that was opened is looked at, and looked at again where something was wrong, once nothing
waits for its numbers: a picture that does is faint on purpose, and a busy machine takes its time."""
PANELS = {"Start here": ("#start-here", "#course-body"), "Link to this view": ("#link", "#link-view")}
"""What opens beside the views: the button, and what then stands there."""


def faults(page: Page) -> list[str]:
    """What is wrong with the page as it stands, `AXE` having been evaluated in it."""
    first = page.evaluate(LOOK)
    if not first:
        return []
    page.wait_for_function("!document.querySelector('[data-works], .pending')")
    page.wait_for_timeout(SETTLE)
    return [fault for fault in page.evaluate(LOOK) if fault in first]


def faults_of_views(page: Page, most: int) -> Iterator[tuple[Place, list[str]]]:
    """What is wrong in each of a page's views, at most so many, as they are opened."""
    page.evaluate(AXE)
    for tab, view in places(page, most, without=()):
        open_tab(page, tab)
        if view is not None:
            open_tab(page, view)
        page.wait_for_timeout(SETTLE)
        yield (tab, view), faults(page)


def faults_of_panels(page: Page) -> Iterator[tuple[Place, list[str]]]:
    """What is wrong in what opens beside the views."""
    for title, (button, inside) in PANELS.items():
        page.locator(button).click()
        page.locator(inside).locator(":is(button, input, textarea)").locator("visible=true").first.wait_for()
        yield (title, None), faults(page)


def visit(browser: Browser, address: str, theme: str, width: int) -> Page:
    touch = width < 500
    size = {"width": width, "height": 800}
    context = browser.new_context(reduced_motion="reduce", has_touch=touch, is_mobile=touch, viewport=size)
    context.set_default_timeout(60_000)
    page = context.new_page()
    first_picture(page, with_theme(address, theme))
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--views", type=int, default=99, help="views to open, at most")
    options = parser.parse_args()
    where: dict[str, list[str]] = {}
    looks = 0
    with sync_playwright() as playwright, server(options.model) as (address, _):
        browser = playwright.chromium.launch(executable_path=installed(playwright), args=ARGUMENTS)
        for theme in ("light", "dark"):
            for width in (1280, 390):
                page = visit(browser, address, theme, width)
                for (tab, view), wrong in chain(faults_of_views(page, options.views), faults_of_panels(page)):
                    looks += 1
                    for fault in wrong:
                        where.setdefault(fault, []).append(f"{tab}{f', {view}' if view else ''} ({theme}, {width})")
                page.context.close()
                print(
                    f"{options.model}, {theme}, {width} pixels: {looks} looks so far, {len(where)} faults", flush=True
                )
        browser.close()
    for fault, stands in where.items():
        print(f"- {fault}\n  {'; '.join(stands)}")


if __name__ == "__main__":
    main()
