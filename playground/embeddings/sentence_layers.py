"""The modules that follow the pooling in a sentence-transformers folder: read from their files, as functions of a vector.

Letters: D width.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from playground.errors import PlaygroundError
from playground.weights.bounded_json import read_json

_MAX_BYTES = 256 * 1024**2


class NotFollowed(Exception):
    """A module, or a file of one, that can't be followed; says which and why."""


@dataclass(frozen=True, eq=False)
class Dense:
    """A matrix with an activation."""

    folder: str
    """Beside the transformer's, where the weights lie."""
    matrix: Tensor  # (D', D)
    bias: Tensor | None  # (D',)
    activation: nn.Module
    adds_input: bool
    residual: Tensor | None  # (D', D): by which the input is multiplied before it is added

    @property
    def name(self) -> str:
        """For people."""
        return f"Dense ({self.matrix.shape[1]} to {self.matrix.shape[0]}, {type(self.activation).__name__})"

    def __call__(self, vector: Tensor) -> Tensor:
        out: Tensor = self.activation(nn.functional.linear(vector, self.matrix, self.bias))
        if self.adds_input:
            out = out + (vector if self.residual is None else self.residual @ vector)
        return out


@dataclass(frozen=True, eq=False)
class LayerNorm:
    """The norm of a layer, over the whole vector."""

    folder: str
    scale: Tensor  # (D,)
    shift: Tensor  # (D,)
    name = "LayerNorm"

    def __call__(self, vector: Tensor) -> Tensor:
        return nn.functional.layer_norm(vector, self.scale.shape, self.scale, self.shift)


class Normalize:
    """Scales a vector to length 1."""

    name = "Normalize"

    def __call__(self, vector: Tensor) -> Tensor:
        return nn.functional.normalize(vector, dim=0)


@dataclass(frozen=True)
class Beginning:
    """Keeps the first numbers of a vector."""

    count: int

    @property
    def name(self) -> str:
        """For people."""
        return f"the first {self.count} of its numbers"

    def __call__(self, vector: Tensor) -> Tensor:
        return vector[: self.count]


Step = Dense | LayerNorm | Normalize | Beginning
"""What may follow a pooling: makes a vector (D',) of a vector (D,)."""


def read_object(folder: Path, name: str) -> dict[str, Any]:
    """A JSON object; empty where there is no such file."""
    if not (folder / name).is_file():
        return {}
    try:
        content = read_json(folder / name)
    except (PlaygroundError, OSError) as error:
        raise NotFollowed(f"{folder.name}/{name}, which is no whole JSON") from error
    if not isinstance(content, dict):
        raise NotFollowed(f"{folder.name}/{name}, which is no JSON object")
    return content


def read_dense(folder: Path) -> Dense:
    """Raises NotFollowed."""
    config, weights = read_object(folder, "config.json"), _read_weights(folder)
    activation = _activation(str(config.get("activation_function", "torch.nn.modules.activation.Tanh")))
    matrix, bias = weights.get("linear.weight"), weights.get("linear.bias")
    if matrix is None or config.get("module_input_name", "sentence_embedding") != "sentence_embedding":
        raise NotFollowed(f"{folder.name}, whose weights are not those of one Dense over sentences")
    adds_input = bool(config.get("use_residual"))
    residual = weights.get("residual.weight") if adds_input else None
    return Dense(folder.name, matrix, bias, activation, adds_input, residual)


def read_layer_norm(folder: Path) -> LayerNorm:
    """Raises NotFollowed."""
    weights = _read_weights(folder)
    if not {"norm.weight", "norm.bias"} <= weights.keys():
        raise NotFollowed(f"{folder.name}, which lacks its weights")
    return LayerNorm(folder.name, weights["norm.weight"], weights["norm.bias"])


def _read_weights(folder: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    path = folder / "model.safetensors"
    if not path.is_file():
        pickle = (folder / "pytorch_model.bin").is_file()
        raise NotFollowed(f"{folder.name}, whose weights are {'a pickle' if pickle else 'missing'}")
    if path.stat().st_size > _MAX_BYTES:
        raise NotFollowed(f"{folder.name}, whose weights have more than {_MAX_BYTES:,} bytes")
    try:
        return {name: tensor.float() for name, tensor in load_file(path).items()}
    except Exception as error:  # the safetensors library has errors of its own
        raise NotFollowed(f"{folder.name}, whose weights can't be read") from error


def _activation(name: str) -> nn.Module:
    """The module of torch with this name, such as torch.nn.modules.activation.Tanh."""
    activation = getattr(nn, name.rsplit(".", 1)[-1], None)
    if not name.startswith("torch.nn.") or not isinstance(activation, type) or not issubclass(activation, nn.Module):
        raise NotFollowed(f"the activation {name[:60]}")
    try:
        module = activation().eval()
    except TypeError as error:
        raise NotFollowed(f"the activation {name[:60]}") from error
    if next(module.parameters(), None) is not None:  # PReLU learns a number
        raise NotFollowed(f"the activation {name[:60]}, which has weights of its own")
    return module
