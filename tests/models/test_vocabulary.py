"""Tokens against the text they came from, with real and hand-made tokenizers of each scheme."""

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AddedToken, PreTrainedTokenizerFast

import playground as pg
from playground.models.incremental_text import IncrementalText
from playground.models.vocabulary import Vocabulary, check_text
from tests.tools import zoo
from tests.tools.translators import marian_tokenizer, sentence_pieces

MIXED = " a  b\n中😀é x"


def sentencepiece():
    """Pieces as Llama 2 has them: ▁ for a space, <0xE4> for a byte that no piece covers."""
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "▁the", "▁cat", "s", "at"]
    tokenizer = Tokenizer(
        models.Unigram([(piece, -float(i)) for i, piece in enumerate(pieces)], unk_id=0, byte_fallback=True)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence([decoders.Metaspace(), decoders.ByteFallback(), decoders.Fuse()])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>")


@pytest.fixture(scope="module")
def byte_vocabulary():
    return Vocabulary(zoo.byte_tokenizer())


def test_schemes(smollm2, minilm, byte_vocabulary):
    """Guards how bytes are read from a vocabulary: Ġ, ##, ▁ and <0xE4> mean nothing in the other schemes."""
    assert smollm2.vocabulary.scheme == byte_vocabulary.scheme == "bytes"
    assert minilm.vocabulary.scheme == "wordpiece"
    assert Vocabulary(sentencepiece()).scheme == "sentencepiece"


def test_leading_spaces_stay(smollm2):
    """Guards against decoding single ids, which loses a leading space."""
    tokens = smollm2.vocabulary.tokenize("The cat sat")[1]
    assert [t.text for t in tokens] == ["The", " cat", " sat"]
    assert [(t.start, t.end) for t in tokens] == [(0, 3), (3, 7), (7, 11)]


def test_offsets_point_into_the_text(smollm2, minilm):
    """Guards the marks on the text: for every token its own characters, also after several spaces and emoji."""
    for token in smollm2.vocabulary.tokenize(MIXED)[1]:
        assert MIXED[token.start : token.end] == token.text
    text = "Un CAFÉ crème"
    tokens = minilm.vocabulary.tokenize(text)[1]
    assert [text[t.start : t.end] for t in tokens if not t.special][:2] == ["Un", "CAFÉ"]
    assert tokens[2].text == "cafe"  # what the model reads is lower case and without accents


def test_special_tokens_stand_between(minilm, smollm2):
    """Guards [SEP] after a text that its tokenizer shortens, and special tokens that a visitor types."""
    text = "Straße, café"
    first, *_, last = minilm.vocabulary.tokenize(text)[1]
    assert first.special and (first.start, first.end) == (0, 0)
    assert last.special and last.start == last.end == len(text)
    typed = smollm2.vocabulary.tokenize("x<|im_end|>y")[1]
    assert [(t.special, t.start, t.end) for t in typed] == [(False, 0, 1), (True, 1, 11), (False, 11, 12)]


def test_a_character_of_several_pieces_is_whole(byte_vocabulary, smollm2):
    """Guards against half characters: each piece carries the character, its number, and the same place."""
    tokens = byte_vocabulary.tokenize("a中😀")[1]
    assert [t.text for t in tokens] == ["a", *["中"] * 3, *["😀"] * 4]
    assert [t.piece for t in tokens] == [None, (1, 3), (2, 3), (3, 3), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert {(t.start, t.end) for t in tokens} == {(0, 1), (1, 2), (2, 3)}
    assert tokens[2].label == "中 2/3"
    pieces = smollm2.vocabulary.tokenize("😀")[1]
    assert len(pieces) > 1 and {t.text for t in pieces} == {"😀"}


def test_ids_alone_give_the_same_tokens(byte_vocabulary):
    """Guards generated text, which has ids and no source text."""
    ids, tokens = byte_vocabulary.tokenize(MIXED)
    assert byte_vocabulary.describe(ids) == tokens


def test_sentencepiece_bytes_and_spaces():
    """Guards ▁ and byte pieces: 中 is not in this vocabulary and comes as three bytes."""
    vocabulary = Vocabulary(sentencepiece())
    tokens = vocabulary.tokenize("the cat 中")[1]
    assert [t.text for t in tokens] == [" the", " cat", " ", "中", "中", "中"]
    assert [(t.start, t.end) for t in tokens] == [(0, 3), (3, 7), (7, 8), (8, 9), (8, 9), (8, 9)]
    assert [t.piece for t in tokens][-3:] == [(1, 3), (2, 3), (3, 3)]


def test_wordpieces_lose_their_mark(minilm):
    """Guards the display of continuations: "##" is the vocabulary's mark and not part of the text."""
    assert [t.text for t in minilm.vocabulary.tokenize("embeddings")[1]] == ["[CLS]", "em", "bed", "ding", "s", "[SEP]"]


def test_sentence_pairs_count_their_own_offsets(minilm):
    """Guards offsets of the second sentence, which point into the second sentence."""
    tokens = minilm.vocabulary.tokenize("a cat", "the dog")[1]
    assert [t.segment for t in tokens] == [0, 0, 0, 0, 1, 1, 1]
    assert (tokens[4].start, tokens[4].end, tokens[4].text) == (0, 3, "the")
    assert (tokens[-1].start, tokens[-1].end) == (7, 7)


def test_unpaired_surrogates():
    """Guards against text that no tokenizer takes: half an emoji becomes U+FFFD, a whole one in halves is joined."""
    assert check_text("a\ud83d", 100) == "a\ufffd"
    assert check_text("\ud83d\ude00", 100) == "😀"


def test_too_much_text_is_refused_before_it_is_tokenized():
    """Guards the server's memory, with both numbers."""
    with pytest.raises(pg.PlaygroundError, match=r"12 bytes.*at most 10"):
        check_text("中中中中", 10)
    with pytest.raises(pg.PlaygroundError, match="no text"):
        check_text("", 10)


def test_text_arrives_character_by_character(byte_vocabulary):
    """Guards the stream of generated text: no half characters, none lost, none twice."""
    stream, parts = IncrementalText(byte_vocabulary), []
    for token_id in byte_vocabulary.tokenize("a中😀b")[0]:
        parts.append(stream.push(token_id))
    assert parts == ["a", "", "", "中", "", "", "", "😀", "b"]
    assert stream.flush() == ""


def test_a_broken_character_does_not_stop_the_stream(byte_vocabulary):
    """Guards models that produce a byte that begins a character and never end it."""
    first, letter = byte_vocabulary.tokenize("中")[0][0], byte_vocabulary.tokenize("b")[0][0]
    stream = IncrementalText(byte_vocabulary)
    assert [stream.push(first), stream.push(letter)] == ["", "\ufffdb"]
    stream.push(first)
    assert stream.flush() == "\ufffd"


def test_ids_beyond_the_vocabulary(byte_vocabulary):
    """Guards models that pad their embedding matrix: such a row may be drawn, and has no text of its own."""
    assert byte_vocabulary.describe([100_000])[0].text == "<100000>"


def test_ids_beyond_a_sentencepiece_vocabulary(tmp_path):
    """Guards a translation that ended with an error of Python's: SentencePiece raises where other tokenizers say None."""
    sentence_pieces(tmp_path)
    assert Vocabulary(marian_tokenizer(tmp_path)).describe([100_000])[0].text == "<100000>"


def test_an_end_that_only_its_token_calls_special(byte_vocabulary):
    """Guards against <|im_end|> printed as text and counted as a character: added as special, and named by none of the
    tokenizer's own names, so that `all_special_ids` lacks it."""
    tokenizer = zoo.byte_tokenizer()
    tokenizer.add_tokens([AddedToken("<|im_end|>", special=True), AddedToken("<plain>", special=False)])
    ids = [tokenizer.convert_tokens_to_ids(piece) for piece in ("<|im_end|>", "<plain>")]
    assert ids[0] not in tokenizer.all_special_ids
    vocabulary = Vocabulary(tokenizer)
    letter = byte_vocabulary.tokenize("a")[0][0]
    tokens = vocabulary.describe([letter, *ids])
    assert [token.special for token in tokens] == [False, True, False]
    assert [(token.start, token.end) for token in tokens] == [(0, 1), (1, 1), (1, 8)]
    stream = IncrementalText(vocabulary)
    assert [stream.push(i) for i in (letter, *ids)] == ["a", "", "<plain>"]
