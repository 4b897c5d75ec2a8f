"""The model writes: from the text, from the end of the strip, or from a token that a visitor took. Feeds the page a few
times a second. Connects generation to the page."""

import time
from collections.abc import Iterator

import gradio as gr

from playground import workbench
from playground.analysis.text_display import counted
from playground.components import markup
from playground.errors import PlaygroundError
from playground.generation.continuation_tree import MAX_TOKENS, ROOT
from playground.tabs.generate.controls import settings_of
from playground.tabs.generate.session import SHOWN, GenerationSession, Halt, explain_end, view
from playground.tabs.generate.strip import SHADED_TOKENS, entry_of, prompt_entries
from playground.tabs.generate.token_explanation import BARS, NOTHING, explain_next
from playground.tabs.shared.page_context import loaded, outputs, recorded

FEED_EVERY = 0.1
"""Seconds between two updates of the page while text streams."""
FEED_SHARE = 0.2
"""Of the time at most this part goes into updates, which take long where a strip has thousands of tokens."""


@outputs(SHOWN)
def stream(model_id, device, dtype, text, mode, written, colour, *rules) -> Iterator[tuple]:
    """Writes from the text on; what was written before stays in the tree while text and model stay."""
    halt = written.begin()  # Stop may be pressed while the text is being read
    model, asked = loaded(model_id, device, dtype), settings_of(*rules)
    key = (model_id, device, dtype, mode, text)
    if written.key != key:
        written = untouched(model, key, halt)
    yield from write(model, written, asked, ROOT, colour)


def untouched(model, key: tuple, halt: Halt) -> GenerationSession:
    """A text before anything is written after it. A long one is only cut into tokens, and so is an encoder's: what the model
    expects in it takes as long as reading it, which the writing begins with, and which Stop ends."""
    *given, mode, text = key
    ids, tokens = cut(model, text)
    if mode == "translate" or len(ids) > SHADED_TOKENS:
        return GenerationSession(key, ids, [entry_of(token, "prompt") for token in tokens], halt=halt)
    recording = recorded(*given, text)
    return GenerationSession(key, ids, prompt_entries(recording), following_of(recording), halt=halt)


def cut(model, text: str) -> tuple:
    """Ids and tokens of a text. PlaygroundError if it is empty or too long to be tokenized."""
    from playground.models.vocabulary import check_text

    ids, tokens = model.vocabulary.tokenize(check_text(text, workbench.shared().settings.max_text_bytes))
    return tuple(ids), tokens


@outputs(SHOWN)
def go_on(model_id, device, dtype, written, colour, *rules) -> Iterator[tuple]:
    """Writes from the end of the strip on."""
    written.check(model_id, device, dtype)
    if not written.tree.nodes:
        raise PlaygroundError("Nothing was written yet.", "Press Generate first.")
    written.begin()
    yield from write(loaded(model_id, device, dtype), written, settings_of(*rules), written.node, colour)


@outputs(SHOWN)
def clear(model_id, device, dtype, written, colour) -> tuple:
    """Forgets every continuation; the text stays."""
    written.check(model_id, device, dtype)
    written.leave()
    written = GenerationSession(written.key, written.ids, written.prompt, written.following, messages=written.messages)
    explanation = explain_next(written.following) if written.following else NOTHING
    return view(loaded(model_id, device, dtype), written, "The continuations were cleared.", colour, explanation)


def following_of(recording):
    """What the model expects after the text; None where it does not go on from it."""
    from playground.generation.steps import next_tokens

    if recording.target_tokens or not recording.model.capabilities.generate:
        return None
    return next_tokens(recording.model, recording.last_logits, BARS)


def write(model, written: GenerationSession, asked, begun: int, colour: str) -> Iterator[tuple]:
    """Writes from a node of the tree on, feeding the page; yields what `view` gives. Ends without a word once the page shows
    something else. For a stream that `GenerationSession.begin` was called for."""
    from playground.generation.limits import clamp_note, clamp_to_context
    from playground.generation.sampling import unsupported_generation_config
    from playground.generation.steps import PrefillProgress

    settings, halt = workbench.shared().settings, written.halt
    allowed = clamp_to_context(model, written.ids, written.tree.ids(begun), asked, settings)
    begun, dropped = make_room(written, allowed, begun)
    grown = grow(model, written, allowed, begun)
    written.node, written.place = begun, None
    turns, steps, started, fed, pause = workbench.shared().turns(model), [], time.perf_counter(), 0.0, FEED_EVERY
    yield view(model, written, "Reading the text …" if begun == ROOT else "Going on …", colour, whole=False)
    for step in () if halt.asked else grown:
        if halt.left:
            grown.close()
            return
        now = time.perf_counter()
        if isinstance(step, PrefillProgress):
            words = f"Reading the text: {step.done:,} of {step.total:,} tokens.{shared_with(turns.visitors)}"
            yield gr.skip(), markup.note(words), *(gr.skip(),) * (SHOWN - 2)
        else:
            steps.append(step)
            if now - fed > pause:
                explanation = explain_end(model, written) if not fed else None
                words = speed(steps, started) + shared_with(turns.visitors)
                yield view(model, written, words, colour, explanation, whole=False)
                fed = time.perf_counter()
                pause = max(FEED_EVERY, (fed - now) * (1 / FEED_SHARE - 1))
        if halt.asked:
            grown.close()
            break
    if halt.left:
        return
    if halt.asked and not steps:
        words = "Stopped before the first token."
    elif halt.asked:
        words = f"Stopped after {counted(len(steps), 'token')}. They stay, and any of them can be clicked."
    else:
        words = speed(steps, started) + stop_reason(model, written, steps, allowed)
        words += (
            f" {room}"
            if (room := clamp_note(asked, allowed, model, settings)) and hit_token_limit(steps, allowed)
            else ""
        )
    words = f"{words} {dropped}{' '.join(unsupported_generation_config(model))}".rstrip()
    yield view(model, written, words, colour, explain_end(model, written) if steps else None)


