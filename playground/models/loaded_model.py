"""A model in memory with its tokenizer, architecture and capabilities. Knows nothing of how it was loaded or probed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.cache_utils import Cache

from playground.models.architecture import Anatomy, embedding_matrix
from playground.models.attention_switch import full_attention_limit
from playground.models.devices import DeviceChoice, DtypeChoice
from playground.models.differential import differential_words
from playground.models.families import first_setting
from playground.models.languages import Languages
from playground.models.provenance import Provenance
from playground.models.quantization import QuantizationLoss
from playground.models.task_head import TaskHead
from playground.models.tokenizer_files import fit_remark
from playground.models.vocabulary import Vocabulary
from playground.texts.generate import IN_TURNS

T = TypeVar("T")


class CapturedStep(Protocol):
    """The forward pass of one token over a cache of its own, captured on a GPU; one caller at a time has it."""

    length: int
    """Tokens that its cache holds."""

    @property
    def gain(self) -> float | None:
        """How many times as fast as the usual forward pass; None before it was measured."""

    @property
    def full(self) -> bool:
        """Whether its cache has no room for another token."""

    def acquire(self, cache: Cache) -> bool:
        """Takes over what `cache` holds; False if another caller has the step, or if it holds too much."""

    def read(self, token: Tensor) -> Tensor:
        """Logits (1, V), float32, after one more token (1, 1)."""

    def release(self, cache: Cache) -> Cache:
        """A cache like `cache` with all that was read since; other callers may acquire the step again."""


@dataclass(frozen=True)
class Capability:
    """Whether something can be shown for a model; true if it can."""

    reason: str = ""
    """Why it can't be shown; empty if it can."""

    def __bool__(self) -> bool:
        return not self.reason


YES = Capability()


@dataclass(frozen=True)
class Capabilities:
    """What can be shown for a model, as a short test pass showed."""

    logits: Capability = YES
    """A score of every token of the vocabulary at each position."""
    generate: Capability = YES
    """Continuing a text token by token."""
    chat: Capability = YES
    """A chat template comes with the tokenizer."""
    attention: Capability = YES
    """Weights of every layer and head."""
    qk: Capability = YES
    """Queries, keys and scores; weights·V computed from them is the model's own."""
    hidden_states: Capability = YES
    """The residual stream before the first layer and after each layer."""
    embeddings: Capability = YES
    """The input embedding matrix."""
    pairs: Capability = YES
    """Two sentences in one input."""

    def missing(self) -> dict[str, str]:
        """Name -> reason of each capability that the model lacks."""
        return {name: capability.reason for name, capability in vars(self).items() if not capability}


