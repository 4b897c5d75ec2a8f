"""What the model says next: probabilities, ranks, how many tokens share the rest."""

from typing import TYPE_CHECKING

from playground.course.classroom import Classroom
from playground.course.measured import COUNT, RANK, SHARE, Measure, Measured
from playground.errors import PlaygroundError
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from torch import Tensor


def probability(room: Classroom, text: str, token: str, temperature: float = 1.0) -> Measured:
    """The probability that `token` comes after `text`, after the temperature: softmax(logits / temperature)."""
    from playground.models.one_token import one_token

    shares = _shares(room, text, temperature)
    best, value = int(shares.argmax()), float(shares[one_token(room.model, token)])
    says = {"token": token.strip(), "top": _text(room, best), "top_share": percent(float(shares[best]))}
    return Measured(value, says)


def rank(room: Classroom, text: str, token: str) -> Measured:
    """The rank of `token` among all tokens that may follow `text`, 1 for the most likely."""
    from playground.models.one_token import one_token

    logits = room.recording(text).last_logits
    chosen = one_token(room.model, token)
    best = int(logits.argmax())
    says = {"token": token.strip(), "top": _text(room, best), "vocabulary": f"{len(logits):,}"}
    share = float(_shares(room, text, 1.0)[chosen])
    return Measured(1 + int((logits > logits[chosen]).sum()), says | {"share": percent(share)})


def tokens_within(room: Classroom, text: str, share: float, temperature: float = 1.0) -> Measured:
    """How many tokens, the most likely first, together have this share of the probability: what top-p keeps."""
    shares = _shares(room, text, temperature).double().sort(descending=True).values
    count = int((shares.cumsum(0) < share).sum()) + 1
    return Measured(min(count, len(shares)), {"vocabulary": f"{len(shares):,}", "share": percent(share)})


def distinct_draws(room: Classroom, text: str, draws: int = 10, temperature: float = 1.0) -> Measured:
    """How many different tokens come when the next one is drawn with the seeds 0, 1, 2, …"""
    from playground.generation.generate import generate
    from playground.generation.settings import GenerationSettings

    if not 1 <= draws <= 50:
        raise PlaygroundError(f"A lesson asks for {draws} draws.", "1 to 50 are possible.")

    def draw() -> tuple[str, ...]:
        tokens = []
        for seed in range(draws):
            rules = GenerationSettings(max_new_tokens=1, temperature=temperature, seed=seed)
            tokens += [step.token.text for step in generate(room.model, text, rules)]
        return tuple(tokens)

    drawn = room.kept(("draws", text, draws, temperature), draw)
    different = dict.fromkeys(drawn)
    listed = ", ".join(f"“{one.strip()}”" for one in different)
    return Measured(len(different), {"drawn": listed, "draws": str(draws)})


def _shares(room: Classroom, text: str, temperature: float) -> "Tensor":
    """(V,): the distribution after the temperature; of 0, all for the most likely token."""
    if not 0 <= temperature <= 10:
        raise PlaygroundError(f"A lesson asks for the temperature {temperature:g}.", "0 to 10 are possible.")
    logits = room.recording(text).last_logits
    return (logits / max(temperature, 1e-6)).softmax(0)


def _text(room: Classroom, token: int) -> str:
    return room.model.vocabulary.text(token).strip() or "⏎"


MEASURES = {
    "probability": Measure(probability, SHARE, ("token", "top", "top_share")),
    "rank": Measure(rank, RANK, ("token", "top", "vocabulary", "share")),
    "tokens_within": Measure(tokens_within, COUNT, ("vocabulary", "share")),
    "distinct_draws": Measure(distinct_draws, COUNT, ("drawn", "draws")),
}
