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

LINES_ARE_COLOURS = "Separate with commas; one group per line, each with its own colour."
BY_TOKEN_HELP = "Otherwise a word of several tokens is drawn at their average."
SUM_HELP = "e.g. king - man + woman, then Enter"

WORDS_ABOUT = (
    "What am I looking at?",
    "The model keeps one vector for every token it knows: a row of its embedding matrix. Words that are used alike end up "
    "near each other. The picture shows the two or three directions in which your words differ most (principal component "
    "analysis, Pearson 1901). The axes say how much of the difference that is; the rest can't be seen.",
    "Neighbours come from the whole vocabulary and all dimensions: by cosine <code>a·b / (|a| |b|)</code>, dot product or "
    "distance. The vectors of most models share a direction, so even random words look alike (anisotropy, Ethayarajh "
    "2019). The page says how much; you can subtract the average vector first. A word of several tokens is drawn at "
    "their average and marked, or each of its tokens is shown.",
    "Sums of words (Mikolov et al. 2013) famously give king − man + woman ≈ queen. Unless the words of the sum are "
    "left out, the answer is often one of them (Rogers et al. 2017). Both answers are shown as they are.",
)

LINES_ARE_GROUPS = "Separate with commas; one group per line."
DROPPED_HELP = "More words, another text or another sentence, like what is shown. The other points stay where they are."

PROJECTOR_ABOUT = (
    "What am I looking at?",
    "Every point is a vector of many numbers: a row of the embedding matrix, the state of a token of your text after a "
    "layer, or a sentence. <b>PCA</b> shows the two or three directions in which the points differ most, and says how "
    "little of the whole that is. <b>t-SNE</b> (van der Maaten and Hinton 2008) and <b>UMAP</b> (McInnes et al. 2018) "
    "keep neighbours together and give up distances: near means near, far means nothing, and so does the size of a "
    "group. Another seed gives another picture. They take at most 5,000 points and PCA takes 50,000; of more, a sample "
    "is drawn.",
    "Click a point for its neighbours in all dimensions; click a second one for how alike the two are. Draw around a group "
    "with the lasso (in two dimensions) to see what is near all of it. In three dimensions, drag to turn.",
    "The vectors of most models share a direction, so even random ones look alike (anisotropy, Ethayarajh 2019). The page "
    "says how much; you can subtract the average vector first.",
)

FLY_HELP = "A word, then Enter; “-king” for the piece inside words."
BANKS = ("They walked along the river to the muddy bank", "She took all her money out of the bank")
"""The same word in two texts, each ending with it."""

LAYERS_ABOUT = (
    "What am I looking at?",
    "A token starts as its embedding, the same in every text. Each layer adds what it makes of the surroundings (the "
    "residual stream). The path shows the token's state after every layer, on the two or three axes along which these "
    "states differ most (PCA). States grow many times longer on the way up, so by default each is scaled to length 1 "
    "and only its direction counts.",
    "With a second text, the same word gets a second path: a river bank and a money bank start at the same point and part. "
    "The last state is after the final norm, which is why the last step is often the longest.",
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
    "A sentence model (Reimers and Gurevych 2019) is trained so that sentences of similar meaning have vectors that "
    "point the same way. Each line is ranked by its cosine with the query. How one vector is made of many tokens is "
    "called pooling; the model uses the way it was trained with, MiniLM the mean.",
    "Other models were not trained for this. Their mean or last token is a vector too, but all of these point much the same "
    "way. Choose “the model that is loaded” to see how badly that works.",
)
