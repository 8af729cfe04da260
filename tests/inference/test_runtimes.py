"""Which runtime is chosen."""

from __future__ import annotations

import pytest

from shortlist.errors import InvalidInput
from shortlist.inference import runtimes


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("processor : 0\nflags\t\t: fpu avx2 avx512f avx512_bf16\n", True),
        ("flags : fpu amx_bf16", True),
        ("flags : fpu avx2 avx512f", False),
        ("flags :", False),
        ("Features : fp asimd bf16", True),  # no x86 flags listed: only OpenVINO knows
        ("", True),
    ],
)
def test_bf16_is_ruled_out_by_the_cpus_flags_alone(tmp_path, text, may):
    file = tmp_path / "cpuinfo"
    file.write_text(text)
    assert runtimes._may_have_bf16(file) is may


def test_without_cpuinfo_openvino_is_asked(tmp_path):
    assert runtimes._may_have_bf16(tmp_path / "nothing")


@pytest.mark.parametrize(("has", "engine", "precision"), [(True, "openvino", "bf16"), (False, "onnxruntime", "fp32")])
def test_the_default_is_bf16_where_the_cpu_has_it(monkeypatch, has, engine, precision):
    monkeypatch.setattr(runtimes, "_has_bf16", lambda: has)
    monkeypatch.setattr(runtimes.importlib.util, "find_spec", lambda name: object())
    chosen = runtimes.choose()
    assert (chosen.engine, chosen.precision) == (engine, precision)
    assert runtimes.choose("exact").precision == "fp32"


def test_without_openvino_it_is_fp32(monkeypatch):
    monkeypatch.setattr(runtimes.importlib.util, "find_spec", lambda name: None)
    assert "not installed" in runtimes.choose().why


def test_an_unknown_precision():
    with pytest.raises(InvalidInput, match="'half' is unknown; choose one of auto, exact, fast"):
        runtimes.choose("half")
