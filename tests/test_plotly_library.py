"""The smaller plotly.js that most pages draw with: components/plotly_library.py. Browser tests draw with it."""

import re

import pytest

from playground.components.plotly_library import ALL_KINDS, KINDS, without_other_kinds
from playground.components.plotly_view import LARGE_JS, PLOTLY_JS, SMALL_JS


@pytest.fixture(scope="module")
def whole() -> str:
    return PLOTLY_JS.read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "kinds", "parts"), [(SMALL_JS, KINDS, 3), (LARGE_JS, ALL_KINDS, 1.9)])
def test_nothing_that_is_left_refers_to_what_is_left_out(whole, path, kinds, parts):
    """Guards against a module that a kept one calls and that is not there: an error at a visitor's first such picture. And
    against a newer plotly.js in another form, of which nothing would be left out without a word."""
    small = path.read_text(encoding="utf-8")
    assert path != PLOTLY_JS and len(small) < len(whole) / parts
    defined = re.compile(r"\bvar ([\w$]{2,})=\w+\((?:\([\w$,]*\)|[\w$]+)=>\{")
    gone = set(defined.findall(whole)) - set(defined.findall(small))
    assert len(gone) > (500 if kinds == KINDS else 300)
    assert not gone & set(re.findall(r"[\w$]+", small))
    assert small.startswith("/**\n* plotly.js v") and "Bundled license information" in small
    assert all(f'moduleType:"trace",name:"{kind}"' in small for kind in kinds)


@pytest.mark.parametrize(
    ("former", "then"),
    [
        ("moduleType:", "moduleKind:"),
        (".register([", ".enroll(["),
        ('"use strict";var Plotly=', "window.Plotly="),
        ("{try{return", "{return"),
    ],
)
def test_another_form_is_left_as_it_is(whole, former, then):
    """Guards against half a library, made of a plotly.js that is bundled in another way."""
    assert without_other_kinds(whole.replace(former, then)) is None
