"""Generating: the same ids as transformers' own generate(), every reported number recomputed from the model's logits,
and an end within one token."""

import copy
import threading
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

import pytest
import torch
from transformers import GenerationConfig, MinLengthLogitsProcessor, WatermarkingConfig

from playground.errors import PlaygroundError
from playground.generation.generate import generate
from playground.generation.limits import notes
from playground.generation.sampling import rules
from playground.generation.settings import GenerationSettings
from playground.generation.steps import next_tokens
from playground.loading import prepare
from playground.models.incremental_text import IncrementalText
from playground.recording.hooks import capture_attention
from playground.recording.record import record
from playground.settings import Settings
from tests.tools import zoo

FAMILIES = ("gpt2", "llama", "gemma2", "gpt_oss", "mistral", "t5", "bart", "marian", "bloom", "openai-gpt")
PROMPT = "The cat sat"


def greedy(count: int = 20, **rules) -> GenerationSettings:
    return GenerationSettings(max_new_tokens=count, greedy=True, **rules)


def ids_of(steps) -> list[int]:
    return [step.token.id for step in steps]


def by_transformers(model, prompt: str, count: int, **rules) -> list[int]:
    """What transformers' own generate() continues with, greedily."""
    ids = torch.tensor([model.vocabulary.tokenize(prompt)[0]])
    out = model.model.generate(ids, do_sample=False, num_beams=1, max_new_tokens=count, **rules)[0].tolist()
    return out[1:] if model.model.config.is_encoder_decoder else out[ids.shape[1] :]


@contextmanager
def counted_passes(model):
    """The list of forward passes made meanwhile: the number of ids that each read."""
    passes = []

    def seen(module, positional, named):
        ids = named.get("input_ids")
        passes.append((ids if ids is not None else named["decoder_input_ids"]).shape[1])

    hook = model.model.register_forward_pre_hook(seen, with_kwargs=True)
    try:
        yield passes
    finally:
        hook.remove()


@pytest.fixture(scope="module")
def chat_model():
    """A tiny model with a chat template that leaves a mark on the prompt."""
    tokenizer = zoo.byte_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}[answer]"
    return prepare(zoo.build("llama"), tokenizer, "tiny-chat")


# --- the same as transformers ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("penalty", [1.0, 1.3])
@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_ids_are_those_of_transformers(tiny, family, penalty):
    """Guards against a wrong position, mask or cache from the second token on, and against a penalty in another
    place: the ids would part from generate()'s."""
    model = tiny(family)
    assert model.on_interface == (family not in zoo.OFF_INTERFACE)
    steps = list(generate(model, PROMPT, greedy(12, repetition_penalty=penalty)))
    assert ids_of(steps) == by_transformers(model, PROMPT, 12, repetition_penalty=penalty)


@pytest.mark.parametrize("penalty", [1.0, 1.2])
def test_greedy_ids_of_the_default_model(smollm2, penalty):
    """The same on trained weights, whose text makes sense."""
    steps = list(generate(smollm2, "The cat sat on the mat", greedy(20, repetition_penalty=penalty)))
    assert ids_of(steps) == by_transformers(smollm2, "The cat sat on the mat", 20, repetition_penalty=penalty)
    assert "".join(step.text for step in steps) == smollm2.tokenizer.decode(ids_of(steps))


@pytest.mark.parametrize("family", ["gpt2", "bart"])
def test_no_ngram_is_written_twice(tiny, family):
    """Guards against a rule that sees the new tokens without those before them; ids as generate()'s."""
    model = tiny(family)
    steps = list(generate(model, PROMPT, greedy(24, no_repeat_ngram=1)))
    assert ids_of(steps) == by_transformers(model, PROMPT, 24, no_repeat_ngram_size=1)
    assert len(set(ids_of(steps))) == len(steps)


def test_stages_follow_the_rules_in_order(smollm2):
    """Guards against a stage shown in another place than the rule was applied in, and against a first stage that is
    not the model's own distribution."""
    settings = GenerationSettings(
        max_new_tokens=1, seed=0, temperature=0.7, top_k=20, top_p=0.9, repetition_penalty=1.2
    )
    (step,) = generate(smollm2, PROMPT, settings)
    names = [stage.name for stage in step.choice.stages]
    assert names == ["logits", "repetition penalty 1.2", "temperature 0.7", "top-k 20", "top-p 0.9"]
    own = dict(zip(step.choice.candidates, step.choice.stages[0].probabilities, strict=True))
    assert [own[a.token.id] for a in step.alternatives] == pytest.approx(
        [a.probability for a in step.alternatives], rel=1e-4
    )
    kept = [stage.kept for stage in step.choice.stages]
    assert kept[:4] == [smollm2.anatomy.vocabulary] * 3 + [20]
    assert kept[4] <= 20


