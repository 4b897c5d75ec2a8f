"""How good a model is at a task, on 100 examples of our own: what “How good is it?” says on the page.

pg.how_good(pg.load("smollm2-135m-instruct"), "classify").interval
"""

from playground.analysis.tasks.accuracy import Accuracy
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.tasks.answer import answer
from playground.tasks.classify import classify
from playground.tasks.examples import answer_accuracy, tag_accuracy
from playground.tasks.sentiment import LABELS, sentiment_accuracy
from playground.tasks.summarise import summarise
from playground.tasks.summary_accuracy import summary_accuracy
from playground.tasks.tag import tag
from playground.tasks.translate import translate
from playground.tasks.translation_accuracy import translation_accuracy
from playground.tasks.windows import Tick, head_of, no_tick
from playground.tasks.written_answer import answer_by_chat

TASKS = ("classify", "answer", "tag", "translate", "summarise")


def how_good(model: LoadedModel, task: str, tick: Tick = no_tick) -> Accuracy:
    """How many of our examples a model gets right, half of them in Chinese; `interval` is the 95 % interval of the share,
    and `most_frequent` what needs no model: the same label for all, a span at random, the passage's first sentence; of
    names 0. Without a head, a language model classifies by its words and answers by its chat.

    tick: called with the share done, 0..1; raises to stop. PlaygroundError for an unknown task, and for a model that does
    not do it.
    """
    head = model.head.task if model.head else None
    if task == "classify":
        labels = () if head == "classify" else LABELS
        return sentiment_accuracy(lambda text: classify(model, text, labels).best.name, tick)[0]
    if task == "answer" and head == "answer":
        return answer_accuracy(lambda question, passage: answer(model, question, passage).best.text, True, tick)[0]
    if task == "answer":
        return answer_accuracy(lambda question, passage: answer_by_chat(model, question, passage).text, False, tick)[0]
    if task == "tag":
        names = head_of(model, "tag").labels

        def spans(text: str) -> list[tuple[int, int, str]]:
            return [(span.start, span.end, span.label) for span in tag(model, text).spans]

        return tag_accuracy(spans, names, tick).names
    if task == "translate":
        return translation_accuracy(lambda text: translate(model, text).text, tick)[0]
    if task == "summarise":
        return summary_accuracy(lambda passage: summarise(model, passage).text, tick).whole
    raise PlaygroundError(f"There is no task {task!r:.40}.", f"Choose one of: {', '.join(TASKS)}.")
