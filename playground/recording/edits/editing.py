"""Edits applied while a model runs: by hooks of its modules and by the attention function, in this thread alone."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.recording.edits.arrows import arrows_off, without_arrows
from playground.recording.edits.edit import ARROW, NEURON, Edit
from playground.recording.edits.places import ADDED, ATTENDED, INPUT, CallCounter, Place, Site, depth_of, places_of
from playground.recording.edits.replacements import Keep, Replacements
from playground.recording.hooks import change_attention
from playground.recording.module_hooks import patch_modules
from playground.recording.residual_stream import first_tensor, layer_input, stack_layers


@dataclass(frozen=True, eq=False)
class Plan:
    """Edits with their places in a model, ready to be applied to any pass. Threads may share it."""

    model: LoadedModel
    places: tuple[Place, ...] = ()
    values: Mapping[tuple[Edit, Site], Tensor] = field(default_factory=dict)
    """Of a second text at an edit's site, (T2, N, W)."""

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Each once, in their order."""
        return tuple(dict.fromkeys(place.edit for place in self.places))

    def run(self) -> "Run":
        """What is known of one text while it is read, in one pass or, over a cache, in several."""
        return Run(self)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Applies the edits to one pass that reads a whole text."""
        with self.run().applied():
            yield


def plan_of(model: LoadedModel, edits: Sequence[Edit], inputs: Mapping[str, Tensor] | None = None) -> Plan:
    """The plan of some edits. inputs: the model's own for the text, of an encoder-decoder with its decoder's; second texts
    are read in the place of "input_ids". PlaygroundError for an edit that the model does not allow."""
    places = tuple(place for edit in edits for place in places_of(model, edit))
    values: dict[tuple[Edit, Site], Tensor] = {}
    for ids in dict.fromkeys(place.edit.text for place in places if place.edit.text):
        of_text = [place for place in places if place.edit.text == ids]
        values |= _values_in(model, of_text, ids, {name: x for name, x in (inputs or {}).items() if "decoder" in name})
    return Plan(model, places, values)


def row_plan(model: LoadedModel, edits: Sequence[Edit]) -> Plan:
    """A plan that applies each edit to a row of its own, of a batch of the same text."""
    return Plan(model, tuple(place for row, edit in enumerate(edits) for place in places_of(model, edit, row)))


@torch.inference_mode()
def _values_in(
    model: LoadedModel, places: Sequence[Place], ids: tuple[int, ...], more: dict[str, Tensor]
) -> dict[tuple[Edit, Site], Tensor]:
    """What stands at these places while the model reads another text."""
    if model.model.config.is_encoder_decoder and not more:
        raise PlaygroundError(
            "While this model writes, the values of a second text can't be used.", "Take out instead."
        )
    kept: dict[tuple[Edit, Site], Tensor] = {}

    def keep(edit: Edit, site: Site, values: Tensor) -> None:
        kept[edit, site] = values[0].clone()

    run = Run(Plan(model, tuple(places)), keep)
    inputs = {"input_ids": torch.tensor([ids], device=model.input_device)}
    with run.applied():
        model.model(**inputs, **more, return_dict=True, **({"use_cache": False} if model.anatomy.has_decoder else {}))
    return kept


