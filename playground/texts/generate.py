"""Texts of the Generate tab."""

ABOUT = (
    "What am I looking at?",
    "A language model gives every token of its vocabulary a probability of being the next one: "
    "<code>softmax(logits)</code>. One is drawn (or, greedily, the most probable is taken), joined to the text, and the "
    "model is asked again. The deeper the shade of a token, the more probable it was to the model. Click a token to see "
    "what else was expected there, and a bar to go on with that instead.",
    "Rules may come between: penalties on repetition, the temperature, which divides the logits (below 1 the choice "
    "becomes surer, above 1 more daring), and cuts of the improbable end: top-k, top-p (Holtzman et al. 2020), min-p "
    "(Nguyen et al. 2024), typical-p (Meister et al. 2023). The bars show the model's own probabilities, before all "
    "that; the picture below them what each rule did, in the order applied.",
    "A continuation's probability is the product of its tokens' probabilities; <code>ln p</code> is its logarithm. Beam "
    "search keeps the few continuations with the highest at each step. A score tells how likely a text is: surprisal "
    "<code>-log₂ p</code> of each token, loss the mean of <code>-ln p</code>, perplexity <code>exp(loss)</code>.",
)
