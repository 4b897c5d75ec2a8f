"""Pages of tiny models that lie in folders, as a script loads them."""

import pytest

import playground as pg
from playground.recording.record import record
from playground.tabs.shared.page_context import PageContext
from tests.recording.test_layer_numbers import HYBRIDS
from tests.tools import every_family, zoo

TEXT = 'the "cat"\'s <b>mat</b>\n$MODEL {x} \\n the cat'
DYNAMIC = {"rope_type": "dynamic", "rope_theta": 10_000.0, "factor": 2.0}


@pytest.fixture(scope="session")
def folder_model(tmp_path_factory):
    """folder_model(family) -> a tiny model of the zoo or another family, loaded from its folder as a visitor's would be;
    "headless": a BERT without its head; "pairs": one that reads two sentences; "dynamic": a Llama whose angles change with a
    text's length."""
    place, made = tmp_path_factory.mktemp("scripts"), {}

    def load(family):
        if family not in made:
            known = family in zoo.FAMILIES
            folder = zoo.save(family if known else "bert", place / family)
            if family in HYBRIDS:
                zoo.variant(family, **HYBRIDS[family]).save_pretrained(folder)
            elif family == "dynamic":
                zoo.variant("llama", rope_parameters=DYNAMIC).save_pretrained(folder)
            elif not known and family not in ("headless", "pairs"):
                every_family.build(family).save_pretrained(folder)
            if family == "headless":
                zoo.build("bert").base_model.save_pretrained(folder)
            if family == "pairs":
                zoo.pair_tokenizer().save_pretrained(folder)
            made[family] = pg.load(str(folder), device="cpu", dtype="float32")
        return made[family]

    return load


@pytest.fixture
def look(folder_model, monkeypatch):
    """look(family, text=TEXT) -> the page that shows a recording of the text."""

    def at(family, text=TEXT):
        model = folder_model(family)
        recording = record(model, text)
        page = PageContext(model.model_id, "cpu", "float32", text)
        monkeypatch.setattr(PageContext, "recording", lambda page, *_, **__: recording)
        for name in ("model", "awaited_model"):
            monkeypatch.setattr(PageContext, name, lambda page: model)
        return page

    return at
