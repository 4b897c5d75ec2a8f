"""Texts of the Tasks tab."""

EXAMPLES = {
    "a review": "The food was cold and the waiter was rude, but the view was lovely.",
    "not bad": "It was not bad at all.",
    "so good": "What a warm, funny and clever film!",
    "names": "Marie Curie was born in Warsaw and worked at the Sorbonne in Paris.",
    "中文": "这部电影温暖又聪明。",
}
"""Texts to try, by the words on their buttons; each becomes the text of every tab."""
LABELS = "positive, negative"
LABELS_LABEL, LABELS_HELP = "Labels", "Separate with commas; 2 to 100 of them."
TEMPLATE = "Review: {text}\nSentiment: {label}"
TEMPLATE_LABEL, TEMPLATE_HELP = "Template", "{text} is your text, {label} at the end each label in turn."
HEAD_WAY, WORDS_WAY, TAUGHT_WAY = "the checkpoint's head", "its own words", "a layer taught on lines"
WAY = "Labels are scored by"
METHOD, AGAINST = "Why, by", "and not"
LINES_LABEL = "Lines to teach on: a text, a tab, semicolon or comma, its label"
LINES_HELP = "Empty: 200 lines of ours in English and Chinese, positive and negative."
EXPLAINED, NONE, NO_ANSWER, PICKED_SPAN = "Why", "(by itself)", "no answer", "the span that you clicked"
EXPLAINING, WHY_STOPPED = "Finding what each word adds.", "Stopped before the words were explained."
READING_WINDOWS = "Reading the text, window by window."
SCORING_LABELS = "Reading the text with each label."
READING_STOPPED = "Stopped before the text was read."
SHOW_PYTHON = "Show Python: the same numbers with transformers alone"
WAITING = "The model is being loaded. Then your text gets its labels here, and what each word says for them."
HOW_GOOD = "How good is it? 100 examples"
HOW_GOOD_ANSWERS, HOW_GOOD_TAGS = "How good is it? 100 questions", "How good is it? 100 sentences"
HOW_GOOD_SUMMARIES = "How good is it? 100 passages"
EXACT = "Right is the answer word for word, but for case, signs and an article."
CONTAINED = "Right is what contains the answer's words."
SUMMARY_RULE = "Right is a summary that holds both key facts and at most half of the passage's letters."
CLASSIFY_ABOUT = (
    "What am I looking at?",
    "<b>The checkpoint's head</b>: a model that was trained to classify has a layer that gives each label a number, its "
    "logit. <code>softmax</code> makes probabilities of them; where several labels may hold at once, each has its own by "
    "<code>sigmoid</code>. <b>Its own words</b>: a language model reads your text in a template and says how likely each "
    "label's words are next. What it says of an empty text is taken off, or a frequent word would always win (contextual "
    "calibration, Zhao et al. 2021). <b>A layer taught on lines</b>: softmax(W·x + b) on the text's vector, taught here in "
    "seconds.",
    "<b>Why</b>: what each word adds to the difference of two labels' logits, in nats. <b>Integrated gradients</b> follow "
    "the score from a text of blanks to yours and share the difference out (Sundararajan et al. 2017): the parts must add "
    "up to it. The score bends on the way, so the slope is taken at up to 64 places, most of them where it misses the "
    "score's change; parts that are off by more than 1 %, or by more than 10 % stretch by stretch, are not shown. "
    "<b>Gradient × input</b> takes the slope at your "
    "text alone. <b>Occlusion</b> blanks one word at a time and needs no gradient. They answer different questions, "
    "so they may differ.",
    "<b>How good is it?</b> 100 sentences of our own, half English and half Chinese, half positive and half negative; none "
    "of them is taught on. The interval says what so few examples leave open (Wilson 1927).",
)
PAIRS = {
    "not good / good": ("The food was not good.", "The food was good."),
    "hardly / really": ("It was hardly funny.", "It was really funny."),
    "cheap / inexpensive": ("The hotel was cheap.", "The hotel was inexpensive."),
    "不好 / 好": ("这家饭馆的菜不好吃。", "这家饭馆的菜好吃。"),
}
"""Pairs of texts that differ in a word or two."""
SECOND_TEXT, SECOND_TEMPLATE = "The food was good.", "{text}\nAll in all it was {label}"
BESIDE, SECOND_TEXT_LABEL = "Compare", "The second text; the first is your text at the top"
SECOND_TEMPLATE_LABEL, SECOND_MODEL = "The second template; the first is below", "The second model"
FIRST_SIDE, SECOND_SIDE = "Your text", "The second text"
CHOOSE_MODEL = "Choose a second model and press Compare: it is loaded beside the first, within the server's memory."
BESIDE_ABOUT = (
    "What am I looking at?",
    "<b>Two texts</b> that differ in a word show what this word does: it is marked, and the shades and bars say how it, and "
    "the words round it, spoke for the first text's label. <b>Two templates</b> show how much a language model's answer "
    "depends on the way it is asked. <b>Two models</b> read the same text. On both sides the same two labels are explained, "
    "where both have them.",
)
MANY = """The soup was wonderful and the waiter kind.
We waited an hour and the soup was cold.
I would not call it a good film.
Not a bad film at all.
The battery lasts two days.
The screen broke in the first week.
这家店的服务很周到。
手机用了三天就坏了。"""
MANY_LABEL = "Lines: one text on each, at most 1,000"
RUN_LIST, SORTABLE = "Run the list", "Answers: click a column to sort"
TABLE_FILE, SAVE_TABLE = "Open a table (CSV)", "Save as CSV"
COLUMN, FIRST_ROW = "Lines are in column", "The first row names the columns"
PARTED = {"": "", ",": ", parted by commas", ";": ", parted by semicolons", "\t": ", parted by tabs"}
PARTED |= {"|": ", parted by bars"}
LIST_TASKS = {
    "classify": "Each line gets a label by {model}, and the probability of each label.",
    "answer": "{model} answers each line as a question about the passage.",
    "tag": "{model} tags the words of each line.",
}
LIST_ABOUT = (
    "What am I looking at?",
    "Each line goes through the model by itself, as a single text does in the other views; the numbers are the same. "
    "<b>Confidence</b> is the probability of the answer: of tags the lowest of the line's spans, of an answer P(start) · "
    "P(end). It says how sure the model is, not how right: a poor model may be sure of wrong answers. Sort by it to see "
    "the lines that are worth a look.",
    "A table of at most 1 MB may be parted by commas, semicolons, tabs or bars, in any usual encoding; both are told from "
    "the file and said. Of several columns the one with the longest texts is taken first. In the saved CSV a cell that a "
    "spreadsheet would run as a formula begins with an apostrophe.",
)
QUESTION = "Who paid for the bridge?"
PASSAGE = (
    "The old stone bridge was built in 1732. A merchant named Anna Weber paid for it with the money that she had made in "
    "the salt trade. A flood carried it away in 1890, and the city of Halden rebuilt it two years later."
)
ANSWER_READY = "Press Answer: {model} {how}"
ANSWERING, ANSWER_TOKENS = "Answering. Stop ends it.", "The answer's tokens"
SECOND_QUESTION = "Who rebuilt the bridge?"
SECOND_PASSAGE = (
    "The old stone bridge was built in 1732. A miller named Karl Brandt paid for it with the money that he had made in the "
    "wool trade. A flood carried it away in 1890, and the city of Halden rebuilt it two years later."
)
FIRST_ASKED, SECOND_ASKED = ("Question", "Passage"), ("The second question", "The second passage")
COMPARE, COMPARE_ANSWERS = "Compare", "Press Compare: both answers appear below, each with the words that made it."
OF_WHAT, LABELS_BESIDE, ANSWERS_BESIDE = "Of", "labels", "answers"
NEITHER_BESIDE = "{model} neither gives labels nor answers questions, so there is nothing to compare here."
READS = "marks the answer in the passage."
WRITES = "is no reader; it answers through its chat template, and what it writes is looked for in the passage."
ANSWER_ABOUT = (
    "What am I looking at?",
    "A reader gives every token of the passage two numbers: how well the answer begins there, and how well it ends there. "
    "The answer is the span with the largest sum, of all that end after they begin and have at most 30 tokens: every one is "
    "tried. Its probability is P(start) · P(end), each a softmax over the passage and the place of “no answer” ([CLS]). A "
    "passage longer than the model reads is read in windows that overlap, and one softmax runs over all of them.",
    "A language model is no reader: it writes an answer after the passage and the question. What it writes may stand "
    "nowhere in the passage; then nothing is marked, and it says so.",
)
IN_PASSAGE = "What it repeats of the passage is marked; all else is the model's own: check it yourself."
NOT_IN_PASSAGE = "These words stand nowhere in the passage, so nothing is marked: check them yourself."
TAG_ABOUT = (
    "What am I looking at?",
    "A tagger gives every token a label; <code>B-</code> begins a name and <code>I-</code> goes on with it, <code>O</code> "
    "is outside of all. Tokens of one word may disagree: <b>simple</b> lets them, <b>first</b> takes the word's first "
    "token, <b>average</b> the mean of all, <b>max</b> the one that is surest, as in transformers' pipeline.",
)
NO_TAGGER = (
    "Tagging needs a checkpoint that was trained for it, such as dslim/bert-base-NER: {model} has no such head, and no "
    "words of a language model say which token of a text they mean."
)
NO_WAY = "This model can't classify: {reason}."

