"""The Generate tab put together: its components, what each event calls, and what stands there before anything is
written."""

import gradio as gr

from playground.components import FollowingDropdown, FollowingRadio, Panel, PlotlyView, TokenStrip, markup
from playground.tabs.generate import branches, chat, controls, score, streaming
from playground.tabs.generate.fill import fill_view, filled
from playground.tabs.generate.modes import MODES, WRITING, modes_of, off_words
from playground.tabs.generate.session import SHOWN, GenerationSession, entries_of, first_of_group, talk_of, tree_view
from playground.tabs.generate.strip import COLOURS, SHADED_TOKENS, entry_of, prompt_entries, strip_items
from playground.tabs.generate.token_explanation import (
    NO_STAGES,
    NOTHING,
    explain_given,
    explain_next,
    explain_step,
    pieces_view,
)
from playground.tabs.shared.page_context import (
    GENERATES,
    QUIET,
    RUNS_MODEL,
    PageControls,
    loaded,
    outputs,
    recorded,
    while_open,
)

NAME, TITLE = "generate", "Generate"
ABOUT = markup.explanation(
    "What am I looking at?",
    "A language model gives every token of its vocabulary a probability of being the next one: "
    "<code>softmax(logits)</code>. One is drawn (or, greedily, the most probable is taken), joined to the text, and the "
    "model is asked again. The deeper the shade of a token, the more probable it was to the model. Click a token to see "
    "what else was expected there, and a bar to go on with that instead.",
    "Rules may come between: penalties on repetition, the temperature, which divides the logits (below 1 the choice "
    "becomes surer, above 1 more daring), and cuts of the improbable end: top-k, top-p (Holtzman et al. 2020), min-p "
    "(Nguyen et al. 2024), typical-p (Meister et al. 2023). The bars show the model's own probabilities, before all "
    "that; the picture below them what each rule did, in the order applied.",
    "A continuation's probability is the product of its tokens' probabilities; <code>ln p</code> is its logarithm. Beam "
    "search keeps the few continuations with the highest at each step. A score tells how likely a text is: surprisal "
    "<code>-log₂ p</code> of each token, loss the mean of <code>-ln p</code>, perplexity <code>exp(loss)</code>.",
)


