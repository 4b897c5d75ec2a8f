"""The Attention tab's handlers: what is shown, what is told beside it, what can be taken away."""

import csv
import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from playground import workbench
from playground.analysis.text_display import in_words, percent, spreadsheet_cell
from playground.errors import PlaygroundError
from playground.figures.attention import head_request as controls
from playground.figures.attention import one_head, overview, query_steps, rows
from playground.figures.attention.head_request import HeadRequest
from playground.recording import head_choice as choices
from playground.recording import head_weights as views
from playground.recording.head_choice import HeadChoice
from playground.recording.head_files import write_files
from playground.recording.head_weights import HeadWeights, head_weights
from playground.recording.measured_heads import compared_heads, measured_heads
from playground.recording.record import record
from playground.recording.xray import xray
from playground.tabs.attention import bertviz_view, heads_handlers, pair_handlers, steps_view
from playground.tabs.attention.bertviz_view import BertvizRequest
from playground.tabs.attention.steps_view import StepsRequest
from playground.tabs.shared import downloads
from playground.tabs.shared.downloads import file_stem, fresh_folder, zipped
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.sources import source_of
from playground.texts.numbers import power_of_ten
from tests.tabs.calling import answer, answers
from tests.tools.waiting import until

pytestmark = pytest.mark.slow

TEXT = "The cat =1+1"


PAGE = PageContext("m", "d", "t", TEXT)


def look_at(monkeypatch, recording) -> None:
    """The handlers look at this recording."""
    monkeypatch.setattr(PageContext, "recording", lambda page, **_: recording)
    for name in ("model", "awaited_model"):
        monkeypatch.setattr(PageContext, name, lambda page: recording.model)


@pytest.fixture
def shown(smollm2, monkeypatch):
    """The handlers look at a recording of `TEXT`."""
    recording = record(smollm2, TEXT)
    look_at(monkeypatch, recording)
    return recording


@pytest.fixture(scope="module")
def pair(minilm):
    """A recording of two sentences."""
    return record(minilm, "The cat sat.", pair="It slept.")


def test_what_can_be_shown_of_a_layer(shown):
    """Guards against the mean of another layer, and a maximum over tokens instead of heads."""
    weights = shown.attention(3).weights

    def of(show, *others):
        return head_weights(shown, HeadRequest(3, 2, "self", show, others)).weights

    assert torch.equal(of(choices.THIS_HEAD), weights[2])
    assert torch.allclose(of("mean of all heads"), weights.mean(0))
    assert torch.equal(of("maximum of all heads"), weights.amax(0))
    assert torch.allclose(of(views.MINUS_ALL), weights[2] - weights.mean(0))
    assert torch.allclose(of(views.MEAN_OF_CHOSEN, 1, 5), (weights[1] + weights[5]) / 2)
    assert torch.allclose(of(views.MINUS_CHOSEN, 1, 5), weights[2] - (weights[1] + weights[5]) / 2)
    norms, _ = shown.layer_steps(3).value_norms(2)
    assert torch.allclose(of(views.TIMES_NORMS), weights[2] * torch.from_numpy(norms), atol=1e-6)
    rolled = of(views.ROLLOUT)
    assert torch.allclose(rolled.sum(-1), torch.ones(len(rolled)), atol=1e-5)


def test_every_choice_is_drawn(shown):
    """Guards against a choice of the list that raises, and a sentence that names another one."""
    for show in views.DERIVATIONS:
        given = answer(heads_handlers.draw_head, PAGE, HeadRequest(3, 2, "self", show, (1, 5)))
        assert given["map"] is not None and given["strip"] and given["bars"] is not None, show
        assert "Layer" in given["sentence"] or "Rollout" in given["sentence"]


def test_two_sentences(pair):
    """Guards against rows of A with columns of A where A → B was asked for, and shares that are lost silently."""
    whole = pair.attention(2).weights[4]
    segments = np.array([token.segment for token in pair.tokens])
    for name, (queries, keys) in choices.BETWEEN.items():
        seen = head_weights(pair, HeadRequest(2, 4, between=name))
        assert torch.equal(seen.weights, whole[segments == queries][:, segments == keys])
        assert len(seen.queries) == (segments == queries).sum() and name in seen.name
    request = HeadRequest(2, 4, between="A → B")
    sentence = one_head.head_picture(pair, head_weights(pair, request), request).sentence
    assert "Of all attention of these queries 0.7 % goes to this sentence" in sentence and "sink" not in sentence