SHOW_WRITING_PYTHON = "Show Python: the same words with transformers alone"
TRANSLATION_EXAMPLES = {"a number": "eight hundred and four", "a sentence": "The cat drinks milk.", "one word": "water"}
"""Texts to translate, by the words on their buttons."""
SOURCE_LANGUAGE, TARGET_LANGUAGE, TRANSLATION = "From", "To", "Translation"
MEAN_OF_ALL = "mean of all"
PART, ALIGN_LAYER, ALIGN_HEAD = "Window", "Layer", "Head"
PREFIX_LABEL = "Words before the text"
PREFIX_HELP = "For a model that is told its task in words (T5). Empty: as its configuration says."
EXAMPLES_LABEL = "Examples"
EXAMPLES_HELP = "{text} is your text. The model goes on to the end of the line."
TRANSLATE_READY = "Press Translate: {model} {how}"
TRAINED_TO_WRITE = (
    "reads your text with its encoder and writes with its decoder what it was trained to: a translation, a summary, or "
    "something else."
)
BY_EXAMPLES = (
    "was not trained to translate. It is given examples (below) and goes on; what it writes may be wrong in every word. "
    "“How good is it?” measures it. In Train, “Translate numbers” teaches a small translator in seconds."
)
NO_ALIGNMENT = "No alignment: {reason}."
HOW_GOOD_TRANSLATION = "How good is it? 100 lines, English to Chinese"
TRANSLATE_ABOUT = (
    "What am I looking at?",
    "<b>The words</b> are the most likely at each step, or the best of several beams where the checkpoint asks for beams; "
    "the script under “Show Python” prints the same. Click a token: the bars are the model's own probabilities of what else "
    "could have stood there.",
    "<b>The lines</b>: while a word is chosen, each head of the decoder looks at the source (cross-attention). Of words of "
    "several tokens the sum over those that are looked at, the mean over those that look (Clark et al. 2019). A line means "
    "a fifth of a word's attention or more. Attention is what a head reads from, not why a word was chosen; the mean of all "
    "heads blurs those that align, so look at single ones too.",
    "<b>Long texts</b> are read in windows of whole sentences, as many as the model reads; nothing is cut off.",
    "<b>How good is it?</b> 50 words and 50 numbers in words, English to Chinese, of our own; none of the numbers is among "
    "those that Train's translator learns from. Right is what is exactly one of the translations that we wrote down.",
)
SUMMARY_PASSAGE = (
    "The old stone bridge was built in 1732. A merchant named Anna Weber paid for it with the money that she had made in "
    "the salt trade. A flood carried it away in 1890, and the city of Halden rebuilt it two years later. Today it carries "
    "only people on foot, because its arches are too weak for cars."
)
SUMMARY_LABEL, SUMMARY_TOKENS = "Passage", "The summary's tokens"
ASK_LABEL = "How the model is asked"
ASK_HELP = "Empty: as its configuration says; of a chat {passage} is your passage."
SUMMARISE_READY = "Press Summarise: {model} {how}"
WRITES_SUMMARY = "answers through its chat template; whether what it says is true of the passage, check yourself."
NEW_WORDS = "Marked: words that stand nowhere in the passage. Copied words can be put together wrongly too."
SENTENCE_OF_SUMMARY = "Where does this sentence come from?"
NO_SOURCES = "Where its sentences come from can't be shown: {reason}."
SUMMARISE_ABOUT = (
    "What am I looking at?",
    "<b>Copied and new</b>: from left to right the longest runs of words that stand in the passage too, as Grusky et al. "
    "(2018) count them. A new word may be right, and a sentence of copied words may be wrong: this shows what to check.",
    "<b>Where it comes from</b>: the cross-attention of a sentence's tokens, the mean of all heads of all layers, over the "
    "passage; the table sums it by sentence. Only a model with an encoder and a decoder has it: one that reads and writes "
    "in one stack looks at its prompt and at its own words alike.",
    "<b>Long passages</b> are read in windows of whole sentences that overlap, each summarised by itself.",
    "<b>How good is it?</b> 100 passages of our own, half English and half Chinese, each with two key facts that a summary "
    "must not lose, such as who and what. A fact is kept where one of the words that we wrote down for it stands in the "
    "summary. That is a rough measure: a summary in other words counts as wrong, and one that holds both words and says "
    "something false of them counts as right.",
)
