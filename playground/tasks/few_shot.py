"""A translation by a language model that was never trained to translate: examples in a template, and what it goes on with.

English: water
Chinese: 水
English: {text}
Chinese:                     the model writes on to the end of the line
"""

from dataclasses import replace

from playground.errors import PlaygroundError
from playground.generation.limits import context_limit
from playground.generation.settings import GenerationSettings
from playground.models.loaded_model import LoadedModel
from playground.settings import Settings
from playground.tasks.sentence_windows import SentenceWindow, sentence_windows
from playground.tasks.writing import ALTERNATIVES, Runs, WrittenPart, count_tokens, written_part, written_steps

TEXT = "{text}"
TEMPLATE = f"""English: water
Chinese: 水
English: twenty three
Chinese: 二十三
English: I like tea.
Chinese: 我喜欢茶。
English: {TEXT}
Chinese:"""
MAX_TEMPLATE = 4_000
"""Characters."""
READ_AT_ONCE = 128
"""Tokens of the text in one template: examples of a line each teach lines."""


def checked_template(template: str) -> str:
    """PlaygroundError for a template without the place of the text, and for one that is too long."""
    template = template.rstrip()
    if template.count(TEXT) != 1 or len(template) > MAX_TEMPLATE:
        raise PlaygroundError(
            f"The template is no template of at most {MAX_TEMPLATE:,} characters.",
            f"Write {TEXT} once, where the text goes; end with what stands before its translation.",
        )
    return template


def few_shot_prompt(template: str, words: str) -> str:
    """What the model goes on with."""
    return template.replace(TEXT, " ".join(words.split()))


def example_windows(model: LoadedModel, text: str, template: str, settings: Settings) -> tuple[SentenceWindow, ...]:
    """The lines of the text, long ones in windows of whole sentences. PlaygroundError for a template that leaves the text no
    room."""
    limit, fixed = context_limit(model, settings), count_tokens(model, few_shot_prompt(template, ""))
    room = min(READ_AT_ONCE, (limit - fixed) // 4)  # its translation may be three times as long
    if room < 4:
        raise PlaygroundError(
            f"The template has {fixed:,} tokens; this model reads {limit:,}, text and translation among them.",
            "Take examples out.",
        )
    return sentence_windows(text, lambda words: count_tokens(model, words), room, lines=True)


def write_by_examples(model: LoadedModel, text: str, window: SentenceWindow, template: str, runs: Runs) -> WrittenPart:
    """What a language model writes in its line after the template, greedily."""
    words = text[window.start : window.end]
    ids, tokens = model.vocabulary.tokenize(few_shot_prompt(template, words))
    settings = GenerationSettings(
        max_new_tokens=3 * count_tokens(model, words) + 8, greedy=True, stop=("\n",), alternatives=ALTERNATIVES
    )
    part = written_part(model, (window, words), (ids, tokens), *written_steps(model, ids, settings, runs))
    return replace(part, text=part.text.partition("\n")[0].strip())
