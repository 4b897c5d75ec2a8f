"""Lines of scripts that find principal axes (Pearson 1901), as the page does: each axis's largest number is positive, and an
axis that the points don't define is 0."""

_AXES = """mean = VECTORS.double().mean(0)
centred = VECTORS.double() - mean
# The right singular vectors are the principal axes; of many points those of their covariance, which are the same.
_, sizes, axes = torch.linalg.svd(centred if len(centred) <= 2000 else centred.T @ centred, full_matrices=False)
axes = axes[:COMPONENTS] * (sizes[:COMPONENTS, None] > 1e-9 * sizes[0])  # 0 where the points have fewer
axes = axes * axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()  # each one's largest number is positive
"""


def principal_axes(vectors: str) -> str:
    """Lines that make `mean` (width,), `centred` (points, width) and `axes` (COMPONENTS, width). vectors: a tensor's name,
    (points, width)."""
    return _AXES.replace("VECTORS", vectors)
