"""Edits of a running model: what they change and what they leave, on every family, by plain hooks and by the model's own
passes."""

import json
import threading

import pytest
import torch

import playground as pg
from playground.errors import PlaygroundError
from playground.generation.kv_cache import PrefixCaches
from playground.models.decoder_start import decoder_start
from playground.recording.edits.edit import MOST_EDITS, Edit, edits_of
from playground.recording.edits.editing import plan_of, row_plan
from playground.recording.edits.identities import identities_of
from playground.recording.layers.build import build_of
from playground.recording.layers.lens import states_of, through_head
from playground.recording.module_hooks import patch_modules
from tests.recording.test_layers import EXPERTS, NO_HEADS, NO_STATES, NORMS_THE_SUM
from tests.tools import zoo

TEXT, OTHER = "abcdefgh hij", "klmnopqr stu"
OFF_INTERFACE = NO_HEADS | {"xlnet", "openai-gpt", "deberta-v2", "mpnet"}
SPLITS_NOTHING = NORMS_THE_SUM | NO_STATES | {"modernbert"}


def record(model, edits=(), text=TEXT):
    return pg.record(model, text, "xyz" if model.model.config.is_encoder_decoder else None, edits=edits)


def ids_of(model, text):
    return tuple(token.id for token in model.vocabulary.describe(model.vocabulary.tokenize(text)[0]))


def edits_for(model):
    """An edit of every part."""
    second = ids_of(model, OTHER)
    return {
        "head": Edit("head", 1, (2,)),
        "mean": Edit("head", 0, (1, 3), how="mean"),
        "text": Edit("head", 1, how="text", text=second),
        "attention": Edit("attention", 0),
        "mlp": Edit("mlp", 1, how="mean"),
        "layer": Edit("layer", 0),
        "neuron": Edit("neuron", 0, (3, 5)),
        "state": Edit("state", -1, positions=(1,), how="mean"),
        "push": Edit("state", 0, how="add", strength=2.0, direction=range(1, model.anatomy.d_model + 1)),
        "arrow": Edit("arrow", 0, (1,), positions=(2,), keys=(1,)),
    }


def refused(family: str, model) -> set[str]:
    """The edits that a family refuses."""
    heads, parts = {"head", "mean", "text", "arrow"}, build_of(model).parts(0)
    refusing = set(heads) if family in OFF_INTERFACE or not model.capabilities.attention else set()
    if family in NO_STATES:
        refusing |= {"layer", "state", "push"}
    assert bool(parts) == (family not in NO_STATES)
    if not parts:
        refusing |= {"attention", "mlp", "neuron"}
    if family in EXPERTS - {"deepseek_v2", "deepseek_v3"}:  # their first layer has one MLP
        refusing |= {"neuron"}
    return refusing


@pytest.mark.slow
@pytest.mark.parametrize("family", zoo.FAMILIES)
def test_every_part_of_every_family(tiny, family):
    """Guards against an edit that changes nothing, or one that changes what it should not: each changes the logits, with
    strength 0 no bit of them, with its hooks in place; what a family does not allow is refused with a sentence."""
    model = tiny(family)
    plain = record(model).logits
    assert torch.equal(record(model, [Edit("head", 0, (0,), strength=0)] if model.on_interface else []).logits, plain)
    for name, edit in edits_for(model).items():
        if name in refused(family, model):
            with pytest.raises(PlaygroundError) as error:
                record(model, [edit])
            assert len(str(error.value)) > 40
            continue
        edited = record(model, [edit])
        assert edited.edits == (edit,) and not torch.equal(edited.logits, plain), name
        assert torch.equal(edited.run_again() or edited._replay.outputs(logits=True).logits.float(), edited.logits), (
            name
        )
        if name != "arrow":
            none = Edit(**(vars(edit) | {"strength": 0.0}))
            assert torch.equal(record(model, [none]).logits, plain), name
    assert torch.equal(record(model).logits, plain)


