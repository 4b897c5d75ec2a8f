"""Who looks at whom."""

from playground.course.lesson_model import LessonModel
from playground.course.measured import COUNT, SHARE, HeadWeights, Measure, Measured
from playground.course.measures.places import place_of
from playground.recording.head_choice import existing_head
from playground.texts.numbers import percent


def weight(loaded: LessonModel, text: str, looks: str, at: str, layer: int, head: int) -> Measured:
    """The share of its attention that the token `looks` gives to the token `at`, in one head."""
    row, tokens = _row(loaded, text, looks, layer, head)
    best = max(range(len(row)), key=row.__getitem__)
    value = row[place_of(tokens, at)]
    return Measured(value, {"top": tokens[best].text.strip(), "top_share": percent(row[best])})


def looks_at(loaded: LessonModel, text: str, looks: str, layer: int, head: int) -> Measured:
    """The token to which the token `looks` gives most of its attention, in one head."""
    row, tokens = _row(loaded, text, looks, layer, head)
    best = max(range(len(row)), key=row.__getitem__)
    labels = [token.label for token in tokens]
    return Measured(row[best], {"top": tokens[best].text.strip()}, labels, row)


def first_token_share(loaded: LessonModel, text: str) -> Measured:
    """The share of all attention that goes to the first token: the mean over all layers, heads and tokens after it."""
    recording = loaded.recording(text)
    weights = [recording.attention(layer).weights[:, 1:, 0].mean() for layer in recording.layer_numbers()]
    heads = sum(recording.attention(layer).heads for layer in recording.layer_numbers())
    most = sum(
        int((recording.attention(layer).weights[:, 1:, 0].mean(1) > 0.5).sum()) for layer in recording.layer_numbers()
    )
    says = {"first": recording.tokens[0].text.strip(), "heads": f"{heads:,}", "resting": f"{most:,}"}
    return Measured(float(sum(weights)) / len(weights), says)


def heads_looking(loaded: LessonModel, text: str, looks: str, at: str) -> Measured:
    """How many heads give the token `at` more of the token `looks`' attention than any other token."""
    from playground.recording.pair_ranking import rank_heads_between

    recording = loaded.recording(text)
    ranking = rank_heads_between(recording, place_of(recording.tokens, looks), place_of(recording.tokens, at))
    best = ranking.heads[0]
    says = {"heads": f"{len(ranking.heads):,}", "layer": str(best.layer), "head": str(best.head)}
    return Measured(ranking.firm, says | {"top_share": percent(best.weight)})


def heads_between(loaded: LessonModel, text: str, looks: str, at: str) -> HeadWeights:
    """Of every head the share of attention that the token `looks` gives to the token `at`."""
    from playground.recording.pair_ranking import rank_heads_between

    recording = loaded.recording(text)
    ranking = rank_heads_between(recording, place_of(recording.tokens, looks), place_of(recording.tokens, at))
    weights = {(one.layer, one.head): one.weight for one in ranking.heads}
    best = ranking.heads[0]
    says = {"layer": str(best.layer), "head": str(best.head), "top_share": percent(best.weight)}
    return HeadWeights(weights, says | {"heads": f"{len(weights):,}", "mean": percent(ranking.mean)})


def _row(loaded: LessonModel, text: str, looks: str, layer: int, head: int) -> tuple[list[float], list]:
    """A token's weights in one head, and the tokens that it sees: those up to itself in a model that reads from left to
    right."""
    recording = loaded.recording(text)
    layer, head = existing_head(recording, layer, head)
    attention = recording.attention(layer)
    place = place_of(attention.query_tokens, looks)
    row = attention.head(head)[place].tolist()
    seen = len(row) if any(row[place + 1 :]) else place + 1
    return row[:seen], list(attention.key_tokens[:seen])


MEASURES = {
    "weight": Measure(weight, SHARE, ("top", "top_share")),
    "looks_at": Measure(looks_at, SHARE, ("top",), ("token",)),
    "first_token_share": Measure(first_token_share, SHARE, ("first", "heads", "resting")),
    "heads_looking": Measure(heads_looking, COUNT, ("heads", "layer", "head", "top_share")),
    "heads_between": Measure(heads_between, SHARE, ("layer", "head", "top_share", "heads", "mean"), ("head",)),
}
