"""Python beside a picture: each kind of script runs as it is printed and computes the numbers that the page draws."""

from dataclasses import replace

import numpy as np
import pytest
from gradio import EventData

from playground.analysis.attention.head_steps import HAND_SIZED, HAND_SIZED_WORDS, head_steps
from playground.components import markup
from playground.embeddings.cloud_request import CloudControls
from playground.figures.attention.head_request import CHOICE, COLUMN, ROW, HeadRequest
from playground.figures.attention.head_steps import heaviest
from playground.figures.attention.query_steps import BEFORE, KEYS, PRODUCTS
from playground.figures.embeddings import layer_pictures
from playground.figures.layers.contributions import COLOURS
from playground.figures.positions.perturbation_report import ATTENTION, DIVERGENCE, LOSS
from playground.recording.record import record
from playground.scripts.attention import EXPRESSIONS
from playground.scripts.attention_distance import MEASURES as ATTENTION_MEASURES
from playground.scripts.attribution import METHODS, next_token_reasons
from playground.scripts.head_measures import MEASURES
from playground.scripts.next_token import next_token
from playground.tabs.attention import flow_view, heads_handlers, pair_handlers, roles_view, steps_view
from playground.tabs.attention.flow_view import FlowRequest
from playground.tabs.attention.roles_view import RolesRequest
from playground.tabs.attention.steps_scripts import by_hand_script
from playground.tabs.attention.steps_view import StepsRequest
from playground.tabs.embeddings import layers_view, projector_view, sentences_view, words_view
from playground.tabs.embeddings.layers_view import LayersRequest
from playground.tabs.embeddings.projector_points import WorkbenchReader
from playground.tabs.embeddings.projector_request import ProjectorRequest
from playground.tabs.embeddings.sentences_view import LOADED, SentencesRequest
from playground.tabs.embeddings.words_view import WordsRequest
from playground.tabs.generate import prompt_view
from playground.tabs.generate.request import ViewRequest
from playground.tabs.layers import contributions_view, exchange_view, lens_view, neurons_view, push_view
from playground.tabs.layers.contributions_view import PartsRequest
from playground.tabs.layers.exchange_view import EXACT, ExchangeRequest
from playground.tabs.layers.lens_view import LensViewRequest
from playground.tabs.layers.neurons_view import NeuronsRequest
from playground.tabs.layers.push_view import LINES, WORD, PushRequest
from playground.tabs.positions import attention_distance_view, perturbation_view, rotary_view, scheme_view
from playground.tabs.positions.attention_distance_view import DistanceRequest as UsedRequest
from playground.tabs.positions.perturbation_view import PerturbationRequest
from playground.tabs.positions.rotary_view import DistanceRequest, RotaryRequest
from playground.tabs.positions.scheme_view import PICTURES, SchemeRequest
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import model_for_script, reading_for_script, script_output
from playground.tabs.xray import tab as xray_tab
from playground.tabs.xray.tab import XrayRequest
from playground.tasks.attribute import attribute, baseline_token
from playground.tasks.next_token_scores import next_token_score
from playground.texts import scripts as texts
from tests.scripts.running import CLOSE, agree, bars, drawn, heat, numbers, run
from tests.tabs.calling import answers, shown


def test_what_comes_next(look, monkeypatch):
    """Guards against another place, and a distribution after temperature."""
    page = look("gpt2")
    outputs = shown(prompt_view.draw, page, ViewRequest(session=""))
    ours = numbers(outputs[script_output("chart")], monkeypatch)
    np.testing.assert_allclose(ours, bars(outputs["chart"])[: len(ours)], **CLOSE)


def test_a_place_in_a_target(look, monkeypatch):
    """Guards against FSMT's decoder, which with a cache reads its last token alone, whatever place is asked for."""
    page = look("fsmt")
    assert page.recording().length > 4
    script = next_token(reading_for_script(page.recording(), page), 2, 5)
    expected = page.recording().logits_of([2])[0].softmax(-1).topk(5).values
    np.testing.assert_allclose(numbers(script, monkeypatch), expected, **CLOSE)


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert", "bart"])
def test_one_head_and_its_tokens(look, monkeypatch, family):
    """Guards against another head or layer, transposed maps, rows taken for columns, and a token's own row in place of the
    one that predicts it; of a model with two stacks for the decoder's attention to the encoder too."""
    page = look(family)
    for kind in page.recording().kinds:
        for direction in (ROW, COLUMN, CHOICE):
            request = HeadRequest(1, 2, kind, token=3, direction=direction)
            outputs = shown(heads_handlers.draw, page, request)
            if direction != CHOICE:  # whose map is that of rows
                agree(outputs[script_output("map")], heat(outputs["map"]), monkeypatch)
            if drawn(outputs["bars"]):  # else nothing predicts the token
                agree(outputs[script_output("bars")], bars(outputs["bars"]), monkeypatch)
        ours = numbers(outputs[script_output("overview")], monkeypatch)
        weights = np.stack([page.recording().attention(n, kind).weights.numpy() for n in range(2)])
        np.testing.assert_allclose(ours, weights, **CLOSE)


