"""The lens of a recorded text: every state through the model's own final norm and head."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from playground.analysis.arrays import check_range
from playground.analysis.layers.lens import PLAIN, Lens, LensRequest, read_lens
from playground.analysis.layers.lens_rows import MEASURES
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.rounding import rounding
from playground.recording.edits.edit import Edit
from playground.recording.layers.build import build_of
from playground.recording.layers.layer_pass import LayerPass, layer_pass
from playground.recording.residual_stream import StreamPass, logits_of_layers

LAST = 64
"""Tokens at the end of a text that are shown, if nothing else is said."""
ROWS, WHOLE_ROWS = 1024, 128
"""States whose logits are in memory at once, in blocks and as a whole: 4 MB, and 25 MB of 50,000 tokens."""
_AT_ONCE = 64
"""Rows that go at once through a head that is not understood: the model runs once for each batch of these."""


class Text(Protocol):
    """A recorded text, as the lens needs it."""

    @property
    def model(self) -> LoadedModel: ...

    @property
    def edits(self) -> Sequence[Edit]:
        """What of the model is changed while it reads the text."""

    @property
    def length(self) -> int:
        """Tokens that have a next token: of an encoder-decoder the decoder's."""

    @property
    def kept_stream(self) -> Tensor | None:
        """(L + 1, T, D): the embedding, and what each layer leaves, before the final norm; None where they are not kept."""

    @property
    def stream(self) -> StreamPass | None:
        """The states that are kept, of all tokens or of the last ones; None where none are."""

    def run_again(self) -> None:
        """One more pass of the model."""

    def logits_of(self, rows: Sequence[int]) -> Tensor:
        """(rows, V): the model's logits of some tokens."""


def states_of(text: Text, tokens: range, between: bool = True) -> LayerPass:
    """The states of some tokens, those between a layer's attention and its MLP included or not: from another pass, unless
    the text keeps all that are needed.

    PlaygroundError where layers don't pass on one state per token.
    """
    kept = None if between else text.kept_stream
    if kept is not None:
        return LayerPass.of_stream(tokens, kept[:, tokens.start : tokens.stop].clone())
    states = layer_pass(text.model.model, build_of(text.model), tokens, text.run_again)
    return states if between else states.after_layers()


@torch.inference_mode()
def lens_of(text: Text, states: LayerPass, request: LensRequest = PLAIN) -> Lens:
    """The lens of states.

    PlaygroundError for a request out of range, with the reason for a model without logits, and where the last row is not
    the model's own output.
    """
    model = text.model
    check_range("The number of guesses", request.top, 1, 1_000)
    if unknown := set(request.measures) - set(MEASURES):
        raise PlaygroundError(
            f"The lens has no measure {', '.join(sorted(unknown))}.", f"It has: {', '.join(MEASURES)}."
        )
    if not model.capabilities.logits:
        raise PlaygroundError("This model has no lens:", f"{model.capabilities.logits.reason}.")
    if request.chosen is not None:
        check_range("The token id", request.chosen, 0, model.anatomy.vocabulary - 1)
    own = text.logits_of(list(states.tokens))
    rows = ROWS if _in_blocks(model) else WHOLE_ROWS
    blocks = partial(_blocks, model)
    lens = read_lens(states.names, states.tokens, states.states, blocks, own, rows, request)
    bounds = rounding(model.model.dtype)
    if lens.error > (bounds.logits if build_of(model).readout is None else 10 * bounds.sums):
        raise PlaygroundError(
            f"This model's lens can't be shown: its last row is off by {lens.error:.1g} from the model's own logits.",
            "Its way from the last layer to the logits is not understood.",
        )
    return lens


def _in_blocks(model: LoadedModel) -> bool:
    readout = build_of(model).readout
    return readout is not None and readout.in_blocks


def _blocks(model: LoadedModel, states: Tensor, first: int | None) -> Iterable[tuple[int, Tensor]]:
    """`Readout.blocks` of states (R, D), or all their logits in one."""
    readout = build_of(model).readout
    if readout is not None and readout.in_blocks:
        return readout.blocks(states, first)
    return [(0, through_head(model, states))]


def through_head(model: LoadedModel, states: Tensor) -> Tensor:
    """Logits (R, V) of states (R, D): by the final norm and the head where these are understood, else by the model's own
    code, whatever comes after its last layer."""
    if (readout := build_of(model).readout) is not None:
        return readout.logits(states)
    batches = states.split(_AT_ONCE)
    try:
        return torch.cat([logits_of_layers(model.model, batch) for batch in batches])
    except (RuntimeError, TypeError, ValueError, IndexError) as error:  # any family may go on in another way
        raise PlaygroundError(
            "This model's lens can't be shown:", "its way from the last layer to the logits is not understood."
        ) from error
