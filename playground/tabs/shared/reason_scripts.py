"""The scripts of explanations: what each token of a text adds to a score."""

from dataclasses import replace
from typing import TYPE_CHECKING

from playground.scripts.attribution import LABEL, SPAN, TAG, reasons
from playground.scripts.script import Script
from playground.tabs.shared.scripts import model_for_script
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.tasks.attribute import Attribution
    from playground.tasks.token_scores import TokenScore

AUTO = {
    LABEL: "AutoModelForSequenceClassification",
    TAG: "AutoModelForTokenClassification",
    SPAN: "AutoModelForQuestionAnswering",
}
"""What is explained -> the class of transformers that has such a head."""


def reasons_script(score: "TokenScore", seen: "Attribution") -> Script:
    """Of the bars of an explanation."""
    from playground.tasks.attribute import baseline_token  # torch: not before the page is there

    if score.logits is None:
        return Script(why=texts.OWN_SCORE)
    model, reading = score.model, model_for_script(score.model)
    special = set(model.tokenizer.all_special_ids)
    places = [place for place, free in enumerate(score.free) if free]
    own = places == [place for place, number in enumerate(score.ids) if number not in special]
    auto = AUTO.get(score.logits.kind, reading.checkpoint.auto)
    reading = replace(
        reading, checkpoint=replace(reading.checkpoint, auto=auto), ids=score.ids, segments=score.segment_ids or ()
    )
    blank = baseline_token(model)
    return reasons(reading, score.logits, seen.method, blank, seen.path, None if own else places)
