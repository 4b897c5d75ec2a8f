"""Broken orders and positions: by hand, against plain passes of the models, and as properties that must hold."""

import copy
import math
import threading

import numpy as np
import pytest
import torch

import playground as pg
from playground.analysis.generation.next_token import token_scores
from playground.analysis.positions import perturbation_effects as effects
from playground.analysis.positions import perturbations
from playground.errors import PlaygroundError
from playground.figures.generation.sentences import score_sentence
from playground.figures.positions import perturbation_report
from playground.generation.token_entries import prompt_entries, score_of
from playground.loading import prepare
from playground.positions.perturbations import PerturbationSettings, experiment
from playground.positions.position_override import override_of, override_positions
from playground.positions.rope_base import with_rope_base
from playground.positions.variants import variants
from tests.tools import every_family, zoo

TEXT = "The cat sat on the mat."
SHIFT = PerturbationSettings(shift=7)


def broken(model, text=TEXT, settings=SHIFT, target=None):
    if model.model.config.is_encoder_decoder and target is None:
        target = "ab cd"
    return experiment(pg.record(model, text, target), settings)


def plain_pass(model, order_, positions=None, **more):
    """Logits of a pass that knows nothing of our code: ids in an order, with transformers' own position_ids."""
    ids = torch.tensor([[model.vocabulary.tokenize(TEXT)[0][i] for i in order_]])
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **more}
    if positions is not None:
        given["position_ids"] = torch.tensor([positions])
    with torch.inference_mode():
        return model.model(**given).logits[0]


# --- orders by hand ------------------------------------------------------------------------------------------------


def test_orders_by_hand():
    """Guards against positions told to the token instead of to the place, and off-by-one at the trained length."""
    assert perturbations.swapped(4, 1, 3).order == (0, 3, 2, 1)
    assert perturbations.shifted(3, 5).positions == (5, 6, 7)
    assert perturbations.equal(3).positions == (0, 0, 0) and perturbations.backwards(3).positions == (2, 1, 0)
    assert perturbations.beyond(5, 100).positions == (0, 1, 2, 100, 101)
    moved = perturbations.Variant("", "", (2, 0, 1), (0, 1, 2))
    assert moved.places == [1, 2, 0]  # token 0 stands at place 1


def test_shuffling_moves_whole_words_and_leaves_special_tokens():
    """Guards against words torn into pieces, a [CLS] in the middle, another order at each call, and no order at all."""
    units, movable = [[0], [1, 2], [3], [4], [5]], [False, True, True, True, False]
    found = perturbations.shuffled(units, movable, seed=3)
    assert found.order[0] == 0 and found.order[-1] == 5 and sorted(found.order) == list(range(6))
    assert found.order.index(2) == found.order.index(1) + 1
    assert found.order == perturbations.shuffled(units, movable, seed=3).order != tuple(range(6))
    for seed in range(20):
        assert perturbations.shuffled([[0], [1]], [True, True], seed).order == (1, 0)
    assert perturbations.shuffled([[0]], [True]).order == (0,)


def test_words_of_a_text():
    """Guards against Chinese as one single word, and against characters torn into bytes."""
    assert perturbations.word_units([1, 0, 1, 0, 1], [True] * 5, [0] * 5) == [[0, 1], [2, 3], [4]]
    assert perturbations.word_units([1, 0, 0, 0], [True] * 4, [0, 1, 0, 0]) == [[0, 1], [2], [3]]
    assert perturbations.word_units([1, 0, 0], [False, True, True], [0] * 3) == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("make", "numbers"),
    [
        (lambda: perturbations.swapped(3, 0, 3), ("3", "0 to 2")),
        (lambda: perturbations.shifted(3, -1), ("-1", "1,000,000")),
        (lambda: perturbations.shifted(3, 10**7), ("10,000,000", "1,000,000")),
        (lambda: perturbations.with_rope_base(3, 0), ("0", "1e-06")),
        (lambda: perturbations.with_rope_base(3, math.nan), ("nan",)),
        (lambda: perturbations.shuffled([[0]], [True], -1), ("-1",)),
    ],
)
def test_orders_refuse_with_numbers(make, numbers):
    """Guards against a base of 0, and tokens that there are not."""
    with pytest.raises(PlaygroundError) as error:
        make()
    assert all(number in str(error.value) for number in numbers)


