"""The public names."""

import subprocess
import sys

import pytest

import shortlist


def test_every_public_name_exists_and_no_other():
    for name in shortlist.__all__:
        assert getattr(shortlist, name) is not None
    assert shortlist.__all__ == sorted(shortlist.__all__, key=lambda name: (name.islower(), name))
    assert set(shortlist.__all__) <= set(dir(shortlist))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = shortlist.nothing


def test_every_public_name_has_a_docstring():
    for name in shortlist.__all__:
        assert (getattr(shortlist, name).__doc__ or "").strip(), name


def test_importing_the_package_loads_nothing_else():
    code = "import sys; before = set(sys.modules); import shortlist; print(*(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in loaded if name.startswith("shortlist.")] == []
    assert "numpy" not in loaded
