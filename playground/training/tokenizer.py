"""A tokenizer for the words of a task, made from nothing: each character, or each word, is a token."""

from collections.abc import Iterable

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

PAD, BEGIN, END, UNKNOWN = range(4)
SPECIALS = ("<pad>", "<s>", "</s>", "<unk>")
"""Their ids are 0, 1, 2, 3."""


def character_tokenizer(characters: Iterable[str], context: int, *, ends: bool = False) -> PreTrainedTokenizerFast:
    """Every character is a token; one that was not among `characters` is <unk>.

    context: the most tokens of a text. ends: whether </s> is put behind a text, as an encoder expects it.
    """
    return _tokenizer(sorted(set(characters)), r"[\s\S]", context, ends)


def word_tokenizer(pieces: Iterable[str], context: int, *, ends: bool = False) -> PreTrainedTokenizerFast:
    """Every word of small letters is a token together with the space before it, every other character by itself. A text
    that begins with a word is read as if a space stood before it."""
    tokenizer = _tokenizer(sorted(set(pieces)), r" ?[a-z]+|[\s\S]", context, ends)
    space = [normalizers.Prepend(" "), normalizers.Replace(Regex(r"^ (?![a-z])"), "")]
    tokenizer.backend_tokenizer.normalizer = normalizers.Sequence(space)
    return tokenizer


def _tokenizer(pieces: list[str], pattern: str, context: int, ends: bool) -> PreTrainedTokenizerFast:
    vocabulary = {piece: number for number, piece in enumerate([*SPECIALS, *(p for p in pieces if p not in SPECIALS)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=SPECIALS[UNKNOWN]))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIALS])
    if ends:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"$A {SPECIALS[END]}",
            pair=f"$A {SPECIALS[END]} $B:1 {SPECIALS[END]}:1",
            special_tokens=[(SPECIALS[END], END)],
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=SPECIALS[PAD],
        bos_token=SPECIALS[BEGIN],
        eos_token=SPECIALS[END],
        unk_token=SPECIALS[UNKNOWN],
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )
