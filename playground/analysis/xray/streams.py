"""How much each layer changes the state of each token, and how wide that is drawn. Letters: L layers, T tokens."""

import numpy as np

NARROWEST = 0.12
"""Share of the full width at which the smallest change is drawn."""
CUT = (5, 95)
"""Percentiles of the changes between which widths grow; the first layer, which often changes ten times as much as any
other, lies beyond."""


def stream_widths(changes: np.ndarray) -> np.ndarray:
    """(L, T) float32, NARROWEST..1: the widths of changes (L, T) >= 0, on a logarithmic scale.

    NARROWEST at the 5th percentile and below, 1 at the 95th and above. The first token counts for no percentile where
    there are others: its state is often a hundred times as long as theirs. All widths are the same where all changes are.
    """
    logs = np.log(np.maximum(np.nan_to_num(changes), 1e-12))
    counted = logs[:, 1:] if logs.shape[1] > 1 else logs
    low, high = np.percentile(counted, CUT) if counted.size else (0.0, 0.0)
    share = (logs - low) / (high - low) if high - low > 1e-6 else np.full(logs.shape, 0.5)
    return (NARROWEST + (1 - NARROWEST) * share.clip(0, 1)).astype(np.float32)