@pytest.mark.slow
@pytest.mark.parametrize("family", [f for f in zoo.FAMILIES if f not in SPLITS_NOTHING])
def test_all_parts_taken_out_leave_the_embedding(tiny, family):
    """Guards against a part that stays: with every layer taken out the logits are those of the lens at the embedding."""
    model = tiny(family)
    recording = record(model)
    bare = record(model, [Edit("layer", layer) for layer in range(2)])
    states = recording.lens().states
    embedding = states_of(recording, range(recording.length)).states[states.index("embedding")]
    lens = through_head(model, embedding).cpu()
    assert (bare.logits - lens).abs().max() <= 1e-5 * lens.abs().max()


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(NORMS_THE_SUM - NO_STATES))
def test_parts_of_layers_that_norm_each_sum(tiny, family):
    """Guards against a part of a post-norm layer that is another module's output, or not all of it: without any
    attention and MLP the last state is the embedding through the norms alone; without the last MLP it is the norm of what
    the last norm had read, less what that MLP gave."""
    model = tiny(family)
    recording = record(model)
    found = identities_of(recording, recording.with_edits([Edit("mlp", 1)]), 2)
    assert found.holds and found.errors["all"] <= 1e-5
    block, read = build_of(model).normed[1], {}
    if family == "albert":  # one module is both layers
        return
    part = patch_modules([block.parts[-1].module], output=lambda a, k, o: read.update(part=o.clone()) or o)
    with part, patch_modules([block.norms[-1]], inputs=lambda a, k: read.update(sum=a[0].clone()) or (a, k)):
        recording.run_again()
    with torch.inference_mode():
        expected = block.norms[-1](read["sum"] - read["part"].view(read["sum"].shape))[0, 2]
    without = states_of(recording.with_edits([Edit("mlp", 1)]), range(2, 3)).states[-1, 0]
    assert torch.allclose(without, expected, atol=1e-5)


@pytest.mark.parametrize("family", ["llama", "gpt2", "bloom", "bert", "t5", "olmo2", "gpt_neox", "gemma2", "bart"])
def test_a_head_and_a_layer_by_plain_hooks(tiny, family):
    """Guards against an edit of another head, of heads after W^O, or of the encoder's layers: plain hooks agree."""
    model = tiny(family)
    recording = record(model)
    if model.on_interface:
        kind = "decoder" if model.model.config.is_encoder_decoder else "self"
        module = next(m for m in _attention_modules(model, recording, kind, 1))

        def without(args, kwargs):
            values = args[0].clone()
            values.view(*values.shape[:2], 4, -1)[:, :, 2] = 0
            return (values, *args[1:]), kwargs

        with patch_modules([model.projections[id(module)]], inputs=without):
            expected = recording._replay.outputs(logits=True).logits
        assert torch.allclose(record(model, [Edit("head", 1, (2,))]).logits, expected, atol=1e-6)
    from playground.recording.residual_stream import first_tensor, layer_input, stack_layers

    def skip(args, kwargs, output):
        state = layer_input(args, kwargs)
        return (state, *output[1:]) if isinstance(output, tuple) else state

    with patch_modules([stack_layers(model.model)[1]], output=skip):
        expected = recording._replay.outputs(logits=True).logits
    assert first_tensor((expected,)) is expected
    assert torch.allclose(record(model, [Edit("layer", 1)]).logits, expected, atol=1e-6)


def _attention_modules(model, recording, kind, layer):
    from playground.recording.hooks import AttentionCallCollector, capture_attention

    found = []
    collector = AttentionCallCollector(
        model, lambda k, number, call: found.append(collector.module) if (k, number) == (kind, layer) else None
    )
    with capture_attention(collector):
        recording.run_again()
    return found


@pytest.mark.parametrize("family", ["llama", "gpt2", "mistral", "gemma2", "t5", "bert"])
def test_a_lost_arrow(tiny, family):
    """Guards against an arrow that only hides: the weights of that head lack it and add up to 1, the layer's check still
    holds, rows of other tokens and heads keep their bits."""
    model = tiny(family)
    plain = record(model)
    edited = record(model, [Edit("arrow", 0, (1,), positions=(2,), keys=(1,))])
    kind = plain.kinds[1] if len(plain.kinds) > 1 else None
    before, after = (one.attention(0, kind).weights for one in (plain, edited))
    assert after[1, 2, 1] == 0 and after[1, 2].sum() == pytest.approx(1)
    keep = torch.ones_like(before, dtype=torch.bool)
    keep[1, 2] = False
    assert torch.equal(before[keep], after[keep])
    if family not in ("gemma2", "t5"):  # their scores are capped, or biased: their rows are tested by verify
        row = before[1, 2].clone()
        row[1] = 0
        assert torch.allclose(after[1, 2], row / row.sum(), atol=1e-6)
    assert edited.verify().passed
    nobody = record(model, [Edit("arrow", 0, keys=(1,))]).attention(0, kind).weights
    others = [row for row in range(nobody.shape[1]) if row != 1]
    assert float(nobody[:, others, 1].abs().max()) == 0 and torch.equal(nobody[:, 1], before[:, 1])
    if family != "bert":
        with pytest.raises(PlaygroundError, match="nothing to look at"):
            record(model, [Edit("arrow", 0, positions=(0,), keys=(0,))])


