"""What the Layers tab costs, in forward passes of the same text: python -m tests.benchmarks.layers

Each is the least CPU time of the rounds, as a multiple of that of one pass that gives the logits of all tokens, so that
other work on the machine counts for little: finding how the layers are built (once a model), the states of all tokens, the
lens of all layers, of which the product with the vocabulary alone, the lens with the states between attention and MLP,
that of the view's window, the contributions of one logit with all neurons, the activations of a layer's neurons, a head
taken out, every head and MLP one by one and the first layer of these, and the exchange of two texts: the estimate of all
cells, one cell, and all of them. Beside them the bytes of the views, and by how much memory rises with a long text.

Where TransformerLens is installed, which the playground does not need, its `run_with_cache`, its lens and its attribution to
heads run beside ours on the same weights: python -m tests.benchmarks.layers --beside
"""

import argparse
import re
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch

import playground as pg
from playground.components.plotly_view import figure_json
from playground.figures.layers.contributions import heads_figure, strongest_figure, waterfall_figure
from playground.figures.layers.lens import lens_figure
from playground.recording.edits.editing import plan_of
from playground.recording.edits.one_by_one import effects_one_by_one, parts_of_layer
from playground.recording.edits.places import depth_of
from playground.recording.layers.build import _find
from playground.recording.layers.contributions import parts_of
from playground.recording.layers.exchange import Patcher
from playground.recording.layers.lens import LAST, lens_of, states_of
from playground.recording.layers.neurons import activations_of
from playground.recording.layers.readout import BLOCK
from playground.recording.layers.text_pair import pair_of
from playground.recording.layers.window import WINDOW, own_tokens, window_of

TEXT = "The Eiffel Tower, which was built in 1889 by the engineer Gustave Eiffel, stands in the middle of the city of "


def least(work: Callable[[], object], rounds: int) -> float:
    """The least CPU seconds of several rounds."""
    seconds = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def peak_memory(work: Callable[[], object]) -> float | None:
    """By how many MiB the process grew at most while `work` ran; None where the system does not tell."""
    status = Path("/proc/self/status")
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        before = _kib(status.read_text(), "VmRSS")
        work()
        return (_kib(status.read_text(), "VmHWM") - before) / 1024
    except OSError:
        return None


def _kib(status: str, name: str) -> int:
    return int(re.findall(rf"{name}:\s+(\d+)", status)[0])


def exchange_works(model: pg.LoadedModel, ids: list[int], words: tuple[int, int]) -> dict[str, Callable[[], object]]:
    """The exchange of two texts that differ in their first token, so that the grid has a column for every token."""
    texts = tuple("".join(model.vocabulary.text(n) for n in [word, *ids]) for word in words)
    pair = pair_of(model, texts[0], texts[1])
    patcher = Patcher(model, pair, "state", (None, None))
    cells = iter(patcher.missing())

    def every() -> None:
        for _ in Patcher(model, pair, "state", (None, None)).compute_all():
            pass

    patcher.compute([next(cells)])  # the pass that nothing is exchanged in
    shape = " × ".join(map(str, patcher.result.exact.shape))
    return {
        "exchange: estimate of all states": lambda: Patcher(model, pair, "state", (None, None)),
        "… of all heads": lambda: Patcher(model, pair, "head", (None, None)),
        "… one cell": lambda: patcher.compute([next(cells)]),
        f"… all {shape} cells": every,
    }


def product_of(recording: pg.Recording, tokens: range) -> Callable[[], object]:
    """The least that a lens of every layer can take: its states times the vocabulary's matrix, nothing read of it."""
    rows = states_of(recording, tokens, between=False).states.flatten(0, 1)
    blocks = recording.model.model.get_output_embeddings().weight.detach().split(BLOCK)

    @torch.inference_mode()
    def product() -> None:
        for block in blocks:
            rows @ block.T

    return product