def hit_token_limit(steps: list, allowed) -> bool:
    """Whether the writing ended for want of room: one continuation is as long as it could become."""
    return allowed.beams > 1 or any(step.index == allowed.max_new_tokens - 1 and not step.stopped for step in steps)


def make_room(written: GenerationSession, allowed, begun: int) -> tuple[int, str]:
    """Makes room in the tree for what is asked for: continuations written first go where there is none, and the page says
    so. Returns the node's number from then on. PlaygroundError, with the numbers, where that alone is too much."""
    wanted, tree = allowed.max_new_tokens * max(allowed.samples, allowed.beams), written.tree
    before = len(tree.path(begun))
    if before + wanted > MAX_TOKENS:
        raise PlaygroundError(
            f"With the {before:,} before them, {wanted:,} tokens would be written; one tree holds at most {MAX_TOKENS:,}.",
            "Ask for fewer new tokens, samples or beams.",
        )
    if len(tree.nodes) + wanted <= MAX_TOKENS:
        return begun, ""
    written.tree, numbers, gone = tree.with_room(wanted, [begun])
    words = (
        f"One tree holds at most {MAX_TOKENS:,} tokens: the {counted(gone, 'continuation')} written first had to go. "
    )
    return numbers[begun], words


def grow(model, written: GenerationSession, asked, begun: int) -> Iterator:
    """Yields each step after adding it to the tree; the strip follows the first sample, or the best beam. Before the first
    step comes how far a long text has been read. Changes nothing once the page shows something else."""
    bench, before = workbench.shared(), written.tree.ids(begun)
    if asked.beams > 1:
        return _grow_beams(written, bench.beams(model, written.ids, asked, before), begun)
    return _grow_samples(written, bench.generate_with_progress(model, written.ids, asked, before), begun)


def _grow_samples(written: GenerationSession, steps, begun: int) -> Iterator:
    from playground.generation.steps import Step

    halt, tree = written.halt, written.tree
    ends: dict[int, int] = {}
    for step in steps:
        if isinstance(step, Step) and not halt.left:
            ends[step.sample] = tree.add(ends.get(step.sample, begun), step)
            written.node = ends[0]
        yield step


def _grow_beams(written: GenerationSession, search, begun: int) -> Iterator:
    halt, tree, nodes = written.halt, written.tree, {(): begun}
    for found in search:
        if halt.left:
            return
        for before, step in found.grown:
            nodes[*before, step.token.id] = tree.add(nodes[before], step)
        for path in found.dropped:
            tree.drop(nodes[path], len(path))
        tree.keep(nodes[hypothesis.ids] for hypothesis in found.hypotheses)
        written.node = nodes[found.best]
        if steps := written.steps():
            yield steps[-1]


def stop(written: GenerationSession) -> None:
    """Asks the stream to end after the token that is being computed; the stream itself says so, and keeps all."""
    written.halt.asked = True


def speed(steps: list, started: float) -> str:
    """Tokens per second so far, reading the text included in the seconds but not in the rate."""
    seconds = time.perf_counter() - started
    rate = sum(step.seconds for step in steps[1:] if step.sample == 0)
    words = f"{counted(len(steps), 'token')} in {seconds:.1f} s"
    return words + (f", {(len(steps) - 1) / rate:.1f} tokens per second." if rate else ".")


def shared_with(visitors: int) -> str:
    """What is said while others write on the same device."""
    return f" {visitors} visitors share this device and take turns, token by token." if visitors > 1 else ""


def stop_reason(model, written: GenerationSession, steps: list, asked) -> str:
    """Why the writing ended, where that is not plain."""
    if asked.beams > 1:
        tree, end = written.tree, written.node
        count = len(tree.path(end))
        per_token = tree.log_probability(end) / count
        return f" The best of {asked.beams} beams: ln p {tree.log_probability(end):.2f}, {per_token:.3f} per token."
    own = [step for step in steps if step.sample == 0]
    if asked.samples > 1:
        return f" {asked.samples} samples, the first one on the strip; click another in the tree."
    if own[-1].stopped:
        return " The model ended its text." if own[-1].token.special else " It came to a stop text."
    return ""
