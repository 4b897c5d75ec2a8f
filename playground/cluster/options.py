"""How many replicas, where, and what each of them gets."""

import re
from dataclasses import dataclass

from playground.errors import PlaygroundError
from playground.texts import engine as texts

MAX_REPLICAS = 256
_COUNTS = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")


@dataclass(frozen=True)
class ClusterOptions:
    """What `app.py` is told of the cluster."""

    least: int = 1
    """Replicas that always run."""
    most: int = 1
    """Replicas that run when there is much to do."""
    address: str = ""
    """host:port of a running cluster, or "auto" for the one that this machine belongs to; empty: one is started here."""
    gpus: float = 0
    """GPUs of each replica; may be a fraction."""
    folder: str = ""
    """Where a cluster that is started here keeps its sockets and logs; empty: where Ray does."""

    @classmethod
    def parse(cls, replicas: str, address: str = "", gpus: float = 0) -> "ClusterOptions":
        """replicas: "2", or "1-4" for as many as there is work for. PlaygroundError for anything else."""
        counts = _COUNTS.fullmatch(replicas.strip())
        least = int(counts[1]) if counts else 0
        most = int(counts[2] or least) if counts else 0
        if not 1 <= least <= most <= MAX_REPLICAS:
            raise PlaygroundError(texts.NO_COUNT.format(text=f"{replicas:.20}"), texts.COUNTS.format(most=MAX_REPLICAS))
        return cls(least, most, address.strip(), gpus)
