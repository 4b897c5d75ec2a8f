"""What the page still says in English when it speaks Chinese: python -m tests.tools.untranslated [tab …]

Plays the page with the default model: each tab, each view, their buttons and lists. Prints as JSON, by tab, the texts that
the translation met and of which a part has no key in playground/texts/chinese/; no names, formulas or numbers. Tabs go by
their English names. What was met until the page failed is printed before the error.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress

from playwright.sync_api import Error, Page, sync_playwright

from playground.settings import Settings
from playground.tabs import TABS
from tests.benchmarks.page import first_picture, server
from tests.browser.conftest import ARGUMENTS, installed

MISSING = "window.__playgroundLanguage.missing()"
NAMES = re.compile(
    r"[A-Z]{2,}\w*|[\w.-]*\d[\w.-]*|[\w.-]+/[\w.-]+|\w+[-_.]\w+\S*|“[^”]*”|<[^>]*>"
    r"|%\{[^}]*\}|^\S+ [^\w\s]?[\d.]+ %$|\b[KMGT]iB\b|\b(softmax|bertviz|Python|smollm|Transformer Playground)\b|\b\w{1,2}\b"
)
"""What stays as it is in any language."""
PAUSE = 700
"""Milliseconds that a handler is given before the next click."""
NEVER = (
    "#language",
    "#toggle-theme",
    "#present",
    "#load",
    "[id*=load]",
    "[data-tool]",
    "[data-save]",
    "[data-kind]",
    "#link",
    "table *",
)
"""Buttons that change the page as a whole or save files."""


def words(text: str) -> bool:
    """Whether a text has words of a language."""
    return re.search(r"[A-Za-z]{3,}", NAMES.sub(" ", text)) is not None


def untranslated(page: Page) -> list[str]:
    """The texts met so far of which a part has no key."""
    return [text for text in page.evaluate(MISSING) if words(text)]


def settle(page: Page) -> None:
    """Waits until nothing is computed any more, or long enough."""
    page.wait_for_timeout(PAUSE)
    with suppress(Error):
        page.wait_for_function("!document.querySelector('[data-works]')", timeout=8_000)


def play(page: Page, panel: str) -> None:
    """Opens everything that opens in a tab's panel, clicks its buttons and pictures."""
    room = page.locator(panel)
    room.evaluate("(node) => node.querySelectorAll('details').forEach((one) => { one.open = true; })")
    for kind in (".label-wrap:visible", "button:visible"):
        for number in range(min(40, room.locator(kind).count())):
            button = room.locator(kind).nth(number)
            try:
                if button.is_visible() and not any(
                    button.evaluate("(node, what) => node.matches(what)", one) for one in NEVER
                ):
                    button.click(timeout=1_000)
                    page.wait_for_timeout(200)
            except Error:
                continue
    for number in range(min(12, room.locator(".pv[data-rendered]:visible").count())):
        try:
            box = room.locator(".pv[data-rendered]:visible").nth(number)
            box.click(timeout=1_000)
            box.hover(timeout=1_000)
        except Error:
            continue
    for listed in room.locator("input[role=combobox]:visible").all()[:12]:
        try:
            listed.click(timeout=1_000)
            page.wait_for_timeout(100)
            listed.press("Escape")
        except Error:
            continue
    settle(page)


def tabs_of(page: Page, bar: str) -> list[str]:
    """Names of the tabs in a bar, as they are shown."""
    return [name.strip() for name in page.locator(f"{bar} [role=tab]:visible").all_inner_texts()]


def play_tabs(page: Page, names: Sequence[str]) -> Iterator[str]:
    """Plays these tabs, or all, view by view; gives the place that was played."""
    titles = [tab.TITLE for tab in TABS]
    shown = page.locator("#tabs > .tab-wrapper [role=tab]:visible")
    assert shown.count() == len(titles), f"{shown.count()} tabs stand on the page; it has {len(titles)}"
    for number, tab in enumerate(titles):
        if names and tab not in names:
            continue
        shown.nth(number).dispatch_event("click")
        settle(page)
        bar = "#tabs > .tabitem:visible .tabs > .tab-wrapper"
        for view, title in enumerate(tabs_of(page, bar) or [""]):
            if title:
                page.locator(f"{bar} [role=tab]:visible").nth(view).dispatch_event("click")
            settle(page)
            play(page, "#tabs > .tabitem:visible .tabitem:visible" if title else "#tabs > .tabitem:visible")
            yield f"{tab} {title}".strip()


def main(names: list[str]) -> None:
    """Prints {place: [texts]}."""
    if unknown := set(names) - {tab.TITLE for tab in TABS}:
        raise SystemExit(
            f"No tab is called {', '.join(sorted(unknown))}. There are: {', '.join(t.TITLE for t in TABS)}."
        )
    missing: dict[str, list[str]] = {}
    seen: set[str] = set()

    def note(place: str) -> None:
        fresh = [text for text in untranslated(page) if text not in seen]
        seen.update(fresh)
        if fresh:
            missing[place] = fresh
        print(place, len(seen), file=sys.stderr, flush=True)

    with sync_playwright() as playwright, server(Settings().default_model) as (address, _):
        browser = playwright.chromium.launch(executable_path=installed(playwright), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(120_000)
        try:
            first_picture(page, f"{address}?__language=zh")
            note("page")
            for place in play_tabs(page, names):
                note(place)
        finally:
            print(json.dumps(missing, ensure_ascii=False, indent=1))
            browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
