"""The scripts of the view Two models, by the outputs of its pictures."""

from dataclasses import replace
from typing import TYPE_CHECKING

from playground.scripts import common_pieces, two_models
from playground.scripts.script import Script
from playground.tabs.shared.scripts import reading_of_text, script_output
from playground.tabs.shared.wiring import Outputs
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.analysis.layers.head_matches import HeadMatches
    from playground.recording.layers.two_models import TwoModels


def next_script(models: "TwoModels", count: int) -> Outputs:
    """Of so many tokens that either expects next."""
    spellings = [recording.model.vocabulary.spelling for recording in models.both]
    if any(each.continuation or each.end or each.latin_bytes for each in spellings):
        return {script_output("figure"): Script(why=texts.OWN_SPELLING)}
    first, second = (None if each.byte_alphabet else each.space for each in spellings)
    return {script_output("figure"): two_models.next_tokens(_readings(models), (first, second), count)}


def bits_script(models: "TwoModels", count: int) -> Outputs:
    """Of the bits of so many pieces."""
    return {script_output("bits"): common_pieces.bits(_readings(models), count)}


def matches_script(models: "TwoModels", matches: "HeadMatches") -> Outputs:
    """Of the map of most similar heads."""
    return {script_output("heads"): common_pieces.similar_heads(_readings(models), matches.queries, matches.aside)}


def patterns_scripts(models: "TwoModels", matches: "HeadMatches", place: int) -> Outputs:
    """Of a head at a place of `matches.first`, and of the one most similar to it."""
    readings, best = _readings(models), int(matches.best[place, 0])
    names = [matches.first[place], *([matches.second[best]] if best >= 0 else [])]
    return {
        script_output(output): common_pieces.pattern(readings, side, name, matches.aside)
        for side, (output, name) in enumerate(zip(("one", "other"), names, strict=False))
    }


def _readings(models: "TwoModels") -> two_models.TwoReadings:
    """Both, if a script has the text and where each token lies in it; of what a decoder reads after it nothing."""
    first, second = (replace(reading_of_text(each, models.text), target_ids=()) for each in models.both)
    placed = (
        first.text is not None and second.text is not None and all(each.model.tokenizer.is_fast for each in models.both)
    )
    return two_models.TwoReadings(first, second, "" if placed else texts.NO_PLACES)
