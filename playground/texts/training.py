"""Texts of the Train tab."""

LESSONS = {
    "repeat": (
        "Five to thirteen random letters repeat. What comes next?",
        "To predict a letter, a model must find where the current one stood before, and copy what followed it. Two kinds "
        "of heads do this together: one looks at the token before, the other (induction) at what followed the earlier "
        "one. Both scores jump, and the loss falls with them.",
    ),
    "repeat_gpt2": (
        "The same task for a GPT-2: LayerNorm, learned positions, and an MLP of a single neuron.",
        "The induction head forms earlier than in the Llama of “Repeat”. No single head looks at the token before; those "
        "of layer 0 share that. With an MLP of the usual width, 256 neurons, no induction head forms in 400 steps: the MLP "
        "finds another way.",
    ),
    "numbers": (
        "English number words become Chinese numerals: “eight hundred and forty five” → 八百四十五. Of 1,000 numbers 200 "
        "are held out.",
        "Answers are written token by token and count only if they are right as a whole. The decoder's attention to the "
        "words becomes an alignment: each numeral looks at the word that it translates.",
    ),
    "add": (
        "Sums of two numbers of three digits. The answer is written backwards, ones first, as on paper: 123+989=2111 is "
        "written 1112.",
        "The digits are learned one after another: the ones need no carry; each other digit needs that of the one before.",
    ),
    "reverse": (
        "Three to eight letters are written backwards: cab → bac.",
        "Alignment: the n-th letter of the answer looks at the n-th letter from the end.",
    ),
    "sort": (
        "Three to eight letters are put in the order of the alphabet: cab → abc.",
        "Alignment: each letter of the answer looks at the same letter in the question.",
    ),
    "names": (
        "First names, letter by letter: 5,163 of the United States Census of 1990.",
        "At a loss of 3 there is noise, at 2.5 there are syllables, at 2.3 names that could be. Beside each stands whether "
        "it is in the list.",
    ),
    "sonnets": (
        "Shakespeare's 154 sonnets, letter by letter.",
        "At a loss of 3 there are letters, at 2.5 lengths of words and vowels, at 2 short words. Sense is far beyond so "
        "small a model.",
    ),
    "tang_poems": (
        "600 Tang poems in lines of five characters, character by character.",
        "The form comes first: five characters, a comma, five, a full stop. At a loss of 5.6 the form is there, not the "
        "sense.",
    ),
    "table": (
        "Two columns of your own, a question and its answer on each line; a fifth of the lines is held out.",
        "Does it answer questions that it never saw, or only those that it learned from?",
    ),
    "text": (
        "A text of your own, character by character; its last tenth is held out.",
        "When the training loss falls and the held-out one rises, the text is being learned by heart.",
    ),
}
"""Lesson -> what is learned, and what to watch for."""
GOALS = {
    "letters that repeat": "{value} of the letters that repeat are right,",
    "whole answers": "{value} of the answers are right as a whole,",
    "loss": "a loss of {value} or less on held-out data,",
}
"""The score of a target -> what is reached."""
ARCHITECTURES = {"gpt2": "GPT-2", "llama": "Llama", "neox": "GPT-NeoX", "bart": "BART, encoder and decoder"}
"""Of a recipe -> its name."""
DATA = {
    "table": (
        "Your table: question, a tab, semicolon or comma, answer; one pair a line, at most 2,000",
        "\n".join(f"{n},{2 * n}" for n in range(10, 60)),
    ),
    "text": ("Your text, at most 200 kB", ""),
}
"""Lesson -> the label of the field for the visitor's own data, and what stands in it at first."""
OBJECTIVE = (
    "What is minimised, and how?",
    "<span class='pg-formula'>L = −<sup>1</sup>⁄<sub>n</sub> Σ<sub>i</sub> log P(y<sub>i</sub> | x, y<sub>1</sub> … "
    "y<sub>i−1</sub>)</span>: the <b>loss</b>, in nats per token. x is what the model is given, y<sub>1</sub> … "
    "y<sub>n</sub> are the tokens that follow, and P is the probability that it gives to the right one. To make the "
    "loss small is to make the right tokens likely: <b>maximum likelihood</b>. It is also called cross-entropy. A "
    "model that knows nothing gives each of V tokens the probability 1/V; its loss is ln V, the dotted line.",
    "Each step takes a batch, computes the gradient g of L, cuts it to length 1, and moves every weight w against "
    "it: <span class='pg-formula'>w ← w − η·m̂/(√v̂ + ε)</span>. m̂ and v̂ are running means of g and g², η is the "
    "learning rate (Adam, Kingma and Ba 2015; AdamW also shrinks the weights a little).",
    "<b>Held out</b> are examples that are never learned from. The same seed gives the same run bit for bit: data, "
    "first weights and order come from it, and each step runs in one thread.",
)
HEADS_ABOUT = (
    "What are previous, induction and alignment?",
    "<b>previous</b>: a head's mean weight on the token before. <b>induction</b>: on the token after the same "
    "letter's earlier place. Both by the definitions of Attention, Roles, on random letters that come twice (Olsson "
    "et al. 2022). <b>alignment</b>: the mean weight on the place of the question that tells the next token of the "
    "answer.",
    "The maps show one example that stays the same for the whole run; queries run down, keys to the right.",
)
APPEARS = "The untrained model is drawn here; one of your own text or table once you press Play."
UNTRAINED = (
    "Untrained, its loss is {loss:.2f}; that of guessing among {tokens:,} tokens is ln {tokens:,} = {uniform:.2f}."
)
TWO_CURVES = "Two loss curves appear here: that of the right code, and that of the code with the mistake."
READY = "Press Play: the model learns from nothing."
WAITS = "Number {place} in the queue: at most two models train at once."
WAITS_A_MINUTE = WAITS + " After a minute of waiting it gives up."
UNWATCHED = "Paused, because nobody watched for a minute."
GO_ON = "Press Play to go on."
LOST = "The run {code} is lost: the server was started anew. The same choices and seed give the same numbers."
CODE = "Others watch this run with its code, {code}."
WATCHING = (
    "You watch another visitor's run: move through its steps and open them. Its own page plays and pauses it; Reset brings "
    "you back to a run of your own."
)
NOTHING_YET = ("Nothing has been trained yet.", "Press Play.")
OPENED = (
    "Step {step:,} is now the model of every tab, its text “{text}”. Load in the sidebar brings another model back."
)
NEAREST = " Of step {step:,} no weights were kept; this is the nearest that has them."
GRADIENT = "The gradient's length"
EXPLODED = "The loss is {times:.1f} times that of guessing at step {step:,}: the learning rate is too large."
TIME_IS_UP = "The time is up at step {step:,} of {steps:,}: a run has {seconds:.0f} s of one CPU core."
STUCK = "The learning rate is 0: nothing can be learned."

