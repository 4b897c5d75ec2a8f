"""Where a model's numbers come from, and whether they are those that were published. Reads no files."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from playground.texts.numbers import percent

_EXACT_BITS = {"F64": 53, "I64": 53, "F32": 24, "BF16": 8, "F16": 11}
"""Formats in which weights are published, and their bits of precision; all others are rounded."""
_NAMES = {"F64": "float64", "F32": "float32", "BF16": "bfloat16", "F16": "float16"}
_HELD_BITS = {"float64": 53, "float32": 24, "bfloat16": 8, "float16": 11}
_MIN_SHARE = 0.005
_LISTED = 20
"""Entries named on the card."""


@dataclass(frozen=True)
class Provenance:
    """The file that a model's numbers come from."""

    origin: str = "memory"
    """Local folder, hub cache, hub, converted, package index; memory for a model made by hand; how it was trained here."""
    file: str = ""
    """The weight file; of several the first."""
    sha256: str = ""
    """Of that file, 64 hexadecimal digits."""
    package: str = ""
    """Name and version of the Python package that carries the file."""
    formats: Mapping[str, float] = field(default_factory=dict)
    """Number format in the file (F32, BF16, Q4_1 …) -> its share of all numbers, the largest first."""
    published: str = ""
    """The number format of the published weights, where they are known to be others than the file's."""
    unread: tuple[str, ...] = ()
    """Keys and tensors of the file that are not read."""
    other_files: int = 0
    """Further files with weights of the same kind in the folder, of which this one was chosen."""
    shards: int = 1
    """Files that hold the weights together; name and checksum are those of the first."""

    adapter: str = ""
    """The adapter that is merged into the weights, in words."""
    made: str = ""
    """How a model came about whose weights were read from no file, in words for the badge."""

    @property
    def rounded_to(self) -> str:
        """The format to which the published numbers were rounded before they were stored; empty if they were not."""
        return next((name for name in self.formats if name not in _EXACT_BITS), "")

    @property
    def precision(self) -> str:
        """The number formats of the file with their shares: "Q4_1 (99 %), F32 (1 %)"."""
        shares = {name: share for name, share in self.formats.items() if share >= _MIN_SHARE} or self.formats
        if len(shares) == 1:
            return _NAMES.get(*2 * tuple(shares))
        return ", ".join(f"{_NAMES.get(name, name)} ({percent(share)})" for name, share in shares.items())

    def card(self, held: str) -> dict[str, str]:
        """Name -> text for the architecture card. held: the number format in memory."""
        place = f"{self.origin}, {self.package}" if self.package else self.origin
        chosen = f", chosen among {self.other_files + 1} such files" if self.other_files else ""
        facts = {"Weights from": f"{place}: {self._named}{chosen}" if self.file else place}
        if self.sha256:
            facts["SHA-256"] = f"{self.sha256[:16]}…"
        if self.formats:
            facts["Stored as"] = f"{self.precision}, read as {held}"
        if self.adapter:
            facts["Adapter"] = self.adapter
        if self.unread:
            facts["Not read"] = "; ".join(self.unread[:_LISTED])
            if len(self.unread) > _LISTED:
                facts["Not read"] += f"; and {len(self.unread) - _LISTED:,} more"
        return facts

    def verdict(self, held: str) -> tuple[str, str]:
        """("ok" or "warn", words): whether the numbers in memory, of the format `held`, are the published ones."""
        if not self.formats:
            return "off", self.made or "Made in memory"
        if self.unread:
            count = f"{len(self.unread)} entries" if len(self.unread) > 1 else "1 entry"
            return "warn", f"Of the weight file {count} could not be read: see the card"
        if self.rounded_to:
            instead = f", not the published {self.published}" if self.published else ", not the published numbers"
            return "warn", f"{_bits(self.rounded_to)} weights ({self.rounded_to}) read as {held}{instead}"
        # A few integers are position numbers beside the weights, which stay integers: MiniLM's file has 512.
        weights = [name for name, share in self.formats.items() if name != "I64" or share >= _MIN_SHARE]
        needed = max((_EXACT_BITS[name] for name in weights), default=0)
        if _HELD_BITS.get(held, 0) < needed:
            return "warn", f"Rounded here from {self.precision} to {held}"
        return "ok", f"The checkpoint's own numbers, {self.precision}" + (", with its adapter" if self.adapter else "")

    def text(self, model_id: str, held: str) -> str:
        """One line for files that a visitor takes away: model, file, checksum and number formats."""
        stored = f"{self.precision} read as {held}" if self.formats else held
        checksum = f", SHA-256 {self.sha256}" if self.sha256 else ""
        checksum += f", with an adapter: {self.adapter}" if self.adapter else ""
        return f"{model_id}: {self._named or self.origin}{checksum}, {stored}"

    @property
    def _named(self) -> str:
        """The file's name, and of how many it is the first."""
        return f"{self.file}, the first of {self.shards} files" if self.shards > 1 else self.file


def _bits(name: str) -> str:
    """The size of a rounded format in words: "Q4_1" -> "4-bit"."""
    digits = "".join(letter for letter in name.split("_")[0] if letter.isdigit())
    return f"{digits}-bit" if digits else "rounded"
