"""The glossary: a plain sentence for every term of the field that the page uses. `components/glossary.py` marks the terms in
the page's own texts and shows their sentence on hover, focus and tap."""

from typing import NamedTuple


class Term(NamedTuple):
    """A term and its sentence."""

    sentence: str
    also: tuple[str, ...] = ()
    """Other spellings of it. A plural s needs none."""
    everywhere: bool = True
    """False for words that nearly every sentence has: they are marked in the long explanations only."""


TERMS = {
    # text and tokens
    "token": Term("The piece of text a model reads: a word, a part of a word, a sign.", everywhere=False),
    "special token": Term("A token that is no text, such as a mark for the start, the end or a blank."),
    "tokenizer": Term("Cuts a text into tokens and joins tokens back into a text."),
    "vocabulary": Term("All tokens the model knows.", everywhere=False),
    "embedding": Term(
        "The vector a token enters the model with: a list of numbers, one row of a table.", everywhere=False
    ),
    "chat template": Term("The frame of special tokens and roles that turns a conversation into one text."),
    "n-gram": Term("A run of n tokens in a row."),
    # probabilities
    "logits": Term("The raw scores the model gives every token before they become probabilities.", ("logit",)),
    "softmax": Term("Turns any list of scores into shares that sum to 1; a higher score gets a larger share."),
    "ln p": Term(
        "The natural logarithm of a probability. 0 is certain; far below 0 is unlikely.", ("log-probability",)
    ),
    "bits": Term(
        "The unit of surprise: one bit is a fair coin toss. Each further bit halves the probability.", ("bit",)
    ),
    "nats": Term("The unit that training programs print: 1 nat is 1.44 bits.", ("nat",)),
    "surprisal": Term("How unexpected a token was: −log₂ of its probability, in bits. 50 % is 1 bit, 25 % is 2 bits."),
    "entropy": Term("How unsure the model is: the surprisal to expect, in bits. 3 bits are like 8 equal choices."),
    "perplexity": Term("Between how many equally likely tokens the model seems to choose, on average. Lower is surer."),
    "loss": Term("The mean surprisal of a text's tokens: what training makes smaller."),
    "log-likelihood": Term("The logarithm of the whole text's probability: the sum over its tokens."),
    "rank": Term("The place in the list of all tokens, the most likely first.", everywhere=False),
    "Kullback–Leibler divergence": Term(
        "How much one distribution differs from another, in bits; 0 if they are equal.", ("KL divergence",)
    ),
    # writing
    "temperature": Term("Divides the logits before the draw: below 1 plays safe, above 1 takes risks."),
    "top-k": Term("Keeps the k most likely tokens for the draw and cuts the rest."),
    "top-p": Term("Keeps the most likely tokens that together reach the share p, and cuts the rest."),
    "min-p": Term("Cuts every token less likely than this share of the best one."),
    "typical-p": Term("Keeps the tokens about as surprising as expected, and cuts the obvious and the odd."),
    "greedy": Term("Always take the most likely token; nothing is left to chance."),
    "beam search": Term("Follows several continuations at once and keeps the most likely ones.", ("beam",)),
    "KV cache": Term(
        "The keys and values of all tokens so far, kept so that each new token costs one step.",
        ("key-value cache", "cache"),
    ),
    # inside
    "layer": Term("One step of the model: attention, then a small network. A model stacks many.", everywhere=False),
    "attention": Term("How a token looks at other tokens and takes something over from them.", everywhere=False),
    "head": Term(
        "One of several parts of a layer's attention; each looks in its own way.", ("heads",), everywhere=False
    ),
    "query": Term(
        "The vector with which a token asks. It is compared with the keys of the others.", ("queries",), False
    ),
    "key": Term("The vector with which a token answers a query.", ("keys",), everywhere=False),
    "attention sink": Term("A token, mostly the first, where heads rest when they have nothing to do.", ("sink",)),
    "causal": Term("Each token sees only itself and those before it."),
    "residual stream": Term("A token's state on its way up: each layer adds something to it."),
    "d_model": Term("How many numbers a token's state has.", ("Width",)),
    "RMSNorm": Term("Scales a vector to a standard length before a layer reads it."),
    "LayerNorm": Term("Centres a vector and scales it to a standard length before a layer reads it."),
    "gated": Term("One half of the small network decides how much of the other half passes."),
    "silu": Term("A smooth curve that lets large numbers pass and small ones fade."),
    "tied": Term("The same table turns tokens into vectors at the start and vectors into tokens at the end."),
    "W^O": Term("The matrix that turns the outputs of all heads into what the layer adds."),
    "grouped-query attention": Term("Several heads share keys and values, which makes the cache smaller."),
    "rollout": Term("Multiplies the attention of all layers: along how many paths a token reaches another."),
    "MLP": Term("The small network of a layer, after its attention; it reads each token by itself.", everywhere=False),
    "neuron": Term("One number inside an MLP. How large it is says how much of its own vector is added to the state."),
    "final norm": Term("Scales the last state to a standard length before the head reads it."),
    "logit lens": Term("Reads a guess from a middle layer, as if the model stopped there."),
    "induction": Term("Finds an earlier copy of the current token and looks at what followed it."),
    "float32": Term("Numbers of 32 bits, about seven digits: the most exact format here."),
    "bfloat16": Term("Numbers of 16 bits, about three digits: half the memory."),
    "int8": Term("Weights rounded to 255 steps: a quarter of the memory."),
    # positions
    "rotary": Term(
        "Turns queries and keys by an angle that grows with the position, so that scores depend on the distance.",
        ("RoPE",),
    ),
    "ALiBi": Term("Takes a little off each score for every token of distance."),
    "sinusoidal": Term("Marks positions by sine and cosine waves of many lengths, added to the embedding."),
    "relative buckets": Term("Adds a learned number to a score, one for each range of distances."),
    "η²": Term("The share of the differences that distance alone explains: 0 nothing, 1 all."),
    "autocorrelation": Term("How well a curve fits itself when it is moved: 1 means it repeats exactly."),
    # embeddings
    "cosine": Term("How alike two vectors point: 1 the same way, 0 unrelated, −1 opposite."),
    "dot product": Term("Multiplies two vectors number by number and adds up: large if they are long and point alike."),
    "PCA": Term("Draws points along the directions in which they differ most.", ("principal component analysis",)),
    "variance": Term("How much points differ. A picture shows only the part that its axes hold."),
    "t-SNE": Term("Draws near points near. Far apart on the picture means nothing."),
    "UMAP": Term("Draws near points near, and faster than t-SNE. Far apart on the picture means little."),
    "anisotropy": Term("Most vectors of a model point partly the same way, so even random ones look alike."),
    "pooling": Term("How one vector is made of the vectors of all tokens, often their mean."),
}
"""Each as it is written inside a sentence; capitals are ignored unless the term has some."""

SIGNS = {
    "·": "A space.",
    "⏎": "A line break.",
    "⇥": "A tab.",
    "⟨": "A byte, or a character that can't be seen, by its number.",
    "◌": "Stands in for the letter under an accent.",
    "(empty)": "A token without any text of its own.",
    "×2": "One character made of several tokens: the small number says how many.",
}
"""Marks that tokens are drawn with -> what they stand for."""
