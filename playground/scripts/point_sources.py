"""What the points of a cloud are, for scripts: tokens of the vocabulary, words, the tokens of a text; each a source of
vectors, and of the vectors of what was added to the picture."""

import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from playground.scripts.script import Reading

NUMPY = "import numpy as np"
FEW = 300
"""Rows that are listed as numbers; more of them as a bit for each token, 43 kB of 256,000 tokens."""
_TABLE = """
# %%
embedding = model.get_input_embeddings() if WHICH == "input embedding" else model.get_output_embeddings()
table = embedding.weight.detach().float()  # (vocabulary, width)
"""
_EVERY_TOKEN = """rows = list(range(min(len(table), len(tokenizer))))  # beyond it a table is padding
if len(rows) > COUNT:  # for so many a picture has room
    rows = np.sort(np.random.default_rng(SEED).choice(rows, COUNT, replace=False)).tolist()
"""
_LISTED = "rows = ROWS  # the tokens that pass FILTER, or a random sample of them\n"
_MARKED = """# A bit for each token: whether it passes FILTER, and is in the sample where the picture has one.
marks = np.frombuffer(zlib.decompress(b64decode(ROWS)), np.uint8)
rows = np.flatnonzero(np.unpackbits(marks)).tolist()
"""
_MARKED_IMPORTS = f"import zlib\nfrom base64 import b64decode\n\n{NUMPY}"
_OF_ROWS = "vectors, names = table[rows], named(rows)\n"
_PLACE_WORDS = '''

def placed(words):
    """The vectors of words, each the mean of its tokens' rows, or token by token; and their names."""
    parts = []
    for word in words:
        tokens = tokenizer(SPACE + word, add_special_tokens=False)["input_ids"]
        parts += [(word, [token]) for token in tokens] if BY_TOKEN else [(word, tokens)]
    return torch.stack([table[tokens].mean(0) for _, tokens in parts]), [escape(word) for word, _ in parts]


'''
_PLACED = "vectors, names = placed(WORDS)\n"
_ADDED = "added, added_names = placed(ADDED)  # what was added to the picture\n"
_STATES = """
# %%
def states_of(inputs):
    with torch.inference_mode():
        outputs = model(**inputs, output_hidden_states=True)
    return torch.cat(outputs.FIELD).float()  # (layers + 1, tokens, width)


"""
_AFTER_EACH = """def after_each(states, names):
    states, names = states[:, :512], names[:512]  # of a long text the beginning
    return states.flatten(0, 1), [f"{name} layer {layer}" for layer in range(len(states)) for name in names]


"""
_OF_MATRIX = "table[ids], named(ids)"
_OF_LAYER = "states_of(inputs)[LAYER], named(ids)"
_OF_EVERY_LAYER = "after_each(states_of(inputs), named(ids))"
_SAMPLE = """if len(vectors) > COUNT:  # for so many a picture has room
    rows = np.sort(np.random.default_rng(SEED).choice(len(vectors), COUNT, replace=False)).tolist()
    vectors, names = vectors[rows], [names[row] for row in rows]
"""


@dataclass(frozen=True)
class Source:
    """Cells that make `vectors` (points, width) and `names`, and their constants."""

    cells: str
    values: Mapping[str, object] = field(default_factory=dict)
    imports: str = ""
    reads_text: bool = False
    adds: bool = False
    """Whether they make `added` and `added_names` too, of what was added to the picture."""

    def more(self, cells: str, values: Mapping[str, object], imports: str = "", adds: bool = False) -> "Source":
        """The same with further cells behind its own."""
        return replace(
            self,
            cells=self.cells + cells,
            values={**self.values, **values},
            imports=self.imports or imports,
            adds=self.adds or adds,
        )


@dataclass(frozen=True)
class Spelling:
    """How words become tokens."""

    space: str
    """What stands before each."""
    by_token: bool
    """Whether each token of a word is a point."""

    @property
    def values(self) -> dict[str, object]:
        """Its constants."""
        return {"SPACE": self.space, "BY_TOKEN": self.by_token}