def test_what_was_cut_is_no_candidate_of_its_own(smollm2):
    """Guards against tokens that nobody would have thought of standing among the candidates because all that were left
    after a cut are fewer than the picture has rows."""
    (step,) = generate(smollm2, PROMPT, GenerationSettings(max_new_tokens=1, seed=0, top_k=2))
    assert set(step.choice.candidates) == {a.token.id for a in step.alternatives}
    leading = [step.choice.candidates[place] for place in step.choice.leading]
    assert leading == [a.token.id for a in step.alternatives[:2]]


def test_stop_text_ends_the_text(smollm2):
    """Guards against a stop text that is only found when it is a token of its own."""
    whole = "".join(s.text for s in generate(smollm2, "One, two, three,", greedy(12)))
    stop = whole[5:8]
    steps = list(generate(smollm2, "One, two, three,", greedy(12, stop=(stop,))))
    text = "".join(step.text for step in steps)
    assert stop in text and len(text) < len(whole)
    assert steps[-1].stopped and not steps[-2].stopped
    never = list(generate(smollm2, "One, two, three,", greedy(3, stop=("it never comes",))))
    assert len(never) == 3 and not never[-1].stopped


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["bad_words_ids", "suppress_tokens", "begin_suppress_tokens", "forced_bos_token_id"])
def test_what_a_checkpoint_rules_out_is_never_written(rule):
    """Guards against Marian writing its padding token, and mBART opening in the wrong language: both say so in their
    generation_config, which an own loop must read."""
    model = prepare(zoo.build("bart"), zoo.byte_tokenizer(), "bart with rules")
    first = by_transformers(model, PROMPT, 8)
    value = {"bad_words_ids": [[first[0]]], "forced_bos_token_id": 77}.get(rule, [first[0]])
    setattr(model.model.generation_config, rule, value)
    ids = ids_of(generate(model, PROMPT, greedy(8)))
    assert ids == by_transformers(model, PROMPT, 8)
    assert ids != first


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule",
    [
        "min_length",
        "min_new_tokens",
        "forced_eos_token_id",
        "sequence_bias",
        "encoder_no_repeat_ngram_size",
        "exponential_decay_length_penalty",
        "encoder_repetition_penalty",
        "all",
    ],
)
@pytest.mark.parametrize("family", ["bart", "llama"])
def test_what_else_a_checkpoint_prescribes(family, rule):
    """Guards against a summary that ends where BART's checkpoint says that it may not yet, or that lacks its end: each
    setting changes what is written, to what transformers writes. The end token is one that comes early of itself."""
    model = prepare(zoo.build(family), zoo.byte_tokenizer(), f"{family} with rules")
    own = model.model.generation_config
    first = by_transformers(model, PROMPT, 12)
    own.eos_token_id = first[4] if "min" in rule else 255
    free, said = by_transformers(model, PROMPT, 12), tuple(model.vocabulary.tokenize(PROMPT)[0])
    begin = 1 if family == "bart" else len(said)
    settings = {
        "min_length": begin + 8,
        "min_new_tokens": 7,
        "forced_eos_token_id": 44,
        "encoder_no_repeat_ngram_size": 1,
        "sequence_bias": [[[first[0]], -40.0], [[first[1], said[0]], 60.0], [[said[1]], 3.0]],
        "exponential_decay_length_penalty": (3, 3.0),
        "encoder_repetition_penalty": 5.0,
    }
    if rule == "encoder_no_repeat_ngram_size":
        own.sequence_bias = [[[said[2]], 60.0]]  # else nothing of the source would be written
        free = by_transformers(model, PROMPT, 12)
    for name in settings if rule == "all" else (rule,):
        setattr(own, name, settings[name])
    ids = ids_of(generate(model, PROMPT, greedy(12)))
    assert ids == by_transformers(model, PROMPT, 12)
    assert ids != free
    if rule != "all":
        return
    assert ids_of(generate(model, PROMPT, greedy(7), begun=ids[:5])) == ids[5:], "counted from the text's own beginning"


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule",
    [
        {"epsilon_cutoff": 0.01},
        {"eta_cutoff": 0.9},
        {"top_h": 0.5},
        {"renormalize_logits": True},
        {"watermarking_config": {"bias": 4.0, "hashing_key": 7}},
        {
            "epsilon_cutoff": 0.001,
            "top_h": 0.7,
            "eta_cutoff": 0.002,
            "renormalize_logits": True,
            "remove_invalid_values": True,
        },
    ],
    ids=lambda rule: "+".join(rule),
)
def test_a_checkpoint_that_draws_by_rules_of_its_own(rule):
    """Guards against a checkpoint's rules for drawing that have no control on the page and are left out: the distribution
    is the one that generate() reports, in its order among the visitor's rules, and another one than without."""
    model = prepare(zoo.build("llama"), zoo.byte_tokenizer(), "llama that draws by rules")
    settings = GenerationSettings(max_new_tokens=2, seed=1, temperature=1.2, top_k=60, alternatives=30)
    (free, _), ids = generate(model, PROMPT, settings), model.vocabulary.tokenize(PROMPT)[0]
    model.model.generation_config.update(**rule)
    if marks := rule.get("watermarking_config"):
        model.model.generation_config.watermarking_config = WatermarkingConfig(**marks)
    first, second = generate(model, PROMPT, settings)
    for step, before in ((first, ids), (second, [*ids, first.token.id])):
        theirs = model.model.generate(
            torch.tensor([before]),
            GenerationConfig(**rule | {"watermarking_config": None}),
            do_sample=True,
            max_new_tokens=1,
            temperature=1.2,
            top_k=60,
            top_p=1.0,
            return_dict_in_generate=True,
            output_scores=True,
        ).scores[0][0]
        last = step.choice.stages[-1]
        assert last.logits == pytest.approx(theirs[list(step.choice.candidates)].tolist(), rel=1e-3, abs=1e-4)
        assert last.kept == int((theirs > -torch.inf).sum())
    last, plain = first.choice.stages[-1], free.choice.stages[-1]
    assert (last.logits, last.kept) != (plain.logits, plain.kept)


