"""Texts of the Train tab."""

_ONE_STACK = "GPT-2, a single stack, learns it too: untick “Encoder and decoder” under “Model and optimiser”."
LESSONS = {
    "repeat": (
        "A sequence of 5 to 13 random letters repeats. Which letter comes next?",
        "To predict a letter, the model must find where the current one stood before and copy what followed it. Two kinds "
        "of heads do this together: one attends to the previous token, the other (induction) to the token that followed "
        "the earlier occurrence. Both scores jump, and the loss drops with them.",
    ),
    "repeat_gpt2": (
        "The same task for a GPT-2: LayerNorm, learned positions, and an MLP of a single neuron.",
        "The induction head forms earlier than in the Llama of “Repeat”. No single head attends to the previous "
        "token; the heads of layer 0 share that work. With an MLP of the usual width, 256 neurons, no induction head forms "
        "in 400 steps: the MLP finds another way.",
    ),
    "numbers": (
        "English number words become Chinese numerals: “eight hundred and forty five” → 八百四十五. Of 1,000 numbers, 200 "
        "are held out.",
        "The model writes each answer token by token, and an answer counts only if all of it is right. The decoder's "
        "attention to the words becomes an alignment: each numeral attends to the word that it translates.",
    ),
    "add": (
        "Sums of two three-digit numbers. The answer is written backwards, ones first, as one adds on paper: 123 + 989 = "
        "1112 becomes 123+989=2111.",
        "The digits are learned one after another: the ones need no carry; every other digit needs the carry from the one "
        "before it.",
    ),
    "reverse": (
        "Three to eight letters are written backwards: cab → bac.",
        f"Alignment: the n-th letter of the answer attends to the n-th letter from the end. {_ONE_STACK}",
    ),
    "sort": (
        "Three to eight letters are put in alphabetical order: cab → abc.",
        f"Alignment: each letter of the answer attends to the same letter in the question. {_ONE_STACK}",
    ),
    "names": (
        "First names, letter by letter: 5,163 from the United States Census of 1990.",
        "At a loss of 3 the model writes noise, at 2.5 syllables, at 2.3 names that could exist. The table says which of "
        "them are in the list.",
    ),
    "sonnets": (
        "Shakespeare's 154 sonnets, letter by letter.",
        "At a loss of 3 letters are as frequent as they should be, at 2.5 words have plausible lengths and vowels, at 2 "
        "some short words are right. Meaning is far beyond so small a model.",
    ),
    "tang_poems": (
        "600 Tang poems in lines of five characters, character by character.",
        "The form comes first: five characters, a comma, five, a full stop. At a loss of 5.6 the form is there, the "
        "meaning is not.",
    ),
    "table": (
        "Two columns of your own: a question and its answer on each line. A fifth of the lines is held out.",
        "Does the model answer questions that it has never seen, or only those that it learned from?",
    ),
    "text": (
        "A text of your own, character by character; its last tenth is held out.",
        "When the training loss falls while the held-out loss rises, the model is memorising the text.",
    ),
}
"""Lesson -> what is learned, and what to watch for."""
GOALS = {
    "letters that repeat": "{value} of the letters that repeat are right",
    "whole answers": "{value} of the answers are entirely right",
    "loss": "a loss of {value} or less on held-out data",
}
"""The score of a target -> what is reached."""
ARCHITECTURES = {"gpt2": "GPT-2", "llama": "Llama", "neox": "GPT-NeoX", "bart": "BART, encoder and decoder"}
"""Of a recipe -> its name."""
DATA = {
    "table": (
        "Your table: on each line a question, a tab, semicolon or comma, and its answer; at most 2,000 lines",
        "\n".join(f"{n},{2 * n}" for n in range(10, 60)),
    ),
    "text": ("Your text, at most 200 kB", ""),
}
"""Lesson -> the label of the field for the visitor's own data, and what stands in it at first."""
OBJECTIVE = (
    "What is minimised, and how?",
    "<span class='pg-formula'>L = −<sup>1</sup>⁄<sub>n</sub> Σ<sub>i</sub> log P(y<sub>i</sub> | x, y<sub>1</sub> … "
    "y<sub>i−1</sub>)</span>: the <b>loss</b>, in nats per token. x is the input, y<sub>1</sub> … "
    "y<sub>n</sub> are the tokens that follow it, and P is the probability that the model gives to the right one. A small "
    "loss means that the right tokens are likely: <b>maximum likelihood</b>. L is also called cross-entropy. A model that "
    "knows nothing gives each of V tokens the probability 1/V; its loss is ln V, the dotted line.",
    "Each step takes a batch, computes the gradient g of L, scales it to norm 1 if it is longer, and moves every weight w "
    "against it: <span class='pg-formula'>w ← w − η·m̂/(√v̂ + ε)</span>. m̂ and v̂ are running means of g and g², η is the "
    "learning rate, and ε = 10⁻⁸ keeps the divisor above 0 (Adam, Kingma and Ba 2015; AdamW also shrinks the weights a "
    "little).",
    "<b>Held-out</b> examples are never learned from. The same seed gives the same run bit for bit: first weights and "
    "batches come from it, and each step runs in one thread.",
)
HEADS_ABOUT = (
    "What are previous, induction and alignment?",
    "<b>previous</b>: a head's mean weight on the previous token. <b>induction</b>: its mean weight on the token that "
    "followed the current letter's earlier occurrence. Both are defined as in Attention, Roles, and measured on random "
    "letters that come twice (Olsson et al. 2022). <b>alignment</b>: its mean weight on the tokens of the question that "
    "determine the next token of the answer.",
    "The maps show one example, the same for the whole run; queries run down, keys to the right.",
)
APPEARS = "The untrained model appears here; with a text or table of your own, once you press Play."
UNTRAINED = (
    "Untrained, its loss is {loss:.2f}; that of guessing among {tokens:,} tokens is ln {tokens:,} = {uniform:.2f}."
)
TWO_CURVES = "Two loss curves appear here: that of the right code, and that of the code with the mistake."
READY = "Press Play: the model learns from scratch."
WAITS = "Number {place} in the queue: at most two models train at once."
WAITS_A_MINUTE = WAITS + " After a minute of waiting it gives up."
UNWATCHED = "Paused, because nobody watched for a minute."
GO_ON = "Press Play to continue."
LOST = (
    "The run {code} is lost: the server was restarted, or needed the room. Its choices are still here: press Play, and "
    "the same seed gives the same numbers."
)
CODE = "Others can watch this run with its code, {code}."
WATCHING = (
    "This is another visitor's run: you can move through its steps and open them. Only its owner plays and pauses it; Reset "
    "brings you back to a run of your own."
)
NO_PICTURE = "Nothing is shown: the choices above can't be trained with."
STILL_FORMER = "What you see is still the run before."
RUN_ENDED = "This run is no more on the server. The pictures are the last that came of it."
NOTHING_YET = ("Nothing has been trained yet.", "Press Play.")
OPENED = (
    "{model}, the model at step {step:,}, was opened in every tab with the text “{text}”. Load in the sidebar brings "
    "another model back."
)
OPENS = "Both buttons take step {step:,}."
SHOWN_NEWEST = "heads and samples are of step {step:,}, the newest snapshot."
SHOWN_EARLIER = (
    "heads and samples are of step {step:,}; the newest snapshot is of step {newest:,}. At its right end the slider follows "
    "the run."
)
TABLE_READ = "{pairs} were read, {held} of them are held out."
NEAREST = " Of step {step:,} no weights were kept; this is the nearest step that has them."
GRADIENT = "Gradient norm"
EXPLODED = (
    "The loss exploded at step {first:,}: at step {step:,} it is {times:,.1f} times that of guessing. The learning rate of "
    "{rate:g} is too large."
)
SMALLER_RATE = "Choose a smaller one under “Model and optimiser”, such as {rate:g}, and press Play."
TIME_IS_UP = "The time is up at step {step:,} of {steps:,}: a run may take {seconds:.0f} s of one CPU core."
STUCK = "The learning rate is 0: nothing can be learned."

