"""Takes README's pictures from the running page: python -m tests.tools.pictures [name …]

Needs what the browser tests need. Each picture shows the default model on a text of the page's own examples.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import gradio as gr
from playwright.sync_api import Page, sync_playwright

from playground.classroom.addresses import TEACHER
from playground.components.event_queue import with_event_queue
from playground.page import create_app, launch_options
from playground.settings import Settings
from playground.workbench import shared
from tests.browser.conftest import ARGUMENTS, installed
from tests.tools.ports import free_port

ASSETS = Path(__file__).resolve().parents[2] / "assets"
PARTS = {
    "tree": "#tree",
    "neuron": "#bertviz",
    "through": "#through-map",
    "banks": "#path",
    "before": "#train-maps",
    "after": "#train-maps",
    "div_term": "#train-two-losses",
}
"""Pictures of one element instead of the whole page."""
TABS = {
    "xray": "X-ray",
    "lesson": "X-ray",
    "chinese": "X-ray",
    "classroom": "X-ray",
    "tree": "Generate",
    "pins": "Attention",
    "maths": "Attention",
    "through": "Attention",
    "neuron": "Attention",
    "lens": "Layers",
    "parts": "Layers",
    "without": "Layers",
    "exchange": "Layers",
    "two_models": "Layers",
    "clocks": "Positions",
    "broken": "Positions",
    "vocabulary": "Embeddings",
    "banks": "Embeddings",
    "labels": "Tasks",
    "span": "Tasks",
    "translation": "Tasks",
    "before": "Train",
    "after": "Train",
    "div_term": "Train",
}
"""In which tab a picture is taken that is not called after it."""


def xray(page: Page) -> None:
    page.get_by_role("button", name="a capital", exact=True).click()
    page.wait_for_function("document.querySelector('#xray-sentence').innerText.includes('Rome')")


def generate(page: Page) -> None:
    page.get_by_role("button", name="a capital", exact=True).click()
    page.wait_for_function("document.querySelectorAll('#strip .t').length === 12")
    page.locator("#new-tokens input[type=number]").fill("24")
    page.locator("#generate").click()
    page.wait_for_function("document.querySelector('#generate-status').innerText.includes('24 tokens')")
    page.wait_for_function("document.querySelectorAll('#strip .t-generated').length === 24")
    page.locator("#strip .t-generated").first.click()
    page.wait_for_function("document.querySelector('#stages .pv')?.dataset.rendered")


def tree(page: Page) -> None:
    page.get_by_role("button", name="“it” → whom?", exact=True).click()
    page.get_by_role("button", name="Compare several").click()
    for name, number in (("beams", "4"), ("new-tokens", "16")):
        box = page.locator(f"#{name} input[type=number]")
        box.fill(number)
        box.press("Tab")
    page.locator("#generate").click()
    page.wait_for_function("document.querySelector('#generate-status').innerText.includes('best of 4 beams')")
    page.wait_for_selector("#tree .pv[data-rendered]")


def attention(page: Page) -> None:
    page.get_by_role("button", name="“it” → whom?", exact=True).click()
    page.wait_for_selector("#attention-badge .pg-badge")
    for name, number in (("layer", "11"), ("head", "1")):
        box = page.locator(f"#attention-{name} input[type=number]")
        box.fill(number)
        box.press("Enter")
    page.wait_for_function("document.querySelector('#attention-sentence').innerText.includes('Layer 11, head 1')")


def pins(page: Page) -> None:
    """The head of `attention` in two texts, one minus the other."""
    page.set_viewport_size({"width": 1980, "height": 900})  # three pictures beside each other
    for number, animal in enumerate(("animal", "street"), 1):
        page.locator("#lens-text textarea").fill(f"The animal didn't cross the street because the {animal} was too")
        page.locator("#look").click()
        names = "document.querySelector('#attention-map .pv')?._fullLayout?.yaxis.ticktext"
        page.wait_for_function(f"{names}?.join('').includes('{animal}·was')")
        page.locator("#attention-map [data-tool=pin]").press("Enter")
        page.wait_for_function(f"document.querySelectorAll('.pin .pv[data-rendered]').length === {number}")
    page.locator(".pins-go").click()
    page.wait_for_function("document.querySelectorAll('.pin .pv[data-rendered]').length === 3")


def through(page: Page) -> None:
    page.get_by_role("tab", name="Through the layers").click()
    page.get_by_label("Ignore the first token (renormalised)").check()
    page.wait_for_function("document.querySelector('#through-map .pv')?.dataset.rendered > 1")


def maths(page: Page) -> None:
    page.get_by_role("tab", name="Step by step").click()
    page.wait_for_selector("#maths-shares .pv[data-rendered]")


def neuron(page: Page) -> None:
    page.set_viewport_size({"width": 1560, "height": 900})  # as wide as the opened view is
    page.get_by_role("tab", name="bertviz").click()
    page.get_by_role("radio", name="Neuron view").check()
    page.wait_for_selector("#bertviz iframe[data-drawn=neuron]")
    frame = page.frame_locator("#bertviz iframe")
    frame.locator("#collapsed #leftText text").nth(8).dispatch_event("mouseover")
    plus = "document.querySelectorAll('#collapsed #leftText rect[width=\"16\"]')[8]"
    frame.locator("body").evaluate(f"() => {plus}.dispatchEvent(new MouseEvent('click'))")
    frame.locator("#expanded #leftText text").nth(8).dispatch_event("mouseover")
    page.wait_for_timeout(1000)


def lens(page: Page) -> None:
    page.get_by_role("button", name="a capital", exact=True).click()
    page.wait_for_function("document.querySelector('#lens-sentence').innerText.includes('Rome')")
    page.wait_for_selector("#lens-ranks .pv[data-rendered]")


def parts(page: Page) -> None:
    page.locator("#layers-views").get_by_role("tab", name="Contributions").click()
    page.locator("#parts-against textarea, #parts-against input").fill("Florence")
    page.locator("#parts-against textarea, #parts-against input").press("Enter")
    page.wait_for_function("document.querySelector('#parts-sentence').innerText.includes('Florence')")
    page.wait_for_selector("#parts-heads .pv[data-rendered]")


def without(page: Page) -> None:
    page.locator("#layers-views").get_by_role("tab", name="Without it").click()
    page.wait_for_selector("#without-shift .pv[data-rendered]")
    page.wait_for_function("document.querySelector('#without-written').innerText.includes('New York City')")
    page.locator("#without-stop").wait_for(state="hidden")


def exchange(page: Page) -> None:
    page.locator("#layers-views").get_by_role("tab", name="Exchange").click()
    page.wait_for_selector("#exchange-map .pv[data-rendered]")
    page.locator("#exchange-all").click()
    page.wait_for_function("document.querySelector('#exchange-how-far').innerText.includes('62 of 62')")
    page.wait_for_selector("#exchange-agreement .pv[data-rendered]")


def two_models(page: Page) -> None:
    page.locator("#layers-views").get_by_role("tab", name="Two models").click()
    page.locator("#two-models-second input").fill("all-minilm-l6-v2")
    page.locator("#two-models-second input").press("Enter")
    page.locator("#two-models-go").click()
    page.wait_for_selector("#two-models-other .pv[data-rendered]", timeout=60_000)


def labels(page: Page) -> None:
    page.get_by_role("button", name="a review", exact=True).click()
    page.wait_for_function("document.querySelector('#task-why').innerText.includes('waiter')")
    page.wait_for_selector("#task-why-bars .pv[data-rendered]")


def span(page: Page) -> None:
    page.locator("#tasks-views").get_by_role("tab", name="Answer").click()
    page.locator("#task-answer").click()
    page.wait_for_selector("#task-answer-passage mark")


def clocks(page: Page) -> None:
    page.get_by_role("tab", name="Clocks").click()
    page.wait_for_selector("#clocks-badge .pg-badge-ok")
    page.wait_for_selector("#clocks-pairs .pv[data-rendered]")


def broken(page: Page) -> None:
    page.get_by_role("tab", name="Break it").click()
    page.wait_for_selector("#broken-attention .pv[data-rendered]")


def vocabulary(page: Page) -> None:
    page.get_by_role("tab", name="Projector").click()
    page.wait_for_function("document.querySelector('#cloud-sentence')?.innerText.includes('All 49,152 tokens, in')")
    page.wait_for_selector("#cloud .pv[data-rendered]")


def banks(page: Page) -> None:
    page.locator("#embeddings-views").get_by_role("tab", name="Through the layers").click()
    page.locator("#two-banks").click()
    page.wait_for_function("document.querySelector('#path-sentence')?.innerText.includes('The two begin')")
    page.wait_for_selector("#path .pv[data-rendered]")


def train(page: Page) -> None:
    page.locator("#train-play").click()
    page.wait_for_function(
        "document.querySelector('#train-status').innerText.includes('Step 400 of 400')", timeout=180_000
    )
    page.wait_for_selector("#train-maps .pv[data-rendered]")
    page.wait_for_timeout(2000)


def before(page: Page) -> None:
    _to_snapshot(page, 0.25)


def after(page: Page) -> None:
    _to_snapshot(page, 1)


def _to_snapshot(page: Page, share: float) -> None:
    """The run of `train` at this share of its snapshots."""
    box = page.locator("#train-place input[type=number]")
    last = float(page.locator("#train-place input[type=range]").get_attribute("max") or 0)
    box.fill(str(round(share * last)))
    box.press("Enter")
    page.wait_for_timeout(2000)


def div_term(page: Page) -> None:
    page.get_by_role("tab", name="From scratch", exact=True).click()
    page.get_by_role("radio", name="exp(2i) in div_term").check()
    page.locator("#train-prediction").get_by_role("radio").first.check()
    page.locator("#train-compare").click()
    page.wait_for_function(
        "document.querySelector('#train-compared').innerText.includes('in the last ten steps')", timeout=240_000
    )
    page.wait_for_timeout(2000)


def translation(page: Page) -> None:
    """By the translator of Train, which is trained first, in the head that finds its words best."""
    page.get_by_role("tab", name="Train", exact=True).click()
    page.get_by_role("tab", name="Lessons", exact=True).click()
    page.locator("#train-lesson input").click()
    page.get_by_role("option", name="Translate numbers").click()
    page.locator("#train-play").click()
    page.wait_for_function(
        "document.querySelector('#train-status').innerText.includes('Step 400 of 400')", timeout=240_000
    )
    page.locator("#train-look").click()
    page.wait_for_function("document.querySelector('#card').innerText.includes('trained:numbers')")
    page.get_by_role("tab", name="Tasks", exact=True).click()
    page.locator("#tasks-views").get_by_role("tab", name="Translate").click()
    page.get_by_role("button", name="a number", exact=True).click()
    page.wait_for_function("document.querySelector('#task-translation-words').innerText.includes('Press Translate')")
    page.locator("#task-go").click()
    page.wait_for_selector("#task-alignment-map .pv[data-rendered]")
    for name in ("layer", "head"):
        page.locator(f"#task-{name} input").click()
        page.get_by_role("option", name="0", exact=True).click()
    page.wait_for_function("document.querySelector('#task-alignment-words').innerText.includes('Layer 0, head 0')")


ALL = ("xray", "generate", "tree", "attention", "pins", "maths", "through", "neuron", "lens", "parts", "without")
ALL += (
    "exchange",
    "two_models",
    "clocks",
    "broken",
    "vocabulary",
    "banks",
    "labels",
    "span",
    "train",
    "before",
    "after",
    "div_term",
    "translation",
    "lesson",
    "chinese",
    "classroom",
)


def lesson(page: Page) -> None:
    """The second question of the first lesson, answered wrongly."""
    page.locator("#start-here").click()
    page.locator("#course-number input").fill("90")
    page.locator("#course-lock").click()
    page.locator("#course-next").click()
    page.locator("#course-choice label").nth(1).click()
    page.locator("#course-lock").click()
    page.wait_for_selector(".pg-course-verdict")
    page.wait_for_function("document.querySelector('#next-token').innerText.includes('65 %')")


def chinese(page: Page) -> None:
    """The same in Chinese; the page's last picture."""
    if not page.locator("#course").is_visible():
        lesson(page)
    page.locator("#language").click()
    page.wait_for_function("document.querySelector('.pg-course-verdict').innerText.includes('你')")