def edit_works(recording: pg.Recording) -> dict[str, Callable[[], object]]:
    """A head taken out in a pass that gives the logits of all tokens, and every head and MLP by itself."""
    model, token = recording.model, int(recording.last_logits.argmax())
    ids = torch.tensor([[one.id for one in recording.tokens]], device=model.input_device)
    edit = pg.Edit("head", model.anatomy.layers // 2, (0,))

    @torch.inference_mode()
    def one() -> None:
        with plan_of(model, [edit]).applied():
            model.model(ids)

    def every() -> None:
        for _ in effects_one_by_one(recording, recording.length - 1, token):
            pass

    parts = [part.part for layer in range(depth_of(model)) for part in parts_of_layer(model, layer)]
    return {
        "one head taken out": one,
        f"… {parts.count('head')} heads and {parts.count('mlp')} MLPs one by one": every,
        "… the first layer of these": lambda: next(effects_one_by_one(recording, recording.length - 1, token)),
    }


def beside_ours(recording: pg.Recording, ids: list[int], one_pass: float, rounds: int) -> str:
    """The same by TransformerLens, on the same weights: its times, and whether its parts add up to the logit."""
    try:
        from transformer_lens.model_bridge import TransformerBridge
    except ImportError as error:
        return f"TransformerLens: not installed here ({error})"
    from transformers import AutoModelForCausalLM

    folder = str(recording.model.model.name_or_path)
    weights = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    tokenizer = recording.model.tokenizer
    bridge = TransformerBridge.boot_transformers(folder, hf_model=weights, tokenizer=tokenizer)
    inputs, token = torch.tensor([ids]), int(recording.last_logits.argmax())
    lines = [f"TransformerLens {version('transformer-lens')}, in the same passes:"]

    def lens() -> None:
        states = bridge.run_with_cache(inputs)[1].accumulated_resid(incl_mid=True, apply_ln=True)
        for state in states:
            (state @ bridge.W_U).softmax(-1).topk(5)

    def attribution() -> tuple[float, float]:
        logits, cache = bridge.run_with_cache(inputs)
        parts = cache.decompose_resid(apply_ln=False)
        return float(cache.logit_attrs(parts, tokens=token)[:, 0, -1].sum()), float(logits[0, -1, token])

    with torch.inference_mode():
        works = {"run_with_cache": lambda: bridge.run_with_cache(inputs), "lens of all states": lens}
        for name, work in (works | {"attribution of layers to a logit": attribution}).items():
            lines.append(f"  {name:<34} {least(work, rounds) / one_pass:6.2f} passes")
        raw = attribution()
        bridge.enable_compatibility_mode()
        folded = attribution()
    for name, (total, logit) in {"raw": raw, "folded": folded}.items():
        lines.append(f"  parts of the {name} weights: {total:.4f}, the logit {logit:.4f}")
    own = recording.contributions(token=token)
    return "\n".join([*lines, f"  ours, on raw weights: {own.total:.4f}, the logit {own.logit:.4f}"])


def view_bytes(recording: pg.Recording) -> tuple[int, int]:
    """Bytes of the pictures of Lens and of Contributions."""
    window = window_of(recording, None)
    lens = lens_of(recording, states_of(recording, window))
    text = recording.model.vocabulary.text
    names = {int(number): text(int(number)) for number in set(lens.ids.flat)}
    labels = [own_tokens(recording)[place].label for place in window]
    result = recording.contributions()
    parts = [waterfall_figure(result, (text(result.token), None)), strongest_figure(result)]
    parts += [] if result.heads is None else [heads_figure(result.heads)]
    return len(figure_json(lens_figure(lens, labels, names))), sum(len(figure_json(part)) for part in parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--long", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--beside", action="store_true", help="TransformerLens as well, where it is installed")
    options = parser.parse_args()
    model = pg.load(options.model, dtype="float32")
    ids = (model.vocabulary.tokenize(TEXT * 2)[0] * 100)[: max(options.tokens, options.long)]
    recording = pg.record(model, ids[: options.tokens])
    window = window_of(recording, None)

    @torch.inference_mode()
    def forward() -> None:
        model.model(torch.tensor([ids[: options.tokens]], device=model.input_device))

    one_pass = least(forward, options.rounds)
    print(f"{options.model}, {options.tokens} tokens: one pass takes {one_pass:.3f} s of CPU")
    every = range(recording.length)
    works: dict[str, Callable[[], object]] = {
        "how the layers are built, once": lambda: _find(model),
        "states of all tokens": lambda: states_of(recording, every),
        "lens of all layers and tokens": lambda: lens_of(recording, states_of(recording, every, between=False)),
        "… the product with the vocabulary": product_of(recording, every),
        "… and between attention and MLP": lambda: recording.lens(tokens=every),
        f"lens of the view, {WINDOW} tokens": lambda: lens_of(recording, states_of(recording, window, between=False)),
        "contributions, with neurons": lambda: recording.contributions(),
        "neurons of a layer": lambda: activations_of(recording, 0, every),
    }
    works |= edit_works(recording)
    works |= exchange_works(model, ids[1 : options.tokens], (ids[0], ids[1]))
    for name, work in works.items():
        rounds = 1 if ("all" in name and "cells" in name) or "one by one" in name else options.rounds
        print(f"{name:<36} {least(work, rounds) / one_pass:6.2f} passes", flush=True)
    if options.beside:
        print(beside_ours(recording, ids[: options.tokens], one_pass, options.rounds))
    print("pictures: lens {:,} bytes, contributions {:,} bytes".format(*view_bytes(recording)))
    long = pg.record(model, ids[: options.long])
    last = range(max(0, long.length - LAST), long.length)
    states, parts = states_of(long, last), parts_of(long, long.length - 1)
    print(f"{options.long:,} tokens: states {states.nbytes / 2**20:.1f} MiB, parts {parts.nbytes / 2**20:.1f} MiB")
    long_works: dict[str, Callable[[], object]] = {
        f"lens of the last {LAST} tokens": long.lens,
        "contributions": long.contributions,
        "one pass": long.run_again,
    }
    for name, work in long_works.items():
        grown = peak_memory(work)
        print(
            f"{options.long:,} tokens: {name}: {'not measured' if grown is None else f'{grown:.0f} MiB'} above the recording"
        )


if __name__ == "__main__":
    main()
