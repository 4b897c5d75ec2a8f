"""Where numbers of two texts are exchanged: the sites of one kind in a model, and how they are watched in a pass."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

from torch import Tensor, nn

from playground.analysis.layers.exchange import HEAD, STATE, WHAT
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.recording.edits.edit import EMBEDDING, Edit
from playground.recording.edits.places import ATTENDED, INPUT, CallCounter, Site, call_kind, depth_of, places_of
from playground.recording.hooks import capture_attention
from playground.recording.module_hooks import patch_modules
from playground.recording.residual_stream import first_tensor, layer_input, stack_layers

Keep = Callable[[int, Tensor], Tensor]
"""keep(layer, what stands at its site) -> what takes its place."""


class ExchangeSites:
    """The sites of one kind, layer by layer; of an encoder-decoder in its encoder, which reads the text."""

    def __init__(self, model: LoadedModel, what: str):
        """PlaygroundError, with the reason, for a model in which this can't be exchanged."""
        if what not in WHAT:
            raise PlaygroundError(f"There is nothing called {what!r:.40} to exchange.", f"Choose: {', '.join(WHAT)}.")
        self._model, self._what = model, what
        two_stacks = bool(model.model.config.is_encoder_decoder)
        self.kind = "encoder" if two_stacks else ""
        """Of the edits."""
        if two_stacks and what not in (STATE, HEAD):
            raise PlaygroundError(
                "What attention and MLP of an encoder add can't be exchanged: they are found in decoders alone.",
                "Exchange states or heads.",
            )
        self.first_layer = stack_layers(model.model, encoder=two_stacks)[0]
        self.of = self._find()
        """Layer -> where it is exchanged, without layers that have no such part."""
        whole = {EMBEDDING: places_of(model, Edit(STATE, EMBEDDING, kind=self.kind))[0].site}
        self._all = whole | self.of

    def _find(self) -> dict[int, Site]:
        model, what = self._model, self._what
        if what == HEAD:
            layers = sorted(model.attention_calls.get(call_kind(model, self.kind), ())) or [0]
        else:
            depth = model.anatomy.layers if self.kind else depth_of(model)
            layers = list(range(EMBEDDING if what == STATE else 0, depth))
        sites, refusal = {}, None
        for layer in layers:
            try:
                (place,) = places_of(model, Edit(what, layer, kind=self.kind))
                sites[layer] = place.site
            except PlaygroundError as error:
                refusal = error
        if not sites and refusal is not None:
            raise refusal
        return sites

    def watched(self, keep: Keep) -> ExitStack:
        """The context in which `keep` receives what stands at every site, and before the first layer."""
        stack = ExitStack()
        attended = {(site.kind, site.layer): layer for layer, site in self._all.items() if site.at == ATTENDED}
        modules: dict[tuple[nn.Module, str], list[int]] = {}
        for layer, site in self._all.items():
            if site.at != ATTENDED and site.module is not None:
                modules.setdefault((site.module, site.at), []).append(layer)
        for (module, at), layers in modules.items():
            if at == INPUT:
                stack.enter_context(patch_modules([module], inputs=partial(_of_input, keep, iter(layers))))
            else:
                stack.enter_context(patch_modules([module], output=partial(_of_output, keep, iter(layers))))
        if attended:
            counter = CallCounter(self._model)

            def sink(module: nn.Module, *call: Any) -> Tensor | None:
                layer = attended.get(counter.place(module))
                return None if layer is None else keep(layer, call[-1])

            stack.enter_context(capture_attention(sink))
        return stack

    def table(self, layer: int, value: Tensor, tokens: int) -> Tensor:
        """(B, T, N, W) of what stands at a site."""
        return value if self._all[layer].at == ATTENDED else value.reshape(-1, tokens, 1, value.shape[-1])


def _of_input(keep: Keep, layers: Iterator[int], args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    state = layer_input(args, kwargs)
    layer = next(layers, None)
    put = state if layer is None else keep(layer, state)
    return ((put, *args[1:]), kwargs) if args else (args, kwargs | {"hidden_states": put})


def _of_output(keep: Keep, layers: Iterator[int], args: tuple, kwargs: dict, output: Any) -> Any:
    layer = next(layers, None)
    if layer is None:
        return output
    put = keep(layer, first_tensor(output))
    return (put, *output[1:]) if isinstance(output, tuple) else put
