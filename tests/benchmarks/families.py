"""Every text family of the installed transformers, tiny: what is right, what is off and why, what is refused and why.

    python -m tests.benchmarks.families [family ...] [--device cpu] [--write]

Each runs in a process of its own, bounded in memory and time. It is saved, loaded as a visitor would load it, and
compared with transformers alone: logits, weights of every layer that attends, and the probability of each token that
is written. `--device` is where both run. `--write` puts the summary into README.md.
"""

import argparse
import copy
import logging
import os
import resource
import signal
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import torch

import playground as pg
from playground.models import untrusted
from playground.models.decoder_start import decoder_start
from tests.tools import every_family, zoo
from tests.tools.families_table import NAMES, README

TEXT, TARGET, WRITTEN = "One fish two fish red fish", "un chat", 4
MEMORY, SECONDS = 6 * 2**30, 60
START, END = "<!-- every family:start -->", "<!-- every family:end -->"
OUTCOMES = ("right", "off", "refused", "wrong", "not made tiny")


def outcome(family: str, device: str = "cpu") -> tuple[str, str]:
    """One of OUTCOMES, and the reason or what is wrong."""
    try:
        network = every_family.build(family)
    except Exception as error:  # the recipe does not fit every configuration
        return "not made tiny", f"{type(error).__name__}: {error}"
    with tempfile.TemporaryDirectory() as folder:
        try:
            network.save_pretrained(folder)
            zoo.byte_tokenizer().save_pretrained(folder)
            own = type(network).from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
            own.to(device)
            own(**_inputs(own))
        except Exception as error:
            return "not made tiny", f"transformers alone: {type(error).__name__}: {error}"
        try:
            model = pg.load(folder, device=device, dtype="float32")
        except pg.PlaygroundError as error:
            return "refused", str(error)
        faults = _faults(model, own)
    if faults:
        return "wrong", "; ".join(faults)
    off = {name: why for name, why in model.capabilities.missing().items() if name not in ("chat", "pairs")}
    off = {name: why for name, why in off.items() if not (name == "generate" and model.anatomy.kind == "encoder")}
    return ("off", "; ".join(f"{name}: {why}" for name, why in off.items())) if off else ("right", "")


def _inputs(own: Any) -> dict[str, torch.Tensor]:
    ids = torch.tensor([list(TEXT.encode())], device=own.device) % 256 + 4
    return {"input_ids": ids} | ({"decoder_input_ids": ids[:, :3]} if own.config.is_encoder_decoder else {})


@torch.inference_mode()
def _faults(model: pg.LoadedModel, own: Any) -> list[str]:
    """What differs from transformers alone, beyond rounding."""
    two_stacks = model.model.config.is_encoder_decoder
    recording = pg.record(model, TEXT, TARGET if two_stacks else None)
    inputs = {"input_ids": torch.tensor([[token.id for token in recording.tokens]], device=own.device)}
    if recording.target_tokens:
        inputs["decoder_input_ids"] = torch.tensor([[token.id for token in recording.target_tokens]], device=own.device)
    plain = {"use_cache": False} if model.anatomy.has_decoder else {}  # over a cache FSMT sees later tokens
    expected = own(**inputs, output_attentions=True, **plain)
    tolerance = max(1e-3, 4 * _own_rounding(own, inputs | plain, expected))
    faults = []
    if model.capabilities.logits:
        logits = expected.logits[0].cpu()
        error = (recording.logits - logits).abs().max() / logits.abs().max()
        faults += [] if error < tolerance else [f"logits off by {error:.0e}"]
    for kind in recording.kinds:
        theirs = [weights for weights in expected.get(NAMES[kind]) or () if weights is not None]
        numbers = recording.layer_numbers(kind)
        if len(theirs) != len(numbers):
            continue  # transformers returns none, or those of other layers too
        for number, weights in zip(numbers, theirs, strict=True):
            shown = recording.attention(number, kind).weights
            shown = shown / shown.sum(-1, keepdim=True).clamp(
                min=1e-9
            )  # sinks are left out of what some families return
            weights = weights[0].cpu() / weights[0].cpu().sum(-1, keepdim=True).clamp(min=1e-9)
            if (error := (shown - weights).abs().max()) > tolerance:
                faults.append(f"weights of layer {number} ({kind}) off by {error:.0e}")
    if model.capabilities.qk and not recording.verify().passed:
        faults.append(
            f"weights·V off by {recording.verify().largest:.0e}, {recording.verify().tolerance:.0e} explained"
        )
    if model.capabilities.generate:
        faults += _written_faults(model, own, inputs["input_ids"], plain)
    return faults


