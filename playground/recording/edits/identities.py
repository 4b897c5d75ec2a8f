"""What must hold of edits, computed for the text at hand: each with the size of its error, or with the reason why it is not
computed."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch

from playground.errors import PlaygroundError
from playground.models.rounding import rounding
from playground.recording.edits.edit import ATTENTION, HEAD, LAYER, MLP, TEXT, Edit
from playground.recording.edits.places import depth_of
from playground.recording.layers.build import build_of
from playground.recording.layers.contributions import LARGEST_ERROR, contributions_of, direction_of, parts_of
from playground.recording.layers.lens import states_of, through_head
from playground.recording.recording import Recording

NOTHING, ALL, CONE, LAST = "nothing", "all", "cone", "last head"


@dataclass
class Identities:
    """Name -> the error, a share of the largest logit; and name -> why it is not known."""

    errors: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    bounds: dict[str, float] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every error is within its bound."""
        return all(error <= self.bounds[name] for name, error in self.errors.items())


def identities_of(recording: Recording, edited: Recording, position: int) -> Identities:
    """The identities of an edited recording of a text. recording: of the same text without edits.

    "nothing": the same edits with strength 0 change no bit. "cone": nor do they outside of their causal cone. "all": all
    layers taken out leave the lens of the embedding, or all parts of layers that norm each sum the embedding through these
    norms. "last head": a head of the last layer taken out with all else frozen
    is minus its contribution.
    """
    recording = recording.by_itself()
    coarse = rounding(recording.model.model.dtype).sums / rounding(torch.float32).sums  # 1 in float32
    result = Identities(bounds={NOTHING: 0.0, CONE: 0.0, ALL: 1e-5 * coarse, LAST: LARGEST_ERROR * coarse})
    none = [replace(edit, strength=0.0) for edit in edited.edits]
    result.errors[NOTHING] = _largest(_numbers(recording), _numbers(recording.with_edits(none)))
    cone = _outside_cone(recording, edited)
    if cone is not None:
        result.errors[CONE] = cone
    for name, compute in ((ALL, _all_taken_out), (LAST, _last_head)):
        try:
            result.errors[name] = compute(recording, position)
        except PlaygroundError as error:
            result.reasons[name] = str(error)
    return result


def _numbers(recording: Recording) -> torch.Tensor:
    return recording.last_logits if recording.model.capabilities.logits else recording.hidden_states


def _largest(one: torch.Tensor, other: torch.Tensor) -> float:
    """Largest difference, as a share of the largest number."""
    return float((one - other).abs().max() / one.abs().max().clamp_min(1e-30))


def _outside_cone(recording: Recording, edited: Recording) -> float | None:
    """Largest change of a state that no edit can reach; None where none is kept to compare."""
    if recording.states_shape is None or edited.states_shape is None or recording.target_tokens is not None:
        return None
    before, after = recording.hidden_states, edited.hidden_states
    below = min(edit.layer for edit in edited.edits) + 1
    errors = [float((before[:below] - after[:below]).abs().max())] if below > 0 else []
    starts = [min(edit.positions) if edit.positions else 0 for edit in edited.edits]
    if min(starts) and recording.model.anatomy.kind == "decoder":
        errors.append(float((before[:, : min(starts)] - after[:, : min(starts)]).abs().max()))
    return max(errors, default=None)


@torch.inference_mode()
def _all_taken_out(recording: Recording, position: int) -> float:
    build = build_of(recording.model)
    if build.normed:
        return _all_but_norms(recording, position)
    if not build.blocks or build.readout is None:
        raise PlaygroundError(build.why_no_parts or build.why_no_readout)
    bare = recording.with_edits([Edit(LAYER, layer) for layer in range(depth_of(recording.model))])
    embedding = states_of(recording, range(position, position + 1)).states[0]
    lens = through_head(recording.model, embedding).float().cpu()
    return _largest(lens[0], bare.logits_of([position])[0])


@torch.inference_mode()
def _all_but_norms(recording: Recording, position: int) -> float:
    """Of layers that norm each sum: without all parts the last state is the embedding through all their norms."""
    model, here = recording.model, range(position, position + 1)
    blocks = build_of(model).normed
    edits = [
        Edit(MLP if part.kind == MLP else ATTENTION, layer, kind="cross" if part.kind == "cross" else "")
        for layer, block in enumerate(blocks)
        for part in block.parts
    ]
    state = states_of(recording, here).states[:1].to(model.input_device, model.model.dtype)  # (1, 1, D)
    for block in blocks:
        state = block.bare(state)
    return _largest(state[0, 0].float().cpu(), states_of(recording.with_edits(edits), here).states[-1, 0])


@torch.inference_mode()
def _last_head(recording: Recording, position: int) -> float:
    model, last = recording.model, depth_of(recording.model) - 1
    parts = parts_of(recording, position)  # refuses with the reason
    result = contributions_of(recording, parts)
    attention = next((added for added in parts.parts[last] if added.part.kind == "attention"), None)
    if result.heads is None or attention is None or attention.part.projection is None:
        raise PlaygroundError("The heads of the last layer are not known.")
    if attention.part.projection.norm is not None:
        raise PlaygroundError("A norm after the attention, whose scale changes, can't be frozen.")
    head = int(np.nanargmax(np.abs(result.heads[last])))
    ids = tuple(token.id for token in recording.tokens)
    edits, here = [Edit(HEAD, last, (head,), (position,))], (position,)
    for added in parts.parts[last]:
        if added.part.kind != ATTENTION:
            part, kind = (MLP, "") if added.part.kind == MLP else (ATTENTION, added.part.kind)
            edits.append(Edit(part, last, positions=here, how=TEXT, text=ids, sources=here, kind=kind))
    edited = recording.with_edits(edits)
    after = states_of(edited, range(position, position + 1)).states[-1, 0].double()
    change = (after - parts.states[-1, 0].double()) @ direction_of(model, parts, result.token, None).vector
    largest = float(recording.logits_of([position]).abs().max())
    return abs(float(change) + float(result.heads[last, head])) / largest
