"""Which replica does a piece of work. Runs in every front, inside of Ray Serve."""

from collections import OrderedDict

from ray.serve._private.common import ReplicaID
from ray.serve._private.request_router.common import PendingRequest
from ray.serve._private.request_router.replica_wrapper import RunningReplica
from ray.serve._private.request_router.request_router import MultiplexMixin
from ray.serve.experimental.consistent_hash_router import ConsistentHashRouter

MAX_VISITORS = 20_000
"""Whose replica a front remembers; the least recently seen goes first."""


class VisitorRouter(MultiplexMixin, ConsistentHashRouter):
    """A visitor's work goes to one replica as long as it lives, which has his session and recordings: at first the one that
    consistent hashing names, the same at every front. Work without a visitor goes to a replica that holds its model.

    Hashing alone moves a part of the visitors whenever a replica comes, in the middle of what they do.
    """

    def initialize_state(self, **kwargs) -> None:
        super().initialize_state(**kwargs)
        self._homes: OrderedDict[str, ReplicaID] = OrderedDict()

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        if pending_request is None or not candidate_replicas:
            return await super().choose_replicas(candidate_replicas, pending_request)
        visitor, model = pending_request.metadata.session_id, pending_request.metadata.multiplexed_model_id
        if not visitor and model:
            holding = self.apply_multiplex_routing(pending_request)
            return [[self._replicas[one] for one in holding if one in self._replicas]]
        ranks = await super().choose_replicas(candidate_replicas, pending_request)
        if visitor and ranks:
            home = self._homes.pop(visitor, None)
            if home not in self._replicas:
                home = ranks[0][0].replica_id
            self._homes[visitor] = home
            while len(self._homes) > MAX_VISITORS:
                self._homes.popitem(last=False)
            ranks = [[self._replicas[home]], *(rank for rank in ranks if rank[0].replica_id != home)]
        return ranks