EVERY_RULE = {
    "the model's favoured words": {"sequence_bias": [[[40], 1.0]]},
    "the source's words 1.5": {"encoder_repetition_penalty": 1.5},
    "repetition penalty 1.2": {},
    "no repeated 2-gram": {},
    "no 3-gram of the source": {"encoder_no_repeat_ngram_size": 3},
    "the model's barred words": {"bad_words_ids": [[41]]},
    "the model's least of 2 new tokens": {"min_new_tokens": 2, "min_length": 3},
    "the model's first token": {"forced_bos_token_id": 42},
    "the model's last token": {"forced_eos_token_id": 43},
    "numbers out of range": {"remove_invalid_values": True},
    "the model's growing wish to end": {"exponential_decay_length_penalty": (3, 1.1)},
    "the model's barred tokens": {"suppress_tokens": [44]},
    "the model's barred beginnings": {"begin_suppress_tokens": [45]},
    "temperature 0.7": {},
    "the model's top-h 0.5": {"top_h": 0.5},
    "top-k 60": {},
    "top-p 0.95": {},
    "min-p 0.01": {},
    "typical-p 0.9": {},
    "the model's epsilon 0.001": {"epsilon_cutoff": 0.001},
    "the model's eta 0.002": {"eta_cutoff": 0.002},
    "the model's watermark": {"watermarking_config": WatermarkingConfig(bias=4.0, hashing_key=7)},
    "as log-probabilities": {"renormalize_logits": True},
}
"""Name of every rule, in transformers' order -> what a checkpoint sets for it; the rest are the visitor's settings."""


