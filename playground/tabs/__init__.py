"""The tabs, one file each: they connect models, analyses and figures to the page, and compute nothing."""

from playground.tabs import attention, embeddings, generate, layers, positions, tasks, training, xray

TABS = (xray, generate, attention, layers, positions, embeddings, tasks, training)
"""In the page's order. Each has NAME, TITLE and build(page)."""
