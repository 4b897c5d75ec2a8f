"""What works for which family, measured on the zoo; and README's table of it.

    python -m tests.tools.families_table            prints the table
    python -m tests.tools.families_table --write    puts it into README.md, between the two marks

tests/recording/test_record.py asserts the same measurements, so the table says what the tests say.
"""

import argparse
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch

import playground as pg
from playground.loading import prepare
from tests.tools import zoo

README = Path(__file__).resolve().parents[2] / "README.md"
START, END = "<!-- families:start -->", "<!-- families:end -->"
TEXT, TARGET = "the cat sat", "un chat"
NAMES = {
    "self": "attentions",
    "encoder": "encoder_attentions",
    "decoder": "decoder_attentions",
    "cross": "cross_attentions",
}
"""Kind of attention -> where transformers returns its weights."""


@dataclass(frozen=True)
class Row:
    """One family's measurements; errors are largest absolute differences."""

    kind: str
    positions: str
    on_interface: bool
    logits_error: float
    """Against a model made afresh that computes attention its own eager way, as a share of the largest logit."""
    weights_error: float
    """Against the same model's `output_attentions`."""
    head_output_error: float | None
    """verify().largest; None where queries and keys are not captured."""
    generates: bool


def own_way(family: str, recording: pg.Recording):
    """What a fresh model gives for a recording's tokens by its own eager attention, with all weights and states."""
    inputs = {"input_ids": torch.tensor([[token.id for token in recording.tokens]])}
    if recording.target_tokens:
        inputs["decoder_input_ids"] = torch.tensor([[token.id for token in recording.target_tokens]])
    with torch.inference_mode():
        return zoo.build(family)(**inputs, output_attentions=True, output_hidden_states=True)


def record_tiny(model: pg.LoadedModel) -> pg.Recording:
    return pg.record(model, TEXT, TARGET if model.model.config.is_encoder_decoder else None)


def measure(family: str, model: pg.LoadedModel) -> Row:
    """Records a few tokens with the family's tiny model and compares with its own way."""
    recording = record_tiny(model)
    own = own_way(family, recording)
    weights_error = max(
        (recording.attention(layer, kind).weights - own[NAMES[kind]][layer][0]).abs().max().item()
        for kind in recording.kinds
        for layer in recording.layer_numbers(kind)
    )
    return Row(
        kind=model.anatomy.kind,
        positions=model.anatomy.position_scheme,
        on_interface=model.on_interface,
        logits_error=((recording.logits - own.logits[0]).abs().max() / own.logits.abs().max()).item(),
        weights_error=weights_error,
        head_output_error=recording.verify().largest,
        generates=bool(model.capabilities.generate) and _continues(model),
    )


def _continues(model: pg.LoadedModel) -> bool:
    return any(True for _ in pg.generate(model, TEXT, pg.GenerationSettings(max_new_tokens=2, greedy=True)))


def table(rows: dict[str, Row]) -> str:
    """Markdown, one line for all families with the same answers."""
    groups = defaultdict(list)
    for family, row in rows.items():
        queries_and_keys = "yes" if row.head_output_error is not None and row.head_output_error <= 1e-5 else "no"
        weights = "yes" if row.weights_error <= 1e-5 else "no"
        groups[row.kind, row.positions, weights, queries_and_keys, "yes" if row.generates else "no"].append(family)
    order = {"decoder": 0, "encoder": 1, "encoder-decoder": 2}
    lines = [
        "| Families | Kind | Positions | Weights | Queries, keys, scores | Generates |",
        "|---|---|---|---|---|---|",
    ]
    for group in sorted(groups, key=lambda group: (order[group[0]], group[3] == "no", group[1])):
        lines.append(f"| {', '.join(sorted(groups[group]))} | {' | '.join(group)} |")
    return "\n".join(lines)


def measured_table() -> str:
    return table({family: measure(family, prepare(zoo.build(family), zoo.byte_tokenizer())) for family in zoo.FAMILIES})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="replace the table in README.md")
    markdown = measured_table()
    if not parser.parse_args().write:
        print(markdown)
        return
    before, rest = README.read_text(encoding="utf-8").split(START)
    after = rest.split(END)[1]
    README.write_text(f"{before}{START}\n{markdown}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
