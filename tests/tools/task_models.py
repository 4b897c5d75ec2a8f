"""Tiny models with the head of a task, and texts for them."""

from typing import Any

import torch
from transformers import AutoConfig, PreTrainedModel, PreTrainedTokenizerFast

from playground.models.task_head import TASK_CLASSES, Task
from tests.tools import zoo
from tests.tools.tokenizer_kinds import KINDS

LABELS = {
    "classify": ("negative", "positive", "mixed"),
    "tag": ("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
    "answer": ("LABEL_0", "LABEL_1"),
}


def network(family: str, task: Task, **settings: Any) -> PreTrainedModel:
    """A family's network with a random head, the same at every call."""
    torch.manual_seed(0)
    names = dict(enumerate(LABELS[task]))
    labels = {"id2label": names, "label2id": {name: number for number, name in names.items()}}
    config = AutoConfig.for_model(family, **zoo.FAMILIES.get(family, {}) | labels | settings)
    built = TASK_CLASSES[task].from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():  # fresh weights give all texts nearly the same scores
        for parameter in built.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return built


def word_pieces() -> PreTrainedTokenizerFast:
    """A tokenizer that marks the pieces that go on with a word, as BERT's does."""
    return KINDS["WordPiece"](None)


WORDS = (
    "the cat sat on mat, and Où is bibliothèque near du café? 中文 🙂 river bank Don't 1234 by dog It was Zoë in Paris"
)


def texts(count: int = 50) -> list[str]:
    """Short texts, no two alike, with capitals, accents, Chinese and an emoji."""
    words = WORDS.split()
    return [" ".join(words[(n * 3 + k * (1 + n % 5)) % len(words)] for k in range(2 + n % 7)) for n in range(count)]
