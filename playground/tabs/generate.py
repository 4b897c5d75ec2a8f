"""Generate: the model goes on from the text, token by token, with what it thought at each; or says how likely the
text is.

The strip shows the text's tokens and then the generated ones; a click on any token shows the distribution that
it came from. Connects generation and recording to the page; the answers to clicks stand in why.py.
"""

import time
from collections.abc import Iterator

import gradio as gr

from playground import workbench
from playground.analysis.scoring import score
from playground.components import Panel, PlotlyView, TokenStrip, markup
from playground.tabs.lens import QUIET, RUNS_MODEL, Lens, apply_text, loaded, only_when_active, outputs, recorded
from playground.tabs.strip import COLOURS, SHADED_TOKENS, groups_of, joined, prompt_entries, step_entry, strip_items
from playground.tabs.why import BARS, NO_STAGES, asked_for, explain_generated, explain_given, explain_next

NAME, TITLE = "generate", "Generate"
FEED_EVERY = 0.1
"""Seconds between two updates of the page while text streams."""
MODES = {"complete": "Complete the text", "chat": "Answer as a chat", "score": "Score the text"}
PRESETS = {
    "balanced": {"temperature": 0.7, "top_p": 0.95},
    "greedy": {"temperature": 0.0, "top_p": 1.0},
    "untouched": {"temperature": 1.0, "top_p": 1.0},
    "daring": {"temperature": 1.3, "top_p": 1.0, "min_p": 0.05},
}
"""The rules that differ from none at all."""
PRESET_WORDS = {
    "balanced": "For stories and answers: sure enough to make sense, free enough not to repeat itself.",
    "greedy": "For facts and short answers: always the surest token. Long texts begin to repeat themselves.",
    "untouched": "To see the model as it is: drawn from its own distribution, improbable end included.",
    "daring": "For names and ideas: a flatter distribution, with what is far less probable than the best cut off.",
}
NO_RULES = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "typical_p": 1.0, "penalty": 1.0, "ngram": 0}

ABOUT = markup.explanation(
    "What am I looking at?",
    "A language model gives every token of its vocabulary a probability of being the next one: "
    "<code>softmax(logits)</code>. One is drawn (or, greedily, the most probable is taken), joined to the text, and the "
    "model is asked again. The deeper the shade of a token, the more probable it was to the model.",
    "Rules may come between: penalties on repetition, the temperature, which divides the logits (below 1 the choice "
    "becomes surer, above 1 more daring), and cuts of the improbable end: top-k, top-p (Holtzman et al. 2020), min-p "
    "(Nguyen et al. 2024), typical-p (Meister et al. 2023). The bars show the model's own probabilities, before all "
    "that; the picture below them what each rule did, in the order applied.",
    "A score tells how likely a text is: surprisal <code>-log₂ p</code> of each token, loss the mean of "
    "<code>-ln p</code>, perplexity <code>exp(loss)</code>.",
)