SCRATCH_TITLE = "From scratch"
SCRATCH_LEAD = (
    "A transformer in a hundred lines: “The code”, below. Put one of the usual mistakes into it, say what the loss will do, "
    "and train both."
)
SCRATCH_ABOUT = (
    "The formulas of this code",
    "<span class='pg-formula'>Attention(Q, K, V) = softmax(QKᵀ/√d + M)·V</span>. Q, K and V are the states times "
    "W<sup>Q</sup>, W<sup>K</sup> and W<sup>V</sup>, d is the width of a head. M is 0 where a token may look and −∞ "
    "where it may not: at all that comes later. The heads' outputs stand side by side and go through W<sup>O</sup> "
    "(Vaswani et al. 2017).",
    "<span class='pg-formula'>PE(p, 2i) = sin(p/10000<sup>2i/D</sup>), PE(p, 2i+1) = "
    "cos(p/10000<sup>2i/D</sup>)</span>: the position p of a token in its state of width D. In code "
    "1/10000<sup>2i/D</sup> is div_term = exp(−2i·ln(10000)/D).",
    "<span class='pg-formula'>x ← x + Attention(norm(x)), x ← x + MLP(norm(x))</span>: a block with its norms first, "
    "as in GPT-2 (Radford et al. 2019).",
)
CHECK = "Compare its logits with those of the model in Lessons"
NOTHING_TO_COMPARE = (
    "Nothing has been trained in Lessons yet.",
    "Press Play there, with GPT-2 or BART; then come back.",
)
COMPARE_STOPPED = "Stopped. “Train both” begins anew."
CHECKED = (
    "This code with the weights of “{lesson}”, step {step:,}: its logits differ from those of transformers by "
    "{value} at most."
)
PREDICT = ("Say first what the training loss will do.", "Choose one of the four answers.")
PREDICTION = "Compared with the right code, the training loss will be …"
COMPARING = "Both begin with the same weights and see the same batches."
WHY = {
    "no_mask": "Every token sees the one that it has to predict, and copies it. When it writes by itself there is "
    "nothing to copy: a low loss proves nothing.",
    "no_shift": "Each token is asked for itself. The answer lies in the input; nothing is learned about what comes next.",
    "wrong_div_term": "exp(2i) grows without end: sine and cosine of huge angles are as good as random. Each "
    "position has a code of its own, which may do for short texts like these; but neighbours have nothing in common.",
    "no_scaling": "Scores are √d times as large, here 4 times: softmax becomes a hard choice, whose gradient is small.",
    "double_softmax": "Cross-entropy takes a softmax itself. Probabilities lie between 0 and 1, so that a second "
    "softmax is nearly uniform: the loss can't come near 0, and gradients are small.",
    "no_positions": "Attention alone sees a set: without positions it knows what was there, but not where.",
    "padding_counted": "The padding behind short answers is easy to predict: the loss looks better than it is.",
    "own_answer": "The decoder reads the token that it has to say, as in transformer(x, x), and copies it: the loss falls "
    "faster than it should. When it writes by itself, nobody gives it the answer.",
}
"""Mistake -> why it does what it does."""