def test_the_causal_cone(tiny):
    """Guards against an edit that reaches earlier layers or tokens: their states and attention keep their bits."""
    model = tiny("llama")
    plain = record(model)
    for edit in (Edit("head", 1, (2,), positions=(5,)), Edit("mlp", 1, positions=(5, 7), how="mean")):
        edited = record(model, [edit])
        assert torch.equal(edited.hidden_states[:2], plain.hidden_states[:2])
        assert torch.equal(edited.hidden_states[2, :5], plain.hidden_states[2, :5])
        assert not torch.equal(edited.hidden_states[2, 5], plain.hidden_states[2, 5])
        assert torch.equal(edited.logits[:5], plain.logits[:5])


@pytest.mark.parametrize("family", ["llama", "bert", "bloom", "t5"])
def test_values_of_a_second_text(tiny, family):
    """Guards against values of another token: a text's own values change no bit, all embeddings of another text of the same
    length are that text, texts are aligned at their ends, and `sources` names other partners."""
    model = tiny(family)
    second, own = ids_of(model, OTHER), ids_of(model, TEXT)
    plain, other = record(model), record(model, text=OTHER)
    if family in ("llama", "bert"):
        assert torch.equal(record(model, [Edit("head", 1, how="text", text=own)]).logits, plain.logits)
    if family == "t5":
        swapped = record(model, [Edit("head", 0, how="text", text=second, kind="cross")])
        assert not torch.equal(swapped.logits, plain.logits)
        return
    assert torch.equal(record(model, [Edit("state", 0, how="text", text=own)]).logits, plain.logits)
    swapped = record(model, [Edit("state", -1, how="text", text=second)])
    assert torch.allclose(swapped.logits, other.logits, atol=1e-5)
    shifted = record(model, [Edit("state", 1, how="text", text=second[1:], positions=(11,))])
    shorter = pg.record(model, second[1:])
    assert torch.allclose(shifted.logits[11], shorter.logits[10], atol=1e-5)
    named = record(model, [Edit("state", 1, positions=(3,), how="text", text=second, sources=(7,))])
    assert torch.allclose(named.logits[3], other.logits[7], atol=1e-5)


def test_means_and_directions_by_hand(tiny):
    """Guards the arithmetic: the mean of the other tokens without the first one, and a direction in each state's length."""
    model = tiny("llama")
    states = record(model).hidden_states[1]
    mean = record(model, [Edit("state", 0, positions=(4,), how="mean")]).hidden_states[1]
    assert torch.allclose(mean[4], states[[1, 2, 3, *range(5, 12)]].mean(0), atol=1e-6)
    half = record(model, [Edit("state", 0, positions=(4,), how="mean", strength=0.5)]).hidden_states[1]
    assert torch.allclose(half[4], (states[4] + mean[4]) / 2, atol=1e-6)
    direction = [3.0, 4.0] + [0.0] * (model.anatomy.d_model - 2)
    pushed = record(model, [Edit("state", 0, how="add", strength=0.5, direction=direction)]).hidden_states[1]
    assert torch.equal(pushed[0], states[0])
    added = 0.5 * states[6].norm() * torch.tensor([0.6, 0.8])
    assert torch.allclose(pushed[6] - states[6], torch.cat([added, torch.zeros(len(direction) - 2)]), atol=1e-5)


WRITERS = ["llama", "gpt2", "gemma2", "mistral", "bloom", "t5", "bart"]


