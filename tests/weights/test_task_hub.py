"""Checkpoints with a task's head, and models that write, from a hub: loaded by the page, and at work on the Tasks tab."""

import pytest

import playground as pg
from playground import workbench
from playground.tabs.shared.page_context import PageContext
from playground.tabs.tasks import answer_view, classify_view, summarise_view, tab, tag_view, translate_view
from playground.tabs.tasks.answer_reading import QuestionRequest
from playground.tabs.tasks.classify_view import LabelsRequest
from playground.tabs.tasks.summary_request import SummariseRequest
from playground.tabs.tasks.tab import OpenedRequest
from playground.tabs.tasks.tag_view import TagRequest
from playground.tabs.tasks.translation_request import TranslateRequest
from playground.weights import hub
from tests.tabs.calling import answer, plain, shown
from tests.tools import zoo
from tests.tools.hub import folder_bytes
from tests.tools.task_models import LABELS, network
from tests.tools.translators import T5_TASKS, marian_tokenizer, sentence_pieces

TEXT = "the cat sat"
MARIAN = zoo._BART | {"vocab_size": 42, "pad_token_id": 2, "eos_token_id": 0}


@pytest.fixture
def bench(settings, server):
    """The page's workbench, whose hub is ours."""
    before, made = workbench._shared, workbench.Workbench(settings)
    workbench.share(made)
    yield made
    workbench.share(before)


def offer(server, name, model, tokenizer, folder):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    server.repositories[name] = folder_bytes(folder)


@pytest.mark.slow
@pytest.mark.parametrize("task", list(LABELS))
def test_a_head_from_a_hub(task, bench, server, tmp_path):
    """Guards a head that is lost between hub and page: the checkpoint opens on its view, its answer is that of the same
    weights in a folder, and it came over the hub."""
    built = network("bert", task)
    offer(server, f"owner/{task}", built, zoo.pair_tokenizer(), tmp_path / task)
    page = PageContext(f"owner/{task}", text=TEXT)
    assert answer(tab.open_for_head, page, OpenedRequest())["opened"].startswith(task)
    own = pg.load(str(tmp_path / task))
    if task == "classify":
        bars = shown(classify_view.draw, page, LabelsRequest())["figure"]["value"].data[0]
        assert max(bars.x) == pytest.approx(pg.classify(own, TEXT).best.probability, abs=1e-6)
        assert set(bars.y) and "attribution" not in bars
    elif task == "answer":
        seen = shown(answer_view.draw, page, QuestionRequest("who?", TEXT))
        assert f"“{pg.answer(own, 'who?', TEXT).best.text}”" in plain(seen["sentence"]) and seen["marks"].count("<mark")
    else:
        seen = shown(tag_view.draw, page, TagRequest())
        assert seen["marks"].count("<mark") == len(pg.tag(own, TEXT).spans) and seen["how"]["visible"]
    assert "model.safetensors" in server.requested_files() and bench.model(f"owner/{task}").origin != own.origin


@pytest.mark.slow
@pytest.mark.parametrize("family", ["marian", "t5", "bart"])
def test_a_model_that_writes_from_a_hub(family, bench, server, tmp_path):
    """Guards a translator's and a summariser's files that are not fetched: SentencePiece models, generation settings, words
    before the text; what it writes is what the same weights in a folder write."""
    settings = {"t5": {"task_specific_params": T5_TASKS}, "marian": MARIAN}.get(family, {})
    model = zoo.variant(family, **settings)
    model.generation_config.max_new_tokens = 6
    tokenizer = marian_tokenizer(sentence_pieces(tmp_path)) if family == "marian" else zoo.byte_tokenizer()
    offer(server, f"owner/{family}", model, tokenizer, tmp_path / family)
    page, own = PageContext(f"owner/{family}", text=TEXT), pg.load(str(tmp_path / family))
    asked = TranslateRequest(target="fra" if family == "marian" else None)
    ready = answer(translate_view.draw, page, asked)
    assert "Press Translate" in plain(ready["sentence"])
    target = {"marian": "fra", "t5": "en_to_de"}.get(family, "")
    seen = shown(translate_view.write, page, asked)
    assert plain(seen["translation"]) == pg.translate(own, TEXT, target).text and seen["strip"]["visible"]
    seen = shown(summarise_view.write, page, SummariseRequest(TEXT))
    assert plain(seen["summary"]) == pg.summarise(own, TEXT).text
    assert "model.safetensors" in server.requested_files()


@pytest.mark.slow
def test_a_checkpoint_without_its_head(bench, server, tmp_path):
    """Guards random numbers for labels: a checkpoint that names a head and lacks its weights is refused, with its name."""
    from transformers import AutoModel

    bare = AutoModel.from_config(network("bert", "classify").config)
    bare.config.architectures = ["BertForSequenceClassification"]
    bare.save_pretrained(tmp_path / "bare")
    zoo.pair_tokenizer().save_pretrained(tmp_path / "bare")
    files = folder_bytes(tmp_path / "bare")
    files["config.json"] = files["config.json"].replace(b'"BertModel"', b'"BertForSequenceClassification"')
    server.repositories["owner/bare"] = files
    with pytest.raises(pg.PlaygroundError, match="classifier") as refused:
        bench.model("owner/bare")
    assert not isinstance(refused.value, hub.Unreachable)
