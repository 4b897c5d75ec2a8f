"""Generate: the model goes on from the text, token by token, with what it thought at each.

The strip shows the text's tokens and then the generated ones; a click on any token shows the distribution that
it came from. Connects generation and recording to the page.
"""

import math
import time
from collections.abc import Iterator

import gradio as gr

from playground import workbench
from playground.analysis.display import percent, plain_mark
from playground.analysis.distribution import token_scores
from playground.components import Panel, PlotlyView, TokenStrip, markup
from playground.figures.generation import distribution_figure
from playground.tabs.lens import QUIET, RUNS_MODEL, Lens, loaded, only_when_active, outputs, recorded

NAME, TITLE = "generate", "Generate"
FEED_EVERY = 0.1
"""Seconds between two updates of the page while text streams."""
BARS = 12
SHADED_TOKENS = 512
"""Longer texts are not shaded; a click still tells each token's probability."""

ABOUT = markup.explanation(
    "What am I looking at?",
    "A language model gives every token of its vocabulary a probability of being the next one: "
    "<code>softmax(logits)</code>. One is drawn (or, greedily, the most probable is taken), joined to the text, and the "
    "model is asked again. The deeper the shade of a token, the more probable it was to the model.",
    "Temperature T divides the logits before the draw: below 1 the choice becomes surer, above 1 more daring. Top-k and "
    "top-p (Holtzman et al. 2020) cut off the improbable end. The probabilities shown are the model's own, before all "
    "that.",
)


def build(lens: Lens, tab: gr.Tab) -> None:
    """Builds the tab and connects it."""
    shown, steps = gr.State(None), gr.State([])
    with gr.Row(elem_classes="pg-actions"):
        start = gr.Button("Generate", variant="primary", scale=0, min_width=130, elem_id="generate")
        stop = gr.Button("Stop", scale=0, min_width=90, elem_id="stop")
        mode = gr.Radio([("Complete the text", "complete"), ("Answer as a chat", "chat")], value="complete",
                        label="Mode", show_label=False, container=False, elem_id="mode")  # fmt: skip
    strip = TokenStrip(label="The text and its continuation", elem_id="strip")
    status = Panel(live=True, elem_id="generate-status")
    with gr.Row():
        with gr.Column(scale=7, min_width=320):
            chart = PlotlyView(label="Next token", height=400, elem_id="next-token")
            detail = Panel(live=True, elem_id="token-detail")
        with gr.Column(scale=3, min_width=260):
            count = gr.Slider(1, 500, value=40, step=1, label="New tokens", elem_id="new-tokens")
            temperature = gr.Slider(0, 2, value=0.7, step=0.05, label="Temperature (0: greedy)", elem_id="temperature")
            with gr.Accordion("More", open=False):
                top_p = gr.Slider(0, 1, value=0.95, step=0.01, label="Top-p (1: all)", elem_id="top-p")
                top_k = gr.Slider(0, 200, value=0, step=1, label="Top-k (0: all)", elem_id="top-k")
                penalty = gr.Slider(0.5, 2, value=1.0, step=0.05, label="Repetition penalty (1: none)",
                                    elem_id="penalty")  # fmt: skip
                seed = gr.Number(0, label="Seed: the same gives the same text", precision=0, minimum=0, elem_id="seed")
                greedy = gr.Checkbox(False, label="Greedy: always the most probable", elem_id="greedy")
    Panel(ABOUT)

    drawn = [mode, start, strip, status, chart, detail, steps, shown, lens.message]
    tab.select(draw, [*lens.given, mode, shown], drawn, **RUNS_MODEL)
    gr.on(lens.triggers, only_when_active(NAME, draw), [lens.active, *lens.given, mode, shown], drawn, **RUNS_MODEL)
    mode.input(draw, [*lens.given, mode, shown], drawn, **RUNS_MODEL)
    rules = [count, temperature, top_k, top_p, penalty, seed, greedy]
    running = start.click(
        stream, [lens.model, lens.device, lens.dtype, lens.text, mode, *rules],
        [strip, status, chart, detail, steps, shown, lens.message], trigger_mode="once", **RUNS_MODEL,
    )  # fmt: skip
    running.then(lambda text: text, lens.text, lens.applied, **QUIET)
    stop.click(stopped, steps, status, cancels=[running], **QUIET).then(
        lambda text: text, lens.text, lens.applied, **QUIET
    )
    strip.select(explain, [*lens.given, steps], [chart, detail, lens.message], **RUNS_MODEL)


