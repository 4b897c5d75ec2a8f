"""Where a token's state can come from, through all layers, in a picture and a sentence."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from playground.analysis.attention.rollout_and_flow import add_residual, flow_to, rollout_to, strongest_source
from playground.analysis.text_display import in_words, listed, percent
from playground.errors import PlaygroundError
from playground.figures.attention.token_rows import through_figure

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from playground.recording.recording import Recording

METHODS = ROLLOUT, FLOW = "rollout", "flow"
MAX_TOKENS = {ROLLOUT: 512, FLOW: 64}
"""Tokens up to which each is computed: flow solves one problem for each layer and token."""


class SourcesPicture(NamedTuple):
    """The tokens that a state can come from."""

    figure: "Figure"
    sentence: str


def sources_picture(
    recording: "Recording", kind: str, token: int, method: str, drop_first: bool = False
) -> SourcesPicture:
    """The sources of a token's state after every layer, by one of METHODS. PlaygroundError for a text that is too long."""
    numbers = recording.layer_numbers(kind)
    labels = [t.label for t in recording.attention(numbers[0], kind).query_tokens]
    if len(labels) > MAX_TOKENS[method]:
        raise PlaygroundError(
            f"The text has {len(labels):,} tokens; {method} is computed for up to {MAX_TOKENS[method]}.",
            "Shorten it, or choose rollout." if method == FLOW else "Shorten it.",
        )
    weights = (recording.attention(n, kind).weights for n in numbers)
    shares = (flow_to if method == FLOW else rollout_to)(add_residual(weights, drop_first), token)
    first = float(shares[-1, 0])
    resting = token > 1 and first > 0 and not drop_first  # there is a token between the first and this one
    own, best, share = strongest_source(shares if not resting else np.delete(shares, 0, 1), token - resting)
    best += resting
    name, source = f"“{in_words(labels[token])}” (position {token})", f"“{in_words(labels[best])}” (position {best})"
    through = f"all {len(shares)} layers" if len(numbers) == recording.depth(kind) else f"layers {listed(numbers)}"
    if method == FLOW:
        at_first = f"from the first {first:.2f}, " if resting else ""
        sentence = (
            f"Of at most 1, {share:.2f} can flow to {name} through the attention of {through} from {source}, the most "
            f"of all {'but the first token' if resting else 'other tokens'}; {at_first}from itself {own:.2f}."
        )
    else:
        at_first = (
            f"{percent(first)} begin at the first token, where paths that lead only back end; " if resting else ""
        )
        most = f"most others, {percent(share)}, at {source}" if resting else f"{percent(share)} begin at {source}"
        sentence = f"Of all paths to {name} through the attention of {through}, {at_first}{most}; {percent(own)} "
        sentence += "at the token itself."
    if others := recording.model.anatomy.mixed_layers:
        sentence += (
            f" This model has {others}: what passes from token to token beside attention is in no path shown here."
        )
    sentence += f" The residual stream counts half in each of {len(shares)} layers, by the method's own assumption."
    figure = through_figure(shares, labels, token, what=method, description=sentence, layers=numbers)
    return SourcesPicture(figure, sentence)
