"""The smaller plotly.js that most pages draw with: components/plotly_library.py. Browser tests draw with it."""

import re

import pytest

from playground.components.plotly_library import KINDS, WEBGL_KINDS, bundle_of
from playground.components.plotly_view import PLOTLY_JS, SMALL_JS, WEBGL_JS


@pytest.fixture(scope="module")
def whole() -> str:
    return PLOTLY_JS.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(("file", "kinds", "share"), [(SMALL_JS, KINDS, 1 / 3), (WEBGL_JS, WEBGL_KINDS, 0.55)])
def test_nothing_that_is_left_refers_to_what_is_left_out(whole, file, kinds, share):
    """Guards against a module that a kept one calls and that is not there: an error at a visitor's first such picture. And
    against a newer plotly.js in another form, of which nothing would be left out without a word."""
    small = file.read_text(encoding="utf-8")
    assert file != PLOTLY_JS and len(small) < len(whole) * share
    helpers = r"(?:W|Ea)"  # esbuild's own names in this plotly.js, of functions that make a module
    defined = re.compile(rf"(?:\bvar |,)([\w$]+)={helpers}\((?:\([\w$,]*\)|[\w$]+)=>\{{")
    gone = set(defined.findall(whole)) - set(defined.findall(small))
    assert len(gone) > 500
    assert not gone & set(re.findall(r"([\w$]+)\(\)", small))
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
    bundle = bundle_of(whole.replace(former, then))
    assert bundle is None or bundle.of_kinds(KINDS) is None
