"""Contributions: what embedding, heads, MLPs and neurons add to a logit, or to the difference of two."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from playground import workbench
from playground.components import Panel, PlotlyView, TokenList, markup
from playground.errors import PlaygroundError
from playground.figures.layers.contributions import COLOURS, heads_figure, rows_of, waterfall_figure
from playground.figures.layers.words import identities, sum_words
from playground.recording.head_choice import existing_token
from playground.recording.layers.window import logit_contributions, own_tokens
from playground.tabs.layers.clicks import whole
from playground.tabs.layers.one_part import part_outputs, read_neuron, strongest_outputs
from playground.tabs.layers.parts_controls import PartsControls
from playground.tabs.layers.refusals import refusal
from playground.tabs.shared.controls import figure_or_nothing, token_choices, typed
from playground.tabs.shared.detail import BESIDE, LEADING, LIST, MORE, detail, sentence_and_badge, show_detail
from playground.tabs.shared.events import LATEST, QUIET, RUNS_MODEL
from playground.tabs.shared.layer_scripts import contributions_scripts
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.proposals import proposals_for, proposed
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.views import View, script_that_opens
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts import layers as texts

if TYPE_CHECKING:
    from playground.analysis.layers.contributions import Contributions

NAME, TITLE = "contributions", "Contributions"
OPEN_HEADS = script_that_opens("Attention", "attention", "Heads")


@dataclass(frozen=True)
class PartsRequest:
    """What the view's controls say."""

    position: int | None = None
    token: str = ""
    """As a visitor types it; empty for the most likely one."""
    against: str = ""
    from_lens: tuple[tuple[str, str], int, int] | None = None
    """What the lens hands over: the page's reading, the position, the token's id."""
    reading: tuple[str, str] | None = None
    """The page's reading that the controls were set for."""
    part: tuple[str, int, int] | None = None
    """The part that is shown in detail: kind, layer, head (-1 for none)."""


def build(view: View, controls: PartsControls) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        position = TokenList([], label=texts.POSITION, elem_id="parts-position")
        token = gr.Textbox("", label=texts.TOKEN, placeholder=texts.TOKEN_HINT, max_length=100, elem_id="parts-token")
        against = gr.Textbox(
            "", label=texts.AGAINST, placeholder=texts.AGAINST_HINT, max_length=100, elem_id="parts-against"
        )
    sentence, badge = sentence_and_badge("parts")
    with gr.Row(elem_classes=BESIDE):
        column = gr.Column(scale=7, min_width=300, elem_classes="pg-list-column")
        with column, gr.Column(elem_classes=LIST, elem_id="parts-list"):
            figure = PlotlyView(
                label="From the embedding to the logit", height=330, elem_id="parts-waterfall", elem_classes=LEADING
            )
            legend = Panel(_legend(False))
            heads = PlotlyView(label="Every head", height=330, elem_id="parts-heads")
        with detail("parts-detail", scale=5, min_width=280):
            of_part = Panel(live=True, elem_id="parts-part")
            with gr.Row():
                back = gr.Button(texts.BACK, size="sm", scale=0, min_width=150, visible=False, elem_id="parts-back")
                opens = gr.Button("", size="sm", scale=0, min_width=180, visible=False, elem_id="parts-open")
            part_figure = PlotlyView(label="The parts", height=290, elem_id="parts-bars", elem_classes=MORE)
    Panel(markup.explanation(*texts.PARTS_ABOUT))
    reading, part = view.reading(), gr.State(None)
    opened_at = gr.Textbox("", visible="hidden", container=False)

    own: dict[str, Component] = {"position": position, "token": token, "against": against}
    states: dict[str, Component] = {"from_lens": controls.from_lens, "reading": reading, "part": part}
    wires: dict[str, Any] = {"inputs": own | states, "request": PartsRequest}
    one: dict[str, Component] = {"part": part, "of_part": of_part, "part_figure": part_figure}
    one |= {"back": back, "opens": opens, "heads": heads}
    everything: dict[str, Component] = {"figure": figure}  # the first picture, where the page says that it reads
    everything |= one | states | {"position": position, "sentence": sentence, "badge": badge, "legend": legend}
    view.draws(draw, **wires, outputs=everything | {"fields": proposals_for(token, against)})
    changed = [position.input, *typed(token, against)]
    bind(changed, redraw, page=view.page, **wires, outputs=everything, **LATEST)
    for picture, handler in ((figure, choose_step), (heads, choose_head), (part_figure, choose_bar)):
        clicked = bind(picture.select, handler, page=view.page, **wires, outputs=one, **RUNS_MODEL)
        show_detail(clicked, "parts-detail")
    bind(back.click, show_strongest, page=view.page, **wires, outputs=one, **RUNS_MODEL)
    names = ("layer", "head", "kind", "token", "token_text")
    head: dict[str, Component] = {f"page_{name}": getattr(view.page.head, name) for name in names}
    head |= {"head_chosen": view.page.head.chosen, "opened_at": opened_at}
    bind(opens.click, open_head, page=view.page, **wires, outputs=head, **QUIET)
    opened_at.change(None, None, None, js=OPEN_HEADS, **QUIET)


