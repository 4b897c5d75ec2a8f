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

FIRST_MESSAGE = "How do plants make food?"

# labels and help of controls
AS_CHECKPOINT = "as the checkpoint says"
PRESETS_HELP = {
    AS_CHECKPOINT: "What its generation_config.json says: penalty, n-grams, beams, and how tokens are drawn.",
    "balanced": "For stories and answers: sure enough to make sense, free enough not to repeat itself.",
    "greedy": "For facts and short answers: always the surest token. Long texts begin to repeat themselves.",
    "untouched": "To see the model as it is: drawn from its own distribution, improbable end included.",
    "daring": "For names and ideas: a flatter distribution, with what is far less probable than the best cut off.",
}
SAMPLES_HELP = "Drawn side by side, with seed, seed + 1, …"
BEAMS_HELP = "Beam search: keeps the most probable continuations; draws nothing."
SEED = "Seed: the same gives the same text"
CHAT_EMPTY = "Send a message: the strip below shows what the model really reads."
NO_SYSTEM = "Empty: whatever the template itself says"
AS_TOKENIZER = "as the tokenizer says: {code}"
UNTOLD = "the tokenizer names none: left to the model"
SECOND_TEXT_HELP = "The text under the lens is the first."
MODES_OFF = "What this model can't do here"

TREE_TITLE = "Continuations: click one to see it; each ends with its ln p"

# under the strip
CHAT_START = "Type a message, or press Send for this one. What the model reads will stand here, template included."
SOURCE_START = "Press Generate: the model reads the text with its encoder and writes with its decoder."
COMPLETE_START = "{count} tokens. Press Generate, or click a token to see what the model expected there."
FILL_START = "Click any token: it is masked, and the model predicts what stands there."
NO_WORDS_START = "This model expects no words: {reason}. The other tabs show what it has."
READING = "Reading the text …"
GOING_ON = "Going on …"
CLEARED = "The continuations were cleared."
WRITTEN_BEFORE = "This continuation was written before."
TURN_TAKEN_BACK = "The turn was taken back."
ANSWER_CHANGED = "The answer was changed; with the next turn the model reads it so."
NEW_CONVERSATION = "A new conversation."
CHAT_UNDER_LENS = "The conversation, template included, is now the text under the lens: every tab looks at it."
TEXT_UNDER_LENS = "This text is now the text under the lens: every tab looks at it."
CUT_OTHERWISE = "Read as a text, it is cut into other tokens than it was written in."

# under the chart
NO_WORDS = "This model expects no words: {reason}."
TEXT_BEGINS = "Here the text begins: nothing came before that could predict it."
SOURCE_TOKEN = "This token was given to the encoder, which predicts nothing. Press Generate."

# refusals: what is wrong, and the remedy
EVICTED = (
    "Your continuations had to make room for other visitors'.",
    "The text was read again and can be continued anew.",
)
MODEL_CHANGED = "The model was changed meanwhile.", "Wait until the text is drawn with the new one."
NOT_WRITTEN_BY_MODEL = (
    "This token is part of your text, which the model does not write.",
    "Shorten the text to end before it; then its alternatives are what comes next.",
)
NOTHING_WRITTEN = "Nothing was written yet.", "Press Generate first."
NOTHING_TO_LOOK_INTO = "Nothing was written yet.", "Press Generate, or send a message."
NO_TARGET_UNDER_LENS = (
    "What a decoder wrote can't be the encoder's text.",
    "The Attention tab reads the source with the encoder and writes the target itself.",
)
MESSAGE_EMPTY = "The message is empty.", "Type one, then press Enter or Send."
ONE_TOKEN = "One token alone has no score.", "Compare texts of two tokens or more."
