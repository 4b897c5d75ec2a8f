"""Which score is explained for which way of classifying, and by which method at first."""

from collections.abc import Sequence

from playground.analysis.tasks.attribution import INTEGRAL, OCCLUSION
from playground.models.loaded_model import LoadedModel
from playground.models.task_head import SOFTMAX
from playground.tasks.classification import Classification, Way
from playground.tasks.classify import TaughtLayer
from playground.tasks.label_words import TEMPLATE
from playground.tasks.token_scores import TokenScore, label_score, taught_score, word_label_score


def explained_label(
    model: LoadedModel,
    text: str,
    result: Classification,
    against: str = "",
    *,
    template: str = TEMPLATE,
    taught: TaughtLayer | None = None,
) -> TokenScore:
    """The score of the best label minus that of `against`, or of the runner-up where there is no such label; of a single
    label, and of labels that each hold by themselves, its logit alone."""
    names = [label.name for label in result.ranking]
    best, others = result.best.name, [name for name in names if name != result.best.name]
    other = against if against in others else others[0] if others and result.function == SOFTMAX else ""
    if taught is not None:
        return taught_score(taught, text, best, other)
    if result.way == "words":
        return word_label_score(model, text, _names(result), best, other, template)
    return label_score(model, text, best, other)


def _names(result: Classification) -> Sequence[str]:
    return [label.name for label in result.labels]


def usual_method(way: Way) -> str:
    """Integrated gradients for heads; occlusion for a language model, between whose texts the straight way leads through
    embeddings that it never saw, so that the parts hardly ever add up."""
    return OCCLUSION if way == "words" else INTEGRAL
