"""Texts of a class: the pinned model, the pupil's switch, the teacher's panel."""

PINNED = "This class works with {model} alone."
PINNED_REMEDY = "Whoever starts the server chooses the model: python app.py --classroom --model NAME."
MODEL = "The class's model. Whoever starts the server chooses it."
FOLLOW = "Follow the teacher"
FOLLOWING = "Your page goes where the teacher's goes."
ROAMING = "You roam: your page stays where you go. Lessons answer at once."
LOST = "The server doesn't answer. This page goes on trying, and catches up."
NOT_TEACHER = "This is not the teacher's address. You are here as a pupil."
TITLE = "In class"
JOIN = "Pupils open this address on the same network:"
QR_LABEL = "The pupils' address as a QR code, drawn by this server"
HERE = "{pupils} here"
PUPIL = "1 pupil"
COUNT = "{pupils} pupils"
YES = "yes"
ANSWERED = "{answers} answered"
NO_QUESTION = (
    "Open a lesson: its questions gather the class's answers here. Pupils follow this page's tab, view, text, head."
)
OWN = "← the model"
NO_ANSWERS = "No answers yet. Pupils lock theirs in the lesson's panel."
REVEAL = "Reveal the model's answer"
CSV = "Answers as CSV"
ANSWERS = "The class's answers"
PUPILS = "pupils"
WAITS = "Your answer is locked. The model's answer comes when your teacher reveals it."
COUNTED = "Answers are counted without names, and forgotten with the next question."
MODEL_SAYS = "The model's answer: {answer}. {right} of {answers} predicted it."
SPREAD = "No answer has more than half of the class: the longest bar has {count} of {answers}."
MOST_GAVE = "Most of the class says “{answer}”: {count} of {answers}."
DESCRIPTION = "The class's answers as bars: {bars}."
CSV_HEAD = ("lesson", "step", "question", "answer", "pupils", "the model's own")
TOO_LONG = "Pupils can't follow this: the address of this view is longer than {most:,} characters. Shorten the text."
TERMINAL = """
  In class. Pupils on this network open
    {pupils}
{code}
  You, the teacher, open
    {teacher}
  Keep that address to yourself. Answers are stored nowhere; Ctrl-C ends the class.
"""
