"""The tables by which the browser says the page in Chinese, and whether what the page says has a key in them."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from html import unescape
from pathlib import Path

import playground
from playground.components.page_language import LANGUAGE_FILES, TABLES

ROOT = Path(playground.__file__).parent
TAG = re.compile(r"</?(?:b|em|i|code|sub|sup|strong|a|br|span)\b[^>]*>")
SLOT = re.compile(r"\{\d+\}")
SAID = ("label", "info", "placeholder", "waiting")
"""Arguments of components whose value is on the page."""
WITH_WORDS = ("Button", "Accordion", "Tab", "DownloadButton", "UploadButton", "Checkbox")
"""Components whose first argument is."""
SCREENS = [ROOT / "page.py", *(ROOT / "tabs").rglob("*.py"), *(ROOT / "generation").glob("sampling_controls.py")]
NO_WORDS = re.compile(r"[A-Za-z]{3}")
READ_BY_MODELS = {
    "attention": {"PAIR"},
    "embeddings": {"PRESETS", "FIRST_SUM", "SUMS", "BANKS", "FIRST_LINES", "FIRST_QUERY"},
    "generate": {"FIRST_MESSAGE"},
    "layers": {"OTHER_TEXTS", "TOWARDS_LINES", "AWAY_LINES"},
    "shared": {"FIRST_TEXT", "EXAMPLES"},
    "tasks": {
        "EXAMPLES",
        "LABELS",
        "TEMPLATE",
        "PAIRS",
        "SECOND_TEXT",
        "MANY",
        "QUESTION",
        "PASSAGE",
        "SECOND_QUESTION",
    }
    | {"SECOND_PASSAGE", "TRANSLATION_EXAMPLES", "SUMMARY_PASSAGE"},
    "training": {"_CITIES", "_WEATHERS", "FINETUNE_PROMPT", "CLASSIFY_EXAMPLES"},
}
"""Constants of texts/ that hold what a model reads: nobody translates them."""
ELSEWHERE = {
    "classroom": {"CSV_HEAD", "TERMINAL"},  # in a file, in the server's window
    "layers": {"WHAT_HINT"},  # what is typed, as the server reads it
    "scripts": {"ROUNDED", "INT8", "DEVICE", "SAVE_FIRST"},  # comments of scripts
    "shared": {"OPENING", "OPENING_IN_CHINESE"},  # before any table is there
    "tasks": {"PARTED"},  # ends of a sentence, which has a key with each
    "training": {"ARCHITECTURES"},  # names
}
"""Constants that are not on the page, or need no key."""


@cache
def tables() -> dict[str, dict[str, str]]:
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(TABLES.glob("*.json"))}


def test_a_translation_has_what_its_key_has():
    """Guards against a number that a Chinese sentence drops or says twice, markup that doesn't close, and a key that would
    match any text."""
    wrong = []
    for name, table in tables().items():
        for key, value in table.items():
            same = all(sorted(kind.findall(key)) == sorted(kind.findall(value)) for kind in (SLOT, TAG))
            letters = re.sub(r"[^A-Za-zα-ω]", "", SLOT.sub("", key))
            if (
                not same
                or not value.strip()
                or len(letters) < (3 if SLOT.search(key) else 1)
                or key != " ".join(key.split())
            ):
                wrong.append((name, key))
    assert wrong == []


def test_no_text_has_two_translations():
    """Guards against one English word that is two in Chinese, depending on which file is read first."""
    first: dict[str, tuple[str, str]] = {}
    for name, table in tables().items():
        for key, value in table.items():
            assert first.setdefault(key, (name, value))[1] == value, (key, name, first[key][0])


def test_the_browser_gets_all_of_it():
    """Guards against a table that is there but not sent, and against an English page that carries it."""
    (table,) = (json.loads(file.body) for address, file in LANGUAGE_FILES.items() if address.endswith(".json"))
    assert table == {key: value for one in tables().values() for key, value in one.items()}


# --- what the page says --------------------------------------------------------------------------------------------


def spelled(node: ast.AST) -> str | None:
    """A literal as the page shows it, its variable parts as slots; None for what is no literal text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"\{\w+(:[^}]*)?\}", "{}", node.value)
    if isinstance(node, ast.JoinedStr):
        parts = [spelled(part) if isinstance(part, ast.Constant) else "{}" for part in node.values]
        return "".join(part or "" for part in parts)
    return None