def draw(page: PageContext, request: PartsRequest) -> Outputs:
    """The logit that the lens handed over; else the one that was shown in this text; else the text's next token."""
    from_lens, typed_before = request.from_lens, (request.token, request.against)
    if from_lens is not None and tuple(from_lens[0]) == page.reading:
        from playground.models.one_token import typed_as  # torch: not before the page is there

        typed_token = typed_as(page.model(), int(from_lens[2]))
        request = replace(request, position=int(from_lens[1]), token=typed_token, against="", part=None)
    elif request.reading is not None and tuple(request.reading) != page.reading:
        request = replace(request, position=None, token="", against="", part=None)
    fields = proposed(*zip(typed_before, (request.token, request.against), strict=True))
    return redraw(page, request) | {"fields": fields, "from_lens": None, "reading": page.reading}


def redraw(page: PageContext, request: PartsRequest) -> Outputs:
    """The sum as the controls say."""
    recording = page.recording()
    labels = [token.label for token in own_tokens(recording)]
    position = existing_token(request.position, len(labels))
    both_ways = recording.model.anatomy.kind == "encoder"
    choices = token_choices(labels, position) | {"label": texts.IN_PLACE if both_ways else texts.POSITION}
    try:
        result = contributions_in(page, replace(request, position=position))
    except PlaygroundError as error:
        return _nothing(page, error) | {"position": choices, "reading": page.reading}
    names = _names(page, result)
    words, title = identities({name: result.errors[name] for name in ("logit", *result.errors)})
    of_figure, of_heads = contributions_scripts(page, recording, result)
    reasons = "".join(f" No {name}: {why}." for name, why in result.reasons.items())
    return strongest_outputs(page, result) | {
        "position": choices,
        "figure": figure_or_nothing(waterfall_figure(result, names)),
        script_output("figure"): of_figure,
        script_output("heads"): of_heads,
        "heads": figure_or_nothing(None if result.heads is None else heads_figure(result.heads)),
        "sentence": markup.note(sum_words(result, names) + reasons, terms=True),
        "badge": markup.badge("ok", words, title),
        "legend": gr.update(value=_legend(result.cross is not None), visible=True),
        "reading": page.reading,
    }


def show_strongest(page: PageContext, request: PartsRequest) -> Outputs:
    """The strongest parts, in place of one in detail."""
    return strongest_outputs(page, contributions_in(page, request))


def choose_step(page: PageContext, request: PartsRequest, event: gr.EventData) -> Outputs:
    """The part whose bar in the waterfall was clicked."""
    result, place = contributions_in(page, request), whole(event, "x")
    rows = rows_of(result)
    if not 0 <= place < len(rows):
        return {}
    row = rows[place]
    return part_outputs(page, result, (row.kind, row.layer, -1))


def choose_head(page: PageContext, request: PartsRequest, event: gr.EventData) -> Outputs:
    """The head that was clicked in the map."""
    head, layer = whole(event, "x"), whole(event, "y")
    return part_outputs(page, contributions_in(page, request), ("attention", layer, head)) if head >= 0 else {}


def choose_bar(page: PageContext, request: PartsRequest, event: gr.EventData) -> Outputs:
    """A bar of the strongest parts opens that part; one of a layer's neurons tells what the neuron writes."""
    clicked = event._data.get("customdata")
    result, kinds = contributions_in(page, request), list(COLOURS)
    if isinstance(clicked, list) and len(clicked) == 3 and all(isinstance(number, int) for number in clicked):
        kind, layer, head = clicked
        return part_outputs(page, result, (kinds[kind], layer, head)) if 0 <= kind < len(kinds) else {}
    if isinstance(clicked, int) and request.part is not None and request.part[0] == "mlp":
        return read_neuron(page, result, request.part[1], clicked)
    return {}


def open_head(page: PageContext, request: PartsRequest) -> Outputs:
    """Opens Attention on the head in question, in the row of the token at which the logit stands."""
    if request.part is None or request.part[2] < 0:
        return {}
    import time

    from playground.recording.layers.window import attention_kind

    recording = page.recording()
    kind, layer, head = request.part
    position = existing_token(request.position, recording.length)
    chosen = {"page_layer": layer, "page_head": head, "page_kind": attention_kind(recording, kind)}
    chosen |= {"page_token": position, "page_token_text": page.reading, "head_chosen": True}
    return chosen | {"opened_at": str(time.monotonic_ns())}


def contributions_in(page: PageContext, request: PartsRequest) -> "Contributions":
    """The contributions that the controls ask for."""
    from playground.models.one_token import typed_token

    recording, model = page.recording(), page.model()
    position = existing_token(request.position, recording.length)
    tokens = [typed_token(model, words) for words in (request.token, request.against)]
    if tokens[1] is not None and tokens[0] == tokens[1]:
        raise PlaygroundError(
            "Both tokens are the same, so their logits don't differ.", "Choose two, or leave one empty."
        )
    return logit_contributions(recording, workbench.shared(), position, *tokens)


def _legend(cross: bool) -> str:
    """Markup of what the colours mean. cross: also of a decoder's attention to its encoder."""
    return markup.actors(texts.PARTS_ACTORS | (texts.CROSS_ACTOR if cross else {}))


def _names(page: PageContext, result: "Contributions") -> tuple[str, str | None]:
    text = page.model().vocabulary.text
    return text(result.token), None if result.against is None else text(result.against)


def _nothing(page: PageContext, error: PlaygroundError) -> Outputs:
    """What is shown where nothing can be: the reason."""
    gone = dict.fromkeys(("figure", "heads", "part_figure"), figure_or_nothing(None))
    hidden = dict.fromkeys(("back", "opens", "legend"), gr.update(visible=False))
    return gone | hidden | {"of_part": "", "badge": "", "part": None, "sentence": refusal(page.model(), error)}
