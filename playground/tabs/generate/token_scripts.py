"""The scripts of the pictures of Generate: of the distribution at one place of the strip, of the rules by which a token was
picked, of a text's continuations, and of two rows of tokens beside each other."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from playground.analysis.generation.alignment import MAX_MATCHES
from playground.generation.session import GenerationSession
from playground.scripts.continuations import RULES, rule_by_rule, side_by_side, tree
from playground.scripts.next_token import next_token
from playground.scripts.script import Script
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import model_for_script, reading_for_script, script_output
from playground.tabs.shared.wiring import Outputs
from playground.texts import scripts as texts

if TYPE_CHECKING:
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
    if step is None or session.key.mode == "translate":
        return dict.fromkeys((_CHART, _STAGES), Script(why=texts.WRITTEN))
    ids = session.all_ids()[:place]
    return _after(model, session, ids, step) | {_STAGES: _rule_by_rule(model, session, place)}


def _rule_by_rule(model: "LoadedModel", session: GenerationSession, place: int) -> Script:
    node = session.tree.nodes[session.tree.path(session.node)[place - len(session.prompt)]]
    choice, settings = node.step.choice, node.rules
    if session.key.edits or choice is None or settings is None:
        return Script(why=texts.EDITED if session.key.edits else texts.BY_HAND)
    rules = []
    for stage in choice.stages[1:]:  # behind the model's own
        known = next((rule for name, rule in RULES.items() if stage.name.startswith(f"{name} ")), None)
        if known is None:
            return Script(why=texts.OWN_RULE.format(rule=stage.name))
        rules.append((stage.name, known[0], getattr(settings, known[1])))
    number = None if choice.draw is None else choice.draw.number
    reading = replace(model_for_script(model), ids=tuple(session.all_ids()[:place]))
    return rule_by_rule(reading, rules, choice.candidates, number)


def script_of_tree(model: "LoadedModel", session: GenerationSession) -> Outputs:
    """Of all continuations."""
    rows = [session.tree.ids(leaf) for leaf in session.tree.leaves()]
    why = _why_not_written(session, rows)
    made = Script(why=why) if why else tree(model_for_script(model), session.ids, rows)
    return {script_output("tree"): made}


def script_of_two(model: "LoadedModel", session: GenerationSession, leaf: int) -> Outputs:
    """Of the continuation on the strip and another one."""
    rows = [session.tree.ids(node) for node in (session.node, leaf)]
    why = _why_not_written(session, rows)
    if why:
        return {script_output("beside"): Script(why=why)}
    reading = model_for_script(model)
    return {script_output("beside"): side_by_side(reading, session.ids, rows, ("strip", "other"), MAX_MATCHES)}


def script_of_two_texts(recordings: "Sequence[Recording]") -> Outputs:
    """Of two texts, each by itself."""
    rows = [[token.id for token in recording.tokens] for recording in recordings]
    if any(recording.edits for recording in recordings):
        return {script_output("texts_beside"): Script(why=texts.EDITED)}
    names = "first text", "second text"
    reading = model_for_script(recordings[0].model)
    return {script_output("texts_beside"): side_by_side(reading, (), rows, names, MAX_MATCHES)}


def _why_not_written(session: GenerationSession, rows: Sequence[Sequence[int]]) -> str:
    if session.key.mode == "translate":
        return texts.WRITTEN
    if session.key.edits:
        return texts.EDITED
    return texts.MANY_TOKENS.format(most=MOST_TOKENS) if sum(map(len, rows)) > MOST_TOKENS else ""


def script_of_end(model: "LoadedModel", session: GenerationSession, expected: "NextTokens") -> Outputs:
    """Of what the model expects after the prompt."""
    return _after(model, session, session.ids, expected)


def _after(
    model: "LoadedModel", session: GenerationSession, ids: Sequence[int], expected: "NextTokens | Step"
) -> Outputs:
    if session.key.edits:
        return {_CHART: Script(why=texts.EDITED)}
    reading = replace(model_for_script(model), ids=tuple(ids))
    return {_CHART: next_token(reading, -1, len(expected.alternatives))}
