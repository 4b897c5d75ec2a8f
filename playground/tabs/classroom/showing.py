"""The markup of a class: where pupils find the page, who is here, what a pupil's page does. Every text is escaped."""

from html import escape

from playground.classroom.session import MOST_ADDRESS
from playground.components import markup
from playground.components.qr_code import qr_code
from playground.texts import classroom as texts


def pupil_words() -> str:
    """What a pupil's page does; style.css shows the one that holds, by the body's class."""
    words = {"follows": texts.FOLLOWING, "roams": texts.ROAMING, "lost": texts.LOST}
    spans = "".join(f'<span data-when="{when}">{markup.text(said)}</span>' for when, said in words.items())
    return f'<p class="pg-class-words">{spans}</p>'


def line(pupils: int, answers: int | None) -> str:
    """Who is here and how many have answered. answers: None without a question."""
    words = [texts.HERE.format(pupils=_count(pupils))]
    words += [texts.ANSWERED.format(answers=answers)] if answers is not None else []
    counts = "".join(f"<span>{markup.text(word)}</span>" for word in words)
    long = f'<span data-when="long">{markup.text(texts.TOO_LONG.format(most=MOST_ADDRESS))}</span>'
    return f'<p class="pg-class-line"><b>{markup.text(texts.TITLE)}</b>{counts}{long}</p>'


def place(address: str, is_open: bool) -> str:
    """The pupils' address in large type with its code; folded to one line while a question is open."""
    code = qr_code(address, texts.QR_LABEL, "class-qr")
    note = markup.note(texts.NO_QUESTION) if is_open else ""
    return (
        f'<details class="pg-class-place"{" open" if is_open else ""}><summary>{markup.text(texts.JOIN)} '
        f"<b>{escape(address)}</b></summary><div>{code}<div>{note}{markup.note(texts.COUNTED)}</div></div></details>"
    )


def _count(pupils: int) -> str:
    return texts.PUPIL if pupils == 1 else texts.COUNT.format(pupils=pupils)