def _own_rounding(own: Any, inputs: dict, expected: Any) -> float:
    """How far the family's own float32 is from its float64, as a share of the largest number: random weights that run
    again and again round more (Dory). 0 where it can't be computed."""
    try:
        exact = copy.deepcopy(own).double()(**inputs, output_attentions=True)
    except Exception:  # grouped experts have no float64
        return 0.0
    pairs = [(expected.logits, exact.logits)] if "logits" in exact else []
    pairs += [(a, b) for a, b in zip(expected.get("attentions") or (), exact.get("attentions") or (), strict=False)]
    return max((float((a - b).abs().max() / b.abs().max()) for a, b in pairs if a is not None), default=0.0)


def _written_faults(model: pg.LoadedModel, own: Any, source: torch.Tensor, plain: dict[str, bool]) -> list[str]:
    """Whether the probability of each token that is written is that of a pass without a cache."""
    settings = pg.GenerationSettings(max_new_tokens=WRITTEN, greedy=True)
    two_stacks, worst = model.model.config.is_encoder_decoder, 0.0
    ids = list(decoder_start(model)) if two_stacks else source[0].tolist()
    for step in pg.generate(model, TEXT, settings):
        text = torch.tensor([ids], device=own.device)
        inputs = {"input_ids": source, "decoder_input_ids": text} if two_stacks else {"input_ids": text}
        logits = own(**inputs, **plain).logits[0, -1]
        worst = max(worst, abs(float(logits.softmax(-1)[step.token.id]) - step.probability))
        ids.append(step.token.id)
    return [] if worst < 1e-3 else [f"probabilities of written tokens off by {worst:.0e}"]


def in_own_process(family: str, device: str = "cpu") -> tuple[str, str]:
    """The outcome, from a process bounded in memory and time; "wrong" where it dies or raises."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        if device == "cpu":  # a GPU's driver reserves far more addresses than memory
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.alarm(10 * SECONDS)  # for one that waits for ever
        try:
            result = outcome(family, device)
        except BaseException as error:
            result = "wrong", f"{type(error).__name__}: {error}"
        os.write(writing, "\0".join(result).encode("utf-8", "replace")[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read().decode("utf-8", "replace")
    os.waitpid(child, 0)
    if not answer:
        return "wrong", f"its process ended: over {SECONDS} s of processor time or {MEMORY >> 30} GiB"
    kind, _, reason = answer.partition("\0")
    return kind, reason


def summary(outcomes: dict[str, tuple[str, str]]) -> str:
    """Markdown: the families of each outcome."""
    rows = ["| Outcome | Families |", "|---|---|"]
    counts = Counter(kind for kind, _ in outcomes.values())
    for kind in OUTCOMES:
        names = ", ".join(family for family, (own, _) in outcomes.items() if own == kind)
        if names:
            rows.append(f"| {kind}: {counts[kind]} | {names} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("families", nargs="*", help="all without")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--write", action="store_true", help="replace the summary in README.md")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    untrusted.prepare_server().join()  # once for all families, whose processes inherit the way to it
    outcomes = {}
    for family in options.families or every_family.families():
        outcomes[family] = in_own_process(family, options.device)
        print(f"{family}: {': '.join(filter(None, outcomes[family]))[:300]}", flush=True)
    print(table := summary(outcomes))
    if options.write:
        before, rest = Path(README).read_text(encoding="utf-8").split(START)
        Path(README).write_text(f"{before}{START}\n{table}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