def test_special_tokens_left_out(pair):
    """Guards against [SEP] that stays while [CLS] goes; the rest shares the whole."""
    seen = head_weights(pair, HeadRequest(2, 4, exclude=choices.SPECIAL))
    special = [token.special for token in pair.tokens]
    assert sum(special) == 3 and (seen.weights[:, special] == 0).all()
    assert torch.allclose(seen.weights.sum(-1), torch.ones(len(special)), atol=1e-5)
    assert seen.excluded_share == pytest.approx(float(pair.attention(2).weights[4][:, special].sum(-1).mean()))


def test_keys_step_by_step(shown, pair, monkeypatch):
    """Guards against the keys of another group, and rows of the model before: head 4 reads the second of three keys; turning
    keeps the length of every key; an encoder without rotary shows the products again."""

    def draw(recording, rows):
        look_at(monkeypatch, recording)
        last = len(recording.tokens) - 1
        return answer(steps_view.draw, PAGE, StepsRequest(3, 4, "self", last, rows))

    tables = query_steps.KEYS, query_steps.BEFORE
    turned, before = (draw(shown, rows)["products"]["value"].data for rows in tables)
    (query, *keys), (query_before, *keys_before) = (data[0].customdata for data in (turned, before))
    np.testing.assert_array_equal(query, shown.layer_steps(3).call.query[4, -1])
    np.testing.assert_array_equal(keys, shown.layer_steps(3).call.key[1])
    np.testing.assert_allclose(*(np.linalg.norm(rows, axis=1) for rows in (keys, keys_before)), rtol=1e-4)
    assert np.abs(np.subtract(keys, keys_before)).max() > 0.1 and np.abs(query - query_before).max() > 0.1
    np.testing.assert_allclose(turned[0].z[0], query / np.abs(query).max(), rtol=1e-6)
    np.testing.assert_allclose(turned[0].z[1:], keys / np.abs(keys).max(), rtol=1e-6)
    choice = draw(pair, query_steps.BEFORE)["rows"]
    assert choice.value == query_steps.PRODUCTS and query_steps.BEFORE not in dict(choice.choices)


def test_groups_are_told(shown):
    """Guards against the cache's saving under every head, and another group: SmolLM2's nine heads share three key-value
    heads, which the card and the map of all heads tell."""
    card = shown.model.card
    assert "(3 share one)" in card["Heads"] and card["KV cache"] == "45 KiB per token"
    assert "holds 3 heads instead of 9" in card["Grouped queries"]
    for given in answers(heads_handlers.draw, PAGE, HeadRequest(0, 4)):
        assert "KiB" not in given.get("sentence", "") and "cache" not in given.get("sentence", "")
    shared = [note.text for note in given["overview"]["value"].layout.annotations]
    assert shared == ["key-value head 0", "1", "2"], "each below its three heads"


def test_files_are_the_numbers_shown(shown, tmp_path):
    """Guards against rounded numbers in the download, and a token that a spreadsheet reads as a formula."""
    given = answer(heads_handlers.download, PAGE, HeadRequest(3, 2))
    assert all(given[name].visible for name in ("csv", "json"))
    table, plain = write_files(head_weights(shown, HeadRequest(3, 2)), tmp_path)
    told, weights = json.loads(plain.read_text(encoding="utf-8")), shown.attention(3).weights[2]
    assert torch.equal(torch.tensor(told["weights"]), weights)
    lines = list(csv.reader(table.read_text(encoding="utf-8").splitlines()))
    assert [float(cell) for cell in lines[-1][1:]] == pytest.approx(weights[-1].tolist())
    assert not any(cell.startswith(("=", "+", "@")) for line in lines for cell in line)
    assert spreadsheet_cell("=1+1") == "'=1+1" and spreadsheet_cell(" =") == " ="
    assert spreadsheet_cell("'s") == "''s", "an apostrophe of the token's own must not be taken for the guard"


