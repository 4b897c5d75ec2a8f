"""Texts of the X-ray tab."""

ACTORS = {"residual": "a token's state (residual stream)", "attention": "attention", "written": "the model's answer"}
ABOUT = (
    "What am I looking at?",
    "The model reading your text. Each token rises through the layers as a <b>stream</b>: its state, a vector that every "
    "layer adds something to. The stream is wide where a layer changes the state much, measured by the length of what is "
    "added over the length of the state. Widths grow with the logarithm of that share, because the first layers change a "
    "state ten times as much as the others; point at a stream for the share itself.",
    "An <b>arc</b> is a head that looks from one token at another: it gives that token at least a quarter of its attention, "
    "two or more tokens away, and clearly more than its other tokens give it. The first token and special tokens are left "
    "out: heads rest there when they have nothing to say (Xiao et al. 2024). Arcs of full colour begin at the token "
    "whose answer is shown.",
    "At the right you see what the model <b>would say</b> if it stopped after that layer: the state goes through the "
    "model's own last steps, its final norm and its head (logit lens, nostalgebraist 2020). The green path is the rank of "
    "its final answer among all tokens of the vocabulary. On top is the model's real output. Early layers were "
    "never trained to be read like this, so an odd guess below says little; where the answer starts to climb says much.",
)
STACK = "Which half of the model"
FIRST = "First token shown"
OPEN_HEAD = "Layer {layer}, head {head} in Attention →"
WAITING = (
    "The model is being loaded. Then it reads your text here: each token rises through the layers, arcs show who looks at "
    "whom, and every layer shows what the model would say next."
)
HINT = "Click a token, a stream, an arc or a guess to read more."
HINT_WITHOUT_GUESSES = "Click a token, a stream or an arc to read more."
LOOKS = "Its firmest look: {look}"
LOOKS_THERE = "Its firmest look in this layer: {look}"
