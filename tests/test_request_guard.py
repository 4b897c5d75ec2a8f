"""Who is answered by a server that others can reach, and what the answers allow a browser to do."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from gradio.route_utils import delete_files_created_by_app

from app import folders_by_default
from playground.components.event_queue import with_event_queue
from playground.errors import PlaygroundError
from playground.page import MOST_UPLOADED, create_app, launch_options
from playground.settings import Settings
from playground.weights import locate
from playground.workbench import Workbench
from tests.tools.ports import free_port

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page():
    blocks = create_app(replace(Settings(), allowed_hosts=("lens.example",), frame_ancestors=()))
    with_event_queue(blocks).launch(
        server_name="127.0.0.1", server_port=free_port(), prevent_thread_lock=True, quiet=True, **launch_options()
    )
    yield blocks
    blocks.close(verbose=False)


@pytest.fixture(scope="module")
def client(page) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=page.local_url, timeout=60) as http:
        yield http


def test_the_page_and_streams_are_compressed(client):
    """Guards against 2 MB for each visit and each reload: Gradio compresses only what a file's name ends like. And against
    events that are held back until their stream ends, which this one never does."""
    with client.stream("GET", "/", headers={"Accept-Encoding": "gzip"}) as answer:
        html = answer.read()
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.num_bytes_downloaded < len(html) / 5
    with client.stream("GET", "/gradio_api/heartbeat/visit", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-encoding"] == "gzip"
        assert next(text for text in answer.iter_text() if text).startswith("data:")


def test_words_stand_in_the_page_before_its_scripts(client):
    """Guards against a white window for seconds, and against an answer longer than it says."""
    answer = client.get("/", headers={"Accept-Encoding": "identity"})
    assert answer.text.index("Opening the page …") < answer.text.index("<script")
    assert answer.text.count("Opening the page …") == 1
    assert int(answer.headers.get("content-length", len(answer.content))) == len(answer.content)


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("127.0.0.1:7860", True),
        ("192.168.1.20:7860", True),
        ("[::1]:7860", True),
        ("localhost", True),
        ("lens.example", True),
        ("LENS.example:443", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("lens.example.evil.example", False),
        ("evil.example#127.0.0.1", False),
        ("user@127.0.0.1@evil.example", False),
        ("", False),
    ],
)
def test_only_own_names_are_answered(client, host, answered):
    """Guards against DNS rebinding: a foreign site whose name points at this machine would read all that it serves."""
    status = client.get("/config", headers={"Host": host}).status_code
    assert status == 200 if answered else status in (400, 421)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:7860"}, 200),
        ({"Origin": "https://lens.example"}, 200),  # a proxy that hides its name
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "http://127.0.0.1:7860.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),  # a link to the page
    ],
)
def test_foreign_sites_are_refused(client, headers, status):
    """Guards against any site that a pupil visits: it could post with the pupil's browser, with credentials."""
    answer = client.get("/config", headers={"Host": "127.0.0.1:7860", **headers})
    assert answer.status_code == status
    call = client.post("/gradio_api/call/models", headers={"Host": "127.0.0.1:7860", **headers}, json={"data": []})
    assert call.status_code == status


def test_handlers_of_the_page_take_no_calls_from_programs(page, client):
    """Guards the page's own handlers, which check less than endpoints do; the endpoints go on."""
    private = next(fn for fn in page.fns.values() if fn.api_visibility == "private" and fn.fn and fn.api_name)
    body = {"data": [], "session_hash": "x"}
    for path, named in [
        ("queue/join", {"fn_index": private._id}),
        ("run/predict", {"fn_index": private._id}),
        (f"call/{private.api_name}", {}),
        (f"call/v2/{private.api_name}", {}),
        (f"run/{private.api_name}", {}),
    ]:
        assert client.post(f"/gradio_api/{path}", json=body | named).status_code == 403, path
    public = next(fn for fn in page.fns.values() if fn.api_name == "models")
    assert client.post("/gradio_api/queue/join", json=body | {"fn_index": public._id}).status_code == 200
    assert client.post("/gradio_api/queue/join", content=b"[" * 5000).status_code == 400
    own = {"Origin": page.local_url.rstrip("/")}
    call = {"data": [""] * len(private.inputs), "fn_index": private._id, "session_hash": "x"}  # runs once it is let in
    assert client.post("/gradio_api/queue/join", json=call, headers=own).status_code != 403


