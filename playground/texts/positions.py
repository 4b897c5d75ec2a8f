"""Texts of the Positions tab."""

SCHEME_ABOUT = (
    "What am I looking at?",
    "Attention alone sees a bag of tokens without order. A model learns about order in one of three ways: something is "
    "added to the embeddings (sinusoidal: Vaswani et al. 2017; learned tables: BERT, GPT-2), queries and keys are turned "
    "(rotary: Su et al. 2021), or something is added to the scores (relative buckets: Raffel et al. 2020; ALiBi: Press et "
    "al. 2022).",
    "The badge says where the pictures come from: the loaded model's own weights, or a formula with your numbers. The "
    "sinusoidal encoding: <code>PE(pos, 2i) = sin(pos / base<sup>2i/d</sup>)"
    "</code>, <code>PE(pos, 2i+1) = cos(pos / base<sup>2i/d</sup>)</code>.",
)

SCORE_HEADING = "One score in this text, as its two tokens move apart"

CLOCK_ACTORS = {"query": "a query at the position of the slider", "key": "the key token chosen below"}
ROTARY_ABOUT = (
    "What am I looking at?",
    "Rotary embedding (Su et al. 2021) takes the numbers of every query and key two by two and turns each pair by "
    "position × frequency. Each pair is a clock: its hand moves a little with every token, fast for the first pairs, slow "
    "for the last. The frequencies are read from the loaded model, with its base and scaling (linear, dynamic, YaRN, "
    "Llama 3). Where layers differ (Gemma 3), choose the kind of layer. One hand turns as a query's numbers do at the "
    "slider's position, the other shows those of the chosen key.",
    "The product of a query and a key then depends only on how far apart the two tokens are: <code>score(Δ) = Σ<sub>p</sub> "
    "|q<sub>p</sub>||k<sub>p</sub>| cos(Δ·θ<sub>p</sub> + φ<sub>p</sub>)</code> times the scaling, plus what the dimensions "
    "that don't turn add. The slider moves the two tokens apart; query and key stay as the model computed them for this "
    "text. At the actual distance the sum must be the recorded score, and the badge says how close it comes.",
    "The mean over all pairs of tokens shows what the queries of this head would give the keys on average, if all of them "
    "stood that far apart.",
)

DISTANCE_ABOUT = (
    "What am I looking at?",
    "How much attention each head pays to tokens 1, 2, 3, … away, averaged over this text. A short text has few pairs that "
    "are far apart, so far distances are rough.",
    "<b>Local</b>: {local}. <b>Explained by distance</b>: {explained}. The first token is set aside for all of them: many "
    "heads rest on it (attention sinks, Xiao et al. 2024); each query's other weights are scaled to sum to 1.",
    "<b>Periodic</b>: {periodic}. It needs {tokens} tokens. In a text that repeats itself, heads that follow words look "
    "periodic too.",
)

FROM_THE_END = "Counted from 0; negative numbers count from the end."

PERTURBATION_ABOUT = (
    "What am I looking at?",
    "Each row runs your text again with its order or its positions broken: words shuffled, two tokens swapped, every "
    "position moved by k, all tokens in one place, positions reversed (the tokens stay, the model is told otherwise), "
    "another rotary base, the second half moved beyond the trained length. Each token is compared with itself, wherever it "
    "is now.",
    "<b>Loss</b> is −log<sub>2</sub> of the probability that the model gave the token, in bits. <b>Next-token "
    "distribution</b> compares what the model expected after the token before (p) with what it expects now (q): the "
    "Kullback–Leibler divergence Σ p·log<sub>2</sub>(p/q). <b>Attention</b> is the share of the "
    "token's attention that moved.",
    "Which way of telling positions works with a model is tried out. A way counts only if telling the model its usual "
    "positions changes nothing, and if equal positions make its first layer blind to order.",
)
