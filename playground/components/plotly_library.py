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
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Bundle:
    """plotly.js, taken apart into its modules."""

    licence: str
    head: str
    modules: dict[str, str]
    """Name -> text, in their order; the last one registers all kinds."""
    homes: dict[str, str]
    """Name of a module -> the one in whose text it stands: a module of ES declares its variables with it, and is taken for a
    part of the one in front of it."""
    traces: dict[str, str | None]
    """A call of the last module -> Plotly's name of the traces that it registers; None for other things."""
    references: dict[str, set[str]] = field(default_factory=dict)
    """Name -> the modules that it calls, of those that were asked for."""

    def of_kinds(self, kinds: Collection[str]) -> str | None:
        """A plotly.js that draws these kinds of traces alone and names them in `Plotly.playgroundKinds`; None where it has
        not all of them."""
        if not set(kinds) <= {_IN_CORE, *self.traces.values()}:
            return None
        last = next(reversed(self.modules))
        calls = [call for call, kind in self.traces.items() if kind and kind in kinds]
        registering = _REGISTER.sub(lambda _: f".register([{','.join(calls)}])", self.modules[last], count=1)
        modules = self.modules | {last: registering}
        kept = self._reached(last, _CALL.findall(registering))
        body = "".join(text for name, text in modules.items() if name in kept).rstrip().removesuffix(_END)
        return f"{self.licence}\n{self.head}{body}Plotly.playgroundKinds = {json.dumps(list(kinds))};\n"

    def _reached(self, last: str, calls: Collection[str]) -> set[str]:
        """Names of the modules that the last one calls, through others too. What stands behind a module and is none is kept,
        with the module in front of it."""
        due = [self.homes[call] for call in calls if call in self.homes]
        due += [name for name, text in self.modules.items() if not text.rstrip().endswith("});")]
        reached = {last}
        while due:
            name = due.pop()
            if name not in reached:
                reached.add(name)
                if name not in self.references:
                    called = self.homes.keys() & set(_CALL.findall(self.modules[name]))
                    self.references[name] = {self.homes[one] for one in called}
                due += self.references[name]
        return reached


def bundle_of(source: str) -> Bundle | None:
    """The text of plotly.min.js, taken apart; None where it is not the bundle that this module knows."""
    helpers = [found[1] for helper in _HELPERS if (found := helper.search(source))]
    if len(helpers) < len(_HELPERS) or _BEGIN not in source or not source.rstrip().endswith(_END):
        return None
    made = rf"([\w$]+)=(?:{'|'.join(map(re.escape, helpers))})\((?:\([\w$,]*\)|[\w$]+)=>\{{"
    places = [(found.start(), found[1]) for found in re.finditer(f"var {made}", source)]
    ends = [start for start, _ in places[1:]] + [len(source)]
    modules = {name: source[start:end] for (start, name), end in zip(places, ends, strict=True)}
    registers = _REGISTER.search(modules[places[-1][1]]) if places else None
    if registers is None:
        return None
    behind = re.compile(f",{made}")
    homes = {other: name for name, text in modules.items() for other in (name, *behind.findall(text))}
    traces = {call: _kind_of(call.removesuffix("()"), modules) for call in registers[1].split(",")}
    licence = source[: source.index("*/") + 2] if source.startswith("/*") else ""
    return Bundle(licence, source[source.index(_BEGIN) : places[0][0]], modules, homes, traces)


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


def cut_libraries(whole: Path, kinds: Mapping[str, Collection[str]]) -> list[Path]:
    """For each name of `kinds` a file of plotly.js for these kinds in the playground's cache, plotly.<name>.js, in a folder
    whose name changes with what is in it; what is not that text is written anew. The whole library where there can be
    none."""
    bundle = bundle_of(whole.read_text(encoding="utf-8"))
    texts = {name: None if bundle is None else bundle.of_kinds(some) for name, some in kinds.items()}
    return [whole if text is None else _kept(f"plotly.{name}.js", text) or whole for name, text in texts.items()]


def _kept(name: str, text: str) -> Path | None:
    body = text.encode()
    try:
        file = cache_folder() / f"plotly-{hashlib.blake2b(body, digest_size=8).hexdigest()}" / name
        if not file.is_file() or file.read_bytes() != body:
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_name(f"{os.getpid()}.part")
            part.write_bytes(body)
            os.replace(part, file)  # whole at once: another server may read it
    except (OSError, RuntimeError):  # a disk that takes nothing; a user without a home
        return None
    return file.resolve()
