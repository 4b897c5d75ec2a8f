"""Python beside sentences of models that were trained for them: every pooling, prompts, and what follows the pooling."""

import numpy as np
import pytest
import torch

from playground.embeddings.cloud_request import CloudControls
from playground.embeddings.pooling_names import NAMES, OWN
from playground.scripts.sentences import POOLINGS
from playground.tabs.embeddings import projector_view, sentences_view
from playground.tabs.embeddings.projector_request import ProjectorRequest
from playground.tabs.embeddings.sentences_view import LOADED, SentencesRequest
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from tests.embeddings.test_sentence_modules import write
from tests.scripts.running import CLOSE, agree, bars, drawn, heat, numbers
from tests.tabs.calling import shown

LINES = "The cat\na Dog by\nOnce"


@pytest.fixture
def page_of(monkeypatch):
    """page_of(model) -> the page that shows it."""

    def of(model):
        for name in ("model", "awaited_model"):
            monkeypatch.setattr(PageContext, name, lambda page: model)
        return PageContext(model.model_id, "cpu", "float32", "the cat")

    return of


def compare(page, pooling, monkeypatch):
    """The three pictures of a search, and sentences after a layer."""
    outputs = shown(sentences_view.draw, page, SentencesRequest(LINES, "a Cat", pooling, LOADED))
    ours = numbers(outputs[script_output("ranking")], monkeypatch)
    np.testing.assert_allclose(ours, bars(outputs["ranking"]), **CLOSE)
    agree(outputs[script_output("alike")], heat(outputs["alike"]), monkeypatch)
    pictures = [outputs["placed"]]
    scripts = [outputs[script_output("placed")]]
    controls = CloudControls("sentences", lines=LINES, pooling=pooling, space="after layer 1", dropped="the Bat")
    outputs = shown(projector_view.draw, page, ProjectorRequest(controls))
    for picture, script in zip(
        [*pictures, outputs["figure"]], [*scripts, outputs[script_output("figure")]], strict=True
    ):
        placed = np.stack([drawn(picture).data[0][axis] for axis in "xy"], 1)
        np.testing.assert_allclose(numbers(script, monkeypatch), placed, **CLOSE)


def test_all_modules_of_a_trained_model(tmp_path, page_of, monkeypatch):
    """Guards against weights of another module's folder, an input that is not added, several poolings in another order, a
    prompt of the other role, its tokens pooled, upper case, the tokenizer's limit, and modules behind a layer's states; and
    a folder at whose top no transformer lies."""
    torch.manual_seed(1)
    dense = {"linear.weight": torch.randn(7, 64), "linear.bias": torch.randn(7), "residual.weight": torch.randn(7, 64)}
    norm = {"norm.weight": torch.randn(7), "norm.bias": torch.randn(7)}
    tanh = {"activation_function": "torch.nn.modules.activation.Tanh", "use_residual": True}
    model = write(
        tmp_path,
        {"pooling_mode": ["weightedmean", "mean_sqrt_len_tokens"], "include_prompt": False},
        [("Dense", tanh, dense), ("LayerNorm", {}, norm), ("Normalize", {}, {})],
        inner="0_Transformer",
        own={"max_seq_length": 12, "do_lower_case": True},
        prompts={
            "prompts": {"query": "Ask: ", "document": "is "},
            "default_prompt_name": "document",
            "truncate_dim": 5,
        },
    )
    compare(page_of(model), OWN, monkeypatch)


@pytest.mark.parametrize("pooling", ["max", "cls", "lasttoken"])
def test_other_poolings(tmp_path, page_of, monkeypatch, pooling):
    """Guards against poolings that a script took for the mean."""
    compare(page_of(write(tmp_path, {"pooling_mode": pooling})), OWN, monkeypatch)


def test_sentences_of_an_encoder_before_a_decoder(folder_model, page_of, monkeypatch):
    """Guards against the decoder's states."""
    compare(page_of(folder_model("t5")), NAMES["mean"], monkeypatch)


def test_the_same_names():
    """Guards against a pooling that the page knows and a script does not."""
    assert set(POOLINGS) == set(NAMES)
