"""Exchange: another text is read with numbers of the page's text in their places, layer by token or head by head."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from playground import workbench
from playground.components import Panel, PlotlyView, markup
from playground.errors import Cancelled, PlaygroundError
from playground.figures.attention.token_grid import frame
from playground.figures.layers.exchange import (
    ESTIMATE,
    EXACT,
    KINDS,
    STATE,
    agreement_figure,
    agreement_words,
    cell_words,
    exchange_figure,
    exchange_words,
)
from playground.figures.layers.words import identities
from playground.recording.layers.window import text_exchange
from playground.tabs.layers.clicks import whole
from playground.tabs.layers.parts_controls import PartsControls
from playground.tabs.layers.refusals import refusal
from playground.tabs.shared.controls import figure_or_nothing, typed
from playground.tabs.shared.detail import BESIDE, LEADING, LIST, MORE, detail, sentence_and_badge, show_detail
from playground.tabs.shared.events import GENERATES, LATEST, RUNS_MODEL
from playground.tabs.shared.layer_scripts import exchange_scripts
from playground.tabs.shared.long_work import WorkControl, with_progress
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.proposals import proposals_for, proposed
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.stop_button import stop_button, with_stop
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts import layers as texts
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.analysis.layers.exchange import Exchange
    from playground.recording.layers.exchange import Patcher

NAME, TITLE = "exchange", "Exchange"


@dataclass(frozen=True)
class ExchangeRequest:
    """What the view's controls say."""

    other: str = ""
    """The corrupted text."""
    what: str = STATE
    token: str = ""
    """As a visitor types it; empty for the answer to the page's text."""
    against: str = ""
    """Empty for the answer to the other text."""
    values: str = ESTIMATE
    reading: tuple[str, str] | None = None
    """The page's reading that the controls were set for."""
    control: WorkControl = field(default_factory=WorkControl)

    def basis(self, page: PageContext) -> tuple:
        """All that the cells depend on."""
        numbers = page.device, page.dtype, page.language
        return page.reading, *numbers, self.other, self.what, self.token, self.against


def build(view: View, controls: PartsControls) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        other = gr.Textbox(
            "", label=texts.OTHER_TEXT, placeholder=texts.OTHER_HINT, max_length=2000, elem_id="exchange-other", scale=3
        )
        what = gr.Dropdown(list(KINDS.items()), value=STATE, label=texts.EXCHANGED, elem_id="exchange-what", scale=1)
    with gr.Row(elem_classes="pg-controls pg-slim"):
        token = gr.Textbox(
            "", label=texts.TOKEN, placeholder=texts.TOKEN_HINT, max_length=100, elem_id="exchange-token"
        )
        against = gr.Textbox(
            "", label=texts.AGAINST, placeholder=texts.OTHER_ANSWER, max_length=100, elem_id="exchange-against"
        )
        values = gr.Radio([ESTIMATE, EXACT], value=ESTIMATE, label=texts.SHOWN, elem_id="exchange-shown")
    sentence, badge = sentence_and_badge("exchange")
    reading, control = view.reading(), gr.State(WorkControl())
    with gr.Row(elem_classes=BESIDE):
        column = gr.Column(scale=7, min_width=300, elem_classes="pg-list-column")
        with column, gr.Column(elem_classes=LIST, elem_id="exchange-list"):
            figure = PlotlyView(label="Exchange", height=430, elem_id="exchange-map", elem_classes=LEADING)
        with detail("exchange-detail", scale=4, min_width=280):
            of_cell = Panel(live=True, elem_id="exchange-cell")
            with gr.Row(elem_classes="pg-buttons"):
                every = gr.Button(texts.COMPUTE_ALL, size="sm", scale=0, min_width=170, elem_id="exchange-all")
                stop = stop_button("exchange-stop", control)
            how_far = Panel(live=True, elem_id="exchange-how-far")
            agreement = PlotlyView(
                label="Estimate and exact", height=290, visible=False, elem_id="exchange-agreement", elem_classes=MORE
            )
    Panel(markup.explanation(*texts.EXCHANGE_ABOUT))

    own: dict[str, Component] = {"other": other, "what": what, "token": token, "against": against, "values": values}
    inputs = own | {"reading": reading, "control": control}
    wires: dict[str, Any] = {"inputs": inputs, "request": ExchangeRequest}
    one: dict[str, Component] = {"figure": figure, "of_cell": of_cell, "how_far": how_far, "agreement": agreement}
    one |= {"sentence": sentence, "badge": badge}
    shown = one | {"values": values, "reading": reading, "every": every}
    view.draws(draw, **wires, outputs=shown | {"fields": proposals_for(other, token, against)})
    changed = [*typed(other, token, against), what.input, values.input]
    bind(changed, redraw, page=view.page, **wires, outputs=shown, **LATEST)
    clicked = bind(figure.select, choose, page=view.page, **wires, outputs=one, **RUNS_MODEL)
    show_detail(clicked, "exchange-detail")
    bind(
        every.click, with_stop(exchange_all), page=view.page, **wires, outputs=one | {"values": values, "stop": stop},
        trigger_mode="once", show_progress_on=[how_far], **GENERATES,
    )  # fmt: skip


