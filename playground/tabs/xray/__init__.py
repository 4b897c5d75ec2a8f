"""X-ray: the model reading the text in one picture."""

from playground.tabs.xray.tab import NAME, TITLE, build

__all__ = ["NAME", "TITLE", "build"]
