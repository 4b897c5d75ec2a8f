"""What the projector's controls say: which points, where they are to lie, how they are coloured. Knows no models."""

import zlib
from typing import NamedTuple

from playground.analysis.embeddings.vocabulary_filter import ANY, Filter
from playground.errors import PlaygroundError

LAYOUTS = ("PCA", "t-SNE", "UMAP")
VOCABULARY, WORDS, TOKENS, SENTENCES = KINDS = "vocabulary", "words", "tokens of the text", "sentences"
SCRIPT, CHARACTERS, NORM = "script", "characters", "norm"
SIMILARITY = "similarity to the chosen point"
COLOURS = (SCRIPT, CHARACTERS, NORM, "cluster (k-means of the vectors)", "cluster (HDBSCAN of the picture)", SIMILARITY)
"""Those that all kinds of points have."""
EVERY_LAYER = "after every layer"
OWN = "the model's own"
"""Way of making a sentence of its tokens."""


class Asked(NamedTuple):
    """What the controls say."""

    what: str = VOCABULARY
    layout: str = "PCA"
    colour: str = ""
    """One that such points don't have is the first one that they have."""
    components: int = 2
    space: str = ""
    """As the list names it; the usual one if such points have none of that name."""
    wanted: Filter = Filter()
    count: int = 0
    perplexity: float = 0.0
    near: int = 0
    spread: float = 0.1
    """The least distance of two points of UMAP."""
    seed: int = 0
    directions: bool = False
    """Every vector is scaled to length 1 before it is laid out."""
    text: str = ""
    """The words, the text under the lens, or the sentences, one a line."""
    by_token: bool = False
    pooling: str = OWN
    dropped: str = ""
    chosen: int | None = None
    """The point clicked or searched for last."""

    @property
    def source(self) -> tuple:
        """All that decides which points there are, before some of them are taken: a number of one means the same in all."""
        parts = {
            VOCABULARY: (),
            WORDS: (self.text, self.by_token),
            TOKENS: (self.text, self.space == EVERY_LAYER),
            SENTENCES: (self.text,),
        }
        return self.what, *parts[self.what]

    @property
    def placed_by(self) -> tuple:
        """All that decides where points lie, but for the space."""
        how = {"PCA": (), "t-SNE": (self.perplexity,), "UMAP": (self.near, self.spread)}[self.layout]
        which = self.wanted if self.what == VOCABULARY else self.pooling if self.what == SENTENCES else ""
        return *self.source, which, self.count, self.seed, self.directions, self.layout, self.components, *how

    @property
    def kind(self) -> str:
        """A layout's name, with all that decides it."""
        return str(zlib.crc32(repr((self.space, self.placed_by)).encode("utf-8", "replace")))


def asked(
    what=VOCABULARY,
    layout="PCA",
    colour="",
    dimensions="2D",
    space="",
    script=ANY,
    leading=ANY,
    least=0,
    most=1000,
    pattern="",
    count=0,
    perplexity=0,
    near=0,
    spread=0.1,
    seed=0,
    directions=False,
    words="",
    by_token=False,
    text="",
    lines="",
    pooling=OWN,
    dropped="",
    chosen=None,
) -> Asked:
    """The values of the controls, in the order of the page. PlaygroundError for a missing number or an unknown choice."""
    if None in (least, most, count, perplexity, near, spread, seed):
        raise PlaygroundError("A number is missing.", "Fill it in.")
    for name, value, known in (("layout", layout, LAYOUTS), ("kind of points", what, KINDS)):
        if value not in known:
            raise PlaygroundError(f"There is no {name} {value!r}.", f"Choose one of: {', '.join(known)}.")
    if count < 0 or not 0 <= seed < 2**32:
        raise PlaygroundError(f"A sample of {count:,} with seed {seed:,} can't be drawn.", "Both count from 0.")
    wanted = Filter(leading or ANY, script or ANY, int(least), int(most), pattern or "")
    given = {VOCABULARY: "", WORDS: words, TOKENS: text, SENTENCES: lines}[what] or ""
    return Asked(
        what,
        layout,
        colour or "",
        3 if dimensions == "3D" else 2,
        space or "",
        wanted,
        int(count),
        float(perplexity),
        int(near),
        float(spread),
        int(seed),
        bool(directions),
        given,
        bool(by_token),
        pooling or OWN,
        dropped or "",
        chosen,
    )
