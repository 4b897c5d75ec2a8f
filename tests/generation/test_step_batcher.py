"""Visitors who write with one model at once: each text is what it would be alone, and none waits for another's trouble."""

import threading
from contextlib import contextmanager

import pytest

from playground.errors import PlaygroundError
from playground.generation.decoder import IncrementalDecoder
from playground.generation.generate import generate, generate_with_progress, only_steps
from playground.generation.request import SharedResources
from playground.generation.settings import GenerationSettings
from playground.generation.steps import PrefillProgress
from playground.recording.edits.edit import Edit
from tests.generation.test_generate import greedy, ids_of

PROMPTS = ("The cat sat", "a", "On the mat lies", "Zwölf")


@contextmanager
def batch_sizes(model):
    """The list of passes made meanwhile: how many rows each read."""
    sizes = []
    hook = model.model.register_forward_pre_hook(
        lambda module, args, named: sizes.append(named["input_ids"].shape[0]), with_kwargs=True
    )
    try:
        yield sizes
    finally:
        hook.remove()


def write_at_once(model, jobs, resources=None):
    """What jobs (prompt, settings) write in threads of their own that begin together: the steps of each, or its error."""
    resources, ready = resources or SharedResources(), threading.Barrier(len(jobs))
    results = [None] * len(jobs)

    def visit(number, prompt, settings):
        stream = only_steps(generate_with_progress(model, prompt, settings, (), resources))
        steps = results[number] = []
        ready.wait()
        try:
            steps.extend(stream)
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=visit, args=(number, *job)) for number, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert resources.turns.visitors == resources.turns.waiting == 0
    return results


@pytest.mark.slow
def test_each_writes_what_it_would_write_alone(tiny):
    """Guards against rules, seeds, samples or ends of one visitor that reach another's text, and against turns in place of
    one pass: most tokens are read beside others."""
    model = tiny("llama")
    jobs = [
        (prompt, GenerationSettings(max_new_tokens=24, seed=n, temperature=1.1)) for n, prompt in enumerate(PROMPTS)
    ]
    jobs += [("The", greedy(9)), ("The", GenerationSettings(max_new_tokens=12, seed=7, samples=3, top_k=5))]
    with batch_sizes(model) as sizes:
        together = write_at_once(model, jobs)
    assert sum(size for size in sizes if size > 1) > sum(sizes) / 2, sizes
    for (prompt, settings), steps in zip(jobs, together, strict=True):
        alone = list(generate(model, prompt, settings))
        assert [(step.token.id, step.sample) for step in steps] == [(step.token.id, step.sample) for step in alone]
        for own, other in zip(alone, steps, strict=True):
            assert abs(own.probability - other.probability) < 1e-4
            draws = [step.choice.draw and step.choice.draw.number for step in (own, other)]
            assert draws[0] == draws[1]


def test_joining_and_leaving_in_the_middle(tiny):
    """Guards against a batch that is fixed when it begins: one is closed after two tokens, another joins then, its prompt
    beside a token; the token of a slow reader is read beside the others' while it waits."""
    model, resources = tiny("llama"), SharedResources()
    streams = [generate_with_progress(model, prompt, greedy(12), (), resources) for prompt in PROMPTS]
    written = [[next(streams[n])] for n in range(3)]  # each has announced its first token
    with batch_sizes(model) as sizes:  # the second one's next token was read with the third one's prompt
        written[0].append(next(streams[0]))
        assert sizes == [2], "the third one's was read along"
        written[1].append(next(streams[1]))
        assert sizes == [2], "it was there already"
        streams[1].close()
        written[0].append(next(streams[0]))
        assert sizes == [2, 1], "the third reader has not fetched its token, the second has gone"
        fourth = [next(streams[3])]
        assert sizes == [2, 1, 7], "a prompt of six tokens, and the first one's next token"
        written[2].append(next(streams[2]))
        written[0].append(next(streams[0]))
        fourth.append(next(streams[3]))
        assert sizes == [2, 1, 7, 3], "the one that joined is read with the others"
    written[0] += streams[0]
    written[2] += streams[2]
    fourth += streams[3]
    for prompt, steps in zip(PROMPTS, [*written, fourth], strict=True):
        expected = ids_of(generate(model, prompt, greedy(12)))
        assert ids_of(steps) == expected[: len(steps)] and (prompt == PROMPTS[1] or len(steps) == len(expected))
    assert resources.turns.visitors == 0


