"""The next tokens of several texts in one pass are those of each text alone, for every family that says so."""

import gc
import weakref

import pytest
import torch

from playground.generation import batched_steps, joined_attention
from playground.generation.batch_trial import may_batch_prompts, why_unbatched
from playground.generation.batched_steps import batched_step
from playground.generation.decoder import IncrementalDecoder
from playground.generation.joined_attention import JoinedCaches
from playground.generation.kv_cache import PrefixCaches, cropped
from playground.loading import prepare
from playground.models.devices import DtypeChoice
from playground.texts import generate as texts
from tests.tools import zoo

ENCODERS = ("bart", "marian", "mbart", "pegasus", "t5", "mt5")
BATCHED = sorted(zoo.ON_INTERFACE.keys() - zoo.MASKED - {*ENCODERS, "deepseek_v2", "deepseek_v3"})
WINDOWED = {"mistral", "starcoder2"} | {
    family for family in BATCHED if "sliding" in str(getattr(zoo.build(family).config, "layer_types", ""))
}
"""Families with a layer that forgets its first tokens."""
TEXTS = ("a", "The cat sat on the", "On")


def decoders(model, rows=1):
    return [IncrementalDecoder(model, model.vocabulary.tokenize(text)[0], rows=rows) for text in TEXTS]


def long_decoder(model):
    return IncrementalDecoder(model, list(range(5, 100)))


def grow(readers, steps=3):
    """Reads the prompts and appends a token, the same for all."""
    for reader in readers:
        reader.append([7] * len(reader.next_logits()))
    return readers


@pytest.mark.slow
@pytest.mark.parametrize("family", BATCHED)
def test_texts_of_any_length_are_read_as_alone(tiny, family):
    """Guards against rows that see each other's keys, positions counted along the batch, a mask of the batch in place of a
    text's own, a window that no longer moves: three tokens of each of three texts, one joining after the others' first."""
    model = tiny(family)
    assert why_unbatched(model) == ""
    alone, together = grow(decoders(model)), grow(decoders(model))
    for token in (40, 41, 42, 43, 44):
        present = [0, 1] if token == 40 else [0, 1, 2] if token < 43 else [0, 2]
        expected = [alone[n].next_logits() for n in present]
        batch = batched_step(model, [together[n].unread_tokens() for n in present])
        for number, own, other in zip(present, expected, batch, strict=True):
            torch.testing.assert_close(other.softmax(-1), own.softmax(-1), atol=1e-4, rtol=0)
            alone[number].append([token])
            together[number].append([token])


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted({*BATCHED} - WINDOWED))
def test_prompts_are_read_beside_tokens(tiny, family):
    """Guards against tokens of a prompt that see later ones, or another text's, and against positions that begin anew after
    what a cache holds: two prompts beside a token, then the rest of a text, of which half was read before, beside tokens."""
    model = tiny(family)
    assert may_batch_prompts(model)
    alone, together = decoders(model), decoders(model)
    for readers in (alone, together):
        grow(readers[:1])
    for token in (40, 41, 42):
        assert all(reader.may_join for reader in together)
        batch = batched_step(model, [reader.unread_tokens() for reader in together])
        for own, reader, other in zip(alone, together, batch, strict=True):
            torch.testing.assert_close(other.softmax(-1), own.next_logits().softmax(-1), atol=1e-4, rtol=0)
            own.append([token])
            reader.append([token])


def test_company_that_changes(tiny, monkeypatch):
    """Guards against a token written over another text's, or over one that somebody else still sees: texts of like length,
    which lie in common tensors that are soon full, and a long one; one comes back; of one a copy was taken."""
    monkeypatch.setattr(joined_attention, "_ROOM", 2)
    model, joined = tiny("llama"), JoinedCaches()
    alone, together = ([*decoders(model, 1), *decoders(model, 2), long_decoder(model)] for _ in range(2))
    for readers in (alone, together):
        grow(readers)
    copy, seen = None, []
    companies = ((0, 1, 6), (0, 1, 2, 3, 6), (0, 1, 2, 3, 6), (0, 3, 6), (0, 3, 6), (0, 1, 2, 3, 4, 5, 6), (0,), (0, 1))
    for present in companies:
        tokens = [together[n].unread_tokens() for n in present]
        sizes = [len(part.texts) for part in joined.arrange(tokens)]
        assert sizes == ([len(present) - 1, 1] if 6 in present else [len(present)])
        expected, batch = [alone[n].next_logits() for n in present], batched_step(model, tokens, joined)
        for number, own, logits in zip(present, expected, batch, strict=True):
            torch.testing.assert_close(logits.softmax(-1), own.softmax(-1), atol=1e-5, rtol=0)
            for readers in (alone, together):
                readers[number].append([40 + number + row for row in range(len(logits))])
        if copy is None:
            copy = cropped(together[0]._cache, 1)
            seen = [layer.keys.clone() for layer in copy.layers]
    assert all(torch.equal(layer.keys, keys) for layer, keys in zip(copy.layers, seen, strict=True))


