"""The Embeddings tab's handlers on the real models: sums, neighbours, the cloud, paths, sentences, files."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from playground import workbench
from playground.analysis.embeddings.pca_and_neighbours import nearest
from playground.analysis.embeddings.vector_arithmetic import signed_sum
from playground.analysis.text_display import plain_mark
from playground.embeddings import sentence_vectors as models_sentences
from playground.embeddings.matrices import (
    INPUT,
    OUTPUT,
    added,
    embedding_matrix,
    matrices,
    place_words,
    table_of,
    token_by_token,
)
from playground.embeddings.point_sets import PointRequest
from playground.errors import Cancelled, PlaygroundError
from playground.model_shelf import LoadStatus
from playground.tabs.embeddings import layers_view, sentences_view, words_view
from playground.tabs.embeddings.layers_view import LayersRequest
from playground.tabs.embeddings.sentences_view import SentencesRequest
from playground.tabs.embeddings.words_view import WordsRequest
from playground.tabs.shared import long_work
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.shared.page_context import PageContext
from playground.workbench import Workbench
from tests.tabs.calling import answer, answers

SMOLLM2 = PageContext("smollm2-135m-instruct", "cpu", "float32")
MINILM = PageContext("all-minilm-l6-v2", "cpu", "float32")


@pytest.fixture(autouse=True)
def own_models(smollm2, minilm, tiny, monkeypatch):
    """The handlers find these models without loading them."""
    found = {
        "smollm2-135m-instruct": smollm2,
        "all-minilm-l6-v2": minilm,
        "tiny": tiny("llama"),
        "albert": tiny("albert"),
    }
    bench = Workbench()
    monkeypatch.setattr(bench, "loading", lambda model_id, *_: iter([LoadStatus("Ready", 1.0, 0.0, found[model_id])]))
    before = workbench.shared()
    workbench.share(bench)
    yield
    workbench.share(before)


def added_up(page: PageContext, total: str, keep: bool = False, **search) -> str:
    """The sentence on a sum."""
    return answer(words_view.add_up, page, WordsRequest("", total=total, keep=keep, **search))["sum_sentence"]


def test_a_sum_is_the_models_own(smollm2):
    """Guards against signs that change places, and an answer that is looked up: by hand from the matrix."""
    matrix = embedding_matrix(smollm2)
    one = {word: smollm2.vocabulary.tokenize(f" {word}", specials=False)[0] for word in ("king", "man", "woman")}
    assert all(len(ids) == 1 for ids in one.values())
    expected = matrix[one["king"][0]] - matrix[one["man"][0]] + matrix[one["woman"][0]]
    vector, summed = added(smollm2, signed_sum("king - man + woman"))
    own = summed.all_ids
    assert torch.allclose(vector, expected, atol=1e-6) and own == {ids[0] for ids in one.values()}
    cosine = torch.nn.functional.cosine_similarity(matrix, expected[None])
    first = smollm2.vocabulary.text(int(cosine.argmax()))
    with_them = f"“{plain_mark(first)}” ({cosine.max():.3f})"
    cosine[list(own)] = -1
    best = smollm2.vocabulary.text(int(cosine.argmax()))
    said = added_up(SMOLLM2, "king - man + woman")
    left_out = f"“{plain_mark(best)}” ({cosine.max():.3f})"
    assert f"gives {left_out}, the words of the sum left out; with them {with_them}." in said
    with_words = added_up(SMOLLM2, "king - man + woman", keep=True)
    assert "left out" in said and "left out" not in with_words
    assert f"gives {with_them}; without the words of the sum {left_out}." in with_words


def test_centred_sums_take_the_mean_off_every_word(smollm2):
    """Guards against a mean taken off once for three words: checked with centred vectors in full."""
    table = table_of(smollm2)
    centred = table.matrix - torch.from_numpy(table.mean).float()
    ids = [smollm2.vocabulary.tokenize(f" {word}", specials=False)[0][0] for word in ("king", "man", "woman")]
    query = centred[ids[0]] - centred[ids[1]] + centred[ids[2]]
    cosine = torch.nn.functional.cosine_similarity(centred, query[None])
    cosine[ids] = -1
    said = added_up(SMOLLM2, "king - man + woman", centre=True)
    assert f"({cosine.max():.3f})" in said


@pytest.mark.parametrize("total", ["", "  ", "king -", "+ + a", "a + " * 30])
def test_sums_that_are_none(total):
    """Guards against a traceback for a sign without a word."""
    (outputs,) = answers(words_view.add_up, SMOLLM2, WordsRequest("", total=total))
    assert 'role="alert"' in outputs["message"]


def test_matrices_are_named_as_they_are(smollm2, minilm, tiny):
    """Guards against an output embedding that is offered where it is the input's, or where there is none."""
    assert list(matrices(smollm2)) == ["embedding (tied: input = output)"]
    assert list(matrices(minilm)) == [INPUT]
    untied = tiny("gpt_neox")
    assert list(matrices(untied)) == [INPUT, OUTPUT]
    assert not torch.equal(embedding_matrix(untied, OUTPUT), embedding_matrix(untied))
    placed = place_words(untied, ["a"], False, OUTPUT)
    assert torch.equal(placed.vectors[0], embedding_matrix(untied, OUTPUT)[placed.ids[0][0]].float())