def test_files_tell_where_the_numbers_come_from(shown, tmp_path):
    """Guards against numbers without their weights: checksum and number format stand in both files."""
    answer(heads_handlers.download, PAGE, HeadRequest(3, 2))
    source = source_of(PAGE, HeadRequest(3, 2), ("Attention", "Heads"))
    table, plain = write_files(head_weights(shown, HeadRequest(3, 2)), tmp_path, source, "name")
    assert "SHA-256" in source["source"] and "read as float32" in source["source"]
    assert source["text"] == TEXT and source["settings"]["layer"] == 3 and source["revision"]
    assert table.name == "name.csv" and source.items() <= json.loads(plain.read_text(encoding="utf-8")).items()
    assert json.loads(next(csv.reader(table.read_text(encoding="utf-8").splitlines()))[0]) == source


def test_names_of_files():
    """Guards against names that a system refuses: too long, with a path or a colon in them, or empty."""
    assert file_stem("org/Model-1.5B", "Attention Heads", "The cat: =1+1?") == "model-1-5b_attention-heads_the-cat-1-1"
    name = file_stem("../../etc/passwd" * 9, "V" * 300, "中" * 300)
    assert len(f"{name}.json".encode()) <= 255 and "/" not in name and ".." not in name
    assert file_stem("", "", "?!") == "file"


def test_rows_columns_and_the_step_that_chose(shown):
    """Guards against a row shown where a column was asked for, and a step that reads the token that it chose."""
    seen = head_weights(shown, HeadRequest(3, 2))
    weights = shown.attention(3).weights[2]

    def shades(direction, index):
        return [item["shade"] for item in rows.row_picture(seen, direction, index).strip]

    assert shades(controls.ROW, 2) == pytest.approx((weights[2] / weights[2].max()).tolist(), abs=6e-4)
    assert shades(controls.COLUMN, 0) == pytest.approx((weights[:, 0] / weights[:, 0].max()).tolist(), abs=6e-4)
    assert shades(controls.CHOICE, 3) == pytest.approx((weights[2] / weights[2].max()).tolist(), abs=6e-4)
    first = rows.row_picture(seen, controls.CHOICE, 0)
    assert first.strip == [] and "it is the first token" in first.sentence and first.bars is None


def test_who_wrote_a_token(shown, tiny):
    """Guards against words that say the model wrote what a visitor typed, or that a visitor typed what the model wrote: of
    a text's continuation, and of an encoder-decoder's output."""

    def words(token, prompt_length):
        return rows.row_picture(head_weights(shown, HeadRequest(3, 2), prompt_length), controls.CHOICE, token).sentence

    continued = words(3, 2)
    assert continued.startswith("While the model wrote") and "(position 3), it had read up to" in continued
    for typed in (words(1, 2), words(3, 0)):
        assert "is part of your text; the model did not write it" in typed and "the model wrote" not in typed
        assert typed.partition(", which looks most at ")[2]
    output = record(tiny("t5"), "abcd", "ab")
    decoder = rows.row_picture(head_weights(output, HeadRequest(0, 0, "decoder")), controls.CHOICE, 1)
    assert decoder.sentence.startswith("While the model wrote")


def test_a_long_text_as_a_strip_stays_small():
    """Guards against half a megabyte for the strip of 4,096 tokens, beside the maps of the same view, and against a token
    that is shown without its marks."""
    words = [" river", "a", "\n", " \u202ex", "  two"]
    weights = torch.rand(1, 4096)
    seen = HeadWeights(weights, "", ["q"], words + [" children"] * 4091, True)
    strip = rows.row_picture(seen, controls.ROW, 0).strip
    assert len(json.dumps(strip)) < 300_000
    assert [item.get("label") for item in strip[:5]] == [None, None, "⏎", "·⟨U+202E⟩x", "··two"]
    np.testing.assert_allclose([item["shade"] for item in strip], weights[0] / weights.max(), atol=6e-4)
    assert strip[0]["title"] == f"{weights[0, 0]:.4f}"