class Run:
    """The edits of a plan, applied to one text. For one thread at a time."""

    def __init__(self, plan: Plan, keep: Keep | None = None):
        """keep: receives the values at every place instead, which stay as they are."""
        self._plan, self._replacements = plan, Replacements(plan.values, keep)
        self._start = 0
        self._layers = stack_layers(plan.model.model)
        self._counts = len(set(self._layers)) < depth_of(plan.model)
        """Whether one module is several layers, so that runs are counted."""
        self._running = -1
        self._shape = (1, 1)
        self._attended = any(place.site.at == ATTENDED for place in plan.places)
        self._calls: CallCounter | None = None

    def _begin(self, start: int, first_layer: int = 0) -> None:
        """The next pass goes on from `start` tokens, at a layer."""
        self._start, self._running = start, first_layer - 1
        self._calls = CallCounter(self._plan.model, first_layer) if self._attended else None

    @contextmanager
    def applied_while_writing(self) -> Iterator[None]:
        """Within the context every pass of the whole model in this thread is edited, however many of them write a text: the
        first one reads its beginning, the others go on from there, or read it again with what was written."""
        model, read = self._plan.model.model, 0
        name = "decoder_input_ids" if model.config.is_encoder_decoder else "input_ids"

        def begin(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
            nonlocal read
            count = kwargs[name].shape[1]
            start = 0 if count > read else read  # what is longer than all before is the whole text again
            read = start + count
            self._begin(start)
            return args, kwargs

        with self.applied(), patch_modules([model], inputs=begin, first=True):
            yield

    @contextmanager
    def applied(self, start: int = 0, first_layer: int = 0) -> Iterator[None]:
        """Within the context one pass of this thread is edited. start: tokens that a cache holds. first_layer: of a pass
        that begins at a later layer."""
        self._begin(start, first_layer)
        places = self._plan.places
        with ExitStack() as stack:
            of_modules: dict[Site, list[Place]] = {}
            attended: dict[tuple[str, int], list[Place]] = {}
            for place in places:
                if place.site.at == ATTENDED:
                    attended.setdefault((place.site.kind, place.site.layer), []).append(place)
                else:
                    of_modules.setdefault(place.site, []).append(place)
            for site, here in of_modules.items():
                assert site.module is not None
                if site.at == INPUT:
                    hook: dict[str, Any] = {"inputs": partial(self._input, site, here)}
                else:
                    hook = {"output": partial(self._output, site, here)}
                stack.enter_context(patch_modules([site.module], first=True, **hook))
            if of_modules:
                of_encoder = [site.module for site in of_modules if site.kind == "encoder" and site.module is not None]
                watched = self._layers
                if not self._counts:
                    watched = [self._layers[site.layer] for site in of_modules if site.kind != "encoder"]
                stack.enter_context(patch_modules(dict.fromkeys(watched), inputs=self._enter, first=True))
                stack.enter_context(patch_modules(dict.fromkeys(of_encoder), inputs=self._measure, first=True))
            if attended:
                stack.enter_context(change_attention(partial(self._attend, attended)))
            yield

    def _enter(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        self._running += 1
        return self._measure(args, kwargs)

    def _measure(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        state = layer_input(args, kwargs)
        if isinstance(state, Tensor) and state.ndim == 3:
            self._shape = state.shape[0], state.shape[1]
        return args, kwargs

    def _is_other(self, site: Site) -> bool:
        return self._counts and site.kind != "encoder" and self._running != site.layer

    def _input(self, site: Site, places: Sequence[Place], args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        if self._is_other(site):
            return args, kwargs
        values = layer_input(args, kwargs)
        changed = self._of_module(values, places)
        return ((changed, *args[1:]), kwargs) if args else (args, kwargs | {"hidden_states": changed})

    def _output(self, site: Site, places: Sequence[Place], args: tuple, kwargs: dict, output: Any) -> Any:
        if self._is_other(site):
            return output
        values = first_tensor(output)
        if site.at == ADDED:
            before = layer_input(args, kwargs)
            added = values - before
            changed = self._of_module(added, places)
            put = values if changed is added else before + changed
        else:
            put = self._of_module(values, places)
        return (put, *output[1:]) if isinstance(output, tuple) else put

    def _of_module(self, values: Tensor, places: Sequence[Place]) -> Tensor:
        """Values (B, T, W), or (B·T, W), changed."""
        numbers = values.shape[-1] if places[0].edit.part == NEURON else 1
        batch, count = self._shape
        table = values.reshape(batch, count, numbers, -1)
        for place in places:
            table = self._changed(table, place)
        return values if table.data_ptr() == values.data_ptr() else table.view(values.shape)

    def _attend(
        self,
        places: Mapping[tuple[str, int], Sequence[Place]],
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        options: dict,
        output: Tensor,
    ) -> tuple[Tensor | None, Tensor, Tensor]:
        """A Change of hooks.py: arrows are seen by who records, for they change the weights; what heads give is replaced
        after that."""
        assert self._calls is not None
        here = places.get(self._calls.place(module), ())
        arrows = [place.edit for place in here if place.edit.part == ARROW and place.edit.strength]
        start = 0 if here and here[0].site.kind == "encoder" else self._start
        if arrows and not self._replacements.only_kept:
            across = here[0].site.kind == "cross"
            first_key = 0 if across else start + query.shape[2] - key.shape[2]
            off = arrows_off(arrows, (query.shape[1], query.shape[2], key.shape[2]), start, first_key)
            if off is not None:
                mask, output = without_arrows((module, query, key, value, mask, options), output, off)
        used = output
        for place in here:
            if place.edit.part != ARROW:
                used = self._changed(used, place)
        return mask, output, used

    def _changed(self, values: Tensor, place: Place) -> Tensor:
        start = 0 if place.site.kind == "encoder" else self._start
        return self._replacements.apply(values, place.site, place, start)