def build(lens: Lens, tab: gr.Tab) -> None:
    """Builds the tab and connects it."""
    shown, steps = gr.State(None), gr.State([])
    with gr.Row(elem_classes="pg-actions"):
        start = gr.Button("Generate", variant="primary", scale=0, min_width=130, elem_id="generate")
        stop = gr.Button("Stop", scale=0, min_width=90, elem_id="stop")
        mode = gr.Radio([(words, name) for name, words in MODES.items()], value="complete", label="Mode",
                        show_label=False, container=False, elem_id="mode")  # fmt: skip
    strip = TokenStrip(label="The text and its continuation", elem_id="strip")
    status = Panel(live=True, elem_id="generate-status")
    with gr.Row():
        with gr.Column(scale=7, min_width=320):
            chart = PlotlyView(label="Next token", height=400, elem_id="next-token")
            detail = Panel(live=True, elem_id="token-detail")
            stages = PlotlyView(label="Rule by rule", height=520, visible=False, elem_id="stages")
        with gr.Column(scale=3, min_width=260):
            count = gr.Slider(1, 500, value=40, step=1, label="New tokens", elem_id="new-tokens")
            temperature = gr.Slider(0, 2, value=0.7, step=0.05, label="Temperature (0: greedy)", elem_id="temperature")
            preset = gr.Dropdown(list(PRESETS), label="Preset", info=PRESET_WORDS["balanced"], elem_id="preset")
            colour = gr.Dropdown(list(COLOURS), label="Shade tokens by", elem_id="colour")
            with gr.Accordion("More", open=False):
                top_p = gr.Slider(0, 1, value=0.95, step=0.01, label="Top-p (1: all)", elem_id="top-p")
                top_k = gr.Slider(0, 200, value=0, step=1, label="Top-k (0: all)", elem_id="top-k")
                min_p = gr.Slider(0, 1, value=0, step=0.01, label="Min-p (0: all)", elem_id="min-p")
                typical_p = gr.Slider(0.01, 1, value=1, step=0.01, label="Typical-p (1: all)", elem_id="typical-p")
                penalty = gr.Slider(0.5, 2, value=1.0, step=0.05, label="Repetition penalty (1: none)",
                                    elem_id="penalty")  # fmt: skip
                ngram = gr.Slider(0, 8, value=0, step=1, label="No repeated n-gram (0: any)", elem_id="ngram")
                stops = gr.Textbox("", label="Stop texts, one a line", lines=1, max_lines=4, elem_id="stop-texts")
                seed = gr.Number(0, label="Seed: the same gives the same text", precision=0, minimum=0, elem_id="seed")
                greedy = gr.Checkbox(False, label="Greedy: always the most probable", elem_id="greedy")
    Panel(ABOUT)

    asked = [*lens.given, mode, shown, colour]
    drawn = [mode, start, strip, status, chart, detail, stages, steps, shown, lens.message]
    tab.select(draw, asked, drawn, **RUNS_MODEL)
    gr.on(lens.triggers, only_when_active(NAME, draw), [lens.active, *asked], drawn, **RUNS_MODEL)
    mode.input(draw, asked, drawn, **RUNS_MODEL)
    rules = [count, temperature, top_k, top_p, penalty, seed, greedy, min_p, typical_p, ngram, stops, colour]
    running = start.click(
        stream, [lens.model, lens.device, lens.dtype, lens.text, mode, *rules],
        [strip, status, chart, detail, stages, steps, shown, lens.message], trigger_mode="once", **RUNS_MODEL,
    )  # fmt: skip
    running.then(apply_text, lens.text, lens.applied, **QUIET)
    stop.click(stopped, steps, status, cancels=[running], **QUIET).then(
        apply_text, lens.text, lens.applied, **QUIET
    )
    strip.select(explain, [*lens.given, steps], [chart, detail, stages, lens.message], **RUNS_MODEL)
    colour.input(strip_items, [steps, colour], strip, **QUIET)
    preset.input(choose_preset, preset, [preset, temperature, top_p, top_k, min_p, typical_p, penalty, ngram], **QUIET)


def choose_preset(name: str) -> list:
    """What a preset is good for, and its rules in the order of `NO_RULES`."""
    return [gr.Dropdown(info=PRESET_WORDS[name]), *(NO_RULES | PRESETS[name]).values()]


@outputs(9)
def draw(model_id, device, dtype, text, mode, shown, colour="probability") -> tuple:
    """The text's own tokens and what the model expects; leaves a generated text alone that belongs to it.

    Gives mode, Generate button, strip, status, chart, detail, stages, entries and what is shown.
    """
    model = loaded(model_id, device, dtype)
    can = model.capabilities
    modes = modes_of(model)
    mode = mode if mode in modes else "complete"
    key = [model_id, device, dtype, text, mode]
    if shown == key:
        return tuple([gr.skip()] * 9)
    choices = [(MODES[name], name) for name in modes]
    controls = gr.Radio(choices, value=mode), gr.Button(interactive=bool(can.generate) and mode != "score")
    recording = recorded(model_id, device, dtype, text)
    entries = prompt_entries(recording, most=len(recording.tokens) if mode == "score" else SHADED_TOKENS)
    figure, detail, stages = None, "", NO_STAGES
    if not can.logits:
        words = f"This model expects no words: {can.logits.reason}. The other tabs show what it has."
    elif not can.generate:
        words = f"This model continues no text: {can.generate.reason}. Click a token to see what it expects there."
        figure, detail, stages = explain_given(recording, asked_for(recording))
    elif mode == "score":
        words = score_words(recording, entries)
        figure, detail, stages = explain_given(recording, most_surprising(entries))
    elif mode == "chat":
        words = "The text is put to the model as a user's turn, in its own chat template. Press Generate."
    elif recording.target_tokens:
        words = "Press Generate: the model reads the text with its encoder and writes with its decoder."
    else:
        words = f"{len(recording.tokens)} tokens. Press Generate, or click a token to see what the model expected there."
        figure, detail, stages = explain_next(recording)
    if can.generate and not can.chat:
        words += f" (No chat: {can.chat.reason}.)"
    return *controls, strip_items(entries, colour), markup.note(words), figure, detail, stages, entries, key