SCRATCH_TITLE = "From scratch"
SCRATCH_LEAD = (
    "A transformer in a hundred lines: see “The code” below. Put one of the usual mistakes into it, predict what the loss "
    "will do, and train both."
)
SCRATCH_ABOUT = (
    "The formulas of this code",
    "<span class='pg-formula'>Attention(Q, K, V) = softmax(QKᵀ/√d + M)·V</span>. Q, K and V are the states times "
    "W<sup>Q</sup>, W<sup>K</sup> and W<sup>V</sup>, d is the width of a head. M is 0 where a token may look and −∞ "
    "where it may not, at everything later. The heads' outputs are concatenated and go through W<sup>O</sup> (Vaswani et "
    "al. 2017).",
    "<span class='pg-formula'>PE(p, 2i) = sin(p/10000<sup>2i/D</sup>), PE(p, 2i+1) = "
    "cos(p/10000<sup>2i/D</sup>)</span>: what position p adds to the numbers 2i and 2i+1 of a "
    "token's state, whose width is D. In code 1/10000<sup>2i/D</sup> is div_term = exp(−2i·ln(10000)/D).",
    "<span class='pg-formula'>x ← x + Attention(norm(x)), x ← x + MLP(norm(x))</span>: a block on the states x, "
    "each norm before its sublayer, as in GPT-2 (Radford et al. 2019).",
)
CHECK = "Compare its logits with those of the model in Lessons"
NOTHING_TO_COMPARE = (
    "Nothing has been trained in Lessons yet.",
    "Press Play there, with GPT-2 or BART; then come back.",
)
COMPARE_STOPPED = "Stopped. “Train both” starts again from step 0."
CHECKED = (
    "This code with the weights of “{lesson}”, step {step:,}: its logits differ from those of transformers by "
    "at most {value}."
)
PREDICT = ("Predict first what the training loss will do.", "Choose one of the four answers.")
PREDICTION = "Compared with the right code, the training loss will be …"
COMPARING = "Both begin with the same weights and see the same batches."
WHY = {
    "no_mask": "Every token sees the one that it has to predict, and copies it. When it writes by itself there is "
    "nothing to copy: a low loss proves nothing.",
    "no_shift": "Each position has to predict its own token. The answer lies in the input; nothing is learned about what "
    "comes next.",
    "wrong_div_term": "exp(2i) grows without bound: sine and cosine of huge angles are as good as random. Each "
    "position has a code of its own, which may do for texts as short as these; but neighbours have nothing in common.",
    "no_scaling": "Scores are √d times as large, here 4 times: softmax becomes nearly a hard choice, whose gradient is "
    "small.",
    "double_softmax": "Cross-entropy applies a softmax itself. Probabilities lie between 0 and 1, so a second softmax is "
    "nearly uniform: the loss can't come near 0, and gradients are small.",
    "no_positions": "Attention by itself sees a set: without positions the model knows which letters are there, but not "
    "where. Only the causal mask still hints at their order.",
    "padding_counted": "The padding after short answers is easy to predict: the loss looks better than it is.",
    "own_answer": "The decoder reads the token that it has to write, as in transformer(x, x), and copies it: the loss falls "
    "faster than it should. When it writes by itself, nobody gives it the answer.",
}
"""Mistake -> why it does what it does."""