def test_the_step_that_chose_is_that_of_the_generation(smollm2, shown):
    """Guards against a row of the whole text that differs from what the model attended to when it wrote the token: the
    weights of a pass over the tokens before it alone."""
    ids = [token.id for token in shown.tokens]
    alone = record(smollm2, ids[:4]).attention(3).weights[2][-1]
    row = shown.attention(3).weights[2][3]
    assert torch.allclose(row[:4], alone, atol=1e-5) and (row[4:] == 0).all()


def test_what_was_written_is_told_apart(shown):
    """Guards against a boundary that stays when another text comes under the lens."""
    continued = TEXT, 2
    same, other = (PageContext("m", "d", "t", text, continued).prompt_length for text in (TEXT, "another"))
    assert head_weights(shown, HeadRequest(3, 2), same).prompt_length == 2
    assert head_weights(shown, HeadRequest(3, 2), other).prompt_length is None
    strip = rows.row_picture(head_weights(shown, HeadRequest(3, 2), same)).strip
    assert [item["kind"] for item in strip[:4]] == ["prompt", "prompt", "generated", "generated"]


def test_a_click_chooses_the_token(shown):
    """Guards against a click that shows another token, on the strip, on a bar and on the map."""
    request = HeadRequest(3, 2)
    token, bar = SimpleNamespace(_data={"index": 2}), SimpleNamespace(_data={"index": 0, "customdata": 4})
    assert answer(heads_handlers.open_token, PAGE, request, token)["token"] == 2
    assert answer(heads_handlers.open_token, PAGE, request, bar)["token"] == 4
    given = answer(heads_handlers.open_row, PAGE, request, SimpleNamespace(_data={"x": 0, "y": 1}))
    assert (given["direction"], given["token"]) == ("looks at", 1) and "(position 1)" in given["row_sentence"]


def test_zoomed_in(smollm2, monkeypatch):
    """Guards against a window of other tokens; a quarter more is drawn on each side, and all of it when seen whole."""
    recording = record(smollm2, "The cat sat on the mat. " * 20)
    look_at(monkeypatch, recording)
    size = len(recording.tokens)
    event = SimpleNamespace(_data={"x0": 8, "x1": 16, "y0": 28, "y1": 20})
    figure = answer(heads_handlers.zoom, PAGE, HeadRequest(0, 0), event)["map"]["value"]
    assert (figure.data[0].x[0], figure.data[0].y[0], figure.data[0].y[-1]) == (6, 18, 31)
    weights = recording.attention(0).weights[0]
    assert figure.data[0].z[5, 3] == pytest.approx(float(weights[23, 9]))
    everything = SimpleNamespace(_data={"x0": -0.5, "x1": size, "y0": size, "y1": 0})
    whole = answer(heads_handlers.zoom, PAGE, HeadRequest(0, 0), everything)
    assert whole["map"]["value"].data[0].z.shape == (size, size)


def test_the_overview_grows(smollm2, monkeypatch):
    """Guards against an overview that is only shown when it is whole, and one that is computed twice."""
    recording = record(smollm2, "The cat")
    monkeypatch.setattr(overview, "EVERY", 0)
    seen = list(overview.overview_pictures(recording, HeadRequest(0, 0), workbench.shared()))
    assert len(seen) == 30 and seen[0].words.startswith("All heads: layer 1 of 30") and seen[-1].words == ""
    assert len(list(overview.overview_pictures(recording, HeadRequest(0, 0), workbench.shared()))) == 1