@pytest.mark.parametrize("family", ["llama", "bart"])
def test_every_rule_has_its_name_and_its_place(family, monkeypatch):
    """Guards against rules built by hand that drift from those of generate(), in their order or their numbers, and
    against a rule without a name for people. The processors that generate() builds for the same settings are compared
    with ours, number by number."""
    model = prepare(zoo.build(family), zoo.byte_tokenizer(), f"{family} with every rule")
    own = model.model.generation_config
    for name, value in {name: value for settings in EVERY_RULE.values() for name, value in settings.items()}.items():
        setattr(own, name, value)
    before = copy.deepcopy(own.to_dict())
    visitors = {"temperature": 0.7, "top_k": 60, "top_p": 0.95, "min_p": 0.01, "typical_p": 0.9}
    settings = GenerationSettings(max_new_tokens=4, repetition_penalty=1.2, no_repeat_ngram=2, **visitors)
    ids = model.vocabulary.tokenize(PROMPT)[0]
    begin = 1 if family == "bart" else len(ids)
    ours = rules(model, settings, begin, begin + 4, ids)
    assert [name for name, _ in ours] == list(EVERY_RULE)
    assert own.to_dict() == before, "the checkpoint's own configuration stays as it is"
    built, build = [], model.model._get_logits_processor

    def build_and_stop(*arguments, **options):
        built.extend(build(*arguments, **options))
        raise InterruptedError  # a processor that was used differs from a fresh one

    monkeypatch.setattr(model.model, "_get_logits_processor", build_and_stop)
    theirs = {"repetition_penalty": 1.2, "no_repeat_ngram_size": 2, "max_new_tokens": 4, "do_sample": True}
    with pytest.raises(InterruptedError):
        model.model.generate(torch.tensor([ids]), num_beams=1, **theirs, **visitors)
    # of min_length and min_new_tokens the second counts; generate() applies both, to the same effect
    theirs = [one for one in built if not isinstance(one, MinLengthLogitsProcessor)]
    assert [type(one) for one in theirs] == [type(rule) for _, rule in ours]
    for their, (name, rule) in zip(theirs, ours, strict=True):
        for key, value in vars(their).items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(value, vars(rule)[key]), f"{name}: {key}"
            elif not isinstance(value, torch.Generator):
                assert value == vars(rule)[key], f"{name}: {key}"


def test_empty_lists_of_a_checkpoint_are_no_rules():
    """Guards against a stage on the page, or an error, for a list of barred tokens that is empty."""
    model = prepare(zoo.build("llama"), zoo.byte_tokenizer(), "llama with empty lists")
    for name in ("suppress_tokens", "begin_suppress_tokens", "bad_words_ids", "sequence_bias"):
        setattr(model.model.generation_config, name, [])
    model.model.generation_config.eos_token_id = None
    model.model.generation_config.exponential_decay_length_penalty = (3, 1.1)
    assert rules(model, GenerationSettings(), 3, 10, [1, 2, 3]) == []


def test_numbers_out_of_range_are_removed_where_the_checkpoint_says_so():
    """Guards against a refusal of logits that the checkpoint itself says how to mend: written as generate() writes."""
    model = prepare(zoo.build("llama"), zoo.byte_tokenizer(), "llama with a hole")
    model.model.generation_config.remove_invalid_values = True
    hole = torch.zeros(zoo.VOCABULARY)
    hole[[40, 90]] = torch.nan
    hook = model.model.get_output_embeddings().register_forward_hook(lambda module, inputs, out: out + hole)
    try:
        steps = list(generate(model, PROMPT, greedy(6)))
        assert ids_of(steps) == by_transformers(model, PROMPT, 6)
        assert [stage.name for stage in steps[0].choice.stages] == ["logits", "numbers out of range"]
    finally:
        hook.remove()


@pytest.mark.parametrize("beams", [1, 2])
def test_a_checkpoints_own_stop_texts(beams):
    """Guards against a checkpoint that ends its answers with a text instead of a token, and writes on here; and against
    beams that end in "could not locate a tokenizer"."""
    model = prepare(zoo.build("llama"), zoo.byte_tokenizer(), "llama that stops")
    settings = greedy(8) if beams == 1 else GenerationSettings(max_new_tokens=8, beams=2)
    free = list(generate(model, PROMPT, settings))
    stop = next(step.text for step in free[2:] if step.text.isprintable() and step.text.strip())
    model.model.generation_config.stop_strings = [stop]
    steps = list(generate(model, PROMPT, settings))
    assert stop in "".join(step.text for step in steps) and len(steps) < 8
    theirs = model.model.generate(
        torch.tensor([model.vocabulary.tokenize(PROMPT)[0]]),
        do_sample=False,
        num_beams=beams,
        max_new_tokens=8,
        tokenizer=model.tokenizer,
    )[0, len(PROMPT) :].tolist()
    assert ids_of(steps) == theirs


