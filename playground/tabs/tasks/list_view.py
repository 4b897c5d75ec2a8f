"""A list: many lines through the model's task at once, pasted or from a file; a table to sort, and a file to take away."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.analysis.tasks.entities import SIMPLE
from playground.components import Panel, markup
from playground.errors import Cancelled, PlaygroundError
from playground.figures.tasks.lists import list_sentence
from playground.tabs.shared.controls import choices_of_text
from playground.tabs.shared.downloads import file_stem, fresh_folder
from playground.tabs.shared.events import GENERATES, RUNS_MODEL
from playground.tabs.shared.handler_errors import ErrorWithOutputs
from playground.tabs.shared.long_work import WorkControl, with_progress
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.reasons import STOP_HIDDEN, STOP_SHOWN
from playground.tabs.shared.stop_button import stop_button
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.tasks.labelling import LabelControls, Labelling, classified, label_controls, ways_of
from playground.texts import tasks as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.line_answers import LineAnswer

NAME, TITLE = "list", "A list"


@dataclass(frozen=True)
class ListRequest(Labelling):
    """The lines, and how each is answered."""

    many: str = texts.MANY
    passage: str = texts.PASSAGE
    """Of a reader: what the lines ask about."""
    control: WorkControl = field(default_factory=WorkControl)


@dataclass(frozen=True)
class FileRequest:
    """A visitor's table, and which of its columns has the lines."""

    file: str | None = None
    column: int | None = None
    named: bool = True
    """Whether the first row names the columns."""


def build(view: View) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        how = LabelControls("list")
    sentence, control = Panel(live=True, elem_id="list-sentence"), gr.State(WorkControl())
    many = gr.Textbox(
        texts.MANY, label=texts.MANY_LABEL, lines=6, max_lines=12, max_length=1_000_000, elem_id="list-lines"
    )
    passage = gr.Textbox(texts.PASSAGE, label="Passage", lines=4, max_lines=8, visible=False, elem_id="list-passage")
    with gr.Row(elem_classes="pg-actions"):
        go = gr.Button(texts.RUN_LIST, elem_classes="pg-lead-do", scale=0, min_width=110, elem_id="list-go")
        stop = stop_button("list-stop", control)
        file = gr.UploadButton(
            texts.TABLE_FILE, file_types=[".csv", ".tsv", ".txt"], size="sm", scale=0, min_width=150,
            elem_id="list-file",
        )  # fmt: skip
        save = gr.DownloadButton(texts.SAVE_TABLE, size="sm", scale=0, min_width=80, visible=False, elem_id="list-csv")
    with gr.Row(visible=False) as columns:
        column = choices_of_text(texts.COLUMN, "list-column")
        named = gr.Checkbox(True, label=texts.FIRST_ROW, min_width=160, elem_id="list-named")
    about_file = Panel(live=True, elem_id="list-file-words")
    table = gr.Dataframe(
        headers=["line", "text", "answer", "confidence"], interactive=False, label=texts.SORTABLE, max_height=420,
        wrap=True, visible=False, elem_id="list-table",
    )  # fmt: skip
    how.build_more(lines="list-taught-lines")
    Panel(markup.explanation(*texts.LIST_ABOUT))
    page = view.page
    inputs: dict[str, Any] = how.inputs | {"many": many, "passage": passage, "control": control}
    outputs: dict[str, Any] = {"sentence": sentence, "table": table, "save": save, "stop": stop}
    shape: dict[str, Any] = {"sentence": sentence, "passage": passage, "go": go, **how.outputs}
    answered: dict[str, Any] = {"table": table, "save": save}  # which stay, unless another model is loaded
    view.draws(draw, inputs, shape | answered, request=ListRequest, empties={"sentence"})
    bind(how.way.input, draw, page=page, inputs=inputs, request=ListRequest, outputs=shape | answered, **RUNS_MODEL)
    bind(
        go.click, answer_all, page=page, inputs=inputs, request=ListRequest, outputs=outputs, trigger_mode="once",
        **GENERATES,
    )  # fmt: skip
    read: dict[str, Any] = {
        "inputs": {"file": file, "column": column, "named": named}, "request": FileRequest,
        "outputs": {"many": many, "columns": columns, "column": column, "named": named, "about_file": about_file},
    }  # fmt: skip
    bind(file.upload, open_file, page=page, at_front=True, **read, **RUNS_MODEL)
    bind([column.input, named.input], take_column, page=page, at_front=True, **read, **RUNS_MODEL)


def draw(page: PageContext, request: ListRequest) -> Outputs:
    """The controls of the model's task, and what it does with the lines. The answers of another model go."""
    model = page.model()
    task, ways = model.head.task if model.head else "classify", ways_of(model)
    words = texts.LIST_TASKS[task].format(model=model.model_id)
    if task == "classify" and not ways:
        words = texts.NO_WAY.format(reason=model.head and f"it {model.head.words}" or "it gives no vector of a text")
    way = request.way if request.way in ways else ways[0] if ways else ""
    outputs = {
        "sentence": markup.note(words),
        "passage": gr.update(visible=task == "answer"),
        "go": gr.Button(interactive=task != "classify" or bool(ways)),
    }
    if _of_other_model(page, request.control):
        request.control.reading = None
        outputs |= _table(model, [])
    hidden = {"way": gr.update(visible=False), "labels": gr.update(visible=False)}
    return outputs | (label_controls(ways, way) if task == "classify" and ways else hidden)


