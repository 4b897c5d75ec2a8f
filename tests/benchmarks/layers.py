"""What the Layers tab costs, in forward passes of the same text: python -m tests.benchmarks.layers

Each is the least CPU time of the rounds, as a multiple of that of one pass that gives the logits of all tokens, so that
other work on the machine counts for little: finding how the layers are built (once a model), the states of all tokens, the
lens of all layers without and with the states between attention and MLP, that of the view's window, and the contributions
of one logit with all neurons. Beside them the bytes of both views, and what is kept of a long text.
"""

import argparse
import time
from collections.abc import Callable

import torch

import playground as pg
from playground.components.plotly_view import figure_json
from playground.figures.layers.contributions import heads_figure, strongest_figure, waterfall_figure
from playground.figures.layers.lens import lens_figure
from playground.recording.layers.build import _find
from playground.recording.layers.contributions import parts_of
from playground.recording.layers.lens import LAST, lens_of, states_of
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
        "… and between attention and MLP": lambda: recording.lens(tokens=every),
        f"lens of the view, {WINDOW} tokens": lambda: lens_of(recording, states_of(recording, window, between=False)),
        "contributions, with neurons": lambda: recording.contributions(),
    }
    for name, work in works.items():
        print(f"{name:<36} {least(work, options.rounds) / one_pass:6.2f} passes", flush=True)
    print("pictures: lens {:,} bytes, contributions {:,} bytes".format(*view_bytes(recording)))
    long = pg.record(model, ids[: options.long])
    states, parts = states_of(long, range(max(0, long.length - LAST), long.length)), parts_of(long, long.length - 1)
    print(f"{options.long:,} tokens: states {states.nbytes / 2**20:.1f} MiB, parts {parts.nbytes / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
