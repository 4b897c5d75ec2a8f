"""The visitor's settings for choosing the next token. Knows no model."""

from dataclasses import dataclass

from playground.errors import PlaygroundError

_RANGES: tuple[tuple[str, type[int] | type[float], float, float], ...] = (
    ("max_new_tokens", int, 1, 100_000),
    ("temperature", float, 0, 5),
    ("top_k", int, 0, 1_000_000),
    ("top_p", float, 0, 1),
    ("min_p", float, 0, 1),
    ("repetition_penalty", float, 0.1, 5),
    ("typical_p", float, 0.01, 1),
    ("no_repeat_ngram", int, 0, 100),
    ("alternatives", int, 1, 1000),
    ("seed", int, 0, 2**63 - 1),
    ("samples", int, 1, 16),
    ("beams", int, 1, 16),
)
"""Name, type, least and largest value of each number."""


@dataclass(frozen=True)
class GenerationSettings:
    """How to choose the next token. PlaygroundError, with the range, for a value outside it."""

    max_new_tokens: int = 40
    """1 to Settings.max_new_tokens; fewer where the context ends."""
    greedy: bool = False
    """Always take the most probable token. Only the rules on repetition have an effect then."""
    temperature: float = 1.0
    """0 to 5: logits are divided by it. Below 0.0001 decoding is greedy, since no other token would be drawn."""
    top_k: int = 0
    """Keep the k most probable tokens; 0 keeps all."""
    top_p: float = 1.0
    """Keep the fewest most probable tokens whose probabilities reach p (nucleus, Holtzman et al. 2020); 0 to 1."""
    min_p: float = 0.0
    """Keep tokens at least this share as probable as the most probable one (Nguyen et al. 2024); 0 to 1, 0 keeps all."""
    typical_p: float = 1.0
    """Keep the tokens whose surprisal is nearest to the entropy, until they reach p (Meister et al. 2023); 1 keeps all."""
    repetition_penalty: float = 1.0
    """0.1 to 5: logits of tokens that the text already has are divided by it, or multiplied if negative (Keskar et al.
    2019)."""
    no_repeat_ngram: int = 0
    """No sequence of this many tokens is written twice; 0 allows all."""
    stop: tuple[str, ...] = ()
    """The text ends with the token that completes one of these."""
    seed: int | None = None
    """The same seed gives the same text; None draws a new one."""
    samples: int = 1
    """Continuations at once, 1 to 16: number i, from 0, is what the seed + i would give alone."""
    beams: int = 1
    """Continuations that beam search keeps at each step, 1 to 16; from 2 on the rules of drawing have no effect."""
    chat: bool = False
    """Put the prompt into the tokenizer's chat template as a user's turn."""
    source_language: str = ""
    """Of the prompt, for a model that is told languages; empty: as its tokenizer says."""
    target_language: str = ""
    """Of what is written."""
    alternatives: int = 10
    """How many of the most probable tokens each step reports."""

    def __post_init__(self) -> None:
        for name, kind, low, high in _RANGES:
            value = getattr(self, name)
            if name == "seed" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, kind | int) or not low <= value <= high:
                whole = "a whole number " if kind is int else ""
                raise PlaygroundError(f"{name} is {value!r}.", f"It is {whole}from {low:,} to {high:,}.")
        if isinstance(self.stop, str) or not all(isinstance(text, str) and text for text in self.stop):
            raise PlaygroundError(f"stop is {self.stop!r}.", "It is a list of texts, none of them empty.")
        if self.samples > 1 and self.beams > 1:
            raise PlaygroundError(
                f"{self.samples} samples and {self.beams} beams were asked for.",
                "Choose several of one kind, not of both.",
            )

    @property
    def is_greedy(self) -> bool:
        """Greedy by choice, or because a temperature or top-p of 0 leaves only the most probable token."""
        return self.greedy or self.temperature < 1e-4 or self.top_p == 0 or self.top_k == 1
