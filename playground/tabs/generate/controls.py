"""The sampling rules on the page: sliders, and presets with when to use them."""

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from playground.components import FollowingDropdown
from playground.components.links import again
from playground.figures.generation.token_strip import COLOURS
from playground.generation.sampling_controls import PRESETS, RANGES, RULES_OFF
from playground.tabs.shared.events import QUIET
from playground.tabs.shared.page_context import PageContext, PageControls
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts import generate as texts


@dataclass(frozen=True)
class PresetRequest:
    """The preset that the visitor chose."""

    preset: str


class ControlsColumn:
    """The components of the column; builds them where it is made, and connects the presets."""

    def __init__(self, page: PageControls) -> None:
        self.sampling: dict[str, Component] = {}
        """By the names of SamplingControls."""
        with gr.Column() as self.rules_column:  # of use only where the model writes
            self._sliders("max_new_tokens", "temperature")
            preset = FollowingDropdown(
                list(PRESETS), value="balanced", label="Preset", info=texts.PRESETS_HELP["balanced"], elem_id="preset"
            )
            with gr.Accordion("Compare several", open=False):
                self._sliders("samples", "beams")
            with gr.Accordion("Sampling rules", open=False):
                self._sliders("top_p", "top_k", "min_p", "typical_p", "repetition_penalty", "no_repeat_ngram")
                self.sampling |= {
                    "stop": gr.Textbox("", label=texts.STOP_AT, lines=1, max_lines=4, elem_id="stop-texts"),
                    "seed": gr.Number(
                        0, label=texts.SEED, info=texts.SEED_HELP, precision=0, minimum=0, elem_id="seed"
                    ),
                    "greedy": gr.Checkbox(False, label="Greedy: always the most likely token", elem_id="greedy"),
                }
        self.colour = gr.Dropdown(list(COLOURS), label="Shade tokens by", elem_id="colour")
        rules = {"preset": preset} | {name: self.sampling[name] for name in RULES_OFF}
        own = gr.Textbox("", visible="hidden", container=False)
        inputs = {"preset": preset}
        wires: dict[str, Any] = {"page": page, "inputs": inputs, "request": PresetRequest}
        bind(preset.input, choose_preset, outputs=rules, **wires, **QUIET)
        followed = bind(page.model.change, follow_checkpoint, outputs=rules | {"own": own}, **wires, **QUIET)
        keys = {name: f"generate.{rule.elem_id}" for name, rule in rules.items()}
        followed.then(None, [own, *rules.values()], list(rules.values()), js=again(keys), **QUIET)

    def _sliders(self, *names: str) -> None:
        for name in names:
            label, low, high, value, step, elem_id, info = RANGES[name]
            self.sampling[name] = gr.Slider(low, high, value, step=step, label=label, info=info, elem_id=elem_id)


def choose_preset(page: PageContext, request: PresetRequest) -> Outputs:
    """What a preset is good for, and its rules."""
    words = {"preset": gr.Dropdown(info=texts.PRESETS_HELP[request.preset])}
    return words | RULES_OFF | (_own_rules(page) if request.preset == texts.AS_CHECKPOINT else PRESETS[request.preset])


def _own_rules(page: PageContext) -> dict[str, Any]:
    """The rules that the checkpoint's own settings state; none for a checkpoint without."""
    from playground.generation.checkpoint_settings import preset_values  # torch: not before there is a model

    return preset_values(page.model()) or {}


def follow_checkpoint(page: PageContext, request: PresetRequest) -> Outputs:
    """After another model was loaded: its own settings, where it has some; else the presets alone, and the one chosen.
    own: these settings as JSON, for the page's address, which names only what differs from them."""
    own = _own_rules(page)
    if not own and request.preset != texts.AS_CHECKPOINT:
        return {"preset": gr.Dropdown(choices=list(PRESETS)), "own": ""}
    choices = [texts.AS_CHECKPOINT, *PRESETS] if own else list(PRESETS)
    help_text = texts.PRESETS_HELP[choices[0]]
    rules = RULES_OFF | (own or PRESETS[choices[0]])
    said = json.dumps({"preset": choices[0], **rules}) if own else ""
    return {"preset": gr.Dropdown(choices=choices, value=choices[0], info=help_text), **rules, "own": said}
