"""The tabs, one file each: they connect models, analyses and figures to the page, and compute nothing."""

from playground.tabs import attention, embeddings, generate, positions, xray

TABS = (xray, generate, attention, positions, embeddings)
"""In the page's order. Each has NAME, TITLE and build(page)."""
