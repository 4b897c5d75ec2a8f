"""Where a class finds the server: the addresses for pupils and teacher. Asks no other machine."""

import ipaddress
import socket
from urllib.parse import quote, urlsplit

TEACHER = "teacher"
"""The key of the teacher's secret in his address."""
_ELSEWHERE = "192.0.2.1", 9
"""An address that belongs to no machine (RFC 5737). A datagram socket is pointed at it, and nothing is sent."""


def local_address() -> str:
    """This machine's address in its network, "127.0.0.1" without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def pupils_address(origin: str, port: int) -> str:
    """What pupils type. origin: by which address the teacher's own browser reached the page, "" if none has; one that only
    this machine understands gives way to the machine's address in its network."""
    try:
        parts = urlsplit(origin)
        name, own_port = parts.hostname or "", parts.port or port
    except ValueError:
        name, own_port = "", port
    return origin if _reaches_others(origin, name) else f"http://{local_address()}:{own_port}/"


def _reaches_others(origin: str, name: str) -> bool:
    if not name or name == "localhost" or not origin.startswith(("http://", "https://")) or len(origin) > 300:
        return False
    try:
        return not (ipaddress.ip_address(name).is_loopback or ipaddress.ip_address(name).is_unspecified)
    except ValueError:
        return True


def teachers_address(pupils: str, secret: str) -> str:
    """The teacher's address beside the pupils'."""
    return f"{pupils}?{TEACHER}={quote(secret, safe='')}"
