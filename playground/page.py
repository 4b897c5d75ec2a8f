"""The page put together: header, sidebar, the visitor's text, the tabs, the endpoints."""

import os
from html import escape
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # no foreign host is asked, ever
# After every event Gradio makes a table of the last 10,000 for statistics that nobody sees here: 0.08 s of a core each time.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "100")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))

import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from playground import api, tabs, workbench
from playground.classroom.events import ClassroomEvents
from playground.components import Panel, PinTray, VisitHistory, WatchedState
from playground.components.classroom import CLASSROOM_HEAD
from playground.components.compressed_streams import CompressedStreams
from playground.components.gradio_theme import theme
from playground.components.kept_files import KeptFiles
from playground.components.kept_page import KeptPage
from playground.components.lasting_streams import LastingStreams
from playground.components.light_events import LIGHT_EVENTS
from playground.components.light_sessions import keep_light_sessions
from playground.components.links import LINKS_HEAD
from playground.components.opening_words import OpeningWords, opening_style
from playground.components.page_language import LANGUAGE_FILES, SWITCH, language_head
from playground.components.plotly_view import EARLY, LIBRARIES
from playground.components.visit_history import TOGGLE_VISITS
from playground.components.whole_updates import send_updates_whole
from playground.concurrency.allocator import return_freed_memory
from playground.engine.functions import begin_page
from playground.figures.theme import BLUE, DIVERGING, css_variables
from playground.request_guard import RequestGuard
from playground.settings import MIB, Settings
from playground.tabs import classroom, course
from playground.tabs.shared import sidebar, text_input
from playground.tabs.shared.downloads import KEPT, remove_old_files
from playground.tabs.shared.language_chooser import follow_languages
from playground.tabs.shared.link_controls import carried_controls
from playground.tabs.shared.link_view import build_link_view, follow_links
from playground.tabs.shared.views import on_open_tab, open_name, redraw_with_model_and_text
from playground.texts import shared as texts
from playground.texts.links import LINK
from playground.texts.pins import HISTORY

_ASSETS = Path(__file__).resolve().parent.parent / "assets"
HEADER = f"""
<header class="pg-header"><h1 translate="no">Transformer Playground</h1><p>{escape(texts.HEADER)}</p></header>
"""
TOGGLE_THEME = """() => { const dark = document.body.classList.toggle('dark');
  try { localStorage.setItem('pg-theme', dark ? 'dark' : 'light'); } catch (e) {} }"""
PRESENT = "() => { window.__playgroundPlots?.stage.present(); }"
"""Picture by picture on the whole screen: components/plotly_view_stage.js. The address `?present` begins with it."""
OPEN_PAGE = """() => {
  document.body.classList.add('pg-built');
  window.__playgroundLanguage.built();
  let theme = null; try { theme = localStorage.getItem('pg-theme'); } catch (e) {}
  const inAddress = new URLSearchParams(location.search).has('__theme');
  if (theme && !inAddress) document.body.classList.toggle('dark', theme === 'dark');
  document.querySelector('#lens-text textarea')?.setAttribute('dir', 'auto');
  const sidebar = document.querySelector('.sidebar'), parent = sidebar?.closest('.sidebar-parent');
  const note = () => parent.toggleAttribute('data-sidebar-open', sidebar.classList.contains('open'));
  if (parent) {
    parent.classList.replace('sidebar-parent', 'pg-room');
    new MutationObserver(note).observe(sidebar, {attributes: true, attributeFilter: ['class']});
    note();
  }
  const button = document.querySelector('.sidebar .toggle-button');
  if (button && innerWidth >= 1000 && !document.querySelector('.sidebar.open')) button.click();
}"""

MOST_UPLOADED = 1 * MIB
"""Bytes of one file: a table of the Tasks tab."""
COMPRESSED = Middleware(GZipMiddleware, minimum_size=2000, compresslevel=6)
"""Gradio compresses files by the ending of their names, which the page itself, 2 MB, has none of."""
STREAMS = Middleware(CompressedStreams)
LASTING = Middleware(LastingStreams)
SIDEBAR = 300  # pixels
ROOM_FOR_SIDEBAR = f"""<style>.pg-room {{ display: flex !important; padding: 0; }}
@media (prefers-reduced-motion: no-preference) {{ .pg-room {{ transition: padding-left 0.3s ease-in-out; }} }}
@media (min-width: 769px) {{ .pg-room[data-sidebar-open] {{ padding-left: {SIDEBAR}px; }} }}</style>"""
"""In place of Gradio's rules for `.sidebar-parent` (6.31.0): it measures this room once, when the sidebar opens, and gets it
wrong when the page changes meanwhile; and its rules with :has() search the whole page for a sidebar on the right whenever a
label is measured."""
LANGUAGE = language_head(*texts.OPENING_IN_CHINESE, built="pg-built")
OPENING = opening_style(*texts.OPENING, built="pg-built") + LANGUAGE + LIGHT_EVENTS + LINKS_HEAD + EARLY
"""What stands at the beginning of the page's head."""
KEPT_PAGE = Middleware(KeptPage)
KEPT_FILES = Middleware(KeptFiles, libraries=LIBRARIES, made=LANGUAGE_FILES)
"""The innermost: what it sends gets the guard's headers like any answer."""


