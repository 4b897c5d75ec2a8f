"""The scripts of explanations: what each token of a text adds to a score."""

from dataclasses import replace
from typing import TYPE_CHECKING

from playground.scripts.attribution import LABEL, SPAN, TAG, TAUGHT, reasons
from playground.scripts.script import Script
from playground.tabs.shared.scripts import edited_model_for_script

if TYPE_CHECKING:
    from playground.tasks.attribute import Attribution
    from playground.tasks.token_scores import TokenScore

AUTO = {
    LABEL: "AutoModelForSequenceClassification",
    TAG: "AutoModelForTokenClassification",
    SPAN: "AutoModelForQuestionAnswering",
    TAUGHT: "AutoModel",
}
"""What is explained -> the class of transformers that has such a head; of a layer that was taught here without one."""


def reasons_script(score: "TokenScore", seen: "Attribution") -> Script:
    """Of the bars of an explanation."""
    from playground.tasks.attribute import baseline_token  # torch: not before the page is there

    assert score.logits is not None, "every score that the page explains has a formula"
    model, reading = score.model, edited_model_for_script(score.model, score.edits)
    special = set(model.tokenizer.all_special_ids)
    places = [place for place, free in enumerate(score.free) if free]
    own = places == [place for place, number in enumerate(score.ids) if number not in special]
    auto = AUTO.get(score.logits.kind, reading.checkpoint.auto)
    reading = replace(
        reading,
        checkpoint=replace(reading.checkpoint, auto=auto),
        ids=score.ids,
        segments=score.segment_ids or (),
        target_ids=score.logits.written,
    )
    blank = baseline_token(model)
    return reasons(reading, score.logits, seen.method, blank, seen.path, None if own else places)