@outputs(8)
def draw(model_id, device, dtype, text, mode, shown) -> tuple:
    """The text's own tokens and what the model expects; leaves a generated text alone that belongs to it.

    Gives mode, Generate button, strip, status, chart, detail, entries and what is shown.
    """
    model = loaded(model_id, device, dtype)
    can = model.capabilities
    mode = mode if can.chat else "complete"
    key = [model_id, device, dtype, text, mode]
    if shown == key:
        return tuple([gr.skip()] * 8)
    controls = gr.Radio(value=mode, interactive=bool(can.chat)), gr.Button(interactive=bool(can.generate))
    recording = recorded(model_id, device, dtype, text)
    entries = prompt_entries(recording)
    figure, detail = None, ""
    if not can.logits:
        words = f"This model expects no words: {can.logits.reason}. The other tabs show what it has."
    elif not can.generate:
        words = f"This model continues no text: {can.generate.reason}. Click a token to see what it expects there."
        figure, detail = explain_given(recording, _asked_for(recording))
    elif mode == "chat":
        words = "The text is put to the model as a user's turn, in its own chat template. Press Generate."
    elif recording.target_tokens:
        words = "Press Generate: the model reads the text with its encoder and writes with its decoder."
    else:
        words = f"{len(recording.tokens)} tokens. Press Generate, or click a token to see what the model expected there."
        figure, detail = explain_next(recording)
    return *controls, strip_items(entries), markup.note(words), figure, detail, entries, key


def _asked_for(recording) -> int:
    """The token of a masked model's text to explain first: its first mask, else the last that is none of the
    special ones."""
    mask = recording.model.tokenizer.mask_token_id
    masks = [index for index, token in enumerate(recording.tokens) if token.id == mask]
    plain = [index for index, token in enumerate(recording.tokens) if not token.special]
    return (masks or plain[-1:] or [0])[0]


@outputs(6)
def stream(
    model_id, device, dtype, text, mode, count, temperature, top_k, top_p, penalty, seed, greedy
) -> Iterator[tuple]:
    """Generates, feeding the page a few times a second. Yields (strip, status, chart, detail, steps, shown)."""
    from playground.generation import GenerationSettings, generate

    model = loaded(model_id, device, dtype)
    generation = GenerationSettings(
        max_new_tokens=int(count), greedy=bool(greedy), temperature=temperature, top_k=int(top_k), top_p=top_p,
        repetition_penalty=penalty, seed=None if seed is None else int(seed), chat=mode == "chat", alternatives=BARS,
    )  # fmt: skip
    steps = generate(model, text, generation, settings=workbench.shared().settings)
    before = prompt_entries(recorded(model_id, device, dtype, text))
    key, entries = [model_id, device, dtype, text, mode], []
    ids, started, fed = [], time.perf_counter(), 0.0
    skip = gr.skip()
    yield strip_items(before), markup.note("Reading the text …"), skip, "", before, key
    for step in steps:
        ids.append(step.token.id)
        entries.append(step_entry(step))
        now = time.perf_counter()
        if now - fed > FEED_EVERY:
            fed = now
            all_entries = before + joined(model, ids, entries)
            first = explain_generated(entries[0]) if len(entries) == 1 else (skip, skip)
            yield strip_items(all_entries), markup.note(speed(entries, started)), *first, all_entries, key
    all_entries = before + joined(model, ids, entries)
    items = strip_items(all_entries)
    figure, detail = explain_generated(all_entries[-1])
    words = speed(entries, started) + (" The model ended its text." if entries and entries[-1]["stopped"] else "")
    yield items, markup.note(words), figure, detail, all_entries, key


def stopped(entries: list) -> str:
    """What the page says after Stop; everything generated so far stays."""
    generated = sum(entry["kind"] == "generated" for entry in entries or [])
    return markup.note(f"Stopped after {generated} tokens. They stay, and any of them can be clicked.")


@outputs(2)
def explain(model_id, device, dtype, text, entries, event: gr.EventData) -> tuple:
    """The distribution that the clicked token came from."""
    first = sum(len(group) for group in _groups(entries or [])[: int(event._data["index"])])
    if first >= len(entries or []):
        return gr.skip(), gr.skip()
    if entries[first]["kind"] == "generated":
        return explain_generated(entries[first])
    return explain_given(recorded(model_id, device, dtype, text), first)


def explain_next(recording) -> tuple:
    """Bar chart and sentence of what comes after the text."""
    from playground.generation import next_tokens

    following = next_tokens(recording.model, recording.logits[-1], BARS)
    labels, shares = zip(*((a.token.label, a.probability) for a in following.alternatives), strict=True)
    words = (
        f"Entropy {following.entropy:.2f} bits: as unsure as among {2**following.entropy:,.0f} equally likely tokens."
    )
    return distribution_figure(labels, shares, title="What comes next"), markup.note(words)


