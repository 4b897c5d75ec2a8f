"""Texts of the scripts that compute what a picture shows, and why a picture has none."""

NONE_YET = "There is no script for this picture yet. Its numbers are in the table, in CSV and in JSON."
GONE_ON = (
    "The page's edit takes numbers of the text as it was when the model began to write. These tokens were written in "
    "several goes, or by beam search, which a script does not follow: write them anew, without beams."
)
ADAPTER = "This model has an adapter merged into its weights, which plain transformers would load in another way."
GGUF = "This model was read from a GGUF file, which plain transformers would read in another way."
TOKENIZER = "The tokenizer that this model's files name would read other tokens than the page does."
ROUNDED = (
    "The page read these weights rounded to {format}, since they came from a package index. The hub's own weights give "
    "slightly other numbers."
)
INT8 = "The page computes in int8, this script in float32: its numbers are slightly other ones."
DEVICE = "The page computes on a GPU, this script on the CPU: the last digits may differ."
SAVE_FIRST = "Save the model as a folder in Train, then write the folder's path into MODEL."
NO_READOUT = "A script can't read this model's states: {reason}."
OWN_WAY = "its way from the last layer to the logits has parts that no module holds"
NO_PARTS = "A script can't take this model's layers apart: {reason}."
LAYERS_DIFFER = "its layers are built in different ways"
RUN_AGAIN = "its layers share modules, so that none of them shows where a layer reads the state between its parts"
ONE_MODULE = "one module of it is several layers"
BY_HAND = "No rule picked this token: you took it yourself."
OWN_RULE = "A script applies the rules of this page. The checkpoint has one of its own here: {rule}."
MANY_TOKENS = "A script holds continuations of at most {most:,} tokens together."
NO_LAYERS = "A script can't read this model's states: no list holds its layers."
NO_MATRIX = "no single matrix makes the part of its heads or neurons"
OF_RUN = (
    "A run of training has no script: its numbers come from hundreds of steps that the server took. Save the model as "
    "a folder and open that: then the pictures of the other tabs have scripts."
)
OF_CLASS = "A class gave these answers: no model computed them, so that no script can."
OWN_ATTENTION = "This model's attention is no function of its family that a script could watch."
OWN_ROTATION = (
    "This family turns its queries and keys one by one, in an order of its own, which a script does not follow."
)
NEW_FREQUENCIES = "This model makes its angles anew for each length of a text."
NO_FREQUENCIES = "This model keeps its angles in no buffer that a script could read."
NO_TABLE = "This model keeps its vectors of positions in no tensor that a script could read."
MANY_POINTS = "A script lists the points within a lasso one by one, at most {most:,} of them: draw round fewer."
TAUGHT = (
    "A script draws probabilities of a checkpoint's own head, or of labels by their words in one window: not of a layer "
    "that was taught here, and no regression."
)
OWN_SPELLING = (
    "A script compares tokens of two vocabularies by their bytes. One of these vocabularies marks the middle or the end of "
    "words, and does not say where spaces are."
)
NO_PLACES = (
    "A script compares the pieces that both models read, by the places of their tokens in the text. One of these "
    "tokenizers does not tell them."
)