def test_strongest_roles(smollm2):
    """Guards against a role given to a head that hardly has it, to two roles at once, and numbers of different texts
    compared: then most heads were "first", whatever else they do. All are measured on the random tokens."""
    recording = record(smollm2, "Mr and Mrs Dursley lived here. Mr and Mrs Dursley")
    found, text = compared_heads(recording, "self", workbench.shared())
    assert text == "random tokens read twice"
    own = measured_heads(recording, "self", workbench.shared())
    np.testing.assert_array_equal(found["induction"], own["induction"])
    sinks = found["first"] > 0.99
    assert np.isfinite(found["first"][sinks]).all() and np.isnan(found["first"][~sinks]).all()
    assert np.isnan(found["previous"][sinks]).all()
    strongest, _ = overview.overview_marks(recording, HeadRequest(measure=controls.STRONGEST), workbench.shared())
    groups = strongest.labels
    marked = [head for heads in groups.values() for head in heads]
    assert len(marked) == len(set(marked)) > 30 and (18, 6) in groups["induction ≥ 0.4"]
    for name, heads in groups.items():
        assert all(found[name.split()[0]][head] >= 0.4 for head in heads)
    assert strongest.hover.words[18, 6] == f"induction {found['induction'][18, 6]:.3f}"
    marks, _ = overview.overview_marks(recording, HeadRequest(measure="induction", sort_heads=True), workbench.shared())
    coloured, order = marks.property, marks.order
    assert marks.hover.values is coloured.values
    ordered = np.nan_to_num(np.take_along_axis(coloured.values, order, 1), nan=-1)  # sinks stand last
    assert order[18, 0] == np.nanargmax(own["induction"][18]) and (np.diff(ordered, axis=1) <= 0).all()


def test_zoomed_stays_for_the_next_head(smollm2, monkeypatch):
    """Guards against coarse blocks in a window that showed exact numbers: another head of the same text is drawn there too,
    another text is not."""
    recording = record(smollm2, "The cat sat on the mat. " * 60)
    look_at(monkeypatch, recording)
    event = SimpleNamespace(_data={"x0": 8, "x1": 16, "y0": 28, "y1": 20})
    given = answer(heads_handlers.zoom, PAGE, HeadRequest(0, 0), event)
    figure, request = given["map"]["value"], HeadRequest(0, 3, zoom=given["zoom"])
    another = one_head.head_picture(recording, head_weights(recording, HeadRequest(0, 3)), request).figure
    assert another.data[0].z.shape == figure.data[0].z.shape == (14, 14)
    weights = recording.attention(0).weights[3]
    assert another.data[0].z[5, 3] == pytest.approx(float(weights[23, 9]))
    assert request.window((5, 5)) is None and request.window(weights.shape) is not None


def test_what_another_model_lacks(tiny, monkeypatch):
    """Guards against the former model's pictures under the new one's name: heads that it does not have are no longer
    chosen, what needs queries and keys says why it is missing, kind and sliders go where there is something."""
    recording = record(tiny("bloom"), "abc")
    look_at(monkeypatch, recording)
    first = answers(heads_handlers.draw, PAGE, HeadRequest(20, 30, "encoder", views.MEAN_OF_CHOSEN, (1, 8)))[0]
    assert first["others"]["value"] == [1] and "Layer 1, head 1" in first["sentence"]
    assert first["map"]["value"].data[0].z.shape == (3, 3)
    first = answers(heads_handlers.draw, PAGE, HeadRequest(1, 1, show=views.TIMES_NORMS))[0]
    assert first["map"] is None and 'role="alert"' in first["sentence"] and first["strip"] == []
    for exclude in (choices.NOTHING, choices.FIRST):
        request = HeadRequest(1, 1, show=views.TIMES_NORMS, exclude=exclude)
        given = answer(heads_handlers.draw_head, PAGE, request)
        assert given["map"] is None and "not captured" in given["sentence"] and given["strip"] == []
    given = answer(heads_handlers.follow, PAGE, HeadChoice(20, 30, "encoder"))
    assert json.loads(given["opened"])["to"] == ["self", 1, 3]
    steps = answer(steps_view.draw, PAGE, StepsRequest(1, 1))
    assert "not captured" in steps["badge"] and all(
        steps[name] == {"__type__": "update", "value": None, "visible": False} for name in steps_view.PICTURES
    ), "no white space where no picture is"
    given = answer(steps_view.what_if, PAGE, StepsRequest(20, 30, token=9, key=0, score=1.0, factor=None))
    assert given["what"]["value"] is None and "not captured" in given["answer"]


def test_a_change_ends_with_its_head(shown):
    """Guards against CHANGED BY YOU over the numbers of another head; stale numbers of the controls don't fail."""
    given = answer(steps_view.what_if, PAGE, StepsRequest(99, 99, "cross", token=99, key=0, score=1.0, factor=None))
    assert given["what"]["visible"] and "Changed by you" in given["answer"]
    given = answer(steps_view.draw, PAGE, StepsRequest(3, 4, key=1, score=1.0, factor=2.0, hide=True))
    assert (given["score"], given["factor"], given["hide"]) == (None, 1, False)
    assert not given["what"]["visible"] and "Nothing is changed yet" in given["answer"]


