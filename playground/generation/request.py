"""What sampling and beam search continue, and what all generations share. Runs no model."""

from dataclasses import dataclass, field

from playground.concurrency.fair_queue import FairQueue
from playground.generation.kv_cache import PrefixCaches
from playground.generation.settings import GenerationSettings
from playground.generation.step_batcher import StepBatchers
from playground.models.decoder_start import decoder_start
from playground.models.loaded_model import LoadedModel
from playground.recording.edits.edit import Edit, check_positions
from playground.settings import Settings


@dataclass(frozen=True)
class GenerationRequest:
    """What to continue, and how."""

    model: LoadedModel
    ids: tuple[int, ...]
    """The prompt's, or those that the encoder of an encoder-decoder reads."""
    continuation: tuple[int, ...]
    """Ids written after the prompt so far."""
    generation: GenerationSettings
    edits: tuple[Edit, ...] = ()
    """What of the model is changed while it writes."""

    @property
    def is_encoder_decoder(self) -> bool:
        """Whether an encoder reads the prompt and a decoder the continuation."""
        return bool(self.model.model.config.is_encoder_decoder)

    @property
    def start(self) -> tuple[int, ...]:
        """What the decoder of an encoder-decoder reads before the first token that is written."""
        return decoder_start(self.model, self.generation.target_language)

    @property
    def decoder_ids(self) -> list[int]:
        """All that the decoder reads before the first new token."""
        if self.is_encoder_decoder:
            return [*self.start, *self.continuation]
        return [*self.ids, *self.continuation]

    def check_edits(self) -> None:
        """PlaygroundError for an edit of a token that neither the prompt has nor what may be written."""
        if self.edits:
            length = len(self.decoder_ids) + self.generation.max_new_tokens
            check_positions(self.edits, length, len(self.ids) if self.is_encoder_decoder else None)


@dataclass(frozen=True)
class SharedResources:
    """What the generations of one server share."""

    settings: Settings = field(default_factory=Settings)
    """Its limits."""
    prefixes: PrefixCaches | None = None
    """Key-value caches of earlier texts, to read from and to add to."""
    turns: FairQueue = field(default_factory=FairQueue)
    """The queue of the device."""
    batchers: StepBatchers = field(default_factory=StepBatchers)
    """Who write with one model write in one pass."""