@pytest.mark.parametrize("show", EXPRESSIONS)
def test_what_is_derived_of_heads(look, monkeypatch, show):
    """Guards against a mean over other heads than the page's, values of another group of keys, and bars of another map."""
    page = look("llama")
    request = HeadRequest(1, 2, "self", show, (0, 3), token=5)
    outputs = shown(heads_handlers.draw, page, request)
    agree(outputs[script_output("map")], heat(outputs["map"]), monkeypatch)
    agree(outputs[script_output("bars")], bars(outputs["bars"]), monkeypatch)
    outputs = shown(heads_handlers.draw, page, replace(request, exclude="the first token"))
    agree(outputs[script_output("map")], heat(outputs["map"]), monkeypatch)
    agree(outputs[script_output("bars")], bars(outputs["bars"]), monkeypatch)


@pytest.mark.parametrize("show", ["this head", "times the values' norms", "minus the layer's mean"])
@pytest.mark.parametrize("between", ["both", "A → B", "B → B"])
def test_a_part_of_a_pair(look, monkeypatch, show, between):
    """Guards against special tokens that keep their weight, or give it to the others where norms are drawn, and the other
    sentence's tokens."""
    page = look("pairs", "the cat[SEP]a mat")
    recording = record(page.model(), "the cat", pair="a mat")
    monkeypatch.setattr(PageContext, "recording", lambda page: recording)
    assert any(token.segment for token in recording.tokens)
    request = HeadRequest(1, 2, "self", show, exclude="special tokens", between=between, token=1, direction=COLUMN)
    outputs = shown(heads_handlers.draw, page, request)
    agree(outputs[script_output("map")], heat(outputs["map"]), monkeypatch)
    agree(outputs[script_output("bars")], bars(outputs["bars"]), monkeypatch)


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        ("llama", "self"),
        ("gemma2", "self"),
        ("bert", "self"),
        ("bart", "decoder"),
        ("bart", "cross"),
        ("t5", "decoder"),
    ],
)
def test_the_mask(look, monkeypatch, family, kind):
    """Guards against the mask of another layer (Gemma 2's windows) or stack, and a bias that is taken for a mask (T5)."""
    page = look(family)
    for layer in (0, 1):
        outputs = shown(heads_handlers.draw, page, HeadRequest(layer, 2, kind, "the mask"))
        agree(outputs[script_output("map")], heat(outputs["map"]), monkeypatch)


@pytest.mark.parametrize(("family", "kind"), [("bart", "cross"), ("t5", "encoder"), ("gpt_oss", "self")])
def test_norms_of_values(look, monkeypatch, family, kind):
    """Guards against another stack's call, and a value that is no input of a projection."""
    page = look(family)
    outputs = shown(heads_handlers.draw, page, HeadRequest(1, 2, kind, "times the values' norms"))
    ours, page_numbers = numbers(outputs[script_output("map")], monkeypatch), heat(outputs["map"])
    there = np.isfinite(page_numbers)  # blank where a token sees nothing
    np.testing.assert_allclose(ours[there], page_numbers[there], rtol=1e-5, atol=1e-5)


def written(value):
    """The numbers that stand in the cells of a map; NaN for words."""
    text = np.asarray(drawn(value).data[0].text)
    return np.array([[float(cell) if cell[-1].isdigit() else np.nan for cell in row] for row in text])


def behind(value):
    return np.asarray(drawn(value).data[0].customdata, np.float64)


