"""The modules that follow the pooling in a sentence-transformers folder: read from their files, as functions of a vector.

Letters: D width.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from playground.errors import PlaygroundError
from playground.weights.bounded_json import read_json

Step = Callable[[Tensor], Tensor]

_MAX_BYTES = 256 * 1024**2


class NotFollowed(Exception):
    """A module, or a file of one, that can't be followed; says which and why."""


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


def read_dense(folder: Path) -> tuple[str, Step]:
    """Name and function of a matrix with an activation. Raises NotFollowed."""
    config, weights = read_object(folder, "config.json"), _read_weights(folder)
    activation = _activation(str(config.get("activation_function", "torch.nn.modules.activation.Tanh")))
    matrix, bias = weights.get("linear.weight"), weights.get("linear.bias")
    if matrix is None or config.get("module_input_name", "sentence_embedding") != "sentence_embedding":
        raise NotFollowed(f"{folder.name}, whose weights are not those of one Dense over sentences")
    residual = weights.get("residual.weight") if config.get("use_residual") else None

    def dense(vector: Tensor) -> Tensor:
        out = activation(nn.functional.linear(vector, matrix, bias))
        if config.get("use_residual"):
            out = out + (vector if residual is None else residual @ vector)
        return out

    name = f"Dense ({matrix.shape[1]} to {matrix.shape[0]}, {type(activation).__name__})"
    return name, dense


def read_layer_norm(folder: Path) -> Step:
    """Raises NotFollowed."""
    weights = _read_weights(folder)
    if not {"norm.weight", "norm.bias"} <= weights.keys():
        raise NotFollowed(f"{folder.name}, which lacks its weights")
    scale, shift = weights["norm.weight"], weights["norm.bias"]
    return lambda vector: nn.functional.layer_norm(vector, scale.shape, scale, shift)


def normalize(vector: Tensor) -> Tensor:
    """(D,) of length 1."""
    return nn.functional.normalize(vector, dim=0)


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
