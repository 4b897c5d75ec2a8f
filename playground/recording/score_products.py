"""The heads of a family that returns its weights alone, read from the product of queries and keys that makes its scores.

Letters: H heads, G key-value heads, T tokens, D numbers of a query or key.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from playground.recording.attention import distinct_heads
from playground.recording.recording import Recording

_PRODUCTS = frozenset({"matmul", "__matmul__", "bmm", "baddbmm", "einsum"})


def heads_of_scores(recording: Recording, heads: int) -> tuple[int, int]:
    """(G, D) of the first layer's scores, from another pass; copies of a key-value head count once. (0, 0) where no
    product of two tensors makes scores of all heads and tokens."""
    watch = _ScoreWatch(heads, len(recording.tokens))
    with watch:
        recording.run_again()
    return watch.key_shape


class _ScoreWatch(TorchFunctionMode):
    """Reads the shapes of the first product (H, T, D) × (H, D, T), in whatever order a family has its dimensions."""

    def __init__(self, heads: int, tokens: int):
        super().__init__()
        self._heads, self._tokens = heads, tokens
        self.key_shape = (0, 0)

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if self.key_shape == (0, 0) and getattr(function, "__name__", "") in _PRODUCTS:
            equation = next((part for part in args if isinstance(part, str)), "")
            tensors = [part for part in args if isinstance(part, Tensor)][-2:]  # baddbmm adds a third one before them
            if len(tensors) == 2 and result.numel() == self._heads * self._tokens**2:
                self.key_shape = self._measured(tensors[0], tensors[1], equation)
        return result

    def _measured(self, query: Tensor, key: Tensor, equation: str) -> tuple[int, int]:
        width, rest = divmod(query.numel(), self._heads * self._tokens)
        if rest or not width or query.numel() != key.numel():
            return 0, 0
        if equation:
            letters = equation.replace(" ", "").replace("->", ",").split(",")
            if len(letters) != 3 or "." in equation:
                return 0, 0
            first, second, out = letters
            shared = [place for place, letter in enumerate(second) if letter in first and letter in out]
            axis = next((place for place in shared if key.shape[place] == self._heads), None)
            if axis is None:
                return 0, 0
            key = key.movedim(axis, 0)
        return distinct_heads(key.reshape(self._heads, -1)), width
