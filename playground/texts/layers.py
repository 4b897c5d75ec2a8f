"""Texts of the Layers tab."""

SHADE = "Shade by"
FOLLOW = "Follow a token"
FOLLOW_HINT = "a word, or #id"
BETWEEN = "Also between attention and MLP"
FIRST = "First token shown"
OPEN_PARTS = "What wrote “{token}”? →"

INSTEAD = {
    "no logits": "Instead: Without it shows how its states and its attention change, Push and Neurons what its states and "
    "MLPs hold.",
    "no sums": "Instead: Without it measures what is missing without a part, and Neurons shows what its MLPs compute.",
}
"""Where a view can't be shown of a model: views that can, by what the model lacks."""

LENS_ABOUT = (
    "What am I looking at?",
    "Each column is a token of your text, each row a layer. A token's state is a vector that every layer adds "
    "something to. Each cell shows what the model <b>would say</b> next if it stopped there: the state goes "
    "through the model's own final norm, with the state's own length, and its own head (logit lens, nostalgebraist "
    "2020). A guess in bold is the one that the model says in the end.",
    "The top row is the model's real output, and the badge says how far it is from it. Early layers were never "
    "trained to be read like this: an odd guess at the bottom says little. <b>Between attention and MLP</b> shows the "
    "state half way through each layer; models whose attention and MLP read the same state have none.",
    "Entropy tells how unsure the guess is, divergence how far it is from the last layer's. The first token's state "
    "is often a hundred times as long as the others': it counts for no scale.",
)

TOKEN = "Logit of"
TOKEN_HINT = "most likely"
AGAINST = "against"
AGAINST_HINT = "a second token"
POSITION = "After the token"
IN_PLACE = "In place of the token"
STRONGEST = "The strongest parts. Click one, a bar of the waterfall or a head."
PLAIN_PARTS = {
    "embedding": "The token's own embedding adds",
    "biases": "The biases of the final norm and of the head add",
    "cap": "The model's cap on logits changes it by",
}
CLICK_NEURON = "Click one for the tokens that it writes."
BACK = "↩ Strongest parts"
OPEN_HEAD = "Layer {layer}, head {head} in Attention →"

PARTS_ACTORS = {"residual": "embedding", "attention": "attention", "mlp": "MLP", "written": "the logit"}
CROSS_ACTOR = {"key": "cross-attention"}
PARTS_ABOUT = (
    "What am I looking at?",
    "The last state is a sum: the token's embedding, plus what the attention and the MLP of each layer added. The "
    "final norm divides it by its length, the head multiplies by the token's row. With that length kept as it is, the "
    "logit is a sum as well, and each part has its share in it (Elhage et al. 2021). Nothing is folded or estimated: "
    "the shares add up to the model's own logit, and the badge says how exactly.",
    "The lens puts each state through the norm by its <em>own</em> length; here all parts share the <em>final</em> "
    "one. These are two different questions: what would it say there, and what did this part add to what it says.",
    "A logit alone is hard to read, because all logits can rise together: <b>against</b> a second token the "
    "difference shows what speaks for one and for the other. A head's share is split over the tokens that it looks "
    "at: weight times value, through its part of W^O. A neuron of an MLP writes one vector into the state, times its "
    "activation; the tokens that it raises and lowers most are read through the final norm's gain and the head (Geva "
    "et al. 2021).",
    "What a part adds directly is not what would be missing without it: later layers read it as well.",
)

WHAT = "Without"
WHAT_HINT = "24.5, mlp 24, …"
HOW = "by"
AFTER = "After"
IN_PLACE_OF = "In place of"
"""Of a token: labels beside four others in one line."""
HOWS = {"zero": "zero", "other tokens' mean": "mean", "a second text's values": "text"}
SECOND = "Second text"
SECOND_HINT = "as long as yours, so that its tokens stand in the same places"
TAKE_OUT = "Take out"
KEEP = "Keep it out"
ONE_BY_ONE = "Every part, one by one"
WRITES = {False: "The whole model goes on", True: "Without it"}
NO_WRITING = "It writes no text: {reason}."
NOT_CHECKED = "{count:,} tokens: identities are checked up to {most:,}"
WHY_NOT_CHECKED = "The check reads the text six times more."
WROTE_NOTHING = "(nothing: it ends here)"
NO_HEAD_MOVED = "No head looks elsewhere: none reads what changed at this token."
STATE_TURNED = "The last state of “{token}” has a cosine of {cosine} with that of the whole model."
STOPPED = "Stopped: the layers that were done stay in the map."
MANY_PARTS = "The darker, the more the logit changes. Click one to take it out alone."