@pytest.mark.parametrize("family", ["llama", "gpt2", "gpt_neox", "gemma2", "gpt_oss", "bart", "t5"])
def test_step_by_step(look, monkeypatch, family):
    """Guards against another layer's call, keys of another group (Llama), dimensions that are not turned (GPT-NeoX), a cap
    (Gemma 2), a sink (GPT-OSS) and a bias (T5) left out, and the decoder's calls counted without the encoder's."""
    page = look(family)
    for kind in page.recording().kinds:
        request = StepsRequest(1, 2, kind, token=3, rows=BEFORE)
        outputs = shown(steps_view.draw, page, request)
        steps = request.steps(page).steps
        names = run(outputs[script_output("stages")], monkeypatch)
        np.testing.assert_allclose(names["weights"], steps.weights, **CLOSE)
        assert list(names["stages"]) == list(steps.stages)
        columns = np.stack([*steps.stages.values()], 1)[heaviest(steps.weights)]
        np.testing.assert_allclose(names["numbers"][:, : columns.shape[1]], columns, **CLOSE)
        for name in ("products", "values"):
            np.testing.assert_allclose(
                numbers(outputs[script_output(name)], monkeypatch), behind(outputs[name]), **CLOSE
            )
        agree(outputs[script_output("joined")], heat(outputs["joined"]), monkeypatch)
        if drawn(outputs["shares"]):
            agree(outputs[script_output("shares")], bars(outputs["shares"]), monkeypatch)
        if drawn(outputs["rotation"]):
            lines = np.stack([trace.y for trace in drawn(outputs["rotation"]).data])
            np.testing.assert_allclose(numbers(outputs[script_output("rotation")], monkeypatch), lines, **CLOSE)


@pytest.mark.parametrize("rows", [PRODUCTS, KEYS])
@pytest.mark.parametrize("change", [{"score": 3.0}, {"hide": True, "factor": 0.5}])
def test_step_by_step_changed(look, monkeypatch, rows, change):
    """Guards against the model's own weights in the place of the changed ones, and products drawn as keys."""
    page = look("llama")
    request = StepsRequest(1, 2, "self", token=5, rows=rows, key=1, **change)
    products = shown(steps_view.draw, page, request)
    np.testing.assert_allclose(
        numbers(products[script_output("products")], monkeypatch), behind(products["products"]), **CLOSE
    )
    outputs = shown(steps_view.what_if, page, request)
    ours, cells = numbers(outputs[script_output("what")], monkeypatch), written(outputs["what"])
    there = np.isfinite(cells)
    assert ours.shape == cells.shape and there[:, -2:].all()
    np.testing.assert_allclose(ours[there], cells[there], rtol=0, atol=5.1e-4)  # three digits are written


def test_pencil_and_paper(monkeypatch):
    """Guards against an example that is another one than the page's."""
    script = by_hand_script(HAND_SIZED, HAND_SIZED_WORDS)
    steps = head_steps(HAND_SIZED)
    np.testing.assert_allclose(numbers(script, monkeypatch)[:, -1], steps.weights, **CLOSE)


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2", "cohere"])
def test_the_lens_and_its_cells(look, monkeypatch, family):
    """Guards against the final norm's scale taken from another state, a forgotten factor or cap (Cohere, Gemma 2), and a
    window that begins elsewhere."""
    page = look(family)
    outputs = shown(lens_view.draw, page, LensViewRequest())
    agree(outputs[script_output("figure")], heat(outputs["figure"]), monkeypatch)
    ours = numbers(outputs[script_output("best")], monkeypatch)
    np.testing.assert_allclose(ours, bars(outputs["best"])[: len(ours)], **CLOSE)
    ranks = np.stack([trace.y for trace in drawn(outputs["ranks"]).data], 1)
    np.testing.assert_array_equal(numbers(outputs[script_output("ranks")], monkeypatch), ranks)


@pytest.mark.parametrize("family", ["llama", "bert", "bart"])
def test_xray(look, monkeypatch, family):
    """Guards against guesses of another token, or of a norm that was applied twice after the last layer."""
    page = look(family)
    outputs = shown(xray_tab.draw, page, XrayRequest())
    seen = xray_tab._seen(page, XrayRequest())
    names = run(outputs[script_output("figure")], monkeypatch)
    shares = np.array([place.probabilities for place in seen.guesses.layers])
    np.testing.assert_allclose(np.asarray(names["numbers"]), shares, **CLOSE)
    np.testing.assert_allclose(np.asarray(names["changes"]), seen.changes, rtol=1e-5)
    assert names["ranks"].tolist() == seen.guesses.ranks


