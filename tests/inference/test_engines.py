"""What both engines have in common."""

import gc
import subprocess
import sys
import weakref

import pytest

import tiny
from shortlist.inference import openvino_engine
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


@pytest.mark.parametrize(("threads", "as_worker"), [(1, False), (2, True)])
def test_threads_are_not_bound_to_cores_that_other_processes_bind_too(tmp_path, monkeypatch, threads, as_worker):
    """Two processes with one thread each shared the first core, and left the second one idle."""
    pytest.importorskip("openvino")
    monkeypatch.setattr(openvino_engine, "usable_cores", lambda: 2)
    folder = str(tiny.cross_encoder(tmp_path))
    reranker = CrossEncoder(folder, device="openvino:CPU", precision="exact", threads=threads, as_worker=as_worker)
    engine = reranker._session._engine
    assert isinstance(engine, openvino_engine.OpenVinoEngine)
    assert engine._model.get_property("ENABLE_CPU_PINNING") is False


def test_a_program_ends_after_scoring_without_closing_anything():
    """OpenVINO's own queue called back into Python while the interpreter ended, and aborted one process of four."""
    code = "import shortlist; shortlist.load_reranker().score('a query', ['a text', 'another'] * 20)"
    for _ in range(4):
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
