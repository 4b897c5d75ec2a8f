"""A model in memory with all that is known of it. Knows nothing of how it was found, loaded or probed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from playground.models.architecture import Anatomy
from playground.models.devices import Choice
from playground.models.quantization import Distance
from playground.models.vocabulary import Vocabulary

if TYPE_CHECKING:
    from playground.generation.cuda_graph import CudaGraphDecoder


@dataclass(frozen=True)
class Capability:
    """Whether something can be shown for a model, and if not, why not. True where it can."""

    reason: str = ""

    def __bool__(self) -> bool:
        return not self.reason


YES = Capability()


@dataclass(frozen=True)
class Capabilities:
    """What can be shown for a model, found by trying it on a few tokens."""

    logits: Capability = YES
    """Scores of the vocabulary for each token."""
    generate: Capability = YES
    """Continuing a text token by token."""
    chat: Capability = YES
    """A chat template comes with the tokenizer."""
    attention: Capability = YES
    """Weights of every layer and head."""
    maths: Capability = YES
    """Queries, keys and scores, checked against what the model used."""
    embeddings: Capability = YES
    """The input embedding matrix."""
    pairs: Capability = YES
    """Two sentences in one input."""

    def missing(self) -> dict[str, str]:
        """Name and reason of each that is off."""
        return {name: capability.reason for name, capability in vars(self).items() if not capability}


@dataclass(eq=False)
class LoadedModel:
    """A pretrained transformer ready to run and to be looked into.

    `model` and `tokenizer` are the transformers objects, for whoever wants to go on by hand.
    """

    model_id: str
    revision: str
    origin: str
    """Where the weights came from: local folder, hub cache, hub, package index."""
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: Choice
    dtype: Choice
    on_interface: bool
    """The family runs its attention through transformers' AttentionInterface, so q and k can be kept."""
    anatomy: Anatomy
    max_tokens: int
    """Longest text recorded."""
    capabilities: Capabilities = Capabilities()
    projections: dict[int, torch.nn.Module] = field(default_factory=dict)
    """By the id of an attention module: the linear layer that reads its heads' outputs, W^O, where there is one."""
    distance: Distance | None = None
    """With int8 weights: how far the model is from itself in float32."""
    graph: CudaGraphDecoder | None = None
    """On a GPU: reading one token as a captured graph, once it is ready."""

    def __post_init__(self):
        self.vocabulary = Vocabulary(self.tokenizer)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells this model's results from any other's: id, revision, device, number format."""
        return self.model_id, self.revision, str(self.device.value), self.dtype.name

    @property
    def input_device(self) -> torch.device:
        """Where input ids belong, also when the layers are spread over several GPUs."""
        return self.model.get_input_embeddings().weight.device

    @property
    def card(self) -> dict[str, str]:
        """The architecture card: what the model is, each value read from the model, as text for people."""
        facts = self.anatomy.card() | {
            "Device": f"{self.device.name}, because {self.device.reason}",
            "Number format": f"{self.dtype.name}: {self.dtype.reason}",
        }
        if self.distance:
            facts["From float32"] = str(self.distance)
            if self.anatomy.tied_embeddings:
                facts["Embeddings"] = "tied; for the output a copy in int8"
        if self.graph:
            facts["Writing"] = (
                f"one captured graph a token, {self.graph.gain:.1f} times as fast as without, measured here"
            )
        facts["Weights from"] = self.origin
        return facts