def create_app(settings: Settings | None = None) -> gr.Blocks:
    """Builds the page; `launch_options` belong to its launch()."""
    workbench.share(workbench.Workbench(settings))
    return_freed_memory()
    begin_page()
    send_updates_whole()
    keep_light_sessions()
    remove_old_files()  # of a server that ended before
    with gr.Blocks(
        title="Transformer Playground", analytics_enabled=False, fill_width=True, delete_cache=(KEPT // 6, KEPT)
    ) as blocks:
        with gr.Sidebar(open=False, width=SIDEBAR):
            holder = gr.Column()
        with gr.Row(elem_classes="pg-top"):
            Panel(HEADER)
            present = gr.Button("Present", size="sm", scale=0, min_width=90, elem_id="present")
            link = gr.Button(LINK, size="sm", scale=0, min_width=140, elem_id="link")
            history = gr.Button(HISTORY, size="sm", scale=0, min_width=90, elem_id="history")
            language = gr.Button(
                texts.CHINESE, size="sm", scale=0, min_width=80, elem_id="language", elem_classes="notranslate"
            )
            toggle = gr.Button("Light / dark", size="sm", scale=0, min_width=110, elem_id="toggle-theme")
        build_link_view(link)
        VisitHistory()
        class_controls = classroom.build() if workbench.shared().classroom else None
        redraw: dict[str, gr.State] = {tab.NAME: WatchedState(0) for tab in tabs.TABS}
        page = text_input.build(open_name(tabs.TABS[0].NAME), redraw, blocks.load)
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap"):
            for tab in tabs.TABS:
                with gr.Tab(tab.TITLE, id=tab.NAME) as item:
                    tab.build(page)
                    on_open_tab(page, item, tab.NAME)
        redraw_with_model_and_text(page)
        follow_languages(page)
        lessons = course.build(page, blocks, class_controls.pupil if class_controls else None)
        if class_controls:
            classroom.connect(page, class_controls, lessons)
        carried = carried_controls(blocks, page)
        with holder:
            sidebar.build(page, carried)
        follow_links(blocks, page, carried)
        toggle.click(None, None, None, js=TOGGLE_THEME, api_visibility="private")
        language.click(None, None, None, js=SWITCH, api_visibility="private")
        history.click(None, None, None, js=TOGGLE_VISITS, api_visibility="private")
        present.click(None, None, None, js=PRESENT, api_visibility="private")
        blocks.load(None, None, None, js=OPEN_PAGE, api_visibility="private")
        PinTray(DIVERGING)
        api.publish()
    return blocks


def launch_options() -> dict:
    """What launch() needs for the page to look and behave as it should, and to answer its own visitors alone."""
    guard = Middleware(RequestGuard, settings=workbench.shared().settings)
    room = workbench.shared().classroom
    opening = Middleware(OpeningWords, markup=OPENING + (CLASSROOM_HEAD if room else ""))
    of_class = [Middleware(ClassroomEvents, classroom=room)] if room else []
    return {
        "app_kwargs": {"middleware": [STREAMS, guard, *of_class, KEPT_PAGE, COMPRESSED, opening, KEPT_FILES, LASTING]},
        "_frontend": False,  # else launch() ends a server that does not answer it within 3 s, busy with first requests
        "max_file_size": MOST_UPLOADED,
        "max_threads": 128,  # one for each visitor who writes, most of whom wait for their turn
        "i18n": gr.I18n(en=texts.ANNOUNCED),
        "theme": theme(BLUE),
        "head": ROOM_FOR_SIDEBAR,
        "css": css_variables(),
        "css_paths": [_ASSETS / "style.css"],
        "footer_links": ["api"],
        "run_history": False,
        "show_error": False,  # what an error says is for the log; handlers and endpoints tell it in words of ours
    }
