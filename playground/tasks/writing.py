"""A window of a text read by a model that writes, and what it wrote, token by token, with cross-attention. Knows no task.

Letters: Q tokens written, K tokens of the source.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from playground.errors import PlaygroundError
from playground.generation.checkpoint_settings import checkpoint_settings, most_new_tokens
from playground.generation.generate import generate
from playground.generation.limits import clamp_to_context, context_limit
from playground.generation.settings import GenerationSettings
from playground.generation.steps import PrefillProgress, Step, end_ids
from playground.models.decoder_start import Target, decoder_start, with_source_language
from playground.models.input_checks import check_ids
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token
from playground.recording.record import record
from playground.recording.recording import Recording
from playground.settings import Settings
from playground.tasks.sentence_windows import SentenceWindow, sentence_windows
from playground.tasks.windows import Tick, no_tick

MAX_READ = 1024
"""Tokens of a window, where a model reads so many."""
ALTERNATIVES = 6
"""Most likely tokens that are kept of each step."""
MOST_TOKENS = 100_000
ONE_STACK = "one stack reads and writes here, so no attention goes from what is written to its source alone"
CROSS = "cross"


@dataclass(frozen=True)
class Runs:
    """How the model is run; by default in the caller's own thread. A server passes its queues and caches."""

    write: Callable[[LoadedModel, Sequence[int], GenerationSettings], Iterable[Step | PrefillProgress]] = (
        lambda model, ids, settings: generate(model, list(ids), settings)
    )
    """The steps; before them it may say how far the prompt is read."""
    read: Callable[[LoadedModel, tuple[int, ...], Target], Recording] = record
    tick: Tick = no_tick


@dataclass(frozen=True)
class Room:
    """How much can be written for a window."""

    tokens: int
    positions_end: bool
    """Whether the model has no more positions; else its settings, or the server's, set the limit."""


@dataclass(frozen=True)
class Asking:
    """What an encoder-decoder is told beside the text."""

    prefix: str = ""
    """Words before the text (T5's "summarize: ", Marian's ">>fra<< ")."""
    source_language: str = ""
    target_language: str = ""
    """Codes of the tokenizer; empty: none, or as the tokenizer says."""


@dataclass(frozen=True, eq=False)
class WrittenPart:
    """A window of the text, and what was written for it."""

    window: SentenceWindow
    words: str
    """Its text."""
    source_ids: tuple[int, ...]
    """(K,): what the encoder read; of a decoder the whole prompt."""
    source: tuple[Token, ...]
    """(K,): the same; offsets point into the text. What is not the text's own counts as special."""
    unknown: int
    """Tokens of the source that the vocabulary lacks."""
    steps: tuple[Step, ...]
    """(Q,): the end token included; without their `choice`."""
    most: int
    """Tokens that it could write."""
    text: str
    """Without spaces round it."""
    ended: bool
    """Whether the model ended it, or would have with the next token; else it reached the most tokens."""
    attention: np.ndarray | None
    """(Q, K) float32, the mean of all heads of all layers: how much each token that was written looked at each token of the
    source while it was chosen; rows sum to 1."""
    why_no_attention: str
    """Why there is none; empty if there is."""
    positions_end: bool = False
    """Whether no more could be written because the model has no more positions."""
    end_probability: float | None = None
    """0..1: that the end comes next, where positions end and a last pass told; else None."""


def writes_from_source(model: LoadedModel) -> bool:
    """Whether an encoder reads the text and a decoder writes another one."""
    return bool(model.model.config.is_encoder_decoder and model.capabilities.generate and model.head is None)


def read_at_once(model: LoadedModel) -> int:
    """Tokens of a window, special ones included: as many as model and tokenizer say, at most `MAX_READ`."""
    stated = model.tokenizer.model_max_length  # a stranger's file may say anything
    limit = stated if isinstance(stated, int | float) and stated >= 1 else MAX_READ
    return int(min(model.max_tokens, limit, MAX_READ))