def test_what_a_checkpoint_prescribes_in_vain_is_said():
    """Guards against settings of a checkpoint that are left out without a word."""
    model = prepare(zoo.build("llama"), zoo.byte_tokenizer(), "llama with guidance")
    requested, settings = GenerationSettings(), Settings()
    assert notes(requested, requested, model, settings) == ()
    model.model.generation_config.guidance_scale = 3.0
    (words,) = notes(requested, requested, model, settings)
    assert "guidance_scale to 3.0" in words and "not followed" in words


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"temperature": 0.7},
        {"top_k": 5},
        {"top_p": 0.8},
        {"repetition_penalty": 1.5},
        {"temperature": 1.4, "top_k": 40, "top_p": 0.9, "repetition_penalty": 1.2},
        {"temperature": 0.3, "top_p": 0.5, "repetition_penalty": 0.8},
        {"min_p": 0.1},
        {"typical_p": 0.6},
        {"temperature": 1.5, "top_k": 100, "top_p": 0.95, "min_p": 0.02, "typical_p": 0.9, "no_repeat_ngram": 2},
    ],
    ids=lambda rules: "+".join(rules) or "plain",
)
def test_the_probability_of_the_draw_is_that_of_transformers(smollm2, rules):
    """Guards against rules in another order (a nucleus cut before the temperature keeps other tokens), and against a
    chosen_probability that is not the one drawn with. Compared with the scores that generate() itself reports."""
    theirs = {{"no_repeat_ngram": "no_repeat_ngram_size"}.get(name, name): value for name, value in rules.items()}
    ids = smollm2.vocabulary.tokenize("Once upon a time there")[0]
    for step in generate(smollm2, "Once upon a time there", GenerationSettings(max_new_tokens=3, seed=3, **rules)):
        config = GenerationConfig(
            do_sample=True,
            max_new_tokens=1,
            return_dict_in_generate=True,
            output_scores=True,
            **({"top_k": 0, "top_p": 1.0, "temperature": 1.0} | theirs),
        )
        scores = smollm2.model.generate(torch.tensor([ids]), config).scores[0][0]
        expected = float(scores.softmax(-1)[step.token.id])
        assert expected > 0, "a token was drawn that the rules cut off"
        assert step.chosen_probability == pytest.approx(expected, rel=1e-3)
        last = step.choice.stages[-1]
        assert last.kept == int((scores > -torch.inf).sum())
        assert last.probabilities == pytest.approx(scores.softmax(-1)[list(step.choice.candidates)].tolist(), rel=1e-3)
        assert step.choice.draw.start <= step.choice.draw.number < step.choice.draw.end
        ids = [*ids, step.token.id]


@pytest.mark.slow
def test_drawn_as_often_as_probable(tiny):
    """Guards against sampling from another distribution than the one reported: 400 seeds must hit each token as often
    as its probability says."""
    model, hits, shares = tiny("gpt2"), {}, {}
    for seed in range(400):
        step = next(generate(model, PROMPT, GenerationSettings(max_new_tokens=1, seed=seed, top_k=4, temperature=3.0)))
        hits[step.token.id] = hits.get(step.token.id, 0) + 1
        shares[step.token.id] = step.chosen_probability
    assert len(hits) > 1
    for token, count in hits.items():
        p = shares[token]
        assert abs(count / 400 - p) < 5 * (p * (1 - p) / 400) ** 0.5, "more than five standard deviations away"


# --- the numbers of a step -------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["smollm2", "gemma2", "bloom"])
def test_numbers_equal_those_worked_out_from_the_logits(family, request, tiny):
    """Guards against numbers of the wrong row, after the cuts instead of before, or in nats: each is recomputed in
    float64 from one plain forward pass over the finished text."""
    model = request.getfixturevalue("smollm2") if family == "smollm2" else tiny(family)
    ids = model.vocabulary.tokenize(PROMPT)[0]
    rules = GenerationSettings(max_new_tokens=6, seed=1, temperature=1.3, top_k=50, alternatives=7)
    steps = list(generate(model, PROMPT, rules))
    with torch.inference_mode():
        rows = model.model(torch.tensor([ids + ids_of(steps)])).logits[0].double()
    for number, step in enumerate(steps):
        p = rows[len(ids) - 1 + number].softmax(-1)
        order = p.argsort(descending=True, stable=True).tolist()
        assert step.index == number
        assert step.probability == pytest.approx(float(p[step.token.id]), rel=1e-3, abs=1e-9)
        assert step.rank == 1 + int((p > p[step.token.id]).sum())
        assert step.entropy == pytest.approx(float(-(p * p.log2()).sum()), abs=1e-3)
        assert [a.token.id for a in step.alternatives] == order[:7]
        assert [a.probability for a in step.alternatives] == pytest.approx(p[order[:7]].tolist(), rel=1e-3)