# --- comparing by hand ---------------------------------------------------------------------------------------------


def test_divergence_and_loss_by_hand():
    """Guards against nats for bits, KL the wrong way round, and losses read from the wrong row."""
    before = torch.log(torch.tensor([[0.5, 0.5], [0.5, 0.5], [0.25, 0.75]]))
    after = torch.log(torch.tensor([[0.25, 0.75], [0.5, 0.5], [0.25, 0.75]]))
    found = effects.compare_logits(before, after, [0, 1, 0], [0, 1, 2], count=1)
    np.testing.assert_allclose(found.divergence, [0.5 - 0.5 * np.log2(1.5), 0, 0], atol=1e-6)
    np.testing.assert_allclose(found.loss_before, [np.nan, 1, 1], atol=1e-6)
    np.testing.assert_allclose(found.loss_after, [np.nan, -np.log2(0.75), 1], atol=1e-6)
    np.testing.assert_allclose(found.mean_loss, (-np.log2(0.75) - 1) / 2, atol=1e-6)
    np.testing.assert_allclose(found.largest, np.log(2), atol=1e-6)
    assert found.top_after[2, 0] == 1 and found.top_p_after[2, 0] == pytest.approx(0.75)


def test_a_token_is_compared_with_itself_in_its_new_place():
    """Guards against comparing places instead of tokens: swapped rows of swapped tokens are no change, and a token that
    now stands first is predicted by nothing."""
    logits = torch.randn(3, 5)
    found = effects.compare_logits(logits, logits[[2, 1, 0]], [4, 3, 2], [2, 1, 0], ahead=0)
    assert found.divergence.max() == 0 and found.mean_loss == 0
    moved = effects.compare_logits(logits, logits, [4, 3, 2], [1, 0, 2], ahead=1)
    assert np.isnan(moved.loss_before[0]) and np.isnan(moved.loss_after[1]) and np.isfinite(moved.loss_after[0])
    one = effects.compare_logits(logits[:1], logits[:1], [4], [0])
    assert np.isnan(one.mean_loss) and one.divergence.tolist() == [0]


def test_impossible_tokens_do_not_spoil_the_sum():
    """Guards against NaN from 0·(-inf - -inf) where a vocabulary has masked entries."""
    logits = torch.tensor([[0.0, 1.0, -math.inf]])
    assert effects.compare_logits(logits, logits + 1, [0], [0]).divergence.tolist() == [0]


def test_states_and_attention_by_hand():
    """Guards against weights compared pair by pair in two different orders."""
    turned, most = effects.compare_states(torch.eye(2), torch.tensor([[0.0, 1], [0, 1]]), [0, 1])
    assert turned.tolist() == [1, 0] and most == 1
    weights = torch.tensor([[1.0, 0, 0], [0.2, 0.8, 0], [0.5, 0.3, 0.2]])
    np.testing.assert_allclose(effects.realign(weights, [2, 1, 0])[0], [0.2, 0.3, 0.5])
    np.testing.assert_allclose(effects.attention_shift([[1, 0], [0.5, 0.5]], [[0, 1], [0.5, 0.5]]), [1, 0])