@dataclass(eq=False)
class LoadedModel:
    """A pretrained transformer, ready to run and to be recorded.

    `model` and `tokenizer` are the objects of transformers.
    """

    model_id: str
    revision: str
    provenance: Provenance
    """The file that the weights come from."""
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: DeviceChoice
    dtype: DtypeChoice
    on_interface: bool
    """Whether attention runs through transformers' AttentionInterface, so that queries and keys can be recorded."""
    anatomy: Anatomy
    max_tokens: int
    """Longest text that is recorded."""
    capabilities: Capabilities = Capabilities()
    attention_calls: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Kind of attention -> the layer of each of a pass's attention calls, by the model's own number, as measured."""
    attention_function: str = ""
    """The name of transformers' attention function that records, or returns weights."""
    state_count: int = 0
    """How many states of the residual stream a recording has: one before the first layer and one after each."""
    projections: dict[int, torch.nn.Module] = field(default_factory=dict)
    """id of an attention module -> its output projection W^O, for modules that have one."""
    languages: Languages | None = None
    """The languages that the model is told by tokens, to translate between; None for a model that is told none."""
    quantization_loss: QuantizationLoss | None = None
    """Of int8 weights: how far the outputs are from those in float32."""
    head: TaskHead | None = None
    """The head that the checkpoint was trained with for a task; None for a language model, and for one without any."""
    graphs: tuple[CapturedStep, ...] = ()
    """On a GPU: the captured forward passes of one token over caches of growing length, as they get ready."""
    trusted: bool = False
    """Whether it is a model of the catalog, whose tokenizer and chat template run without limits."""
    tokenizer_set_aside: str = ""
    """The class of tokenizer that the files name and that would read other tokens than tokenizer.json says."""
    unusable_settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the checkpoint for writing that can't be used and are left out, by name."""
    why_unbatched: str = ""
    """Why the tokens of several visitors are not read in one pass; empty where they are."""
    _facts: dict[Hashable, object] = field(default_factory=dict, init=False, repr=False)
    _fact_locks: dict[Hashable, threading.RLock] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.vocabulary = Vocabulary(self.tokenizer)

    def fact(self, name: Hashable, make: Callable[[], T]) -> T:
        """What `make()` returned at the first call with this name; kept as long as the model.

        For small results that depend on the model alone. Threads that ask for the same name wait for one `make()`;
        other names do not wait. `make` may ask for other facts. What it raises is raised here and not kept.
        """
        if name not in self._facts:
            with self._fact_locks.setdefault(name, threading.RLock()):
                if name not in self._facts:
                    self._facts[name] = make()
        return cast(T, self._facts[name])

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Id, revision, device and number format: two models with the same key give the same results."""
        return self.model_id, self.revision, str(self.device.value), self.dtype.name

    @property
    def origin(self) -> str:
        """Source of the weights: local folder, hub cache, hub, package index."""
        return self.provenance.origin

    @property
    def source_text(self) -> str:
        """One line for files that a visitor takes away: model, weight file, checksum and number formats."""
        return self.provenance.text(self.model_id, self.dtype.name)

    @property
    def input_device(self) -> torch.device:
        """The device of the embedding matrix, which input ids must be on; layers may be on several GPUs."""
        return embedding_matrix(self.model).device

    def layer_type(self, layer: int) -> str:
        """The type of a layer as the configuration calls it ("linear attention"); empty where it does not say."""
        types = first_setting(self.model.config.get_text_config(), "layer_types", "layers_block_type") or ()
        return str(types[layer]).replace("_", " ") if layer < len(types) else ""

    @property
    def card(self) -> dict[str, str]:
        """The architecture card: name -> text, each value read from the model itself."""
        facts = self.anatomy.card() | {
            "Device": f"{self.device.name}, because {self.device.reason}",
            "Number format": f"{self.dtype.name}: {self.dtype.reason}",
        }
        if self.head:
            facts["Head"] = f"{type(self.head.network).__name__}: {self.head.words}"
        if remark := self.fact("tokenizer fit", lambda: fit_remark(self.tokenizer, self.anatomy.vocabulary)):
            facts["Tokenizer"] = remark
        if self.tokenizer_set_aside:
            facts["Tokenizer read"] = (
                f"as tokenizer.json says: {self.tokenizer_set_aside}, which the files name, would read other tokens"
            )
        if words := self.fact("differential", lambda: differential_words(self.model, self.anatomy.heads)):
            facts["Differential"] = words
        if (limit := full_attention_limit(self.model)) is not None:
            facts["Longer texts"] = f"sparse attention beyond {limit:,} tokens, which is not recorded: they are refused"
        if self.quantization_loss:
            facts["From float32"] = str(self.quantization_loss)
            if self.anatomy.tied_embeddings:
                facts["Embeddings"] = "tied; for the output a copy in int8"
        if self.why_unbatched:
            facts["Visitors who write at once"] = IN_TURNS.format(reason=self.why_unbatched)
        if self.graphs:
            gains = ", ".join(f"{graph.gain:.1f} up to {graph.length:,} tokens" for graph in self.graphs)
            facts["Writing"] = f"one captured graph a token; times as fast as without, measured here: {gains}"
        return facts | self.provenance.card(self.dtype.name)