def draw(page: PageContext, request: ExchangeRequest) -> Outputs:
    """The exchange with the text that was typed for this one; with another text of the page anew."""
    request.control.reading = page.reading
    if request.reading is None or tuple(request.reading) != page.reading:
        fresh = replace(request, values=ESTIMATE)
        if request.reading is not None:  # else a visitor was quicker than the first drawing
            fresh = replace(fresh, other="", token="", against="")
        fresh = replace(fresh, other=fresh.other or texts.OTHER_TEXTS.get(page.text, ""))
        names = "other", "token", "against"
        fields = proposed(*((getattr(request, name), getattr(fresh, name)) for name in names))
        controls: Outputs = {"fields": fields, "values": ESTIMATE}
        return controls | redraw(page, fresh) | {"reading": page.reading}
    return redraw(page, request)


def redraw(page: PageContext, request: ExchangeRequest) -> Outputs:
    """The exchange as the controls say."""
    page.model()  # while it loads, nothing is said
    request.control.about = request.basis(page)
    try:
        if not request.other.strip():
            raise PlaygroundError(texts.NO_OTHER_TEXT, "")
        patcher = _patcher(page, request)
    except PlaygroundError as error:
        gone = dict.fromkeys(("figure", "agreement"), figure_or_nothing(None))
        gone["every"] = gr.update(visible=False)
        words = refusal(page.model(), error)
        return gone | {"of_cell": "", "how_far": "", "badge": "", "sentence": words, "reading": page.reading}
    of_cell = markup.note(texts.CLICK_EXCHANGE)
    return (
        _pictures(page, request, patcher)
        | {"every": gr.update(visible=True)}
        | {"of_cell": of_cell, "reading": page.reading}
    )


def choose(page: PageContext, request: ExchangeRequest, event: gr.EventData) -> Outputs:
    """The clicked cell, exactly."""
    patcher, column, row = _patcher(page, request), whole(event, "x"), whole(event, "y")
    rows, columns = patcher.result.exact.shape
    if not (0 <= row < rows and 0 <= column < columns):
        return {}
    if (row, column) in patcher.missing():
        patcher.compute([(row, column)])
    labels = _labels(patcher)
    outputs = _pictures(page, request, patcher, (row, column))
    return outputs | {"of_cell": markup.note(cell_words(patcher.result, (row, column), labels))}


def exchange_all(page: PageContext, request: ExchangeRequest) -> Iterator[Outputs]:
    """All cells exactly, drawn as they come, until the controls say something else."""
    control, basis = request.control, request.basis(page)
    control.stop, control.about = False, basis
    patcher, exact = _patcher(page, request), replace(request, values=EXACT)

    def work(tick: Callable[[float], None]) -> None:
        for share in patcher.compute_all():
            if control.about != basis:
                return
            tick(share)

    def drawn(share: float, seconds: float) -> Outputs:
        if control.about != basis:
            return {}
        progress = markup.progress(f"{percent(share)} of the cells. Stop ends it.", share, seconds)
        return _pictures(page, exact, patcher) | {"how_far": progress, "values": EXACT}

    with suppress(Cancelled):
        yield from with_progress(work, control, "The exchange", drawn)
    if control.about == basis:
        yield _pictures(page, exact, patcher) | {"values": EXACT}


def _patcher(page: PageContext, request: ExchangeRequest) -> "Patcher":
    pair = page.text, request.other
    return text_exchange(page.model(), workbench.shared(), pair, request.what, _tokens(page, request))


def _tokens(page: PageContext, request: ExchangeRequest) -> tuple[int | None, int | None]:
    """The tokens that a visitor typed."""
    from playground.models.one_token import typed_token  # torch: not before the page is there

    model = page.model()
    return typed_token(model, request.token), typed_token(model, request.against)


def _pictures(
    page: PageContext, request: ExchangeRequest, patcher: "Patcher", cell: tuple[int, int] | None = None
) -> Outputs:
    result, labels = patcher.result, _labels(patcher)
    text = page.model().vocabulary.text
    values = result.exact if request.values == EXACT else result.estimate
    mark = None if cell is None else frame(cell[1], cell[0])
    names = text(result.token), text(result.against)
    whole = texts.WHOLE_MODEL if page.edits_on(page.text) else ""
    state, hover = identities(result.errors)
    scripts = exchange_scripts(page, request.other, patcher, _tokens(page, request), request.values)
    return {
        "figure": gr.update(value=exchange_figure(result, values, labels), visible=True, mark=mark),
        "agreement": figure_or_nothing(agreement_figure(result, cell)),
        "how_far": markup.note(agreement_words(result)),
        "badge": markup.badge("ok", state, hover),
        "sentence": markup.note(exchange_words(result, names, labels) + whole, terms=True),
        script_output("figure"): scripts[0],
        script_output("agreement"): scripts[1],
    }


def _labels(patcher: "Patcher") -> list[str]:
    """Of the columns: heads by number, tokens by those of both texts."""
    result: Exchange = patcher.result
    if result.what == "head":
        return [str(head) for head in result.columns]
    pairs = [(patcher.pair.clean[n].label, patcher.pair.corrupted[n].label) for n in result.columns]
    return [one if one == other else f"{one} ← {other.strip()}" for one, other in pairs]