@pytest.mark.slow
@pytest.mark.parametrize("family", WRITERS)
def test_writing_with_edits(tiny, family):
    """Guards against an edit that the cache forgets, or one that another text's cache brings in: token by token the shares
    are those of reading the whole edited text, with one row and with several; shared caches are neither read nor filled."""
    model, own = tiny(family), [token.id for token in record(tiny(family)).tokens]
    edits = [Edit("layer", 1, positions=range(14)), Edit("mlp", 0, strength=0.5)]
    if family in ("bart", "t5"):
        edits = [Edit("head", 0, (1,), kind="encoder"), Edit("head", 1, (2, 3), kind="cross"), Edit("head", 1, (0,))]
    elif model.on_interface:
        edits.append(Edit("arrow", 0, positions=range(1, 14), keys=(0,)))
    settings, prefixes = pg.GenerationSettings(max_new_tokens=6, greedy=True), PrefixCaches(10**8)

    def write(settings, edits=()):
        return list(pg.generate(model, own, settings, prefixes=prefixes, edits=edits))

    plain = write(settings)
    before = prefixes._caches.keys()
    edited = write(settings, edits)
    assert prefixes._caches.keys() == before
    shares = [step.probability for step in edited]
    assert shares != pytest.approx([step.probability for step in plain], rel=1e-4)
    ids = [step.token.id for step in edited]
    assert shares == pytest.approx(edited_shares(model, own, ids, edits).tolist(), rel=1e-4)
    rows = pg.GenerationSettings(max_new_tokens=3, greedy=True, samples=2)
    assert [s.probability for s in write(rows, edits) if s.sample == 1] == pytest.approx(shares[:3], rel=1e-4)


def edited_shares(model, own, ids, edits):
    """The probabilities of `ids`, written after `own`, as reading the whole edited text gives them."""
    if model.model.config.is_encoder_decoder:
        inputs = {"input_ids": [own], "decoder_input_ids": [[*decoder_start(model), *ids[:-1]]]}
        with torch.inference_mode(), plan_of(model, edits).applied():
            logits = model.model(**{name: torch.tensor(rows) for name, rows in inputs.items()}).logits[0]
    else:
        logits = pg.record(model, [*own, *ids], edits=edits).logits[len(own) - 1 : -1]
    return logits.softmax(-1)[range(len(ids)), ids]


@pytest.mark.slow
@pytest.mark.parametrize("family", WRITERS)
def test_writing_with_beams_and_edits(tiny, family):
    """Guards against beams that forget an edit, that only their first row has, or that count tokens from where a cache ends:
    the shares of the best beam are those of reading the whole edited text, and other beams win than without edits."""
    model, own = tiny(family), [token.id for token in record(tiny(family)).tokens]
    edits = [Edit("mlp", 0, strength=0.5), Edit("layer", 1, positions=range(14))]
    if family in ("bart", "t5"):
        edits = [Edit("head", 0, (1,), kind="encoder"), Edit("head", 1, (2, 3), kind="cross"), Edit("head", 1, (0,))]
    elif model.on_interface:
        edits.append(Edit("arrow", 0, positions=range(1, 14), keys=(0,)))
    settings = pg.GenerationSettings(max_new_tokens=5, beams=3)
    plain = [step.token.id for step in pg.generate(model, own, settings)]
    steps = list(pg.generate(model, own, settings, edits=edits))
    ids = [step.token.id for step in steps]
    shares = [step.probability for step in steps]
    assert shares == pytest.approx(edited_shares(model, own, ids, edits).tolist(), rel=1e-4)
    if ids == plain:
        assert shares != pytest.approx(edited_shares(model, own, ids, []).tolist(), rel=1e-4)
    assert [step.token.id for step in pg.generate(model, own, settings)] == plain, "the edit is gone"


def test_beams_are_those_of_a_model_built_that_way(tiny):
    """Guards against edited rows that search otherwise: without layer 1, the same tokens as transformers' own beam search
    with that layer skipped by a plain hook."""
    model, own = tiny("llama"), list(ids_of(tiny("llama"), TEXT))
    settings = pg.GenerationSettings(max_new_tokens=6, beams=4)
    edited = [step.token.id for step in pg.generate(model, own, settings, edits=[Edit("layer", 1)])]
    with patch_modules([model.model.model.layers[1]], output=lambda args, kwargs, output: args[0]):
        found = model.model.generate(
            torch.tensor([own]), attention_mask=torch.ones(1, len(own)), num_beams=4, max_new_tokens=6, do_sample=False
        )
    assert found[0, len(own) :].tolist() == edited


