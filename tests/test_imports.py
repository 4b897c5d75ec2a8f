"""Who may import whom, read from the sources; and what may not stand in this repository."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "playground"
SOURCES = sorted([*PACKAGE.rglob("*.py"), ROOT / "app.py"])
STACK = {"torch", "numpy", "scipy", "sklearn", "transformers", "plotly", "gradio", "bertviz"}

FORBIDDEN = {
    "errors": STACK | {"playground"},
    "settings": STACK | {"playground"},
    "catalog": STACK | {"playground"},
    "analysis": {
        "transformers",
        "plotly",
        "gradio",
        "playground.models",
        "playground.recording.record",
        "playground.recording.attention",
        "playground.recording.recording",
        "playground.recording.hooks",
        "playground.figures",
        "playground.tabs",
    },
    "figures": {
        "torch",
        "transformers",
        "gradio",
        "playground.models",
        "playground.recording.record",
        "playground.recording.attention",
        "playground.recording.recording",
        "playground.recording.hooks",
        "playground.tabs",
    },
    "models": {"plotly", "gradio", "playground.tabs", "playground.figures", "playground.components"},
    "recording": {"plotly", "gradio"},
    "captured": {"plotly", "gradio"},
    "recorded": {"plotly", "gradio"},
    "recorder": {"plotly", "gradio"},
    "generation": {"plotly", "gradio"},
    "reading": {"plotly", "gradio"},
    "graphs": {"plotly", "gradio"},
    "beams": {"plotly", "gradio"},
    "chat": {"plotly", "gradio"},
    "filling": {"plotly", "gradio"},
    "continuations": STACK,
    "turns": STACK | {"playground"},
    "workbench": {"plotly", "gradio"},
    "components": {"torch", "transformers"},
    "experiments": {"plotly", "gradio"},
    "passes": {"plotly", "gradio"},
    "tabs": {"transformers", "torch"},
    "api": {"transformers", "torch"},
    "app": {"transformers", "torch"},
}
"""Part -> what it must not import (DESIGN's table); a part is a module or a package, and "app" is app.py."""


def part_of(path: Path) -> str:
    return path.stem if path.parent in (ROOT, PACKAGE) else path.relative_to(PACKAGE).parts[0]


def imported(path: Path):
    """(line, module) of every import, wherever it stands; "from a import b" gives a.b as well."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join([*package, *([node.module] if node.module else [])])
            yield node.lineno, module
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def tracked() -> list[Path]:
    """The repository's text files: those that git knows, or all where there is no git."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not any(part.startswith(".") for part in path.parts)]
    endings = {".py", ".md", ".toml", ".txt", ".css", ".js", ".json", ".yml", ".yaml", ".html", ".cfg", ".ini", ""}
    return [path for path in paths if path.is_file() and path.suffix in endings]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_keep_to_the_table(path):
    """Guards the layers: maths without models, figures without torch, models without the page."""
    forbidden = FORBIDDEN.get(part_of(path), set())
    for line, module in imported(path):
        breach = [name for name in forbidden if module == name or module.startswith(f"{name}.")]
        assert not breach, f"{path.relative_to(ROOT)}:{line} imports {module}"


def test_the_table_names_parts_that_exist():
    """Guards the table itself: a renamed module would no longer be looked at."""
    parts = {part_of(path) for path in SOURCES}
    assert set(FORBIDDEN) - parts <= {"api"}, set(FORBIDDEN) - parts  # api.py comes last


def test_no_module_takes_a_name_that_gradio_imports():
    """Guards against spaces.py and mcp.py, which gradio would import instead of the packages of that name."""
    assert not [path for path in ROOT.rglob("*.py") if path.stem in {"spaces", "mcp"} and ".venv" not in path.parts]


def test_importing_playground_is_quick():
    """Guards the start: torch, transformers and gradio are imported when a name is first used, not before."""
    code = (
        "import sys, playground\n"
        "print([name for name in ('torch', 'transformers', 'gradio', 'plotly', 'numpy') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_public_names_exist():
    """Guards the names that README and notebooks use."""
    import playground

    assert all(getattr(playground, name) is not None for name in playground.__all__)
    with pytest.raises(AttributeError):
        _ = playground.no_such_name


def test_no_path_of_anybodys_machine():
    """Guards against absolute paths of the machine that something was written on."""
    home = re.compile(r"/(home|Users)/[a-z_][\w.-]*/|/root/|[A-Z]:\\Users\\|/work/(main|shared|tmp)\b")
    own = Path(__file__).resolve()
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        if path.resolve() != own
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if home.search(line)
    ]
    assert not found


def test_the_page_is_built_without_torch():
    """Guards the start: torch and transformers take seconds, and the page opens before a model is loaded."""
    code = (
        "import sys; from playground.page import create_app; create_app(); "
        "print([name for name in ('torch', 'transformers', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