def count_tokens(model: LoadedModel, words: str) -> int:
    """Tokens of words, without special tokens."""
    return len(model.tokenizer(words, add_special_tokens=False, verbose=False)["input_ids"])


def source_windows(model: LoadedModel, text: str, prefix: str, overlap: int = 0) -> tuple[SentenceWindow, ...]:
    """The windows of a text that an encoder reads, each behind the prefix. PlaygroundError for a prefix that leaves the text
    no room."""
    limit = read_at_once(model)
    fixed = len(model.tokenizer(prefix, verbose=False)["input_ids"])
    if fixed >= limit:
        raise PlaygroundError(
            f"The words before the text have {fixed:,} tokens; this model reads {limit:,} at once.", "Shorten them."
        )
    room = limit - fixed
    return sentence_windows(text, lambda words: count_tokens(model, words), room, min(overlap, room // 2))


def own_settings(model: LoadedModel, source_tokens: int, most: int, asking: Asking | None = None) -> GenerationSettings:
    """Greedy, or with as many beams as the checkpoint asks for, by its own rules on repetition; as many tokens as it says,
    without a word of it `most`. What it draws is not followed."""
    own = checkpoint_settings(model, source_tokens) or GenerationSettings()
    return GenerationSettings(
        max_new_tokens=min(most_new_tokens(model, source_tokens) or most, MOST_TOKENS), greedy=True, beams=own.beams,
        repetition_penalty=own.repetition_penalty, no_repeat_ngram=own.no_repeat_ngram, alternatives=ALTERNATIVES,
        target_language=asking.target_language if asking else "",
    )  # fmt: skip


def source_tokens(model: LoadedModel, asking: Asking, words: str) -> tuple[list[int], tuple[Token, ...]]:
    """Ids and tokens of prefix and words, in the source's language. Offsets point into the words."""
    ids, tokens = model.vocabulary.tokenize(asking.prefix + words)
    ids, shift, placed = with_source_language(model, ids, asking.source_language), len(asking.prefix), []
    for number, token in zip(ids, tokens, strict=True):
        in_prefix = token.end <= shift and token.end > token.start
        text = token.text if number == token.id else model.vocabulary.text(number)
        start, end = max(0, token.start - shift), max(0, token.end - shift)
        placed.append(replace(token, id=number, text=text, start=start, end=end, special=token.special or in_prefix))
    return ids, tuple(placed)


def write_part(
    model: LoadedModel, text: str, window: SentenceWindow, asking: Asking, most: Callable[[int], int], runs: Runs
) -> WrittenPart:
    """What an encoder-decoder writes for a window. most(K) -> the most new tokens where the checkpoint does not say."""
    words = text[window.start : window.end]
    ids, source = source_tokens(model, asking, words)
    check_ids(model, ids)
    settings = own_settings(model, len(ids), most(len(ids)), asking)
    steps, room = written_steps(model, ids, settings, runs)
    source = tuple(replace(t, start=t.start + window.start, end=t.end + window.start) for t in source)
    part = written_part(model, (window, words), (ids, source), steps, room)
    if not steps:
        return part
    recording = runs.read(model, tuple(ids), target_of(steps, asking))
    if why := why_no_cross_attention(recording):
        part = replace(part, why_no_attention=why)
    else:
        attention = cross_attention(recording, rows_of(model, steps, asking))
        part = replace(part, attention=attention, why_no_attention="")
    return _with_end(model, part, recording) if part.positions_end else part


def _with_end(model: LoadedModel, part: WrittenPart, recording: Recording) -> WrittenPart:
    """A part whose positions end, with what the model says of the token after it, which nothing would read."""
    logits, ends = recording.last_logits, sorted(end_ids(model))
    probability = float(logits.softmax(-1)[ends].sum()) if ends else 0.0
    return replace(part, ended=int(logits.argmax()) in ends, end_probability=probability)


def written_steps(
    model: LoadedModel, ids: Sequence[int], settings: GenerationSettings, runs: Runs
) -> tuple[tuple[Step, ...], Room]:
    """The steps without what is not needed of them, and how many there could be. runs.tick is called after each, and while a
    long prompt is read."""
    requested, server = settings.max_new_tokens, Settings()
    steps, settings = list[Step](), clamp_to_context(model, ids, (), settings, server)
    for step in runs.write(model, ids, settings):
        if isinstance(step, Step):
            steps.append(replace(step, choice=None))
        runs.tick(min(1.0, len(steps) / settings.max_new_tokens))
    clamped = settings.max_new_tokens < min(requested, server.max_new_tokens)
    return tuple(steps), Room(
        settings.max_new_tokens, clamped and model.anatomy.context_length == context_limit(model, server)
    )


def write_windows(
    windows: Sequence[SentenceWindow], write: Callable[[SentenceWindow, Runs], WrittenPart], runs: Runs
) -> tuple[WrittenPart, ...]:
    """What is written for each window, in order; runs.tick is called with the share of all."""
    parts, count = [], len(windows)
    for number, window in enumerate(windows):
        runs.tick(number / count)
        parts.append(write(window, replace(runs, tick=_of_all(runs.tick, number, count))))
    return tuple(parts)


def _of_all(tick: Tick, number: int, count: int) -> Tick:
    return lambda share: tick((number + share) / count)


def joined(text: str, parts: Sequence[WrittenPart]) -> str:
    """What was written for all windows, joined by what stands between them in the text; after an overlap by a space."""
    words = parts[0].text if parts else ""
    for before, part in zip(parts, parts[1:], strict=False):
        gap = text[before.window.end : part.window.start] if before.window.end <= part.window.start else " "
        words += gap + part.text
    return words.strip()


def written_part(
    model: LoadedModel,
    placed: tuple[SentenceWindow, str],
    source: tuple[Sequence[int], tuple[Token, ...]],
    steps: tuple[Step, ...],
    room: Room,
) -> WrittenPart:
    """The part of a model with one stack: the window and its words, ids and tokens of the source, what was written."""
    (window, words), (ids, tokens) = placed, source
    unknown = sum(number == model.tokenizer.unk_token_id for number in ids)
    text = "".join(step.text for step in steps).strip()
    ended = bool(steps) and steps[-1].stopped
    full = room.positions_end and not ended and len(steps) == room.tokens
    return WrittenPart(
        window, words, tuple(ids), tokens, unknown, steps, room.tokens, text, ended, None, ONE_STACK, full
    )  # fmt: skip


def target_of(steps: Sequence[Step], asking: Asking) -> Target:
    """The tokens that were written, for a recording of the pass that chose them."""
    ids = [step.token.id for step in steps]
    return Target(language=asking.target_language, ids=tuple(ids[:-1] if steps[-1].stopped else ids))


def why_no_cross_attention(recording: Recording) -> str:
    """Why a recording has no attention from the decoder to the encoder; empty if it has."""
    if CROSS in recording.kinds:
        return ""
    return recording.why_no_attention or "the model gives no attention between decoder and encoder"


def cross_attention(recording: Recording, rows: slice, layer: int | None = None, head: int | None = None) -> np.ndarray:
    """(Q, K) float32: the weights of these rows of the decoder, each of which looks at the source while the token after it
    is chosen. layer, head: one of them, by default the mean of all. PlaygroundError for one that there is not."""
    layers = recording.layer_numbers(CROSS) if layer is None else (layer,)
    total = np.zeros(())
    for number in layers:
        attention = recording.attention(number, CROSS)
        weights = attention.rows_of_all(rows).mean(0) if head is None else attention.head(head)[rows]
        total = total + weights.numpy().astype(np.float64)
    return (total / len(layers)).astype(np.float32)


def rows_of(model: LoadedModel, steps: Sequence[Step], asking: Asking) -> slice:
    """The decoder's rows that chose the tokens of these steps."""
    first = len(decoder_start(model, asking.target_language)) - 1
    return slice(first, first + len(steps))
