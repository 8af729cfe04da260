"""Downloads from a stand-in hub.

huggingface_hub reads its environment once, at its import. So most tests set the values that it read, and two tests
start processes with an environment of their own.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys

import pytest
from huggingface_hub import constants

import shortlist
import tiny
from shortlist.errors import HubUnreachable, MissingExtra, ModelNotFound
from shortlist.models import locate
from standin_hub import standin_hub


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("hub")
    cross = tiny.cross_encoder(root / "cross")
    (cross / "model.safetensors").write_bytes(b"weights that are not needed")
    (cross / "README.md").write_text("card")
    (cross / "onnx" / "model_quantized.onnx").write_bytes(b"a file that is not needed")
    torch_only = tiny.cross_encoder(root / "torch_only")
    (torch_only / "onnx" / "model.onnx").rename(torch_only / "model.safetensors")
    return {
        "acme/reranker": cross,
        "acme/torch-only": torch_only,
        "acme/secret": cross,
        "cross-encoder/ms-marco-MiniLM-L6-v2": cross,
    }


@pytest.fixture(scope="module")
def hub(models):
    with standin_hub(models, gated=frozenset({"acme/secret"})) as running:
        yield running


@pytest.fixture(scope="module")
def closed_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def hub_at(monkeypatch, tmp_path):
    """Point huggingface_hub to an endpoint, with a cache of this test."""

    def point(endpoint, *, offline=False):
        template = f"{endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)

    monkeypatch.delenv("HF_TOKEN", raising=False)
    return point


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_download_contains_only_what_is_needed(hub, hub_at):
    hub.requests.clear()
    hub_at(hub.url)
    name, folder = locate("acme/reranker")
    assert name == "acme/reranker"
    assert (folder / "onnx" / "model.onnx").is_file()
    assert hub.downloaded() == {"config.json", "tokenizer.json", "onnx/model.onnx"}


def test_weights_for_torch_are_downloaded_in_place_of_the_onnx_file(hub, hub_at):
    hub.requests.clear()
    hub_at(hub.url)
    _, folder = locate("acme/reranker", weights=True)
    assert hub.downloaded() == {"config.json", "tokenizer.json", "model.safetensors"}
    assert not (folder / "onnx").exists()


def test_a_cached_model_is_used_if_the_hub_does_not_answer(hub, closed_port, hub_at):
    hub_at(hub.url)
    locate("acme/reranker")
    hub_at(closed_port)
    assert len(shortlist.load_reranker("acme/reranker", device="cpu").score("query", ["the cat sat"])) == 1


def test_both_spellings_of_the_ms_marco_model(hub, hub_at):
    hub_at(hub.url)
    assert locate("ms-marco-MiniLM-L-6-v2")[0] == "cross-encoder/ms-marco-MiniLM-L6-v2"


def test_an_unreachable_hub_is_an_error(closed_port, hub_at):
    hub_at(closed_port)
    with pytest.raises(HubUnreachable) as caught:
        locate("acme/reranker")
    assert f"the model hub at {closed_port} cannot be reached for acme/reranker" in one_line(caught)


def test_offline_without_a_cache_is_an_error(hub, hub_at):
    hub.requests.clear()
    hub_at(hub.url, offline=True)
    with pytest.raises(HubUnreachable) as caught:
        locate("acme/reranker")
    assert "HF_HUB_OFFLINE is set and acme/reranker is not in the cache" in one_line(caught)
    assert hub.requests == []


def test_an_unknown_model_is_an_error(hub, hub_at):
    hub_at(hub.url)
    with pytest.raises(ModelNotFound) as caught:
        locate("acme/nothing")
    assert "has no model 'acme/nothing', or the model is private (then set HF_TOKEN)" in one_line(caught)


def test_a_name_that_is_not_an_id_is_an_error(hub, hub_at):
    hub_at(hub.url)
    with pytest.raises(ModelNotFound, match="'acme/re ranker' is not a model id"):
        locate("acme/re ranker")


def test_a_gated_model_needs_its_token(hub, hub_at, monkeypatch):
    hub_at(hub.url)
    with pytest.raises(ModelNotFound) as caught:
        locate("acme/secret")
    assert "acme/secret is gated: accept its terms on the hub and set HF_TOKEN" in one_line(caught)
    monkeypatch.setenv("HF_TOKEN", "good-token")
    assert locate("acme/secret")[0] == "acme/secret"


def test_a_model_without_onnx_needs_the_extra(hub, hub_at):
    if importlib.util.find_spec("sentence_transformers"):
        pytest.skip("the torch extra is installed")
    hub_at(hub.url)
    with pytest.raises(MissingExtra) as caught:
        shortlist.load_reranker("acme/torch-only")
    assert "pip install 'shortlist[torch]'" in one_line(caught)


def process(*arguments, home, endpoint, text=None, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING")) and "proxy" not in k.lower()}
    settings = {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1", **environment}
    command = [sys.executable, "-m", "shortlist", *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, env=kept | settings, timeout=120)


def test_a_pulled_model_runs_offline_without_a_request(hub, tmp_path):
    done = process("models", "pull", "acme/reranker", home=tmp_path, endpoint=hub.url)
    assert done.returncode == 0, done.stderr
    assert "onnx/model.onnx" in done.stdout
    hub.requests.clear()
    arguments = ("rerank", "query", "-", "--reranker", "acme/reranker")
    offline = {"home": tmp_path, "endpoint": hub.url, "HF_HUB_OFFLINE": "1"}
    done = process(*arguments, text="the cat sat\nlocal file\n", **offline)
    assert done.returncode == 0, done.stderr
    assert "local file" in done.stdout.splitlines()[0]
    assert hub.requests == []


def test_an_unreachable_hub_is_one_line_and_exit_code_4(closed_port, tmp_path):
    done = process("models", "pull", "acme/reranker", home=tmp_path, endpoint=closed_port)
    assert done.returncode == 4
    lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("Fetching")]
    assert len(lines) == 1
    assert f"the model hub at {closed_port} cannot be reached for acme/reranker" in lines[0]
