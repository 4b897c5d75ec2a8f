"""What the model says next: probabilities, ranks, how many tokens share the rest."""

from typing import TYPE_CHECKING

from playground.course.lesson_model import LessonModel
from playground.course.measured import COUNT, RANK, SHARE, Measure, Measured
from playground.errors import PlaygroundError
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from torch import Tensor


def probability(loaded: LessonModel, text: str, token: str, temperature: float = 1.0) -> Measured:
    """The probability that `token` comes after `text`, after the temperature: softmax(logits / temperature)."""
    from playground.models.one_token import one_token

    shares = _shares(loaded, text, temperature)
    best, value = int(shares.argmax()), float(shares[one_token(loaded.model, token)])
    says = {"token": token.strip(), "top": _text(loaded, best), "top_share": percent(float(shares[best]))}
    return Measured(value, says)


def rank(loaded: LessonModel, text: str, token: str) -> Measured:
    """The rank of `token` among all tokens that may follow `text`, 1 for the most likely."""
    from playground.models.one_token import one_token

    logits = loaded.recording(text).last_logits
    chosen = one_token(loaded.model, token)
    best = int(logits.argmax())
    says = {"token": token.strip(), "top": _text(loaded, best), "vocabulary": f"{len(logits):,}"}
    share = float(_shares(loaded, text, 1.0)[chosen])
    return Measured(1 + int((logits > logits[chosen]).sum()), says | {"share": percent(share)})


def tokens_within(loaded: LessonModel, text: str, share: float, temperature: float = 1.0) -> Measured:
    """How many tokens, the most likely first, together have this share of the probability: what top-p keeps."""
    shares = _shares(loaded, text, temperature).double().sort(descending=True).values
    count = int((shares.cumsum(0) < share).sum()) + 1
    return Measured(min(count, len(shares)), {"vocabulary": f"{len(shares):,}", "share": percent(share)})


def distinct_draws(loaded: LessonModel, text: str, draws: int = 10, temperature: float = 1.0) -> Measured:
    """How many different tokens come when the next one is drawn with the seeds 0, 1, 2, …"""
    from playground.generation.generate import generate
    from playground.generation.settings import GenerationSettings

    if not 1 <= draws <= 50:
        raise PlaygroundError(f"A lesson asks for {draws} draws.", "1 to 50 are possible.")

    def draw() -> tuple[str, ...]:
        tokens = []
        for seed in range(draws):
            rules = GenerationSettings(max_new_tokens=1, temperature=temperature, seed=seed)
            tokens += [step.token.text for step in generate(loaded.model, text, rules)]
        return tuple(tokens)

    drawn = loaded.kept(("draws", text, draws, temperature), draw)
    different = dict.fromkeys(drawn)
    listed = ", ".join(f"“{one.strip()}”" for one in different)
    return Measured(len(different), {"drawn": listed, "draws": str(draws)})


def _shares(loaded: LessonModel, text: str, temperature: float) -> "Tensor":
    """(V,): the distribution after the temperature; of 0, all for the most likely token."""
    if not 0 <= temperature <= 10:
        raise PlaygroundError(f"A lesson asks for the temperature {temperature:g}.", "0 to 10 are possible.")
    logits = loaded.recording(text).last_logits
    return (logits / max(temperature, 1e-6)).softmax(0)


def _text(loaded: LessonModel, token: int) -> str:
    return loaded.model.vocabulary.text(token).strip() or "⏎"


MEASURES = {
    "probability": Measure(probability, SHARE, ("token", "top", "top_share")),
    "rank": Measure(rank, RANK, ("token", "top", "vocabulary", "share")),
    "tokens_within": Measure(tokens_within, COUNT, ("vocabulary", "share")),
    "distinct_draws": Measure(distinct_draws, COUNT, ("drawn", "draws")),
}
