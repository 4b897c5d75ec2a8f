"""The ways to make one vector of a sentence's tokens, as sentence-transformers and the page name them."""

from playground.scripts.sentences import CLS, LAST, MAX, MEAN, SQRT, WEIGHTED

OWN = "the model's own"
"""The pooling that the model was trained with, as the page lists it."""

NAMES = {
    CLS: "first token",
    MAX: "maximum over the tokens",
    MEAN: "mean of the tokens",
    SQRT: "sum of the tokens by the root of their number",
    WEIGHTED: "mean of the tokens, later ones weighing more",
    LAST: "last token",
}
"""sentence-transformers' name -> words for people."""
