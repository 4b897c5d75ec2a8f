"""What transformers reports of a load: weights that the files lack, that have another shape, that are left out.

Left alone, it fills in random numbers for the first, and says nothing of the last."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

from playground.analysis.text_display import sizes_text
from playground.errors import PlaygroundError
from playground.weights.checksums import safetensors_header
from playground.weights.stored_weights import weight_paths

_AGAIN = "Copy or download config.json and the weights again, or choose a checkpoint that is whole."


@dataclass(frozen=True)
class LoadReport:
    """Names of tensors, sorted."""

    missing: tuple[str, ...]
    """Weights of the model that the files lack; without poolers, unless a task's head may read them."""
    misshapen: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    """(name, shape in the file, shape in the model)."""
    unread: tuple[str, ...]
    """Tensors of the files that the model does not have."""


def load_report(report: dict[str, Any], poolers: bool = False) -> LoadReport:
    """What from_pretrained returns with `output_loading_info`. poolers: whether missing ones count, as for a task's head,
    which reads them; the page shows none."""
    return LoadReport(
        missing=tuple(sorted(key for key in report["missing_keys"] if poolers or "pooler" not in key)),
        misshapen=tuple(sorted((key, tuple(file), tuple(model)) for key, file, model in report["mismatched_keys"])),
        unread=tuple(sorted(report["unexpected_keys"])),
    )


def refuse_incomplete(report: LoadReport, folder: Path) -> None:
    """PlaygroundError for weights that are missing or have another shape than config.json gives them."""
    if report.misshapen:
        name, stored, described = report.misshapen[0]
        others = f" {len(report.misshapen)} tensors differ so." if len(report.misshapen) > 1 else ""
        raise PlaygroundError(
            f"The model could not be loaded: config.json and the weights in {folder} do not fit together; {name} has the "
            f"shape {_shape(stored)} in the file and {_shape(described)} by config.json.{others}",
            _AGAIN,
        )
    if not report.missing:
        return
    first = report.missing[0]
    lacking = (
        f"{len(report.missing)} of the model's weights are missing from its files, {first} among them; they would be "
        "random."
    )
    if instead := _nearest(first, report.unread):
        lacking += f" The files hold {instead} instead, which belongs to no weight of a model of this family."
    raise PlaygroundError(lacking, "Choose a checkpoint that is whole, with the names that `save_pretrained` gives.")


def refuse_headless(report: LoadReport, network: PreTrainedModel, folder: Path) -> None:
    """PlaygroundError for a task's head that the files lack, wholly or in part: it would answer at random."""
    inside = f"{network.base_model_prefix}."
    if not (lacking := [name for name in report.missing if not name.startswith(inside) or "pooler" in name]):
        return
    named = ", ".join(lacking[:3]) + (" and others" if len(lacking) > 3 else "")
    raise PlaygroundError(
        f"config.json names {type(network).__name__}, but the files in {folder} lack its head: {named}. The head would be "
        "random, and so would every answer.",
        "Choose a checkpoint that was trained for its task, or name the class without the head in config.json.",
    )


def unstated_labels(report: LoadReport, config: PretrainedConfig) -> int | None:
    """How many labels the head in the files has, where config.json says nothing of labels and transformers takes two; None
    where it says something, or where more than the head has another shape."""
    counts = {stored[:1] for _, stored, _ in report.misshapen}
    others = [
        name for name, stored, described in report.misshapen if stored[1:] != described[1:] or described[:1] != (2,)
    ]
    names = config.id2label or {}
    stated = {*names.values()} - {"LABEL_0", "LABEL_1"} or len(names) != 2
    if others or stated or len(counts) != 1:
        return None
    (count,) = counts.pop()
    return count


def layers_left_out(model: PreTrainedModel, unread: Collection[str]) -> list[str]:
    """Those of the tensors left out that would change what the shown model computes: they belong to a module that it has,
    or to a further layer of a stack. The others are heads for other tasks."""
    modules = dict(model.named_modules())
    prefix = f"{model.base_model_prefix}."
    return [
        name
        for name in unread
        if any(_has_place(spelling, modules) for spelling in (name, prefix + name, name.removeprefix(prefix)))
    ]


def _has_place(name: str, modules: dict[str, nn.Module]) -> bool:
    parts = name.split(".")
    parents = [".".join(parts[:end]) for end in range(1, len(parts))]
    return (parents[-1] in modules if parents else False) or any(
        isinstance(modules.get(parent), nn.ModuleList) for parent in parents
    )


def _nearest(name: str, others: Collection[str]) -> str:
    """The name that ends as another one does, in at least its last two parts; empty without any."""
    lengths = {other: _equal_parts(name.split(".")[::-1], other.split(".")[::-1]) for other in others}
    best = max(lengths, key=lambda other: lengths[other], default="")
    return best if lengths.get(best, 0) >= 2 else ""


def _equal_parts(one: list[str], other: list[str]) -> int:
    """How many parts at the beginning are the same."""
    equal = [a == b for a, b in zip(one, other, strict=False)]
    return equal.index(False) if False in equal else len(equal)


def _shape(sizes: tuple[int, ...]) -> str:
    return sizes_text(sizes) or "of one number"


def file_of(name: str, folder: Path) -> str:
    """The name of the file in a folder that holds a tensor; the folder's where none does."""
    return next((path.name for path in weight_paths(folder) if name in safetensors_header(path)), folder.name)