# --- against plain passes of the models ----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "gpt2", "bert", "opt", "gpt_neox", "gemma3_text", "falcon"])
def test_variants_are_what_transformers_computes(family, tiny):
    """Guards against rows of a batch that see each other's positions, and masks that change with positions: the same
    numbers as one plain pass each, with transformers' own position_ids."""
    model = tiny(family)
    found = broken(model)
    count = len(found.tokens)
    ahead = 0 if family == "bert" else 1
    ids = [token.id for token in found.tokens]
    before = plain_pass(model, range(count))
    for outcome in found.outcomes:
        if outcome.missing or outcome.variant.name == "base":
            continue
        after = plain_pass(model, outcome.variant.order, outcome.variant.positions)
        expected = effects.compare_logits(before, after, ids, outcome.variant.places, ahead)
        np.testing.assert_allclose(outcome.change.loss_after, expected.loss_after, atol=2e-4)
        np.testing.assert_allclose(outcome.change.divergence, expected.divergence, atol=2e-4)
    if ahead:
        p, _ = token_scores(before[:-1], ids[1:])
        np.testing.assert_allclose(found.outcomes[0].change.loss_before[1:], -np.log2(p), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "gpt_neox", "gemma3_text", "t5", "bloom"])
def test_the_heads_weights_are_the_models(family, tiny):
    """Guards against the weights of another row, layer or head of the batch, on the interface and off it."""
    model, settings = tiny(family), PerturbationSettings(layer=1, head=2, first=0, second=3)
    found = broken(model, settings=settings)
    recording = pg.record(
        model, TEXT, found.predicted_tokens and "ab cd" if model.model.config.is_encoder_decoder else None
    )
    np.testing.assert_allclose(found.attention, recording.attention(1).head(2), atol=1e-5)
    swapped = found.outcome("swapped")
    ids = torch.tensor([[found.tokens[i].id for i in swapped.variant.order]])
    eager = prepare(zoo.build(family), zoo.byte_tokenizer(), family).model
    eager.set_attn_implementation("eager")
    more = {"decoder_input_ids": ids[:, :1]} if model.model.config.is_encoder_decoder else {}
    with torch.inference_mode():
        outputs = eager(input_ids=ids, output_attentions=True, **more)
    weights = (outputs.get("encoder_attentions") or outputs["attentions"])[1][0, 2]
    np.testing.assert_allclose(swapped.attention, weights[swapped.variant.places][:, swapped.variant.places], atol=1e-5)
    assert swapped.attention_shift.max() > 0.01


def test_another_base_is_the_model_made_with_it(tiny):
    """Guards against a base that is scaled twice, or only in one kind of layer (Gemma 3): the same numbers as a model
    whose configuration says so."""
    for family in ("llama", "gemma3_text", "gpt_oss"):
        model = tiny(family)
        outcome = broken(model, settings=PerturbationSettings(base_factor=0.01)).outcome("base")
        config = copy.deepcopy(model.model.config)
        rope = config.rope_parameters
        for kind in [value for value in rope.values() if isinstance(value, dict)] or [rope]:
            kind["rope_theta"] *= 0.01
        other = type(model.model)(config).eval()
        other.load_state_dict(model.model.state_dict())
        ids = torch.tensor([model.vocabulary.tokenize(TEXT)[0]])
        with torch.inference_mode():
            after = other(input_ids=ids).logits[0]
        expected = effects.compare_logits(
            plain_pass(model, range(ids.shape[1])), after, ids[0].tolist(), outcome.variant.places
        )
        np.testing.assert_allclose(outcome.change.divergence, expected.divergence, atol=2e-4)
        assert outcome.largest > 1e-3


def test_reversed_buckets_are_the_table_with_its_directions_exchanged(tiny):
    """Guards against T5's distances with the wrong sign: positions reversed are keys before and after exchanged."""
    model = tiny("t5")
    outcome = broken(model).outcome("reversed")
    other = copy.deepcopy(model.model)
    table = other.encoder.block[0].layer[0].SelfAttention.relative_attention_bias.weight
    with torch.no_grad():
        table[1:16], table[17:32] = table[17:32].clone(), table[1:16].clone()
    recording = pg.record(model, TEXT, "ab cd")
    ids = torch.tensor([[token.id for token in recording.tokens]])
    target = torch.tensor([[token.id for token in recording.target_tokens]])
    with torch.inference_mode():
        after = other(input_ids=ids, decoder_input_ids=target).logits[0]
    expected = effects.compare_logits(recording.logits, after, target[0].tolist(), range(target.shape[1]))
    np.testing.assert_allclose(outcome.change.divergence, expected.divergence, atol=1e-4)
    assert outcome.largest > 1e-3


