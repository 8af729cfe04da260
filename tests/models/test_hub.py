"""Downloads against a stand-in hub, each in its own process because huggingface_hub reads its environment once."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys

import pytest

import tiny
from standin_hub import standin_hub


def shortlist(*arguments, home, endpoint, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING")) and "proxy" not in k.lower()}
    settings = {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1", **environment}
    return subprocess.run(
        [sys.executable, "-m", "shortlist", *arguments],
        capture_output=True,
        text=True,
        env=kept | settings,
        timeout=120,
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("hub")
    cross = tiny.cross_encoder(root / "cross")
    (cross / "model.safetensors").write_bytes(b"weights that nobody needs")
    (cross / "README.md").write_text("card")
    (cross / "onnx" / "model_quantized.onnx").write_bytes(b"not wanted")
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


@pytest.fixture
def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def rerank(model, **options):
    lines = "the cat sat\nlocal file\n"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    settings = {"HF_HOME": str(options.pop("home")), "HF_ENDPOINT": options.pop("endpoint"), **options}
    return subprocess.run(
        [sys.executable, "-m", "shortlist", "rerank", "query", "-", "--cross-encoder", model],
        input=lines,
        capture_output=True,
        text=True,
        env=kept | settings,
        timeout=120,
    )


def test_pull_takes_only_what_is_needed_and_names_the_file(hub, tmp_path):
    hub.requests.clear()
    done = shortlist("models", "pull", "acme/reranker", home=tmp_path, endpoint=hub.url)
    assert done.returncode == 0, done.stderr
    assert "onnx/model.onnx" in done.stdout
    assert hub.downloaded() == {"config.json", "tokenizer.json", "onnx/model.onnx"}


def test_a_pulled_model_runs_offline_without_a_request(hub, tmp_path):
    shortlist("models", "pull", "acme/reranker", home=tmp_path, endpoint=hub.url)
    hub.requests.clear()
    done = rerank("acme/reranker", home=tmp_path, endpoint=hub.url, HF_HUB_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    assert "local file" in done.stdout.splitlines()[0]
    assert hub.requests == []


def test_a_cached_model_runs_when_the_hub_is_down(hub, closed_port, tmp_path):
    shortlist("models", "pull", "acme/reranker", home=tmp_path, endpoint=hub.url)
    done = rerank("acme/reranker", home=tmp_path, endpoint=closed_port)
    assert done.returncode == 0, done.stderr


def test_both_spellings_of_the_ms_marco_model(hub, tmp_path):
    done = shortlist("models", "pull", "ms-marco-MiniLM-L-6-v2", home=tmp_path, endpoint=hub.url)
    assert done.returncode == 0, done.stderr
    assert "cross-encoder/ms-marco-MiniLM-L6-v2 is at" in done.stdout


def one_line_error(done):
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("Fetching")]
    assert len(lines) == 1
    return lines[0]


def test_an_unreachable_hub_is_one_line(closed_port, tmp_path):
    done = shortlist("models", "pull", "acme/reranker", home=tmp_path, endpoint=closed_port)
    assert f"the model hub at {closed_port} can't be reached for acme/reranker" in one_line_error(done)


def test_offline_without_a_cache_is_one_line(hub, tmp_path):
    done = shortlist("models", "pull", "acme/reranker", home=tmp_path, endpoint=hub.url, HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE is set and acme/reranker is not in the cache" in one_line_error(done)


def test_an_unknown_model_is_one_line(hub, tmp_path):
    done = shortlist("models", "pull", "acme/nothing", home=tmp_path, endpoint=hub.url)
    assert "has no model 'acme/nothing', or it is private (then set HF_TOKEN)" in one_line_error(done)


def test_a_gated_model_needs_its_token(hub, tmp_path):
    done = shortlist("models", "pull", "acme/secret", home=tmp_path, endpoint=hub.url)
    assert "acme/secret is gated: accept its terms on the hub and set HF_TOKEN" in one_line_error(done)
    done = shortlist("models", "pull", "acme/secret", home=tmp_path, endpoint=hub.url, HF_TOKEN="good-token")
    assert done.returncode == 0, done.stderr


def test_a_model_without_onnx_names_the_extra(hub, tmp_path):
    if importlib.util.find_spec("sentence_transformers"):
        pytest.skip("the torch extra is installed")
    done = rerank("acme/torch-only", home=tmp_path, endpoint=hub.url)
    assert "pip install 'shortlist[torch]'" in one_line_error(done)
