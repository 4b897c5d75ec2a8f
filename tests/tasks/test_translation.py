"""Translate: the words of a plain transformers script, in every way in which models are told a language; what is said of
long, odd and unknown texts."""

import contextlib
import io

import numpy as np
import pytest
import torch

import playground as pg
from playground.errors import Cancelled, PlaygroundError
from playground.figures.tasks.written import translation_sentence
from playground.loading import prepare
from playground.models.asked_tasks import summary_prefix, translation_prefixes
from playground.models.decoder_start import decoder_start
from playground.tasks.few_shot import TEMPLATE, checked_template, few_shot_prompt
from playground.tasks.translation_accuracy import is_right, translation_accuracy, translation_examples
from playground.tasks.translation_script import translation_script
from playground.tasks.word_alignment import word_alignment
from playground.tasks.writing import Runs, read_at_once
from playground.training.tasks.chinese_numerals import alignment, chinese, english
from playground.training.tasks.numbers import HELD_OUT
from playground.training.tasks.pairs import split
from tests.tools import zoo
from tests.tools.translators import (
    T5_TASKS,
    m2m,
    m2m_tokenizer,
    marian_tokenizer,
    mbart_tokenizer,
    nllb_tokenizer,
    sentence_pieces,
)

HOSTILE = "\"\"\"'; print('x') #\\ <b>{text}</b> 猫\u202e😀"
EXAMPLES = "a: b\nc: {text}\nd:"


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    return sentence_pieces(tmp_path_factory.mktemp("pieces"))


@pytest.fixture(scope="module")
def numbers():
    """A translator that was trained here."""
    run = pg.train("numbers", steps=150)
    while not run.finished:
        run.advance()
    return run.model()


def saved(folder, network, tokenizer):
    """The model as a stranger's folder, loaded; its id is the folder, from which a script loads it too."""
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return pg.load(str(folder), device="cpu", dtype="float32")


def printed(script):
    """What a script prints, run here."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(script, "script", "exec"), {})
    return out.getvalue()


def translator(kind, pieces):
    """(network, tokenizer, options of `translate`) of each kind of translator."""
    torch.manual_seed(0)
    if kind == "m2m_100":
        network = m2m(num_beams=3, max_length=12, early_stopping=True, length_penalty=2.0)
        return network, m2m_tokenizer(pieces), {"target": "de", "source": "fr"}
    if kind == "nllb":
        tokenizer = nllb_tokenizer()
        network = zoo.variant("m2m_100", **zoo._BART | {"vocab_size": len(tokenizer)})
        network.generation_config.max_new_tokens = 6
        return network, tokenizer, {"target": "fra_Latn"}
    if kind == "mbart":
        tokenizer = mbart_tokenizer()
        network = zoo.variant("mbart", **zoo._BART | {"vocab_size": len(tokenizer)})
        network.generation_config.max_new_tokens = 6
        return network, tokenizer, {"target": "de_DE"}
    if kind == "marian":
        network = zoo.variant("marian", **zoo._BART | {"vocab_size": 42, "pad_token_id": 2, "eos_token_id": 0})
        network.generation_config.update(num_beams=2, max_length=10, bad_words_ids=[[2]])
        return network, marian_tokenizer(pieces), {"target": "fra"}
    network = zoo.variant(kind, **({"task_specific_params": T5_TASKS} if kind == "t5" else {}))
    network.generation_config.max_new_tokens = 12
    if kind == "bart":
        network.generation_config.update(
            max_new_tokens=None, num_beams=3, no_repeat_ngram_size=2, min_length=5, max_length=14
        )
    return network, zoo.byte_tokenizer(), {"target": "en_to_fr"} if kind == "t5" else {}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["t5", "bart", "marian", "m2m_100", "nllb", "mbart", "pegasus"])
def test_it_writes_what_the_printed_script_writes(kind, pieces, tmp_path):
    """Guards another beginning, another language, another rule or length than plain transformers has: the printed script is
    run and writes the same words, greedily or with the checkpoint's own beams; hostile texts stay texts in it."""
    network, tokenizer, options = translator(kind, pieces)
    model = saved(tmp_path, network, tokenizer)
    for text in ("The cat sat.", HOSTILE.replace("<b>", "")):
        result = pg.translate(model, text, **options)
        assert len(result.parts) == 1 and result.beams == (network.generation_config.num_beams or 1)
        assert printed(translation_script(model, result)) == f"{result.text}\n"
        (part,) = result.parts
        assert part.steps and part.steps[0].alternatives[0].probability >= part.steps[0].probability > 0
        assert part.attention.shape == (len(part.steps), len(part.source_ids))
        np.testing.assert_allclose(part.attention.sum(1), 1, atol=1e-4)


