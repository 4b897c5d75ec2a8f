"""Fine-tune: the loaded model goes on learning on lines of the visitor's, beside the base, which stays as it is."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.analysis.text_display import counted
from playground.components import Panel, PlotlyView, markup
from playground.errors import PlaygroundError
from playground.figures.training.finetuning import finetuning_figure
from playground.tabs.shared.downloads import fresh_folder, zipped
from playground.tabs.shared.events import RUNS_MODEL
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import OF_RUN
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.training.number_fields import MOST_CHARACTERS, number_fields
from playground.tabs.training.one_at_a_time import STREAMS, ends, one_at_a_time
from playground.tabs.training.opening import everywhere, opens_everywhere
from playground.tabs.training.requests import WatchControls
from playground.tabs.training.sentences import waiting_words
from playground.texts import training as texts
from playground.texts.numbers import percent
from playground.training.finetuning.recipe import MAX_TOKENS, RANGES, FinetuneRecipe, finetune_recipe
from playground.training.recipe import PREFIX
from playground.training.waiting import Waiting

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel

NAME, TITLE = "finetune", "Fine-tune"


@dataclass(frozen=True)
class FinetuneRequest:
    """The recipe of the controls, and what both models go on with."""

    recipe: FinetuneRecipe
    prompt: str

    @classmethod
    def from_controls(cls, lines: str, prompt: str, **choices: Any) -> "FinetuneRequest":
        """The choices are checked when the training begins."""
        return cls(finetune_recipe(lines or "", choices), prompt or "")


@dataclass(frozen=True)
class TunedRequest:
    """The fine-tuned model of the page, and the prompt."""

    tuned: str
    prompt: str


def build(view: View, shared: WatchControls) -> None:
    """Builds the view and connects it."""
    page = view.page
    Panel(f"<p class='pg-lead'>{texts.FINETUNE_LEAD}</p>")
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            lines = gr.Textbox(
                texts.FINETUNE_LINES,
                label="Your lines, one text each",
                lines=6,
                max_lines=10,
                max_length=MOST_CHARACTERS,
                elem_id="finetune-lines",
            )
            prompt = gr.Textbox(texts.FINETUNE_PROMPT, label=texts.FINETUNE_PROMPT_LABEL, elem_id="finetune-prompt")
            with gr.Row(elem_classes="pg-actions"):
                go = gr.Button(
                    "Fine-tune", elem_classes="pg-lead-do", size="sm", scale=0, min_width=110, elem_id="finetune-go"
                )
                stop = gr.Button("Stop", size="sm", scale=0, min_width=80, interactive=False, elem_id="finetune-stop")
            sentence = Panel(markup.note(texts.FINETUNE_READY), live=True, elem_id="finetune-words")
        with gr.Column(scale=4, min_width=320):
            figure = PlotlyView(
                label="Loss over steps",
                height=300,
                waiting=texts.FINETUNE_WAITING,
                elem_id="finetune-loss",
                python=OF_RUN,
            )
    written = Panel(live=True, elem_id="finetune-written")
    with gr.Row(elem_classes="pg-actions"):
        look = gr.Button("Use this model everywhere →", size="sm", scale=0, min_width=230, elem_id="finetune-look")
        save = gr.Button("Save the adapter", size="sm", scale=0, min_width=150, elem_id="finetune-save")
    opened = Panel(live=True, elem_id="finetune-opened")
    file = gr.File(label="For PeftModel.from_pretrained", visible=False, elem_id="finetune-file")
    with gr.Accordion("Adapter and optimiser", open=False), gr.Row(elem_classes="pg-controls"):
        choices = number_fields(RANGES, FinetuneRecipe(), "finetune")
    Panel(markup.explanation(*texts.FINETUNE_ABOUT))
    tuned = gr.State("")
    training = bind(
        go.click, teach, page=page, inputs={"lines": lines, "prompt": prompt, **choices}, request=FinetuneRequest,
        outputs={
            "figure": figure, "sentence": sentence, "written": written, "tuned": tuned, "go": go, "stop": stop,
        }, **STREAMS,
    )  # fmt: skip
    ends(stop, training, go, sentence, texts.FINETUNE_STOPPED)
    wires: dict[str, Any] = {"inputs": {"tuned": tuned, "prompt": prompt}, "request": TunedRequest, "page": page}
    opens_everywhere(button=look, handler=open_tuned, opened=opened, **wires)
    bind(save.click, download, outputs={"file": file}, **wires, **RUNS_MODEL)


@one_at_a_time({"figure": None, "sentence": markup.note(texts.FINETUNE_READY), "written": "", "tuned": ""})
def teach(page: PageContext, request: FinetuneRequest) -> Iterator[Outputs]:
    """Trains an adapter of the page's model step by step; then both write."""
    if not request.prompt.strip():
        raise PlaygroundError(*texts.FINETUNE_NO_PROMPT)
    if not page.model_id:
        yield {"sentence": markup.note(texts.STILL_LOADING)}
    yield from _taught(page.awaited_model(), request)


def _taught(base: "LoadedModel", request: FinetuneRequest) -> Iterator[Outputs]:
    with closing(workbench.shared().finetune(base, request.recipe, request.prompt)) as reports:
        for report in reports:
            if isinstance(report, Waiting):
                words = waiting_words(report) or texts.FINETUNE_BEFORE
                yield {"sentence": markup.note(words)}
                continue
            now = report.progress
            words = f"Step {now.step} of {report.steps}; {report.parameters:,} parameters learn."
            if now.step == report.steps:
                words += f" {texts.FINETUNE_AFTER}"
            rows = [["before", _passage(request.prompt, report.before)]]
            if report.model_id:
                first, last = now.held_out[0][1], now.held_out_loss
                words = texts.FINETUNED.format(
                    first=first, last=last, steps=report.steps, parameters=report.parameters,
                    share=percent(report.parameters / base.anatomy.parameters),
                )  # fmt: skip
                rows.append([f"after {report.steps} steps", _passage(request.prompt, report.after)])
                if base.model_id.startswith(PREFIX):
                    words += f" {texts.FINETUNED_AGAIN.format(base=base.model_id)}"
            if report.cut:
                words += f" Of {counted(report.cut, 'line')} only the first {MAX_TOKENS} tokens were read."
            if report.repeated:
                words += f" {texts.FINETUNE_REPEATED.format(lines=counted(report.repeated, 'line'))}"
            yield {
                "figure": finetuning_figure(now.losses, now.held_out, report.steps), "sentence": markup.note(words),
                "written": markup.table(["when", "what it writes"], rows), "tuned": report.model_id,
            }  # fmt: skip


def _passage(prompt: str, written: str) -> str:
    return markup.theirs(prompt + written) if written else f"{markup.theirs(prompt)} (nothing)"


def open_tuned(page: PageContext, request: TunedRequest) -> Outputs:
    """The fine-tuned model becomes that of every tab, with the prompt as the text."""
    model = workbench.shared().runs.finetunings.find(_needed(request)).model_id
    return everywhere(model, request.prompt, texts.FINETUNE_OPENED.format(model=model))


def download(page: PageContext, request: TunedRequest) -> Outputs:
    """The adapter as a zip."""
    tuning = workbench.shared().runs.finetunings.find(_needed(request))
    folder = tuning.save(fresh_folder() / f"lora-step-{tuning.step}")
    return {"file": gr.update(value=zipped(folder), visible=True)}


def _needed(request: TunedRequest) -> str:
    if not request.tuned:
        raise PlaygroundError("Nothing has been fine-tuned yet.", "Press Fine-tune.")
    return request.tuned