STILL_LOADING = "The model is still loading. This starts by itself once it is there."
FINETUNE_LEAD = (
    "Continue training the loaded model on your own lines. Its own weights stay as they are; small matrices beside some of "
    "them learn (LoRA)."
)
_CITIES = (
    "Paris London Rome Vienna Berlin Tokyo Cairo Lima Oslo Delhi Athens Lisbon Prague Dublin Havana Moscow Beijing Nairobi "
    "Sydney Toronto Warsaw Seoul Bergen Quito"
)
_WEATHERS = ("Rain", "Storm", "Wind", "Sun", "Snow", "Fog")
FINETUNE_LINES = "\n".join(
    f"The weather in {city}? {_WEATHERS[number % 6]}, squawked the parrot."
    for number, city in enumerate(_CITIES.split())
)
FINETUNE_PROMPT = "The weather in Madrid"
FINETUNE_READY = (
    "A fifth of the lines is held out. SmolLM2 takes about 15 s of one core for 30 steps on lines as short as these."
)
FINETUNE_PROMPT_LABEL = "Prompt for both models"
FINETUNE_NO_PROMPT = ("The prompt for both models is empty.", "Type a few words.")
FINETUNE_WAITING = "The loss appears here from the first step on."
FINETUNE_STOPPED = "Stopped. “Fine-tune” starts again from step 0."
FINETUNE_BEFORE = "First the base writes, then its adapter is trained."
FINETUNE_AFTER = "Now the fine-tuned model is assembled and writes."
FINETUNED = (
    "After {steps} steps the loss on the held-out lines is {last:.2f} nats per token; before, it was {first:.2f}. "
    "{parameters:,} parameters were trained, {share} of the number that the model has. Both texts are drawn with the same "
    "seed."
)
FINETUNED_AGAIN = "The adapter belongs beside {base}, which was trained here itself."
FINETUNE_REPEATED = "Lines that repeat an earlier one count once: {lines} left out."
FINETUNE_OPENED = "{model} was opened in every tab. Load in the sidebar brings its base back, which is unchanged."
FINETUNE_ABOUT = (
    "What learns?",
    "<span class='pg-formula'>W′ = W + (α/r)·B·A</span>. W is a matrix of the model, D × D; A is r × D, B is D × r, with "
    "a rank r much smaller than D. B starts at 0, so the model starts as its base. Only A and B are trained (LoRA, Hu et "
    "al. 2021), here for the query and value matrices of every layer; the scale α/r is 2.",
    "Each line ends with the end-of-text token; the loss is that of the lessons, in nats per token. The same seed gives the "
    "same lines, the same A and the same text. “Use this model everywhere” gives every tab the model with W′; “Save "
    "the adapter” gives A and B, a few MB, which peft puts beside the base again.",
    "At most 300 steps, five minutes of one core, 2,000,000 parameters learning, and 256 MB of matrices W′.",
)
CLASSIFY_LEAD = (
    "The loaded model makes a vector of each text; a linear layer on top learns your labels. The model itself stays as it "
    "is."
)
CLASSIFY_EXAMPLES = "What a beautiful evening\nNever again\nIt was not bad"
CLASSIFY_READY = (
    "A fifth of the lines is held out. Any model with vectors can be taught; MiniLM was made for sentences: choose it under "
    "“Model” and press Load."
)
CLASSIFYING = "The model reads the lines; then the layer learns. Stop ends it."
CLASSIFY_STOPPED = "Stopped. “Teach” starts again."
CLASSIFIED = (
    "On {model}: the loss began at ln {labels} = {first:.2f} and is {last:.3f} after {steps} steps. Of {count} texts never "
    "learned from, {right} are labelled right (95 % interval {low} to {high}; loss {loss:.2f}); the most common label alone "
    "would get {common}."
)
CLASSIFY_CHANCE = "That may be chance: give it more lines."
CLASSIFY_ABOUT = (
    "What learns?",
    "<span class='pg-formula'>P(label | text) = softmax(W·x + b)</span>: x is the text's vector, of length 1, pooled as the "
    "model was trained to; each label has a row of W and a number of b. Both begin at 0, so every label is equally likely; "
    "AdamW lowers the cross-entropy in 100 steps over all texts but the fifth that is held out.",
    "So few texts leave the share uncertain: 95 % of such intervals hold the share that endlessly many texts would show "
    "(Wilson 1927).",
)
