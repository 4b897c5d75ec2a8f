"""Every layer and head in one picture beside one head in full, a token's row or column as text and bars, who looks from one
token at another, and whether recomputing reproduces the model: the components, and which handler each event calls. The
handlers stand in heads_handlers.py and pair_handlers.py."""

from typing import Any

import gradio as gr
from gradio.components import Component

from playground.analysis.attention.head_measures import MEASURES
from playground.components import FollowingDropdown, Panel, PlotlyView, TokenList, TokenStrip, markup
from playground.figures.attention.head_request import DIRECTIONS, STRONGEST, UNMARKED, HeadRequest
from playground.recording.head_choice import BETWEEN, BOTH, EXCLUSIONS
from playground.recording.head_weights import DERIVATIONS
from playground.tabs.attention import heads_handlers, pair_handlers
from playground.tabs.attention.tab_chooser import TabChooser
from playground.tabs.shared.detail import BESIDE, LEADING, LIST, MORE, detail, show_detail, show_in_list
from playground.tabs.shared.events import LATEST, QUIET, RUNS_MODEL
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import bind
from playground.texts import attention as texts

NAME, TITLE = "heads", "Heads"
DETAIL, SENTENCE, ROW_SENTENCE = "attention-detail", "attention-sentence", "attention-row"