STILL_LOADING = "The model is still loading. This begins by itself once it is there."
FINETUNE_LEAD = (
    "Go on training the loaded model on your own lines. Its own weights stay as they are; small matrices beside some of "
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
FINETUNE_WAITING = "The loss appears here, from the first step on."
FINETUNE_STOPPED = "Stopped. “Fine-tune” begins anew."
FINETUNE_BEFORE = "The base writes; then its adapter learns."
FINETUNE_AFTER = "Now the fine-tuned model is put together, and writes."
FINETUNED = (
    "After {steps} steps the loss on the held-out lines is {last:.2f} nats per token; before it was {first:.2f}. "
    "{parameters:,} parameters were learned, {share} of the model's number. Both texts come from the same seed."
)
FINETUNE_OPENED = "{model} is now the model of every tab. Load in the sidebar brings its base back, which is unchanged."
FINETUNE_ABOUT = (
    "What learns?",
    "<span class='pg-formula'>W′ = W + (α/r)·B·A</span>. W is a matrix of the model, D × D; A is r × D, B is D × r, with "
    "a rank r much smaller than D. B begins at 0, so the model begins as its base. Only A and B learn (LoRA, Hu et "
    "al. 2021), here beside the queries' and the values' matrices of every layer; α/r is 2.",
    "Lines are read with the end-of-text token behind them; the loss is the one of the lessons, in nats per token. The "
    "same seed gives the same lines, the same A and the same text. “Look into it” gives every tab the model with W′; "
    "“Save the adapter” gives A and B, a few MB, which peft puts beside the base again.",
    "At most 300 steps, five minutes of one core, 2,000,000 parameters learning, and 256 MB of matrices W′.",
)
CLASSIFY_LEAD = (
    "The loaded model makes a vector of each text; a linear layer on top learns your labels. The model itself stays as it "
    "is."
)
CLASSIFY_LINES = "\n".join(
    f"{text}\t{label}"
    for label, listed in (
        (
            "good",
            "A wonderful film|I loved every minute|The best meal of my life|She sang beautifully|Friendly staff and a clean "
            "room|I would buy it again|We laughed all evening|It works perfectly|A gentle story|Delicious and fresh",
        ),
        (
            "bad",
            "A terrible film|I was bored to the end|The food was cold|The singer was out of tune|Rude staff and a dirty "
            "room|I want my money back|The evening was a disaster|It broke after a day|A dull story|Stale and greasy",
        ),
    )
    for text in listed.split("|")
)
CLASSIFY_EXAMPLES = "What a beautiful evening\nNever again\nIt was not bad"
CLASSIFY_READY = (
    "MiniLM was made for sentences: choose it under “Model” and press Load, or try any other model with vectors."
)
CLASSIFIED = (
    "On {model}: the loss began at ln {labels} = {first:.2f} and is {last:.3f} after {steps} steps. Of {count} texts never "
    "learned from {right} are labelled right (loss {loss:.2f}); the most common label alone would get {common}."
)
CLASSIFY_ABOUT = (
    "What learns?",
    "<span class='pg-formula'>P(label | text) = softmax(W·x + b)</span>: x is the text's vector, of length 1, pooled as the "
    "model was trained to; each label has a row of W and a number of b. Both begin at 0, so every label is equally likely; "
    "AdamW lowers the cross-entropy in 100 steps over all texts but the fifth that is held out.",
)