def test_two_banks(smollm2):
    """Guards against two paths of different words, and a likeness that is not the states'."""
    first, second = layers_view.BANKS
    drawn = answer(layers_view.draw, replace(SMOLLM2, text=first), LayersRequest(None, second, "2D", True, 0))
    from playground.recording.record import record

    first, second = (record(smollm2, text).hidden_states[:, -1] for text in layers_view.BANKS)
    cosine = torch.nn.functional.cosine_similarity(first, second)
    assert cosine[0] == pytest.approx(1, abs=1e-5)
    assert f"end {cosine[-1]:.2f} alike" in drawn["sentence"] and "bank" in drawn["sentence"]
    assert len(drawn["figure"].frames) == 31 and len(drawn["figure"].data) == 4
    np.testing.assert_allclose(drawn["ends"].data[-1].y, cosine, atol=1e-5)
    assert "·bank" in drawn["placed"].data[0].hovertext


def test_two_banks_leave_the_visitors_text(smollm2):
    """Guards against an example that overwrites what a visitor typed: both banks stand in boxes of the view, as long as the
    page's text stays; another one is shown at once."""
    page = replace(SMOLLM2, text="My own text about a river")
    plain_request = LayersRequest(3, "", "2D", True, 0)
    shown = answer(layers_view.two_banks, page, plain_request)
    assert (shown["first"], shown["second"], shown["first_for"]) == (*layers_view.BANKS, page.text)
    assert "“bank”" in shown["sentence"] and not {"text", "applied"} & shown.keys()
    own = replace(plain_request, first=shown["first"], first_for=page.text)
    assert "·muddy" in str(answer(layers_view.draw_layer, page, own)["placed"].data[0].hovertext)
    other = answer(layers_view.draw, replace(page, text="The sky is blue"), own)
    assert other["first"] == "" and "“is”" in other["sentence"] or "“blue”" in other["sentence"]


def test_a_long_text_is_read_once_for_its_layers(smollm2, monkeypatch):
    """Guards against another pass over a long text for each picture and each move of the slider: of 2,200 tokens two of 11 s
    each, in which the phone showed nothing."""
    from playground.recording.recording import Recording

    passes, states = [], Recording.hidden_states.fget
    monkeypatch.setattr(Recording, "hidden_states", property(lambda recording: passes.append(1) or states(recording)))
    page, request = replace(SMOLLM2, text="The river is wide. " * 60), LayersRequest(None, "", "2D", True, 0)
    answer(layers_view.draw, page, request)
    placed = answer(layers_view.draw_layer, page, replace(request, layer=12))["placed"]
    assert len(passes) == 1 and placed.layout.title.text == "The tokens after layer 12"


def test_a_word_that_the_second_text_lacks():
    """Guards against another word's path under this word's name."""
    request = LayersRequest(None, "no such word", "2D", True, 0)
    drawn = answer(layers_view.draw, replace(SMOLLM2, text="one bank"), request)
    assert "The second text has no token “bank”" in drawn["sentence"]


