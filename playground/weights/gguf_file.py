"""What a GGUF file holds, and which of it transformers does not read. Runs in the converter's process, with transformers."""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from playground.errors import PlaygroundError
from playground.weights.file_rules import split_refusal

_AGAIN = "Copy or download it again."
_WITHOUT_EFFECT = (
    *("GGUF.", "general.", "split.", "quantize.", "tokenizer.ggml.token_type_count", "tokenizer.ggml.fim_"),
    *("tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"),
)
"""Beginnings of keys that describe the file, or that no number of the model depends on."""
_GPT2_SPLITS = frozenset({"gpt-2", "phi-2", "olmo", "mpt", "jais", "roberta-bpe"})
"""Names of the split that transformers takes where it does not know the name."""
_DIGIT_SPLITS = frozenset({"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"})
"""Names of the split that takes each digit alone, and then splits as GPT-2."""


_REQUIRED = ("block_count", "embedding_length", "attention.head_count")
"""Keys in whose place transformers would take the numbers of some other model of the family, without a word."""
_OTHER_KINDS = {
    "adapter": "an adapter (LoRA) alone",
    "mmproj": "the part of a larger model that reads pictures or sound",
    "imatrix": "a matrix of importances for quantizing",
}
"""general.type -> what such a file holds."""
_EPSILONS = ("attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon")
"""Keys of which a file with norms has one."""


@dataclass(frozen=True)
class GgufFile:
    """The header of a GGUF file, and its tensors that are not weights."""

    name: str
    architecture: str
    values: dict[str, Any]
    """Key -> number or string; of an array its length. Tokens and merges are left out."""
    tensor_shapes: dict[str, tuple[int, ...]]
    rope_tensors: dict[str, np.ndarray]
    """The tensors whose names begin with rope_, float64."""
    precision: dict[str, float]
    """Number format -> its share of all numbers, the largest first."""

    @property
    def head_width(self) -> int:
        """Dimensions of a head where no key says otherwise."""
        heads = self.value("attention.head_count")
        return int(self.value("embedding_length")) // heads if isinstance(heads, int) and heads > 0 else 0

    def value(self, key: str) -> Any:
        """The value of `{architecture}.{key}`, None without it."""
        return self.values.get(f"{self.architecture}.{key}")


def read_gguf(path: Path) -> GgufFile:
    """Reads a GGUF file without its weights. PlaygroundError for one that is damaged, or of no architecture."""
    import gguf

    try:
        reader = gguf.GGUFReader(path)
        values = {key: _value(field) for key, field in reader.fields.items()}
        numbers: Counter[str] = Counter()
        for tensor in reader.tensors:
            numbers[tensor.tensor_type.name] += int(tensor.n_elements)
        rope = {t.name: np.array(t.data, np.float64).ravel() for t in reader.tensors if t.name.startswith("rope_")}
        shapes = {t.name: tuple(int(size) for size in t.shape) for t in reader.tensors}
    except Exception as error:  # the reader checks nothing: a damaged file raises whatever numpy raises
        raise PlaygroundError(
            f"{path.name} ({path.stat().st_size:,} bytes) is cut off or damaged: its header describes more than it holds.",
            _AGAIN,
        ) from error
    kind = values.get("general.type", "model")
    if kind != "model":
        raise PlaygroundError(
            f"{path.name} holds {_OTHER_KINDS.get(kind, f'a part of the kind {kind!r:.40}')} (general.type), no model.",
            "Give the GGUF of the model itself.",
        )
    architecture = values.get("general.architecture")
    if not isinstance(architecture, str) or not numbers:
        lacks = "tensors" if isinstance(architecture, str) else "general.architecture"
        raise PlaygroundError(f"{path.name} holds no model: it has no {lacks}.", _AGAIN)
    if (parts := int(values.get("split.count") or 1)) > 1:
        raise split_refusal(path.name, parts)
    whole = sum(numbers.values())
    precision = {name: count / whole for name, count in numbers.most_common()}
    file = GgufFile(path.name, architecture, values, shapes, rope, precision)
    lacking = [key for key in _REQUIRED if file.value(key) is None]
    if any("norm" in name for name in shapes) and all(file.value(key) is None for key in _EPSILONS):
        lacking.append(_EPSILONS[0])
    if lacking:
        raise PlaygroundError(f"{path.name} lacks the key {architecture}.{lacking[0]}.", _AGAIN)
    return file


