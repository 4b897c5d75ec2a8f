"""What the comparison of recorded attention with the model's own showed: for each layer and head, and in words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from playground.analysis.text_display import Badge, counted, power_of_ten
from playground.recording.attention import AttentionCall
from playground.recording.head_comparison import LayerCheck, check_layer
from playground.recording.hooks import Receiver


class HeadError(NamedTuple):
    """A head's largest difference, and what rounding explains of it."""

    layer: int
    head: int
    error: float
    tolerance: float


@dataclass(frozen=True)
class Verification:
    """How far weights·V, recomputed from queries and keys, is from what the model used, for every layer and head."""

    layers: dict[str, tuple[LayerCheck, ...]] = field(default_factory=dict)
    """Kind -> the check of each layer with this kind of attention; empty if nothing could be checked."""
    numbers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Kind -> the layers' own numbers."""
    number_format: str = "float32"
    """In which the model computes attention."""
    reason: str = ""
    """Why nothing could be checked, else empty."""
    scope: str = "all layers and heads"
    """What was checked, as the badge says it."""

    @property
    def errors(self) -> dict[str, tuple[float, ...]]:
        """Kind -> the largest difference of each layer, over its heads."""
        return {kind: tuple(max(check.used.error) for check in checks) for kind, checks in self.layers.items()}

    @property
    def largest(self) -> float | None:
        """Largest difference of all layers and heads; None if nothing could be checked."""
        return max((max(errors) for errors in self.errors.values()), default=None)

    @property
    def tolerance(self) -> float:
        """What rounding explains in the head with the largest difference; each head has its own."""
        return max(self._heads(), key=lambda head: head.error).tolerance if self.layers else 0.0

    @property
    def worst(self) -> HeadError | None:
        """The head whose difference is largest beside what rounding explains, in float32 where that was checked too."""
        checked = [*self._heads(), *self._heads(exact=True)]
        return max(checked, key=lambda head: head.error / max(head.tolerance, 1e-45), default=None)

    @property
    def passed(self) -> bool:
        """Whether rounding explains the difference of every head of every layer."""
        return bool(self.layers) and all(all(check.passed) for checks in self.layers.values() for check in checks)

    @property
    def exact(self) -> bool:
        """Whether the formula was checked in float32 in every layer."""
        checks = [check for of_kind in self.layers.values() for check in of_kind]
        return bool(checks) and (self.number_format == "float32" or all(check.exact for check in checks))

    def check(self, layer: int, kind: str) -> LayerCheck:
        """The check of a layer, by the model's own number."""
        return self.layers[kind][self.numbers[kind].index(layer)]

    def badge(self, layer: int, head: int, kind: str) -> Badge:
        """Whether the recorded queries, keys and values of a head reproduce what the model used, and on which of two
        checks that rests: on the model's own numbers, or in a half format on the same formula in float32."""
        if self.reason:
            return Badge("off", f"Not recomputed: {self.reason}")
        check = self.check(layer, kind)
        error, most = check.used.error[head], check.used.tolerance[head]
        title = (
            f"Layer {layer}, head {head}: softmax(scores)·V, recomputed from its queries, keys and values, differs from "
            f"what the model used by at most {power_of_ten(error)}. In {self.number_format} rounding explains "
            f"{power_of_ten(most)} here. "
        )
        if not check.passed[head]:
            words = f"Not reproduced: recomputed, this head differs by {power_of_ten(error)}"
            return Badge("warn", words, title + self._float32(check, head) + self._others())
        if self.number_format == "float32":
            return Badge("ok", f"Recomputed: agrees to {power_of_ten(error)}", title + self._others())
        if check.exact is None:
            words = f"Recomputed: agrees within rounding, to {power_of_ten(error)}"
            return Badge("warn", words, title + self._float32(check, head))
        title += self._float32(check, head) + self._others()
        words = f"Recomputed: the formula, checked in float32, agrees to {power_of_ten(check.exact.error[head])}"
        return Badge("ok", f"{words}; in {self.number_format} to {power_of_ten(error)}", title)

    def _float32(self, check: LayerCheck, head: int) -> str:
        """What the check in float32 says of a head."""
        if self.number_format == "float32":
            return ""
        if check.exact is None:
            return (
                "This family's attention can't be computed in float32, so a formula off by less would not be noticed. "
            )
        return (
            "The badge rests on the same queries, keys and values in float32, by the family's own attention function and "
            f"by the formula: they differ by {power_of_ten(check.exact.error[head])}, "
            f"rounding explains {power_of_ten(check.exact.tolerance[head])}. "
        )

    def _others(self) -> str:
        """The largest difference of all that was checked, and how many heads rounding doesn't explain."""
        wrong = sum(not ok for checks in self.layers.values() for check in checks for ok in check.passed)
        return f"Over {self.scope}: {power_of_ten(self.largest or 0)}" + (
            f"; {counted(wrong, 'head')} not reproduced." if wrong else "."
        )

    def _heads(self, exact: bool = False) -> Iterator[HeadError]:
        for kind, checks in self.layers.items():
            for layer, check in zip(self.numbers[kind], checks, strict=True):
                difference = check.exact if exact else check.used
                for head, pair in enumerate(
                    zip(difference.error, difference.tolerance, strict=True) if difference else ()
                ):
                    yield HeadError(layer, head, *pair)


def verify_calls(
    calls: Mapping[str, Sequence[AttentionCall]],
    numbers: Mapping[str, tuple[int, ...]],
    run_again: Callable[[Receiver], None],
) -> Verification:
    """Compares every head of every layer of a recording.

    calls are those of the recording by kind, numbers their layers; if they were kept without values and outputs,
    `run_again(receive)` must pass each call of a second forward pass to `receive(kind, layer, call)`, in the same order.
    """
    checks: dict[str, list[LayerCheck]] = {kind: [] for kind in calls}

    def check(kind: str, layer: int, again: AttentionCall) -> None:
        checks[kind].append(check_layer(calls[kind][len(checks[kind])], again))

    first = next(iter(calls.values()))[0]
    if first.output is None:
        run_again(check)
    else:
        for kind, layers in calls.items():
            checks[kind] = [check_layer(call) for call in layers]
    return Verification({kind: tuple(of_kind) for kind, of_kind in checks.items()}, numbers, _format_of(first))


def verify_layer(call: AttentionCall, again: AttentionCall, layer: int, kind: str) -> Verification:
    """Compares every head of one layer of a recording; again: the same call of another pass, with its value and output."""
    checks = (check_layer(call, again),)
    return Verification({kind: checks}, {kind: (layer,)}, _format_of(call), scope="all heads of this layer")


def _format_of(call: AttentionCall) -> str:
    return str(call.query.dtype).removeprefix("torch.")