def test_attention_is_that_of_the_pass_that_chose_each_word(pieces):
    """Guards a row too late, a mean of the wrong heads, and a target tokenized again: transformers' own cross-attentions of
    the written tokens, the start token first, averaged here."""
    network, tokenizer, options = translator("m2m_100", pieces)
    model = prepare(network, tokenizer, "m2m")
    (part,) = pg.translate(model, "The cat sat.", **options).parts
    written = [step.token.id for step in part.steps]
    decoder = torch.tensor([[2, model.languages.codes["de"], *written[:-1]]])
    with torch.inference_mode():
        outputs = m2m()(input_ids=torch.tensor([part.source_ids]), decoder_input_ids=decoder, output_attentions=True)
    mean = torch.stack(outputs.cross_attentions)[:, 0].mean((0, 1))[1:]
    np.testing.assert_allclose(part.attention, mean.numpy(), atol=1e-5)
    assert part.source_ids[0] == model.languages.codes["fr"] and part.source[0].special
    for row, step in enumerate(part.steps):
        own = outputs.logits[0, row + 1].softmax(-1)
        assert step.probability == pytest.approx(float(own[step.token.id]), abs=1e-5)


@pytest.mark.slow
def test_a_translator_trained_here_aligns_its_words(numbers):
    """Guards offline translation and the alignment of words: numbers come out right, the end's column is told apart, and the
    head that the lesson measures finds its words more often than a guess would (5 words: 0.2)."""
    right, hits, count = 0, 0, 0
    for number in range(121, 999, 31):
        result = pg.translate(numbers, " ".join(english(number)))
        right += result.text == chinese(number)
        (part,) = result.parts
        words = word_alignment(numbers, part, part.attention)
        assert words.source == (*english(number), "</s>") and words.special == (False,) * (len(words.source) - 1) + (
            True,
        )
        assert "".join(words.written) == result.text + "</s>" * part.steps[-1].stopped
        assert part.ended and part.positions_end == (len(result.text) == 5), "its decoder reads 6 tokens"
        if result.text == chinese(number):
            for row, place in zip(words.weights, alignment(number), strict=False):
                hits, count = hits + (int(row.argmax()) == place), count + 1
    assert right >= 20 and hits / count > 0.4
    unknown = pg.translate(numbers, "cats ninety").parts[0]
    assert unknown.unknown == 1 and numbers.model_id.startswith("trained:")
    assert "the-folder-that-Train-saved" in translation_script(numbers, pg.translate(numbers, "six"))


@pytest.mark.slow
def test_a_language_model_translates_by_examples(tmp_path):
    """Guards text that goes on after its line, and a template into which a text's own lines break: the printed script gives
    the same, there is no cross-attention, and the reason is said."""
    model = saved(tmp_path, zoo.build("llama"), zoo.byte_tokenizer())
    result = pg.translate(model, "the cat\nsat", ask=EXAMPLES)
    assert result.way == "examples" and [part.words for part in result.parts] == ["the cat", "sat"]
    assert "\n" not in "".join(part.text for part in result.parts)
    assert result.text == "\n".join(part.text for part in result.parts).strip()
    script = translation_script(model, result)
    assert printed(script) == "".join(f"{part.text}\n" for part in result.parts)
    assert result.parts[0].attention is None and "one stack" in result.parts[0].why_no_attention
    assert few_shot_prompt(EXAMPLES, "x\n y") == "a: b\nc: x y\nd:" and checked_template(TEMPLATE + "\n") == TEMPLATE


@pytest.mark.slow
def test_a_long_text_is_translated_in_windows_of_sentences(tiny):
    """Guards a text cut in silence, and sentences that two windows share: all words are read once, in order, and what was
    written is joined by what stands between them; Stop ends it."""
    model, shares = tiny("bart"), []
    text = "The cat sat on a mat. A dog came by. " * 3 + "\n\nIt ended well and nobody was hurt at all. Fine."
    result = pg.translate(model, text, runs=Runs(tick=shares.append))
    assert len(result.parts) > 2 and all(part.window.end - part.window.start < 64 for part in result.parts)
    assert " ".join(" ".join(part.words for part in result.parts).split()) == " ".join(text.split())
    assert not any(part.window.cuts_sentence for part in result.parts)
    assert shares[0] == 0 and shares == sorted(shares) and shares[-1] <= 1
    places = [(token.start, token.end) for token in result.parts[-1].source if not token.special]
    assert text[places[0][0] : places[-1][1]] == result.parts[-1].words
    cut = pg.translate(model, "a" * 100)
    assert [part.window.cuts_sentence for part in cut.parts] == [True, False]

    def stop(share):
        raise Cancelled("The translation")

    with pytest.raises(Cancelled):
        pg.translate(model, text, runs=Runs(tick=stop))


@pytest.mark.slow
@pytest.mark.parametrize("stated", [None, "many", -1, float("nan"), float("inf"), 10**30])
def test_a_strangers_limit_is_read_with_care(stated):
    """Guards a tokenizer's file that names no number, none that can be, or no end: then the model's own limit counts."""
    tokenizer = zoo.byte_tokenizer()
    model = prepare(zoo.build("bart"), tokenizer, "odd")
    tokenizer.model_max_length = stated
    assert read_at_once(model) == zoo.CONTEXT