WITHOUT_ABOUT = (
    "What am I looking at?",
    "Parts of the model are taken out while it reads your text, and it goes on without them: <b>24.5</b> is head 5 of "
    "layer 24, taken out before the output projection; <b>mlp 24</b>, <b>attention 24</b> and <b>layer 24</b> are what "
    "these add to the state; <b>neuron 24.170</b> is one neuron of an MLP, <b>token 3</b> a token's embedding, "
    "<b>token 3 after 12</b> its state after layer 12. <b>24.5: 11&gt;3</b> is the attention of token 11 to token 3 in "
    "that head, <b>24: *&gt;3</b> that of all other tokens in all heads. <b>at 11</b> after a part limits it to one "
    "token. Commas separate several.",
    "Zero is a value that a part may never have had. The mean of this text's other tokens, without the first one, whose "
    "state is often a hundred times as long, and the values of a second text, aligned with yours at its end, are milder. "
    "The sentence always says which one was used.",
    "<b>Direct</b> is what the part itself adds to the logit, taken away with all else frozen. <b>In fact</b> is what "
    "happens when later layers read the changed state: often other heads step in, and less is lost (McGrath et al. 2023). "
    "The map of attention shows which heads look elsewhere afterwards.",
    "<b>Keep it out</b> leaves it out while you look elsewhere, until you put it back; a line above the tabs says where "
    "that holds. Nobody else's page changes.",
)

ACTIVE_AT = "Most active at"
ANY_TOKEN = "any token"
ADDS_UP = "What else wrote the answer at “{token}”? →"
NEURONS_ABOUT = (
    "What am I looking at?",
    "An MLP computes some thousand numbers for each token, the activations of its <b>neurons</b>, and its last matrix "
    "adds one vector for each, times the activation, to the token's state (Geva et al. 2021). Each row is a neuron, each "
    "column a token; the colour says how long a vector it writes there, orange in the vector's own direction, blue against "
    "it. The neurons that write most in the tokens shown stand on top.",
    "A click opens the tokens of the vocabulary whose logits this neuron raises and lowers most <b>at this token</b>. "
    "These are its exact direct shares, through the final norm at its own scale: the numbers of Contributions. What later "
    "layers make of what it writes is not in them. The badge says how exactly all neurons together, with the bias, give "
    "what the MLP gave.",
    "One neuron rarely stands for one thing. What fires on a word here may fire on others in another text.",
)

NEURON_ALONE = "Neuron {neuron} of layer {layer} at “{token}”, activation {activation}."
WHOLE_MODEL = " Of the whole model, without the page's edit."
"""Where the page keeps an edit that this view does without."""
OTHER_TEXT = "Other text"
OTHER_ANSWER = "its answer"
OTHER_HINT = "your text with a word changed"
EXCHANGED = "Exchange"
SHOWN = "Show"
CLICK_EXCHANGE = "Click a cell to compute it exactly."
COMPUTE_ALL = "Compute every cell"
NO_OTHER_TEXT = (
    "Type a second text that differs from yours in a word, with as many tokens: of “The capital of France is” for "
    "example “The capital of Spain is”. Then you see which numbers of yours turn its answer into yours."
)
OTHER_TEXTS = {
    "The capital of France is Paris. The capital of Italy is": "The capital of France is Paris. The capital of Spain is"
}
"""A page's text -> a second one to exchange it with."""
EXCHANGE_ABOUT = (
    "What am I looking at?",
    "The model reads the other text, and one of its numbers is replaced by the one from <b>your</b> text: the state of "
    "a token after a layer, what a layer's attention or MLP adds to it, or what one head gives at all tokens. Does the "
    "answer become yours? Measured is the logit of your text's answer minus that of the other text's: a cell is the "
    "<b>change</b> of this difference (activation patching; Meng et al. 2022, Wang et al. 2022).",
    "The <b>estimate</b> of all cells takes one pass over each text and one backwards: the difference of the numbers "
    "times the gradient (attribution patching; Nanda 2023). It is a straight line through a curve, often far off for "
    "states. A click computes its cell <b>exactly</b>, by a pass of its own; “Compute every cell” does so for all. "
    "Estimate against exact is drawn beside.",
    "The badge: with the states of all tokens exchanged before layer 0, the other text gives the logits of yours. "
    "Tokens before the first one that differs have the same numbers in both and are left out. An exchange shows what "
    "is <em>enough</em> to turn the answer at that place; what would be missing without a part is another question.",
)

