"""Fixtures for all rooms, and the mark `slow`: `make test-fast` leaves out the slow tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from shortlist.inference import session, stage_engines
from shortlist.models.packaged import CROSS_ENCODER, packaged_folder
from shortlist.models.packaged import ROOT as PACKAGED

# The same examples in every run, and no limit on their time: a test never depends on chance or on the machine.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

TESTS = Path(__file__).resolve().parent
SHARED = TESTS.parent.parent / "shared" / "data"
CASES = SHARED.parent / "cases"
SLOW_FILES = {
    "cli/test_calibrate_command.py",
    "cli/test_ci_loop.py",
    "cli/test_demo_command.py",
    "cli/test_evaluate_command.py",
    "cli/test_hosted_commands.py",
    "cli/test_rerank_command.py",
    "cli/test_search_command.py",
    "cli/test_tune_command.py",
    "bulk/test_embedding.py",
    "bulk/test_reranking.py",
    "collection/test_add.py",
    "collection/test_ingest.py",
    "collection/test_remove.py",
    "documents/test_fuzzing.py",
    "encoders/test_onnx_encoder.py",
    "evaluation/test_probe.py",
    "evaluation/test_tune.py",
    "evaluation/test_tune_packaged.py",
    "evaluation/test_tune_stage_one.py",
    "indexes/test_embedded.py",
    "inference/test_activation_ranges.py",
    "inference/test_engines.py",
    "rerankers/test_cross_encoder.py",
    "server/test_page_browser.py",
    "server/test_process.py",
    "server/test_schema.py",
    "test_examples.py",
    "test_mcp.py",
    "test_readme.py",
    "test_report.py",
    "test_surfaces.py",
    "training/test_contrast.py",
    "workers/test_local.py",
    "workers/test_on_ray.py",
}
"""Files that load the packaged models, start processes, or take more than a few seconds."""


assert all((TESTS / file).is_file() for file in SLOW_FILES), "a file of SLOW_FILES does not exist"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(TESTS).as_posix() in SLOW_FILES or "[packaged" in item.nodeid:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def no_packaged_model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test without the mark `slow` that loads a packaged model."""
    if request.node.get_closest_marker("slow") is not None:
        return

    def load(files, *arguments, **options):
        if any(PACKAGED in Path(file).parents for file in files):
            pytest.fail("this test loads a packaged model: add its file to SLOW_FILES, or mark it with slow")
        return original(files, *arguments, **options)

    original = session.load
    monkeypatch.setattr(session, "load", load)
    monkeypatch.setattr(stage_engines, "load", load)


@pytest.fixture(scope="session")
def packaged_cross_encoder() -> Path:
    return packaged_folder(CROSS_ENCODER)


@pytest.fixture
def test_sets() -> Path:
    if not (SHARED / "eval").is_dir():
        pytest.skip(f"no test sets at {SHARED}")
    return SHARED / "eval"


@pytest.fixture
def cases() -> Path:
    if not CASES.is_dir():
        pytest.skip(f"no cases at {CASES}")
    return CASES


@pytest.fixture
def case(cases: Path, request: pytest.FixtureRequest) -> Path:
    """The folder of the case that the test names: small inputs, and a README with the right value."""
    return cases / str(request.param)
