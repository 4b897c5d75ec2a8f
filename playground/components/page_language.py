"""The page's language: Python says English, and the browser translates what it draws, by the tables of texts/chinese/. Knows
no texts; page_language.js chooses the language, page_translation.js and those before it translate.

An English page gets the small script in its head and no more. The table and the scripts that use it are files of their own,
whose addresses change with what is in them, so that a browser asks for each once.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from playground.components.kept_files import MadeFile
from playground.components.opening_words import opening_style

_HERE = Path(__file__).parent
TABLES = _HERE.parent / "texts" / "chinese"
"""JSON files of English text -> Chinese text, with slots {0}, {1}, …; see .github/CONTRIBUTING.md."""
_SCRIPTS = (
    "translation_table", "pseudo_language", "figure_translation", "marked_sentences", "chosen_values", "page_translation",
)  # fmt: skip
"""Joined in this order."""
SWITCH = "() => window.__playgroundLanguage.toggle()"
"""What the header's button does, by the script in the page's head."""


def chinese() -> dict[str, str]:
    """All tables in one. A text that stands in several has the same translation in each."""
    tables = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(TABLES.glob("*.json"))]
    return {english: chinese for table in tables for english, chinese in table.items()}


def _made(name: str, ending: str, kind: str, text: str) -> tuple[str, MadeFile]:
    body = text.encode()
    digest = hashlib.blake2b(body, digest_size=8).hexdigest()
    return f"language/{name}-{digest}.{ending}", MadeFile(kind, body)


def _script(*names: str) -> str:
    return "\n".join((_HERE / f"{name}.js").read_text(encoding="utf-8") for name in names)


def _language_files() -> dict[str, tuple[str, MadeFile]]:
    table = json.dumps(chinese(), ensure_ascii=False, separators=(",", ":"))
    scripts = f"(() => {{'use strict';\n{_script(*_SCRIPTS)}}})();"
    return {
        "zh": _made("chinese", "json", "application/json", table),
        "scripts": _made("translation", "js", "text/javascript; charset=utf-8", scripts),
    }


_FILES = _language_files()
LANGUAGE_FILES: Mapping[str, MadeFile] = dict(_FILES.values())
"""Address below the page's -> the file, for KeptFiles."""


def language_head(*opening: str, built: str) -> str:
    """Markup for the beginning of the page's head: the script, and the words in Chinese that `opening_style` shows."""
    addresses = json.dumps({name: address for name, (address, _) in _FILES.items()})
    words = opening_style(*opening, built=built).replace("<style>body", "<style>html[lang=zh-CN] body")
    return f"<script>{{const FILES = {addresses};\n{_script('page_language')}}}</script>{words}"