@pytest.mark.parametrize(("family", "stack"), [("bart", "encoder"), ("t5", "encoder"), ("headless", None)])
def test_xray_without_guesses(look, monkeypatch, family, stack):
    """Guards against a picture without a script for want of guesses, and the decoder's layers in place of the encoder's."""
    page, request = look(family), XrayRequest(stack=stack) if stack else XrayRequest()
    outputs = shown(xray_tab.draw, page, request)
    seen = xray_tab._seen(page, request)
    assert seen.guesses is None
    np.testing.assert_allclose(numbers(outputs[script_output("figure")], monkeypatch), seen.changes, rtol=1e-5)


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma", "gpt_neox", "granite", "t5"])
@pytest.mark.parametrize("against", ["", "a"])
def test_what_each_part_adds(look, monkeypatch, family, against):
    """Guards against a part without its factor (Granite), a mean that LayerNorm takes off, Gemma's gain of 1 + weight, and
    cross-attention (T5) left out or taken for the decoder's own."""
    page = look(family)
    outputs = shown(contributions_view.draw, page, PartsRequest(against=against, reading=page.reading))
    figure = drawn(outputs["figure"]).data[0]
    np.testing.assert_allclose(numbers(outputs[script_output("figure")], monkeypatch), figure.y[:-1], **CLOSE)
    agree(outputs[script_output("heads")], heat(outputs["heads"]), monkeypatch)
    request = PartsRequest(against=against, reading=page.reading)
    kinds = ["attention", "cross", "mlp"] if family == "t5" else ["attention", "mlp"]
    heads = [(list(COLOURS).index(kind), 1, 2) for kind in kinds[:-1]]
    of_part = [
        outputs,
        *(
            shown(contributions_view.choose_step, page, request, EventData(None, {"x": 1 + len(kinds) + place}))
            for place in range(len(kinds))
        ),
        *(
            shown(contributions_view.choose_bar, page, request, EventData(None, {"customdata": [*head]}))
            for head in heads
        ),
    ]
    expected = [None, *((kind, 1, -1) for kind in kinds), *((kind, 1, 2) for kind in kinds[:-1])]
    assert [part["part"] for part in of_part] == expected
    for part in of_part:  # the strongest, a layer's heads, its neurons, then the tokens that a head looks at
        ours = numbers(part[script_output("part_figure")], monkeypatch)
        np.testing.assert_allclose(ours, bars(part["part_figure"]), **CLOSE)


def test_layers_that_differ(look, monkeypatch):
    """Guards against the paths of one layer in all: DeepSeek's first layer has an MLP of neurons, the others have mixtures
    of experts, whose parts other modules return."""
    page = look("deepseek_v2", "the cat")
    request = PartsRequest(reading=page.reading)
    outputs = shown(contributions_view.draw, page, request)
    figure = drawn(outputs["figure"]).data[0]
    np.testing.assert_allclose(numbers(outputs[script_output("figure")], monkeypatch), figure.y[:-1], **CLOSE)
    agree(outputs[script_output("heads")], heat(outputs["heads"]), monkeypatch)
    ours = numbers(outputs[script_output("part_figure")], monkeypatch)
    np.testing.assert_allclose(ours, bars(outputs["part_figure"]), **CLOSE)
    outputs = shown(neurons_view.draw, page, NeuronsRequest(0, reading=page.reading))
    agree(outputs[script_output("figure")], heat(outputs["figure"]), monkeypatch)
    outputs = shown(exchange_view.redraw, page, ExchangeRequest("the bat", "mlp", reading=page.reading))
    agree(outputs[script_output("figure")], heat(outputs["figure"]), monkeypatch)


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma", "gpt_neox", "granite", "t5"])
def test_neurons(look, monkeypatch, family):
    """Guards against a matrix read the other way round (GPT-2), a layer's factor left out (Granite), and a neuron that
    reaches the logits without the norm's gain (Gemma) or mean (GPT-NeoX)."""
    page = look(family)
    outputs = shown(neurons_view.draw, page, NeuronsRequest())
    agree(outputs[script_output("figure")], heat(outputs["figure"]), monkeypatch)
    place = {"x": 0 if family == "t5" else 3, "y": 2}  # T5's decoder has read one token
    outputs = shown(neurons_view.choose, page, NeuronsRequest(1, reading=page.reading), EventData(None, place))
    np.testing.assert_allclose(numbers(outputs[script_output("bars")], monkeypatch), bars(outputs["bars"]), **CLOSE)


