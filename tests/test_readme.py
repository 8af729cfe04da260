"""The README's Python runs, in order, in a folder where its `shortlist add` has been run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_the_measuring_page_runs(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "refunds.md").write_text("# Refunds\n\nYou get your money back within 14 days.")
    (tmp_path / "docs" / "tax.md").write_text("# Tax\n\nIncome tax is due in April.")
    (tmp_path / "queries.csv").write_text("query,snippet\nmoney back,within 14 days\nwhen is tax due,due in April\n")
    add = [sys.executable, "-m", "shortlist", "add", "docs/", "--index", "my-index"]
    subprocess.run(add, cwd=tmp_path, check=True, capture_output=True)
    (block,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "measuring.md").read_text(encoding="utf-8"), re.DOTALL
    )
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(block, "measuring.md", "exec"), names)
    assert names["found"].failures["fine"] == 2


def test_the_serving_page_runs(tmp_path, monkeypatch):
    testclient = pytest.importorskip("starlette.testclient")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "tax.md").write_text("# Tax\n\nIncome tax is due in April.")
    add = [sys.executable, "-m", "shortlist", "add", "docs/", "--index", "my-index"]
    subprocess.run(add, cwd=tmp_path, check=True, capture_output=True)
    page = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(block, "serving.md", "exec"), names)
    client = testclient.TestClient(names["app"])
    asked = re.findall(r"curl localhost:8800(\S+) -d '(.*?)'", page, re.DOTALL)
    assert len(asked) == 7
    for path, body in asked:
        assert client.post(path, content=body).status_code == 200, path
    names["index"].close()


def test_the_indexing_page_runs(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "tax.md").write_text("# Tax\n\nIncome tax is due in April.")
    page = (ROOT / "docs" / "indexing.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(block, "indexing.md", "exec"), names)
    assert (names["held"].documents, names["removed"]) == (3, 2)


def test_the_readme_runs(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "refunds.md").write_text("# Refunds\n\nYou get your money back within 14 days.")
    add = [sys.executable, "-m", "shortlist", "add", "docs/", "--index", "my-index"]
    subprocess.run(add, cwd=tmp_path, check=True, capture_output=True)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 3
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert names["ranking"].hits[0].passage.title == "Refunds"
    assert len(names["scores"]) == 2
