"""Pieces of markup for Panels, every text escaped. Knows nothing of Gradio."""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from playground.analysis.text_display import plain_mark
from playground.components import glossary

_RIGHT_TO_LEFT = re.compile("“([^“”]*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc][^“”]*)”")


def text(value: str) -> str:
    """A text escaped for HTML, its invisible characters made visible. A quotation in a script from right to left is set
    apart, so that numbers and brackets after it stay in their order."""
    return _RIGHT_TO_LEFT.sub("“\u2068\\1\u2069”", escape(plain_mark(value, None)))


def theirs(value: str) -> str:
    """A visitor's or a model's text, escaped, that no translation of the page touches. Markup with a text among its words
    needs no mark where the text stands in “ ”."""
    return f'<span translate="no">{text(value)}</span>'


def inert(value: str) -> str:
    """A text that a chat box, which reads HTML, shows as it is: an empty character behind < and & keeps them from
    beginning a tag or an entity."""
    return re.sub("[<&]", "\\g<0>\u200b", value)


def as_typed(value: str) -> str:
    """The text that was made inert."""
    return re.sub("([<&])\u200b", "\\1", value)


def note(sentence: str, terms: bool = False) -> str:
    """The sentence under a picture. terms: terms of the glossary are marked, outside of quotation marks."""
    words = glossary.mark_sentence(text(sentence)) if terms else text(sentence)
    return f'<p class="pg-note">{words}</p>' if sentence else ""


def problem(error: Exception) -> str:
    """An error's message, with its remedy if it has one."""
    message, remedy = getattr(error, "message", str(error)), getattr(error, "remedy", "")
    return f'<div class="pg-error" role="alert"><strong>{text(message)}</strong> {text(remedy) if remedy else ""}</div>'


def warning(words: str, remedy: str) -> str:
    """What goes wrong without being an error, as `problem` looks; it is not read aloud at once."""
    return f'<div class="pg-error"><strong>{text(words)}</strong> {text(remedy) if remedy else ""}</div>'


def actors(names: Mapping[str, str]) -> str:
    """A legend: name of an actor, one of figures.theme.ACTORS -> what it is called here."""
    keys = (f'<span class="pg-actor" data-actor="{name}">{text(words)}</span>' for name, words in names.items())
    return f'<p class="pg-keys">{"".join(keys)}</p>'


def definitions(facts: Mapping[str, str], terms: bool = False) -> str:
    """A table of names and values. terms: terms of the glossary are marked; for facts whose words are the page's own."""
    pairs = [(text(name), text(value)) for name, value in facts.items()]
    if terms:
        words = iter(glossary.mark_terms(*(word for pair in pairs for word in pair), everyday=True))
        pairs = list(zip(words, words, strict=True))
    rows = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in pairs)
    return f'<dl class="pg-card">{rows}</dl>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. Its cells are markup, escaped by the caller; its head is plain text."""
    names = "".join(f'<th scope="col">{text(name)}</th>' for name in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f'<div class="pg-table" tabindex="0"><table><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def badge(state: str, words: str, title: str = "") -> str:
    """A short statement with its state: ok, warn or off."""
    return f'<span class="pg-badge pg-badge-{state}" title="{text(title) if title else ""}">{text(words)}</span>'


def progress(message: str, share: float | None, seconds: float) -> str:
    """A progress bar of a share 0..1; None for a bar that runs to and fro. seconds: how long the work has run."""
    state = "pg-unknown" if share is None else f'" aria-valuenow="{share * 100:.0f}" style="--share:{share:.3f}'
    return (
        f'<div role="progressbar" aria-label="{text(message)}" class="pg-progress {state}">'
        f"<span>{text(message)} · {seconds:.0f} s</span></div>"
    )


def explanation(summary: str, *paragraphs: str) -> str:
    """A line that opens. Paragraphs are markup of our own, not escaped; terms of the glossary are marked in them."""
    inner = "".join(f"<p>{paragraph}</p>" for paragraph in glossary.mark_terms(*paragraphs, everyday=True))
    return f'<details class="pg-details"><summary>{text(summary)}</summary>{inner}</details>'


def script(summary: str, code: str) -> str:
    """A line that opens a script to copy; nothing without a script."""
    if not code:
        return ""
    return (
        f'<details class="pg-details"><summary>{text(summary)}</summary>'
        f'<pre class="pg-code" tabindex="0"><code>{escape(code)}</code></pre></details>'
    )