def explain_given(recording, index: int) -> tuple:
    """Bar chart and sentence of what the model expected at a token of the text: a decoder from the tokens before
    it, a masked model from the whole text."""
    from playground.generation import next_tokens

    token, model = recording.tokens[index], recording.model
    if not model.capabilities.logits:
        return gr.skip(), markup.note(f"This model expects no words: {model.capabilities.logits.reason}.")
    if recording.target_tokens:
        return gr.skip(), markup.note("This token was given to the encoder, which predicts nothing. Press Generate.")
    row = index if model.anatomy.kind == "encoder" else index - 1
    if row < 0:
        return gr.skip(), markup.note("Here the text begins: nothing came before that could predict it.")
    expected = next_tokens(model, recording.logits[row], BARS, token.id)
    alternatives = [(a.token.label, a.probability) for a in expected.alternatives]
    return _explanation(token.label, expected.chosen.probability, expected.chosen.rank, expected.entropy, alternatives)


def explain_generated(entry: dict) -> tuple:
    """Bar chart and sentence of a generated token."""
    figure, words = _explanation(
        entry["label"], entry["probability"], entry["rank"], entry["entropy"], entry["alternatives"]
    )
    return figure, words + markup.note(f"Computed in {entry['seconds'] * 1000:,.0f} ms.")


def _explanation(label: str, probability: float, rank: int, entropy: float, alternatives: list) -> tuple:
    labels, shares = map(list, zip(*alternatives, strict=True))
    name, chosen = plain_mark(label, 24), rank - 1
    if rank > len(labels):  # not among the most probable: it gets a bar of its own below them
        labels, shares, chosen = [*labels, label], [*shares, probability], len(labels)
    figure = distribution_figure(labels, shares, chosen=chosen, title=f"Expected where “{name}” stands")
    words = (
        f"“{name}” had probability {probability:.3g} and rank {rank:,}: a surprisal of "
        f"{-math.log2(max(probability, 1e-45)):.2f} bits, where the distribution's entropy is {entropy:.2f} bits."
    )
    return figure, markup.note(words)


# --- entries: what is kept of each token, plain values only ----------------------------------------------------


def prompt_entries(recording) -> list[dict]:
    """One entry for each token of the text, with the probability that the model gave it. A decoder predicts a
    token from those before it, a masked model from the whole text; an encoder's source is not predicted."""
    model = recording.model
    entries = [entry_of(token, "prompt") for token in recording.tokens]
    if not model.capabilities.logits or recording.target_tokens or len(entries) > SHADED_TOKENS:
        return entries
    shift = 0 if model.anatomy.kind == "encoder" else 1
    ids = [token.id for token in recording.tokens[shift:]]
    probabilities, ranks = token_scores(recording.logits[: len(ids)], ids)
    for entry, probability, rank in zip(entries[shift:], probabilities, ranks, strict=True):
        entry |= {"probability": float(probability), "rank": int(rank)}
    return entries


def entry_of(token, kind: str) -> dict:
    """What is kept of a token of the text."""
    return {"kind": kind, "label": token.label, "text": token.text, "piece": token.piece, "special": token.special}


def step_entry(step) -> dict:
    """What is kept of a generated token."""
    return entry_of(step.token, "generated") | {
        "probability": step.probability,
        "rank": step.rank,
        "entropy": step.entropy,
        "seconds": step.seconds,
        "stopped": step.stopped,
        "alternatives": [(a.token.label, a.probability) for a in step.alternatives],
    }


def joined(model, ids: list[int], entries: list[dict]) -> list[dict]:
    """The entries of generated ids with the texts that these have together: pieces of one character share it."""
    return [
        entry | {"label": token.label, "text": token.text, "piece": token.piece, "special": token.special}
        for entry, token in zip(entries, model.vocabulary.describe(ids), strict=True)
    ]


def strip_items(entries: list[dict]) -> list[dict]:
    """The entries as items of the strip; byte pieces of one character become one item."""
    return [_item(group) for group in _groups(entries)]


def _groups(entries: list[dict]) -> list[list[dict]]:
    groups: list[list[dict]] = []
    for entry in entries:
        if groups and entry.get("piece") and entry["piece"][0] > 1:
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return groups


def _item(group: list[dict]) -> dict:
    first = group[0]
    known = [entry["probability"] for entry in group if entry.get("probability") is not None]
    if len(known) < len(group):  # the first piece of the text's first character is not predicted
        known = []
    title = plain_mark(first["text"], 40)
    if known:
        title += f", probability {percent(math.prod(known))}" + (f", rank {first['rank']}" if len(group) == 1 else "")
    return {
        "text": first["text"],
        "label": plain_mark(first["text"], 40),
        "shade": math.sqrt(math.prod(known)) if known else None,
        "kind": "special" if first.get("special") else first["kind"],
        "title": title,
        "pieces": len(group),
    }


def speed(entries: list[dict], started: float) -> str:
    """Tokens per second so far, reading the text included in the seconds but not in the rate."""
    seconds = time.perf_counter() - started
    rate = sum(entry["seconds"] for entry in entries[1:])
    words = f"{len(entries)} tokens in {seconds:.1f} s"
    return words + (f", {(len(entries) - 1) / rate:.1f} tokens per second." if rate else ".")
