"""Checkpoints of strangers: what their files make a program do happens in a process with limits (untrusted_jobs.py) before
it happens here. Knows nothing of where files come from.

A configuration, a tokenizer and a chat template are programs: a configuration asks for layers, a tokenizer has regular
expressions that may never end, a chat template has loops.
"""

import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

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
_MOST_LAYERS = 512
"""Layers that may share their weights (ALBERT), so that a file has fewer tensors than layers."""
_LAYERS = re.compile(r"(num|n)_.*(layer|block)s?|(layer|block)s|.*_layers|depth|n_layer")
ANOTHER_MODEL = "Choose another model."


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


def within_limits(what: str, ask: Callable[[], Any], limits: dict[str, Any], remedy: str = ANOTHER_MODEL) -> Any:
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
            lambda: process.ask("configuration", str(folder), **LOADING, tick=ticker(progress)),
            LOADING,
        )
    except JobFailed as error:
        what = "config.json can't be used: setting up the model that it describes fails"
        raise unforeseen(what, error, ANOTHER_MODEL) from error
    finally:
        process.close()
    count, most_tensors = described["parameters"], 1000 + 128 * described["tensors"]  # experts are stored one by one
    if described["tensors"] and tensors > most_tensors:
        raise PlaygroundError(
            f"The weights of the checkpoint are {tensors:,} tensors; the model that config.json describes has "
            f"{described['tensors']:,}.",
            ANOTHER_MODEL,
        )
    packed = 16 if "quantization_config" in settings else 2  # several weights in one number; two heads that are tied
    if count > packed * elements + 100_000_000:
        raise PlaygroundError(
            f"config.json describes a model of {count:,} parameters; the weights of the checkpoint have {elements:,}.",
            "Copy or download config.json again, or choose another model.",
        )
    return int(count)


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


def ticker(progress: Progress) -> Callable[[], None]:
    """What a process calls while it examines a checkpoint."""
    return lambda: progress("Examining the checkpoint", None)


def _layer_counts(settings: Any, inside: str = "") -> Iterator[tuple[str, float]]:
    """(name, number) of every setting that counts layers, nested ones too."""
    if isinstance(settings, dict):
        for name, value in settings.items():
            if isinstance(value, int | float) and _LAYERS.fullmatch(str(name)):
                yield f"{inside}{name}", value
            elif isinstance(value, dict):
                yield from _layer_counts(value, f"{inside}{name}.")