def test_what_if_opens_with_a_key(shown):
    """Guards against What if? without a key, and one that hides nothing that matters: the key with the largest weight beside
    the first token and the query itself; without a change there is no picture of one."""
    given = answer(steps_view.draw, PAGE, StepsRequest(3, 4, token=5))
    row = shown.attention(3).weights[4, 5].clone()
    row[[0, 5]] = 0
    assert given["key"]["value"] == int(row.argmax()) and given["query"]["value"] == 5
    given = answer(steps_view.what_if, PAGE, StepsRequest(3, 4, token=5, key=2))
    assert not given["what"]["visible"] and "Nothing is changed yet" in given["answer"]
    given = answer(steps_view.what_if, PAGE, StepsRequest(3, 4, token=5, key=2, hide=True))
    assert given["what"]["visible"] and given["what"]["value"].data[0].text[2][-2] == "0.000"


def test_the_formula_of_a_head(shown, tiny):
    """Guards against a formula without what the model does: T5 scales by 1 and adds a bias, Gemma 2 caps, GPT-OSS has
    a sink."""
    assert r"\frac{q \cdot k_j}{\sqrt{d}}" in query_steps.formula_of(shown.layer_steps(3).inputs(2, 1))
    found = {}
    for family, kind in (("t5", "encoder"), ("gemma2", "self"), ("gpt_oss", "self")):
        recording = record(tiny(family), "abcd", "ab" if family == "t5" else None)
        found[family] = query_steps.formula_of(recording.layer_steps(1, kind).inputs(0, 2))
    assert "bias" in found["t5"] and "frac{q" not in found["t5"] and "mask" not in found["t5"]
    assert "tanh" in found["gemma2"] and "mask" in found["gemma2"] and "sink" in found["gpt_oss"]


def test_heads_side_by_side_are_what_the_projection_reads(smollm2):
    """Guards against outputs of another token or in another order: W^O of them all is what the layer adds."""
    layer = record(smollm2, TEXT).layer_steps(3)
    joined = layer.head_outputs(2)
    whole = layer.projection(torch.tensor(joined).reshape(1, -1))[0]
    np.testing.assert_allclose(whole.detach(), layer.layer_output(2)[0], atol=1e-5)


def test_bertviz_stays_small(narrow, monkeypatch):
    """Guards against a long text whose whole weights are held for 24 tokens (4.9 GB at 2,016), and against more than a
    megabyte sent: float32 rounded to 4 digits is written with 17."""
    recording = record(narrow, "The cat sat on the mat, and the dog lay beside it. " * 14)
    look_at(monkeypatch, recording)
    called = []
    monkeypatch.setattr(type(recording.attention(0)), "weights", property(lambda self: called.append(self)))
    for view in bertviz_view.VIEWS:
        value = answer(bertviz_view.draw, PAGE, BertvizRequest(3, 2, "self", view))["frame"]
        assert len(json.dumps(value, separators=(",", ":"))) < 1e6, view
    assert not called, "all weights of a layer were computed"


def test_a_rollout_is_bounded(narrow):
    """Guards against minutes of matrix products for one picture."""
    recording = record(narrow, "a" * 701)
    with pytest.raises(PlaygroundError, match=r"701 tokens.*512"):
        head_weights(recording, HeadRequest(29, 0, show=views.ROLLOUT))


def test_a_property_that_can_not_be_measured(narrow):
    """Guards against the overview and badge of the text before: roles are measured up to 512 tokens, the rest is drawn."""
    recording = record(narrow, "The cat sat on the mat. " * 25)
    marks, why_none = overview.overview_marks(
        recording, HeadRequest(measure="induction", sort_heads=True), workbench.shared()
    )
    assert marks.property is None and marks.order is None and "512" in why_none
    *_, picture = overview.overview_pictures(recording, HeadRequest(measure="induction"), workbench.shared())
    assert picture.words == "" and "512" in picture.figure.layout.title.text