def test_next_tokens_by_hand(tiny):
    """Guards against a distribution over the tokens shown instead of the whole vocabulary."""
    logits = torch.full((zoo.VOCABULARY,), -torch.inf)
    logits[[5, 6, 7]] = torch.log(torch.tensor([0.5, 0.25, 0.25]))
    expected = next_tokens(tiny("gpt2"), logits, 2, actual_id=7)
    assert [(a.token.id, round(a.probability, 6)) for a in expected.alternatives] == [(5, 0.5), (6, 0.25)]
    assert expected.entropy == pytest.approx(1.5)
    assert (expected.actual.probability, expected.actual.rank) == (pytest.approx(0.25), 3)


def test_greedy_steps_are_certain_and_most_probable(smollm2):
    """Guards against a penalty leaking into a greedy run, and rank counting from 0."""
    steps = list(generate(smollm2, PROMPT, greedy(4)))
    assert [(step.chosen_probability, step.rank) for step in steps] == [(1.0, 1)] * 4


# --- chance ----------------------------------------------------------------------------------------------------


def test_seeds(tiny):
    """Guards against a global random state: the same seed gives the same text, others differ, none draws anew."""
    model = tiny("llama")

    def run(seed):
        return ids_of(generate(model, PROMPT, GenerationSettings(max_new_tokens=12, seed=seed, temperature=2)))

    torch.manual_seed(5)
    first = run(0)
    torch.manual_seed(6)
    assert run(0) == first
    assert run(1) != first
    assert len({tuple(run(None)) for _ in range(4)}) > 1


@pytest.mark.parametrize("rules", [{"temperature": 0}, {"temperature": 1e-30}, {"top_p": 0}, {"top_k": 1}])
def test_limits_of_the_rules_are_greedy(tiny, rules):
    """Guards against a division by zero: a temperature of 1e-30 makes every logit infinite and torch refuses to
    draw."""
    model = tiny("gpt2")
    steps = list(generate(model, PROMPT, GenerationSettings(max_new_tokens=8, seed=1, **rules)))
    assert ids_of(steps) == ids_of(generate(model, PROMPT, greedy(8)))


def test_broken_logits_are_refused(tiny):
    """Guards against torch's "probability tensor contains inf, nan" where a narrow number format overflowed."""
    model = tiny("phi")
    hook = model.model.get_output_embeddings().register_forward_hook(lambda module, inputs, out: out * torch.nan)
    try:
        for rules in (greedy(2), GenerationSettings(max_new_tokens=2, seed=0)):
            with pytest.raises(PlaygroundError, match="float32"):
                list(generate(model, PROMPT, rules))
    finally:
        hook.remove()