def test_the_mean_while_writing(tiny):
    """Guards against a mean of the new token alone: what is written gets the prompt's mean, with a cache as without."""
    model = tiny("llama")
    own = list(ids_of(model, TEXT))
    edit = Edit("mlp", 0, how="mean")
    captured = []
    part = next(part for part in build_of(model).blocks[0].parts if part.kind == "mlp")

    def keep(args, kwargs, output):
        captured.append(output.clone())
        return output

    with patch_modules([part.module], output=keep):
        list(pg.generate(model, own, pg.GenerationSettings(max_new_tokens=3, greedy=True), edits=[edit]))
    with patch_modules([part.module], output=lambda a, k, o: captured.append(o.clone()) or o):
        pg.record(model, own)
    prompt = captured[-1]
    for step in captured[1:-1]:
        assert torch.allclose(step[0, 0], prompt[0, 1:].mean(0), atol=1e-6)


def test_a_mean_that_is_needed_later(tiny):
    """Guards against a mean that is only kept where the prompt is changed: a token that is written gets it too."""
    model = tiny("llama")
    edit = Edit("mlp", 0, positions=(13,), how="mean")
    steps = list(
        pg.generate(model, ids_of(model, TEXT), pg.GenerationSettings(max_new_tokens=4, greedy=True), edits=[edit])
    )
    assert len(steps) == 4
    with pytest.raises(PlaygroundError, match="no other tokens"):
        only = [Edit("mlp", 0, positions=(2,), how="mean")]
        list(
            pg.generate(
                tiny("t5"), ids_of(model, TEXT), pg.GenerationSettings(max_new_tokens=4, greedy=True), edits=only
            )
        )


def test_rows_of_a_batch(tiny):
    """Guards against an edit of every row: each row has its own, and is the pass with that edit alone."""
    model = tiny("llama")
    edits = [
        Edit("head", 0, (1,)),
        Edit("mlp", 1),
        Edit("neuron", 0, (7,)),
        Edit("arrow", 0, positions=(3,), keys=(1,)),
    ]
    ids = torch.tensor([ids_of(model, TEXT)] * 3)
    with torch.inference_mode(), row_plan(model, edits[:3]).applied():
        logits = model.model(ids).logits
    for row, edit in enumerate(edits[:3]):
        assert torch.allclose(logits[row], record(model, [edit]).logits, atol=1e-5)


def test_two_visitors_never_meet(tiny):
    """Guards against an edit that leaks into another thread: four threads with different edits, and one without any, each
    get the bits that they get alone."""
    model = tiny("llama")
    sets = [(), (Edit("head", 1, (2,)),), (Edit("mlp", 0),), (Edit("arrow", 0, positions=(5,), keys=(2,)),)]
    alone = [record(model, edits).logits for edits in sets]
    wrong: list[int] = []

    def visit(number):
        for _ in range(12):
            if not torch.equal(record(model, sets[number]).logits, alone[number]):
                wrong.append(number)

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(len(sets))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_model_that_runs_one_layer_again_and_again(tiny):
    """Guards against an edit of ALBERT's only module in all its layers: layer 1 alone is taken out."""
    model = tiny("albert")
    plain = record(model).hidden_states
    edited = record(model, [Edit("layer", 1)]).hidden_states
    assert torch.equal(edited[1], plain[1]) and torch.equal(edited[2], plain[1])


def test_contributions_and_lens_of_an_edited_recording(tiny):
    """Guards against views that show the unedited model: a head taken out adds nothing, a layer leaves its state."""
    model = tiny("llama")
    assert record(model, [Edit("head", 1, (2,))]).contributions().heads[1, 2] == 0
    lens = record(model, [Edit("layer", 1)]).lens()
    assert (lens.ids[-1] == lens.ids[lens.states.index("0")]).all() and lens.error <= 1e-5


