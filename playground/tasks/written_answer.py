"""A question answered by a language model's chat: it reads the passage and the question and writes; what it writes is looked
for in the passage."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from playground.errors import PlaygroundError
from playground.generation.generate import generate, prompt_ids
from playground.generation.settings import GenerationSettings
from playground.generation.steps import PrefillProgress, Step
from playground.models.loaded_model import LoadedModel
from playground.settings import Settings
from playground.tasks.windows import Tick, no_tick

PROMPT = "{passage}\n\nAnswer with a few words of the text above: {question}"
MAX_NEW_TOKENS = 40
Write = Callable[[Sequence[int], GenerationSettings], Iterable[Step | PrefillProgress]]
"""write(ids, settings) -> the steps, before them how far the prompt is read; `generate` without a queue if none is given."""


@dataclass(frozen=True)
class WrittenAnswer:
    """What the model wrote."""

    text: str
    probability: float
    """The product of its tokens' probabilities, the model's own."""
    spans: tuple[tuple[int, int], ...]
    """Characters of the passage that it repeats, start to end; none where nothing of it stands there."""
    steps: tuple[Step, ...]
    ids: tuple[int, ...] = ()
    """The prompt: passage and question in the chat template."""


def prompt_of(question: str, passage: str) -> str:
    """What the chat is asked."""
    return PROMPT.replace("{question}", question.strip()).replace("{passage}", passage.strip(), 1)


def answer_by_chat(
    model: LoadedModel, question: str, passage: str, write: Write | None = None, tick: Tick = no_tick
) -> WrittenAnswer:
    """Greedy, at most `MAX_NEW_TOKENS` tokens. tick is called with the share done after each and raises to stop.

    PlaygroundError for a model without a chat template, an empty question or passage, and one that is too long for it,
    with both numbers."""
    if not (question or "").strip():
        raise PlaygroundError("There is no question.", "Type one.")
    if not (passage or "").strip():
        raise PlaygroundError("There is no passage.", "Paste a text that holds the answer.")
    if not model.capabilities.chat:
        raise PlaygroundError(
            f"{model.model_id} is no reader, and can't be asked either: {model.capabilities.chat.reason}.",
            "Load a checkpoint of the kind …ForQuestionAnswering, or a model that chats.",
        )
    ids = prompt_ids(model, prompt_of(question, passage), True, Settings())
    settings = GenerationSettings(max_new_tokens=MAX_NEW_TOKENS, greedy=True)
    steps, probability = list[Step](), 1.0
    for step in (write or (lambda ids, settings: generate(model, list(ids), settings)))(ids, settings):
        if isinstance(step, Step):
            steps.append(replace(step, choice=None))
            probability *= step.probability
        tick(len(steps) / MAX_NEW_TOKENS)
    text = "".join(step.text for step in steps).strip()
    return WrittenAnswer(text, probability, places_in(passage, text), tuple(steps), tuple(ids))


def places_in(passage: str, written: str) -> tuple[tuple[int, int], ...]:
    """Where the written words stand in the passage: runs of words, each as long as it can be, in the order of the passage.
    A run has two words or more, or one of at least three letters that is no small word; case does not count."""
    lower, words, spans, place = passage.lower(), written.split(), set(), 0
    if len(lower) != len(passage):
        return ()
    while place < len(words):
        for count in range(len(words) - place, 0, -1):
            run = " ".join(words[place : place + count]).strip(_SIGNS).lower()
            if (
                len(run) >= 3
                and not (count == 1 and run in _SMALL_WORDS)
                and (at := _whole_words(lower, run)) is not None
            ):
                spans.add((at, at + len(run)))
                place += count - 1
                break
        place += 1
    return tuple(sorted(spans))


def _whole_words(lower: str, run: str) -> int | None:
    """The first place where the run stands with no letter of its own script beside it; None without one."""
    start = lower.find(run)
    while start >= 0:
        beside = lower[max(0, start - 1) : start] + lower[start + len(run) : start + len(run) + 1]
        if not any(letter.isascii() and letter.isalnum() for letter in beside):
            return start
        start = lower.find(run, start + 1)
    return None


_SIGNS = " .,;:!?。，！？\"'“”"
_SMALL_WORDS = frozenset(
    {
        "the",
        "and",
        "was",
        "were",
        "for",
        "that",
        "this",
        "with",
        "from",
        "who",
        "what",
        "when",
        "where",
        "which",
        "are",
        "has",
    }
    | {"is", "had", "his", "her", "its"}
)
"""Words that mark nothing by themselves."""
