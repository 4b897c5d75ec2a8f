"""What the names and number formats of a checkpoint's tensors tell before any is loaded: the program that wrapped the
model, an adapter that was never merged, weights that are codes. Knows nothing of where they lie.

transformers leaves out tensors whose names it does not know, and reads codes as if they were numbers, without a word.
"""

import re
from collections.abc import Mapping

from playground.errors import PlaygroundError

_BEGINNINGS = {
    "module.": ("a model wrapped in DataParallel or DistributedDataParallel", "`model.module`"),
    "base_model.model.": ("a model wrapped by peft", "`model.merge_and_unload()`"),
    "_forward_module.": ("a model wrapped by Lightning or DeepSpeed", "the inner model"),
}
"""Beginning of tensor names -> the wrapper that adds it, and what to save instead."""
_PARTS = {
    "_orig_mod": ("a model compiled with torch.compile", "`model._orig_mod`, or the model before it is compiled,"),
    "_fsdp_wrapped_module": ("a model wrapped in FSDP", "its full state dict"),
    "_checkpoint_wrapped_module": ("a model with wrapped activation checkpoints", "the model without them"),
}
"""Part of a name, between two dots, -> the same."""
_ADAPTERS = re.compile(
    r"\.(lora_(A|B|embedding_A|embedding_B|magnitude_vector)|hada_w\d_a|lokr_w\d|ia3_l|oft_r|base_layer)(\.|$)"
)
_CODES = {
    r"\.(qweight|qzeros|g_idx)$": "GPTQ or AWQ",
    r"\.weight_(packed|shape|zero_point)$": "compressed-tensors",
    r"\.(weight_scale(_inv|_2)?|input_scale|weight_scales)$": "fp8, or another format with scales",
    r"\.(SCB|weight_format)$|\.(absmax|quant_map|nested_absmax|quant_state\..+)$": "bitsandbytes",
    r"\.(W_q|codebooks|codes|Qidxs)$": "HQQ, AQLM or QuIP",
    r"_proj_(blocks|scales)$": "mxfp4",
}
"""Ending of the names of tensors that codes come with -> the method."""
_INTEGERS = frozenset({"I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64"})
_OTHER_KINDS = {"BOOL": "true or false", "C64": "complex numbers", "C128": "complex numbers"}
"""What torch turns into other numbers without a word: 0 and 1, or the real part alone."""


def check_tensors(header: Mapping[str, Mapping], file: str, quantized: bool) -> None:
    """Raises PlaygroundError for tensors that are no weights of the model as transformers names them.

    header: of a safetensors file, by name. quantized: whether transformers unpacks its codes."""
    _refuse_wrapped(list(header), file)
    if adapter := next((name for name in header if _ADAPTERS.search(name)), ""):
        raise PlaygroundError(
            f"{file} holds the tensors of an adapter beside the model's ({adapter}), which would be left out.",
            "Merge it once where it was trained, with peft's `merge_and_unload()`, and save the result.",
        )
    others = (name for name, tensor in header.items() if name.endswith(".weight") and tensor["dtype"] in _OTHER_KINDS)
    if other := next(others, ""):  # `.bias` is also the name of old models' causal masks
        kind = header[other]["dtype"]
        raise PlaygroundError(
            f"{other} in {file} holds {_OTHER_KINDS[kind]} ({kind}), which no layer computes with: read as numbers, it "
            "would be another model.",
            "Choose a checkpoint whose weights are numbers.",
        )
    if not quantized:
        _refuse_codes(header, file)


def _refuse_wrapped(names: list[str], file: str) -> None:
    wrappers = [
        (words, [name for name in names if name.startswith(start)], start) for start, words in _BEGINNINGS.items()
    ]
    wrappers += [(words, [n for n in names if part in n.split(".")], f"{part}.") for part, words in _PARTS.items()]
    for (wrapper, instead), wrapped, part in wrappers:
        if wrapped:
            count = "All" if len(wrapped) == len(names) else f"{len(wrapped)} of {len(names)}"
            beginning = wrapped[0].split(part)[0] + part
            raise PlaygroundError(
                f"{count} tensors in {file} are named {beginning}…: it was saved from {wrapper}.",
                f"On the machine that trained it, save {instead} instead.",
            )


def _refuse_codes(header: Mapping[str, Mapping], file: str) -> None:
    method = next(
        ((name, words) for pattern, words in _CODES.items() for name in header if re.search(pattern, name)), None
    )
    matrices = (name for name, tensor in header.items() if name.endswith(".weight") and tensor["dtype"] in _INTEGERS)
    if method is None and (whole := next(matrices, None)):
        method = whole, f"an unknown method: they are whole numbers ({header[whole]['dtype']})"
    if method is not None:
        raise PlaygroundError(
            f"The weights in {file} are quantized by {method[1]} ({method[0]}), and config.json does not say how: read as "
            "they are, they would be another model.",
            "Choose the model that they were quantized from, or a GGUF of it.",
        )