def test_two_threads_at_once(smollm2):
    """Guards against a shared cache or random state: visitors at once get what each gets alone."""
    prompts = {"The sea is": 1, "My favourite number": 2, "今天天气": 3}

    def run(prompt, seed):
        return ids_of(generate(smollm2, prompt, GenerationSettings(max_new_tokens=8, seed=seed)))

    alone = {prompt: run(prompt, seed) for prompt, seed in prompts.items()}
    together, start = {}, threading.Barrier(len(prompts))

    def visit(prompt, seed):
        start.wait()
        together[prompt] = run(prompt, seed)

    threads = [threading.Thread(target=visit, args=item) for item in prompts.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


# --- the end ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["llama", "bart"])
def test_closing_ends_the_computing(tiny, family):
    """Guards against a loop that runs on after Stop: once the reader closes the iterator, no forward pass more; and
    against reading the whole text anew for every token."""
    model = tiny(family)
    with counted_passes(model) as passes:
        steps = generate(model, PROMPT, greedy(40))
        assert not passes, "nothing is computed before the first step is asked for"
        assert len(list(islice(steps, 3))) == 3
        steps.close()
        assert passes == ([1, 1, 1] if model.model.config.is_encoder_decoder else [len(PROMPT), 1, 1])


def test_the_last_token_is_not_read(tiny):
    """Guards against one forward pass too many, whose result nobody sees."""
    with counted_passes(tiny("llama")) as passes:
        assert len(list(generate(tiny("llama"), PROMPT, greedy(5)))) == len(passes) == 5


@pytest.mark.parametrize("as_list", [False, True])
def test_stops_where_the_model_ends_its_text(as_list):
    """Guards against running past the end token, alone or one of several (Qwen has two)."""
    model = prepare(zoo.build("llama"), zoo.byte_tokenizer(), "ending")
    free = ids_of(generate(model, PROMPT, greedy(8)))
    end = next(token for token in free[2:] if token not in free[:2])
    model.model.generation_config.eos_token_id = [259, end] if as_list else end
    steps = list(generate(model, PROMPT, greedy(8)))
    assert ids_of(steps) == free[: free.index(end) + 1]
    assert [step.stopped for step in steps] == [False] * (len(steps) - 1) + [True]


@pytest.mark.parametrize("family", ["gpt2", "llama", "bart"])
def test_the_context_bounds_the_number_of_tokens(tiny, family):
    """Guards against reading past the last position: a table lookup out of range for GPT-2, nonsense for rotary."""
    model = tiny(family)
    assert model.anatomy.context_length == zoo.CONTEXT
    model.model.generation_config.eos_token_id, end = None, model.model.generation_config.eos_token_id
    try:
        steps = list(generate(model, "a" * 60, greedy(40)))
        assert len(steps) == (40 if family == "bart" else 4)
        if family != "bart":
            assert len(list(generate(model, "a" * 63, greedy(40)))) == 1
            with pytest.raises(PlaygroundError, match="64 tokens.*at most 63"):
                generate(model, "a" * 64, greedy())
        else:
            assert len(list(generate(model, "a" * 64, greedy(100)))) == 63
            with pytest.raises(PlaygroundError, match="65 tokens.*at most 64"):
                generate(model, "a" * 65, greedy())
    finally:
        model.model.generation_config.eos_token_id = end


def test_the_servers_limits_hold(tiny):
    """Guards against a visitor asking for a million tokens: bloom's ALiBi has no context length of its own."""
    settings = Settings(max_new_tokens=3, max_tokens=20, max_text_bytes=30)
    assert len(list(generate(tiny("bloom"), PROMPT, greedy(50), settings=settings))) == 3
    assert len(list(generate(tiny("bloom"), "a" * 18, greedy(50), settings=settings))) == 2
    with pytest.raises(PlaygroundError, match="25 tokens.*at most 19"):
        generate(tiny("bloom"), "a" * 25, greedy(), settings=settings)
    with pytest.raises(PlaygroundError, match="31 bytes; at most 30"):
        generate(tiny("bloom"), "a" * 31, greedy(), settings=settings)


# --- refusals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "range_"),
    [
        ("max_new_tokens", 0, "1 to 100,000"),
        ("max_new_tokens", 2.5, "whole number"),
        ("temperature", -0.1, "0 to 5"),
        ("temperature", float("nan"), "0 to 5"),
        ("temperature", "hot", "0 to 5"),
        ("top_k", -1, "0 to 1,000,000"),
        ("top_p", 1.01, "0 to 1"),
        ("repetition_penalty", 0, "0.1 to 5"),
        ("repetition_penalty", float("inf"), "0.1 to 5"),
        ("alternatives", 0, "1 to 1,000"),
        ("seed", -1, "0 to"),
        ("seed", 2**64, "0 to"),
        ("top_p", True, "0 to 1"),
    ],
)
def test_settings_out_of_range(name, value, range_):
    """Guards against an error from deep inside torch: the message gives the value and the range."""
    with pytest.raises(PlaygroundError) as refused:
        GenerationSettings(**{name: value})
    assert name in str(refused.value) and range_ in str(refused.value) and repr(value) in str(refused.value)


def test_models_that_do_not_generate(minilm, tiny):
    """Guards against a pretended continuation: a model without a head, and one that fills in masked words."""
    with pytest.raises(PlaygroundError, match="without a language-model head"):
        generate(minilm, PROMPT)
    with pytest.raises(PlaygroundError, match="both ways"):
        generate(tiny("bert"), PROMPT)


def test_checks_come_before_the_first_step(tiny):
    """Guards against a page that shows "reading the text" before the refusal."""
    for text in ("", None):
        with pytest.raises(PlaygroundError, match="no text"):
            generate(tiny("gpt2"), text)


# --- chat ------------------------------------------------------------------------------------------------------


def test_the_default_model_answers(smollm2):
    """The main job: asked through its own chat template, SmolLM2 knows the capital of France."""
    steps = list(generate(smollm2, "What is the capital of France?", greedy(20, chat=True)))
    assert "".join(step.text for step in steps) == "The capital of France is Paris."
    assert steps[-1].stopped and steps[-1].token.special
    plain = list(generate(smollm2, "What is the capital of France?", greedy(8)))
    assert ids_of(plain) != ids_of(steps)[:8]


