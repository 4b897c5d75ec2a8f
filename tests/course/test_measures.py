"""What lessons ask a model, against transformers' own outputs and against numbers worked out by hand."""

from functools import cache

import pytest
import torch

import playground as pg
from playground.course.lesson import Choice, Question, Step
from playground.course.lesson_model import LessonModel
from playground.course.measured import SHARE
from playground.course.measures import MEASURES
from playground.course.verdict import judge
from playground.errors import PlaygroundError

TEXT = "abcabca"


@pytest.fixture
def loaded(tiny) -> LessonModel:
    """A random Llama that reads bytes, with what it recorded; it has no run of Train."""
    model, kept = tiny("llama"), {}

    def keep(key, make):
        if key not in kept:
            kept[key] = make()
        return kept[key]

    return LessonModel(model, cache(lambda text: pg.record(model, text)), lambda lesson: (), keep)


def ask(loaded: LessonModel, name: str, **arguments):
    return MEASURES[name].function(loaded, **arguments)


@torch.inference_mode()
def own(loaded: LessonModel):
    """The logits of the last token (V,), and the weights (L, H, Q, K), of the model itself."""
    ids = torch.tensor([[token.id for token in loaded.recording(TEXT).tokens]])
    model = loaded.model.model
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        out = model(ids, output_attentions=True)
    finally:
        model.set_attn_implementation(before)
    return out.logits[0, -1], torch.stack([layer[0] for layer in out.attentions])


def test_next_tokens_against_the_model(loaded):
    """Guards against another temperature, an off-by-one rank, and a count of tokens that stops one too early."""
    logits, _ = own(loaded)
    token = loaded.recording("b").tokens[-1].id
    shares = (logits / 0.5).softmax(0)
    assert ask(loaded, "probability", text=TEXT, token="b", temperature=0.5).value == pytest.approx(
        float(shares[token]), rel=1e-4
    )
    assert ask(loaded, "rank", text=TEXT, token="b").value == logits.argsort(descending=True).tolist().index(token) + 1
    count = ask(loaded, "tokens_within", text=TEXT, share=0.5).value
    largest = logits.softmax(0).sort(descending=True).values
    assert largest[: int(count)].sum() >= 0.5 > largest[: int(count) - 1].sum()


def test_attention_against_the_model(loaded):
    """Guards against another head's row, a row that is read as a column, and tokens that the row can't see."""
    _, weights = own(loaded)
    row = weights[1, 2, 6]  # the last "a"
    seen = ask(loaded, "looks_at", text=TEXT, looks="a", layer=1, head=2)
    assert list(seen.values) == pytest.approx(row.tolist(), abs=1e-5) and seen.value == pytest.approx(float(row.max()))
    at_c = ask(loaded, "weight", text=TEXT, looks="a", at="c", layer=1, head=2).value
    assert at_c == pytest.approx(float(row[5]), abs=1e-5)
    first = ask(loaded, "first_token_share", text=TEXT).value
    assert first == pytest.approx(float(weights[:, :, 1:, 0].mean()), abs=1e-5)
    heads = ask(loaded, "heads_between", text=TEXT, looks="a", at="c").weights
    assert heads[1, 2] == pytest.approx(float(row[5]), abs=1e-5) and len(heads) == weights.shape[0] * weights.shape[1]
    with pytest.raises(PlaygroundError, match="no token “z”"):
        ask(loaded, "weight", text=TEXT, looks="z", at="c", layer=1, head=2)


def test_layers_against_the_model(loaded):
    """Guards against a lens that ends elsewhere than the model, and a head that is not taken out: without all of a layer's
    parts the last state changes, with the lens's last rank the model's own."""
    logits, _ = own(loaded)
    layers = len(loaded.recording(TEXT).layer_numbers())
    rank = ask(loaded, "rank_after", text=TEXT, token="b", layer=layers - 1).value
    assert rank == ask(loaded, "rank", text=TEXT, token="b").value
    token = loaded.recording("b").tokens[-1].id
    change = ask(loaded, "logit_change_without", text=TEXT, token="b", part="0.1")
    edited = loaded.recording(TEXT).with_edits([pg.Edit("head", 0, (1,))]).last_logits
    assert change.value == pytest.approx(float(edited[token] - logits[token]), abs=1e-5) and change.value != 0
    parts = sum(
        ask(loaded, "adds", text=TEXT, token="b", part=part).value for part in ("attention", "mlps", "embedding")
    )
    assert parts == pytest.approx(float(logits[token]), abs=1e-4)


def step(kind: str, *choices: Choice, tolerance: float = 0.0) -> Step:
    arguments = {"text": TEXT, "token": "b"}
    return Step("", Question("?", kind, choices, tolerance), "probability", arguments, "{value}")


def test_verdicts_by_hand(loaded):
    """Guards against a tolerance that is taken in the wrong unit, a choice at the edge of its range, and a largest choice
    that is not the largest."""
    share = ask(loaded, "probability", text=TEXT, token="b").value
    near, far = 100 * share + 4.9, 100 * share + 5.1
    assert (
        judge(loaded, step("number", tolerance=5.0), near).right
        and not judge(loaded, step("number", tolerance=5.0), far).right
    )
    below, above = Choice("below", below=share), Choice("above", least=share)
    assert judge(loaded, step("choice", below, above), 1.0).right
    assert "“above”" in judge(loaded, step("choice", below, above), 0.0).compared
    letters = [Choice(letter, {"token": letter}) for letter in "xyz"]
    values = [ask(loaded, "probability", text=TEXT, token=letter).value for letter in "xyz"]
    verdicts = [judge(loaded, step("choice", *letters), float(number)) for number in range(3)]
    assert [verdict.right for verdict in verdicts] == [value == max(values) for value in values]
    assert list(verdicts[0].values) == [SHARE.write(value) for value in values]