def modes_of(model) -> list[str]:
    """What can be done with a model: chat only with a template, a score only where each token is predicted from those
    before it."""
    can = model.capabilities
    modes = ["complete"] + ["chat"] * bool(can.chat)
    return modes + ["score"] * bool(can.logits and model.anatomy.kind == "decoder")


def score_words(recording, entries: list[dict]) -> str:
    """How likely the text is, in the units people use."""
    sizes = [len(recording.model.vocabulary.token_bytes(token.id)) for token in recording.tokens]
    told = score([entry.get("probability") for entry in entries], sizes)
    if not told.predicted:
        return "One token alone has no score: nothing comes before that could predict it."
    return (
        f"{told.predicted} predicted tokens: log-likelihood {told.log_likelihood:,.2f} nats, loss {told.loss:.3f} nats per "
        f"token, perplexity {told.perplexity:,.2f}, {told.bits_per_byte:.3f} bits per byte. Below, the most surprising one."
    )


def most_surprising(entries: list[dict]) -> int:
    """The entry of the lowest probability."""
    known = [index for index, entry in enumerate(entries) if entry.get("probability") is not None]
    return min(known, key=lambda index: entries[index]["probability"], default=0)


@outputs(7)
def stream(
    model_id, device, dtype, text, mode, count, temperature, top_k, top_p, penalty, seed, greedy,
    min_p=0.0, typical_p=1.0, ngram=0, stops="", colour="probability",
) -> Iterator[tuple]:  # fmt: skip
    """Generates, feeding the page a few times a second. Yields (strip, status, chart, detail, stages, steps, shown)."""
    from playground.generation import GenerationSettings, generate

    model = loaded(model_id, device, dtype)
    generation = GenerationSettings(
        max_new_tokens=int(count), greedy=bool(greedy), temperature=temperature, top_k=int(top_k), top_p=top_p,
        repetition_penalty=penalty, min_p=min_p, typical_p=typical_p, no_repeat_ngram=int(ngram),
        stop=tuple(line for line in (stops or "").splitlines() if line), seed=None if seed is None else int(seed),
        chat=mode == "chat", alternatives=BARS,
    )  # fmt: skip
    steps = generate(model, text, generation, settings=workbench.shared().settings)
    before = prompt_entries(recorded(model_id, device, dtype, text))
    key, entries = [model_id, device, dtype, text, mode], []
    ids, started, fed = [], time.perf_counter(), 0.0
    skip = gr.skip()
    yield strip_items(before, colour), markup.note("Reading the text …"), skip, "", NO_STAGES, before, key
    for step in steps:
        ids.append(step.token.id)
        entries.append(step_entry(step))
        now = time.perf_counter()
        if now - fed > FEED_EVERY:
            fed = now
            all_entries = before + joined(model, ids, entries)
            first = explain_generated(model, entries[0]) if len(entries) == 1 else (skip, skip, skip)
            yield strip_items(all_entries, colour), markup.note(speed(entries, started)), *first, all_entries, key
    all_entries = before + joined(model, ids, entries)
    words = speed(entries, started)
    if entries[-1]["stopped"]:
        words += " The model ended its text." if entries[-1]["special"] else " It came to a stop text."
    if len(entries) < count and not entries[-1]["stopped"]:
        words += f" {count:,} were asked for; the model's context or this server's limit ends here."
    why = explain_generated(model, all_entries[-1])
    yield strip_items(all_entries, colour), markup.note(words), *why, all_entries, key


def stopped(entries: list) -> str:
    """What the page says after Stop; everything generated so far stays."""
    generated = sum(entry["kind"] == "generated" for entry in entries or [])
    return markup.note(f"Stopped after {generated} tokens. They stay, and any of them can be clicked.")


@outputs(3)
def explain(model_id, device, dtype, text, entries, event: gr.EventData) -> tuple:
    """The distribution that the clicked token came from."""
    first = sum(len(group) for group in groups_of(entries or [])[: int(event._data["index"])])
    if first >= len(entries or []):
        return gr.skip(), gr.skip(), gr.skip()
    if entries[first]["kind"] == "generated":
        return explain_generated(loaded(model_id, device, dtype), entries[first])
    return explain_given(recorded(model_id, device, dtype, text), first)


def speed(entries: list[dict], started: float) -> str:
    """Tokens per second so far, reading the text included in the seconds but not in the rate."""
    seconds = time.perf_counter() - started
    rate = sum(entry["seconds"] for entry in entries[1:])
    words = f"{len(entries)} tokens in {seconds:.1f} s"
    return words + (f", {(len(entries) - 1) / rate:.1f} tokens per second." if rate else ".")
