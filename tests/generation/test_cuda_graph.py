"""Reading a token over a cache of fixed length, as a GPU's graph does it. Nothing is captured here, where no GPU is: the
same step is run as it is, and searched for what no graph could hold."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import playground as pg
from playground.errors import PlaygroundError
from playground.generation.cuda_graph import CudaGraphDecoder
from playground.generation.graph_capture import cache_lengths, compare_with_eager
from playground.generation.kv_cache import PrefixCaches
from playground.models.families import cache_argument
from tests.tools import zoo

PROMPT = "abcdefgh"
WINDOWED = {"mistral", "gemma2", "gemma3_text", "gpt_oss", "starcoder2"}
"""Families whose tiny models have a sliding window."""
ASKING = {"mixtral", "deepseek_v2", "deepseek_v3", "mpt"}
"""Families that can't be captured: which experts are asked, and MPT's mask, are looked up at every step."""
DECODERS = [
    family
    for family in zoo.FAMILIES
    if family not in zoo.MASKED
    and family not in ("t5", "mt5", "bart", "marian", "mbart", "pegasus", "xlnet", "openai-gpt")
]


def step_of(model, length=32) -> CudaGraphDecoder:
    with torch.inference_mode():
        return CudaGraphDecoder(model, length)


@pytest.fixture
def with_step(tiny):
    """`with_step(family, *lengths)` -> the family's model with a step for each length; taken off again after the test."""
    models = []

    def give(family, *lengths):
        model = tiny(family)
        model.graphs = tuple(step_of(model, length) for length in lengths or (32,))
        models.append(model)
        return model

    yield give
    for model in models:
        model.graphs = ()


@pytest.mark.slow
@pytest.mark.parametrize("family", DECODERS)
def test_a_fixed_cache_gives_the_same_logits(family, tiny):
    """Guards against a step that is used for a family that it is wrong for: its logits are the model's, or it is refused
    (GPT-Neo's local layers look further back over a cache of fixed length)."""
    if family in WINDOWED:
        with pytest.raises(PlaygroundError, match="sliding window"):
            step_of(tiny(family))
    elif family == "gpt_neo":
        with pytest.raises(PlaygroundError, match="off by"):
            compare_with_eager(tiny(family), step_of(tiny(family)))
    else:
        difference, _ = compare_with_eager(tiny(family), step_of(tiny(family)))
        assert difference < 1e-5


@pytest.mark.parametrize("family", ["t5", "openai-gpt"])
def test_others_are_refused(family, tiny):
    """Guards against a text that an encoder read, or no cache at all, taken for a decoder's."""
    with pytest.raises(PlaygroundError, match="Only decoders"):
        step_of(tiny(family))


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "gpt2", "bloom", "gptj", "opt"])
@pytest.mark.parametrize("lengths, count", [((32,), 11), ((14,), 6), ((14, 32), 11)])
def test_the_same_text_is_written(family, lengths, count, with_step, tiny, monkeypatch):
    """Guards against another text, a token read twice or not at all where a cache is taken over or left: 8 tokens are read
    and 12 written, of which a cache of 14 holds only a part: a longer one goes on, or the usual way."""
    read = []
    plain = CudaGraphDecoder.read
    monkeypatch.setattr(CudaGraphDecoder, "read", lambda self, token: read.append(1) or plain(self, token))
    settings = pg.GenerationSettings(max_new_tokens=12, greedy=True)
    expected = [s.token.id for s in pg.generate(tiny(family), PROMPT, settings)]
    assert not read
    model, prefixes = with_step(family, *lengths), PrefixCaches(2**24)
    steps = list(pg.generate(model, PROMPT, settings, prefixes=prefixes))
    assert [s.token.id for s in steps] == expected and len(read) == count
    assert not any(graph._lock.locked() for graph in model.graphs), "the next visitor could not take it"
    ids = model.vocabulary.tokenize(PROMPT)[0]
    assert prefixes.find(model, (), [*ids, *expected])[0] == len(ids) + 11, "what was read is kept for a branch"
    branch = pg.generate(model, ids, settings, begun=expected[:4], prefixes=prefixes)
    assert [s.token.id for s in branch][:8] == expected[4:]


