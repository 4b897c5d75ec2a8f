"""A workbench that gives out no model before it is proved."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from playground.cluster.proof import Proof, prove
from playground.cluster.version import check_weights
from playground.model_shelf import LoadStatus
from playground.training.recipe import PREFIX
from playground.workbench import Workbench

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel


class ProvingWorkbench(Workbench):
    """The workbench of a replica."""

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self._expected: dict[str, str] = {}
        self._proofs: dict[str, Proof] = {}

    def loading(
        self,
        model_id: str,
        device: str = "auto",
        dtype: str = "auto",
        every: float = 0.25,
        beside: "LoadedModel | None" = None,
    ) -> Iterator[LoadStatus]:
        """As `Workbench.loading`; the model comes once it is proved. PlaygroundError where it fails."""
        for status in super().loading(model_id, device, dtype, every, beside):
            if status.model is not None and not model_id.startswith(PREFIX):  # those were trained here
                self._prove(model_id, status.model)
            yield status

    def _prove(self, model_id: str, model: "LoadedModel") -> None:
        self._proofs[model_id] = model.fact("proof", lambda: prove(model, self._expected.get(model_id, "")))
        self.expect(model_id, self._expected.get(model_id, ""))

    def proof(self, model_id: str) -> Proof:
        """Of a model that was loaded."""
        return self._proofs[model_id]

    def mark(self, model_id: str) -> str:
        """Of the weights of a model that was loaded, see `links.check.weights_mark`; else empty."""
        return self._proofs[model_id].weights if model_id in self._proofs else ""

    def expect(self, model_id: str, weights: str) -> None:
        """Refuses, with both marks, a model whose weights are not those that a front saw elsewhere; empty: it saw none."""
        if weights:
            self._expected[model_id] = weights
            if here := self.mark(model_id):
                check_weights(model_id, here, weights)