def test_reversed_table_is_the_table_upside_down(tiny):
    """Guards against rows of the decoder's table in the encoder, and against the offset of BART's."""
    for family in ("marian", "bart"):
        model = tiny(family)
        outcome = broken(model).outcome("reversed")
        recording = pg.record(model, TEXT, "ab cd")
        count, other = len(recording.tokens), copy.deepcopy(model.model)
        table = other.get_encoder().embed_positions
        first = 2 if family == "bart" else 0
        with torch.no_grad():
            table.weight[first : first + count] = table.weight[first : first + count].flip(0).clone()
        ids = torch.tensor([[token.id for token in recording.tokens]])
        target = torch.tensor([[token.id for token in recording.target_tokens]])
        with torch.inference_mode():
            after = other(input_ids=ids, decoder_input_ids=target).logits[0]
        expected = effects.compare_logits(recording.logits, after, target[0].tolist(), range(target.shape[1]))
        np.testing.assert_allclose(outcome.change.divergence, expected.divergence, atol=1e-4)
        assert outcome.largest > 1e-3


def test_equal_positions_are_alibi_without_slopes(tiny, monkeypatch):
    """Guards against penalties changed in a copy that nobody reads: the same numbers as with slopes of 0."""
    from transformers.models.bloom import modeling_bloom

    model = tiny("bloom")
    outcome = broken(model).outcome("equal")
    before = plain_pass(model, range(len(outcome.variant.order)))
    monkeypatch.setattr(modeling_bloom, "_get_alibi_slopes", lambda heads, device: torch.zeros(heads, device=device))
    after = plain_pass(model, range(len(outcome.variant.order)))
    ids = model.vocabulary.tokenize(TEXT)[0]
    expected = effects.compare_logits(before, after, ids, outcome.variant.places)
    np.testing.assert_allclose(outcome.change.divergence, expected.divergence, atol=1e-4)
    assert outcome.largest > 1e-3


# --- properties ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("family", [*zoo.FAMILIES])
def test_what_a_shift_does_follows_from_the_scheme(family, tiny):
    """Guards the page's own statement: a shift by k leaves rotary, ALiBi and relative models unchanged up to rounding, and
    changes those that add a vector for each position."""
    model = tiny(family)
    outcome = broken(model).outcome("shifted")
    if outcome.missing:
        assert model.anatomy.position_scheme == "disentangled", outcome.missing
    elif model.anatomy.position_scheme in ("rotary", "alibi", "relative"):
        assert outcome.largest < 1e-3, outcome.largest
    else:
        assert outcome.largest > 1e-2, outcome.largest


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "roberta", "mpnet", "albert", "t5", "bart", "marian"])
def test_without_positions_an_encoder_does_not_see_order(family, tiny):
    """Guards the statement that an encoder without positions is permutation-equivariant, and thereby that equal positions
    leave no way by which order comes in; with them it sees order."""
    found = broken(tiny(family))
    assert found.equivariance < 1e-4
    assert found.outcome("shuffled").largest > 1e-2


def test_real_models_keep_the_properties(smollm2, minilm):
    """Guards the same on real weights: SmolLM2 (rotary) and MiniLM (learned, without a head)."""
    text = "The animal didn't cross the street because it was too tired."
    rotary, learned = (
        broken(smollm2, text, PerturbationSettings(shift=1000)),
        broken(minilm, text, PerturbationSettings(shift=100)),
    )
    assert rotary.outcome("shifted").largest < 1e-2 and rotary.equivariance is None
    assert rotary.outcome("shuffled").change.mean_loss > 2 and rotary.outcome("equal").change.mean_loss > 0.1
    assert learned.outcome("shifted").largest > 0.1 and learned.equivariance < 1e-4
    assert learned.outcome("shuffled").change is None and learned.outcome("shuffled").cosine_change.max() > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("family", [*zoo.FAMILIES])
