"""plotly.py's own plotly.js without the kinds of traces that most pages never draw: a quarter of its 4.8 MB, unchanged,
and with those that need WebGL a half. Most of the rest is maps. A figure of another kind is drawn by the whole file, see
plotly_view_theme.js.

plotly.js is a bundle of modules, each of which stands in a function of its own; the last one registers all kinds of traces.
Here it registers those of KINDS alone, and modules that nothing refers to any longer are left out. Knows no figures.
"""

import hashlib
import json
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from playground.settings import cache_folder

KINDS = ("bar", "heatmap", "scatter", "waterfall")
"""Plotly's names of the traces that the small library draws."""
WEBGL_KINDS = (*KINDS, "scattergl", "scatter3d")
"""Those of the library for clouds of points, half of the whole: all that a figure of the playground has."""
_IN_CORE = "scatter"
"""The one kind of traces that plotly.js registers by itself."""
_HELPERS = (
    re.compile(r"\bvar ([\w$]+)=\(e,t\)=>\(\)=>\{try\{return t\|\|e\(\(t=\{exports:"),
    re.compile(r"\bvar ([\w$]+)=\(e,t,r\)=>\(\)=>\{if\(r\)throw r\[0\];try\{return e&&"),
)
"""The functions of esbuild (0.2x) that make a module of CommonJS, and one of ES, of a function."""
_REGISTER = re.compile(r"\.register\(\[((?:[\w$]+\(\),?)+)\]\)")
_KIND = re.compile(r'moduleType:"(\w+)",name:"(\w+)"')
_FIRST_CALL = re.compile(r"=([\w$]+)\(\)")
_CALL = re.compile(r"([\w$]+)\(\)")
"""How a module is referred to: it is called, without arguments. Other things have the same names within functions."""
_BEGIN, _END = '"use strict";var Plotly=(()=>{', "return Plotly;\n}));"
"""Where the bundle begins, within a function that a browser first skips and then reads a second time; and that one's end."""


def without_other_kinds(source: str, kinds: Collection[str] = KINDS) -> str | None:
    """A plotly.js that draws these kinds of traces alone and names them in `Plotly.playgroundKinds`. source: the text of
    plotly.min.js. None where the text is not the bundle that this module knows."""
    helpers = [found[1] for helper in _HELPERS if (found := helper.search(source))]
    if len(helpers) < len(_HELPERS) or _BEGIN not in source or not source.rstrip().endswith(_END):
        return None
    made = rf"([\w$]+)=(?:{'|'.join(map(re.escape, helpers))})\((?:\([\w$,]*\)|[\w$]+)=>\{{"
    module, behind = re.compile(f"var {made}"), re.compile(f",{made}")
    places = [(found.start(), found[1]) for found in module.finditer(source)]
    ends = [start for start, _ in places[1:]] + [len(source)]
    modules = {name: source[start:end] for (start, name), end in zip(places, ends, strict=True)}
    last = places[-1][1] if places else ""
    registers = _REGISTER.search(modules.get(last, ""))
    if registers is None:
        return None
    traces = {call: _kind_of(call.removesuffix("()"), modules) for call in registers[1].split(",")}
    if not set(kinds) <= {_IN_CORE, *traces.values()}:
        return None
    calls = ",".join(call for call, kind in traces.items() if kind and kind in kinds)
    modules[last] = modules[last].replace(registers[0], f".register([{calls}])")
    homes = {name: name for name in modules}
    homes |= {other: name for name, text in modules.items() for other in behind.findall(text)}
    kept = _reached(modules, homes, last)
    licence = source[: source.index("*/") + 2] if source.startswith("/*") else ""
    head = source[source.index(_BEGIN) : places[0][0]]
    body = "".join(text for name, text in modules.items() if name in kept)
    return f"{licence}\n{head}{body.rstrip().removesuffix(_END)}Plotly.playgroundKinds = {json.dumps(list(kinds))};\n"


def _kind_of(name: str, modules: Mapping[str, str]) -> str | None:
    """What a registered module is, Plotly's name of a kind of traces: said there or in the module that it hands on."""
    for _ in range(4):
        text = modules.get(name, "")
        if kind := _KIND.search(text):
            return kind[2] if kind[1] == "trace" else None
        if not (call := _FIRST_CALL.search(text)):
            break
        name = call[1]
    return None


def _reached(modules: Mapping[str, str], homes: Mapping[str, str], last: str) -> set[str]:
    """Names of the modules that the last one refers to, through others too. What stands behind a module and is none is kept,
    with the module in front of it. homes: of each module's name the one in whose text it stands: a module of ES declares its
    variables with it, and is taken for a part of the one in front of it."""
    due = [last, *(name for name, text in modules.items() if not text.rstrip().endswith("});"))]
    reached: set[str] = set()
    while due:
        name = due.pop()
        if name not in reached:
            reached.add(name)
            due += [homes[other] for other in homes.keys() & set(_CALL.findall(modules[name]))]
    return reached


def cut_library(whole: Path, kinds: Collection[str] = KINDS, name: str = "small") -> Path:
    """A file of plotly.js for these kinds in the playground's cache, plotly.<name>.js, in a folder whose name changes with
    what is in it; what is not that text is written anew. The whole library where there can be none."""
    text = without_other_kinds(whole.read_text(encoding="utf-8"), kinds)
    if text is None:
        return whole
    body = text.encode()
    try:
        cut = cache_folder() / f"plotly-{hashlib.blake2b(body, digest_size=8).hexdigest()}" / f"plotly.{name}.js"
        if not cut.is_file() or cut.read_bytes() != body:
            cut.parent.mkdir(parents=True, exist_ok=True)
            part = cut.with_name(f"{os.getpid()}.part")
            part.write_bytes(body)
            os.replace(part, cut)  # whole at once: another server may read it
    except (OSError, RuntimeError):  # a disk that takes nothing; a user without a home
        return whole
    return cut.resolve()
