"""The head of a checkpoint that was trained for a task: what it scores, and its labels, as the checkpoint's configuration
says. Runs nothing.
"""

from dataclasses import dataclass
from typing import Any, Literal

from transformers import (
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PreTrainedModel,
)

from playground.errors import PlaygroundError

Task = Literal["classify", "answer", "tag"]
TASK_CLASSES: dict[Task, Any] = {
    "classify": AutoModelForSequenceClassification,
    "answer": AutoModelForQuestionAnswering,
    "tag": AutoModelForTokenClassification,
}
"""Task -> transformers' registry of the classes with such a head."""
SOFTMAX, SIGMOID, REGRESSION = "softmax", "sigmoid", "regression"
MAX_LABEL = 80
"""Characters of a label's name that are kept: it comes from a stranger's file."""


@dataclass(frozen=True, eq=False)
class TaskHead:
    """A task's head on a loaded model. `network.base_model` is the LoadedModel's own `model`."""

    task: Task
    network: PreTrainedModel
    labels: tuple[str, ...]
    """K names in the order of the head's outputs; empty for a reader, which scores starts and ends."""
    function: str
    """What makes probabilities of a classifier's logits: softmax (one label of K), sigmoid (each label by itself), or
    regression (none: the output is the number itself)."""
    named: bool
    """Whether the checkpoint names its labels; else they are LABEL_0, LABEL_1, …"""

    @property
    def words(self) -> str:
        """What the head does, to follow "This model": "classifies texts with 2 labels"."""
        if self.task == "answer":
            return "marks the answer to a question in a passage"
        if self.function == REGRESSION:
            return "gives a text a number" if len(self.labels) == 1 else f"gives a text {len(self.labels)} numbers"
        what = "classifies texts" if self.task == "classify" else "tags the words of a text"
        return f"{what} with {len(self.labels):,} label{'' if len(self.labels) == 1 else 's'}"


def task_of(network: PreTrainedModel) -> Task | None:
    """The task that a network's class is made for; None for any other class."""
    for task, auto in TASK_CLASSES.items():
        if type(network) in class_list(auto, type(network.config)):
            return task
    return None


def class_list(auto: Any, config_class: type) -> tuple[Any, ...]:
    """The classes that a registry has for a class of configurations."""
    if config_class not in auto._model_mapping:
        return ()
    classes = auto._model_mapping[config_class]
    return tuple(classes) if isinstance(classes, list | tuple) else (classes,)


def task_head(network: PreTrainedModel) -> TaskHead | None:
    """The head of a network that has one of these tasks; None for any other network. PlaygroundError for a reader whose
    head has not two outputs, and for a network that is one piece with its head."""
    task = task_of(network)
    if task is None:
        return None
    if network.base_model is network and task != "answer":
        raise PlaygroundError(
            f"{type(network).__name__} is one piece: nothing below its head can be shown.", "Choose another checkpoint."
        )
    if task == "answer":
        if network.config.num_labels != 2:
            raise PlaygroundError(
                f"The head of {type(network).__name__} has {network.config.num_labels:,} outputs by config.json; a reader "
                "has two, for the answer's start and for its end.",
                "Set num_labels to 2, or choose another checkpoint.",
            )
        return TaskHead(task, network, (), SOFTMAX, False)
    config = network.config
    names: Any = config.id2label or {}
    count = int(config.num_labels or 0)
    plain = [f"LABEL_{number}" for number in range(count)]
    labels = [str(names.get(number, plain[number])).strip()[:MAX_LABEL] or plain[number] for number in range(count)]
    return TaskHead(task, network, _distinct(labels), _function(config, task, count), labels != plain)


def _function(config: Any, task: Task, count: int) -> str:
    """As transformers' pipeline chooses: by problem_type, and without one by the number of labels."""
    if task == "tag":
        return SOFTMAX
    if config.problem_type == "regression":
        return REGRESSION
    return SIGMOID if config.problem_type == "multi_label_classification" or count == 1 else SOFTMAX


def _distinct(labels: list[str]) -> tuple[str, ...]:
    """The labels, each with its number behind it where another one has the same name."""
    return tuple(f"{label} ({number})" if labels.count(label) > 1 else label for number, label in enumerate(labels))
