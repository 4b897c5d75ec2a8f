"""Texts of the Generate tab."""

ACTORS = {"prompt": "your text", "written": "written by the model"}
ABOUT = (
    "What am I looking at?",
    "A language model gives every token in its vocabulary a probability of coming next: <code>softmax(logits)</code>. One "
    "token is drawn, or the most likely one is taken (greedy). It joins the text, and the model predicts again. The darker "
    "a token, the more likely the model found it. Click a token to see what else it expected there. Click a bar to go on "
    "with that token instead.",
    "Rules can step in before the draw: penalties on repetition; the temperature, which divides the logits (below 1 plays "
    "safe, above 1 takes risks); and cuts of the unlikely end: top-k, top-p (Holtzman et al. 2020), min-p (Nguyen et al. "
    "2024), typical-p (Meister et al. 2023). The bars show the model's own probabilities, before any rule. The picture "
    "below them shows what each rule did, in order.",
    "The probability of a whole continuation is the product of its tokens' probabilities; <code>ln p</code> is its "
    "logarithm. A longer text always has a smaller one, so compare them per token. Beam search keeps the few continuations "
    "with the highest at each step. A score says how likely a text is: surprisal <code>-log₂ p</code> for each token, loss "
    "for their mean, perplexity <code>2^loss</code> for the loss in bits.",
)

FIRST_MESSAGE = "How do plants make food?"

# labels and help of controls
AS_CHECKPOINT = "the model's own"
PRESETS_HELP = {
    AS_CHECKPOINT: "The settings that its makers ship with it (generation_config.json).",
    "balanced": "For stories and answers: makes sense and does not repeat itself.",
    "greedy": "For facts and short answers: always the most likely token. Long texts start to loop.",
    "raw model": "The model as it is: drawn from its own distribution, unlikely tokens included.",
    "adventurous": "For names and ideas: evens out the odds, then cuts what is far less likely than the best.",
}
SAMPLES_HELP = "With seeds 0, 1, 2, …, counted from the random seed."
BEAMS_HELP = "1 = off. Beam search keeps the most likely continuations; no dice."
SEED, SEED_HELP = "Random seed", "The same seed gives the same text."
STOP_AT = "Stop at (one per line)"
TEMPERATURE_HELP = "0 = always the most likely"
OFF_AT_0, OFF_AT_1 = "0 = off", "1 = off"
PENALTY_HELP = "Makes tokens that are there already less likely."
CHAT_EMPTY = "Send a message. The strip below shows what the model really reads."
NO_SYSTEM = "Empty: what the template says by itself"
AS_TOKENIZER = "as the tokenizer says: {code}"
UNTOLD = "the tokenizer names none, so the model decides"
DECODER_LANGUAGE = "Target language"
DECODER_LANGUAGE_HELP = "What the decoder writes, and reads here, begins with this language's token."
SECOND_TEXT, SECOND_TEXT_HELP = "Compare with a second text", "The first is your text at the top of the page."
USE_EVERYWHERE = "Use this text everywhere →"
COMPARE_WITH = "Compare the shown text with …"

TREE_TITLE = "Continuations: click one to see it. At its end: ln p, and per token"

# under the strip
CHAT_START = "Type a message, or send this one. Here you will see what the model really reads, template and all."
SOURCE_START = "Press Generate: the model reads the text with its encoder and writes with its decoder."
COMPLETE_START = "{count}. Press Generate, or click a token to see what the model expected there."
FILL_START = "Click any token to hide it. The model guesses what was there."
FILL_MORE = "Click another token to hide that one."
NO_WORDS_START = "This model predicts no words: {reason}. The other tabs show what it has."
READING = "Reading the text …"
GOING_ON = "Going on …"
CLEARED = "The tree is cleared. Your text is still here."
WRITTEN_BEFORE = "This continuation was written before."
TURN_TAKEN_BACK = "The turn was taken back."
ANSWER_CHANGED = "The answer was changed. From the next turn on, the model reads it this way."
NEW_CONVERSATION = "A new conversation."
CHAT_UNDER_LENS = "The conversation, template and all, is now your text in every tab."
TEXT_UNDER_LENS = "This is now your text in every tab."
CUT_OTHERWISE = "Read as a text, it splits into other tokens than the model wrote."

# under the chart
NO_WORDS = "This model predicts no words: {reason}."
TEXT_BEGINS = "The text begins here. Nothing comes before it, so nothing predicts it."
EXPECTED_INSTEAD = "What the model expected instead of {token}"
COMES_NEXT = "What comes next"
PICKED = "How {token} was picked, rule by rule"
CAME_ABOUT = "This token, layer by layer →"
WHY_TOKEN, BY_ITSELF = "Which words of the text made this token?", "(by itself)"
SOURCE_TOKEN = "The encoder reads this token; it predicts nothing. Press Generate to let the decoder write."

# refusals: what is wrong, and the remedy
EVICTED = (
    "Your continuations had to make room for other visitors'.",
    "The text was read again; press Generate to continue it.",
)
MODEL_CHANGED = "The model has changed.", "Wait until the text is drawn with the new one."
NOT_WRITTEN_BY_MODEL = (
    "This token is part of your text; the model did not write it.",
    "Shorten the text so that it ends before this token. Then you choose what comes next.",
)
NOTHING_PREDICTS = "Nothing comes before this token, so nothing predicts it.", "Click a later one."
MEANS_OF_TEXT = (
    "The page's edit takes numbers of the text as it was when the model began to write, so this token can't be explained by "
    "all that stands before it.",
    "Choose the first written token, or another edit.",
)
NOTHING_WRITTEN = "Nothing is written yet.", "Press Generate first."
NOTHING_MASKED = (
    "The text has no mask.",
    "Click a token: it is masked, and what the model would put there is explained.",
)
NOTHING_TO_LOOK_INTO = "Nothing is written yet.", "Press Generate, or send a message."
NO_TARGET_UNDER_LENS = (
    "The decoder wrote this, and the encoder reads another text.",
    "The Attention tab reads your text with the encoder and lets the decoder write.",
)
LENS_NEEDS_TOKENS = "Lens reads a text as its tokenizer splits it. Choose an earlier token."
MESSAGE_EMPTY = "The message is empty.", "Type one, then press Enter or Send."
ONE_TOKEN = "One token alone has no score.", "Compare texts of two tokens or more."
NO_SECOND_TEXT = "Type a second text first."
UNBATCHED_ENCODER = "an encoder reads each source by itself"
UNBATCHED_ATTENTION = "its family's own code computes attention, or counts the positions"
UNBATCHED_CACHE = "it writes without a cache"
UNBATCHED_ANGLES = "its rotary angles follow the length of the text"
UNBATCHED_MASK = "its attention hides tokens that lie in the cache"
UNBATCHED_STATE = "its cache holds more than keys and values"
UNBATCHED_FAILS = "its family's own code fails at a pass over several texts"
UNBATCHED_DIFFERS = "a pass over several texts changes the logits by {share}"
IN_TURNS = "take turns, token by token: {reason}"
AT_ONCE = " {count} write at once, a token of each in one pass: {each} tokens per second each, {total} in all."
BY_TURNS = " {count} visitors share this device and take turns, token by token."
WAITING_AT_ONCE = "{count} visitors write on this device, those of one model at once: {place}."
WAITING_IN_TURNS = "{count} visitors write on this device, in turns: {place}."
QUEUE_PLACE = "place {place} in the queue"
QUEUE_BEGUN = "it is your turn, the text is being read"
