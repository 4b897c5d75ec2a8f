"""Tables of what changed at each token, as markup with every text escaped. Know nothing of Gradio."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from playground.analysis.text_display import percent
from playground.components import markup

if TYPE_CHECKING:
    from playground.analysis.positions.perturbation_effects import PredictionChange

MAX_ROWS = 128


def prediction_table(
    tokens: Sequence[str], change: "PredictionChange", names: Callable[[list[int]], Sequence[str]], ahead: str
) -> str:
    """Token by token: loss before and after, divergence, and the two most probable tokens before and after.

    tokens: their texts. names: the texts of token ids. ahead: where a prediction stands, for the table's head.
    """

    def expected(ids: np.ndarray, probabilities: np.ndarray) -> str:
        pairs = zip(names([int(i) for i in ids[:2]]), probabilities[:2], strict=True)
        return "<br>".join(
            f'<span class="pg-token" translate="no">{markup.text(name)}</span> {markup.text(percent(float(p)))}'
            for name, p in pairs
        )

    rows = [
        (
            markup.theirs(token),
            f"{_loss(change.loss_before[i])}&nbsp;→&nbsp;{_loss(change.loss_after[i])}",
            f"{change.divergence[i]:.2f}",
            expected(change.top_before[i], change.top_p_before[i]),
            expected(change.top_after[i], change.top_p_after[i]),
        )
        for i, token in enumerate(tokens[:MAX_ROWS])
    ]
    return markup.table(("token", "loss, bits", "divergence, bits", f"expected {ahead}", "expected now"), rows)


def vector_table(tokens: Sequence[str], cosine_change: np.ndarray, attention_shift: np.ndarray | None) -> str:
    """Token by token: how far the last vector turned, and the share of attention that moved."""
    rows = [
        (
            markup.theirs(token),
            f"{cosine_change[i]:.3f}",
            "" if attention_shift is None else markup.text(percent(attention_shift[i])),
        )
        for i, token in enumerate(tokens[:MAX_ROWS])
    ]
    return markup.table(("token", "1 − cosine", "attention moved"), rows)


def _loss(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"
