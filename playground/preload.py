"""Loads the default model while the page already opens, and reports it in the terminal. Knows nothing of the page."""

import re
import shutil
import sys
import threading
import time
from contextlib import suppress
from typing import TextIO

from tqdm import tqdm

from playground.catalog import DEFAULT_MODEL
from playground.errors import PlaygroundError, unforeseen
from playground.workbench import Workbench

LEISURE = 8.0
"""Seconds between the loading and what else is computed before anyone asks for it."""
_SHARE = "{desc}: {percentage:3.0f}% |{bar}| {elapsed}"
_NO_SHARE = "{desc} ({elapsed})"


def preload(workbench: Workbench, model_id: str = DEFAULT_MODEL, delay: float = 3.0) -> threading.Thread:
    """Starts loading a model in the background; visitors who choose it meanwhile wait for the same loading.

    delay: seconds left to the first page, which would share the cores with the loading; a visitor who opens the page
    sooner starts it.
    """
    thread = threading.Timer(delay, _load_and_prepare, args=(workbench, model_id))
    thread.daemon = True
    thread.start()
    return thread


def _load_and_prepare(workbench: Workbench, model_id: str) -> None:
    load_with_report(workbench, model_id, sys.stderr)
    time.sleep(LEISURE)  # the first visitors' pictures come first
    prepare_projector(workbench, model_id)


def prepare_projector(workbench: Workbench, model_id: str) -> None:
    """Lays out the vocabulary of a loaded model as the Projector opens on it, 2 s of CPU, for the first visitor to find it
    there. Nothing if the model is not loaded, or has no such picture."""
    from playground.embeddings.cloud_request import CloudControls, CloudRequest
    from playground.tabs.embeddings.projector_points import no_tick, placed_points

    model = workbench.loaded(model_id)
    if model is None:
        return
    with suppress(PlaygroundError):
        placed_points(model, CloudRequest.from_controls(CloudControls()), no_tick)


def load_with_report(workbench: Workbench, model_id: str, terminal: TextIO) -> None:
    """Loads a model and reports each stage of the loading: a bar a stage in a terminal, else a line a stage."""
    report = TerminalReport(terminal)
    try:
        for status in workbench.loading(model_id):
            if status.model is None:
                message = f"Starting to load {model_id}" if status.message == "Waiting" else status.message
                report.show(message, status.share)
        report.finish(f"{model_id} is ready")
    except Exception as error:
        report.close()
        refusal = error if isinstance(error, PlaygroundError) else unforeseen(f"Loading {model_id} failed", error)
        print(f"{model_id} could not be loaded. {refusal}", file=terminal, flush=True)


class TerminalReport:
    """The stages of a loading in a terminal, one line each, with the stage's own share and seconds.

    A stage whose share nobody knows has no bar. The bar of a finished stage is full. Where the output is no terminal,
    each stage is printed once, when it begins.
    """

    def __init__(self, terminal: TextIO):
        self._terminal = terminal
        self._started = time.monotonic()
        self._stage = ""
        self._bar: tqdm | None = None

    def show(self, message: str, share: float | None) -> None:
        """The message and share (0..1, or None while unknown) of the work that goes on."""
        stage = stage_of(message)
        if stage != self._stage:
            self._complete()
            self._begin(stage)
        if self._bar is not None:
            detail = re.sub(r" \(\d+ s\)$", "", message).replace(": ", ", ")
            self._bar.set_description_str(detail, refresh=False)
            if share is not None:
                self._bar.bar_format, self._bar.n = _SHARE, share
            self._bar.refresh()

    def finish(self, message: str) -> None:
        """The last line, after everything is done, with the seconds that all stages took."""
        self._complete()
        seconds = time.monotonic() - self._started
        self._begin(message if self._terminal.isatty() else f"{message} ({seconds:.0f} s)")
        if self._bar is not None:
            self._bar.start_t -= seconds
            self._bar.bar_format = _SHARE
        self._complete()

    def close(self) -> None:
        """Leaves the line of an unfinished stage as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _begin(self, stage: str) -> None:
        self._stage = stage
        if self._terminal.isatty():
            columns = shutil.get_terminal_size().columns  # 80 where the terminal does not say
            self._bar = tqdm(total=1.0, desc=stage, bar_format=_NO_SHARE, file=self._terminal, ncols=columns)
        else:
            print(stage, file=self._terminal, flush=True)

    def _complete(self) -> None:
        if self._bar is not None and self._bar.bar_format == _SHARE:
            self._bar.set_description_str(self._stage, refresh=False)
            self._bar.n = 1.0
            self._bar.refresh()
        self.close()


def stage_of(message: str) -> str:
    """The part of a progress message that stays the same for a whole stage: what stands before bytes, steps, seconds.

    Example: "Converting a.gguf, reading the weights (12 s)" -> "Converting a.gguf"
    """
    return re.split(r": |, | \(\d+ s\)", message)[0]
