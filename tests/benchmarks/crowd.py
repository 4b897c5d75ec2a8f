"""How fast visitors of one model write at once: python -m tests.benchmarks.crowd

In one run, on the same model and the same prompts of different lengths, each with a seed of its own, in alternating rounds:
- one pass: the page's way, each visitor in a thread that reads its stream, with all of its per-token data;
- turns: the same without passes of several texts;
- generate: `model.generate()` on the padded batch, sampling, which ends when all have ended and shows nothing meanwhile.
One visitor's total in turns, measured in the same rounds, is what the others are a multiple of. Numbers are those of the
fastest round, and of the median in brackets: these machines are shared, so look at the ratios. Tokens by second of the
processor's own time (all threads of this process) hang less on what else runs.
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
from playground.generation.generate import generate_with_progress, only_steps
from playground.generation.request import SharedResources
from playground.settings import Settings

WORDS = (
    "The history of the town begins with a mill beside the river, where the people of the valley brought their grain"
)


@dataclass(frozen=True)
class Outcome:
    """Of one round."""

    total: float
    """Tokens a second of all together, from the first request to the last token."""
    by_cpu: float
    """Tokens by second of processor time."""
    writing: float = 0.0
    """The same from the first token of the last visitor on, until the first one ends."""
    first: float = 0.0
    """Seconds to the first token, median of the visitors."""
    slowest: float = 0.0
    """Seconds to the first token of the last one."""
    pause: float = 0.0
    """The longest that any visitor waited between two tokens, in seconds."""


@contextmanager
def in_turns(model: pg.LoadedModel) -> Iterator[None]:
    """As if the model could not read the tokens of several texts in one pass."""
    model._facts["why unbatched"] = "for comparison"
    try:
        yield
    finally:
        model._facts["why unbatched"] = ""


def by_stream(model: pg.LoadedModel, prompts: list[list[int]], count: int) -> Outcome:
    """Each visitor reads a stream of its own."""
    resources, ready = SharedResources(Settings(max_new_tokens=count)), threading.Barrier(len(prompts) + 1)
    times: list[list[float]] = [[] for _ in prompts]

    def visit(number: int) -> None:
        settings = pg.GenerationSettings(max_new_tokens=count, seed=number, temperature=0.8, top_k=50, top_p=0.95)
        stream = only_steps(generate_with_progress(model, prompts[number], settings, (), resources))
        ready.wait()
        for _ in stream:
            times[number].append(time.perf_counter())

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(len(prompts))]
    for thread in threads:
        thread.start()
    ready.wait()
    started, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.join()
    cpu = time.process_time() - cpu
    firsts = [moments[0] - started for moments in times]
    begin, end = max(moments[0] for moments in times), min(moments[-1] for moments in times)
    between = sum(begin < moment <= end for moments in times for moment in moments)
    pauses = [b - a for moments in times for a, b in zip(moments, moments[1:], strict=False)]
    written = sum(map(len, times))
    return Outcome(
        written / (max(moments[-1] for moments in times) - started),
        written / cpu,
        between / (end - begin) if end > begin else 0.0,
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
    return Outcome(written / (time.perf_counter() - started), written / (time.process_time() - cpu))


def endless(model: pg.LoadedModel) -> None:
    """Lets no text end before its last token, so that all ways write equally many."""
    model.model.generation_config.eos_token_id = None


def measure(model: pg.LoadedModel, asked: argparse.Namespace) -> None:
    """Prints a table of one number format."""
    endless(model)
    words = model.vocabulary.tokenize(WORDS)[0]
    found: dict[tuple[str, int], list[Outcome]] = {}
    for number in range(asked.rounds + 1):  # the first one warms up
        for visitors in asked.visitors if number else asked.visitors[:1]:
            prompts = [words[: 4 + 5 * n % (len(words) - 4)] for n in range(visitors)]
            with in_turns(model):
                turns = by_stream(model, prompts, asked.tokens)
            outcomes = {"turns": turns, "one pass": by_stream(model, prompts, asked.tokens)}
            outcomes["generate"] = by_generate(model, prompts, asked.tokens)
            for name, outcome in outcomes.items():
                found.setdefault((name, visitors), []).extend([outcome] if number else [])
    print(
        f"{asked.model} on {model.device.name} in {model.dtype.name}, {torch.get_num_threads()} threads, "
        f"{asked.tokens} tokens each, {asked.rounds} rounds"
    )
    columns = (
        "total",
        "times one",
        "by CPU s",
        "times one",
        "writing",
        "times one",
        "first, s",
        "of the last",
        "longest pause",
    )
    print(f"{'':22}" + "".join(f"{name:>15}" for name in columns))
    one = found["turns", asked.visitors[0]]
    base, cpu_base, writing_base = (max(getattr(o, name) for o in one) for name in ("total", "by_cpu", "writing"))
    for (name, visitors), rounds in found.items():
        totals, writing = [o.total for o in rounds], [o.writing for o in rounds]
        cells = [f"{max(totals):.1f} ({statistics.median(totals):.1f})", f"{max(totals) / base:.2f}"]
        by_cpu = max(o.by_cpu for o in rounds)
        cells += [f"{by_cpu:.1f}", f"{by_cpu / cpu_base:.2f}"]
        if name != "generate":
            cells += [f"{max(writing):.1f}", f"{max(writing) / writing_base:.2f}"]
            cells += [f"{min(getattr(o, field) for o in rounds):.2f}" for field in ("first", "slowest", "pause")]
        print(f"{visitors:3} {name:18}" + "".join(f"{cell:>15}" for cell in cells))


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
