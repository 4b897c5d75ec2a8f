"""The model hub: which commit and files a repository holds, and why a model can't be had.

Never waits long for a silent hub. Knows nothing of the catalog, of local files or of wheels.
"""

import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from playground.errors import PlaygroundError, log_unforeseen, unforeseen
from playground.weights.config_rules import check_config
from playground.weights.disk import remove_with_target
from playground.weights.file_rules import INDEX, is_gguf, only_pickles, side_files, weight_files
from playground.weights.inner_transformer import inner_prefix

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

T = TypeVar("T")
_SILENCE = 60.0
"""Seconds without a request to a hub that did not answer."""
_silent_until: dict[str, float] = {}
"""Address of a hub -> the `time.monotonic()` until which it gets no request."""


class Unreachable(PlaygroundError):
    """The hub gave no answer; nothing is known about the model."""


@dataclass(frozen=True)
class HubFile:
    name: str
    size: int
    etag: str
    """SHA-256 of a large file (64 digits), git's SHA-1 of a small one (40 digits)."""


@dataclass(frozen=True)
class Listing:
    """The hub's answer about a repository: the commit, and the files that a model needs, weights last."""

    commit: str
    files: tuple[HubFile, ...]
    weights: tuple[str, ...]


def look_up(hub_id: str, timeout: float) -> Listing:
    """Look a model up on the hub, in at most `timeout` seconds altogether.

    Raises Unreachable, or PlaygroundError for a model that is unknown, gated or refused.
    """
    from huggingface_hub import HfApi, hf_hub_download  # noqa: F401  imported before the clock starts

    if _was_silent():
        raise Unreachable("The model hub was out of reach a moment ago.", "Try again in a minute.")
    try:
        return _within(timeout, lambda: _list_files(hub_id, timeout))
    except Exception as error:
        refusal = _explain(error, hub_id)
        if isinstance(refusal, Unreachable):
            _note_silence()
        raise refusal from error


def answers(timeout: float) -> bool:
    """Whether the hub is in order, by its answer within `timeout` seconds. A hub that is not is left alone for a minute."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    if _was_silent():
        return False
    try:
        address = f"{constants.ENDPOINT}/api/models?limit=1"
        status = _within(timeout, lambda: get_session().get(address, timeout=timeout).status_code)
    except Exception as error:  # whatever a network or the hub's library may raise
        logging.getLogger(__name__).info("The model hub gives no answer: %s", error)
        status = 503
    in_order = status < 500 and status != 429
    if not in_order:
        _note_silence()
    return in_order


def _was_silent() -> bool:
    """Whether the hub gave no answer within the last minute."""
    from huggingface_hub import constants

    return time.monotonic() < _silent_until.get(constants.ENDPOINT, 0.0)


def _note_silence() -> None:
    from huggingface_hub import constants

    _silent_until[constants.ENDPOINT] = time.monotonic() + _SILENCE


def _within(timeout: float, work: Callable[[], T]) -> T:
    """What `work()` returns or raises, from another thread; Unreachable after `timeout` seconds."""
    outcomes: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcomes.put((work(), None))
        except Exception as error:  # raised below, in the caller's thread
            outcomes.put((None, error))

    threading.Thread(target=run, daemon=True, name="hub").start()
    try:
        result, error = outcomes.get(timeout=timeout)
    except queue.Empty:
        raise Unreachable(f"The model hub did not answer within {timeout:g} s.") from None
    if error is not None:
        raise error
    return cast(T, result)


def _list_files(hub_id: str, timeout: float) -> Listing:
    from huggingface_hub import HfApi

    info = HfApi().model_info(hub_id, files_metadata=True, timeout=timeout)
    if only_pickles(item.rfilename for item in info.siblings or ()):
        info = _bot_conversion(hub_id, timeout) or info
    commit = info.sha or "main"
    files = {
        item.rfilename: HubFile(item.rfilename, item.size or 0, item.lfs.sha256 if item.lfs else item.blob_id or "")
        for item in info.siblings or ()
    }
    inner = inner_prefix(files)
    top = [name.removeprefix(inner) for name in files if name.startswith(inner)]
    names = weight_files(top, lambda: _read_json(hub_id, f"{inner}{INDEX}", commit, timeout), hub_id)
    weights = tuple(f"{inner}{name}" for name in names)
    if is_gguf(weights[0]):
        return Listing(commit, (files[weights[0]],), weights)
    if "config.json" not in top:
        raise PlaygroundError(
            f"{hub_id} has no config.json, so it is not a transformers model.",
            "Choose a repository that holds a whole model (not an adapter or a data set).",
        )
    check_config(_read_json(hub_id, f"{inner}config.json", commit, timeout), hub_id)
    adapter = [name for name in files if name == "adapter_model.safetensors"]
    beside = [name for name in side_files({name: file.size for name, file in files.items()}) if name not in weights]
    names = (*beside, *adapter, *weights)
    return Listing(commit, tuple(files[name] for name in names), weights)


def _read_json(hub_id: str, name: str, commit: str, timeout: float) -> dict:
    from huggingface_hub import hf_hub_download

    for _ in range(2):
        path = Path(hf_hub_download(hub_id, name, revision=commit, etag_timeout=timeout))
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError:  # perhaps damaged in the cache, which the hub's library doesn't notice
            remove_with_target(path)
    raise PlaygroundError(f"{name} of {hub_id} can't be read.", "Choose another model.")


def _bot_conversion(hub_id: str, timeout: float) -> "ModelInfo | None":
    """The repository with the safetensors that the hub's own bot offers in a pull request, for older models whose
    owners never merged it. The hub sets the author's name; nobody else can take it."""
    from huggingface_hub import HfApi

    for offer in HfApi().get_repo_discussions(hub_id, author="SFconvertbot", discussion_type="pull_request"):
        if offer.author == "SFconvertbot" and offer.status == "open" and "safetensors" in offer.title:
            return HfApi().model_info(hub_id, revision=f"refs/pr/{offer.num}", files_metadata=True, timeout=timeout)
    return None


def _explain(error: Exception, hub_id: str) -> PlaygroundError:
    """The hub library's many errors in words a visitor can act on."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if isinstance(error, PlaygroundError):
        return error
    return refusal(
        hub_id,
        getattr(getattr(error, "response", None), "status_code", None),
        gated=isinstance(error, GatedRepoError),
        unknown=isinstance(error, RepositoryNotFoundError),
        text=f"{type(error).__name__}: {error}",
    )


def refusal(hub_id: str, status: int | None, *, gated: bool, unknown: bool, text: str) -> PlaygroundError:
    """The error for a request that the hub refused: its HTTP status, if it answered at all, and its library's text for
    the log."""
    if unknown and not gated:
        return PlaygroundError(
            f"The hub has no public model “{hub_id}”.",
            "Check the spelling (owner/name). If it is private, set HF_TOKEN to a token that may read it.",
        )
    if gated or status in (401, 403):
        return PlaygroundError(
            f"{hub_id} is gated: its owner wants you to accept a licence first.",
            "Accept it on the model's page on the hub, then set HF_TOKEN to a token of that "
            "account and start the playground again.",
        )
    if status == 429:
        return Unreachable("The hub says that this machine asks too often (429).", "Try again in some minutes.")
    if status is not None and 400 <= status < 500:
        return unforeseen(f"The hub refused {hub_id} (status {status})", text, "Check the spelling (owner/name).")
    what = "The model hub can't be reached" if status is None else f"The model hub is out of order (status {status})"
    return Unreachable(f"{what}; {log_unforeseen(what, text)}.")