BAD = [
    ({"part": "nose", "layer": 0}, "is one of"),
    ({"part": "head", "layer": 9}, "no layer 9"),
    ({"part": "mlp", "layer": 2}, "count from 0 to 1"),
    ({"part": "head", "layer": 0, "which": [4]}, "Heads count from 0 to 3"),
    ({"part": "head", "layer": 0, "which": [True]}, "whole numbers"),
    ({"part": "head", "layer": 0, "which": "01"}, "list"),
    ({"part": "neuron", "layer": 0, "which": [48]}, "count from 0 to 47"),
    ({"part": "neuron", "layer": 0}, "names none"),
    ({"part": "head", "layer": -1}, "whole number"),
    ({"part": "head", "layer": 0, "kind": "cross"}, "no 'cross' attention"),
    ({"part": "state", "layer": 0, "kind": "encoder"}, "no 'encoder' states"),
    ({"part": "state", "layer": 0, "kind": "cross"}, "no kind of attention"),
    ({"part": "head", "layer": 0, "strength": float("nan")}, "no finite"),
    ({"part": "head", "layer": 0, "strength": 1e10}, "At most"),
    ({"part": "head", "layer": 0, "positions": [12]}, "the text has 12"),
    ({"part": "head", "layer": 0, "how": "text"}, "ids"),
    ({"part": "head", "layer": 0, "how": "text", "text": [999]}, "embedding matrix"),
    ({"part": "mlp", "layer": 0, "how": "add", "direction": [1.0] * 32}, "added to a state"),
    ({"part": "state", "layer": 0, "how": "add", "direction": [1.0] * 31}, "has 32"),
    ({"part": "state", "layer": 0, "how": "add", "direction": [0.0] * 32}, "zero everywhere"),
    ({"part": "arrow", "layer": 0}, "keys"),
    ({"part": "head", "layer": 0, "code": "import os"}, "An edit has"),
    ({"layer": 0}, "An edit has"),
    ("head 3", "An edit has"),
]


@pytest.mark.parametrize(("values", "words"), BAD)
def test_bad_edits(tiny, values, words):
    """Guards against Python errors, and against an edit that is silently another one."""
    with pytest.raises(PlaygroundError, match=words):
        record(tiny("llama"), [values])


def test_an_edit_as_plain_values():
    """Guards the way over HTTP and back, and the key of a cache: the same values are the same edit."""
    edit = Edit("head", 3, [5, 6], positions=range(2), how="text", text=[1, 2])
    assert Edit.of(json.loads(json.dumps(edit.plain()))) == edit and hash(edit) == hash(Edit.of(edit.plain()))
    assert Edit("mlp", 3).plain() == {"part": "mlp", "layer": 3}
    with pytest.raises(PlaygroundError, match="at most"):
        edits_of([edit] * (MOST_EDITS + 1))
    with pytest.raises(PlaygroundError, match="list"):
        edits_of("head")


def test_limits(tiny):
    """Guards one token, a mean of it, everything taken out, and a strength that leaves no numbers: told, not shown."""
    model = tiny("llama")
    with pytest.raises(PlaygroundError, match="no other tokens"):
        record(model, [Edit("mlp", 0, how="mean")], text="a")
    assert record(model, [Edit("mlp", 0)], text="a").length == 1
    with pytest.raises(PlaygroundError, match="names token 99"):
        edits = [Edit("mlp", 0, positions=(99,))]
        list(pg.generate(model, "abc", pg.GenerationSettings(beams=2, max_new_tokens=4), edits=edits))
    huge = Edit("state", 0, how="add", strength=1e9, direction=[1.0] * 32)
    assert torch.isfinite(record(model, [huge]).logits).all()
    more = [huge] * 6
    recording = record(model, more)
    if recording.has_invalid_outputs():
        with pytest.raises(PlaygroundError, match="NaN"):
            recording.lens()


def test_an_edit_that_no_part_adds_is_the_reason(tiny):
    """Guards against advice that does not help: of a layer whose state is edited the parts no longer add up, in float32
    neither."""
    edited = record(tiny("llama"), [Edit("layer", 1, how="mean")])
    with pytest.raises(PlaygroundError, match="is off by") as refused:
        edited.contributions()
    assert "put it back" in refused.value.remedy and "float32" not in refused.value.remedy
