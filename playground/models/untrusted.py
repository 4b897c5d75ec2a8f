"""Checkpoints of strangers: what their files make a program do happens in a process with limits (untrusted_jobs.py) before
it happens here. Knows nothing of where files come from.

A configuration, a tokenizer and a chat template are programs: a configuration asks for layers, a tokenizer has regular
expressions that may never end, a chat template has loops.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from playground.catalog import find
from playground.concurrency.limited_process import MIB, ForkServer, JobFailed, LimitedProcess, LimitExceeded
from playground.errors import PlaygroundError, Progress, unforeseen

_SERVER = ForkServer(Path(__file__).with_name("untrusted_jobs.py"))
LOADING: dict[str, Any] = {"seconds": 30, "memory": 2048 * MIB}
"""For a configuration, or a tokenizer with its vocabulary."""
TOKENIZING: dict[str, Any] = {"seconds": 3, "memory": 512 * MIB}
"""For one text."""
RENDERING: dict[str, Any] = {"seconds": 2, "memory": 256 * MIB}
"""For one conversation."""
LONGEST_TOKEN = 10_000
"""Characters."""
_MOST_LAYERS = 512
"""Layers that may share their weights (ALBERT), so that a file has fewer tensors than layers."""
_LAYERS = re.compile(r"(num|n)_.*(layer|block)s?|(layer|block)s|.*_layers|depth|n_layer")
_ANOTHER = "Choose another model."


class LimitReached(PlaygroundError):
    """What a stranger's file made a program do was stopped."""


def prepare_server() -> threading.Thread:
    """Starts the process that the others are forked from, which takes seconds, while something else goes on; in the thread
    returned."""
    starting = threading.Thread(target=_SERVER.start, daemon=True)
    starting.start()
    return starting


def is_trusted(model_id: str, origin: str) -> bool:
    """Whether a model is one of the catalog, and did not come from a folder that only has its name."""
    return find(model_id) is not None and origin != "local folder"


def within_limits(what: str, ask: Callable[[], Any], limits: dict[str, Any], remedy: str = _ANOTHER) -> Any:
    """What `ask` returns; LimitReached where a limit ended it. Raises JobFailed as it comes."""
    try:
        return ask()
    except LimitExceeded as error:
        reached = {
            "time": f"took more than {limits['seconds']} seconds of processor time",
            "memory": f"needed more than {limits['memory'] // MIB} MiB of memory",
            "crash": "ended the process that it ran in",
        }[error.limit]
        raise LimitReached(f"{what} {reached} and was stopped; everything else goes on.", remedy) from error


def check_configuration(folder: Path, settings: Any, stored: tuple[int, int], progress: Progress) -> int:
    """Parameters of the model that config.json describes, before anything is built here.

    settings: what config.json holds. stored: the number of tensors, and of numbers in them, that the weights' headers
    list. PlaygroundError with both numbers where the configuration
    describes a much larger model than the files hold, and where setting it up reaches a limit.
    """
    tensors, elements = stored
    for name, layers in _layer_counts(settings):
        if layers > max(tensors, _MOST_LAYERS):
            raise PlaygroundError(
                f"config.json asks for {layers:,} layers ({name}); the weights of the checkpoint are {tensors:,} tensors.",
                "Copy or download config.json again, or choose another model.",
            )
    process = LimitedProcess(_SERVER)
    try:
        described = within_limits(
            "Setting up the model that config.json describes",
            lambda: process.ask("configuration", str(folder), **LOADING, tick=_ticker(progress)),
            LOADING,
        )
    except JobFailed as error:
        what = "config.json can't be used: setting up the model that it describes fails"
        raise unforeseen(what, error, _ANOTHER) from error
    finally:
        process.close()
    count, most_tensors = described["parameters"], 1000 + 128 * described["tensors"]  # experts are stored one by one
    if described["tensors"] and tensors > most_tensors:
        raise PlaygroundError(
            f"The weights of the checkpoint are {tensors:,} tensors; the model that config.json describes has "
            f"{described['tensors']:,}.",
            _ANOTHER,
        )
    packed = 16 if "quantization_config" in settings else 2  # several weights in one number; two heads that are tied
    if count > packed * elements + 100_000_000:
        raise PlaygroundError(
            f"config.json describes a model of {count:,} parameters; the weights of the checkpoint have {elements:,}.",
            "Copy or download config.json again, or choose another model.",
        )
    return int(count)


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
    process = LimitedProcess(_SERVER)
    try:
        facts = _load_tokenizer(process, folder, _ticker(progress))
    except JobFailed as error:
        process.close()
        if error.name == "RecursionError":
            raise PlaygroundError("A file of the checkpoint's tokenizer nests too deep.", _ANOTHER) from error
        return TriedTokenizer(process)
    except BaseException:
        process.close()
        raise
    if facts["longest"] > LONGEST_TOKEN:
        process.close()
        raise PlaygroundError(f"The tokenizer has a token of {facts['longest']:,} characters.", _ANOTHER)
    return TriedTokenizer(process, facts["set_aside"])


