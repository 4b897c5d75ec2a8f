"""The nucleus that is found among the most probable tokens is that of all tokens."""

import pytest
import torch
from transformers import TopPLogitsWarper

from playground.generation.nucleus import FastTopP


@pytest.mark.parametrize("spread", [0.01, 1.0, 4.0])
def test_the_nucleus_is_that_of_transformers(spread):
    """Guards against a nucleus that is a token too short or too long, that forgets what an earlier rule cut, or that ends
    where the sorted tokens end: nearly equal ones need them all."""
    scores = spread * torch.randn(3, 5000, generator=torch.Generator().manual_seed(1))
    scores[:, ::3] = float("-inf")
    for p in (0.1, 0.5, 0.95, 0.999):
        expected = TopPLogitsWarper(p)(None, scores.clone())
        assert torch.equal(FastTopP(p)(None, scores.clone()), expected)
    assert FastTopP(1e-6)(None, scores).isfinite().sum(-1).tolist() == [1, 1, 1], "the most probable one stays"