IN_CLASS = {"classroom"}
"""Pictures of a class's server."""
ONE_SCREEN = {*IN_CLASS, "pins"}
"""Pictures of what fits on a screen."""
ANSWERS = (5, 12, 20, 20, 25, 30, 30, 30, 40, 40, 45, 50, 50, 50, 50, 55, 60, 60, 70, 75, 80, 80, 90, 90, 95, 99)
"""What twenty-six pupils of the picture say; nobody's real answers."""


def classroom(page: Page) -> None:
    """The first question of the first lesson on the teacher's page, answered by a class."""
    room = shared().classroom
    assert room is not None
    page.goto(f"{page.url.split('?')[0].split('#')[0]}?{TEACHER}={room.secret}")
    page.evaluate("sessionStorage.removeItem('pg-course')")
    page.wait_for_selector("#xray-picture .pv[data-rendered]")
    page.evaluate("document.body.classList.add('pg-newcomer')")
    page.locator("#start-here").click()
    page.wait_for_function("document.querySelector('#class-line')?.innerText.includes('0 answered')")
    for number, answer in enumerate(ANSWERS):
        room.arrive()
        room.take(f"pupil-{number:04}", ("what_comes_next", 0), float(answer))
    page.wait_for_function(f"document.querySelector('#class-line').innerText.includes('{len(ANSWERS)} answered')")
    page.wait_for_selector("#class-answers .pv[data-rendered]")


