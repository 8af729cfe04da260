"""What both engines have in common."""

import gc
import weakref

import pytest

import tiny
from shortlist.inference.session import Session
from shortlist.rerankers.cross_encoder import CrossEncoder


@pytest.mark.parametrize("device", ["cpu", "openvino:CPU"])
def test_an_engine_ends_with_its_model(tmp_path, device):
    """A queue that kept its callback kept the weights of every model that was ever loaded."""
    if device.startswith("openvino"):
        pytest.importorskip("openvino")
    reranker = CrossEncoder(str(tiny.cross_encoder(tmp_path)), device=device, precision="exact")
    session = reranker._session
    assert isinstance(session, Session)
    engine = weakref.ref(session._engine)
    reranker.score("a query", ["a text", "another text"])
    del reranker, session
    gc.collect()
    assert engine() is None
