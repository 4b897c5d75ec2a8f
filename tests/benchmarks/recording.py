"""What recording costs, beside a plain forward pass and beside `output_attentions=True`.

    python -m tests.benchmarks.recording [--model smollm2-135m-instruct] [--lengths 128 512 1024 2048] [--device cpu]

All in one run, on copies of the same weights and on the same texts, round by round in turn, so that whatever else
the machine does falls on all of them; the table gives the median, and the fastest round in brackets. What is timed:

plain     a forward pass with transformers' own sdpa attention, without cache, and the logits that record() computes
          at that length: all rows up to KEEP_ALL_UP_TO tokens, beyond it the last row alone
all rows  the same with the logits of every row, where that differs
recorded  record(): tokenizing, the forward pass, and keeping. Nothing is looked at afterwards: the weights of a
          layer are computed when somebody opens it ("one layer" is the time for that)
weights   a forward pass with eager attention and output_attentions=True, all else as in plain
default   the same as one calls it, without asking for fewer logits: the logits of every row

Then visitors who come at once, each with a short text of its own, through what the page uses: all read one by one, and those
who wait in one pass. Seconds until the last has its recording, and of the processor.

What is counted as kept: of a recording all of its tensors (Recording.nbytes); of output_attentions the weights alone.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

import playground as pg
from playground.models.devices import free_memory
from playground.recording.joint_passes import reads_jointly
from playground.recording.record import KEEP_ALL_UP_TO
from playground.recording.shared_recording import SharedRecording

SENTENCE = "The old clock in the hall struck nine and the children ran down to see who had come to the door . "


def text_of(model: pg.LoadedModel, length: int) -> str:
    """A text of exactly so many tokens."""
    ids = model.vocabulary.tokenize(SENTENCE * (length // 10 + 1))[0][:length]
    text = model.tokenizer.decode(ids)
    assert len(model.vocabulary.tokenize(text)[0]) == length
    return text


def seconds(run: Callable[[], object]) -> float:
    """Until a GPU has done its work too."""
    started = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def with_attention(model: pg.LoadedModel, implementation: str):
    other = copy.deepcopy(model.model)
    other.set_attn_implementation(implementation)
    return other


def measure(model: pg.LoadedModel, plain, eager, length: int, repetitions: int) -> dict[str, object]:
    """Seconds of each way, round by round, and the bytes that two of them keep."""
    text = text_of(model, length)
    ids = torch.tensor([model.vocabulary.tokenize(text)[0]], device=model.input_device)
    rows = {} if length <= KEEP_ALL_UP_TO else {"logits_to_keep": 1}
    recording = pg.record(model, text)

    def forward(which, **options):
        with torch.inference_mode():
            return which(input_ids=ids, use_cache=False, **options)

    ways = {"plain": lambda: forward(plain, **rows), "recorded": lambda: pg.record(model, text)}
    if rows:
        ways["all rows"] = lambda: forward(plain)
    heads, layers = model.anatomy.heads, model.anatomy.layers
    weight_bytes = 4 * layers * heads * length**2
    if 2 * weight_bytes < free_memory(model.input_device):
        ways["weights"] = lambda: forward(eager, output_attentions=True, **rows)
        weight_bytes = sum(w.nbytes for w in ways["weights"]().attentions)
        if rows:
            ways["default"] = lambda: forward(eager, output_attentions=True)
    ways["plain"]()  # once without the clock
    rounds = {name: [] for name in ways}
    for _ in range(repetitions):
        for name, way in ways.items():
            rounds[name].append(seconds(way))
    one_layer = min(seconds(lambda: recording.attention(layers // 2).weights) for _ in range(3))
    return {**rounds, "one layer": [one_layer], "kept": recording.nbytes, "weight bytes": weight_bytes}


def at_once(model: pg.LoadedModel, visitors: int) -> tuple[float, float]:
    """Seconds until each of so many visitors has the recording of its own text, and seconds of the processor."""
    texts = [f"{SENTENCE[: 12 + 5 * n % 50]} {n}" for n in range(visitors)]
    shared, cpu = SharedRecording(pg.Settings()), time.process_time()
    with ThreadPoolExecutor(visitors) as pool:
        took = seconds(lambda: list(pool.map(lambda text: shared.record(model, text), texts)))
    return took, time.process_time() - cpu


def compare_at_once(model: pg.LoadedModel, visitors: int, repetitions: int) -> str:
    """A line on so many visitors: read one by one, and together."""
    joins = reads_jointly(model)
    alone, together = [], []
    for _ in range(repetitions):
        for joined, outcomes in ((False, alone), (joins, together)):
            model._facts["reads jointly"] = joined
            outcomes.append(at_once(model, visitors))
    model._facts["reads jointly"] = joins
    one, other = ([statistics.median(column) for column in zip(*way, strict=True)] for way in (alone, together))
    return (
        f"{visitors} visitors: one by one {one[0]:.2f} s ({one[1]:.2f} s of the processor), together {other[0]:.2f} s "
        f"({other[1]:.2f} s), {one[0] / other[0]:.1f} times as fast ({one[1] / other[1]:.1f} times by the processor)"
    )


def table(results: dict[int, dict]) -> str:
    lines = [
        "| tokens | plain s | all rows s | recorded s | weights s | default s | one layer s "
        "| recorded / plain | weights / recorded | default / recorded | kept MiB | weights MiB | weights / kept |",
        "|--:" * 13 + "|",
    ]
    for length, result in results.items():

        def shown(name, result=result):
            values = result.get(name)
            return f"{statistics.median(values):.3f} ({min(values):.3f})" if values else "–"

        def ratio(a, b, result=result):
            if not result.get(a):
                return "–"
            return (
                f"{statistics.median(result[a]) / statistics.median(result[b]):.2f} "
                f"({min(result[a]) / min(result[b]):.2f})"
            )

        kept, weights = result["kept"], result["weight bytes"]
        lines.append(
            f"| {length:,} | {shown('plain')} | {shown('all rows')} | {shown('recorded')} | {shown('weights')} "
            f"| {shown('default')} | {result['one layer'][0]:.3f} | {ratio('recorded', 'plain')} "
            f"| {ratio('weights', 'recorded')} | {ratio('default', 'recorded')} "
            f"| {kept / 2**20:,.1f} | {weights / 2**20:,.1f} | {weights / kept:.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 512, 1024, 2048])
    parser.add_argument("--visitors", type=int, nargs="*", default=[4, 8, 16, 30])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, help="1 where other programs share the cores: less is waited for")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    model = pg.load(options.model, device=options.device, dtype="float32")
    plain, eager = with_attention(model, "sdpa"), with_attention(model, "eager")
    threads, rounds = torch.get_num_threads(), options.repetitions
    print(f"{options.model} on {model.device.name}, {threads} threads, float32, {rounds} rounds", flush=True)
    results = {}
    for length in options.lengths:
        repetitions = options.repetitions if length <= 1024 else max(1, options.repetitions // 2)
        results[length] = measure(model, plain, eager, length, repetitions)
        print(table({length: results[length]}).splitlines()[-1], flush=True)
    print(f"\n{table(results)}\n")
    for visitors in options.visitors:
        print(compare_at_once(model, visitors, options.repetitions), flush=True)


if __name__ == "__main__":
    main()