def test_one_at_a_time(with_step, tiny):
    """Guards against two texts in one cache, and a step that stays taken after Stop: the second visitor reads the usual way,
    whoever leaves gives it back."""
    settings = pg.GenerationSettings(max_new_tokens=6, greedy=True)
    expected = [[s.token.id for s in pg.generate(tiny("llama"), text, settings)] for text in ("abc", "xyz")]
    model = with_step("llama")
    first, second = (pg.generate(model, text, settings) for text in ("abc", "xyz"))
    pairs = list(zip(first, second, strict=True))
    assert [[s.token.id for s in steps] for steps in zip(*pairs, strict=True)] == expected
    stopped = pg.generate(model, "abc", settings)
    next(stopped), next(stopped)
    assert model.graphs[0]._lock.locked()
    stopped.close()
    assert not model.graphs[0]._lock.locked()


def test_several_samples_do_not_take_it(with_step):
    """Guards against rows that share a cache of one row."""
    model = with_step("llama")
    settings = pg.GenerationSettings(max_new_tokens=4, samples=3, seed=1)
    assert len(list(pg.generate(model, "abc", settings))) == 12 and not model.graphs[0]._lock.locked()


class Asking(TorchDispatchMode):
    """Notes what asks for a tensor's numbers, or copies between devices: no graph can replay that."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = str(func)
        if any(part in name for part in ("_local_scalar_dense", "nonzero", "masked_select", "unique", "aten.equal")):
            self.heard.append(name)
        return func(*args, **(kwargs or {}))


@pytest.mark.slow
@pytest.mark.parametrize("family", [family for family in DECODERS if family not in WINDOWED | ASKING])
def test_a_graph_could_hold_it(family, tiny):
    """Guards against a step whose course depends on a number that the processor has to be told."""
    step, asking = step_of(tiny(family)), Asking()
    with torch.inference_mode(), asking:
        step._forward()
    assert asking.heard == []
    with asking:
        bool(torch.ones(1))
    assert asking.heard == ["aten._local_scalar_dense.default"], "the test hears what it listens for"


def test_how_long_a_cache_is_made(tiny, smollm2):
    """Guards against a cache larger than 512 MiB: SmolLM2 keeps 45 KiB a token, so 11,650 would fit."""
    assert cache_lengths(smollm2, 4096) == (256, 1024, 4096)
    assert cache_lengths(smollm2, 100_000) == (256, 1024, 2**29 // 46_080)
    assert cache_lengths(smollm2, 100) == (100,) and cache_lengths(smollm2, 63) == ()
    assert cache_argument(tiny("openai-gpt").model) is None


def test_a_copy_that_fails_gives_the_step_back(with_step, tiny, monkeypatch):
    """Guards against a step that stays taken for ever because a GPU had no memory left for one visitor's copy: the next
    visitor takes it, whether the copying in or out failed."""
    model = with_step("llama")
    settings = pg.GenerationSettings(max_new_tokens=6, greedy=True)
    expected = [s.token.id for s in pg.generate(tiny("llama"), PROMPT, settings)]

    def fails(*_, **__):
        raise torch.OutOfMemoryError("no memory left")

    with monkeypatch.context() as patched:
        steps = pg.generate(model, PROMPT, settings)
        next(steps), next(steps)
        assert model.graphs[0]._lock.locked()
        patched.setattr(torch.Tensor, "clone", fails)
        with pytest.raises(torch.OutOfMemoryError):
            steps.close()
    assert not model.graphs[0]._lock.locked()
    with monkeypatch.context() as patched:
        patched.setattr(torch.Tensor, "fill_", fails)
        with pytest.raises(torch.OutOfMemoryError):
            list(pg.generate(model, PROMPT, settings))
    assert not model.graphs[0]._lock.locked()
    assert [s.token.id for s in pg.generate(model, PROMPT, settings)] == expected
