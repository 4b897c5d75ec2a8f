"""Texts of the lessons' panel. The words of each lesson stand in its own file in lessons/."""

WAYS_IN = {"start-here": "Start here →", "lessons": "Lessons"}
"""Element -> its words: what begins the first lesson, and what lists all of them."""
TITLE = "Lessons"
LEAD = (
    "Each step asks you first. You lock your answer, then the loaded model computes its own, and the two are compared."
)
MINUTES = "{minutes} minutes"
DONE = "done"
PART = "step {step} of {steps}"
ANSWER = "Your answer"
NUMBER = "Your number"
NUMBER_WITHIN = "Your number, from {least} to {most}"
LOCK = "Lock my answer"
LIST = "All lessons"
BACK = "← Back"
NEXT = "Next →"
SKIP = "Skip →"
FINISH = "Finish →"
AGAIN = "From the beginning"
NEXT_LESSON = "Next lesson →"
CLOSE = "Close"
FOLD = "Fold or unfold"
STEP = "Step {step} of {steps}"
MODEL = "The model:"
CLICK_TOKEN = "Click a token, then lock."
HEAD = "The head that the page shows now is your answer. Click one in the picture, or move Layer and Head, then lock."
HEAD_NAME = "layer {layer}, head {head}"
NO_ANSWER = ("There is no answer yet.", "Choose or type one first.")
OUT_OF_RANGE = ("Your number is {value}; this question takes {least} to {most}.", "Type another one.")
NOT_A_TOKEN = ("No token is clicked yet.", "Click one above, then lock.")
COMPUTING = "The model is computing its answer …"
TRAINS = "The tiny model is being trained to its end, here and now: half a minute for the first who asks."
LOADING = ("The model is still loading.", "Wait until it is there, then lock again.")
OTHER_MODEL = "Load the model that the lesson was written for, or go on with the next step."
NOT_HERE = "This step can't be answered by {model}:"
GO_ON = "The lesson goes on without it."
EDITED = "The page keeps an edit of the model. The lesson's numbers are of the whole model."

RIGHT_CHOICE = "You chose “{chosen}”, and so does the model."
WRONG_CHOICE = "You chose “{chosen}”; the model’s own answer is “{answer}”."
RIGHT_NUMBER = "You said {guess}; the model’s number is {value}. Close enough: {apart} apart."
EXACT_NUMBER = "You said {guess}, and that is the model’s number."
LOW_NUMBER = "You said {guess}; the model’s number is {value}: you are {apart} too low."
HIGH_NUMBER = "You said {guess}; the model’s number is {value}: you are {apart} too high."
POINTS = "{points} points"
RIGHT_TOKEN = "You clicked “{chosen}”, and that is the one: {value}."
WRONG_TOKEN = "You clicked “{chosen}”, which gets {own}; the most goes to “{answer}”: {value}."
BEST_HEAD = "Layer {layer}, head {head} gives {own}: no head gives more."
GOOD_HEAD = (
    "Layer {layer}, head {head} gives {own}. The most is {best}, so yours is one of the strong ones: rank {rank}."
)
OTHER_HEAD = "Layer {layer}, head {head} gives {own}: rank {rank} of {heads}. The most is {best}."

END = "That was “{title}”"
END_SCORE = "You predicted {right} of {answered} answers. A wrong prediction teaches more than none."
END_NONE = "You locked no answer in this lesson."
KNOWS = "You know now:"
"""Before what the lesson said one would know."""
