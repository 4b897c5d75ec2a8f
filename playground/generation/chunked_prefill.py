"""Whether a model may read a long prompt in chunks, and how long these are. Knows nothing of generating."""

from playground.generation.cached_steps import cached_steps
from playground.models.loaded_model import LoadedModel
from playground.models.rope_modules import rotary_modules, scales_with_length

PREFILL_CHUNK = 1024
"""Tokens of a long prompt that one forward pass reads on a CPU, where the whole takes seconds; in chunks it takes an
eighth longer. A GPU reads thousands of tokens at once."""
_SECONDS = 0.2
"""How long a chunk takes at most while others write. Their next token waits for LONG_IN_A_ROW of these in a row."""
_FIRST_CHUNK = 32
"""Tokens of a chunk before any was timed, and the least of all."""


class PrefillPace:
    """How fast one model reads prompts, from the last chunk; and so how much of one it may read while others write."""

    def __init__(self) -> None:
        self._tokens_per_second = 0.0

    @property
    def chunk(self) -> int:
        """Tokens at once while others write."""
        return max(_FIRST_CHUNK, int(_SECONDS * self._tokens_per_second))

    def note(self, tokens: int, seconds: float) -> None:
        """Notes how long so many tokens took. A few say little of a chunk: each pass reads all weights."""
        if tokens >= _FIRST_CHUNK:
            self._tokens_per_second = tokens / seconds


def supports_chunked_prefill(model: LoadedModel) -> bool:
    """Whether a prompt may be read in chunks: on a CPU, if that gives the logits of reading it at once, as `cached_steps`
    tries on a few tokens. An encoder-decoder's decoder begins with one token."""
    if model.device.value.type == "cuda" or model.model.config.is_encoder_decoder:
        return False
    return not any(map(scales_with_length, rotary_modules(model.model))) and cached_steps(model).in_chunks
