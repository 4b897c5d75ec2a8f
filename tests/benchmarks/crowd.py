"""How fast visitors of one model write at once: python -m tests.benchmarks.crowd

In one run, on the same model and the same prompts of different lengths, each with a seed of its own, in alternating rounds:
- one pass: the page's way, each visitor in a thread that reads its stream, with all of its per-token data;
- turns: the same without passes of several texts;
- generate: `model.generate()` on the padded batch, sampling, which ends when all have ended and shows nothing meanwhile.
One visitor alone, in the same rounds, is what the others are a multiple of. "Writing" counts from the first token of the
last visitor on until the first one ends. Numbers are those of the fastest round, and of the median in brackets: these
machines are shared, so look at the ratios. Tokens by second of the processor's own time (all threads of this process) hang
less on what else runs.
"""

import argparse
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from transformers import GenerationConfig

import playground as pg
from playground.generation.batch_trial import may_batch_prompts, why_unbatched
from playground.generation.generate import generate_with_progress, only_steps
from playground.generation.request import SharedResources
from playground.generation.sampling_controls import PRESETS
from playground.settings import Settings

MAX_IN_TURNS = 80
"""Tokens that all visitors write together in turns: their rate does not change."""
WORDS = (
    "The history of the town begins with a mill beside the river, where the people of the valley brought their grain"
)


@dataclass(frozen=True)
class Outcome:
    """Of one round."""

    total: float
    """Tokens a second of all together, from the first request to the last token."""
    writing: float
    """The same from the first token of the last visitor on, until the first one ends."""
    by_cpu: float
    """Tokens of that time by second of the processor's."""
    first: float = 0.0
    """Seconds to the first token, median of the visitors."""
    slowest: float = 0.0
    """Seconds to the first token of the last one."""
    pause: float = 0.0
    """The longest that any visitor waited between two tokens, in seconds."""


@contextmanager
def in_turns(model: pg.LoadedModel) -> Iterator[None]:
    """As if the model could not read the tokens of several texts in one pass."""
    before = {"why unbatched": why_unbatched(model), "batched prompts": may_batch_prompts(model)}
    model._facts |= {"why unbatched": "for comparison", "batched prompts": False}
    try:
        yield
    finally:
        model._facts |= before


def by_stream(model: pg.LoadedModel, prompts: list[list[int]], count: int) -> Outcome:
    """Each visitor reads a stream of its own."""
    resources, ready = SharedResources(Settings(max_new_tokens=count)), threading.Barrier(len(prompts) + 1)
    times: list[list[float]] = [[] for _ in prompts]
    cpu: dict[float, float] = {}

    def visit(number: int) -> None:
        settings = pg.GenerationSettings(max_new_tokens=count, seed=number, **PRESETS["balanced"])
        stream = only_steps(generate_with_progress(model, prompts[number], settings, (), resources))
        ready.wait()
        for _ in stream:
            times[number].append(time.perf_counter())
            cpu[times[number][-1]] = time.process_time()

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(len(prompts))]
    for thread in threads:
        thread.start()
    ready.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    firsts = [moments[0] - started for moments in times]
    begin, end = max(moments[0] for moments in times), min(moments[-1] for moments in times)
    between = sum(begin < moment <= end for moments in times for moment in moments)
    pauses = [b - a for moments in times for a, b in zip(moments, moments[1:], strict=False)]
    written = sum(map(len, times))
    return Outcome(
        written / (max(moments[-1] for moments in times) - started),
        between / (end - begin) if end > begin else 0.0,
        between / (cpu[end] - cpu[begin]) if end > begin else 0.0,
        statistics.median(firsts),
        max(firsts),
        max(pauses, default=0.0),
    )


def by_generate(model: pg.LoadedModel, prompts: list[list[int]], count: int) -> Outcome:
    """transformers' own loop over the batch, padded on the left."""
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    config = GenerationConfig(
        max_new_tokens=count,
        min_new_tokens=count,
        do_sample=True,
        temperature=0.8,
        top_k=50,
        top_p=0.95,
        pad_token_id=0,
    )
    started, cpu, written = time.perf_counter(), time.process_time(), len(prompts) * count
    with torch.inference_mode():
        model.model.generate(ids, attention_mask=mask, generation_config=config)
    total = written / (time.perf_counter() - started)
    return Outcome(total, total, written / (time.process_time() - cpu))


def endless(model: pg.LoadedModel) -> None:
    """Lets no text end before its last token, so that all ways write equally many."""
    model.model.generation_config.eos_token_id = None


def measure(model: pg.LoadedModel, asked: argparse.Namespace) -> None:
    """Prints a table of one number format, a line as soon as it is measured."""
    endless(model)
    words = model.vocabulary.tokenize(WORDS)[0]
    print(
        f"{asked.model} on {model.device.name} in {model.dtype.name}, {torch.get_num_threads()} threads, "
        f"{asked.tokens} tokens each, {asked.rounds} rounds"
    )
    columns = (
        "total",
        "times one",
        "writing",
        "times one",
        "by CPU s",
        "times one",
        "first, s",
        "of the last",
        "pause",
    )
    print(f"{'':14}" + "".join(f"{name:>15}" for name in columns))
    by_stream(model, [words], 3)  # what happens once only
    for visitors in asked.visitors:
        prompts = [words[: 4 + 5 * n % (len(words) - 4)] for n in range(visitors)]
        rounds: dict[str, list[Outcome]] = {"one alone": [], "turns": [], "one pass": [], "generate": []}
        for _ in range(asked.rounds):
            with in_turns(model):
                rounds["one alone"].append(by_stream(model, [words[:12]], asked.tokens))
                few = min(asked.tokens, max(3, MAX_IN_TURNS // visitors))
                rounds["turns"].append(by_stream(model, prompts, few))
            rounds["one pass"].append(by_stream(model, prompts, asked.tokens))
            rounds["generate"].append(by_generate(model, prompts, asked.tokens))
        for name, outcomes in rounds.items():
            print(f"{visitors:3} {name:10}" + _cells(outcomes, rounds["one alone"]), flush=True)


def _cells(outcomes: list[Outcome], alone: list[Outcome]) -> str:
    """A line of the table: of each rate the fastest (and the median), and how many times that of one alone."""
    cells: list[str] = []
    for name in ("total", "writing", "by_cpu"):
        rates, of_one = ([getattr(outcome, name) for outcome in group] for group in (outcomes, alone))
        cells += [f"{max(rates):.1f} ({statistics.median(rates):.1f})", f"{max(rates) / max(of_one):.2f}"]
    cells += [f"{min(getattr(outcome, name) for outcome in outcomes):.2f}" for name in ("first", "slowest", "pause")]
    return "".join(f"{cell:>15}" for cell in cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--formats", nargs="+", default=["float32", "int8"])
    parser.add_argument("--visitors", nargs="+", type=int, default=[1, 4, 8, 16, 30])
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    for number_format in asked.formats:
        measure(pg.load(asked.model, device="cpu", dtype=number_format), asked)


if __name__ == "__main__":
    main()
