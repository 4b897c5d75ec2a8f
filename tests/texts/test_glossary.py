"""The glossary's terms in the page's own texts."""

import re

from playground.components import glossary, markup
from playground.texts import glossary as table


def marked(words: str) -> list[str]:
    return re.findall(r'data-gloss="[^"]*">([^<]*)</span>', words)


def test_each_term_is_marked_once_and_the_text_stays():
    """Guards against a second underline for the same term, a term found inside another word or in a formula, and against
    marks that change what is read: without its tags the text is the one before."""
    piece = (
        "The <b>softmax</b> of logits: <code>softmax(logits)</code>. A logit, a softmax, alogits, top-k and stop-king."
    )
    (words,) = glossary.mark_terms(piece)
    assert marked(words) == ["softmax", "logits", "top-k"]
    assert re.sub("<[^>]*>", "", words) == re.sub("<[^>]*>", "", piece)
    first, second = glossary.mark_terms("Entropy.", "Entropy in bits.")
    assert (marked(first), marked(second)) == (["Entropy"], ["bits"]), "once in all pieces together"


def test_everyday_terms_are_left_alone_in_sentences():
    """Guards against a page of dots: what nearly every sentence says is marked in long explanations only."""
    assert marked(glossary.mark_sentence("3 tokens of a head with 2 bits")) == ["bits"]
    assert marked(markup.explanation("About", "3 tokens of a head with 2 bits")) == ["tokens", "head", "bits"]


def test_a_visitors_text_is_never_marked():
    """Guards against a word of the visitor's taken for the page's own, and against markup in a quotation: what stands
    between quotation marks stays, escaped; where they don't pair nothing is marked."""
    hostile = "<img src=x onerror=alert(1)> entropy"
    words = markup.note(f"“{hostile}” had an entropy of 3.00 bits, “logits” 2", terms=True)
    assert marked(words) == ["entropy", "bits"] and "<img" not in words
    assert "&lt;img src=x onerror=alert(1)&gt; entropy”" in words and "“logits”" in words
    for odd in ("“a” entropy” b", "“entropy", "entropy “a “b” c”"):
        assert marked(markup.note(odd, terms=True)) == [], odd


def test_a_term_can_be_reached_and_read():
    """Guards against a sentence for mice alone: the term takes the focus of keyboard and finger, and has its sentence for
    screen readers; quotes in it can't end the attribute."""
    (words,) = glossary.mark_terms("entropy")
    sentence = table.TERMS["entropy"].sentence
    assert (
        'tabindex="0"' in words and f'aria-label="entropy: {sentence}"' in words and f'data-gloss="{sentence}"' in words
    )


def test_signs_are_explained_where_they_occur():
    """Guards against a mark that nobody explains, and against a line of marks that are not there."""
    assert glossary.signs(["a", "b"]) == ""
    assert marked(glossary.signs(["·a", "⏎"])) == ["·", "⏎"]
    assert marked(glossary.signs(["中"], grouped=True)) == ["×2"]


def test_every_term_is_one_short_plain_sentence():
    """Guards against a term that two entries claim, and an entry that grows into a lecture."""
    spellings = [spelling.lower() for name, term in table.TERMS.items() for spelling in (name, *term.also)]
    assert len(spellings) == len(set(spellings))
    for name, term in table.TERMS.items():
        assert term.sentence[0].isupper() and term.sentence.endswith(".") and len(term.sentence) <= 110, name
        assert marked(glossary.mark_terms(f"a {name} b", everyday=True)[0]) == [name]


def test_quotations_from_right_to_left_stand_apart():
    """Guards against a percentage that Hebrew before it draws to its other side; other quotations stay as they are."""
    assert markup.text("“שלום” (0.3 %), “Rome” 65 %") == "“\u2068שלום\u2069” (0.3 %), “Rome” 65 %"