def _of_other_model(page: PageContext, control: WorkControl) -> bool:
    """Whether the table is another model's than the page's."""
    return control.reading is not None and control.reading[0] != page.model_id


def answer_all(page: PageContext, request: ListRequest) -> Iterator[Outputs]:
    """The table of all lines; after Stop that of the lines before it. Ends once the view is drawn for another model."""
    request.control.reading = page.reading
    for outputs in _answers(page, request):
        if request.control.reading != page.reading:
            yield {"stop": STOP_HIDDEN}
            return
        yield outputs


def _answers(page: PageContext, request: ListRequest) -> Iterator[Outputs]:
    from playground.tasks.line_answers import answer_lines, lines_of

    model, control, done = page.model(), request.control, list["LineAnswer"]()
    try:
        lines, one = lines_of(request.many), _task(model, request)
    except PlaygroundError as error:
        raise ErrorWithOutputs(error, {"sentence": "", **_table(model, [])}) from error
    control.stop = False

    def so_far(share: float, seconds: float) -> Outputs:
        words = f"{len(done):,} of {len(lines):,} lines."
        return {"sentence": markup.progress(words, share, seconds), "stop": STOP_SHOWN}

    stopped = ""
    try:
        yield from with_progress(lambda tick: answer_lines(lines, one, tick, done), control, "The list", so_far)
    except Cancelled:
        stopped = f"Stopped after {len(done):,} of {len(lines):,} lines. "
    yield {"stop": STOP_HIDDEN, "sentence": markup.note(stopped + list_sentence(done)), **_table(model, done)}


def _task(model: "LoadedModel", request: ListRequest) -> "Callable[[str], LineAnswer]":
    """What answers one line. PlaygroundError for a model that does none of the tasks."""
    from playground.tasks.line_answers import labelled, read_line, tagged_line

    task = model.head.task if model.head else "classify"
    if task == "answer":
        if not (request.passage or "").strip():
            raise PlaygroundError("There is no passage.", "Paste a text that holds the answers.")
        return lambda line: read_line(model, line, request.passage)
    if task == "tag":
        return lambda line: tagged_line(model, line, SIMPLE)
    ways = ways_of(model)
    if not ways:
        raise PlaygroundError(f"{model.model_id} can't classify.", "Choose a classifier or a language model.")
    way = request.way if request.way in ways else ways[0]
    return lambda line: labelled(line, classified(model, line, request, way)[0])


def _table(model: "LoadedModel", done: "list[LineAnswer]") -> Outputs:
    """The table on the page, and its file."""
    from playground.tasks.line_answers import line_table
    from playground.tasks.table_file import written

    if not done:
        return {"table": gr.update(visible=False), "save": gr.update(visible=False)}
    head, rows = line_table(done)
    kinds = ["number", "str", "str", *["number"] * (len(head) - 3)]
    value = {
        "headers": head,
        "data": [[None if cell == "" else cell for cell in row] for row in rows],
        "metadata": {"display_value": [[_on_page(cell) for cell in row] for row in rows]},
    }
    path = written(
        fresh_folder() / f"{file_stem(model.model_id, 'tasks list', done[0].text)}.csv",
        [*head, "model"], ([*row, model.source_text if number == 0 else ""] for number, row in enumerate(rows)),
    )  # fmt: skip
    return {
        "table": gr.update(value=value, datatype=kinds, column_widths=_widths(head), visible=True),
        "save": gr.DownloadButton(value=str(path), visible=True),
    }


def _on_page(cell: str | float) -> str:
    """A cell as it is read; the table sorts by the number itself, and the file has all of its digits."""
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)


def _widths(head: list[str]) -> list[str]:
    """Of the columns: each holds its name in one line; the text gets most."""
    own = {"line": 64, "text": 280, "answer": 150}
    return [f"{own.get(name, max(112, 9 * min(len(name), 24) + 48))}px" for name in head]


def open_file(page: PageContext, request: FileRequest) -> Outputs:
    """The lines of a file that was chosen just now: its column of texts."""
    from playground.tasks.table_file import names_columns, read_table, text_column

    if not request.file:
        return {}
    try:
        table = read_table(request.file)
    except PlaygroundError as error:  # what is said of the file before is not this one's
        raise ErrorWithOutputs(error, {"about_file": "", "columns": gr.update(visible=False)}) from error
    return _of_column(request.file, text_column(table), names_columns(table))


def take_column(page: PageContext, request: FileRequest) -> Outputs:
    """The lines of another column."""
    return _of_column(request.file, request.column or 0, bool(request.named)) if request.file else {}


def _of_column(file: str, column: int, named: bool) -> Outputs:
    from playground.tasks.table_file import MAX_ROWS, read_table

    table = read_table(file)
    column = min(max(0, column), table.columns - 1)
    head = table.rows[0] if named else tuple(f"column {number + 1}" for number in range(table.columns))
    cells = [" ".join(row[column].split()) for row in table.rows[1 if named else 0 :]]
    lines = [cell for cell in cells if cell][:MAX_ROWS]
    parted = texts.PARTED[table.separator]
    words = f"{len(lines):,} lines from {table.columns} column{'' if table.columns == 1 else 's'}{parted}; {table.encoding}."
    names = [(f"{number + 1}: {name[:40]}", number) for number, name in enumerate(head)]
    return {
        "many": "\n".join(lines),
        "columns": gr.update(visible=True),
        "column": gr.update(choices=names, value=column),
        "named": named,
        "about_file": markup.note(words),
    }