def build(view: View, chooser: TabChooser) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes=BESIDE):
        with gr.Column(scale=5, min_width=300, elem_classes="pg-list-column"):
            of_pair = _build_question()
            with gr.Column(elem_classes=LIST, elem_id="attention-list"):
                overview = PlotlyView(label="All layers and heads", height=560, elem_id="attention-overview")
            with gr.Row(elem_classes="pg-controls"):
                names: list[str | tuple[str, str]] = [
                    UNMARKED,
                    STRONGEST,
                    *((texts.ROLES[name], name) for name in MEASURES),
                ]
                measure = gr.Dropdown(names, label="Highlight heads by role", min_width=170, elem_id="overview-role")
                sort_heads = gr.Checkbox(False, label="sort by it", min_width=90, elem_id="overview-ordered")
        with detail(DETAIL, leads=True, scale=6, min_width=300):
            with gr.Row(elem_classes="pg-actions"):
                sentence = Panel(live=True, elem_id=SENTENCE)
                telling = gr.Button(
                    texts.MOST_TELLING, size="sm", scale=0, min_width=160, visible=False, elem_id="attention-telling"
                )
            head_map = PlotlyView(label="One head", height=400, elem_id="attention-map", elem_classes=LEADING)
            alignment = PlotlyView(label="Alignment", height=320, visible=False, elem_id="attention-links")
            row_sentence = Panel(live=True, elem_id=ROW_SENTENCE)
            strip = TokenStrip(label="A token's attention: click a token", lines=4, elem_id="attention-strip")
            with gr.Column(elem_classes=MORE):
                direction = gr.Radio(list(DIRECTIONS), value=DIRECTIONS[0], label="The token", elem_id="attention-way")
                badge = Panel(elem_id="attention-badge")
                with gr.Row(elem_classes="pg-controls"):
                    show = gr.Dropdown(list(DERIVATIONS), label="Show", min_width=130, elem_id="attention-show")
                    exclude = gr.Dropdown(
                        list(EXCLUSIONS), label="Ignore (renormalised)", min_width=130, elem_id="attention-sink"
                    )
                others = FollowingDropdown(
                    [], multiselect=True, label="Heads chosen", visible=False, elem_id="attention-others"
                )
                parts, label = [BOTH, *BETWEEN], "Between the sentences A and B"
                between = gr.Radio(parts, value=BOTH, label=label, visible=False, elem_id="attention-between")
                bars = PlotlyView(label="Its largest weights", height=330, elem_id="attention-bars")
                with gr.Accordion("More", open=False):
                    logarithmic = gr.Checkbox(False, label="Logarithmic shades", elem_id="attention-log")
                    label = "Each cell of a long text's map shows a block's"
                    pooling = gr.Radio(["max", "mean"], value="max", label=label, elem_id="attention-how")
                    pairs = gr.Button("Try two sentences", size="sm", visible=False, elem_id="attention-pairs")
                    with gr.Row(elem_classes="pg-actions"):
                        label = "Make files of these numbers"
                        make = gr.Button(label, size="sm", scale=0, min_width=220, elem_id="attention-files")
                        files = {
                            name.lower(): gr.DownloadButton(name, size="sm", scale=0, min_width=90, visible=False)
                            for name in ("CSV", "JSON")
                        }
    Panel(markup.explanation(*texts.HEADS_ABOUT))
    zoom = gr.State(None)

    layer, head = chooser.controls["layer"], chooser.controls["head"]
    of_map: dict[str, Any] = {"show": show, "others": others, "exclude": exclude, "between": between}
    of_map["logarithmic"] = logarithmic
    of_overview: dict[str, Any] = {"measure": measure, "sort_heads": sort_heads}
    of_row: dict[str, Any] = {"direction": direction, **chooser.row}
    choice = {name: of_pair[name] for name in ("who_from", "who_to", "who_text")}
    inputs = chooser.inputs | of_map | of_overview | of_row | choice | {"pooling": pooling, "zoom": zoom}
    wires: dict[str, Any] = {"page": view.page, "inputs": inputs, "request": HeadRequest}
    row = {"map": head_map, "strip": strip, "row_sentence": row_sentence, "bars": bars}
    one_head: dict[str, Component] = {"overview": overview, "alignment": alignment, "sentence": sentence, **row}
    one_head |= {"telling": telling, "badge": badge}
    another_head = {"layer": layer, "head": head, **one_head, **of_row}
    everything = {"others": others, "between": between, "pairs": pairs, **of_pair, **one_head}

    view.draws(heads_handlers.draw, inputs, everything, chooser.another_kind, HeadRequest)
    bind(pooling.input, heads_handlers.draw, outputs=everything, **wires, **LATEST)
    changes = [control.input for control in (layer, head, *of_map.values())]
    bind(changes, heads_handlers.draw_head, outputs=another_head, **wires, **LATEST)
    for picture, opens in ((overview, heads_handlers.open_head), (of_pair["who"], heads_handlers.open_ranked)):
        opening = bind(picture.select, opens, outputs=another_head, **wires, **RUNS_MODEL)
        chooser.sliders.publish(opening)
        show_detail(opening, DETAIL, SENTENCE)
    returns = another_head | {"chosen": chooser.inputs["chosen"]}
    back = bind(telling.click, heads_handlers.open_telling, outputs=returns, **wires, **RUNS_MODEL)
    show_detail(back, DETAIL, SENTENCE)
    show_in_list("attention-list", layer)
    marks = [control.input for control in of_overview.values()]
    bind(marks, heads_handlers.draw_overview, outputs={"overview": overview}, **wires, **LATEST)
    bind(head_map.zoom, heads_handlers.zoom, outputs={"map": head_map, "zoom": zoom}, **wires, **LATEST)
    clicked = bind(head_map.select, heads_handlers.open_row, outputs=row | of_row, **wires, **RUNS_MODEL)
    show_detail(clicked, DETAIL, ROW_SENTENCE)
    tokens = [strip.select, bars.select]
    bind(tokens, heads_handlers.open_token, outputs=row | of_row, **wires, **RUNS_MODEL)
    bind(direction.input, heads_handlers.draw_row, outputs=row, **wires, **LATEST)
    pair = bind(of_pair["who_strip"].select, pair_handlers.choose_token, outputs=of_pair, **wires, **RUNS_MODEL)
    show_detail(pair, "who-ranking")
    lists = [of_pair["who_from"].input, of_pair["who_to"].input]
    bind(lists, pair_handlers.draw_pair, outputs=of_pair, **wires, **LATEST)
    bind(make.click, heads_handlers.download, outputs=files, **wires, **RUNS_MODEL)
    example = {"text": view.page.text, "applied": view.page.applied}
    bind(pairs.click, heads_handlers.two_sentences_example, page=view.page, outputs=example, **QUIET)
    show.input(_choice_of_heads, show, others, **QUIET)


def _build_question() -> dict[str, Any]:
    """Builds "Who looks from one token at another?": the text to click in, two lists to choose from, and the ranking; its
    components by the outputs' names."""
    Panel(f'<h3 class="pg-section">{texts.WHO}</h3>')
    strip = TokenStrip(label=texts.WHO, lines=3, elem_id="who-strip")
    with gr.Row(elem_classes="pg-controls pg-compact pg-slim"):
        places = {
            name: TokenList([], label=label, scale=1, min_width=120, elem_id=name.replace("_", "-"))
            for name, label in (("who_from", "from (A)"), ("who_to", "to (B)"))
        }
    words = Panel(live=True, elem_id="who-words")
    ranking = PlotlyView(label="Heads ranked", height=280, visible=False, elem_id="who-ranking")
    return {"who_strip": strip, "who_text": gr.State(None), "who_words": words, "who": ranking, **places}


def _choice_of_heads(show: str) -> dict:
    """Shows the choice of heads for what combines them."""
    return gr.update(visible=DERIVATIONS[show].combines_heads)