@pytest.mark.parametrize(
    ("family", "token"),
    [("llama", "t"), ("gpt2", ""), ("gemma2", ""), ("granite", ""), ("bert", ""), ("t5", ""), ("bart", "t")],
)
def test_exchange(look, monkeypatch, family, token):
    """Guards against a cell in another place, heads taken behind the matrix that mixes them, a part before the norm that
    follows it (Gemma 2) or behind the norm of the sum (BERT), a token of a visitor's that is left out, a mask's place
    (BERT), and a decoder's layers in place of those of the encoder that reads the texts (T5, BART)."""
    end = "<mask>" if family == "bert" else ""
    page = look(family, f"the cat {end}")
    for what in ("head", "state") if family in ("t5", "bart") else ("head", "attention", "mlp", "state"):
        request = ExchangeRequest(f"the bat {end}", what, token, reading=page.reading)
        outputs = shown(exchange_view.redraw, page, request)
        agree(outputs[script_output("figure")], heat(outputs["figure"]), monkeypatch)
        few = shown(exchange_view.choose, page, replace(request, values=EXACT), EventData(None, {"x": 1, "y": 1}))
        agree(few[script_output("figure")], heat(few["figure"]), monkeypatch)
    outputs = shown(exchange_view.exchange_all, page, request)
    agree(outputs[script_output("figure")], heat(outputs["figure"]), monkeypatch)
    points = np.stack([drawn(outputs["agreement"]).data[0][axis] for axis in "xy"])
    np.testing.assert_allclose(numbers(outputs[script_output("agreement")], monkeypatch), points, **CLOSE)


@pytest.mark.parametrize("what", ["state", "mlp"])
def test_no_exchange_where_one_module_is_several_layers(look, what):
    """Guards against ALBERT's last layer in the place of all, and a reason that speaks of something else."""
    page = look("albert", "the cat <mask>")
    outputs = shown(exchange_view.redraw, page, ExchangeRequest("the bat <mask>", what, reading=page.reading))
    assert drawn(outputs["figure"]), outputs["sentence"]
    assert outputs[script_output("figure")].why == texts.NO_PARTS.format(reason=texts.ONE_MODULE)


@pytest.mark.parametrize(("family", "source"), [("llama", LINES), ("gpt2", WORD), ("bert", LINES), ("marian", LINES)])
def test_push(look, monkeypatch, family, source):
    """Guards against states behind the final norm, a first token that counts in the means or is pushed, and texts that go on
    under another push than the page's; of two stacks against the encoder's states, and lines whose decoder reads something
    else."""
    page = look(family)
    request = PushRequest(source, "the cat sat\na", "the mat", "a", layer=1, strength=2.5, reading=page.reading)
    outputs = {}
    for some in answers(push_view.write, page, request):
        outputs |= some
    agree(outputs[script_output("figure")], heat(outputs["figure"]), monkeypatch)
    written = run(outputs[script_output("figure")], monkeypatch).get("written", {})
    assert bool(written) == (family != "bert")
    for text in written.values():
        assert f">{markup.text(text)}<" in outputs["written"]


@pytest.mark.parametrize("measure", ["cosine", "dot product", "distance"])
@pytest.mark.parametrize("centre", [False, True])
def test_nearest_tokens(look, monkeypatch, measure, centre):
    """Guards against words without the space before them, a mean taken off once where it belongs to each word, and the
    words themselves among the answers."""
    page = look("gpt2")
    request = WordsRequest(
        "cat, dog", total="cat - dog + mat", measure=measure, centre=centre, matrix="output embedding"
    )
    for handler, name in ((words_view.draw, "neighbours"), (words_view.add_up, "answer")):
        outputs = shown(handler, page, request)
        if name == "neighbours":
            placed = np.stack([drawn(outputs["figure"]).data[0][axis] for axis in "xy"], 1)
            np.testing.assert_allclose(numbers(outputs[script_output("figure")], monkeypatch), placed, **CLOSE)
        page_numbers = bars(outputs[name])
        script_numbers = numbers(outputs[script_output(name)], monkeypatch)
        np.testing.assert_allclose(script_numbers, page_numbers, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("vocabulary", {"count": 60, "seed": 3}),
        ("vocabulary", {"count": 40, "layout": "t-SNE", "space": "output embedding"}),
        ("vocabulary", {"count": 30, "layout": "UMAP", "seed": 1}),
        ("words", {"words": "cat, the mat, a", "by_token": True, "dimensions": "3D"}),
        ("words", {"words": "cat, the mat, a, hat", "leading": "any"}),
        ("tokens of the text", {"text": "the cat sat", "space": "after layer 1", "directions": True}),
        ("tokens of the text", {"text": "the cat sat", "space": "after every layer"}),
        ("sentences", {"lines": "the cat\na mat\nthe", "pooling": "mean of the tokens", "space": "after layer 1"}),
    ],
)
def test_the_projector(look, monkeypatch, kind, settings):
    """Guards against another sample, words without the space before them, states of another layer, vectors that keep their
    lengths, and an axis turned round."""
    page = look("llama", "the cat sat")
    monkeypatch.setattr(WorkbenchReader, "record", lambda reader, model, text: page.recording())
    outputs = shown(projector_view.draw, page, ProjectorRequest(CloudControls(kind, **settings)))
    cloud = drawn(outputs["figure"]).data[0].to_plotly_json()
    points = np.stack([cloud[axis] for axis in "xyz" if axis in cloud], 1)
    np.testing.assert_allclose(numbers(outputs[script_output("figure")], monkeypatch), points, **CLOSE)
    if kind == "vocabulary":
        script_numbers = numbers(outputs[script_output("neighbours")], monkeypatch)
        np.testing.assert_allclose(script_numbers, bars(outputs["neighbours"]), **CLOSE)


