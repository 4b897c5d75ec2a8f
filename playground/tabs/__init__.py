"""The tabs, one file each: they connect models, analyses and figures to the page, and compute nothing."""

from playground.tabs import attention, embeddings, generate, positions, tasks, training, xray

TABS = (xray, generate, attention, positions, embeddings, tasks, training)
"""In the page's order. Each has NAME, TITLE and build(page)."""
