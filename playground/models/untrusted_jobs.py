"""What is done with a stranger's files in a process with limits: the configuration and the tokenizer are loaded, texts
are tokenized, chat templates rendered. Run by its path (concurrency/fork_server.py).
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import AutoConfig, AutoModel, LlamaConfig, PreTrainedTokenizerBase, PreTrainedTokenizerFast
from transformers.utils.chat_template_utils import render_jinja_template

sys.path.append(str(Path(__file__).resolve().parents[2]))
from playground.models.tokenizer_choice import chosen_tokenizer  # noqa: E402

_tokenizers: dict[str, PreTrainedTokenizerBase] = {}
_set_aside: dict[str, str] = {}


def configuration(folder: str) -> dict:
    """Numbers of `tensors` and `parameters` of the model that config.json describes, built without memory; buffers count
    by their bytes as float32. `error`, if it can't be built so."""
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with torch.device("meta"):
            model = AutoModel.from_config(config)
    except MemoryError:
        raise
    except Exception as error:  # the loading will meet it again, without memory: it builds so as well
        return {"tensors": 0, "parameters": 0, "error": f"{type(error).__name__}: {error}"[:300]}
    buffers = sum(buffer.numel() * buffer.element_size() for buffer in model.buffers())
    weights = [weight.numel() for weight in model.parameters()]
    return {"tensors": len(weights), "parameters": sum(weights) + buffers // 4, "error": ""}


def tokenizer(folder: str) -> dict:
    """Loads a tokenizer and tries it. `longest`: characters of its longest token; `set_aside`: the class that would read
    other tokens than tokenizer.json says."""
    if folder not in _tokenizers:
        _tokenizers[folder], _set_aside[folder] = chosen_tokenizer(Path(folder))
        tokenize(folder, "a b", None)
    return {"longest": max(map(len, _tokenizers[folder].get_vocab()), default=0), "set_aside": _set_aside[folder]}


def tokenize(folder: str, text: str, pair: str | None) -> int:
    """Number of tokens of a text."""
    return len(_tokenizers[folder](text, pair)["input_ids"])


def decode(folder: str, ids: list[int]) -> int:
    """Number of characters that ids stand for."""
    return len(_tokenizers[folder].decode(ids))


def render(template: str, messages: list[dict], tokens: dict[str, Any]) -> str:
    """A conversation in a chat template, up to the opening of the answer. tokens: the tokenizer's special ones by name."""
    rendered = render_jinja_template([messages], chat_template=template, add_generation_prompt=True, **tokens)
    return str(rendered[0][0])  # (texts, places)


def match(patterns: list[str], names: list[str]) -> int:
    """Matches names of modules with an adapter's regular expressions, in each of the ways in which peft does; the number of
    matches."""
    ways = [
        way for p in patterns for way in (p, rf"(.*\.)?({p})$", rf"(^|.*\.){p}($|\..*)", rf"(?:^|.*?\.){p}\.(\d+)\.")
    ]
    return sum(bool(re.fullmatch(way, name)) + bool(re.match(way, name)) for way in ways for name in names)


def _warm_up() -> None:
    """Imports what every model and every tokenizer needs, so that a forked process has it already."""
    with torch.device("meta"):
        AutoModel.from_config(LlamaConfig(vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1))
    PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"a": 0}, unk_token="a")))("a")


JOBS: dict[str, Callable] = {
    "configuration": configuration,
    "tokenizer": tokenizer,
    "tokenize": tokenize,
    "decode": decode,
    "render": render,
    "match": match,
}

_warm_up()
