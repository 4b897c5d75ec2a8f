"""Summarise: a passage in few sentences, by a model that was trained to (T5, BART, Pegasus), or by a language model's chat;
which of its words are the passage's, and which sentences each of its sentences looked at.

    pg.summarise(pg.load("facebook/bart-large-cnn"), passage).text

Letters: Q tokens written, K tokens of the passage, M and N sentences of summary and passage.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from playground.analysis.tasks.alignment import grouped, tokens_of
from playground.analysis.tasks.copying import Copying, copying
from playground.analysis.tasks.text_units import Span, sentences
from playground.errors import PlaygroundError
from playground.generation.generate import prompt_ids
from playground.generation.limits import context_limit
from playground.generation.settings import GenerationSettings
from playground.models.asked_tasks import MAX_PREFIX, summary_prefix
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import check_text
from playground.settings import Settings
from playground.tasks.sentence_windows import SentenceWindow, sentence_windows
from playground.tasks.windows import OVERLAP
from playground.tasks.writing import (
    ALTERNATIVES,
    MAX_READ,
    Asking,
    Runs,
    WrittenPart,
    count_tokens,
    joined,
    own_settings,
    source_windows,
    write_part,
    write_windows,
    writes_from_source,
    written_part,
    written_steps,
)

PASSAGE = "{passage}"
PROMPT = f"Summarise the text in one sentence.\n\n{PASSAGE}"
MOST_TOKENS = 128
"""Of a window's summary, where the checkpoint does not say."""
_FOR_TEMPLATE = 64
"""Tokens that a chat template may put round the prompt."""


@dataclass(frozen=True, eq=False)
class Summary:
    """What a model wrote for a passage, window by window."""

    passage: str
    text: str
    """The windows' summaries, one behind the other."""
    parts: tuple[WrittenPart, ...]
    way: Literal["trained", "chat"]
    ask: str
    """The words before the passage, or the prompt with {passage}."""
    beams: int
    """1: greedy."""

    @cached_property
    def copying(self) -> Copying:
        """Which words stand in the passage."""
        return copying(self.passage, self.text)

    @property
    def unfinished(self) -> int:
        """Windows whose summary reached the most tokens before the model ended it."""
        return sum(not part.ended for part in self.parts)


@dataclass(frozen=True, eq=False)
class SentenceSource:
    """Where a sentence of a summary comes from."""

    sentence: str
    passage: tuple[Span, ...]
    """(N,): the sentences of its window, as characters of the passage."""
    shares: np.ndarray
    """(N,) 0..1: of the cross-attention of its tokens, the mean of all; what is missing to 1 went to special tokens."""
    tokens: np.ndarray
    """(K,): the same of each token of the window."""
    part: WrittenPart


def summarise(model: LoadedModel, passage: str, ask: str | None = None, runs: Runs | None = None) -> Summary:
    """A summary, greedily, or with beams where the checkpoint's own generation settings ask for them. A passage longer than
    the model reads is summarised in windows of whole sentences that overlap, each by itself.

    ask: of an encoder-decoder the words before the passage, by default as its configuration says; of a language model the
    prompt, with {passage}. runs: how the model is run, and what is called with the share done.

    PlaygroundError for a model that neither was trained to nor chats, an empty passage, and one of more than 64 windows.
    """
    passage = check_text(passage, Settings().max_text_bytes)
    if not passage.strip():
        raise PlaygroundError("There is no passage.", "Paste a text to summarise.")
    runs = runs or Runs()
    if reason := why_no_summary(model):
        raise PlaygroundError(
            f"{model.model_id} can't summarise: {reason}.",
            "Load a model that was trained to, such as facebook/bart-large-cnn, or one that chats.",
        )
    if writes_from_source(model):
        return _trained(model, passage, summary_prefix(model) if ask is None else ask, runs)
    return _by_chat(model, passage, PROMPT if ask is None else ask, runs)


def why_no_summary(model: LoadedModel) -> str:
    """Why a model can't summarise; empty if it can."""
    return "" if writes_from_source(model) else model.capabilities.chat.reason


def _trained(model: LoadedModel, passage: str, prefix: str, runs: Runs) -> Summary:
    if len(prefix) > MAX_PREFIX:
        raise PlaygroundError(
            f"There are {len(prefix):,} characters before the passage; at most {MAX_PREFIX} are read.", "Shorten them."
        )

    def write(window: SentenceWindow, runs: Runs) -> WrittenPart:
        return write_part(model, passage, window, asking, lambda count: MOST_TOKENS, runs)

    asking = Asking(prefix, target_language=model.languages.target if model.languages else "")
    parts = write_windows(source_windows(model, passage, prefix, OVERLAP), write, runs)
    return Summary(passage, joined(passage, parts), parts, "trained", prefix, own_settings(model, 1, 1).beams)


def _by_chat(model: LoadedModel, passage: str, prompt: str, runs: Runs) -> Summary:
    if prompt.count(PASSAGE) != 1 or len(prompt) > 10 * MAX_PREFIX:
        raise PlaygroundError(
            f"The prompt is none of at most {10 * MAX_PREFIX:,} characters.", f"Write {PASSAGE} once in it."
        )
    limit, fixed = context_limit(model, Settings()), count_tokens(model, prompt) + _FOR_TEMPLATE
    room = min(MAX_READ, limit - fixed - MOST_TOKENS)
    if room < 16:
        raise PlaygroundError(
            f"The prompt has {fixed:,} tokens with its template; this model reads {limit:,}, the passage and "
            f"{MOST_TOKENS} new tokens among them.",
            "Choose a model with a longer context.",
        )

    def write(window: SentenceWindow, runs: Runs) -> WrittenPart:
        words = passage[window.start : window.end]
        ids = prompt_ids(model, prompt.replace(PASSAGE, words), True, Settings())
        settings = GenerationSettings(max_new_tokens=MOST_TOKENS, greedy=True, alternatives=ALTERNATIVES)
        source = ids, model.vocabulary.describe(ids)
        return written_part(model, (window, words), source, *written_steps(model, ids, settings, runs))

    windows = sentence_windows(passage, lambda words: count_tokens(model, words), room, min(OVERLAP, room // 2))
    parts = write_windows(windows, write, runs)
    return Summary(passage, joined(passage, parts), parts, "chat", prompt, 1)


def sentence_sources(part: WrittenPart) -> tuple[SentenceSource, ...]:
    """For each sentence of a window's summary the share of its attention that each sentence of the window got; none without
    cross-attention."""
    if part.attention is None:
        return ()
    first = part.window.start
    passage = [(start + first, end + first) for start, end in sentences(part.words)]
    own = [place for place, token in enumerate(part.source) if not token.special]
    spans = [(part.source[place].start, part.source[place].end) for place in own]
    keys = [[own[number] for number in group] for group in tokens_of(passage, spans)]
    written = sentences(part.text)
    queries = tokens_of(written, written_spans(part))
    shares, each = grouped(part.attention, queries, keys), [[place] for place in range(len(part.source))]
    tokens = grouped(part.attention, queries, each)
    return tuple(
        SentenceSource(part.text[start:end], tuple(passage), shares[row], tokens[row], part)
        for row, (start, end) in enumerate(written)
    )


def written_spans(part: WrittenPart) -> list[Span]:
    """For each step the characters of the part's text that it settled; without its first spaces."""
    whole, spans, place = "".join(step.text for step in part.steps), [], 0
    lead = len(whole) - len(whole.lstrip())
    for step in part.steps:
        start = place + len(step.text) - len(step.text.lstrip())
        place += len(step.text)
        spans.append((max(0, start - lead), max(0, place - lead)))
    return spans