def vocabulary(matrix: str, count: int, seed: int) -> Source:
    """All tokens, or a sample of `count`. matrix: "input embedding" or "output embedding"."""
    return Source(_TABLE + _EVERY_TOKEN + _OF_ROWS, {"WHICH": matrix, "COUNT": count, "SEED": seed}, NUMPY)


def chosen_tokens(matrix: str, rows: Sequence[int], passes: Mapping[str, object]) -> Source:
    """Tokens of the vocabulary by their ids, rising. passes: the filter in words, by its parts."""
    values: dict[str, object] = {"WHICH": matrix, "FILTER": dict(passes)}
    if len(rows) <= FEW:
        return Source(_TABLE + _LISTED + _OF_ROWS, values | {"ROWS": list(rows)})
    marks = bytearray(rows[-1] // 8 + 1)
    for row in rows:
        marks[row // 8] |= 128 >> row % 8  # as numpy unpacks bits
    packed = b64encode(zlib.compress(marks, 9)).decode()
    return Source(_TABLE + _MARKED + _OF_ROWS, values | {"ROWS": packed}, _MARKED_IMPORTS)


def words(matrix: str, typed: list[str], spelling: Spelling) -> Source:
    """Words at the mean of their tokens, or token by token."""
    return Source(_TABLE + _PLACE_WORDS + _PLACED, {"WHICH": matrix, "WORDS": typed} | spelling.values)


def with_words(source: Source, added: list[str], spelling: Spelling) -> Source:
    """Tokens of the vocabulary, or words, to which words were added."""
    of_words = "WORDS" in source.values
    values = {"ADDED": added} | ({} if of_words else spelling.values)
    return source.more(("" if of_words else _PLACE_WORDS) + _ADDED, values, adds=True)


def tokens(reading: Reading, space: str | int | None, added: Reading | None = None) -> Source:
    """The tokens of the text by their rows of a matrix, or by their states after a layer, 0 the embedding; None: after every
    one. Of an encoder-decoder the encoder's. added: another text, whose tokens were added."""
    if isinstance(space, str):
        before, place = _TABLE, _OF_MATRIX
    else:
        field_name = "encoder_hidden_states" if reading.target_ids else "hidden_states"
        before = _STATES.replace("FIELD", field_name) + ("" if space is not None else _AFTER_EACH)
        place = _OF_EVERY_LAYER if space is None else _OF_LAYER
    values: dict[str, object] = {} if space is None else {"WHICH" if isinstance(space, str) else "LAYER": space}
    source = Source(f"{before}vectors, names = {place}\n", values, reads_text=True)
    if added is None:
        return source
    constants: dict[str, object] = {}
    lines = _read_added(added, constants)
    lines += f"added, added_names = {place.replace('ids', 'added_ids').replace('inputs', 'added_inputs')}\n"
    return source.more(lines, constants, adds=True)


def _read_added(added: Reading, constants: dict[str, object]) -> str:
    """The lines that make `added_ids` and `added_inputs`."""
    plain = added.text is not None and added.pair is None
    constants["ADDED"] = added.text if plain else list(added.ids)
    lines = ['added_ids = tokenizer(ADDED)["input_ids"]' if plain else "added_ids = ADDED"]
    lines.append('added_inputs = {"input_ids": torch.tensor([added_ids])}')
    if any(added.segments):
        constants["ADDED_SEGMENTS"] = list(added.segments)
        lines.append('added_inputs["token_type_ids"] = torch.tensor([ADDED_SEGMENTS])')
    if added.target_ids:
        lines.append('added_inputs["decoder_input_ids"] = inputs["decoder_input_ids"]')
    return "\n".join(lines) + "\n"


def beginning(source: Source, count: int) -> Source:
    """The first points of a source."""
    return source.more("vectors, names = vectors[:COUNT], names[:COUNT]\n", {"COUNT": count})


def sampled(source: Source, count: int, seed: int) -> Source:
    """A random sample of a source's points."""
    return source.more(_SAMPLE, {"COUNT": count, "SEED": seed}, NUMPY)
