"""From a classifier's logits to probabilities. Letters: K labels, W windows of a long text."""

import torch
from torch import Tensor


def label_probabilities(logits: Tensor, function: str) -> Tensor:
    """(K,): softmax (they sum to 1) or sigmoid (each 0..1 by itself) of the logits (K,); of a regression the logits
    themselves."""
    logits = logits.float()
    if function == "softmax":
        return logits.softmax(-1)
    return logits.sigmoid() if function == "sigmoid" else logits


def merged_logits(windows: Tensor) -> Tensor:
    """(K,): the mean over the windows (W, K), each of which counts the same."""
    return windows.float().mean(0)


def calibrated(log_probabilities: Tensor, of_empty: Tensor) -> Tensor:
    """(K,): what the text adds to each label: ln P(label | text) - ln P(label | empty text). Softmax of it is contextual
    calibration (Zhao et al. 2021): with the empty text, every label is as likely."""
    return log_probabilities.float() - of_empty.float()


def most_likely(probabilities: Tensor) -> int:
    """The number of the label with the highest probability."""
    return int(torch.argmax(probabilities))