def test_a_prompt_after_what_was_read_before(tiny):
    """Guards against a mask that hides what a cache of an earlier text holds, or shows a prompt its own later tokens."""
    model, prefixes = tiny("llama"), PrefixCaches(10**6)
    ids = model.vocabulary.tokenize(TEXTS[1])[0]
    first = IncrementalDecoder(model, ids[:9], prefixes=prefixes)
    first.next_logits()
    first.store_prefix()
    reader = IncrementalDecoder(model, ids, prefixes=prefixes)
    assert reader.tokens_read == 9 and reader.unread_count > 1 and reader.may_join
    (logits,) = batched_step(model, [reader.unread_tokens()])
    expected = IncrementalDecoder(model, ids).next_logits()
    torch.testing.assert_close(logits.softmax(-1), expected.softmax(-1), atol=1e-5, rtol=0)


def test_a_kept_prefix_lets_its_company_go(tiny):
    """Guards against the memory of all who wrote at once, kept for one prefix of a few tokens, outside of every budget."""
    model, prefixes, joined = tiny("llama"), PrefixCaches(10**6), JoinedCaches()
    readers = grow(decoders(model))
    batched_step(model, [reader.unread_tokens() for reader in readers], joined)
    first = readers[0].unread_tokens().cache
    keys, cache = first.layers[0].keys, weakref.ref(first)
    assert keys.untyped_storage().nbytes() > 2 * keys.nbytes, "rows among those of all who write"
    prefixes.put(model, (), range(first.get_seq_length()), first)
    del readers, first
    gc.collect()
    assert cache() is None, "as long as it lives, JoinedCaches keeps the rows of all"
    _, kept = prefixes.find(model, (), range(50))
    assert kept.layers[0].keys.untyped_storage().nbytes() == kept.layers[0].keys.nbytes


def test_a_family_whose_layers_forget_reads_prompts_alone(tiny):
    """Guards against a prompt that is read without the mask of its window."""
    model = tiny("gemma2")
    assert not why_unbatched(model) and not may_batch_prompts(model)
    assert not any(reader.may_join for reader in decoders(model))


def test_samples_are_rows_of_one_text(tiny):
    """Guards against a text of several samples whose rows are taken for texts of their own, each with the whole cache."""
    model = tiny("llama")
    alone, together = grow(decoders(model, 2)), grow(decoders(model, 2))
    for number, reader in enumerate((*alone, *together)):
        reader.next_logits()
        reader.append([50, 60 + number % len(TEXTS)])
    assert all(reader.may_join for reader in together)
    batch = batched_step(model, [reader.unread_tokens() for reader in together])
    for own, other in zip(alone, batch, strict=True):
        torch.testing.assert_close(other.softmax(-1), own.next_logits().softmax(-1), atol=1e-4, rtol=0)


def test_int8_weights(tiny):
    """Guards against int8 weights that take turns, or whose rows round their inputs by one unit."""
    model = prepare(zoo.build("llama"), zoo.byte_tokenizer(), dtype=DtypeChoice(torch.int8, "for a test"))
    assert why_unbatched(model) == ""
    alone, together = grow(decoders(model)), grow(decoders(model))
    batch = batched_step(model, [reader.unread_tokens() for reader in together])
    for own, other in zip(alone, batch, strict=True):
        torch.testing.assert_close(other.softmax(-1), own.next_logits().softmax(-1), atol=1e-4, rtol=0)


def test_a_pass_that_fails_leaves_the_caches(tiny):
    """Guards against caches of which some layers have a token more: what each text writes afterwards would be wrong."""
    model = tiny("gemma2")  # a window and a layer without
    alone, together = grow(decoders(model)), grow(decoders(model))
    tokens = [reader.unread_tokens() for reader in together]

    def fail(module, args):
        raise MemoryError

    hook = model.model.lm_head.register_forward_pre_hook(fail)
    with pytest.raises(MemoryError):
        batched_step(model, tokens)
    hook.remove()
    for own, other in zip(alone, together, strict=True):
        torch.testing.assert_close(other.next_logits(), own.next_logits(), atol=0, rtol=0)


def test_a_family_that_gives_other_logits_takes_turns(monkeypatch):
    """Guards against a trial that compares nothing: attention over the new keys alone, without the cache, is noticed."""
    model = prepare(zoo.build("llama"), zoo.byte_tokenizer())

    class Forgetful(batched_steps._AttentionByPart):
        def __call__(self, module, query, key, value, options):
            return value.repeat_interleave(2, 1).transpose(1, 2)

    monkeypatch.setattr(batched_steps, "_AttentionByPart", Forgetful)
    assert why_unbatched(model).startswith(texts.UNBATCHED_DIFFERS.split("{")[0])


@pytest.mark.parametrize(
    ("family", "reason"),
    [("bloom", texts.UNBATCHED_ATTENTION), ("t5", texts.UNBATCHED_ENCODER), ("deepseek_v2", texts.UNBATCHED_FAILS)],
)
def test_families_that_go_on_taking_turns(tiny, family, reason):
    """Guards against a family in a batch whose code looks at the batch's own cache or mask; the card says why not."""
    model = tiny(family)
    assert why_unbatched(model) == reason and not any(reader.may_join for reader in decoders(model))
    assert reason in model.card["Visitors who write at once"]