def test_every_family_has_a_way_or_a_reason(family, tiny):
    """Guards against a way that is believed without being tried, and the page's count of what can be broken."""
    override = override_of(tiny(family))
    assert bool(override) == (family not in ("deberta-v2", "xlnet"))
    assert override or len(override.reason) > 20
    rotary = tiny(family).anatomy.position_scheme == "rotary" and family not in ("gptj", "codegen")
    assert bool(override.base_refusal) != rotary


# --- bounds and neighbours -----------------------------------------------------------------------------------------


def test_a_shift_beyond_the_table(tiny):
    """Guards against an index error: refused with both numbers, or wrapped where asked, and then like position p mod n."""
    for family in ("gpt2", "opt", "bart", "roberta", "gptj"):
        model = tiny(family)
        rows = override_of(model).rows
        count = len(pg.record(model, TEXT, "a" if family == "bart" else None).tokens)
        found = broken(model, settings=PerturbationSettings(shift=rows)).outcome("shifted")
        assert f"position {rows + count - 1}" in found.missing and f"has {rows}" in found.missing
        assert broken(model, settings=PerturbationSettings(shift=rows, wrap=True)).outcome("shifted").largest < 1e-3
        assert not broken(model, settings=PerturbationSettings(shift=rows - count)).outcome("shifted").missing


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "gpt2", "bert", "bloom", "t5", "marian", "deberta-v2"])
@pytest.mark.parametrize("text", ["a", "ab", "中", "🙂"])
def test_the_shortest_texts(family, text, tiny):
    """Guards against a text of one token or of one character: every variant answers, and its order is no surprise."""
    found = broken(tiny(family), text)
    assert len(found.outcomes) == 7
    if len(found.tokens) == 1 and not found.outcome("swapped").missing:
        assert found.outcome("swapped").largest < 1e-4


def test_too_long_a_text(tiny, smollm2):
    """Guards against a batch of gigabytes."""
    with pytest.raises(PlaygroundError, match="601 tokens; at most 512"):
        broken(smollm2, "a" + " a" * 600)
    with pytest.raises(PlaygroundError, match="no layer 2"):
        broken(tiny("llama"), settings=PerturbationSettings(layer=2))
    with pytest.raises(PlaygroundError, match="no head 4"):
        broken(tiny("llama"), settings=PerturbationSettings(head=4))


@pytest.mark.parametrize(("family", "words"), [("llama", TEXT), ("llama", "abc " * 90), ("gpt2", TEXT), ("bert", TEXT)])
def test_an_experiment_costs_one_pass_a_variant(family, words, tiny, smollm2):
    """Guards against the text as it is read again, which was recorded already, short or long; encoders read two more rows,
    without positions."""
    model = tiny(family) if len(words) < 60 else smollm2
    recording, rows = pg.record(model, words), []
    override_of(model)
    handle = model.model.register_forward_pre_hook(
        lambda module, args, named: rows.append(named["input_ids"].shape), with_kwargs=True
    )
    found = experiment(recording, SHIFT)
    handle.remove()
    read = [
        row for row, tokens in rows for _ in range(row) if tokens > 1
    ]  # one token alone: the head of a long recording
    possible = sum(not outcome.missing for outcome in found.outcomes)
    assert len(read) == possible + (2 if family == "bert" else 0)
    assert len(rows) <= 4 or len(words) > 300, "batched where they fit"