DIRECTION = "Direction"
STRENGTH = "Strength"
TOWARDS = "Towards these lines"
AWAY = "Away from these"
TOWARDS_LINES = "The weather in London is cold.\nHe lives in London, England.\nThe British people drink tea."
AWAY_LINES = "The weather in Tokyo is cold.\nHe lives in Tokyo, Japan.\nThe Japanese people drink tea."
PUSH_WORD = "Word"
KEEP_PUSHED = "Keep pushing"
PUSH = "Write on with −, 0, +"
PUSH_HINT = "“Write on” shows what the model says when it is pushed."
PUSHED = "Pushed after layer {layer} by {strength} of each state's length"
SAME_BITS = "Strength 0 = same bits"
OTHER_BITS = "Strength 0 changes the logits"
NO_LOGITS_BADGE = "Cosines of its own states"
WRONG_STRENGTH = "The strength is {value}."
STRENGTH_RANGE = "It is counted in lengths of a token's own state: choose 0 to {most}."
NO_PUSH = "No text is written: {reason}."
PUSH_ABOUT = (
    "What am I looking at?",
    "After one layer a vector is added to the state of each token but the first, and the model goes on from there "
    "(activation steering; Turner et al. 2023, Rimsky et al. 2024). The <b>direction</b> is the mean state of some lines "
    "minus that of others at this layer, each line's first token left out, or the embedding of a word. The "
    "<b>strength</b> is counted in lengths of each token's own state, so that 0.4 adds two fifths of what is there.",
    "The three texts are written greedily, against the direction, without a push, and along it. The map shows the cosine of "
    "your text's own states with the direction, unpushed: 1 along it, −1 against it, 0 across. The dotted line is the "
    "layer.",
    "Words that all lines share cancel out in the difference, so write pairs that differ in one thing. A push that "
    "works says that the direction is <em>enough</em> for this change, not that the model uses it by itself; too "
    "strong a push makes nonsense of any text.",
)

SECOND_MODEL = "Second model"
COMPARE_MODELS = "Compare"
CHOOSE_SECOND = "Choose a second model: it reads your text beside {model}."
AGAIN = "{model} again"
"""The second model's name where it is the first."""
COMPARING = "Comparing heads"
COMPARING_STOPPED = "Stopped."
FIRST_ABOVE = "Above {first}, below {second}; framed: cut differently."
MORE_PIECES = "… and {count:,} more"
NO_SUCH_TOKEN = "✕ no such token"
SIMILARITY = "similarity"
ASIDE = "Set the first token and special tokens aside"
RESTS = "rest on the first token or on special tokens with more than 99 %"
RESTS_ONE = "rests on the first token or on special tokens with more than 99 %"
STILL_COMPARED = "Tokens and heads are compared all the same."
NO_MATCH = "No two heads can be compared."
CLICK_PAIR = "Click a head for its most similar ones."
HEAD_OF = "Layer {layer}, head {head} of {model}"
BEST_PAIRS = "The most similar pairs, as layer.head"
PAIR_COLUMNS = "{first}", "{second}", "similarity"
SPECIAL_TOKENS = "(special)"
UNUSED_ROWS = "(ids without a token)"
WRITES_ANOTHER = "{model} reads your text to write another one: it does not continue it."
CONTINUES_NOTHING = "{model} does not continue your text: {reason}."
NO_HEADS = "The attention of {model} can't be compared: {reason}."
NO_SQUARE = "The attention of {model} can't be compared: its maps are not tokens by tokens."
TOO_LONG_TO_MATCH = "{model} reads {count:,} tokens; heads are compared up to {most:,}."
TOO_SHORT_TO_MATCH = "The text is too short to compare heads: a query has nothing to choose from."
NOTHING_COMMON = "The text has nothing that both models read."
TYPE_MORE = "Type a longer text."
SHORTEN = "Shorten it."
TWO_ABOUT = (
    "What am I looking at?",
    "Both models read the same text, each in its own tokens. A <b>piece</b> is what lies between two cuts that both make, "
    "so that no token of either reaches over its ends; white space belongs to what follows it.",
    "<b>The next token.</b> Two models with one vocabulary are compared token by token: total variation is half the sum of "
    "the differences of all probabilities, the Jensen–Shannon divergence (Lin 1991) is 0 bits for equal distributions and "
    "1 bit for those that share nothing. With different vocabularies a token counts as the same if it stands for the same "
    "bytes, and most of the probability may lie on tokens that the other lacks. Every token begins with a byte, so "
    "the divergence is taken over the first byte of what follows.",
    "<b>Bits.</b> A piece's surprisal is the sum over its tokens, −log2 of the probability that the model gives the "
    "piece after what stands before it. The first piece counts only where something stands before it for both.",
    "<b>Heads.</b> Where the tokens differ, weights are summed over the tokens of a piece that is looked at, and averaged "
    "over those of a piece that looks (Clark et al. 2019); special tokens are one place. Two heads have the similarity 1 "
    "minus their total variation, averaged over the queries from the third on: 1 for the same weights, 0 for heads that "
    "never look at the same. Each head is given the most similar one of the second model, of all layers; several may share "
    "one. Many heads rest on the first token or on special tokens when they have nothing to say: set aside, the rest is "
    "compared.",
)
