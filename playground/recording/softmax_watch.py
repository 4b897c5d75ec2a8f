"""Notices when a model computes attention, whatever its code is called."""

from collections.abc import Callable
from typing import Any

from torch.overrides import TorchFunctionMode


class SoftmaxWatch(TorchFunctionMode):
    """Within the context it notices each softmax over more than two dimensions in this thread: of attention, not of a
    router or a head."""

    def __init__(self, notice: Callable[[], None] | None = None):
        """notice: called at each of them."""
        super().__init__()
        self._notice = notice
        self.seen = False
        """Whether there was one."""

    def __torch_function__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = function(*args, **(kwargs or {}))
        name = getattr(function, "__name__", "")
        if name == "scaled_dot_product_attention" or ("softmax" in name and result.ndim > 2):
            self.seen = True
            if self._notice is not None:
                self._notice()
        return result