def test_what_all_variants_share_is_computed_once():
    """Guards against other numbers than those of each comparison by itself, which log_softmax gives."""
    before, after = torch.randn(40, 50) * 5, torch.randn(40, 50) * 5
    ids, places = torch.randint(0, 50, (40,)).tolist(), torch.randperm(40).tolist()
    found = effects.BaselinePredictions(before, ids).compare(after, places)
    p, q = before.log_softmax(-1), after.log_softmax(-1)[places]
    np.testing.assert_allclose(found.divergence, ((p.exp() * (p - q)).sum(-1) / math.log(2)).numpy(), rtol=1e-4)
    assert found.largest == pytest.approx((p - q).abs().max().item(), rel=1e-5)
    rows = torch.tensor(places) - 1
    expected = [
        -after.log_softmax(-1)[row, i].item() / math.log(2) if row >= 0 else np.nan
        for row, i in zip(rows.tolist(), ids, strict=True)
    ]
    np.testing.assert_allclose(found.loss_after, expected, rtol=1e-4)
    np.testing.assert_allclose(found.top_p_before, p.exp().topk(3).values, rtol=1e-5)


def test_names_of_all_variants(tiny):
    """Guards against a variant that silently is not tried."""
    tokens = pg.record(tiny("llama"), TEXT).tokens
    names = [variant.name for variant, _ in variants(tiny("llama"), tokens, PerturbationSettings())]
    assert names == ["shuffled", "swapped", "shifted", "equal", "reversed", "base", "beyond"]


def test_others_notice_nothing(tiny):
    """Guards against one visitor's broken positions in another's pass: hooks act in their own thread and go away."""
    for family in ("llama", "bart", "t5", "bloom"):
        model = tiny(family)
        ids = torch.tensor([model.vocabulary.tokenize(TEXT)[0]])
        more = {"decoder_input_ids": ids[:, :2]} if model.model.config.is_encoder_decoder else {}
        before, seen = model.model(input_ids=ids, **more).logits, []

        def run(model=model, ids=ids, more=more, seen=seen):
            seen.append(model.model(input_ids=ids, **more).logits)

        positions, hooks = torch.zeros_like(ids), hooks_of(model)
        with (
            with_rope_base(model, 0.1 if family == "llama" else 1),
            override_positions(model, override_of(model), positions) as told,
        ):
            here = model.model(input_ids=ids, **more, **told).logits
            other = threading.Thread(target=run)
            other.start()
            other.join()
        assert not torch.allclose(here, before, atol=1e-3)
        assert torch.equal(seen[0], before) and torch.equal(model.model(input_ids=ids, **more).logits, before)
        assert hooks_of(model) == hooks


def hooks_of(model) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.model.modules())


def test_score_and_break_it_tell_one_loss(smollm2):
    """Guards against two losses of one text (5.86 and 6.30 bits): the text as it is has Score's, over the same tokens and in
    the same unit, whether or not a variant puts another token first; each side counts all that it predicts."""
    recording = pg.record(smollm2, "The cat sat on the mat because it was tired.")
    total = score_of(recording, prompt_entries(recording))
    for first in (0, 1):
        found = experiment(recording, PerturbationSettings(first=first))
        for outcome in found.outcomes:
            if outcome.change is not None:
                assert outcome.change.mean_before == pytest.approx(total.bits, rel=1e-5), outcome.variant.name
                assert np.isfinite(outcome.change.loss_after).sum() == total.predicted
        sentence = perturbation_report.sentence_of(found, found.outcome("swapped"))
        assert f"from {total.bits:.2f} bits to" in sentence and f"over {total.predicted} predicted" in sentence
    assert f"{total.bits:.2f} bits of surprisal each" in score_sentence(total)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["longt5", "gemma3n_text"])
def test_families_of_another_shape(family):
    """Guards against a decoder's head in the place of an encoder's whose attention is not recorded (LongT5), and several
    states of a token (Gemma 3n); each was an error in place of the view."""
    model = prepare(every_family.build(family), zoo.byte_tokenizer(), family)
    result = broken(model)
    assert (result.attention is None) == (family == "longt5")
    outcome = result.outcome("shuffled")
    assert outcome.change is not None and outcome.largest > 1e-3
    assert bool(result.override) == (family == "gemma3n_text")
