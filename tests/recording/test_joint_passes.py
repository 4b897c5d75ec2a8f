"""Several texts recorded in one pass: each with the numbers of a pass of its own, and with no bytes of the others."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import playground as pg
from playground.errors import PlaygroundError
from playground.loading import prepare
from playground.recording import record as record_module
from playground.recording.edits.edit import Edit
from playground.recording.edits.identities import NOTHING, identities_of
from playground.recording.inputs import inputs_of_text
from playground.recording.joint_passes import LONGEST, may_join, reads_jointly, record_jointly
from playground.recording.layers.push import keeps_every_bit
from playground.recording.shared_recording import MOST_TOKENS, SharedRecording
from tests.tools import zoo

TEXTS = "abc", "defghijk lmnopq", "rs", "tuv wxyz"
SLIDING = {"mistral": {"sliding_window": 4}, "gemma2": {"sliding_window": 4}}


def jointly(model, texts=TEXTS):
    return record_jointly(model, [inputs_of_text(model, text) for text in texts])


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "gpt2", "mistral", "gemma2", "gpt_oss", "mixtral", "deepseek_v2", "gptj"])
def test_each_text_has_the_numbers_of_a_pass_of_its_own(family):
    """Guards against tokens of padding, or another text's row, among the numbers of a text: grouped queries, learned and
    rotary positions, windows, sinks, experts, compressed keys."""
    model = prepare(zoo.variant(family, **SLIDING.get(family, {})), zoo.byte_tokenizer(), family)
    assert reads_jointly(model)
    for text, joined in zip(TEXTS, jointly(model), strict=True):
        alone = pg.record(model, text)
        assert (joined.tokens, joined.kinds, joined.in_company) == (alone.tokens, alone.kinds, True)
        torch.testing.assert_close(joined.logits, alone.logits, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(joined.hidden_states, alone.hidden_states, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(joined.kept_stream, alone.kept_stream, rtol=1e-4, atol=1e-5)
        for layer in alone.layer_numbers():
            one, other = joined.attention(layer), alone.attention(layer)
            torch.testing.assert_close(one.weights, other.weights, rtol=1e-4, atol=1e-5)
            assert (one.allowed is None) == (other.allowed is None)
            assert one.allowed is None or (one.allowed == other.allowed).all()
        assert joined.verify().passed, "weights·V is what the model used"
        assert joined.nbytes == alone.nbytes, "a view into the tensors of all texts keeps them all"


def test_what_further_passes_are_compared_with(tiny):
    """Guards against identities that fail by the last bits of a pass over other shapes: nothing taken out, or a push of
    strength 0, is compared with a pass over this text alone."""
    model = tiny("llama")
    joined = jointly(model)[1]
    assert torch.equal(joined.by_itself().logits, pg.record(model, TEXTS[1]).logits)
    assert joined.by_itself().by_itself() is not joined and not joined.by_itself().in_company
    edited = joined.with_edits([Edit("head", 0, (1,))])
    assert identities_of(joined, edited, 3).errors[NOTHING] == 0.0
    assert keeps_every_bit(joined, Edit("head", 0, (1,), strength=0.0))


def test_which_texts_may_be_read_beside_others(tiny):
    """Guards against padding that a model sees: an encoder, a long text whose company would wait, and a model of which the
    trial finds that a text changes with its company."""
    llama = tiny("llama")
    assert may_join(llama, inputs_of_text(llama, "a" * (LONGEST - 2)))
    assert not may_join(llama, inputs_of_text(llama, "a" * (LONGEST + 1)))
    for family in ("bert", "bart", "bloom"):
        assert not may_join(tiny(family), inputs_of_text(tiny(family), "abc"))
    mixing = prepare(zoo.build("llama"), zoo.byte_tokenizer(), "mixing")
    mixing.model.get_input_embeddings().register_forward_hook(
        lambda _, __, states: states + states.mean(0, keepdim=True)
    )
    assert not reads_jointly(mixing)


class Passes:
    """Counts the texts of each pass over a model."""

    def __init__(self, model):
        self.rows: list[int] = []
        self.hook = model.model.register_forward_pre_hook(
            lambda _, args, options: self.rows.append(options["input_ids"].shape[0]), with_kwargs=True
        )


@pytest.fixture
def counted(tiny):
    model = tiny("llama")
    assert reads_jointly(model), "the trial's own passes are not counted"
    passes = Passes(model)
    yield model, passes
    passes.hook.remove()


@pytest.mark.slow
def test_visitors_who_come_at_once_share_a_pass(counted, monkeypatch):
    """Guards against a class whose texts are read one by one, against passes of more tokens than their bound, and against an
    answer that goes to another visitor."""
    model, passes = counted
    shared, first = SharedRecording(pg.Settings()), threading.Event()
    own = record_module.record_inputs

    def slow(*arguments):
        first.wait(10)  # until all the others have come
        return own(*arguments)

    monkeypatch.setattr(record_module, "record_inputs", slow)
    texts = ["abcdefg" + "h" * (n % 3) + str(n) for n in range(40)]
    with ThreadPoolExecutor(40) as pool:
        results = [pool.submit(shared.record, model, text) for text in texts]
        threading.Timer(1.0, first.set).start()
        recordings = [result.result(30) for result in results]
    assert ["".join(token.text for token in recording.tokens) for recording in recordings] == texts
    assert sum(passes.rows) == 40 and len(passes.rows) < 12
    assert max(passes.rows) * 16 <= MOST_TOKENS


def test_a_text_that_fails_ends_no_other(counted, monkeypatch):
    """Guards against one visitor's error as the answer to all of a pass, and against a pass that fails without a second
    way: then each text is read by itself."""
    model, passes = counted

    def fails(*arguments):
        raise RuntimeError("of this pass")

    monkeypatch.setattr("playground.recording.joint_passes.record_jointly", fails)
    shared = SharedRecording(pg.Settings())
    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(shared.record, model, "abc" + "d" * n if n % 4 else "") for n in range(8)]
    assert [isinstance(result.exception(), PlaygroundError) for result in results] == [n % 4 == 0 for n in range(8)]
    assert passes.rows == [1] * 6
