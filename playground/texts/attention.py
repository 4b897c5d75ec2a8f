"""Texts of the Attention tab."""

PAIR = "The cat sat on the mat. {sep} It was tired and wanted to sleep."
"""Two sentences round the model's separator."""

WHO = "Who looks from A to B? Click two tokens"
WHO_NEXT = "A is “{token}”. Now click B, the token that it looks at."
MOST_TELLING = "↩ Most telling head"

HEADS_ABOUT = (
    "What am I looking at?",
    "Each token asks every token that it may see how much it matters. The answer is a row of weights that sum to 1: "
    "<code>softmax(q·kᵀ / √d + mask)</code>, where q and k are vectors that the layer makes of each token "
    "(Vaswani et al. 2017, section 3.2.1). The row of a token is what it attends <em>from</em>; the columns are what "
    "it attends <em>to</em>.",
    "Many heads rest on the first token when they have nothing to say (Xiao et al. 2024), those of BERT on its special "
    "tokens (Clark et al. 2019): ignore these to see the rest. Weights tell where a head looks, not what it does with "
    "what it finds there; times the norms of the values (Kobayashi et al. 2020) they tell how much each token adds.",
    "Of a long text each cell stands for a block of tokens, by its largest weight, so that no spike is lost, or by its "
    "mean; zoom in (drag) and the exact numbers are drawn, double-click to see all.",
)

STEPS_ACTORS = {"query": "query q", "key": "key k", "value": "value v", "attention": "attention: weights and output"}
STEPS_ABOUT = (
    "What am I looking at?",
    "One query token asks, every token that it may see answers. Each row is a key token; from left to right stand its "
    "product with the query, the same scaled, what the model adds (a cap, a bias, the mask) and the weight after the "
    "softmax (Vaswani et al. 2017, section 3.2). Every number is what the model used: the queries, keys and values were "
    "recorded, and the badge says how far this arithmetic is from the model's own result.",
    "The head's output is the weighted sum of the values. The outputs of all heads, one after the other, times W^O are "
    "what the layer adds to the residual stream: each head's share of it is its output times its own part of W^O.",
)

WHAT_IF = "What if? Change a number"
WHAT_IF_HINT = "Nothing is changed yet. Type a new score for the key token, hide it, or scale all scores."
BY_DIMENSION = "Dimension by dimension, and all heads together"
HAND_SIZED = "The same by pencil and paper: three words, two dimensions"

HAND_SIZED_NOTE = (
    "q = (1, 2). Keys: the (0, 0), black (0.98, 0), cat (0, 0.777). q·k is 0, 0.98 and 1.554; divided by √2: 0, "
    "0.693, 1.099. e to these powers: 1, 2, 3, together 6, so the weights are 1/6, 2/6, 3/6. Values: the (6, 0), "
    "black (0, 3), cat (2, 2). The output is (6/6 + 0 + 6/6, 0 + 6/6 + 6/6) = (2, 2)."
)
"""The example's numbers, for a pupil to check."""

FLOW_ABOUT = (
    "What am I looking at?",
    "Attention tells where one layer looks. After many layers a token's state has been mixed many times, so a "
    "weight of a late layer does not say from which word something came. Each row is a layer, each column a token of the "
    "text: how much of the chosen token's state after that layer can come from there.",
    "<b>Rollout</b> multiplies the layers' weights: the share of all paths. <b>Flow</b> takes every weight as the width of "
    "a pipe and asks how much all paths together let through; its rows don't sum to 1 (both Abnar and Zuidema 2020). They "
    "take the mean over heads and count the residual stream, by which a token keeps itself, half in every layer: "
    "<code>(mean over heads + I) / 2</code>. That half is an assumption of the method and not measured, and neither looks "
    "at the values.",
)

ROLES = {
    "self": "looks at itself",
    "previous": "looks at the token before",
    "first": "looks at the first token (sink)",
    "duplicate": "looks at its twin (the same token before)",
    "induction": "copies what followed its twin (induction)",
    "local": "looks nearby (local)",
    "distance": "how far it looks, in tokens",
    "entropy": "how widely it looks, in bits (entropy)",
}
"""The measures of a head in plain words."""
ROLES_SUMMARY = "How are these measured?"
ROLES_CLOSING = (
    "Each is a mean over the tokens of a text: of your text, induction of random tokens that come twice; a "
    "text says only what it can say: without a repeated token there is no duplicate score. For all but “first” the first "
    "token is set aside, on which many heads rest: each token's other weights share the whole. A head that gives it over "
    "99 % is a sink, of which nothing else is said. The strongest role of a head is looked for on one text, the random "
    "tokens."
)
"""After the definition of each measure."""

BERTVIZ_ABOUT = (
    "What am I looking at?",
    "The views of bertviz (Vig 2019), on this model's recorded numbers. Head view: lines from each token to what it attends "
    "to, one colour a head; click colours to choose heads, hover a token for its own lines. Model view: every head small; "
    "click one to open it. Neuron view: hover a token and press + to see its query, each key, their products dimension by "
    "dimension, and the softmax.",
)
