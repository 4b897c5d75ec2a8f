"""Who looks from one token of a recorded text at another: all heads of a kind of attention, ranked."""

from typing import TYPE_CHECKING

from playground.analysis.attention.pair_ranking import PairRanking, rank_heads
from playground.analysis.text_display import counted, in_words
from playground.errors import PlaygroundError
from playground.recording.head_choice import is_causal

if TYPE_CHECKING:
    from playground.recording.recording import Recording


def rank_heads_between(recording: "Recording", query: int, key: int, kind: str | None = None) -> PairRanking:
    """All heads ranked by the weight that the token `query` gives to the token `key`, both counted from 0.

    kind: one of `recording.kinds`, the first without. PlaygroundError for tokens that don't exist, and, with the reason,
    where the query can't see the key.
    """
    numbers = recording.layer_numbers(kind)
    maps = [recording.attention(number, kind) for number in numbers]
    first = maps[0]
    for name, place, tokens in (("query", query, first.query_tokens), ("key", key, first.key_tokens)):
        if not 0 <= place < len(tokens):
            raise PlaygroundError(f"There is no {name} token {place}.", f"They count from 0 to {len(tokens) - 1}.")
    before, after = f"“{in_words(first.query_tokens[query].label)}”", f"“{in_words(first.key_tokens[key].label)}”"
    if key > query and is_causal(recording, first.kind):
        raise PlaygroundError(
            f"No head looks from {before} (position {query}) to {after} (position {key}): it comes later, and this model "
            "reads from left to right.",
            f"Ask who looks from {after} to {before}.",
        )
    ranking = rank_heads([of_layer.query_rows(query).numpy() for of_layer in maps], key, numbers)
    if not ranking.heads[0].weight:
        raise PlaygroundError(
            f"No head looks from {before} (position {query}) to {after} (position {key}): the mask hides it in every layer.",
            f"They are {counted(abs(query - key), 'token')} apart.",
        )
    return ranking
