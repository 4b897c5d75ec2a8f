"""Sentences as vectors: the hidden states of a loaded model, pooled as it was trained to, or by mean, first or last token.
Compares and draws nothing.

Letters: B lines of a batch, T tokens, D d_model, N lines.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from playground.analysis.text_display import plain_mark
from playground.embeddings import pooling_names
from playground.embeddings.pooling_names import NAMES, OWN
from playground.embeddings.sentence_layers import NotFollowed
from playground.embeddings.sentence_modules import SentenceModules, read_sentence_modules
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel

MEAN, FIRST, LAST = NAMES[pooling_names.MEAN], NAMES[pooling_names.CLS], NAMES[pooling_names.LAST]
POOLINGS = (MEAN, FIRST, LAST)
_PLAIN = {
    MEAN: SentenceModules((pooling_names.MEAN,)),
    FIRST: SentenceModules((pooling_names.CLS,)),
    LAST: SentenceModules((pooling_names.LAST,)),
}
MAX_LINES = 1000
MAX_BYTES = 200_000
MAX_LINE_TOKENS = 256
"""Tokens of a line that are read where the model names no limit for sentences, as sentence-transformers does for MiniLM."""
BATCH = 32


@dataclass(frozen=True, eq=False)
class Encoded:
    """Sentences as vectors of a model."""

    model: LoadedModel
    vectors: Tensor
    """(N, D) float32; D is d_model, but for a pooling of the model's own that joins or projects vectors."""
    cut: int
    """How many of the lines had more than `limit_of(model)` tokens."""

    @property
    def nbytes(self) -> int:
        """Bytes of the vectors."""
        return self.vectors.nbytes


def _modules(model: LoadedModel) -> SentenceModules | NotFollowed | None:
    """The modules that a model was trained with; the reason where they can't be followed; None for a model without."""

    def read() -> SentenceModules | NotFollowed | None:
        place = str(model.model.name_or_path or "")
        try:
            return read_sentence_modules(Path(place)) if place and Path(place).is_dir() else None
        except NotFollowed as reason:
            return reason

    return model.fact("sentence modules", read)


def limit_of(model: LoadedModel) -> int:
    """Tokens of a line that are read: the model's own limit for sentences, 256 without one; never more than it can read."""
    modules = _modules(model)
    if not isinstance(modules, SentenceModules):
        return min(MAX_LINE_TOKENS, model.max_tokens)
    own = modules.max_tokens or int(min(model.tokenizer.model_max_length, 10**9))
    return max(1, min(own, model.max_tokens))


def own_pooling(model: LoadedModel) -> str | None:
    """How the model was trained to make a sentence of its tokens, in words; None for a model without such training, and
    for one whose modules can't all be followed (`not_followed`)."""
    modules = _modules(model)
    return modules.description if isinstance(modules, SentenceModules) else None


def not_followed(model: LoadedModel) -> str:
    """The module that the model was trained with and that can't be followed, in words; empty if there is none."""
    modules = _modules(model)
    return str(modules) if isinstance(modules, NotFollowed) else ""


def usual_pooling(model: LoadedModel) -> str:
    """The model's own pooling; without one the last token of a decoder, which attends to all others, else the mean."""
    return own_pooling(model) or (LAST if model.anatomy.kind == "decoder" else MEAN)


def chosen_pooling(model: LoadedModel, name: str) -> str:
    """The pooling of this name; the usual one of the model for any other name. The model's own is `OWN`."""
    if name in POOLINGS:
        return name
    return OWN if own_pooling(model) else usual_pooling(model)


def modules_of(model: LoadedModel, pooling: str) -> SentenceModules:
    """What a pooling consists of. PlaygroundError for an unknown one."""
    modules = _modules(model)
    if isinstance(modules, SentenceModules) and pooling in (OWN, modules.description):
        return modules
    if pooling in _PLAIN:
        return _PLAIN[pooling]
    choices = [*([OWN] if isinstance(modules, SentenceModules) else []), *POOLINGS]
    raise PlaygroundError(f"There is no pooling {pooling!r}.", f"Choose one of: {', '.join(choices)}.")


def prompt_of(model: LoadedModel, modules: SentenceModules, role: str = "") -> tuple[str, int]:
    """What is put before a sentence, and how many of its tokens are not pooled: none, or those of the prompt without the
    special token that ends a text."""
    prompt = modules.prompt(role)
    if modules.include_prompt or not prompt:
        return prompt, 0
    ids = _ids(model, prompt)
    return prompt, len(ids) - (ids[-1] in model.vocabulary.special_ids)