def test_a_tokens_way_through_the_layers(folder_model, monkeypatch):
    """Guards against states before the final norm, and the same place in both texts."""
    model = folder_model("llama")
    page = PageContext(model.model_id, "cpu", "float32", "a cat")
    monkeypatch.setattr(PageContext, "recording", lambda page, text=None, **_: record(model, text or page.text))
    outputs = shown(layers_view.draw, page, LayersRequest(None, "the cat sat", "2D", True, 1))
    lines = np.stack([trace.y for trace in drawn(outputs["ends"]).data])
    np.testing.assert_allclose(numbers(outputs[script_output("ends")], monkeypatch), lines, **CLOSE)
    agree(outputs[script_output("alike")], heat(outputs["alike"]), monkeypatch)
    placed = np.stack([drawn(outputs["placed"]).data[0][axis] for axis in "xy"], 1)
    np.testing.assert_allclose(numbers(outputs[script_output("placed")], monkeypatch), placed, **CLOSE)
    paths = np.stack([np.stack([trace[axis] for axis in "xy"], 1) for trace in drawn(outputs["figure"]).data[:2]])
    np.testing.assert_allclose(numbers(outputs[script_output("figure")], monkeypatch), paths, **CLOSE)


@pytest.mark.parametrize(("family", "text"), [("pairs", "the cat[SEP]a cat"), ("t5", "a cat"), ("gpt2", "cat " * 40)])
def test_other_texts_through_the_layers(look, monkeypatch, family, text):
    """Guards against a pair that is read as one sentence, the decoder's states in place of the encoder's, and more tokens
    than the picture has."""
    page = look(family, text[: 40 if family == "gpt2" else None])
    if family == "pairs":
        recording = record(page.model(), "the cat", pair="a cat")
        monkeypatch.setattr(PageContext, "recording", lambda page, *_, **__: recording)
    monkeypatch.setattr(layers_view, "MAX_TOKENS", 16)
    monkeypatch.setattr(layer_pictures, "MAX_TOKENS", 16)
    outputs = shown(layers_view.draw, page, LayersRequest(None, "", "3D", False, 1))
    paths = np.stack([drawn(outputs["figure"]).data[0][axis] for axis in "xyz"], 1)
    np.testing.assert_allclose(numbers(outputs[script_output("figure")], monkeypatch), [paths], rtol=1e-5, atol=1e-5)
    agree(outputs[script_output("alike")], heat(outputs["alike"]), monkeypatch)


@pytest.mark.parametrize("pooling", ["mean of the tokens", "last token"])
def test_sentences(look, monkeypatch, pooling):
    """Guards against another pooling, the query among what is ranked, and points without it."""
    page = look("llama")
    request = SentencesRequest("the cat\na mat\nthe hat", "a cat", pooling, LOADED)
    outputs = shown(sentences_view.draw, page, request)
    np.testing.assert_allclose(
        numbers(outputs[script_output("ranking")], monkeypatch), bars(outputs["ranking"]), **CLOSE
    )
    agree(outputs[script_output("alike")], heat(outputs["alike"]), monkeypatch)
    placed = np.stack([drawn(outputs["placed"]).data[0][axis] for axis in "xy"], 1)
    np.testing.assert_allclose(numbers(outputs[script_output("placed")], monkeypatch), placed, **CLOSE)


@pytest.mark.parametrize("measure", [*MEASURES, "local"])
def test_what_every_head_does(look, monkeypatch, measure):
    """Guards against a measure without the first token set aside, induction on the visitor's text, and heads that look near
    by no more than an even spread as if they did not look away."""
    page = look("llama", "the cat and the cat")
    outputs = shown(roles_view.draw, page, RolesRequest(0, 0, "self", measure=measure))
    agree(outputs[script_output("figure")], heat(outputs["figure"]), monkeypatch)