def test_files_do_not_pile_up(tmp_path, monkeypatch):
    """Guards against a disk that fills with what visitors took away: folders older than an hour go, and their zips, which
    are files; younger ones stay. Also where nobody takes anything away for hours."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(downloads, "SWEEP", 0.05)
    downloads._sweep.cache_clear()
    old, young = fresh_folder(), fresh_folder()
    (old / "vectors.tsv").write_text("1")
    zipped(old)
    for path in tmp_path.glob(f"{old.name}*"):
        os.utime(path, (0, 0))
    third = fresh_folder()
    assert {*tmp_path.iterdir()} == {young, third}
    os.utime(third, (0, 0))
    until(lambda: not third.exists())
    assert {*tmp_path.iterdir()} == {young}


def test_the_badge_is_of_the_head_and_picture_shown(tiny, monkeypatch):
    """Guards against the whole model's maximum under every head, and a green badge under pictures that it doesn't check."""
    recording = record(tiny("llama"), TEXT)
    look_at(monkeypatch, recording)
    layers = recording.verify().layers["self"]
    for layer, head in ((0, 1), (1, 3)):
        badge = answer(heads_handlers.draw_head, PAGE, HeadRequest(layer, head))["badge"]
        assert f"at most {power_of_ten(layers[layer].used.error[head])}" in badge and "pg-badge-ok" in badge
        assert f"Layer {layer}, head {head}" in badge
    for show in views.DERIVATIONS:
        badge = answer(heads_handlers.draw_head, PAGE, HeadRequest(show=show, others=(1,)))["badge"]
        assert bool(badge) == (show == choices.THIS_HEAD), show
    assert answer(heads_handlers.draw_head, PAGE, HeadRequest(exclude=choices.FIRST))["badge"] == ""


def test_attention_opens_on_the_most_telling_head(smollm2, monkeypatch):
    """Guards against a first picture of layer 0, head 0 and the last token, whatever the text; against a head that a visitor
    chose and that goes with the next text; and against another head than X-ray names."""
    recording = record(smollm2, "The animal didn't cross the street because it was too tired.")
    look_at(monkeypatch, recording)
    arc = xray(recording, workbench.shared()).arcs[0]
    first = answers(heads_handlers.draw, PAGE, HeadRequest(chosen=False))[0]
    assert f"Layer {arc.layer}, head {arc.head}: the most telling head" in first["sentence"]
    query, key = (in_words(recording.tokens[place].label) for place in (arc.query, arc.key))
    assert f"“{query}” gives {percent(arc.weight)} of its attention to “{key}”" in first["sentence"]
    assert f"“{query}” (position {arc.query}) looks most at “{key}”" in first["row_sentence"]
    row = first["map"]["mark"]
    assert (row["y0"], row["y1"], row["x0"], row["x1"]) == (arc.query - 0.5, arc.query + 0.5, -0.5, arc.query + 0.5)
    given = answer(heads_handlers.follow, PAGE, HeadChoice(0, 0, chosen=False))
    told = json.loads(given["opened"])
    assert (told["chosen"], told["of"], told["to"]) == (False, ["self", 0, 0], ["self", arc.layer, arc.head])
    stays = answers(heads_handlers.draw, PAGE, HeadRequest(3, 2, chosen=True))[0]
    assert "Layer 3, head 2:" in stays["sentence"] and stays["telling"]["visible"]
    told = json.loads(answer(heads_handlers.follow, PAGE, HeadChoice(3, 2))["opened"])
    assert told["chosen"] and told["of"] == told["to"] == ["self", 3, 2]
    back = answer(heads_handlers.open_telling, PAGE, HeadRequest(3, 2))
    assert (back["layer"], back["head"], back["chosen"]) == (arc.layer, arc.head, False)


def test_who_looks_from_a_to_b(shown):
    """Guards against a second click that begins anew, a bar that opens another head or another row, tokens of the text
    before, and zeros where the reason is that the token comes later."""
    first = answer(pair_handlers.choose_token, PAGE, HeadRequest(), SimpleNamespace(_data={"index": 4}))
    assert (first["who_from"]["value"], first["who_to"]["value"]) == (4, None) and "Now click B" in first["who_words"]
    assert not first["who"]["visible"]
    asked = HeadRequest(who_from=4, who_text=first["who_text"])
    second = answer(pair_handlers.choose_token, PAGE, asked, SimpleNamespace(_data={"index": 1}))
    best = max(
        ((layer, head) for layer in range(30) for head in range(9)),
        key=lambda place: float(shown.attention(place[0]).weights[place[1], 4, 1]),
    )
    assert f"Layer {best[0]}, head {best[1]} looks most from" in second["who_words"]
    bars = second["who"]["value"].data[0]
    assert (
        bars.customdata[0].tolist() == list(best)
        and [item.get("shade") for item in second["who_strip"]].count(None) == 4
    )
    both = HeadRequest(who_from=4, who_to=1, who_text=first["who_text"])
    opened = answer(heads_handlers.open_ranked, PAGE, both, SimpleNamespace(_data={"customdata": list(best)}))
    assert (opened["layer"], opened["head"], opened["token"]) == (*best, 4) and "(position 4)" in opened["row_sentence"]
    ahead = HeadRequest(who_from=1, who_to=4, who_text=first["who_text"])
    assert "left to right" in answer(pair_handlers.draw_pair, PAGE, ahead)["who_words"]
    other = answer(pair_handlers.draw_pair, PageContext("m", "d", "t", "another text"), both)
    assert (other["who_from"]["value"], other["who_to"]["value"]) == (None, None)


def test_one_frame_marks_what_is_said(shown):
    """Guards against two framed cells, and a frame over cells that a mask hides: the row up to its token, the column from
    its token on, and for the step that wrote a token the row before."""
    seen, frames = head_weights(shown, HeadRequest(3, 2)), {}
    for direction in controls.DIRECTIONS:
        mark = one_head.chosen_frame(seen, HeadRequest(3, 2, direction=direction), 3)
        frames[direction] = (mark["x0"], mark["x1"], mark["y0"], mark["y1"])
    size = len(seen.keys)
    assert frames[controls.ROW] == (-0.5, 3.5, 2.5, 3.5)
    assert frames[controls.COLUMN] == (2.5, 3.5, 2.5, size - 0.5)
    assert frames[controls.CHOICE] == (-0.5, 2.5, 1.5, 2.5)
    map_figure = one_head.head_picture(shown, seen, HeadRequest(3, 2)).figure
    assert not map_figure.layout.shapes, "the frame is the mark's alone"


def test_most_leaves_the_first_row_out(shown):
    """Guards against “most, 1, from The to The” under means, rollouts and norms."""
    for show in ("mean of all heads", views.ROLLOUT):
        request = HeadRequest(3, 2, show=show)
        words = one_head.head_picture(shown, head_weights(shown, request), request).sentence
        weights = head_weights(shown, request).weights.clone()
        weights[:, 0] = 0
        weights.fill_diagonal_(0)
        query, key = divmod(int(weights.argmax()), len(shown.tokens))
        names = [in_words(shown.tokens[place].label) for place in (query, key)]
        assert f"most, {float(weights.max()):.3g}, goes from “{names[0]}” to “{names[1]}”" in words


def test_sorting_sorts_or_says_why_not(smollm2):
    """Guards against a box that does nothing: by their strongest role heads of one role stand together; without a role there
    is nothing to sort by, and the picture says so."""
    recording = record(smollm2, "Mr and Mrs Dursley lived here. Mr and Mrs Dursley")
    strongest = HeadRequest(measure=controls.STRONGEST, sort_heads=True)
    marks, why_not = overview.overview_marks(recording, strongest, workbench.shared())
    assert not why_not and sorted(marks.order[18].tolist()) == list(range(9))
    role = {head: name for name, heads in marks.labels.items() for head in heads}
    standing = [role.get((18, int(head)), "") for head in marks.order[18]]
    assert standing == sorted(standing, key=[*marks.labels, ""].index), "each role once, those without last"
    marks, why_not = overview.overview_marks(recording, HeadRequest(sort_heads=True), workbench.shared())
    assert marks.order is None and "Choose a role" in why_not
