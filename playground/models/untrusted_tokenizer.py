"""A stranger's tokenizer: loaded, and each text tried, in a process with limits before it is used here."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from playground.concurrency.limited_process import JobFailed, LimitedProcess
from playground.errors import PlaygroundError, Progress, unforeseen
from playground.models.untrusted import ANOTHER_MODEL, LOADING, TOKENIZING, new_process, ticker, within_limits

_PLAIN_DECODERS = frozenset(
    ["Sequence", "ByteLevel", "ByteFallback", "Fuse", "Strip", "Metaspace", "WordPiece", "BPEDecoder", "Replace", "CTC"]
)
"""Decoders of the tokenizers library that write no more than they read."""
LONGEST_TOKEN = 10_000
"""Characters."""


@dataclass(frozen=True)
class TriedTokenizer:
    """A tokenizer that a process has loaded within limits."""

    process: LimitedProcess
    set_aside: str | None = None
    """The class that would read other tokens than tokenizer.json says, empty where it reads the same; None where the
    files could not be loaded."""


def check_tokenizer(folder: Path, progress: Progress) -> TriedTokenizer:
    """Loads a folder's tokenizer within limits; returns the process that has it. PlaygroundError where a limit is reached
    or a token is longer than any text; what else is wrong shows when it is loaded here."""
    process = new_process()
    try:
        facts = _load_tokenizer(process, folder, ticker(progress))
    except JobFailed as error:
        process.close()
        if error.name == "RecursionError":
            raise PlaygroundError("A file of the checkpoint's tokenizer nests too deep.", ANOTHER_MODEL) from error
        return TriedTokenizer(process)
    except BaseException:
        process.close()
        raise
    if facts["longest"] > LONGEST_TOKEN:
        process.close()
        raise PlaygroundError(f"The tokenizer has a token of {facts['longest']:,} characters.", ANOTHER_MODEL)
    return TriedTokenizer(process, facts["set_aside"])


def guard_tokenizer(tokenizer: PreTrainedTokenizerBase, folder: Path, process: LimitedProcess) -> None:
    """Tries each text in the process, which has the tokenizer of this folder, before the tokenizer reads it here; ids
    too, where its decoder can make much of little. The process ends with the tokenizer."""

    def attempt(job: str, *arguments: Any) -> None:
        if not process.running:
            try:
                _load_tokenizer(process, folder)
            except JobFailed as error:
                raise PlaygroundError(
                    "The checkpoint's tokenizer can't be tried within limits.", ANOTHER_MODEL
                ) from error
        process.ask(job, str(folder), *arguments, **TOKENIZING)

    @lru_cache(maxsize=16)
    def try_text(text: Any, pair: Any) -> None:
        size = len(text) if isinstance(text, str) else sum(map(len, text))
        what = f"This checkpoint's own tokenizer, reading {size:,} characters,"
        _try(lambda: attempt("tokenize", text, pair), what, "Shorten the text, or choose another model.")

    def encode(text: Any, text_pair: Any = None, *arguments: Any, **options: Any) -> Any:
        try_text(_hashable(text), _hashable(text_pair))
        try:
            return own_encode(text, text_pair, *arguments, **options)
        except Exception as error:  # the tokenizers library raises plain exceptions
            what = "This checkpoint's own tokenizer can't read the text: its files are damaged or contradict each other"
            raise unforeseen(what, error, ANOTHER_MODEL) from error

    def decode(token_ids: Any, *arguments: Any, **options: Any) -> Any:
        ids = [token_ids] if isinstance(token_ids, int) else list(map(int, token_ids))
        _try(
            lambda: attempt("decode", ids),
            f"This checkpoint's own tokenizer, writing {len(ids):,} tokens,",
            ANOTHER_MODEL,
        )
        return own_decode(token_ids, *arguments, **options)

    own_encode, own_decode = tokenizer._encode_plus, tokenizer._decode
    tokenizer._encode_plus = encode  # type: ignore[method-assign]  # all ways to read a text lead here
    if _expands(tokenizer):
        tokenizer._decode = decode  # type: ignore[method-assign]


def _load_tokenizer(process: LimitedProcess, folder: Path, tick: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """What `untrusted_jobs.tokenizer` says of it."""
    facts: dict[str, Any] = within_limits(
        "Loading the checkpoint's tokenizer",
        lambda: process.ask("tokenizer", str(folder), **LOADING, tick=tick),
        LOADING,
    )
    return facts


def _try(attempt: Callable[[], None], what: str, remedy: str) -> None:
    try:
        within_limits(what, attempt, TOKENIZING, remedy)
    except JobFailed as error:  # any other error is raised here in the same way, and told where it is raised
        if error.name == "PanicException":  # no Exception for Python: nobody would catch it
            raise PlaygroundError(f"{what} failed.", remedy) from error


def _hashable(text: Any) -> Any:
    return tuple(map(_hashable, text)) if isinstance(text, list | tuple) else text


def _expands(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the decoder has rules of its own: regular expressions, or texts put in the place of shorter ones."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or backend.decoder is None:
        return False
    rules = [json.loads(backend.decoder.__getstate__())]
    while rules:
        rule = rules.pop()
        rules.extend(rule.get("decoders", ()))
        if rule["type"] == "Replace":
            pattern = rule["pattern"].get("String")
            if pattern is None or len(rule["content"]) > len(pattern):
                return True
        if rule["type"] not in _PLAIN_DECODERS:
            return True
    return False
