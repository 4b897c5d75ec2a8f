"""Checksums."""

import hashlib

from playground.weights import checksums
from tests.weights.helpers import change_one_byte


def test_checksum_follows_the_file(tmp_path):
    """A remembered checksum hid a file that had changed since."""
    path = tmp_path / "file"
    path.write_bytes(b"a" * 5 * 1024**2)
    with path.open("rb") as file:
        assert checksums.sha256(path) == hashlib.file_digest(file, "sha256").hexdigest()
    change_one_byte(path)
    with path.open("rb") as file:
        assert checksums.sha256(path) == hashlib.file_digest(file, "sha256").hexdigest()
