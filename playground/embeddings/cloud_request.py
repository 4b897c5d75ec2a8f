"""Which cloud of points is to be drawn: which points, where they are to lie, how they are coloured. Knows no models."""

from __future__ import annotations

import zlib
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from playground.analysis.embeddings.layouts import METHODS, PCA, TSNE, UMAP, LayoutSettings
from playground.analysis.embeddings.vocabulary_filter import ANY, Filter
from playground.embeddings.point_sets import KINDS, LINES, TEXT, WORDS, PointRequest, PointSet
from playground.embeddings.pooling_names import OWN
from playground.errors import PlaygroundError

VOCABULARY = next(iter(KINDS))


@dataclass(frozen=True)
class CloudControls:
    """The values of the controls, as a visitor left them: a number may be missing, a choice may be unknown."""

    kind: str = VOCABULARY
    layout: str = PCA
    colour: str | None = ""
    dimensions: str = "2D"
    space: str | None = ""
    script: str | None = ANY
    leading: str | None = ANY
    least: float | None = 0
    most: float | None = 100
    pattern: str | None = ""
    count: float | None = 0
    perplexity: float | None = 0
    near: float | None = 0
    spread: float | None = 0.1
    seed: float | None = 0
    directions: bool = False
    words: str | None = ""
    by_token: bool = False
    text: str | None = ""
    lines: str | None = ""
    pooling: str | None = OWN
    dropped: str | None = ""
    chosen: int | None = None


@dataclass(frozen=True)
class CloudRequest:
    """Which cloud is to be drawn."""

    kind: str = VOCABULARY
    """A name in KINDS."""
    points: PointRequest = PointRequest()
    space: str = ""
    """As the list names it; the usual one if such points have none of that name."""
    count: int = 0
    """Of a sample; 0: as many points as there is room for."""
    layout: LayoutSettings = LayoutSettings()
    colour: str = ""
    """Falls back to the first colouring that these points have."""
    dropped: str = ""
    """What a visitor drops into the picture."""
    chosen: int | None = None
    """The row of the point that was clicked or searched for last."""

    @property
    def point_set(self) -> PointSet:
        """The kind of the points."""
        return KINDS[self.kind]

    @property
    def identity(self) -> tuple[Hashable, ...]:
        """Equal where a row means the same point."""
        return self.point_set.identity(self.points, self.space)

    @property
    def layout_key(self) -> tuple[Hashable, ...]:
        """All that decides where the points lie."""
        return self.space, *self.identity, self.point_set.vector_key(self.points), self.count, self.layout

    @property
    def layout_name(self) -> str:
        """A name for `layout_key`."""
        return str(zlib.crc32(repr(self.layout_key).encode("utf-8", "replace")))

    @classmethod
    def from_controls(cls, controls: CloudControls) -> CloudRequest:
        """PlaygroundError for a missing number or an unknown choice. Numbers that the layout ignores are left out."""
        numbers = (controls.least, controls.most, controls.count, controls.near, controls.seed)
        least, most, count, near, seed = (int(_filled_in(number)) for number in numbers)
        by_method: dict[str, dict[str, Any]] = {
            PCA: {},
            TSNE: {"perplexity": _filled_in(controls.perplexity)},
            UMAP: {"neighbours": near, "min_distance": _filled_in(controls.spread)},
        }
        _check_choice("layout", controls.layout, METHODS)
        _check_choice("kind of points", controls.kind, tuple(KINDS))
        if count < 0 or not 0 <= seed < 2**32:
            raise PlaygroundError(f"A sample of {count:,} with seed {seed:,} can't be drawn.", "Both count from 0.")
        token_filter = Filter(controls.leading or ANY, controls.script or ANY, least, most, controls.pattern or "")
        texts = {WORDS: controls.words, TEXT: controls.text, LINES: controls.lines}
        text = texts.get(KINDS[controls.kind].controls) or ""
        components, directions = 3 if controls.dimensions == "3D" else 2, bool(controls.directions)
        return cls(
            controls.kind,
            PointRequest(text, token_filter, bool(controls.by_token), pooling=controls.pooling or OWN),
            controls.space or "",
            count,
            LayoutSettings(controls.layout, components, directions, seed, **by_method[controls.layout]),
            controls.colour or "",
            controls.dropped or "",
            controls.chosen,
        )


def _filled_in(number: float | None) -> float:
    if number is None:
        raise PlaygroundError("A number is missing.", "Fill it in.")
    return float(number)


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise PlaygroundError(f"There is no {name} {value!r}.", f"Choose one of: {', '.join(choices)}.")
