"""The scripts of the pictures of Generate: of the distribution at one place of the strip, or in a mask, of the rules by
which a token was picked, of a text's continuations, and of two rows of tokens beside each other."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from playground.analysis.generation.alignment import MAX_MATCHES
from playground.generation.continuation_tree import Node
from playground.generation.session import GenerationSession
from playground.recording.edits.edit import MEAN, TEXT
from playground.scripts.continuations import RULES, rule_by_rule, side_by_side, tree
from playground.scripts.next_token import next_token
from playground.scripts.script import Reading, Script
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import (
    NONE_YET,
    edited_model_for_script,
    edited_model_of,
    reading_for_script,
    reading_of_text,
    script_output,
)
from playground.tabs.shared.wiring import Outputs
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.generation.fill_mask import MaskPredictions
    from playground.generation.steps import NextTokens, Step
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording

_CHART, _STAGES = script_output("chart"), script_output("stages")
MOST_TOKENS = 8192
"""Of all continuations that one script holds."""


def script_of_place(page: PageContext, recording: "Recording", row: int, expected: "NextTokens") -> Outputs:
    """Of the logits at a row of a recorded text."""
    return {_CHART: next_token(reading_for_script(recording, page), row, len(expected.alternatives))}


def script_of_step(model: "LoadedModel", session: GenerationSession, place: int) -> Outputs:
    """Of a token that was written, at its place on the strip, and of the rules by which it was picked."""
    step = session.step_at(place)
    if step is None:
        return dict.fromkeys((_CHART, _STAGES), NONE_YET)
    number = place - len(session.prompt)
    node = session.tree.nodes[session.tree.path(session.node)[number]]
    written = [one.token.id for one in session.steps()][:number]
    reading = _read_before(model, session, written, [node])
    return {_CHART: _after(reading, step), _STAGES: _rule_by_rule(reading, node)}


def _read_before(
    model: "LoadedModel", session: GenerationSession, written: Sequence[int] = (), nodes: Sequence[Node] = ()
) -> Reading:
    """What the model has read before its next token: the text and what was written of it; of a translation the source, and
    in the decoder its beginning and what was written. nodes: of the tokens that the model wrote."""
    from playground.models.decoder_start import decoder_start  # torch: not before the page is there

    translates, edits = session.key.mode == "translate", session.key.edits
    read = decoder_start(model, session.key.target_language) if translates else session.ids
    starts = {node.read_before for node in nodes}
    first = len(read) + max(starts) if starts else None
    reading = edited_model_for_script(model, edits, first)
    searched = any(node.rules is not None and node.rules.beams > 1 for node in nodes)
    if any(edit.how in (MEAN, TEXT) for edit in edits) and (searched or len(starts) > 1):
        reading = replace(reading, why=reading.why or texts.GONE_ON)
    ids = *read, *written
    return replace(reading, ids=session.ids, target_ids=ids) if translates else replace(reading, ids=ids)


def _rule_by_rule(reading: Reading, node: Node) -> Script:
    choice, settings = node.step.choice, node.rules
    if choice is None or settings is None:
        return Script(why=texts.BY_HAND)
    rules = []
    for stage in choice.stages[1:]:  # behind the model's own
        known = next((rule for name, rule in RULES.items() if stage.name.startswith(f"{name} ")), None)
        if known is None:
            return Script(why=texts.OWN_RULE.format(rule=stage.name))
        rules.append((stage.name, known[0], getattr(settings, known[1])))
    number = None if choice.draw is None else choice.draw.number
    return rule_by_rule(reading, rules, choice.candidates, number)


def script_of_tree(model: "LoadedModel", session: GenerationSession) -> Outputs:
    """Of all continuations."""
    ends = session.tree.leaves()
    rows, why = _rows(session, ends)
    made = Script(why=why) if why else tree(_read_before(model, session, nodes=_nodes(session, ends)), rows)
    return {script_output("tree"): made}


def script_of_two(model: "LoadedModel", session: GenerationSession, leaf: int) -> Outputs:
    """Of the continuation on the strip and another one."""
    ends = session.node, leaf
    rows, why = _rows(session, ends)
    if why:
        return {script_output("beside"): Script(why=why)}
    reading = _read_before(model, session, nodes=_nodes(session, ends))
    return {script_output("beside"): side_by_side(reading, rows, ("strip", "other"), MAX_MATCHES)}


def script_of_two_texts(recordings: "Sequence[Recording]") -> Outputs:
    """Of two texts, each by itself."""
    rows = [[token.id for token in recording.tokens] for recording in recordings]
    reading, edited = edited_model_of(recordings)
    names = "first text", "second text"
    return {script_output("texts_beside"): side_by_side(reading, rows, names, MAX_MATCHES, edited)}


def _nodes(session: GenerationSession, ends: Sequence[int]) -> list[Node]:
    return [session.tree.nodes[number] for end in ends for number in session.tree.path(end)]


def _rows(session: GenerationSession, ends: Sequence[int]) -> tuple[list[list[int]], str]:
    """The ids of some continuations; and why they are too many, empty if they are not."""
    rows = [session.tree.ids(end) for end in ends]
    return rows, texts.MANY_TOKENS.format(most=MOST_TOKENS) if sum(map(len, rows)) > MOST_TOKENS else ""


def script_of_end(model: "LoadedModel", session: GenerationSession, expected: "NextTokens") -> Outputs:
    """Of what the model expects after the prompt."""
    return {_CHART: _after(_read_before(model, session), expected)}


def script_of_mask(recording: "Recording", predicted: "MaskPredictions") -> Outputs:
    """Of what the model expects in the place of the last mask, the tokens of all requested places being masked."""
    model, last = recording.model, predicted.predictions[-1]
    masks = {mask.index for mask in predicted.predictions}
    reading = reading_of_text(recording, "")
    ids = (model.tokenizer.mask_token_id if place in masks else number for place, number in enumerate(reading.ids))
    return {_CHART: next_token(replace(reading, ids=tuple(ids)), last.index, len(last.expected.alternatives))}


def _after(reading: Reading, expected: "NextTokens | Step") -> Script:
    return next_token(reading, -1, len(expected.alternatives))
