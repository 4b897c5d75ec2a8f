"""Texts of the Positions tab."""

SCHEME_ABOUT = (
    "What am I looking at?",
    "Attention by itself sees a bag of tokens. A model learns about order only through what is added to its embeddings "
    "(sinusoidal: Vaswani et al. 2017; learned tables: BERT, GPT-2), turned into its queries and keys (rotary: Su et al. "
    "2021) or added to its scores (relative buckets: Raffel et al. 2020; ALiBi: Press et al. 2022).",
    "The badge says whether the pictures are read from the loaded model's own weights and configuration or follow the "
    "formula with the numbers that you choose. The sinusoidal encoding: <code>PE(pos, 2i) = sin(pos / base<sup>2i/d</sup>)"
    "</code>, <code>PE(pos, 2i+1) = cos(pos / base<sup>2i/d</sup>)</code>.",
)

SCORE_HEADING = "One score of this text, as its two tokens move apart"

ROTARY_ABOUT = (
    "What am I looking at?",
    "Rotary embedding (Su et al. 2021) takes the dimensions of every query and key two by two and turns each pair by "
    "position × frequency: a clock whose hand moves a little with every token, fast for the first pairs, slow for the last. "
    "Base, share of the dimensions and scaling (linear, dynamic, YaRN, Llama 3) are in the frequencies, which are read from "
    "the loaded model; where layers differ (Gemma 3), choose the kind of layer.",
    "A product of a query and a key then depends on the distance of the two tokens alone: <code>score(Δ) = Σ<sub>p</sub> "
    "|q<sub>p</sub>||k<sub>p</sub>| cos(Δ·θ<sub>p</sub> + φ<sub>p</sub>)</code> times the scaling, plus what the dimensions "
    "that don't turn add. The slider moves the two tokens apart; query and key stay those that the model computed for this "
    "text. At the real distance the sum has to be the recorded score, and the badge says how far it is off.",
    "The mean over all pairs of tokens is what every query of this head would give to every key on average, if all of them "
    "stood that far apart.",
)

DISTANCE_ABOUT = (
    "What am I looking at?",
    "For every head the weights of all pairs of tokens that stand so far apart, averaged: the mean attention over distance, "
    "measured on this text. Where a text is short, far distances are means of few pairs.",
    "<b>Local</b>: {local}. <b>Explained by distance</b>: {explained}. For all of them the first token is set aside, on "
    "which many heads rest (attention sinks, Xiao et al. 2024), and each query's other weights share the whole.",
    "<b>Periodic</b>: {periodic}. It needs {tokens} tokens. A text that repeats itself makes heads periodic that follow "
    "words, not places.",
)

FROM_THE_END = "Counted from 0; negative numbers from the end."

PERTURBATION_ABOUT = (
    "What am I looking at?",
    "Every row runs the same text again with its order or its positions broken: words shuffled, two tokens swapped, every "
    "position k later, all positions equal, positions reversed (the tokens stay, the model is told otherwise), "
    "another base of the rotary angles, the second half moved beyond the trained length. A token is compared with itself, "
    "wherever it stands now.",
    "<b>Loss</b> is −log<sub>2</sub> of the probability that the model gave the token, in bits. <b>Next-token "
    "distribution</b> is the Kullback–Leibler divergence Σ p·log<sub>2</sub>(p/q) between what the model expected after the "
    "token before (p) and now (q). <b>Attention</b> is the share of the token's attention that goes elsewhere.",
    "How a model can be told other positions is found out by trying it: a way counts only if telling it what it knows "
    "anyway changes nothing, and if equal positions leave its first layer blind to order.",
)