def test_uploads_are_bounded_and_go(page, client):
    """Guards the disk: 250 MB were taken without limit, and stayed."""
    too_long = {"files": ("a.txt", b"x" * (MOST_UPLOADED + 1))}
    assert client.post("/gradio_api/upload", files=too_long).status_code == 413
    kept = client.post("/gradio_api/upload", files={"files": ("a.txt", b"x")}).json()[0]
    assert os.path.exists(kept)
    every, age = page.delete_cache
    assert every <= 600 and age == 3600
    delete_files_created_by_app(page, age)
    assert os.path.exists(kept)
    delete_files_created_by_app(page, 0)  # as if an hour had passed
    assert not os.path.exists(kept)


@pytest.mark.parametrize("told", [True, False], ids=["length told", "in pieces"])
def test_a_request_is_bounded(client, told):
    """Guards memory: a body of gigabytes would be read whole."""
    body = b"x" * (33 * 2**20)
    content = body if told else (body[start : start + 2**20] for start in range(0, len(body), 2**20))
    try:
        assert client.post("/gradio_api/call/models", content=content).status_code == 413
    except (httpx.WriteError, httpx.ReadError):  # it was refused before all was sent
        assert told


def test_headers(page, client):
    """Guards against the page in a foreign frame, foreign scripts, and files taken for something else."""
    headers = client.get("/").headers
    assert headers["X-Frame-Options"] == "SAMEORIGIN" and headers["X-Content-Type-Options"] == "nosniff"
    rules = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
    assert rules["frame-ancestors"] == "'self'" and rules["object-src"] == "'none'"
    assert "http" not in headers["Content-Security-Policy"] and "*" not in headers["Content-Security-Policy"]


def test_spaces_are_framed_and_named(monkeypatch):
    """Guards the page on Hugging Face Spaces, which show it in a frame, under a name that the environment tells."""
    monkeypatch.setenv("SPACE_ID", "me/lens")
    monkeypatch.setenv("SPACE_HOST", "me-lens.hf.space")
    monkeypatch.setenv("PLAYGROUND_HOSTS", "lens.example, other.example")
    settings = Settings()
    assert settings.allowed_hosts == ("lens.example", "other.example", "me-lens.hf.space")
    assert settings.frame_ancestors == ("https://huggingface.co",) and settings.catalog_only


def test_folders_are_off_where_others_come_in(tmp_path, monkeypatch):
    """Guards against strangers who could tell which folders exist on the machine: whatever the path, the words are the
    same, and the disk is not looked at."""
    monkeypatch.delenv("PLAYGROUND_FOLDERS", raising=False)
    assert folders_by_default("127.0.0.1") and not folders_by_default("0.0.0.0") and not folders_by_default("10.0.0.5")
    bench = Workbench(replace(Settings(), local_folders=False, offline=True))
    words = set()
    for path in (str(tmp_path), str(tmp_path / "nothing"), "~/x", "./x", "/etc/passwd", "x.gguf"):
        with pytest.raises(PlaygroundError) as refused:
            bench.model(path)
        words.add(str(refused.value).replace(path, ""))
    assert words == {
        "This server loads no models from folders. Choose one from the list, or give a hub id (owner/name)."
    }
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "config.json").write_text(json.dumps({}))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PlaygroundError, match="not on this machine, and the playground is set to work offline"):
        locate.locate("here", bench.settings)


@pytest.mark.parametrize("number", ["0", 0.0, True, [0]])
def test_a_handlers_number_is_a_number(client, number):
    """Guards the page's own handlers, which Gradio calls for "3" as for 3: the guard knew only the second."""
    for way in ("run/predict", "queue/join", "api/predict"):
        answer = client.post(f"/gradio_api/{way}", json={"fn_index": number, "data": [], "session_hash": "a"})
        assert answer.status_code in (400, 403), answer.text


def test_an_endpoint_that_is_not_there(client):
    """Guards against "Internal Server Error" for a name that was misspelt."""
    answer = client.post("/gradio_api/call/nosuch", json={"data": []})
    assert answer.status_code == 404 and "no endpoint 'nosuch'" in answer.text


@pytest.mark.parametrize(
    ("name", "kept"), [("evil.example", False), ("lens.example", True), ("lens.example, evil.example", False)]
)
def test_pages_link_to_no_foreign_name(client, name, kept):
    """Guards against a page that loads its scripts from whatever name a proxy's header says."""
    root = client.get("/config", headers={"X-Forwarded-Host": name}).json()["root"]
    assert ("lens.example" in root) is kept and "evil" not in root


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://["}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "LOCALHOST."}, 200),
        ({"Host": "evil.example."}, 421),
    ],
)
def test_odd_forms_of_names(client, headers, status):
    """Guards against an error of Python for an origin that is no address, and a root's dot after a name."""
    assert client.get("/config", headers=headers).status_code == status
