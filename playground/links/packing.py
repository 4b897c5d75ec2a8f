"""Bytes in an address: deflated where that is shorter, base64 in the alphabet of addresses. Unpacking is bounded."""

import base64
import binascii
import re
import zlib

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


def pack(data: bytes) -> str:
    """The data, deflated, in characters that need no escape."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return encode(deflate.compress(data) + deflate.flush())


def unpack(packed: str, most: int) -> bytes:
    """The data of `pack`. ValueError for what is none, and for more than `most` bytes, of which no more are made."""
    inflate = zlib.decompressobj(-15)
    try:
        data = inflate.decompress(decode(packed), most + 1)
    except zlib.error as error:
        raise ValueError("it is damaged") from error
    if len(data) > most:
        raise ValueError(f"it holds more than {most:,} bytes")
    if not inflate.eof:
        raise ValueError("its end is missing")
    return data


def encode(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def decode(characters: str) -> bytes:
    """The data of `encode`. ValueError for other characters."""
    if not _ALPHABET.fullmatch(characters):
        raise ValueError("it has characters that do not belong there")
    try:
        return base64.urlsafe_b64decode(characters + "=" * (-len(characters) % 4))
    except binascii.Error as error:
        raise ValueError("it is damaged") from error
