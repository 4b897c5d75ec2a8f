"""Which controls of the page a link carries: those of the tabs that have an element's name. They are read from the page that
was built, so that a new control is carried without further work."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block, Blocks
from gradio.components import Component

from playground.components import FollowingDropdown, FollowingRadio, FollowingSlider, TokenList
from playground.links.experiment import CHOICE, FREE, MANY, MOST_TEXT, NUMBER, SWITCH, TEXT, Control
from playground.tabs.shared.page_context import PageControls

NOT_CARRIED = {
    "training"  # its lesson is one run for all who watch it
}
"""Tabs."""
RESET_WHEN_DRAWN = {"what-key", "what-score", "what-hide", "what-factor"}
"""Elements whose change is over when their view is drawn."""
CLICKED = "-clicked"
"""How the names of hidden elements end whose value is what was clicked in a picture."""
_FOLLOWING = (FollowingDropdown, FollowingRadio, FollowingSlider, TokenList)


@dataclass(frozen=True)
class CarriedControls:
    """The controls, and the tabs and views that there are."""

    components: tuple[Component, ...]
    controls: tuple[Control, ...]
    """Of the components, in their order."""
    tabs: Mapping[str, str]
    """Name -> title, in the page's order."""
    views: Mapping[str, Mapping[str, str]]
    """A tab's name -> name -> title of its views, in their order; of tabs that have some."""
    places: Mapping[str, str]
    """A control's key -> "tab/view", or its tab."""
    readings: tuple[str, ...]
    """Places whose controls hold for one text: see `PageControls.readings`."""

    def place(self, tab: str, view: str) -> tuple[str, dict[str, str]]:
        """The tab of this name, the first for an unknown one; and the open view of each tab that has some."""
        tab = tab if tab in self.tabs else next(iter(self.tabs))
        views = {name: next(iter(names)) for name, names in self.views.items()}
        if view in self.views.get(tab, {}):
            views[tab] = view
        return tab, views

    def titles(self, tab: str, view: str) -> list[tuple[str, str]]:
        """The bars and titles of tabs to open, one after the other."""
        inner = [(f"{tab}-views", self.views[tab][view])] if view else []
        return [("tabs", self.tabs[tab]), *inner]

    def neighbours(self, start: int) -> list[list[int]]:
        """The controls' numbers, counted from `start`, by the view in which they lie."""
        groups: dict[str, list[int]] = {}
        for number, control in enumerate(self.controls, start):
            groups.setdefault(self.places[control.key], []).append(number)
        return list(groups.values())

    def config(self, page: PageControls, model: str, base: str) -> dict[str, Any]:
        """For links.js. model, base: those of the page that opens without a link."""
        linked = {part: chooser.linked for chooser in page.head.choosers for part in chooser.inputs.values()}
        rows = [
            [
                control.key,
                control.default,
                component.elem_id,
                isinstance(component, _FOLLOWING),
                self.components.index(linked[component]) if component in linked else -1,
                control.longest if control.kind == TEXT else 0,
            ]
            for component, control in zip(self.components, self.controls, strict=True)
        ]
        views = [[tab, next(iter(names))] for tab, names in self.views.items()]
        titles = {f"{tab}/{view}": title for tab, names in self.views.items() for view, title in names.items()}
        first = {"model": model, "base": base, "tab": next(iter(self.tabs))}
        return {**first, "titles": {**titles, **self.tabs}, "views": views, "controls": rows}


def carried_controls(blocks: Blocks, page: PageControls) -> CarriedControls:
    """Those of a page whose tabs are built."""
    tabs: dict[str, str] = {}
    views: dict[str, dict[str, str]] = {}
    controls: dict[str, tuple[Component, Control]] = {}
    places: dict[str, str] = {}
    choosers = [chooser for chooser in page.head.choosers if not chooser.linked.visible]
    always_linked = {part for chooser in choosers for part in chooser.inputs.values()}
    for block in blocks.blocks.values():
        path = _path(block)
        if isinstance(block, gr.Tab):
            if path:
                views.setdefault(path[0], {})[str(block.id)] = str(block.label)
            else:
                tabs[str(block.id)] = str(block.label)
        elif path and path[0] not in NOT_CARRIED and isinstance(block, Component) and block not in always_linked:
            control = _control(path[0], block)
            if control is not None:
                controls.setdefault(control.key, (block, control))
                places.setdefault(control.key, "/".join(path))
    views = {tab: views[tab] for tab in page.open_views}
    components, kinds = zip(*controls.values(), strict=True)
    return CarriedControls(components, kinds, tabs, views, places, tuple(page.readings))


def _path(block: Block) -> list[str]:
    """The names of the tabs that a block lies in, the outermost first."""
    names: list[str] = []
    parent = block.parent
    while parent is not None:
        if isinstance(parent, gr.Tab):
            names.insert(0, str(parent.id))
        parent = parent.parent
    return names


def _control(tab: str, block: Component) -> Control | None:
    """What a component's values may be; None for one that links do not carry."""
    name = block.elem_id
    if (
        not name
        or (block.visible == "hidden" and not name.endswith(CLICKED))
        or name in RESET_WHEN_DRAWN
        or name.endswith("-linked")
        and not block.visible
    ):
        return None
    key, value = f"{tab}.{name}", block.value
    if isinstance(block, gr.Slider):
        low, high = (None, None) if isinstance(block, FollowingSlider) else (block.minimum, block.maximum)
        return Control(key, NUMBER, value, low, high, whole=float(block.step or 0.5).is_integer())
    if isinstance(block, gr.Number):
        return Control(key, NUMBER, value, block.minimum, block.maximum, whole=block.precision == 0)
    if isinstance(block, gr.Checkbox):
        return Control(key, SWITCH, value)
    if isinstance(block, gr.Textbox):
        return Control(key, TEXT, value, longest=min(block.max_length or MOST_TEXT, MOST_TEXT))
    if isinstance(block, gr.Dropdown | gr.Radio):
        if getattr(block, "multiselect", False):
            return Control(key, MANY, value)
        if isinstance(block, _FOLLOWING):
            return Control(key, FREE, value)
        return Control(key, CHOICE, value, choices=tuple(_values(block)))
    return None


def _values(block: gr.Dropdown | gr.Radio) -> Iterator[Any]:
    for choice in block.choices or ():
        yield choice[1] if isinstance(choice, tuple | list) else choice
