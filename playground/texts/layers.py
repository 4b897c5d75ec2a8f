"""Texts of the Layers tab."""

SHADE = "Shade by"
FOLLOW = "Follow a token"
FOLLOW_HINT = "a word, or #id"
BETWEEN = "Also between attention and MLP"
FIRST = "First token shown"
OPEN_PARTS = "What wrote “{token}”? →"
HINT = "Click a cell: its ten best guesses, and the ranks over the layers."

LENS_ABOUT = (
    "What am I looking at?",
    "Each column is a token of your text, each row a layer. A token's state is a vector that every layer adds "
    "something to. In each cell stands what the model <b>would say</b> next if it stopped there: the state goes "
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

WHAT = "Take out"
WHAT_HINT = "24.5, mlp 24, layer 3, neuron 24.170, token 3, 24.5: 11>3"
HOW = "What takes its place"
HOWS = {"nothing (zero)": "zero", "the mean of the other tokens": "mean", "the values of a second text": "text"}
SECOND = "Second text"
SECOND_HINT = "as long as yours, so that its tokens stand in the same places"
TAKE_OUT = "Take out"
KEEP = "Keep it out in all tabs"
ONE_BY_ONE = "Every part, one by one"
STOP = "Stop"
WITHOUT_HINT = "Click a head or an MLP in a map to take it out."
WRITES = {False: "The whole model goes on", True: "Without it"}
NO_WRITING = "It writes no text: {reason}."
STOPPED = "Stopped: the layers that were done stay in the map."
MANY_PARTS = "The heads and MLPs whose loss changes the logit most are the darkest."

WITHOUT_ABOUT = (
    "What am I looking at?",
    "Parts of the model are taken out while it reads your text, and it goes on without them: <b>24.5</b> is head 5 of "
    "layer 24, taken out before the output projection; <b>mlp 24</b>, <b>attention 24</b> and <b>layer 24</b> are what these "
    "add to the state; <b>neuron 24.170</b> is one neuron of an MLP, <b>token 3</b> a token's embedding, <b>token 3 after "
    "12</b> its state after layer 12. <b>24.5: 11&gt;3</b> is the attention of token 11 to token 3 in that head, <b>24: "
    "*&gt;3</b> that of all other tokens in all heads. <b>at 11</b> after a part limits it to one token. Commas part several.",
    "Zero is a value that a part may never have had. The mean of this text's other tokens, without the first one, whose "
    "state is often a hundred times as long, and the values of a second text, aligned with yours at its end, are milder. The "
    "sentence always says which one was used.",
    "<b>Direct</b> is what the part itself adds to the logit, taken away with all else frozen. <b>In fact</b> is what "
    "happens when later layers read the changed state: often other heads step in, and less is lost (McGrath et al. 2023). "
    "The map of attention shows which heads look elsewhere afterwards.",
    "<b>Keep it out in all tabs</b> leaves it out while you look elsewhere, until you put it back; a line above the tabs "
    "says so. Nobody else's page changes.",
)
