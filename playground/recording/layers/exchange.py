"""Exchanges numbers between the readings of two texts: the estimate of all cells at once, any cell exactly."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from playground.analysis.arrays import check_range
from playground.analysis.layers.exchange import CONE, EXCHANGED, HEAD, ITSELF, STATE, Exchange, first_order
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.rounding import rounding
from playground.recording.edits.edit import EMBEDDING, TEXT, Edit
from playground.recording.edits.editing import Plan
from playground.recording.edits.places import places_of
from playground.recording.layers.exchange_checks import cone_error, itself_error
from playground.recording.layers.exchange_sites import ExchangeSites
from playground.recording.layers.text_pair import TextPair, pair_of
from playground.recording.module_hooks import patch_modules
from playground.recording.residual_stream import layer_input

AT_ONCE = 15
"""Cells in one pass, each in a row of its own, beside a row in which nothing is exchanged."""


class Patcher:
    """An exchange of one kind of numbers between two texts. The clean text is read once, the corrupted one forwards and
    backwards; after that any cell is computed exactly."""

    def __init__(self, model: LoadedModel, pair: TextPair, what: str, tokens: tuple[int | None, int | None]):
        """tokens: whose logit is measured, and against which; by default the answers to both texts."""
        if model.dtype.value == torch.int8:
            raise PlaygroundError("int8 weights have no gradients.", "Choose float32 in the sidebar.")
        self._model, self.pair, self._what = model, pair, what
        self._sites = ExchangeSites(model, what)
        clean, logits, error = self._read()
        self._clean = clean
        corrupted, gradients, (token, against), value = self._backwards(tokens, logits)
        by_head = what == HEAD
        rows = [first_order(clean[n], corrupted[n], gradients[n], by_head) for n in self._sites.of]
        width = max(len(row) for row in rows)
        table = torch.stack([nn.functional.pad(row, (0, width - len(row)), value=torch.nan) for row in rows])
        columns = range(width) if by_head else range(pair.first, width)
        estimate = table[:, columns.start :].float().cpu().numpy()
        self.result = Exchange(
            what, tuple(self._sites.of), tuple(columns), token, against, pair.position,
            float(logits[token] - logits[against]), value, estimate, np.full_like(estimate, np.nan),
            {EXCHANGED: error},
        )  # fmt: skip
        middle = self.result.layers[len(rows) // 2]
        self._own = middle, corrupted[middle].clone()
        self._base: float | None = None
        if not self.result.error <= rounding(model.model.dtype).sums:  # NaN as well
            raise PlaygroundError(
                f"The exchange can't be shown: with all states exchanged before layer 0 the logits are off by "
                f"{self.result.error:.1g} from the other text's.",
                "This model reads more than these states.",
            )

    @property
    def nbytes(self) -> int:
        """Bytes kept."""
        return sum(value.nbytes for value in (*self._clean.values(), self._own[1])) + 2 * self.result.exact.nbytes

    def missing(self) -> list[tuple[int, int]]:
        """Cells, as (row, column), that were not computed exactly."""
        there = np.isnan(self.result.exact) & np.isfinite(self.result.estimate)
        return [(int(row), int(column)) for row, column in np.argwhere(there)]

    def compute(self, cells: Sequence[tuple[int, int]]) -> None:
        """Computes cells exactly. PlaygroundError for one that is not there."""
        rows, columns = self.result.exact.shape
        for row, column in cells:
            check_range("The row", row, 0, rows - 1)
            check_range("The column", column, 0, columns - 1)
        if self._base is None:
            self._base = self._read_with_itself()
        values = [self._base, *self._measure(cells)] if len(cells) == 1 else self._measure([None, *cells])
        for (row, column), value in zip(cells, values[1:], strict=True):
            self.result.exact[row, column] = value - values[0]
        if (change := cone_error(self._model, self.result)) is not None:
            self.result.errors[CONE] = change

    def compute_all(self) -> Iterator[float]:
        """Computes all cells exactly; yields the share that is done, 0..1."""
        cells = self.missing()
        for start in range(0, len(cells), AT_ONCE):
            self.compute(cells[start : start + AT_ONCE])
            yield min(1.0, (start + AT_ONCE) / len(cells))

    def _read_with_itself(self) -> float:
        """The measure in the corrupted text; and how far its logits are from those with numbers of its own exchanged for the
        same. PlaygroundError where that changes more than rounding."""
        layer, own = self._own
        edit = Edit(self._what, layer, how=TEXT, text=self.pair.ids[1], kind=self._sites.kind)
        places = tuple(places_of(self._model, edit, 0))
        plain = self._edited_logits(Plan(self._model, (), {}), 1)[0]
        plan = Plan(self._model, places, {(place.edit, place.site): own for place in places})
        again = self._edited_logits(plan, 1)[0]
        self.result.errors[ITSELF] = itself_error(self._model, plain, again)
        return float(plain[self.result.token].double() - plain[self.result.against].double())

    def _measure(self, cells: Sequence[tuple[int, int] | None]) -> list[float]:
        """The measure in the corrupted text, for each cell exchanged; None for nothing."""
        edits = [None if cell is None else self._edit(cell) for cell in cells]
        places = [place for row, edit in enumerate(edits) if edit for place in places_of(self._model, edit, row)]
        values = {(place.edit, place.site): self._values(place.edit) for place in places}
        logits = self._edited_logits(Plan(self._model, tuple(places), values), len(cells))
        return [float(row[self.result.token].double() - row[self.result.against].double()) for row in logits]

    def _edit(self, cell: tuple[int, int]) -> Edit:
        layer, column = self.result.layers[cell[0]], self.result.columns[cell[1]]
        if self._what == HEAD:
            return Edit(HEAD, layer, (column,), how=TEXT, text=self.pair.ids[0], kind=self._sites.kind)
        here, text = (column,), self.pair.ids[0]
        return Edit(self._what, layer, positions=here, how=TEXT, text=text, sources=here, kind=self._sites.kind)

    def _values(self, edit: Edit) -> Tensor:
        values = self._clean[edit.layer]
        return values[:, list(edit.which)] if edit.which else values

    @torch.inference_mode()
    def _edited_logits(self, plan: Plan, rows: int) -> Tensor:
        """(rows, V): of the corrupted text, as the plan says."""
        with plan.applied():
            return self._logits(self._inputs(self.pair.ids[1]).expand(rows, -1))

    @torch.inference_mode()
    def _read(self) -> tuple[dict[int, Tensor], Tensor, float]:
        """What stands at each site of the clean text, layer -> (T, N, W), and its logits (V,); and how far those of the
        corrupted text are from them with all states exchanged before layer 0, a row of the same pass."""
        kept: dict[int, Tensor] = {}

        def keep(layer: int, value: Tensor) -> Tensor:
            table = self._table(layer, value)
            kept[layer] = table[0].clone()
            if layer != EMBEDDING:
                return value
            put = table.clone()
            put[1] = table[0]
            return put.view(value.shape)

        with self._sites.watched(keep):
            clean, exchanged = self._logits(torch.cat([self._inputs(ids) for ids in self.pair.ids]))
        return kept, clean, float((exchanged - clean).abs().max() / clean.abs().max().clamp_min(1e-30))

    def _backwards(
        self, tokens: tuple[int | None, int | None], clean_logits: Tensor
    ) -> tuple[dict[int, Tensor], dict[int, Tensor], tuple[int, int], float]:
        """Of the corrupted text: what stands at each site and the measure's gradient there, layer -> (T, N, W); the tokens
        that are compared, and the measure."""
        kept: dict[int, Tensor] = {}

        def keep(layer: int, value: Tensor) -> Tensor:
            kept[layer] = value
            return value.clone()  # some layers add in place

        def leaf(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
            state = layer_input(args, kwargs).detach().clone().requires_grad_()
            return ((state, *args[1:]), kwargs) if args else (args, kwargs | {"hidden_states": state})

        with torch.inference_mode(False), torch.enable_grad():
            with patch_modules([self._sites.first_layer], inputs=leaf), self._sites.watched(keep):
                logits = self._logits(self._inputs(self.pair.ids[1]))[0]
            pair = _compared(tokens, clean_logits, logits.detach())
            measure = logits[pair[0]] - logits[pair[1]]
            gradients = torch.autograd.grad(measure, list(kept.values()), allow_unused=True)
        tables = {layer: self._table(layer, value.detach())[0] for layer, value in kept.items()}
        slopes = {
            layer: torch.zeros_like(tables[layer]) if gradient is None else self._table(layer, gradient)[0]
            for layer, gradient in zip(kept, gradients, strict=True)
        }
        return tables, slopes, pair, float(measure.detach())

    def _table(self, layer: int, value: Tensor) -> Tensor:
        """(B, T, N, W)"""
        return self._sites.table(layer, value, len(self.pair.clean))

    def _inputs(self, ids: tuple[int, ...]) -> Tensor:
        return torch.tensor([ids], device=self._model.input_device)

    def _logits(self, ids: Tensor) -> Tensor:
        """(B, V) float32, where the answer stands."""
        options: dict[str, Any] = {"use_cache": False} if self._model.anatomy.has_decoder else {}
        inputs, start = {"input_ids": ids}, self.pair.start
        if start:
            inputs["decoder_input_ids"] = self._inputs(start).expand(len(ids), -1)
        last = self.pair.position == len(start or self.pair.clean) - 1
        if last and "logits_to_keep" in inspect.signature(self._model.model.forward).parameters:
            options["logits_to_keep"] = 1
        logits = self._model.model(**inputs, return_dict=True, **options).logits
        return logits[:, -1 if last else self.pair.position].float()


def patch(
    model: LoadedModel,
    clean: str,
    corrupted: str,
    what: str = STATE,
    *,
    token: int | None = None,
    against: int | None = None,
    exact: bool = False,
) -> Exchange:
    """Reads `corrupted` with numbers of `clean` in their places, cell by cell: activation patching. Measured is the logit of
    `token`, by default the answer to the clean text, minus that of `against`, by default the answer to the corrupted one.

    what: "state", "attention" or "mlp", at each layer and token; or "head", at each layer and head. Of an encoder-decoder
    states or heads of its encoder; the answer is the first token that it writes. exact: whether every cell is computed, by a
    pass of its own; else the first-order estimate alone. PlaygroundError for texts that are equal or
    have different numbers of tokens, and, with the reason, for a model that does not allow it.
    """
    patcher = Patcher(model, pair_of(model, clean, corrupted), what, (token, against))
    if exact:
        for _ in patcher.compute_all():
            pass
    return patcher.result


def _compared(tokens: tuple[int | None, int | None], clean: Tensor, corrupted: Tensor) -> tuple[int, int]:
    """The tokens whose logits are compared: what is not named is the answer to the clean text, and that to the corrupted
    one; where both are the same, the clean text's second guess."""
    for number in tokens:
        if number is not None:
            check_range("The token id", number, 0, len(clean) - 1)
    token = int(clean.argmax()) if tokens[0] is None else tokens[0]
    if tokens[1] is not None:
        if tokens[1] == token:
            raise PlaygroundError("Both tokens are the same, so their logits don't differ.", "Choose two.")
        return token, tokens[1]
    others = [int(corrupted.argmax()), *clean.topk(2).indices.tolist()]
    return token, next(number for number in others if number != token)