def build(lens: PageControls) -> None:
    """Builds the tab and connects it."""
    written = gr.State(GenerationSession())
    mode = FollowingRadio(
        [("Complete", "complete")], value="complete", label="Mode", show_label=False, container=False, elem_id="mode"
    )
    off = Panel(elem_id="modes-off")
    with gr.Column(visible=False, elem_id="chat") as chat_room:
        talk = gr.Chatbot(
            label="Conversation",
            height=300,
            render_markdown=False,
            latex_delimiters=[],
            editable="all",
            buttons=["copy"],
            feedback_options=None,
            elem_id="chatbot",
            placeholder="Send a message: the strip below shows what the model really reads.",
        )
        message = gr.Textbox(chat.FIRST_MESSAGE, label="Your message", lines=1, max_lines=6, elem_id="chat-message")
        left_out = Panel(live=True, elem_id="chat-note")
        with gr.Accordion("System prompt", open=False):
            system = gr.Textbox(
                "",
                show_label=False,
                container=False,
                lines=2,
                elem_id="system-prompt",
                placeholder="Empty: whatever the template itself says",
            )
    with gr.Column(visible=False, elem_id="score") as score_room:
        second = gr.Textbox(
            "",
            label="Beside another text",
            lines=2,
            max_lines=8,
            elem_id="second-text",
            info="The text under the lens is the first.",
        )
        compare_texts = gr.Button("Compare token by token", size="sm", elem_id="compare-texts")
    with gr.Row(elem_classes="pg-actions"):
        start = gr.Button("Generate", variant="primary", scale=0, min_width=120, elem_id="generate")
        more = gr.Button("Continue", scale=0, min_width=100, elem_id="continue")
        stop = gr.Button("Stop", scale=0, min_width=80, elem_id="stop")
        into = gr.Button("Look into it in every tab", scale=0, min_width=200, elem_id="look-into")
    strip = TokenStrip(label="The text and its continuation", strip_height=300, elem_id="strip")
    status = Panel(live=True, elem_id="generate-status")
    tree = PlotlyView(label="Continuations", height=200, visible=False, elem_id="tree")
    with gr.Accordion("Compare two continuations", open=False, visible=False, elem_id="compare") as comparing:
        leaf = FollowingDropdown([], label="The one on the strip beside", elem_id="compare-with")
        compared = Panel(live=True, elem_id="compare-words")
        clear = gr.Button("Forget all continuations", size="sm", elem_id="clear-tree")
    beside = PlotlyView(label="Side by side", height=420, visible=False, elem_id="beside")
    with gr.Row():
        with gr.Column(scale=7, min_width=320):
            chart = PlotlyView(label="Next token", height=400, elem_id="next-token")
            pieces = FollowingRadio([], visible=False, label="Byte pieces", elem_id="pieces")
            detail = Panel(live=True, elem_id="token-detail")
            stages = PlotlyView(label="Rule by rule", height=520, visible=False, elem_id="stages")
        with gr.Column(scale=3, min_width=260):
            ruling = controls.build(COLOURS)
    Panel(ABOUT)

    colour = ruling.colour
    explained = [chart, detail, stages, pieces]
    shown = [strip, status, *explained, tree, comparing, leaf, beside, talk, written]
    asked = [*lens.given, mode, written, colour]
    drawn = [mode, start, more, stop, into, ruling.room, off, chat_room, score_room, *shown, lens.message]
    latest = {"trigger_mode": "always_last", **RUNS_MODEL}
    gr.on(
        [lens.opened[NAME].change, *lens.triggers, mode.input],
        while_open((NAME,), draw),
        [lens.active, *asked],
        drawn,
        **latest,
    )
    given = [lens.model, lens.device, lens.dtype]
    ends, once = [*shown, lens.message], {"trigger_mode": "once", **GENERATES}
    talking = [message, left_out, *ends]
    start.click(
        start_writing,
        [*given, lens.text, mode, message, system, written, colour, *ruling.rules],
        [lens.applied, *talking],
        **once,
    )
    more.click(streaming.go_on, [*given, written, colour, *ruling.rules], ends, **once)
    chart.select(branches.branch, [*given, written, colour, *ruling.rules], ends, **once)
    message.submit(chat.send, [*given, message, system, written, colour, *ruling.rules], talking, **once)
    talk.retry(chat.retry, [*given, system, written, colour, *ruling.rules], talking, **once)
    talk.edit(chat.edit, [*given, system, written, colour, *ruling.rules], talking, **once)
    stop.click(streaming.stop, written, None, **QUIET)
    talk.undo(chat.undo, [*given, written, colour], talking, **QUIET)
    talk.clear(chat.forget, [*given, written, colour], talking, **QUIET)
    into.click(
        chat.look_into, [*given, written], [lens.text, lens.applied, lens.written, status, lens.message], **QUIET
    )
    strip.select(explain, [*given, mode, written, colour], [strip, status, *explained, lens.message], **latest)
    pieces.input(
        explain_piece, [*given, mode, written, colour, pieces], [strip, status, *explained, lens.message], **latest
    )
    colour.input(recolour, [*given, written, colour], [strip, lens.message], **QUIET)
    tree.select(branches.show_node, [*given, written, colour], ends, trigger_mode="always_last", **QUIET)
    leaf.input(branches.compare, [written, leaf], [beside, compared, lens.message], **RUNS_MODEL)
    clear.click(streaming.clear, [*given, written, colour], ends, **QUIET)
    gr.on(
        [second.submit, compare_texts.click],
        score.beside,
        [*lens.given, second],
        [beside, status, lens.message],
        **RUNS_MODEL,
    )


def start_writing(model_id, device, dtype, text, mode, message, system, written, colour, *rules):
    """What the button does: a chat answers the message, the other modes go on from the text in the box, which comes
    under the lens as the stream begins: what is typed while it runs is not applied."""
    applied = gr.skip()
    if mode == "chat":
        for shown in chat.send(model_id, device, dtype, message, system, written, colour, *rules):
            yield applied, *shown
    else:
        for number, shown in enumerate(streaming.stream(model_id, device, dtype, text, mode, written, colour, *rules)):
            began = number == 0 and shown[-1] == ""  # else the message says why not
            yield text if began else applied, gr.skip(), gr.skip(), *shown


@outputs(9 + SHOWN)
def draw(model_id, device, dtype, text, mode, written, colour="probability") -> tuple:
    """The text's own tokens and what the model expects; leaves alone what was written after this very text.

    Gives mode, the buttons Generate, Continue, Stop and Look, the rules, what is off, the rooms of chat and score, and what
    `view` gives.
    """
    model = loaded(model_id, device, dtype)
    modes = modes_of(model)
    asked_mode, mode = mode, mode if mode in modes else (modes or ["complete"])[0]
    writes = mode in WRITING and bool(modes)
    controls_now = (
        mode_choice(modes, mode, asked_mode),
        gr.Button("Send" if mode == "chat" else "Generate", visible=writes),
        gr.Button(visible=writes),
        gr.Button(visible=writes),
        gr.Button(visible=writes),
        gr.Column(visible=writes),
        markup.explanation("What this model can't do here", markup.text(off_words(model))) if off_words(model) else "",
        gr.Column(visible=mode == "chat"),
        gr.Column(visible=mode == "score"),
    )
    key = (model_id, device, dtype, mode, text)
    if written.key == key or (mode == "chat" and written.key[:4] == key[:4]):
        return *controls_now, *(gr.skip(),) * SHOWN
    halt = written.halt
    fresh, words, explanation, strip = first_sight(model, key, colour)
    if written.halt is not halt:  # a stream began meanwhile, and the page is its own
        return *controls_now, *(gr.skip(),) * SHOWN
    written.leave()
    fresh.messages = written.turns
    talk = talk_of(fresh) if mode == "chat" else gr.skip()
    beside = gr.update(value=None, visible=False)
    return (*controls_now, strip, markup.note(words), *explanation, *tree_view(model, fresh)[:3], beside, talk, fresh)