def guard_tokenizer(tokenizer: PreTrainedTokenizerBase, folder: Path, process: LimitedProcess) -> None:
    """Tries each text in the process, which has the tokenizer of this folder, before the tokenizer reads it here; ids
    too, where its decoder can make much of little. The process ends with the tokenizer."""

    def attempt(job: str, *arguments: Any) -> None:
        if not process.running:
            try:
                _load_tokenizer(process, folder)
            except JobFailed as error:
                raise PlaygroundError("The checkpoint's tokenizer can't be tried within limits.", _ANOTHER) from error
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
            raise unforeseen(what, error, _ANOTHER) from error

    def decode(token_ids: Any, *arguments: Any, **options: Any) -> Any:
        ids = [token_ids] if isinstance(token_ids, int) else list(map(int, token_ids))
        _try(lambda: attempt("decode", ids), f"This checkpoint's own tokenizer, writing {len(ids):,} tokens,", _ANOTHER)
        return own_decode(token_ids, *arguments, **options)

    own_encode, own_decode = tokenizer._encode_plus, tokenizer._decode
    tokenizer._encode_plus = encode  # type: ignore[method-assign]  # all ways to read a text lead here
    if _expands(tokenizer):
        tokenizer._decode = decode  # type: ignore[method-assign]


def render(template: str, messages: list[dict], tokens: dict[str, Any], process: LimitedProcess) -> str:
    """A conversation in a stranger's chat template. LimitReached; JobFailed where the template fails."""
    text: str = within_limits(
        "This model's chat template",
        lambda: process.ask("render", template, messages, tokens, **RENDERING),
        RENDERING,
        "Let it complete instead.",
    )
    return text


def check_patterns(patterns: list[str], names: list[str]) -> None:
    """Matches names with a stranger's regular expressions. LimitReached; one that is no regular expression passes."""
    process = new_process()
    try:
        ask = partial(process.ask, "match", patterns, names, **TOKENIZING)
        within_limits("Matching the adapter's patterns with the names of the layers", ask, TOKENIZING)
    except JobFailed:
        return
    finally:
        process.close()


def new_process() -> LimitedProcess:
    """A process for jobs on strangers' files."""
    return LimitedProcess(_SERVER)


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


def _ticker(progress: Progress) -> Callable[[], None]:
    return lambda: progress("Examining the checkpoint", None)


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


_PLAIN_DECODERS = {"Sequence", "ByteLevel", "ByteFallback", "Fuse", "Strip", "Metaspace", "WordPiece", "BPEDecoder"} | {
    "Replace",
    "CTC",
}


def _layer_counts(settings: Any, inside: str = "") -> Iterator[tuple[str, float]]:
    """(name, number) of every setting that counts layers, nested ones too."""
    if isinstance(settings, dict):
        for name, value in settings.items():
            if isinstance(value, int | float) and _LAYERS.fullmatch(str(name)):
                yield f"{inside}{name}", value
            elif isinstance(value, dict):
                yield from _layer_counts(value, f"{inside}{name}.")