def test_who_looks_at_whom(look, monkeypatch):
    """Guards against a ranking by the attention back, from B to A, and against a decoder's tokens as the source's."""
    page = look("bart", "the cat and the cat")
    request = HeadRequest(1, 2, "cross", who_from=1, who_to=6, who_text=page.reading)
    outputs = shown(heads_handlers.draw, page, request)
    pair = shown(pair_handlers.draw_pair, page, request)
    np.testing.assert_allclose(numbers(pair[script_output("who")], monkeypatch), bars(pair["who"]), **CLOSE)
    names = run(outputs[script_output("alignment")], monkeypatch)
    weights = PageContext.recording(page).attention(1, "cross").head(2)
    np.testing.assert_allclose(names["numbers"], weights, **CLOSE)
    assert sum(trace.mode == "lines" for trace in names["figure"].data) >= len(weights)


@pytest.mark.parametrize("method", ["rollout", "flow"])
@pytest.mark.parametrize("drop_first", [False, True])
def test_through_the_layers(look, monkeypatch, method, drop_first):
    """Guards against layers that are multiplied in the other order, edges turned round, and the first token's share left as
    it is."""
    page = look("bert")
    outputs = shown(flow_view.draw, page, FlowRequest("self", 4, method, drop_first))
    agree(outputs[script_output("figure")], heat(outputs["figure"]), monkeypatch)


@pytest.mark.parametrize(("family", "kind"), [("llama", "self"), ("bart", "encoder"), ("bart", "decoder")])
def test_attention_over_distance(look, monkeypatch, family, kind):
    """Guards against distances of the wrong sign, means over queries that see no key there, and too few distances for a
    period where there are enough."""
    page = look(family, ("the cat sat on the mat a " * 3)[:60])
    for measure in ATTENTION_MEASURES:
        for drop_first in (False, True):
            request = UsedRequest(kind, measure, drop_first, 1, 2)
            outputs = shown(attention_distance_view.draw, page, request)
            agree(outputs[script_output("all_heads")], heat(outputs["all_heads"]), monkeypatch)
            ours = numbers(outputs[script_output("curve")], monkeypatch)
            np.testing.assert_allclose(ours, drawn(outputs["curve"]).data[0].y, **CLOSE)
        ours = numbers(outputs[script_output("measures")], monkeypatch)
        np.testing.assert_allclose(ours, heat(outputs["measures"]), **CLOSE)


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert", "opt", "bloom", "mpnet", "t5", "bart", "dynamic"])
def test_a_broken_text(look, monkeypatch, family):
    """Guards against weights in the broken order, a loss by another row (BERT's own place), another rotary base (Llama) that
    stays for the next reading, and positions that are not given: as an argument, in a table (OPT), as penalties (BLOOM), in
    buckets (MPNet, T5); of two stacks against a target whose order is broken; of a Llama whose angles depend on the last
    position against the usual ones."""
    page, shift = look(family, "the cat sat on the mat"), 80 if family == "dynamic" else 2
    for measure, variant in zip((LOSS, DIVERGENCE, ATTENTION), ("shuffled", "equal", "base"), strict=True):
        outputs = shown(perturbation_view.draw, page, PerturbationRequest(measure, variant, 1, 2, shift=shift))
        if measure != ATTENTION:
            agree(outputs[script_output("attention")], heat(outputs["attention"]), monkeypatch)
        ours = numbers(outputs[script_output("figure")], monkeypatch)
        np.testing.assert_allclose(ours, heat(outputs["figure"]), rtol=1e-5, atol=1e-5)


def heights(value):
    trace = drawn(value).data[0]
    return np.asarray(trace.z if trace.type == "heatmap" else trace.y, np.float64)


def lines(value):
    return np.asarray([trace.y for trace in drawn(value).data], np.float64)


def places(value):
    """(points, dimensions) of a path."""
    trace = drawn(value).data[0]
    return np.stack([axis for axis in (trace.x, trace.y, getattr(trace, "z", None)) if axis is not None], 1)


def lanes(value):
    """The waves of single dimensions as they are: they are drawn smaller, each at its dimension's height."""
    return np.asarray([(trace.y - round(trace.y[0])) * 2.3 for trace in drawn(value).data])


TABLE, ROTARY, OWN_ATTENTION = (heights,) * 2, (heights, heights), (heights, lines, lines)


