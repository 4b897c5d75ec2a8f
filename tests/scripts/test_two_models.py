"""Python beside the pictures of Two models: each script loads both and computes the numbers that the page draws."""

import numpy as np
import pytest

import playground as pg
from playground import workbench
from playground.recording.layers.two_models import TwoModels
from playground.settings import Settings
from playground.tabs.layers import two_models_view as view
from playground.tabs.layers.two_models_view import TwoModelsRequest
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from playground.texts import scripts as texts
from playground.workbench import Workbench
from tests.recording.test_layer_numbers import HYBRIDS
from tests.scripts.running import numbers, run
from tests.scripts.test_pictures import CLOSE, agree, bars, drawn, heat
from tests.tabs.calling import shown
from tests.tools import zoo
from tests.tools.tokenizer_kinds import KINDS

TEXT = 'The cat\'s  <b>mat</b>\n{x} "é" 工 the cat '


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Name -> a folder with a tiny model: of bytes, of pieces with ▁ and bytes, of bytes between [CLS] and [SEP]; "hybrid":
    two of whose four layers attend."""
    place = tmp_path_factory.mktemp("two")
    pieces = KINDS["byte fallback"](place)
    made = {name: zoo.save(name, place / name) for name in ("gpt2", "llama", "t5")}
    for name, model, tokenizer in (
        ("pieces", zoo.variant("llama", vocab_size=len(pieces) + 3), pieces),  # with rows that no token has
        ("pairs", zoo.build("bert"), zoo.pair_tokenizer()),
        ("hybrid", zoo.variant("lfm2", **HYBRIDS["lfm2"]), zoo.byte_tokenizer()),
        ("words", zoo.variant("llama", vocab_size=600), KINDS["ByteLevel with ##"](place)),
    ):
        made[name] = place / name
        model.save_pretrained(made[name])
        tokenizer.save_pretrained(made[name])
    return {name: str(folder) for name, folder in made.items()}


@pytest.fixture
def beside(folders):
    """beside(first, second, aside) -> what the view shows of TEXT."""
    before = workbench._shared
    workbench.share(Workbench(Settings(offline=True, catalog_only=False)))

    def draw(first, second, aside=True, text=TEXT):
        page = PageContext(folders[first], "cpu", "float32", text)
        return shown(view.draw, page, TwoModelsRequest(folders[second], aside) if second else TwoModelsRequest())

    yield draw
    workbench.share(before)


def test_what_both_expect(beside, folders, monkeypatch):
    """Guards against tokens of two vocabularies that are paired by number or by spelling, a special token taken for a text,
    rows beyond a vocabulary left out, and pieces whose bits belong to another one."""
    for first, second in (("gpt2", "pieces"), ("gpt2", "llama")):
        outputs = beside(first, second)
        names = run(outputs[script_output("figure")], monkeypatch)
        shares = np.stack([bar.x for bar in drawn(outputs["figure"]).data])
        np.testing.assert_allclose(names["numbers"].nan_to_num(), shares, **CLOSE)
        models = [pg.load(folders[name], device="cpu", dtype="float32") for name in (first, second)]
        expected = TwoModels(TEXT, *(pg.record(model, TEXT) for model in models)).next_tokens()
        for name, apart in (("of_bytes", expected.bytes), ("of_tokens", expected.tokens)):
            assert (name in names) == (apart is not None)
            if apart:
                values = apart.total_variation, apart.jensen_shannon
                np.testing.assert_allclose(names[name], values, **CLOSE)
        ours = numbers(outputs[script_output("bits")], monkeypatch)
        signs = np.array([[1], [-1]])  # the second model's bars hang below the line
        drawn_bits = signs * np.stack([bar.y for bar in drawn(outputs["bits"]).data[:2]])
        np.testing.assert_allclose(ours, drawn_bits, **CLOSE)
    alone = beside("gpt2", None)
    ours = numbers(alone[script_output("figure")], monkeypatch)
    np.testing.assert_allclose(ours, bars(alone["figure"])[: len(ours)], **CLOSE)


def compares_heads(outputs, monkeypatch):
    """The scripts of the map and of both heads compute what these draw."""
    agree(outputs[script_output("heads")], heat(outputs["heads"]), monkeypatch)
    for name in ("one", "other"):
        np.testing.assert_allclose(numbers(outputs[script_output(name)], monkeypatch), heat(outputs[name]), **CLOSE)


@pytest.mark.parametrize("aside", [True, False])
@pytest.mark.parametrize(("first", "second"), [("gpt2", "pieces"), ("gpt2", "pairs"), ("pairs", "pairs")])
def test_heads_that_are_alike(beside, monkeypatch, first, second, aside):
    """Guards against pieces that are cut otherwise, a row that is the sum of its tokens', special tokens that vanish, and a
    first token that counts, and queries that the page does not compare."""
    if not aside:  # of a long text some queries are compared
        monkeypatch.setattr("playground.recording.layers.two_models.MOST_DIFFERENCES", 1)
    compares_heads(beside(first, second, aside), monkeypatch)


@pytest.mark.parametrize(("first", "second"), [("t5", "hybrid"), ("hybrid", "gpt2")])
def test_heads_of_other_stacks(beside, monkeypatch, first, second):
    """Guards against a decoder's heads in place of the encoder's that read the text, and a hybrid's layers that are counted
    without those between them."""
    compares_heads(beside(first, second), monkeypatch)


def test_a_separator_in_the_text(beside, monkeypatch):
    """Guards against two sentences in the script where both models read the text as one."""
    compares_heads(beside("pairs", "gpt2", text="the cat[SEP]a mat"), monkeypatch)


def test_why_there_is_none(beside):
    """Guards against scripts that would read something else than the page did."""
    assert beside("gpt2", "words")[script_output("figure")].why == texts.OWN_SPELLING
