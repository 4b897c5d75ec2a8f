"""What is written is what the tokenizer decodes, for every kind of tokenizer, streamed and whole."""

import random
from functools import cache

import pytest
from transformers import EsmTokenizer

from playground.generation.generate import generate
from playground.generation.settings import GenerationSettings
from playground.loading import prepare
from playground.models.incremental_text import IncrementalText
from playground.models.vocabulary import Vocabulary
from tests.tools import zoo
from tests.tools.tokenizer_kinds import KINDS, TEXT

MARKS = ("##", "</w>", "@@", "▁", "Ġ", "<0x")


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    """vocabulary(kind) -> Vocabulary, each made once."""

    @cache
    def make(kind):
        return Vocabulary(KINDS[kind](tmp_path_factory.mktemp("tokenizer")))

    return make


def streamed(vocabulary, ids, context=()):
    stream = IncrementalText(vocabulary, context)
    parts = [stream.push(token_id) for token_id in ids]
    return parts, "".join(parts) + stream.flush()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_streamed_text_is_what_the_tokenizer_decodes(kind, vocabulary):
    """Guards against words glued together, marks of the vocabulary and lost spaces: of a sentence, and of random ids, whose
    characters are broken off anywhere."""
    known = vocabulary(kind)
    tokenizer, draw = known.tokenizer, random.Random(0)
    texts = [tokenizer(TEXT, add_special_tokens=False)["input_ids"]]
    texts += [[draw.randrange(len(tokenizer)) for _ in range(draw.randrange(1, 25))] for _ in range(40)]
    for ids in texts:
        _, text = streamed(known, ids)
        assert text == tokenizer.decode(ids, skip_special_tokens=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sentence_comes_word_by_word(kind, vocabulary):
    """Guards the stream itself: text held back to the end would pass the test above."""
    known = vocabulary(kind)
    parts, text = streamed(known, known.tokenizer(TEXT, add_special_tokens=False)["input_ids"])
    assert max(map(len, parts)) < 12 and len("".join(parts)) > len(text) - 12


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_continuation_goes_on_where_the_text_ended(kind, vocabulary):
    """Guards a branch that is continued: the space between its last word and the next one, or no space within a word."""
    known = vocabulary(kind)
    ids = known.tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    for cut in range(1, len(ids)):
        _, rest = streamed(known, ids[cut:], ids[:cut])
        before = known.decode(ids[:cut])
        if known.decode(ids).startswith(before):  # else the last word's mark is still on it
            assert before + rest == known.decode(ids)


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_named_without_marks(kind, vocabulary):
    """Guards the labels of tokens: ##, </w>, @@, ▁ and <0xE4> are the vocabulary's, not the text's."""
    known = vocabulary(kind)
    _, tokens = known.tokenize(TEXT)
    assert not any(mark in token.text for token in tokens for mark in MARKS)
    text = "".join(token.text for token in tokens if not token.special).replace(" ", "")
    assert text == TEXT.replace(" ", "")


def test_long_texts_are_streamed_without_decoding_them_again(vocabulary):
    """Guards the time of a step, which must not grow with the text, and the text where the first ids are dropped."""
    for kind in ("WordPiece", "byte fallback", "ByT5"):
        known = vocabulary(kind)
        ids = known.tokenizer(" ".join([TEXT] * 15), add_special_tokens=False)["input_ids"]
        stream = IncrementalText(known)
        text = "".join(stream.push(token_id) for token_id in ids) + stream.flush()
        assert text == known.decode(ids) and len(ids) > 150 and len(stream._ids) <= 96


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["WordPiece", "BPE with </w>", "Metaspace with _", "byte fallback"])
def test_a_stop_text_is_found(kind, vocabulary):
    """Guards stop texts with a space, which the vocabulary does not spell; and the text of the steps of `generate`."""
    tokenizer = vocabulary(kind).tokenizer
    model = prepare(zoo.variant("gpt2", vocab_size=len(tokenizer)), tokenizer)
    steps = list(generate(model, "the cat", GenerationSettings(max_new_tokens=12, seed=3)))
    ids = [step.token.id for step in steps]
    assert "".join(step.text for step in steps) == tokenizer.decode(ids, skip_special_tokens=True)
    stop = tokenizer.decode(ids[:5], skip_special_tokens=True)
    length = next(n for n in range(1, 13) if stop in tokenizer.decode(ids[:n], skip_special_tokens=True))
    stopped = list(generate(model, "the cat", GenerationSettings(max_new_tokens=12, seed=3, stop=(stop,))))
    assert len(stopped) == length and stopped[-1].stopped


def test_unknown_words_of_a_python_tokenizer_have_their_bytes(tmp_path):
    """Guards bits per byte of a text that is unknown in part, by a tokenizer without offsets: its bytes counted as none."""
    (tmp_path / "vocab.txt").write_text("\n".join(["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSER"]))
    known = Vocabulary(EsmTokenizer(str(tmp_path / "vocab.txt")))
    for text in ("LA été GV", "été", " LAG 中"):
        tokens = known.tokenize(text)[1]
        assert sum(token.size for token in tokens) == len(text.encode())
    assert [token.size for token in known.tokenize("LA été")[1] if token.id == 3] == [6]


@pytest.mark.parametrize("kind", KINDS)
def test_sizes_are_the_bytes_of_the_text(kind, vocabulary):
    """Guards bits per byte: the bytes of all tokens are those of the text itself, spaces that the vocabulary does not spell
    included; special tokens that somebody typed have none. 中 and é have 3 and 2 bytes."""
    known = vocabulary(kind)
    for text in (TEXT, "  the  cat, ", "the café 中 cat"):
        tokens = known.tokenize(text)[1]
        assert sum(token.size for token in tokens) == len(text.encode())
    if kind not in ("ByT5", "CTRL"):
        typed = known.tokenize(f"{TEXT}</s>")[1]
        assert typed[-1].special and typed[-1].size == 0 and sum(token.size for token in typed) == len(TEXT)