def take(names: Sequence[str] = ALL) -> None:
    """Writes assets/<name>.png for each tab, as small as 256 colours make it."""
    of_class = [name for name in names if name in IN_CLASS]
    for settings, group in (
        (Settings(), [name for name in names if name not in of_class]),
        (replace(Settings(), classroom=True), of_class),
    ):
        if group:
            _take(create_app(settings), group)


def _take(app: gr.Blocks, names: Sequence[str]) -> None:
    port = free_port()
    with_event_queue(app).launch(server_port=port, prevent_thread_lock=True, quiet=True, **launch_options())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(playwright), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        page.set_default_timeout(120_000)
        page.goto(f"http://127.0.0.1:{port}/?__theme=light")
        page.wait_for_selector("#xray-picture .pv[data-rendered]", timeout=180_000)
        for name in names:
            page.set_viewport_size({"width": 1280, "height": 900})
            page.get_by_role("tab", name=TABS.get(name, name.capitalize()), exact=True).click()
            globals()[name](page)
            page.mouse.move(0, 0)
            page.wait_for_timeout(1500)
            how = {"path": ASSETS / f"{name}.png", "animations": "disabled"}
            if name in PARTS:
                page.locator(PARTS[name]).screenshot(**how)
            else:
                page.screenshot(**how, full_page=name not in ONE_SCREEN, caret="hide")
            _shrink(ASSETS / f"{name}.png")
        browser.close()
    app.close(verbose=False)


def _shrink(path: Path) -> None:
    from PIL import Image  # gradio brings it

    Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    take(sys.argv[1:] or ALL)