def mode_choice(modes: list[str], mode: str, asked: str) -> gr.Radio:
    """The modes that are on; the one chosen moves only where it is off with this model."""
    choices = [(MODES[name], name) for name in modes]
    moved = {} if mode == asked else {"value": mode}
    return gr.Radio(choices, visible=bool(modes), **moved)


def first_sight(model, key: tuple, colour: str) -> tuple:
    """Written, words, (chart, detail, stages, pieces) and strip of a text that nothing was written after yet."""
    from playground.models.input_checks import check_length

    *given, mode, text = key
    if mode == "chat":
        words = "Type a message, or press Send for this one. What the model reads will stand here, template included."
        return GenerationSession(key), words, NOTHING, []
    if mode == "translate":
        ids, tokens = streaming.cut(model, text)
        check_length(len(ids), model.max_tokens)
        entries = [entry_of(token, "prompt") for token in tokens]
        words = "Press Generate: the model reads the text with its encoder and writes with its decoder."
        return GenerationSession(key, ids, entries), words, NOTHING, strip_items(entries, colour)
    recording = recorded(*given, text)
    ids = tuple(token.id for token in recording.tokens)
    if mode == "fill":
        found = filled(*given, text)
        strip, words, *explanation = fill_view(found, colour)
        return (
            GenerationSession(key, ids, [entry_of(token, "prompt") for token in found.tokens]),
            words,
            explanation,
            strip,
        )
    entries = prompt_entries(recording, most=len(recording.tokens) if mode == "score" else SHADED_TOKENS)
    written, explanation = GenerationSession(key, ids, entries), NOTHING
    if mode == "score":
        words, place = score.score_words(recording, entries), score.most_surprising(entries)
        explanation = *explain_given(recording, place), pieces_view(model, ids, entries, place)
    elif mode == "complete" and model.capabilities.generate:
        words = (
            f"{len(recording.tokens)} tokens. Press Generate, or click a token to see what the model expected there."
        )
        written.following = streaming.following_of(recording)
        explanation = explain_next(written.following)
    else:
        words = f"This model expects no words: {model.capabilities.logits.reason}. The other tabs show what it has."
    return written, words, explanation, strip_items(entries, colour)


@outputs(6)
def explain(model_id, device, dtype, mode, written, colour, event: gr.EventData) -> tuple:
    """The distribution that the clicked token came from, or, in a masked model, what it would put there: strip, status,
    chart, detail, stages, pieces. Of a character of several pieces the first is explained."""
    written.check(model_id, device, dtype)
    entries = entries_of(loaded(model_id, device, dtype), written)
    return explained(model_id, device, dtype, mode, written, colour, first_of_group(entries, int(event._data["index"])))


@outputs(6)
def explain_piece(model_id, device, dtype, mode, written, colour, place) -> tuple:
    """The same for one piece of a character, by its place on the strip."""
    written.check(model_id, device, dtype)
    return explained(model_id, device, dtype, mode, written, colour, None if place is None else int(place))


def explained(model_id, device, dtype, mode, written, colour, place: int | None) -> tuple:
    """What `explain` gives of the token at a place of the strip; nothing for a place that is not on it."""
    model = loaded(model_id, device, dtype)
    entries = entries_of(model, written)
    if place is None or not 0 <= place < len(entries):
        return (gr.skip(),) * 6
    text = written.key[4] if written.key else ""
    pieces = pieces_view(model, written.all_ids(), entries, place)
    if mode == "fill":
        hidden = () if written.ids[place] == model.tokenizer.mask_token_id else (place,)
        strip, words, *explanation = fill_view(filled(model_id, device, dtype, text, hidden), colour, pieces)
        return strip, markup.note(words), *explanation
    written.place = place
    if (step := written.step_at(place)) is not None:
        return gr.skip(), gr.skip(), *explain_step(model, step, entries[place]["label"]), pieces
    if mode == "translate":
        words = "This token was given to the encoder, which predicts nothing. Press Generate."
        return gr.skip(), gr.skip(), None, markup.note(words), NO_STAGES, pieces
    source = written.ids if mode == "chat" else text
    return gr.skip(), gr.skip(), *explain_given(recorded(model_id, device, dtype, source), place), pieces


@outputs(1)
def recolour(model_id, device, dtype, written, colour) -> tuple:
    """The strip in other shades."""
    written.check(model_id, device, dtype)
    return (strip_items(entries_of(loaded(model_id, device, dtype), written), colour),)
