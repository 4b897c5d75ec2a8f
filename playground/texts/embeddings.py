"""Texts of the Embeddings tab."""

PRESETS = {
    "animals, fruit, cities, numbers": "cat, dog, horse, lion, mouse, wolf\n"
    "apple, banana, orange, pear, cherry, grape\n"
    "London, Paris, Berlin, Rome, Madrid, Tokyo\n"
    "one, two, three, four, five, six",
    "countries and capitals": "France, Germany, Italy, Spain, Japan, Russia\nParis, Berlin, Rome, Madrid, Tokyo, Moscow",
    "cat, dog, animal": "cat, dog, animal\nkitten, puppy\ncar, house",
    "opposites": "big, small\nhot, cold\nfast, slow\nrich, poor\nlight, dark\nold, new",
    "English and Chinese": "one, two, three, water, fire, mountain\n一, 二, 三, 水, 火, 山",
}
FIRST_WORDS = next(iter(PRESETS.values()))
FIRST_SUM = "king - man + woman"
SUMS = (FIRST_SUM, "Paris - France + Italy", "walking - walk + swim")

LINES_ARE_COLOURS = "With commas between them; each line is a group with its own colour."
BY_TOKEN_HELP = "A word of several tokens not at their mean, but each by itself."
SUM_HELP = "Signs with spaces round them; press Enter."

WORDS_ABOUT = (
    "What am I looking at?",
    "The model holds one vector for every token of its vocabulary: the row of its embedding matrix. Words used alike "
    "come to lie near each other. Principal component analysis (Pearson 1901) shows the two or three directions in which "
    "the chosen words differ most; the axes say how much of the difference that is. The rest is not on the picture.",
    "Neighbours are found in the whole vocabulary and all dimensions, by cosine <code>a·b / (|a| |b|)</code>, by dot "
    "product or by distance. The vectors of most models share a direction, so that even random words look alike "
    "(anisotropy, Ethayarajh 2019): the page prints how much, and the mean of all vectors can be taken off first. A word of "
    "several tokens stands at the mean of their vectors and is marked, or each of its tokens is placed by itself.",
    "Sums of words (Mikolov et al. 2013) famously give king − man + woman ≈ queen; without leaving out the words of the "
    "sum themselves the answer is often one of these (Rogers et al. 2017). Both are shown as they are.",
)

LINES_ARE_GROUPS = "With commas between them; each line is a group."
DROPPED_HELP = (
    "Words with commas between them, another text, or a sentence, as what is placed; the others stay where they are."
)

PROJECTOR_ABOUT = (
    "What am I looking at?",
    "Everything here is a vector of many numbers: a token of the vocabulary is a row of the embedding matrix, a token of "
    "the text its state after a layer, a sentence what is made of its tokens. <b>PCA</b> shows the two or three directions "
    "in which the points differ most, and says how little of the whole that is. <b>t-SNE</b> (van der Maaten and Hinton "
    "2008) and <b>UMAP</b> (McInnes et al. 2018) give up distances to keep neighbours together: near means near, far means "
    "nothing, and the size of a group means nothing either; another seed gives another picture. They take at most 5,000 "
    "points, and PCA 50,000, so of more a sample is drawn.",
    "Click a point for its neighbours in all dimensions, click another for the similarity of the two; draw round a group "
    "with the lasso (above the picture, in two dimensions) for what is near to all of it. In three dimensions drag to turn.",
    "The vectors of most models share a direction, so that even random ones look alike (anisotropy, Ethayarajh 2019): the "
    "page prints how much, and the mean of all of them can be taken off first.",
)

BANKS = ("They walked along the river to the muddy bank", "She took all her money out of the bank")
"""The same word in two texts, each ending with it."""

LAYERS_ABOUT = (
    "What am I looking at?",
    "A token enters as its embedding, the same in every text; each layer adds to it what attention and the feed-forward "
    "network make of its surroundings (the residual stream). The path shows its state after every layer on the two or "
    "three axes along which these states differ most (PCA), fixed while it moves. States grow many times longer from layer "
    "to layer, so by default each is scaled to length 1 and only its direction counts.",
    "Give a second text, and the same word there has a path of its own: a bank of a river and one of money begin at the "
    "same point. The last state is after the final norm, which is why its step is often the longest.",
)

FIRST_LINES = """The cat sleeps on the warm sofa.
A kitten is napping on the couch.
The stock market fell sharply today.
Shares lost a tenth of their value.
She plays the violin in an orchestra.
He is a member of a rock band.
It will rain in the mountains tomorrow."""
FIRST_QUERY = "a pet resting"

SENTENCES_ABOUT = (
    "What am I looking at?",
    "A sentence model (Reimers and Gurevych 2019) was trained so that sentences of like meaning have vectors of like "
    "direction; the ranking is the cosine of each line with the query. Its vector is made of the last layer's token vectors "
    "as the model was trained to, for MiniLM by their mean.",
    "Other models were not trained for it: a mean or the last token of theirs is a vector too, but all of them point much "
    "the same way, and the ranking shows how badly that works. Try “the model that is loaded” beside MiniLM.",
)
