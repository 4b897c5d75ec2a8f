"""Who may import whom, read from the sources; and what may not stand in this repository."""

import ast
import re
import subprocess
import sys
import threading
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from playground.concurrency.first_import import import_alone

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "playground"
SOURCES = sorted([*PACKAGE.rglob("*.py"), ROOT / "app.py"])
FLOORS = [
    {"concurrency", "errors", "settings", "catalog", "classroom", "texts"},
    {"weights", "models", "analysis", "scripts"},
    {"recording", "embeddings", "components"},
    {"generation", "positions", "links"},
    {"loading"},
    {"training", "tasks", "model_shelf"},
    {"workbench", "figures", "course", "engine"},
    {"api", "tabs", "request_guard"},
    {"page", "preload"},
    {"cluster"},
    {"__init__"},
    {"app"},
]
"""Rooms of the playground, the lowest floor first. A room imports from floors below its own, and from itself."""

HEAVY = {"torch", "transformers", "plotly", "gradio"}
WITHOUT = {
    "concurrency": HEAVY,
    "errors": HEAVY,
    "settings": HEAVY,
    "catalog": HEAVY,
    "classroom": HEAVY,
    "texts": HEAVY,
    "scripts": HEAVY,
    "analysis": {"transformers", "plotly", "gradio"},
    "figures": {"torch", "transformers", "gradio"},
    "components": {"torch", "transformers"},
    "tabs": {"torch", "transformers"},
    "api": {"torch", "transformers"},
} | dict.fromkeys(set().union(*FLOORS[1:7]) - {"analysis", "components", "figures"}, {"plotly", "gradio"})
"""Room -> libraries that it does without."""


def room_of(path: Path) -> str:
    return path.stem if path.parent in (ROOT, PACKAGE) else path.relative_to(PACKAGE).parts[0]


def floor_of(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def module_of(path: Path) -> str:
    """playground/a/b.py -> playground.a.b; a package's __init__.py -> the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imported(path: Path) -> list[tuple[int, str]]:
    """(line, module) of every import, wherever it stands; "from a import b" gives a.b as well."""
    imports: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imports += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join([*package, *([node.module] if node.module else [])])
            imports += [(node.lineno, module), *((node.lineno, f"{module}.{alias.name}") for alias in node.names)]
    return imports


def imported_files(path: Path, files: dict[str, Path]) -> set[str]:
    """The modules of ours that a file imports; "from package import module" means the module alone."""
    found = {module for _, module in imported(path) if module in files}
    return {name for name in found if not any(other.startswith(f"{name}.") for other in found)}


def tracked() -> list[Path]:
    """The repository's text files: those that git knows, or all where there is no git."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not any(part.startswith(".") for part in path.parts)]
    endings = {".py", ".md", ".toml", ".txt", ".css", ".js", ".json", ".yml", ".yaml", ".html", ".cfg", ".ini", ""}
    return [path for path in paths if path.is_file() and path.suffix in endings]


@pytest.mark.slow
def test_imports_lead_down():
    """Guards the floors: an import that leads up, or across, also inside a function or for types alone. All files in one
    test: a test for each of 600 costs more than reading them."""
    rooms, breaches = set().union(*FLOORS), []
    for path in SOURCES:
        room = room_of(path)
        for line, module in imported(path):
            top, *rest = module.split(".")
            breach = top in WITHOUT.get(room, ())
            if top == "playground" and rest and rest[0] in rooms - {room}:
                breach = floor_of(rest[0]) >= floor_of(room)
            if breach:
                breaches.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert len(SOURCES) > 500 and not breaches, breaches


def test_no_circle():
    """Guards against two files that import each other, through however many others: neither can be read alone."""
    files = {module_of(path): path for path in SOURCES}
    graph = {name: imported_files(path, files) - {name} for name, path in files.items()}
    cycle = TopologicalSorter(graph)
    cycle.prepare()  # CycleError names the circle


def test_every_room_has_a_floor():
    """Guards the table itself: a room that it does not name would not be looked at. And the top of the package stays
    small enough to be read at a glance."""
    assert {room_of(path) for path in SOURCES} == set().union(*FLOORS)
    assert len([path for path in PACKAGE.glob("*.py") if path.stem != "__init__"]) <= 9


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


ENTRIES = {
    "the page": "report_errors(seen)()",
    "an endpoint": "plain_errors(seen)()",
    "the Python API": "playground.GenerationSettings; seen()",
}
"""Ways in to what imports transformers -> a call of `seen` through it."""


@pytest.fixture(scope="module")
def new_process() -> list[str]:
    """What a new process prints: the heavy libraries that were imported once the page is built; then, for each way in, in a
    process that has imported nothing of ours that asks for transformers, the libraries that one thread imported alone."""
    code = (
        "import os, sys, playground\n"
        "from playground.page import create_app\n"
        "create_app()\n"
        "print([name for name in ('torch', 'transformers', 'sklearn') if name in sys.modules], flush=True)\n"
        "from playground.api.plain_errors import plain_errors\n"
        "from playground.concurrency import first_import\n"
        "from playground.tabs.shared.handler_errors import report_errors\n"
        "assert 'playground.models' not in sys.modules\n"
        "import transformers\n"  # once for all ways in: what is seen is who asked for it, and in which order
        "transformers.AutoModelForCausalLM, transformers.GenerationMixin\n"
        "def seen() -> dict:\n"
        "    print(first_import._complete, flush=True)\n"
        "    return {}\n"
        f"for entry in {list(ENTRIES.values())}:\n"
        "    if os.fork() == 0:\n"
        "        exec(entry)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1 - len(ENTRIES) :]


@pytest.mark.slow
def test_the_page_is_built_without_torch(new_process):
    """Guards the start: torch and transformers take seconds, and the page opens before a model is loaded."""
    assert new_process[0] == "[]"


@pytest.mark.slow
def test_transformers_is_imported_by_one_thread(new_process):
    """Guards the first request: of two threads that import transformers at once, the second one finds none of its names.
    So whoever comes in waits until one thread has imported it, before anything of ours asks for it."""
    assert dict(zip(ENTRIES, new_process[1:], strict=True)) == dict.fromkeys(ENTRIES, "{'transformers'}")


def test_threads_wait_for_the_first_import(tmp_path, monkeypatch):
    """Guards the lock itself, with a library that puts another object in its place as transformers does."""
    (tmp_path / "replaces_itself.py").write_text(
        "import sys, time, types\ntime.sleep(0.2)\nsys.modules[__name__] = types.SimpleNamespace(answer=42)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    start, found = threading.Barrier(4), []

    def ask() -> None:
        start.wait()
        import_alone("replaces_itself", "answer")
        found.append(sys.modules["replaces_itself"].answer)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [42] * 4
