"""The model writes: from the text, from the end of the strip, or from a token that a visitor took. Feeds the page a few
times a second. Connects generation to the page."""

import time
from collections.abc import Iterator

from playground import workbench
from playground.analysis.display import counted
from playground.continuations import ROOT
from playground.errors import PlaygroundError
from playground.tabs.generate.controls import settings_of
from playground.tabs.generate.strip import prompt_entries
from playground.tabs.generate.why import BARS, NO_STAGES, explain_next
from playground.tabs.generate.written import SHOWN, Written, explain_end, view
from playground.tabs.lens import loaded, outputs, recorded

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
        recording = recorded(model_id, device, dtype, text)
        ids = tuple(token.id for token in recording.tokens)
        written = Written(key, ids, prompt_entries(recording), following_of(recording), halt=halt)
    yield from write(model, written, asked, ROOT, colour)


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
    written = Written(written.key, written.ids, written.prompt, written.following, messages=written.messages)
    explanation = explain_next(written.following) if written.following else (None, "", NO_STAGES)
    return view(loaded(model_id, device, dtype), written, "The continuations were cleared.", colour, explanation)


def following_of(recording):
    """What the model expects after the text; None where it does not go on from it."""
    from playground.generation import next_tokens

    if recording.target_tokens or not recording.model.capabilities.generate:
        return None
    return next_tokens(recording.model, recording.last_logits, BARS)


def write(model, written: Written, asked, begun: int, colour: str) -> Iterator[tuple]:
    """Writes from a node of the tree on, feeding the page; yields what `view` gives. Ends without a word once the page shows
    something else. For a stream that `Written.begin` was called for."""
    grown, halt = grow(model, written, asked, begun), written.halt
    written.node, written.place = begun, None
    turns, steps, started, fed, pause = workbench.shared().turns(model), [], time.perf_counter(), 0.0, FEED_EVERY
    yield view(model, written, "Reading the text …" if begun == ROOT else "Going on …", colour, whole=False)
    for step in () if halt.asked else grown:
        steps.append(step)
        if halt.left:
            grown.close()
            return
        now = time.perf_counter()
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
    if halt.asked:
        words = f"Stopped after {counted(len(steps), 'token')}. They stay, and any of them can be clicked."
    else:
        words = speed(steps, started) + how_it_ended(model, written, steps, asked)
    yield view(model, written, words, colour, explain_end(model, written) if steps else None)


def grow(model, written: Written, asked, begun: int) -> Iterator:
    """Yields each step after adding it to the tree; the strip follows the first sample, or the best beam."""
    bench, before = workbench.shared(), written.tree.ids(begun)
    if asked.beams > 1:
        return _grow_beams(written, bench.beams(model, written.ids, asked, before), begun)
    return _grow_samples(written, bench.generate(model, written.ids, asked, before), begun)


def _grow_samples(written: Written, steps, begun: int) -> Iterator:
    ends: dict[int, int] = {}
    for step in steps:
        ends[step.sample] = written.tree.add(ends.get(step.sample, begun), step)
        written.node = ends[0]
        yield step


def _grow_beams(written: Written, search, begun: int) -> Iterator:
    tree, nodes = written.tree, {(): begun}
    for found in search:
        for before, step in found.grown:
            nodes[*before, step.token.id] = tree.add(nodes[before], step)
        for path in found.dropped:
            tree.drop(nodes[path], len(path))
        tree.keep(nodes[hypothesis.ids] for hypothesis in found.hypotheses)
        written.node = nodes[found.best]
        if steps := written.steps():
            yield steps[-1]


def stop(written: Written) -> None:
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


def how_it_ended(model, written: Written, steps: list, asked) -> str:
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
    if len(own) < asked.max_new_tokens:
        return f" {asked.max_new_tokens:,} were asked for; the model's context or this server's limit ends here."
    return ""