def of_components() -> Iterator[tuple[str, str]]:
    """(file, text) of what components are given by literals."""
    for path in SCREENS:
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            nodes = [word.value for word in call.keywords if word.arg in SAID]
            nodes += call.args[:1] if name in WITH_WORDS else []
            yield from ((path.name, text) for text in map(spelled, nodes) if text)


def of_texts() -> Iterator[tuple[str, str]]:
    """(file, text) of the constants in texts/."""
    for path in (ROOT / "texts").glob("*.py"):
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            target = getattr(statement, "targets", [getattr(statement, "target", None)])[0]
            names = {name.id for name in ast.walk(target or statement) if isinstance(name, ast.Name)}
            if names & (READ_BY_MODELS.get(path.stem, set()) | ELSEWHERE.get(path.stem, set())):
                continue
            if hasattr(statement, "targets") or hasattr(statement, "target"):  # no docstring
                yield from ((path.name, text) for text in leaves(statement.value) if text)


def leaves(node: ast.AST) -> Iterator[str | None]:
    """The literals of a constant: alone, in tuples and lists, as values of dictionaries, as arguments."""
    if isinstance(node, ast.Dict):
        for value in node.values:
            yield from leaves(value)
    elif isinstance(node, ast.Tuple | ast.List):
        for value in node.elts:
            yield from leaves(value)
    elif isinstance(node, ast.Call):
        for value in [*node.args, *(word.value for word in node.keywords)]:
            yield from leaves(value)
    else:
        yield spelled(node)


def normal(text: str) -> str:
    """A text with its slots numbered in order, tags without attributes, white space as one blank."""
    bare = TAG.sub(lambda tag: re.sub(r"\s[^>]*", "", tag[0]), unescape(text))
    count = iter(range(99))
    return re.sub(r"\{\w*\}", lambda _: f"{{{next(count)}}}", " ".join(bare.split()))


@cache
def keys() -> frozenset[str]:
    return frozenset(normal(key) for table in tables().values() for key in table)


def has_key(text: str) -> bool:
    """Whether a text, or each of its sentences, is in the tables as the browser looks it up."""
    if not NO_WORDS.search(re.sub(r"\{\}|“[^”]*”", "", text)) or text.isupper() or "_" in text or text.startswith("#"):
        return True
    said = normal(text)
    if any(one in keys() for one in (said, said.rstrip(".:"), f"{said}.", f"{said}:")):
        return True
    parts = re.split(r"(?<=[.?!:;]) | · ", text)
    return len(parts) > 1 and all(has_key(part) for part in parts)


def test_every_literal_of_a_component_has_a_key():
    """Guards against a new control that a Chinese page names in English."""
    literals = list(of_components())
    assert len(literals) > 100, "the scan finds nothing"
    assert sorted({(path, text) for path, text in literals if not has_key(text)}) == []


def test_every_text_has_a_key():
    """Guards against a new explanation that a Chinese page gives in English."""
    literals = list(of_texts())
    assert len(literals) > 400, "the scan finds nothing"
    assert sorted({(path, text) for path, text in literals if not has_key(text)}) == []


def test_no_script_looks_for_a_tab_by_its_words():
    """Guards against a script that finds no tab on a page in Chinese, because it compares an English title with what the tab
    says there: `window.__playgroundLanguage.tab` knows the title."""
    compares = re.compile(r"role=tab\][^;]{0,200}(textContent|innerText)[^;]{0,20}===", re.DOTALL)
    files = [path for ending in ("*.py", "*.js") for path in ROOT.rglob(ending)]
    assert len(files) > 500 and [str(path) for path in files if compares.search(path.read_text("utf-8"))] == []
