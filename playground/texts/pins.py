"""Texts of pinned pictures: the button below each picture, the tray that keeps them, their differences and why there is
none; and of the history of a visit. The browser fills in the words in braces."""

PIN = "Pin"
PIN_TITLE = "Keep this picture as it is, beside what comes next"

TRAY = {
    "name": "Pinned pictures",
    "height": "Height of the tray",
    "count": "Pinned: {count}",
    "pinned": "Pinned as {number}.",
    "there": "{number} is here already.",
    "unpin": "Unpin",
    "unpin_one": "Unpin {number}",
    "unpin_all": "Unpin all",
    "open": "Open",
    "open_title": "Show again what this picture was made of: model, text, view and controls",
    "edited": "edited: {what}",
    "full": "The tray holds {most} pictures. Unpin one, then pin this one.",
    "heavy": "The pinned pictures would take {size} MB of the browser's memory, more than {most}. Unpin one first.",
    "webgl": "The tray holds {most} pictures of many points or of three dimensions. Unpin one of them first.",
    "minus": "−",
    "from": "Subtract from",
    "take": "What is subtracted",
    "subtract": "Subtract",
    "no_script": ("The browser subtracted two pinned pictures. Where both have a script, so has their difference."),
}
"""Of the tray."""
PARTS = {
    "layer": "layer {n}",
    "head": "head {n}",
    "token": "token {n}",
    "query": "query {n}",
    "position": "position {n}",
    "step": "step {n}",
    "seed": "seed {n}",
    "second_model": "beside {n}",
}
"""Settings that say which part of the model or the text a picture shows, in the order in which they are named."""
DIFFERENCE = {
    "title": "{a} minus {b}",
    "largest": "Largest difference: {value} at {place}; {mean} on average, without signs.",
    "none": "There is no difference: all {count} numbers are the same.",
    "by_name": "Paired by name: {left} of {all} are in one picture alone, and left out.",
    "by_place": "Paired by place: at {other} of {all} places along “{axis}” the names differ, marked ≠.",
    "why": "{a} and {b} can't be subtracted: {reason}",
    "itself": "they are one picture.",
    "moves": "{n} moves; it has one set of numbers for each of its steps.",
    "nothing": "{n} has no numbers along axes.",
    "words": "the cells of {n} hold words, or numbers rounded for reading.",
    "shades": "{n} is shaded by logarithms, without its numbers.",
    "ranking": "the places of {n} are a ranking, so one place is another head in each.",
    "curve": "the lines of {n} run back on themselves.",
    "kinds": "{a} is {one}, {b} is {other}.",
    "quantity": "{a} shows “{one}”, {b} “{other}”.",
    "counts": "along “{axis}” {a} has {one} places, {b} {other}.",
    "names": "along “{axis}” only {same} of {all} places have the same name.",
    "no_names": "along “{axis}” nothing has the same name in both.",
    "series": "{a} has {one} series, {b} {other}, of other names.",
    "map": "a map",
    "bars": "bars",
    "lines": "lines",
    "axis": "axis",
}
"""Of what is subtracted, and why it can't be."""

HISTORY = "History"
VISITS = {
    "title": "What you looked at in this visit, the latest first",
    "lead": "Each line is a link that brings the view back. The list is kept in this page alone and goes with it.",
    "close": "Close ✕",
    "layer": "layer {layer}, head {head}",
    "token": "token {token}",
    "edited": "edited",
    "now": "now",
}