def pooling_remark(model: LoadedModel, pooling: str) -> str:
    """A sentence for people, after a space: how states are pooled, and whether the model was trained so."""
    own, reason, modules = own_pooling(model), not_followed(model), _modules(model)
    if isinstance(modules, SentenceModules) and pooling in (OWN, own, modules.pooling):
        return f" A sentence is the {modules.pooling}, as the model was trained to."
    if reason:
        return f" A sentence is the {pooling}: the model was trained with {reason}, which is not followed here."
    return f" A sentence is the {pooling}: " + (
        "the model was trained with another way." if own else "the model was not trained for sentences."
    )


def split_lines(text: str) -> list[str]:
    """The sentences of a text, one a line. PlaygroundError if none or too many, with both numbers."""
    size = len((text or "").encode("utf-8", "replace"))
    if size > MAX_BYTES:
        raise PlaygroundError(f"The lines have {size:,} bytes; at most {MAX_BYTES:,} are read.", "Take some out.")
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    if not lines:
        raise PlaygroundError("There are no sentences.", "Type some, one a line.")
    if len(lines) > MAX_LINES:
        raise PlaygroundError(f"There are {len(lines):,} lines; at most {MAX_LINES:,} are compared.", "Take some out.")
    return lines


@torch.inference_mode()
def encode(
    model: LoadedModel,
    lines: Sequence[str],
    pooling: str = MEAN,
    tick: Callable[[float], None] = lambda share: None,
    layer: int | None = None,
    role: str = "",
) -> Encoded:
    """The lines' vectors, of the states after a layer (0: the embedding), by default the last one.

    An encoder-decoder's vectors are its encoder's. With the model's own pooling (`OWN`, or the words of `own_pooling`)
    they are those of `SentenceTransformer.encode`: prompts, lower case, its limit and all modules; where a layer is named,
    without the modules that follow the pooling. tick is called with the share done, 0..1, and raises to stop.
    role: "query" or "document", for models with a prompt for each. PlaygroundError for a line without tokens, and for
    an unknown pooling.
    """
    modules, limit = modules_of(model, pooling), limit_of(model)
    prompt, skipped = prompt_of(model, modules, role)
    texts = [(prompt + line).lower() if modules.lower_case else prompt + line for line in lines]
    lengths = [len(_ids(model, text)) for text in texts]
    ids = [_ids(model, text, limit) for text in texts]
    by_length = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    vectors: list[Tensor] = [torch.empty(0)] * len(ids)
    for start in range(0, len(by_length), BATCH):
        tick(start / len(by_length))
        numbers = by_length[start : start + BATCH]
        states = _states(model, [ids[i] for i in numbers], layer)  # (B, T, D)
        for row, i in enumerate(numbers):
            vectors[i] = modules.pool(states[row, : len(ids[i])], skipped)
            if layer is None:
                vectors[i] = modules.finish(vectors[i])
    return Encoded(model, torch.stack(vectors), sum(length > limit for length in lengths))


def _ids(model: LoadedModel, text: str, limit: int | None = None) -> list[int]:
    """Ids of a line, at most `limit`: special tokens at its end stay."""
    options = {} if limit is None else {"truncation": True, "max_length": limit}
    ids = cast(list[int], model.tokenizer(text, verbose=False, **options)["input_ids"])
    if not ids:
        raise PlaygroundError(f"“{plain_mark(text.strip(), 40)}” has no token in this model.", "Take it out.")
    return ids


def _states(model: LoadedModel, lines: Sequence[Sequence[int]], layer: int | None) -> Tensor:
    """(B, T, D) float32, on the CPU: states of lines of token ids after a layer, those beyond a line's end undefined."""
    if layer is not None and not (can_show := model.capabilities.hidden_states):
        raise PlaygroundError("The states after this model's layers can't be shown:", f"{can_show.reason}.")
    network = model.model.get_encoder() if model.model.config.is_encoder_decoder else model.model.base_model
    lengths = torch.tensor([len(line) for line in lines])
    batch = torch.full((len(lines), int(lengths.max())), model.tokenizer.pad_token_id or 0)
    for row, line in enumerate(lines):
        batch[row, : len(line)] = torch.tensor(line)
    mask = torch.arange(batch.shape[1]) < lengths[:, None]  # (B, T)
    outputs = network(
        input_ids=batch.to(model.input_device),
        attention_mask=mask.long().to(model.input_device),
        return_dict=True,
        output_hidden_states=layer is not None,
    )
    states = outputs.last_hidden_state if layer is None else outputs.hidden_states[layer]
    if states.shape[:-1] != batch.shape:
        raise PlaygroundError(
            "This model gives no vector for each token:",
            f"its states have the shape {tuple(states.shape[1:])} for {batch.shape[1]} tokens.",
        )
    return states.float().cpu()
