"""What the cluster does without Ray: options, bounds, streams that begin again, proofs."""

import pickle
import random
import time

import pytest

from playground.cluster.kept_streams import KeptStreams, StreamEnded, UnknownStream
from playground.cluster.messages import MAX_ANSWER, MAX_UNPACKED, Reply, packed_reply, packed_work, unpacked_reply
from playground.cluster.options import ClusterOptions
from playground.cluster.proof import prove
from playground.cluster.seeds import with_seeds
from playground.cluster.start import start_engine
from playground.cluster.version import check_version, version_mark
from playground.engine.work import SentFile, Work
from playground.errors import NotEnoughMemory, PlaygroundError
from playground.generation.sampling_controls import SamplingControls
from playground.generation.sessions import SessionId
from playground.settings import Settings
from playground.tabs.generate.request import WriteRequest


def test_a_number_of_replicas():
    """Guards against a typing error that starts no replica, or thousands."""
    assert (ClusterOptions.parse("2").least, ClusterOptions.parse("1-4").most) == (2, 4)
    for wrong in ("", "0", "4-1", "two", "-1", "999", "1-"):
        with pytest.raises(PlaygroundError, match="number of replicas"):
            ClusterOptions.parse(wrong)


def test_answers_have_a_bound_and_errors_travel():
    """Guards against an answer that fills a front's memory, and against errors of several arguments, which Python can't
    unpickle by itself. A file that a visitor takes away does not count."""
    for answer, most in ((random.Random(0).randbytes(MAX_ANSWER), MAX_ANSWER), (b"0" * MAX_UNPACKED, MAX_UNPACKED)):
        reply = unpacked_reply(packed_reply(Reply({"map": answer})))
        assert reply.answer is None and f"at most {most:,}" in str(reply.error)
    points = {"map": ["a point"] * 100_000}
    assert (
        unpacked_reply(content := packed_reply(Reply(points))).answer == points
        and len(content) < len(pickle.dumps(points)) / 3
    )
    file = SentFile("weights.zip", b"0" * (2 * MAX_ANSWER))
    assert unpacked_reply(packed_reply(Reply({"file": {"value": file}}))).answer["file"]["value"] == file
    error = pickle.loads(pickle.dumps(NotEnoughMemory("Too large.", "Take another.", 3, 2)))
    assert (error.message, error.remedy, error.needed, str(error)) == (
        "Too large.",
        "Take another.",
        3,
        "Too large. Take another.",
    )


def test_a_stream_goes_answer_by_answer():
    """Guards against work that runs ahead of its reader, and on after its end or its reader's."""
    done: list[int | str] = []

    def answers():
        try:
            for number in range(3):
                done.append(number)
                yield number
        finally:
            done.append("closed")

    streams = KeptStreams()
    streams.begin("a", answers)
    assert streams.take("a") == 0 and done == [0]
    streams.end("a")
    assert done == [0, "closed"] and len(streams) == 0
    with pytest.raises(UnknownStream):
        streams.take("a")
    streams.begin("b", answers)
    assert [streams.take("b") for _ in range(3)] == [0, 1, 2]
    with pytest.raises(StreamEnded):
        streams.take("b")


def test_an_open_seed_is_drawn_before_the_work_is_sent():
    """Guards against a stream that another replica goes on with other tokens: what nobody chose is drawn at the front. What
    was chosen stays, and so does the name of a visitor's session."""
    session = SessionId()
    request = WriteRequest(session, sampling=SamplingControls(seed=None))
    sent = with_seeds(Work("f", ((request,), None))).arguments[0][0]
    assert isinstance(sent.sampling.seed, int) and sent.session is session
    endpoint = with_seeds(Work("f", ({"seed": None, "samples": 2},))).arguments[0]
    assert isinstance(endpoint["seed"], int) and endpoint["samples"] == 2
    chosen = Work("f", ((WriteRequest("s", sampling=SamplingControls(seed=3)),), None))
    assert with_seeds(chosen).arguments[0] is chosen.arguments[0]
    assert packed_work(chosen)


def test_a_replica_that_computes_something_else_is_refused(tiny):
    """Guards against numbers of a replica whose attention is not what the page says of it, or of other weights: both marks
    are named. Its proof is of ten texts."""
    model = tiny("llama")
    proof = prove(model)
    assert (
        proof.texts >= 8 and max(proof.worst.values()) < 1e-3 and {"attention", "lens", "parts"} <= proof.worst.keys()
    )
    with pytest.raises(PlaygroundError, match=f"{proof.weights} here, 12345678 at the front"):
        prove(model, "12345678")
    with pytest.raises(PlaygroundError, match=f"{version_mark()} here, another at the front"):
        check_version("another", version_mark())


def test_a_cluster_that_is_not_there():
    """Guards against minutes of waiting for a wrong address, and against a class that is spread over processes."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install -r tests/requirements.txt")
    began = time.monotonic()
    with pytest.raises(PlaygroundError, match=r"no cluster at 127\.0\.0\.1:9"):
        start_engine(Settings(), ClusterOptions(address="127.0.0.1:9"))
    with pytest.raises(PlaygroundError, match="A class lives in one process"):
        start_engine(Settings(classroom=True), ClusterOptions())
    assert time.monotonic() - began < 5