def test_minilm_sentences_as_sentence_transformers_makes_them(minilm):
    """Guards against padding that counts in the mean: lines of different length in one batch are what each is alone, by
    transformers' own forward pass."""
    lines = ["The cat sat.", "A much longer sentence about the stock market and its many brokers.", "Hi"]
    found = models_sentences.encode(minilm, lines, models_sentences.own_pooling(minilm))
    for line, vector in zip(lines, found.vectors, strict=True):
        alone = minilm.model(**minilm.tokenizer(line, return_tensors="pt")).last_hidden_state[0].mean(0)
        assert torch.allclose(vector, alone / alone.norm(), atol=1e-5)  # MiniLM's third module is Normalize
    assert found.cut == 0


def searched(page: PageContext, *request) -> dict:
    """The last outputs of a search."""
    *_, outputs = answers(sentences_view.draw, page, SentencesRequest(*request))
    return outputs


def test_semantic_search():
    """Guards against a ranking by words: no line shares a word with the query, and the two about a pet come first. By
    MiniLM, whatever model is loaded."""
    outputs = searched(SMOLLM2, sentences_view.FIRST_LINES, "a pet resting", None)
    assert outputs["message"] == "" and set(outputs["ranking"].data[0].customdata[:2]) == {0, 1}
    assert len(outputs["placed"].data[0].x) == 8
    assert "all-minilm-l6-v2: Pooled as this model was trained: mean of the tokens" in outputs["badge"]
    outputs = searched(SMOLLM2, sentences_view.FIRST_LINES, "a pet", None, sentences_view.LOADED)
    assert "smollm2-135m-instruct: Not trained for sentences: the last token" in outputs["badge"]


def test_without_minilm_the_loaded_model_is_taken(monkeypatch):
    """Guards against a view that is empty where MiniLM can't be loaded, and another model's ranking under its name."""
    bench = workbench.shared()
    there = bench.loading

    def loading(model_id, *more):
        if model_id == sentences_view.MINILM:
            raise PlaygroundError("The hub can't be reached.", "Try later.")
        return there(model_id, *more)

    monkeypatch.setattr(bench, "loading", loading)
    outputs = searched(SMOLLM2, "one\ntwo", "three", None)
    badge = outputs["badge"]
    assert outputs["message"] == "" and "The hub can&#x27;t be reached), so the loaded model is taken" in badge
    assert "smollm2-135m-instruct: Not trained for sentences" in badge


def test_lines_are_read_once(minilm, monkeypatch):
    """Guards against all lines being encoded anew for every query: only the query is, and its likeness stays the same."""
    read, encode = [], models_sentences.encode

    def counted(model, lines, *more):
        read.append(len(lines))
        return encode(model, lines, *more)

    monkeypatch.setattr(models_sentences, "encode", counted)
    lines = "\n".join(f"Sentence number {i}." for i in range(40))
    first = searched(MINILM, lines, "number 7", None)
    second = searched(MINILM, lines, "something else", None)
    assert read == [40, 1, 1] and first["sentence"] != second["sentence"]
    vectors = encode(minilm, ["number 7", *lines.splitlines()]).vectors
    cosine = torch.nn.functional.cosine_similarity(vectors[1:], vectors[:1])
    np.testing.assert_allclose(first["ranking"].data[0].x, cosine.sort(descending=True).values[:10], atol=1e-5)


def test_a_search_can_be_stopped(monkeypatch):
    """Guards against a Stop that waits for a thousand lines, and against one visitor's Stop ending another's search."""
    monkeypatch.setattr(long_work, "EVERY", 0.01)
    lines = "\n".join(f"Sentence {i} is a little longer than the one before it. " * 9 for i in range(300))
    control = WorkControl()
    steps = sentences_view.draw(MINILM, SentencesRequest(lines, "a", None, sentences_view.MINILM, control))
    assert "of 300 sentences read" in next(steps)["sentence"]
    control.stop = True
    *_, last = steps
    assert "Stopped" in last["sentence"] and "ranking" not in last
    bench, few = workbench.shared(), ("one", "two")
    stopped = [Cancelled("The search"), None]
    get = bench._recordings.get

    def other(*arguments):
        if error := stopped.pop(0):
            raise error
        return get(*arguments)

    monkeypatch.setattr(bench._recordings, "get", other)
    model = bench.model("all-minilm-l6-v2")
    assert len(bench.sentences(model, few, models_sentences.MEAN).vectors) == 2 and stopped == []