@pytest.mark.slow
def test_the_chat_template_wraps_the_prompt(chat_model):
    """Guards against a template put around an already tokenized prompt, or without the mark for the answer."""
    with counted_passes(chat_model) as passes:
        next(generate(chat_model, "hello", greedy(1, chat=True)))
    assert passes == [len("[user]hello[answer]")]


def test_no_chat_template(tiny):
    """Guards against an answer without a template: the refusal names the way out."""
    with pytest.raises(PlaygroundError, match="no chat template.*complete instead"):
        generate(tiny("llama"), "hello", greedy(chat=True))


@pytest.mark.slow
def test_a_chat_template_that_fails(chat_model):
    """Guards against a stranger's template ending in an internal error."""
    own, chat_model.tokenizer.chat_template = chat_model.tokenizer.chat_template, "{{ raise_exception('no') }}"
    try:
        with pytest.raises(PlaygroundError, match="template failed.*complete instead"):
            generate(chat_model, "hello", greedy(chat=True))
    finally:
        chat_model.tokenizer.chat_template = own


# --- text ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["中文：你好，世界！", "🙂👩‍👩‍👧 ok", "مرحبا", "a\u0000b\r\n", "\ufffd"])
def test_characters_come_whole(smollm2, tiny, text):
    """Guards against � on the page: a character of several byte pieces appears once, when its last piece has come."""
    for model in (smollm2, tiny("gpt2")):
        ids = model.tokenizer(text, add_special_tokens=False)["input_ids"]
        stream = IncrementalText(model.vocabulary)
        parts = [stream.push(token) for token in ids]
        assert "".join(parts) + stream.flush() == text == model.tokenizer.decode(ids)
        assert all(part == "" or part in text for part in parts)


def test_streamed_text_is_the_decoded_text(smollm2, tiny):
    """Guards against lost or doubled characters, also where a random model leaves a character unfinished at the end."""
    steps = list(generate(smollm2, "请用中文介绍一下北京：", GenerationSettings(max_new_tokens=24, seed=0)))
    assert "".join(step.text for step in steps) == smollm2.tokenizer.decode(ids_of(steps), skip_special_tokens=True)
    for seed in range(5):
        steps = list(generate(tiny("llama"), "é", GenerationSettings(max_new_tokens=20, seed=seed, temperature=3)))
        text = "".join(step.text for step in steps)
        assert text == tiny("llama").tokenizer.decode(ids_of(steps), skip_special_tokens=True)


def test_a_lone_byte_piece_is_readable(smollm2):
    """Guards against a chart whose bars are all called �: a piece of a character shows its bytes, and U+FFFD itself
    stays what it is."""
    describe = smollm2.vocabulary.describe
    ids = smollm2.tokenizer("罕", add_special_tokens=False)["input_ids"]
    assert len(ids) > 1 and {token.text for token in describe(ids)} == {"罕"}
    lone = [describe([token])[0].text for token in ids]
    assert all(text[0] == "⟨" and text[-1] == "⟩" for text in lone)
    assert bytes.fromhex("".join(lone).replace("⟨", "").replace("⟩", "")) == "罕".encode()
    for text in ("\ufffd", "⟨E6⟩", "é"):
        assert "".join(dict.fromkeys(token.text for token in smollm2.vocabulary.tokenize(text)[1])) == text


# --- recording is not touched ----------------------------------------------------------------------------------


def test_generating_and_recording_do_not_meet(tiny):
    """Guards against a generation that fills somebody's recording, or a recording that changes what is generated."""
    model = tiny("gemma2")
    alone, weights = ids_of(generate(model, PROMPT, greedy(6))), record(model, PROMPT).attention(0).weights
    steps, ids = generate(model, PROMPT, greedy(6)), []
    for step in steps:
        ids.append(step.token.id)
        assert torch.equal(record(model, PROMPT).attention(0).weights, weights)
    assert ids == alone
    calls = []
    thread = threading.Thread(target=lambda: ids_of(generate(model, PROMPT, greedy(2))))
    with capture_attention(lambda *call: calls.append(call)):
        thread.start()
        thread.join()
    assert not calls


def test_settings_are_not_changed(tiny):
    """Guards against a default that one visitor changes for the next."""
    rules = greedy(1000)
    next(generate(tiny("gpt2"), PROMPT, rules))
    assert rules == replace(rules)
    assert rules.max_new_tokens == 1000
