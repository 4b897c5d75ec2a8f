"""Bytes and seconds of the Attention tab's pictures, beside bertviz's own: python -m tests.benchmarks.attention

For texts of several lengths, on one recording each: seconds on the server from request to figure, and bytes sent, of one
head, of the overview and of a token's row; next to the HTML that bertviz's head_view and model_view make of the same
weights, as far as that can go. Seconds are the median of the rounds; these machines are shared.
"""

import argparse
import importlib
import json
import statistics
import sys
import time
import types

import playground as pg
from playground.components.plotly_view import figure_json
from playground.tabs.attention import heads_handlers
from playground.tabs.attention.head_weights import Options, head_map
from playground.tabs.attention.heads_request import Asked
from playground.tabs.attention.rows import row_view

PLAIN = Asked(Options())
TEXT = "The animal didn't cross the street because it was too tired. "


def measured(work, rounds: int):
    """What work gives, and its median seconds."""
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - started)
    return found, statistics.median(seconds)


def one_head(recording, layer: int, head: int) -> tuple:
    """The picture of a head and what comes with it, as the page asks for it."""
    return heads_handlers.head_view(recording, head_map(recording, layer, head, "self"), layer, head, "self")


def bertviz_bytes(recording, view: str) -> int:
    """Bytes of the HTML that bertviz makes of all layers and heads."""
    for name in ("IPython", "IPython.core", "IPython.core.display"):  # it only shows what is made here
        if importlib.util.find_spec(name.split(".")[0]) is None:
            sys.modules.setdefault(name, types.ModuleType(name))
    module = importlib.import_module(f"bertviz.{view}_view")
    attention = [recording.attention(n).weights[None] for n in range(recording.layers())]
    page = getattr(module, f"{view}_view")(attention, [t.text for t in recording.tokens], html_action="return")
    return len(page.data.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 128, 256, 1024, 4096])
    parser.add_argument("--bertviz-up-to", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    model = pg.load(asked.model)
    ids = model.vocabulary.tokenize(TEXT * 400)[0]
    print(f"{asked.model}, {model.anatomy.layers} layers; kB and seconds")
    columns = ("one head", "row", "overview", "bertviz head_view", "bertviz model_view", "model_view / overview")
    print(f"{'tokens':>7}" + "".join(f"{name:>22}" for name in columns))
    for length in asked.lengths:
        recording = pg.record(model, ids[:length])
        (figure, *_), seconds = measured(lambda r=recording: one_head(r, 3, 1), asked.rounds)
        (strip, _, bars), row = measured(lambda r=recording: row_view(head_map(r, 3, 1, "self")), asked.rounds)
        told = [f"{len(figure_json(figure)) / 1e3:.0f} ({seconds:.2f} s)"]
        told.append(f"{(len(json.dumps(strip)) + len(figure_json(bars))) / 1e3:.0f} ({row:.2f} s)")
        made, seconds = measured(
            lambda r=recording: list(heads_handlers.overview_views(r, "self", (3, 1), PLAIN))[-1], 1
        )
        overview = len(figure_json(made[0]["value"]))
        told.append(f"{overview / 1e3:.0f} ({seconds:.2f} s)")
        if length <= asked.bertviz_up_to:
            sizes = [bertviz_bytes(recording, view) for view in ("head", "model")]
            told += [f"{size / 1e3:,.0f}" for size in sizes]
            told.append(f"{sizes[1] / overview:.0f} times")
        print(f"{length:>7}" + "".join(f"{cell:>22}" for cell in told), flush=True)


if __name__ == "__main__":
    main()
