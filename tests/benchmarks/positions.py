"""Seconds and bytes of the Positions tab, and what an experiment costs: python -m tests.benchmarks.positions

For 512 positions: seconds on the server from request to JSON, and bytes sent, of all pictures of each scheme (target:
0.5 s), of the clocks, of one score over distance, and of all heads over distance. Then "Break it" for texts of several
lengths, its seconds per variant beside those of one plain forward pass of the same text, which gives all its logits, as
every variant's does. Medians; these machines are shared.
"""

import argparse
import statistics
import time
from types import SimpleNamespace

import torch

import playground as pg
from playground import workbench
from playground.components.plotly_view import figure_json
from playground.figures.positions import scheme_pictures
from playground.positions.perturbations import PerturbationSettings, experiment
from playground.positions.rotary_layer import rotated_pair
from playground.positions.schemes import position_facts
from playground.recording.distance_profiles import distance_profiles
from playground.recording.record import record
from playground.tabs.positions import attention_distance_view, rotary_view
from tests.tools import zoo

POSITIONS = 512
TEXT = "The animal didn't cross the street because it was too tired. "
TINY = {"sinusoidal": "marian", "alibi": "bloom", "relative": "t5"}
"""Families whose own scheme is measured on a tiny model, wide enough to count: 512 positions."""


def measured(work, rounds: int):
    """What work gives, and its median seconds after one round that is not counted."""
    work()
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - started)
    return found, statistics.median(seconds)


def tiny(family: str):
    """A zoo model with 512 positions where its configuration says how many."""
    from playground.loading import prepare

    settings = zoo.FAMILIES[family]
    if "max_position_embeddings" in settings:
        zoo.FAMILIES[family] = settings | {"max_position_embeddings": POSITIONS}
    try:
        return prepare(zoo.build(family), zoo.byte_tokenizer(), family)
    finally:
        zoo.FAMILIES[family] = settings


def told(name: str, size: int, seconds: float) -> None:
    print(f"{name:<52}{size / 1e3:>9,.0f} kB{seconds:>9.3f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 256, 512])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    model, minilm = pg.load(asked.model), pg.load("all-minilm-l6-v2")
    ids = model.vocabulary.tokenize(TEXT * 100)[0]
    numbers = scheme_pictures.Numbers(length=POSITIONS, width=512)
    owners = {"rotary": model, "learned": minilm} | {scheme: tiny(family) for scheme, family in TINY.items()}
    print(f"All pictures of a scheme, {POSITIONS} positions, from request to JSON")
    for scheme in scheme_pictures.NAMES:
        for owner in dict.fromkeys([owners.get(scheme), model]):
            if owner is None:
                continue
            own = scheme_pictures.own_scheme(position_facts(owner)) == scheme

            def pictures(owner=owner, scheme=scheme):
                found = scheme_pictures.show(
                    scheme,
                    position_facts(owner),
                    numbers,
                    scheme_pictures.TextFacts(owner.anatomy.context_length, POSITIONS),
                )
                return sum(len(figure_json(figure)) for figure in found.figures)

            size, seconds = measured(pictures, asked.rounds)
            told(f"{scheme_pictures.NAMES[scheme]}, {owner.anatomy.family if own else 'by the formula'}", size, seconds)
    recording = record(model, tuple(ids[:POSITIONS]))
    page = SimpleNamespace(recording=lambda: recording, text=model.vocabulary.decode(ids[:POSITIONS]))
    drawn, seconds = measured(
        lambda: rotary_view.draw_clocks(page, rotary_view.RotaryRequest())["clocks"], asked.rounds
    )
    told("clocks", len(figure_json(drawn)), seconds)
    found, seconds = measured(lambda: rotated_pair(recording, 3, 1, 500, 3), asked.rounds)
    told("query and key before rotary, with one forward pass", 0, seconds)
    drawn, seconds = measured(
        lambda: rotary_view.slide(page, rotary_view.DistanceRequest(found, 40))["pairs"], asked.rounds
    )
    told("one step of the distance slider", len(figure_json(drawn)), seconds)
    _, seconds = measured(lambda: distance_profiles(recording, "self", workbench.shared()), 1)
    told("all heads over distance, measured once for a text", 0, seconds)
    request = attention_distance_view.DistanceRequest(None, "local", True, 3, 1)
    answer, seconds = measured(lambda: attention_distance_view.draw(page, request), asked.rounds)
    told(
        "all heads over distance, at each move of a slider",
        sum(len(figure_json(answer[name]["value"])) for name in ("all_heads", "measures", "curve")),
        seconds,
    )

    print(f"\nBreak it, {asked.model}: seconds per variant beside one forward pass")
    for length in asked.lengths:
        text = TEXT * max(1, length // 13)  # a sentence has 13 tokens
        base = record(model, text)
        ids = torch.tensor([[token.id for token in base.tokens]])
        with torch.inference_mode():
            _, once = measured(lambda ids=ids: model.model(input_ids=ids, use_cache=False), asked.rounds)
        broken, seconds = measured(lambda base=base: experiment(base, PerturbationSettings()), 1)
        count = sum(not outcome.missing for outcome in broken.outcomes)
        print(
            f"{len(base.tokens):>6} tokens: {count} variants {seconds:.2f} s, {seconds / count:.2f} s each; one pass "
            f"{once:.2f} s ({seconds / count / once:.2f} times)",
            flush=True,
        )


if __name__ == "__main__":
    main()
