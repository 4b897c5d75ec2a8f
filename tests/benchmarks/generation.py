"""How fast the page's stream writes, beside transformers' own loop: python -m tests.benchmarks.generation

In one run, on the same model, prompt and number format, greedily, in alternating rounds:
- generate: `model.generate()`, plain;
- stream: our `generate()` with all of its per-token data (alternatives, rank, entropy, stages); on a GPU with a captured
  graph a token, once that is ready, and as `no graph` without;
- traced: `model.generate(output_attentions=True, output_scores=True, return_dict_in_generate=True)`, eager;
- int8, on the CPU: the stream with int8 weights.
Seconds to the first token are those of generating one token. Then a branch: another token is taken at the end of a text
of --branch tokens, and the stream goes on from there, with the key-value cache of what was read and without. Each number
is the median of the rounds, and the fastest in brackets: these machines are shared.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from transformers import GenerationConfig

import playground as pg
from playground.generation.graph_capture import cache_lengths
from playground.generation.kv_cache import PrefixCaches
from playground.settings import Settings

PROMPT = "The history of the town begins with a mill beside the river, where"


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def by_transformers(model, ids, count: int, traced: bool = False) -> None:
    asked = GenerationConfig(
        max_new_tokens=count,
        min_new_tokens=count,
        do_sample=False,
        return_dict_in_generate=traced,
        output_attentions=traced,
        output_scores=traced,
        eos_token_id=model.generation_config.eos_token_id,
        pad_token_id=0,
    )
    with torch.inference_mode():
        model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=asked)


def by_branch(model: pg.LoadedModel, ids: list[int], prefixes: PrefixCaches | None) -> None:
    """Three tokens after one taken by hand at the end of a text."""
    asked = pg.GenerationSettings(max_new_tokens=3, greedy=True)
    assert len(list(pg.generate(model, ids[:-1], asked, begun=ids[-1:], prefixes=prefixes))) == 3


def branches(model: pg.LoadedModel, length: int, rounds: int) -> None:
    """Prints what a branch costs with the cache and without."""
    ids = (model.vocabulary.tokenize(PROMPT)[0] * length)[:length]
    prefixes = PrefixCaches(2**30)
    by_branch(model, ids, prefixes)
    found = {"branch": [], "anew": []}
    for number in range(rounds):
        ids[-1] = 1000 + number  # never read before
        found["branch"].append(seconds(lambda: by_branch(model, ids, prefixes)))
        found["anew"].append(seconds(lambda: by_branch(model, ids, None)))
    branch, anew = (statistics.median(times) for times in found.values())
    print(
        f"a branch at token {length}: {branch:.3f} s for three tokens ({min(found['branch']):.3f}), reading the text "
        f"again {anew:.3f} s ({min(found['anew']):.3f}): {anew / branch:.1f} times"
    )


def by_stream(model: pg.LoadedModel, count: int) -> None:
    asked = pg.GenerationSettings(max_new_tokens=count, greedy=True)
    written = len(list(pg.generate(model, PROMPT, asked, settings=Settings(max_new_tokens=count))))
    assert written == count, f"the model ended its text after {written} tokens: the comparison would be unfair"


def captured(model: pg.LoadedModel) -> bool:
    """Whether the model has all of its graphs; waits for them a minute."""
    until = time.monotonic() + 60
    lengths = cache_lengths(model, model.max_tokens)
    while len(model.graphs) < len(lengths) and time.monotonic() < until:
        time.sleep(0.1)
    return len(model.graphs) == len(lengths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--tokens", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--branch", type=int, default=500)
    asked = parser.parse_args()
    ours = pg.load(asked.model, device=asked.device)
    theirs, eager = (pg.load(asked.model, device=asked.device).model for _ in range(2))
    theirs.set_attn_implementation("sdpa")
    eager.set_attn_implementation("eager")
    ids = torch.tensor([ours.vocabulary.tokenize(PROMPT)[0]], device=ours.input_device)
    ways = {
        "generate": lambda count: by_transformers(theirs, ids, count),
        "stream": lambda count: by_stream(ours, count),
        "traced": lambda count: by_transformers(eager, ids, count, traced=True),
    }
    if ours.device.value.type == "cuda":
        other = pg.load(asked.model, device=asked.device)
        print(f"captured graph: {captured(ours) and captured(other)}")
        other.graphs = ()
        ways["no graph"] = lambda count: by_stream(other, count)
    if ours.device.value.type == "cpu":
        small = pg.load(asked.model, device="cpu", dtype="int8")
        ways["int8"] = lambda count: by_stream(small, count)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for way in ways.values():
        way(2)  # what happens once only
    for _ in range(asked.rounds):
        for name, way in ways.items():
            first = seconds(lambda way=way: way(1))
            found[name].append((first, asked.tokens / seconds(lambda way=way: way(asked.tokens))))
    print(
        f"{asked.model} on {ours.device.name} in {ours.dtype.name}, {torch.get_num_threads()} threads, "
        f"{ids.shape[1]} tokens read, {asked.tokens} written, {asked.rounds} rounds"
    )
    print(f"{'':10}{'first token, s':>22}{'tokens per second':>24}")
    rates, firsts = {}, {}
    for name, rounds in found.items():
        firsts[name], rates[name] = ([r[i] for r in rounds] for i in (0, 1))
        first = f"{statistics.median(firsts[name]):.3f} ({min(firsts[name]):.3f})"
        rate = f"{statistics.median(rates[name]):.1f} ({max(rates[name]):.1f})"
        print(f"{name:10}{first:>22}{rate:>24}")
    rate = statistics.median(ours / theirs for ours, theirs in zip(rates["stream"], rates["generate"], strict=True))
    first = statistics.median(ours / theirs for ours, theirs in zip(firsts["stream"], firsts["generate"], strict=True))
    print(
        f"stream / generate: {rate:.2f} of its tokens per second ({max(rates['stream']) / max(rates['generate']):.2f} "
        f"fastest to fastest), {first:.2f} of its time to the first token"
    )
    if "int8" in rates:
        faster = statistics.median(small / ours for small, ours in zip(rates["int8"], rates["stream"], strict=True))
        print(
            f"int8 / stream: {faster:.2f} times its tokens per second "
            f"({max(rates['int8']) / max(rates['stream']):.2f} fastest to fastest); {small.quantization_loss}"
        )
    branches(ours, asked.branch, asked.rounds)


if __name__ == "__main__":
    main()
