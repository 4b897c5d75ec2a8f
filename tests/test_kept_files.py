"""Files that are compressed once: components/kept_files.py."""

import gzip

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import FileResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from playground.components.kept_files import KeptFiles, MadeFile


@pytest.fixture
def served(tmp_path):
    """A client of an application that serves two files, and how often it did: (client, library, calls)."""
    library, other, calls = tmp_path / "library.js", tmp_path / "other.js", []
    library.write_text("const a = 1;\n" * 1000)
    other.write_text("const b = 2;\n" * 1000)

    async def file(request):
        calls.append(request.url.path)
        return FileResponse(library if "library" in request.url.path else other)

    made = {"language/table-1.json": MadeFile("application/json", b"[1]" * 1000)}
    kept = Middleware(KeptFiles, libraries=[library], made=made)
    application = Starlette(routes=[Route("/{path:path}", file)], middleware=[kept])
    with TestClient(application) as client:
        yield client, library, calls


def test_a_small_file_is_read_once(served):
    """Guards against a hundred scripts of Gradio's that each visit reads anew, 2 ms of the server each."""
    client, library, calls = served
    library.write_text("const a = 1;")
    first, second = (client.get("/assets/library-a.js", headers={"Accept-Encoding": "gzip"}) for _ in range(2))
    assert first.content == second.content == b"const a = 1;" and len(calls) == 1
    assert first.headers == second.headers and "content-encoding" not in first.headers


def test_styles_select_by_whole_classes(served):
    """Guards against a selector by part of a class, with which any change of a class has all below it styled anew."""
    client, library, _ = served
    library.write_text('.md pre[class*="language-"] ::selection,a[class*=code_wrap]>b{top:0}.x[class^=y]{top:1}')
    style, script = (
        client.get(f"/assets/library.{kind}", headers={"Accept-Encoding": "gzip"}) for kind in ("css", "js")
    )
    assert style.text == ".md pre.language- ::selection,a.code_wrap>b{top:0}.x[class^=y]{top:1}"
    assert int(style.headers["content-length"]) == len(style.content) and script.content == library.read_bytes()


def test_a_library_is_read_and_compressed_once(served):
    """Guards against a visit that compresses plotly.js anew, and against other bytes or headers the second time."""
    client, library, calls = served
    address = f"/gradio_api/file={library.as_posix()}"
    first, second = (client.get(address, headers={"Accept-Encoding": "gzip"}) for _ in range(2))
    assert first.content == second.content == library.read_bytes()
    assert len(calls) == 1
    assert first.headers == second.headers
    assert first.headers["content-encoding"] == "gzip" and "etag" in first.headers
    assert int(first.headers["content-length"]) == len(gzip.compress(library.read_bytes(), 6, mtime=0))


def test_scripts_of_gradio_are_kept_and_no_other_file(served):
    """Guards against keeping a file that a visitor named, whose content may change."""
    client, library, calls = served
    for path in ("/assets/index-D.js", "/sub/assets/index-D.css"):
        assert client.get(path).content == client.get(path).content
    assert len(calls) == 2
    for path in (
        f"/gradio_api/file={library.parent.as_posix()}/other.js",
        "/gradio_api/file=/x/assets/a.js",
        "/config",
    ):
        client.get(path)
        client.get(path)
    assert len(calls) == 8


@pytest.mark.parametrize("kind", ["js", "css"])
def test_a_later_request_is_answered_of_the_file_as_it_was_sent(served, kind):
    """Guards against a browser's second request, for a part or for what is new, that the application answers with the file
    as it is on the disk, whose styles select by parts of classes; and against a whole file sent to who has it."""
    client, library, calls = served
    library.write_text("a[class*=wrap]{top:0}" * 200)
    address = f"/assets/library.{kind}"
    whole = client.get(address)
    newer = {"If-None-Match": whole.headers["etag"]}
    again, part = client.get(address, headers=newer), client.get(address, headers={"Range": "bytes=0-9"})
    assert (again.status_code, again.content) == (304, b"") and again.headers["etag"] == whole.headers["etag"]
    assert (part.status_code, part.content) == (200, whole.content)
    library.touch()
    older = {"If-None-Match": '"another"', "If-Modified-Since": "Fri, 27 Nov 2026 19:00:00 GMT"}
    assert client.get(address, headers=older).content == whole.content and len(calls) == 1
    assert "accept-ranges" not in whole.headers


def test_who_reads_no_gzip_gets_the_file_itself(served):
    """Guards against compressed bytes for a program that did not ask for them."""
    client, library, _ = served
    address = f"/gradio_api/file={library.as_posix()}"
    client.get(address)
    answer = client.get(address, headers={"Accept-Encoding": "identity"})
    assert answer.content == library.read_bytes() and "content-encoding" not in answer.headers


@pytest.mark.parametrize("root", ["", "/sub/path"])
def test_a_made_file_comes_from_memory(served, root):
    """Guards against a table of texts that is compressed for each visit, asked for again, or missing below a sub-path."""
    client, _, calls = served
    answer = client.get(f"{root}/language/table-1.json", headers={"Accept-Encoding": "gzip"})
    assert answer.content == b"[1]" * 1000 and answer.headers["content-encoding"] == "gzip" and calls == []
    assert answer.headers["content-type"] == "application/json" and "immutable" in answer.headers["cache-control"]