def set_text_split(file: GgufFile, tokenizer: Any) -> None:
    """Have the tokenizer split texts as the file says, where transformers does not know the name of the split."""
    if file.values.get("tokenizer.ggml.pre") in _DIGIT_SPLITS:
        from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

        tokenizer.backend_tokenizer.pre_tokenizer = Sequence(
            [Digits(individual_digits=True), ByteLevel(add_prefix_space=False)]
        )


def drop_foreign_tokens(file: GgufFile, folder: Path) -> None:
    """Take the special tokens that transformers adds (<|endoftext|>) and the file does not have out of a saved tokenizer:
    their ids have no row in the matrix."""
    count = int(str(file.values.get("tokenizer.ggml.tokens", "0")).split()[0].replace(",", ""))
    path, settings_path = folder / "tokenizer.json", folder / "tokenizer_config.json"
    if not count or not path.is_file():
        return
    state, settings = json.loads(path.read_text("utf-8")), json.loads(settings_path.read_text("utf-8"))
    foreign = {token["content"] for token in state["added_tokens"] if token["id"] >= count}
    state["added_tokens"] = [token for token in state["added_tokens"] if token["id"] < count]
    path.write_text(json.dumps(state, ensure_ascii=False), "utf-8")
    kept = {name: value for name, value in settings.items() if not (name.endswith("_token") and value in foreign)}
    settings_path.write_text(json.dumps(kept, ensure_ascii=False, indent=2), "utf-8")


def unread(file: GgufFile, read_tensors: Collection[str]) -> list[str]:
    """The keys (with their values) and tensors of a file that the conversion does not read, but for descriptions.

    read_tensors: names of the tensors that became weights."""
    from transformers.integrations.ggml import GGUF_CONFIG_MAPPING
    from transformers.integrations.gguf import GGUF_CONFIG_ARCHS, GGUF_TOKENIZER_MAPPING
    from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

    read = {f"tokenizer.{key}" for group in GGUF_TOKENIZER_MAPPING.values() for key in group}
    splits = _GPT2_SPLITS | _DIGIT_SPLITS | GGUF_PRE_TOKENIZER_SPLITS.keys()
    if file.values.get("tokenizer.ggml.model") == "gpt2" and file.values.get("tokenizer.ggml.pre") not in splits:
        read.discard("tokenizer.ggml.pre")
    names = {file.architecture, file.architecture.replace("-", "_"), file.architecture.replace("moe", "_moe")}
    if file.architecture == "t5encoder":
        names.add("t5")
    for name in names & GGUF_CONFIG_MAPPING.keys():
        mapping = cast("dict[str, str | int | None]", GGUF_CONFIG_MAPPING[name])
        read |= {f"{file.architecture}.{key}" for key, setting in mapping.items() if setting not in (None, -1)}
    widths = {  # read by another key, where they say the same
        f"{file.architecture}.attention.{name}_length"
        for name in ("key", "value")
        if file.value(f"attention.{name}_length") == (file.value("rope.dimension_count") or file.head_width)
    }
    follows_all = file.architecture in GGUF_CONFIG_ARCHS  # these read the header by a program, not by a table
    keys = [
        f"{key} = {value}"
        for key, value in file.values.items()
        if key not in read | widths
        and not key.startswith(_WITHOUT_EFFECT)
        and ".rope." not in key  # read by gguf_rope, or refused there
        and not (follows_all and key.startswith(f"{file.architecture}."))
    ]
    tensors = [name for name in file.tensor_shapes if name not in read_tensors and not name.startswith("rope_")]
    return [text[:120] for text in keys + tensors]


def _value(field: Any) -> Any:
    """The value of a field; of an array its length, since decoding 50,000 tokens takes a second."""
    import gguf

    if field.types and field.types[0] == gguf.GGUFValueType.ARRAY:
        return f"{len(field.data):,} values"
    return field.contents()