@pytest.mark.parametrize(
    ("family", "scheme", "pictures"),
    [
        ("gpt2", "learned", (*TABLE, places, places, heights)),
        ("bart", "learned", (*TABLE, places, places, heights)),
        ("m2m_100", "sinusoidal", (heights, heights, lanes, heights, heights)),
        ("ctrl", "sinusoidal", (heights, heights, lanes, heights, heights)),
        ("gpt2", "sinusoidal", (heights, lanes, heights, heights)),
        ("llama", "rotary", ROTARY),
        ("gpt2", "rotary", ROTARY),
        ("gptj", "rotary", ROTARY),
        ("gemma3_text", "rotary", (*ROTARY, *ROTARY)),
        ("smollm3", "rotary", (*ROTARY, lines)),
        ("bloom", "alibi", OWN_ATTENTION),
        ("gpt2", "alibi", (heights, lines)),
        ("t5", "relative", (lines, heights, lines, heights, lines)),
        ("gpt2", "relative", (lines,)),
        ("deberta-v2", "other", (*TABLE, lines)),
        ("xlnet", "other", (lines,)),
    ],
)
def test_position_schemes(look, monkeypatch, family, scheme, pictures):
    """Guards against rows that a table keeps free (BART's first two), exponents of another formula, another kind of layers'
    angles (Gemma 3), layers without positions among the others (SmolLM3), and a decoder's buckets read as an encoder's."""
    page = look(family)
    outputs = shown(scheme_view.draw, page, SchemeRequest(scheme, page.model_id, 20, 16, 10_000.0, 3, 4))
    figures = [name for name in PICTURES if drawn(outputs[name]) is not None]
    assert len(figures) == len(pictures)
    for number, (name, read) in enumerate(zip(figures, pictures, strict=True)):
        ours = numbers(outputs[script_output(name)], monkeypatch)
        if scheme == "rotary" and number in (0, 2) and read is heights:  # drawn anew after each full turn
            ours = ours % (2 * np.pi)
        np.testing.assert_allclose(np.atleast_2d(ours), np.atleast_2d(read(outputs[name])), rtol=1e-7, atol=1e-5)


@pytest.mark.parametrize("family", ["llama", "gpt_neox", "gemma3_text", "gpt2", "cohere"])
def test_clocks(look, monkeypatch, family):
    """Guards against dimensions paired otherwise (Cohere), those that don't turn (GPT-NeoX), another kind of
    layers' angles (Gemma 3), scores of turned vectors, and a slider whose script keeps the former distance."""
    page = look(family)
    outputs = shown(rotary_view.draw, page, RotaryRequest(layer=1, head=2, query=5, key=1))
    turned = numbers(outputs[script_output("clocks")], monkeypatch)
    hands = [frame.data[1].customdata for frame in drawn(outputs["clocks"]).frames]
    np.testing.assert_allclose(turned, hands, rtol=0, atol=1e-5)
    if family == "gpt2":
        assert outputs["place"] is None
        return
    for name in ("curve", "pairs", "decay"):
        lines = drawn(outputs[name]).data
        lines = lines[:1] if name == "curve" else lines
        ours = numbers(outputs[script_output(name)], monkeypatch)
        np.testing.assert_allclose(np.atleast_2d(ours), [line.y for line in lines], rtol=1e-5, atol=1e-5)
    outputs |= shown(rotary_view.slide, page, DistanceRequest(outputs["pair"], 90, outputs["place"]))
    ours = numbers(outputs[script_output("pairs")], monkeypatch)
    np.testing.assert_allclose(ours, [line.y for line in outputs["pairs"].data], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("family", "why"), [("gptj", texts.NO_FREQUENCIES), ("dynamic", texts.NEW_FREQUENCIES)])
def test_why_clocks_have_none(look, family, why):
    """Guards against the reason of another model: GPT-J has a table of sines, and no buffer of frequencies."""
    outputs = shown(rotary_view.draw, look(family), RotaryRequest(layer=1, head=2, query=5, key=1))
    assert drawn(outputs["clocks"]) and outputs[script_output("clocks")].why == why


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("against", [None, 70])
def test_why_a_token(folder_model, monkeypatch, method, against):
    """Guards against a baseline of another token, and special tokens that are explained."""
    model = folder_model("llama")
    ids = model.vocabulary.tokenize("a cat")[0]
    reading = replace(model_for_script(model), ids=tuple(ids))
    seen = attribute(next_token_score(model, ids, 80, against), method)
    script = next_token_reasons(reading, method, (80, against), baseline_token(model), seen.path)
    if seen.values is None:  # withheld, with its reason: the script prints how far its parts are from the difference
        assert seen.completeness is not None and not seen.completeness.holds
    else:
        np.testing.assert_allclose(numbers(script, monkeypatch), seen.values, **CLOSE)