def test_prefixes_of_strangers_are_read_with_care(tiny):
    """Guards a configuration whose tasks are no tasks: numbers, lists and endless words are left out."""
    network = zoo.variant(
        "t5", task_specific_params={"translation_a": 3, "translation_b": {"prefix": ["x"]}, "summarization": []}
    )
    model = prepare(network, zoo.byte_tokenizer(), "t5")
    assert translation_prefixes(model) == {} and summary_prefix(model) == ""
    network.config.task_specific_params = {"translation_c": {"prefix": "x" * 201}, "translation_d": {"prefix": "ok: "}}
    assert translation_prefixes(model) == {"d": "ok: "}
    assert translation_prefixes(tiny("bart")) == {} == translation_prefixes(tiny("llama"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "text", "options", "words"),
    [
        ("bart", "", {}, "There is no text"),
        ("bart", " \n", {}, "There is no text"),
        ("bart", "x", {"target": "fr"}, "not told a language"),
        ("bart", "x" * 100_000, {}, "more than 64 windows"),
        ("bart", "a. " * 33_000, {}, "more than 64 windows"),
        ("bart", "x" * 200_001, {}, "at most 200,000 are read"),
        ("bart", "x", {"ask": "y" * 201}, "201 characters before the text"),
        ("bart", "x", {"ask": "y" * 70}, "reads 64 at once"),
        ("t5", "x", {"target": "en_to_xx"}, "no translation 'en_to_xx'"),
        ("m2m", "x", {}, "No target language was chosen"),
        ("m2m", "x", {"target": "xx"}, "no language 'xx'"),
        ("m2m", "x", {"target": "de", "source": "<b>"}, "no language '<b>'"),
        ("llama", "x", {"target": "fr"}, "not told a language"),
        ("llama", "x", {}, "this model reads 64"),
        ("llama", "x", {"ask": "no place"}, "The template is no template"),
        ("bert", "x", {}, "can't translate"),
    ],
)
def test_what_can_not_be_translated(family, text, options, words, tiny, pieces):
    """Guards Python's words, endless work and silent cuts: each is refused with numbers and remedy."""
    if family == "t5":
        model = prepare(zoo.variant("t5", task_specific_params=T5_TASKS), zoo.byte_tokenizer(), "t5")
    else:
        model = prepare(m2m(), m2m_tokenizer(pieces), "m2m") if family == "m2m" else tiny(family)
    with pytest.raises(PlaygroundError, match=words):
        pg.translate(model, text, **options)


def test_the_examples_are_of_our_own_and_not_learned():
    """Guards a figure of what was learned by heart: of 100 lines the numbers are held out from the lesson; spaces and signs
    do not count, another word does."""
    examples = translation_examples()
    assert len(examples) == len({text for text, _ in examples}) == 100 and all(right for _, right in examples)
    learned, _ = split(list(range(1000)), HELD_OUT)
    assert not {" ".join(english(number)) for number in learned} & {text for text, _ in examples}
    assert is_right(" 河流。", ("河", "河流")) and not is_right("河马", ("河", "河流")) and not is_right("", ("河",))
    whole, words, numbers = translation_accuracy(lambda text: {"cat": "猫", "two": "二"}.get(text, "猫"))
    assert (whole.right, words.right, words.count) == (numbers.right + words.right, 1, 50)
    assert whole.most_frequent == 0.01


def test_positions_that_end_before_the_text_does(tiny):
    """Guards an answer called cut off whose end comes next, where the decoder's positions leave no room to write it: the
    probability of the end is the network's own after all that was written; a limit of the checkpoint is told apart."""
    model = tiny("bart")
    result = pg.translate(model, "the cat sat on the mat")
    (part,) = result.parts
    written = [*decoder_start(model), *(step.token.id for step in part.steps)]
    assert part.positions_end and len(written) == model.anatomy.context_length == 64
    with torch.no_grad():
        rows = model.model(torch.tensor([part.source_ids]), decoder_input_ids=torch.tensor([written])).logits
    end = model.model.generation_config.eos_token_id
    assert part.end_probability == pytest.approx(float(rows[0, -1].softmax(-1)[end]), abs=1e-5) and not part.ended
    assert "Its positions end after 63 tokens, before it said that it ended." in translation_sentence(result)
    limited = prepare(m2m(max_length=8), zoo.byte_tokenizer(), "limited")
    limited.model.generation_config.max_new_tokens = 8
    (part,) = pg.translate(limited, "the cat").parts
    assert not part.positions_end and part.end_probability is None


@pytest.mark.slow  # trains `numbers` as well
def test_how_good_a_translator_trained_here_is(numbers):
    """Guards a number that is not the model's: it knows the numbers, whole, and none of the words."""
    whole, words, held_out = translation_accuracy(lambda text: pg.translate(numbers, text).text)
    assert held_out.right >= 35 and words.right == 0 and whole.right == held_out.right
    [five] = [pg.translate(numbers, "nine hundred and sixty four").parts[0]]
    assert five.ended and five.positions_end and five.most == len(five.steps) == 5 and five.end_probability > 0.9
    assert "the end would come next" in translation_sentence(pg.translate(numbers, "nine hundred and sixty four"))
