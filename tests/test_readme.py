"""README is true: its examples run, its pictures and commands exist, its front matter is what Spaces reads."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from playground.components.event_queue import with_event_queue
from playground.page import create_app, launch_options

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON_EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.weights
def test_python_example_runs(capsys):
    """Guards against an example that newcomers copy and that fails."""
    (example,) = [code for code in PYTHON_EXAMPLES if "import playground as pg" in code]
    exec(compile(example, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "torch.Size([9, 6, 6])" in printed
    assert "torch.Size([31, 6, 576]) torch.Size([6, 49152])" in printed


@pytest.mark.weights
def test_http_example_runs(capsys):
    """Guards against endpoints or parameters that README names and the server does not have."""
    (example,) = [code for code in PYTHON_EXAMPLES if "gradio_client" in code]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    page = create_app()
    with_event_queue(page).launch(server_port=port, prevent_thread_lock=True, quiet=True, **launch_options())
    try:
        exec(compile(example.replace("7860", str(port)), "README.md", "exec"), {})
    finally:
        page.close(verbose=False)
    printed = capsys.readouterr().out
    assert "smollm2-135m-instruct" in printed
    assert "rotary" in printed
    assert " Paris" in printed


def test_front_matter_fits_requirements():
    """Guards against a Space that installs another Gradio than the one the page was made for."""
    front = yaml.safe_load(README.split("---")[1])
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert front["sdk"] == "gradio"
    assert (ROOT / front["app_file"]).is_file()
    bounds = re.search(r"gradio>=([\d.]+),<([\d.]+)", requirements).groups()
    low, version, high = (tuple(map(int, text.split("."))) for text in (bounds[0], front["sdk_version"], bounds[1]))
    assert low <= version[:2] < high


@pytest.mark.parametrize("picture", re.findall(r"!\[.*?\]\((.*?)\)", README))
def test_pictures_exist(picture):
    """Guards against broken pictures, and against pictures too large for the repository."""
    assert (ROOT / picture).stat().st_size < 500_000


def test_both_commands_stand_at_the_top():
    """Guards against the two commands that everybody needs sinking below the fold, or changing unnoticed in CI."""
    top = README[: README.index("## ")]
    assert "pip install -r requirements.txt && python app.py" in top
    assert "python -m pytest" in top
    assert (ROOT / ".ci/run").read_text(encoding="utf-8").rstrip().endswith("python -m pytest")


def test_options_are_those_of_the_program():
    """Guards against options that README promises and app.py does not take."""
    told = set(re.findall(r"^\| `(--[a-z-]+)", README, flags=re.MULTILINE))
    shown = subprocess.run([sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told == set(re.findall(r"(--[a-z-]+)", shown.stdout)) - {"--help"}


def test_the_contributors_table_names_what_exists():
    """Guards against a door sign to a file, or to a name in it, that was moved since."""
    table = (ROOT / ".github/CONTRIBUTING.md").read_text(encoding="utf-8")
    missing = []
    for row in (line for line in table.splitlines() if line.startswith("|")):
        folders = [ROOT / "playground", ROOT]
        for path, name in re.findall(r"`([\w./-]+\.(?:py|js|css|toml|md))(?::(\w+))?`", row):
            file = next((folder / path for folder in reversed(folders) if (folder / path).is_file()), None)
            if file is None or not re.search(rf"\b{name}", file.read_text(encoding="utf-8")):
                missing.append(f"{path}:{name}")
            else:
                folders.append(file.parent)
    assert not missing