def test_what_is_said_of_few_and_long_sentences(tiny):
    """Guards against a likeness of one sentence with itself, and 256 tokens said of a model that reads fewer."""
    said = searched(MINILM, "Only one.", "one", None)["sentence"]
    assert "with one another" not in said and "nearest" in said
    model = replace(tiny("llama"), max_tokens=20)
    found = models_sentences.encode(model, ["a" * 50, "b"])
    assert found.cut == 1 and models_sentences.limit_of(model) == 20
    assert "1 sentence was cut to 256 tokens" in searched(MINILM, "word " * 400 + "\nshort", "one", None)["sentence"]
    assert "The query was cut to 256 tokens" in searched(MINILM, "short", "word " * 400, None)["sentence"]


@pytest.mark.parametrize(
    ("lines", "query", "words"),
    [
        ("", "a", "no sentences"),
        ("a\n" * 1001, "a", "1,001"),
        ("a" * 10**7, "a", "10,000,000"),
        ("a", "  ", "There is no query"),
    ],
)
def test_lines_and_queries_that_are_refused(lines, query, words):
    """Guards against ten pasted megabytes, and an empty query told as missing sentences."""
    message = searched(MINILM, lines, query, None)["message"]
    assert words in message and 'role="alert"' in message


def test_words_token_by_token(smollm2):
    """Guards against a word of several tokens whose tokens can't be seen, and a click that tells another point's
    neighbours."""
    text = "cat, unbelievableness"
    request = WordsRequest(text, by_token=True)
    drawn = answer(words_view.draw, SMOLLM2, request)
    ids = smollm2.vocabulary.tokenize(" unbelievableness", specials=False)[0]
    names = list(drawn["figure"].data[0].hovertext)
    assert len(ids) > 1 and len(names) == len(ids) + 1 and f"{len(ids) + 1} tokens of 2 words" in drawn["sentence"]
    assert names[0] == "cat" and names[2].startswith(smollm2.vocabulary.text(ids[1]))
    placed, owners = token_by_token(smollm2, place_words(smollm2, ["cat", "unbelievableness"]))
    assert owners == [0] + [1] * len(ids) and torch.equal(placed.vectors[2], embedding_matrix(smollm2)[ids[1]])
    event = SimpleNamespace(_data={"customdata": 2})
    bars = answer(words_view.show_neighbours, SMOLLM2, replace(request, drawn=drawn["drawn"]), event)["neighbours"]
    expected = nearest(table_of(smollm2).matrix, embedding_matrix(smollm2)[ids[1]], 1, exclude=[ids[1]])
    assert bars.data[0].customdata[0] == expected.indices[0]


@pytest.mark.parametrize("data", [{}, {"customdata": None}, {"customdata": "x"}, {"customdata": []}, {"customdata": 9}])
def test_a_click_on_no_word(data):
    """Guards against a traceback for a click on what is no point."""
    event = SimpleNamespace(_data=data)
    assert answer(words_view.show_neighbours, SMOLLM2, WordsRequest("cat", drawn=PointRequest("cat")), event) == {
        "message": ""
    }


def test_sums_mark_their_words():
    """Guards against an answer that hides how its words were placed: at a mean, or at the unknown token."""
    said = added_up(SMOLLM2, "unbelievableness - cat")
    assert "“unbelievableness” stands at the mean of its" in said and "“cat”" not in said
    assert "“🜲” is unknown to this model" in added_up(MINILM, "cat + 🜲")


def test_a_word_that_the_tokenizer_drops(minilm):
    """Guards against all words being refused without the one that is wrong being named."""
    (outputs,) = answers(words_view.draw, MINILM, WordsRequest("cat, \u200b, dog"))
    assert "“⟨U+200B⟩” has no token in this model" in outputs["message"]


def test_the_width_of_words_is_that_of_their_matrix():
    """Guards against the model's width said of words in a narrower matrix: ALBERT's embeddings have 16 dimensions here, its
    states 32."""
    drawn = answer(words_view.draw, PageContext("albert", "cpu", "float32"), WordsRequest("a, b, c"))
    assert "3 words in 16 dimensions" in drawn["sentence"]