def test_an_error_of_one_leaves_the_others_writing(tiny, monkeypatch):
    """Guards against a pass that fails for all because one text's part of it fails."""
    model, resources = tiny("gpt2"), SharedResources()
    streams = [generate_with_progress(model, prompt, greedy(8), (), resources) for prompt in PROMPTS[:3]]
    written = [[next(stream)] for stream in streams]
    written[1].append(next(streams[1]))  # it was read with the third one's prompt
    read, unread = IncrementalDecoder.next_logits, IncrementalDecoder.unread_tokens
    ill = model.vocabulary.tokenize(PROMPTS[1])[0][0]

    def read_alone(decoder):
        if decoder.ids[0, 0] == ill:
            raise PlaygroundError("There is no memory left.", "Wait.")
        return read(decoder)

    def read_together(decoder):
        if decoder.ids[0, 0] == ill:
            raise MemoryError
        return unread(decoder)

    monkeypatch.setattr(IncrementalDecoder, "next_logits", read_alone)
    monkeypatch.setattr(IncrementalDecoder, "unread_tokens", read_together)
    written[0].append(next(streams[0]))
    with pytest.raises(PlaygroundError):
        next(streams[1])
    for number in (0, 2):
        written[number] += streams[number]
        assert ids_of(written[number]) == ids_of(generate(model, PROMPTS[number], greedy(8)))
    assert resources.turns.visitors == resources.turns.waiting == 0


def test_an_edit_beside_a_batch(tiny):
    """Guards against one visitor's edit in the tokens of the others, and against an edited text that is read without its
    edit in their pass."""
    model, resources = tiny("llama"), SharedResources()
    edit = Edit("head", 1, (2,))
    streams = [generate_with_progress(model, prompt, greedy(10), (), resources) for prompt in PROMPTS[:3]]
    streams.append(generate_with_progress(model, PROMPTS[0], greedy(10), (), resources, (edit,)))
    results = [[] for _ in streams]
    threads = [threading.Thread(target=results[n].extend, args=(stream,)) for n, stream in enumerate(streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for prompt, steps in zip(PROMPTS[:3], results, strict=False):
        assert ids_of(steps) == ids_of(generate(model, prompt, greedy(10)))
    assert ids_of(results[3]) == ids_of(generate(model, PROMPTS[0], greedy(10), edits=(edit,)))
    edited = IncrementalDecoder(model, model.vocabulary.tokenize("The")[0])
    edited.next_logits()
    edited.append([5])
    assert edited.may_join
    edited._edits = object()
    assert not edited.may_join


def test_a_long_prompt_is_read_in_short_chunks_beside_others(tiny):
    """Guards against a stream that stands still for the seconds that a newcomer's prompt of a thousand tokens takes: the
    prompt is read in chunks that follow the speed of reading; alone it is read at once."""
    model, resources = tiny("llama"), SharedResources()
    ids = [7, 8, 9, 10] * 12
    long = generate_with_progress(model, ids, greedy(3), (), resources)
    short = generate_with_progress(model, "ab", greedy(6), (), resources)
    next(short)
    pace = resources.batchers.of(model, resources.turns)._pace
    assert pace.chunk == 32
    assert next(long) == PrefillProgress(24, 48)
    rest = [*long]
    assert ids_of(rest) == ids_of(generate(model, ids, greedy(3))) and len([*short]) == 5
    pace.note(100, 0.1)
    assert pace.chunk == 200
    pace.note(3, 0.1)
    assert pace.chunk == 200
