"""Which models of the list can be had, before one is tried."""

from dataclasses import replace

import pytest

from playground.catalog import CATALOG
from playground.settings import Settings
from playground.weights import hub
from playground.weights.reach import out_of_reach

NEED_A_HUB = {name for name, entry in CATALOG.items() if entry.wheel is None}


@pytest.mark.parametrize("trouble", ["nobody listens", "out of order"])
def test_without_a_hub_the_models_that_need_it_are_out_of_reach(settings, server, trouble):
    """Guards against a list of which most models fail only once they are tried: 12 of 14 come from the hub alone, and those
    that a package carries stay."""
    if trouble == "nobody listens":
        server.server.server_close()
    else:
        server.status = 503
    assert set(out_of_reach(settings)) == NEED_A_HUB and len(NEED_A_HUB) == 12
    assert hub._silent_until, "a silent hub is not asked again for a minute"


def test_a_hub_that_answers_has_all_models(settings, server):
    """Guards against models marked as out of reach by a hub that answers, if only with an error."""
    assert out_of_reach(settings) == ()


def test_offline_only_what_lies_here_is_in_reach(settings: Settings, server):
    """Guards against a question to the hub by a playground that was told to stay offline: with an empty cache nothing is in
    reach, packages included."""
    assert out_of_reach(replace(settings, offline=True)) == tuple(CATALOG)
    assert not server.requests
