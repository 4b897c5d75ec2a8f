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
from playground import workbench
from playground.components.plotly_view import figure_json
from playground.figures.attention.head_request import HeadRequest
from playground.figures.attention.one_head import head_picture
from playground.figures.attention.overview import overview_pictures
from playground.figures.attention.rows import row_picture
from playground.recording.head_weights import head_weights

HEAD = HeadRequest(3, 1)
TEXT = "The animal didn't cross the street because it was too tired. "


def measured(work, rounds: int):
    """What work returns, and its median seconds."""
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
    return result, statistics.median(seconds)


def bertviz_bytes(recording, view: str) -> int:
    """Bytes of the HTML that bertviz makes of all layers and heads."""
    for name in ("IPython", "IPython.core", "IPython.core.display"):  # it only shows what is made here
        if importlib.util.find_spec(name.split(".")[0]) is None:
            sys.modules.setdefault(name, types.ModuleType(name))
    module = importlib.import_module(f"bertviz.{view}_view")
    attention = [recording.attention(n).weights[None] for n in recording.layer_numbers()]
    page = getattr(module, f"{view}_view")(attention, [t.text for t in recording.tokens], html_action="return")
    return len(page.data.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 128, 256, 1024, 4096])
    parser.add_argument("--bertviz-up-to", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    model = pg.load(options.model)
    ids = model.vocabulary.tokenize(TEXT * 400)[0]
    print(f"{options.model}, {model.anatomy.layers} layers; kB and seconds")
    columns = ("one head", "row", "overview", "bertviz head_view", "bertviz model_view", "model_view / overview")
    print(f"{'tokens':>7}" + "".join(f"{name:>22}" for name in columns))
    for length in options.lengths:
        recording = pg.record(model, ids[:length])
        head, seconds = measured(lambda r=recording: head_picture(r, head_weights(r, HEAD), HEAD), options.rounds)
        cells = [f"{len(figure_json(head.figure)) / 1e3:.0f} ({seconds:.2f} s)"]
        row, seconds = measured(lambda r=recording: row_picture(head_weights(r, HEAD)), options.rounds)
        cells.append(f"{(len(json.dumps(row.strip)) + len(figure_json(row.bars))) / 1e3:.0f} ({seconds:.2f} s)")
        pictures, seconds = measured(lambda r=recording: list(overview_pictures(r, HEAD, workbench.shared())), 1)
        overview = len(figure_json(pictures[-1].figure))
        cells.append(f"{overview / 1e3:.0f} ({seconds:.2f} s)")
        if length <= options.bertviz_up_to:
            sizes = [bertviz_bytes(recording, view) for view in ("head", "model")]
            cells += [f"{size / 1e3:,.0f}" for size in sizes]
            cells.append(f"{sizes[1] / overview:.0f} times")
        print(f"{length:>7}" + "".join(f"{cell:>22}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
