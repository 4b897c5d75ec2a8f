"""Which files of a folder or repository a model needs, and which models are refused.

Judges by names, sizes and config.json alone, so the same rules hold before a download and after it. Knows nothing of
where the files are."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping

from playground.concurrency.first_import import import_alone
from playground.errors import PlaygroundError

SIDE_FILES = (".json", ".txt", ".model", ".jinja", ".spm", ".bpe", ".tiktoken")
"""Endings of the files that a model needs beside its weights."""
_SIDE_FOLDERS = re.compile(r"additional_chat_templates/[^/]+|\d+_[A-Za-z]+/[^/]+")
"""Chat templates, and the modules of sentence-transformers: 1_Pooling, 2_Dense …"""
WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack")
_MAX_SIDE_FILE_BYTES = 200 * 1024**2
_GGUF_PREFERENCE = ("Q8_0", "BF16", "F16", "Q6_K", "Q5", "Q4", "F32", "")
"""Order of choice among several quantizations: those close to the original first, then the smaller downloads."""
_CUT_GGUF = re.compile(r"\.gguf[.-](split-)?(part)?[a-z0-9]{1,8}$", re.IGNORECASE)
"""The pieces of a GGUF that was cut by its bytes: model.gguf-split-a, model.gguf.part1of2."""
_GROWTH = {"F32": 1, "F16": 2, "BF16": 2, "Q8": 3.8, "Q6": 4.9, "Q5": 5.7, "Q4": 6.6, "Q3": 8.5, "Q2": 11, "Q1": 18}
"""Quantization of a GGUF file -> bytes as float32 for each byte of the file."""
_TOKENIZERS = re.compile(r"tokenizer|vocab|spiece|merges|sentencepiece|\.spm$|\.tiktoken$")


def weight_files(names: Collection[str], read_index: Callable[[], Mapping], where: str) -> tuple[str, ...]:
    """The weights that transformers would read: safetensors whole or in shards, else one GGUF file.

    `read_index()` returns model.safetensors.index.json, parsed; called only if the weights are in shards.
    Raises PlaygroundError if there are only pickles, if shards are missing, or if there are no weights.
    """
    if WHOLE in names:
        return (WHOLE,)
    if INDEX in names:
        try:
            shards = sorted({str(name) for name in read_index()["weight_map"].values()})
        except (ValueError, KeyError, TypeError, AttributeError):
            shards = []
        if not shards or not all(name.endswith(".safetensors") for name in shards):
            raise PlaygroundError(
                f"{INDEX} of {where} can't be used: it has no weight_map, or names other files than safetensors.",
                "Copy or download it again.",
            )
        missing = [name for name in shards if name not in names]
        if missing:
            are = "are" if len(missing) > 1 else "is"
            raise PlaygroundError(
                f"{len(missing)} of the {len(shards)} weight files of {where} {are} missing, {missing[0]} first.",
                "Copy or download them again.",
            )
        return tuple(shards)
    ggufs = sorted(name for name in names if is_gguf(name) and "/" not in name and "mmproj" not in name.lower())
    whole = [name for name in ggufs if parts_of(name) == 1]
    for quantization in _GGUF_PREFERENCE:
        for name in whole:
            if quantization in name.upper():
                return (name,)
    if ggufs:
        raise split_refusal(ggufs[0], parts_of(ggufs[0]))
    if cut := sorted(name for name in names if _CUT_GGUF.search(name)):
        whole_name = cut[0][: cut[0].lower().index(".gguf") + 5]
        raise PlaygroundError(
            f"{where} holds a GGUF cut into {len(cut)} pieces, {cut[0]} first.",
            f"Join them once: `cat {whole_name}?* > {whole_name}`, or on Windows `copy /b`.",
        )
    if parts := [name for name in names if is_gguf(name) and "mmproj" in name.lower()]:
        raise PlaygroundError(
            f"{where} holds only {min(parts)}, the part of a larger model that reads pictures or sound.",
            "Give the GGUF of the model itself.",
        )
    others = sorted(name for name in names if name.lower().endswith(".safetensors") and "/" not in name)
    if others:
        raise _other_name(others, names, where)
    if any(name.lower().endswith(_PICKLES) for name in names):
        raise PlaygroundError(
            f"{where} has its weights only as pickles or in another old format, and a pickle can run any program.",
            "Choose a model with safetensors, or convert it once with `save_pretrained` on a machine you trust.",
        )
    raise PlaygroundError(
        f"{where} has no weights: neither {WHOLE} nor {INDEX} nor a .gguf file.",
        "Choose a folder or repository that holds a transformers model.",
    )


def _other_name(others: list[str], names: Collection[str], where: str) -> PlaygroundError:
    """The error for safetensors files that transformers does not look for."""
    first = others[0]
    if first == "adapter_model.safetensors":
        return PlaygroundError(
            f"{where} holds an adapter, {first}, and no weights of the model that it was trained on.",
            "Give its folder on this machine, with adapter_config.json, or merge it with peft's "
            "`merge_and_unload()` and save the result.",
        )
    if parts_of(first) > 1:
        return PlaygroundError(
            f"{where} holds the weights in {len(others)} part{'s' if len(others) > 1 else ''} ({first} …) without {INDEX}, "
            "which says what is where.",
            f"Copy or download {INDEX} too.",
        )
    if first.startswith("consolidated"):
        return PlaygroundError(
            f"{where} holds {first}, Mistral's own format, and no {WHOLE}.",
            "Choose the repository's weights in the format of transformers.",
        )
    return PlaygroundError(
        f"{where} holds {', '.join(others[:3])}, but transformers reads {WHOLE} or {INDEX}.",
        f"Rename the file to {WHOLE} if it holds the whole model."
        if len(others) == 1
        else f"Rename the one that holds the whole model to {WHOLE}.",
    )


def is_gguf(name: str) -> bool:
    """Whether a file is a GGUF by its name, in capitals or not."""
    return name.lower().endswith(".gguf")


def parts_of(name: str) -> int:
    """Into how many files a GGUF is split, by the name of one of them; 1 for a whole one."""
    numbers = re.search(r"-\d{5}-of-(\d{5})", name)
    return int(numbers[1]) if numbers else 1


def split_refusal(name: str, count: int) -> PlaygroundError:
    """The error for a GGUF of several files, of which one is named."""
    first = re.sub(r"-\d{5}-of-", "-00001-of-", name)
    return PlaygroundError(
        f"{name} is one of {count} parts of a split GGUF.",
        f"Merge them once with llama.cpp's tool: `llama-gguf-split --merge {first} whole.gguf`.",
    )


def only_pickles(names: Iterable[str]) -> bool:
    """Whether a repository has its weights in old formats alone."""
    names = list(names)
    return not any(name.lower().endswith((".safetensors", INDEX, ".gguf")) for name in names) and any(
        name.lower().endswith(_PICKLES) for name in names
    )


def side_files(sizes: Mapping[str, int]) -> tuple[str, ...]:
    """The files needed beside the weights: configuration, tokenizer, chat templates. sizes: bytes by name."""
    return tuple(
        sorted(
            name
            for name, size in sizes.items()
            if size <= _MAX_SIDE_FILE_BYTES
            and ("/" not in name or _SIDE_FOLDERS.fullmatch(name))
            and (name.endswith(SIDE_FILES) or is_module_weights(name))
        )
    )


def is_module_weights(name: str) -> bool:
    """Whether a file is the weights of a module of sentence-transformers: 2_Dense/model.safetensors."""
    return bool(_SIDE_FOLDERS.fullmatch(name)) and name.endswith(f"/{WHOLE}")


def has_tokenizer(names: Collection[str]) -> bool:
    """Whether any file is one of a tokenizer."""
    return any(_TOKENIZERS.search(name) for name in names)


def weight_bytes(name: str, size: int) -> int:
    """Bytes of a weight file's tensors once loaded. A GGUF file becomes float32: its size is estimated from the
    quantization in its name, to about 15 %, since reading its header takes seconds."""
    if not is_gguf(name):
        return size
    bits = re.search(r"(?:^|[^A-Z0-9])I?(BF16|F16|F32|Q[1-8])", name.upper())
    return int(size * _GROWTH.get(bits[1] if bits else "", _GROWTH["Q4"]))


def refuse_unknown_family(config: Mapping, where: str) -> None:
    """Raises PlaygroundError for a model whose family is not part of transformers: it needs code from its own repository,
    which would run here unseen, or another release of transformers."""
    if not isinstance(config, Mapping):
        raise PlaygroundError(f"config.json of {where} is not a JSON object.", "Copy or download it again.")
    kind = config.get("model_type")
    if kind is None and "auto_map" not in config:  # transformers looks for a family's name in the folder's
        return
    import_alone("transformers")
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    if isinstance(kind, str) and kind in CONFIG_MAPPING_NAMES:
        return
    consequence = (
        "it would run a program that comes with the weights, and the playground never does that"
        if "auto_map" in config
        else f"transformers {transformers.__version__} has no program for it"
    )
    raise PlaygroundError(
        f"{where} is of the type {f'“{kind}”':.60}, which transformers does not know; {consequence}.",
        "Choose a model of a family that is part of transformers.",
    )


def slug(name: str) -> str:
    """A model's id or a file's name as part of a folder's name."""
    return re.sub(r"[^\w.-]", "_", name.replace("/", "--"))
