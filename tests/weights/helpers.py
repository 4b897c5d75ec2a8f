"""What the tests of weights have in common beside fixtures."""

import os
from pathlib import Path

import pytest

from playground.errors import Cancelled, PlaygroundError
from playground.settings import Settings
from playground.weights.locate import locate

TEMPLATE = "{% for message in messages %}<{{ message['content'] }}>{% endfor %}"


def refused(model_id: str, settings: Settings, *words: str) -> PlaygroundError:
    """Locating raises a PlaygroundError that has a remedy and says these words."""
    with pytest.raises(PlaygroundError) as raised:
        locate(model_id, settings)
    assert raised.value.message and raised.value.remedy
    for word in words:
        assert word in str(raised.value)
    return raised.value


def models_in(settings: Settings) -> list[str]:
    """What lies in the cache folder beside the locks."""
    if not settings.cache_folder.exists():
        return []
    return sorted(path.name for path in settings.cache_folder.iterdir() if path.name != ".locks")


def change_one_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-5, os.SEEK_END)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


class Recorder:
    """A progress that remembers; raises Cancelled once `stop` is true of (what, share)."""

    def __init__(self, stop=lambda what, share: False):
        self.stop, self.said = stop, []

    def __call__(self, what: str, share: float | None = None) -> None:
        self.said.append(what)
        assert share is None or 0 <= share <= 1
        if self.stop(what, share):
            raise Cancelled()

    def saw(self, word: str) -> bool:
        return any(word in what for what in self.said)
