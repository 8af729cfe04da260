"""A release: one version everywhere, complete distributions, and wheels for the platforms of docs/install.md."""

from __future__ import annotations

import importlib
import re
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import shortlist

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = {"shortlist/__init__.py", "shortlist/models/packaged/model.onnx"}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def scripts():
    """Return the two scripts of .ci that check a release."""
    sys.path.insert(0, str(ROOT / ".ci"))
    try:
        return importlib.import_module("wheel_check"), importlib.import_module("wheels")
    finally:
        sys.path.remove(str(ROOT / ".ci"))


@pytest.fixture
def wheel_check(scripts):
    return scripts[0]


@pytest.fixture
def wheels(scripts):
    return scripts[1]


def test_one_version_is_everywhere(wheel_check):
    version = shortlist.__version__
    assert wheel_check.version() == version
    assert re.search(r"^## (\d+\.\d+\.\d+)", text_of("CHANGELOG.md"), re.MULTILINE)[1] == version
    assert f'newTag: "{version}"' in text_of("examples/kubernetes/kustomization.yaml")
    named = [text_of(page) for page in ("docs/install.md", "docs/scaling.md")]
    assert {found for page in named for found in re.findall(r"shortlist[:-](\d+\.\d+\.\d+)", page)} == {version}


def test_a_release_has_a_date():
    (heading,) = re.findall(rf"^## {re.escape(shortlist.__version__)}.*$", text_of("CHANGELOG.md"), re.MULTILINE)
    assert re.fullmatch(r"## [\d.]+ - \d{4}-\d\d-\d\d", heading)


def test_a_complete_wheel_has_no_problems(wheel_check):
    assert wheel_check.wheel_problems(set(PACKAGE), PACKAGE) == []


def test_a_wheel_without_weights_or_with_other_files_has_problems(wheel_check):
    names = {"shortlist/__init__.py", "shortlist/notes.txt"}
    lacks, adds = wheel_check.wheel_problems(names, PACKAGE)
    assert "lacks shortlist/models/packaged/model.onnx" in lacks
    assert "has shortlist/notes.txt" in adds


def test_an_sdist_needs_its_files_and_has_no_tests(wheel_check):
    complete = {*wheel_check.NEEDED_IN_SDIST, *(f"src/{name}" for name in PACKAGE)}
    assert wheel_check.sdist_problems(complete, PACKAGE) == []
    faults = wheel_check.sdist_problems(complete - {"LICENSE"} | {"tests/data/large.json"}, PACKAGE)
    assert faults == ["the sdist lacks LICENSE", "the sdist has tests/data/large.json"]


def test_the_names_of_both_archives_are_read(wheel_check, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        wheel.writestr("shortlist/__init__.py", "")
        wheel.writestr("shortlist-1.dist-info/METADATA", "")
    (tmp_path / "LICENSE").write_text("words", encoding="utf-8")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as sdist:
        sdist.add(tmp_path / "LICENSE", "shortlist-1/LICENSE")
    assert wheel_check.names_of(tmp_path / "a.whl") == {"shortlist/__init__.py"}
    assert wheel_check.names_of(tmp_path / "a.tar.gz") == {"LICENSE"}


@pytest.mark.parametrize("names", [[], ["shortlist-1.whl", "shortlist-2.whl"]])
def test_a_folder_without_exactly_one_distribution_is_an_error(wheel_check, tmp_path, names):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(SystemExit, match=f"has {len(names)} files .*make build"):
        wheel_check.distribution(tmp_path, "*.whl")


def test_the_package_data_has_every_kind_of_file_of_the_package(wheel_check):
    """A file with an extension that is not in package-data would be missing in the wheel."""
    data = re.search(r"^shortlist = \[(.+)\]", text_of("pyproject.toml"), re.MULTILINE)[1]
    listed = {pattern.rpartition("/")[2].lstrip("*") for pattern in re.findall(r'"(.+?)"', data)} | {".py"}
    files = wheel_check.package_files()
    assert "shortlist/__init__.py" in files
    assert [name for name in files if not name.endswith(tuple(listed))] == []


def package(*files: str, marker: str = "") -> dict:
    own = {"name": "part", "version": "1.0", "wheels": [{"url": f"https://host/a/{file}"} for file in files]}
    return own | ({"marker": marker} if marker else {})


def test_a_pure_wheel_fits_everywhere(wheels):
    rows = wheels.table([package("part-1.0-py3-none-any.whl")]).splitlines()[2:]
    assert len(rows) == len(wheels.PLATFORMS)
    assert all(row.count("yes") == len(wheels.PYTHONS) for row in rows)


def test_a_binary_wheel_fits_its_python_and_its_platform(wheels):
    packages = [package("part-1.0-cp312-cp312-macosx_14_0_arm64.whl", "part-1.0-cp310-abi3-win_amd64.whl")]
    assert wheels.cell(packages, "macOS arm64", (3, 12)) == "yes, macOS 14"
    assert wheels.cell(packages, "macOS arm64", (3, 13)) == "no: part 1.0"
    assert wheels.cell(packages, "Windows x86-64", (3, 14)) == "yes"
    assert wheels.cell(packages, "Linux arm64", (3, 12)) == "no: part 1.0"


def test_the_oldest_glibc_is_named(wheels):
    packages = [package("part-1.0-cp310-abi3-manylinux_2_28_aarch64.whl"), package("part-1.0-py3-none-any.whl")]
    assert wheels.cell(packages, "Linux arm64", (3, 11)) == "yes, glibc 2.28"


def test_a_package_counts_only_if_its_marker_holds(wheels):
    packages = [package(marker="sys_platform == 'win32' and python_full_version < '3.11'")]
    assert wheels.cell(packages, "Windows x86-64", (3, 10)) == "no: part 1.0"
    assert wheels.cell(packages, "Windows x86-64", (3, 11)) == "yes"
    assert wheels.cell(packages, "macOS arm64", (3, 10)) == "yes, macOS 11"


def test_a_page_without_the_marks_is_an_error(wheels):
    with pytest.raises(SystemExit, match="must contain"):
        wheels.filled("words", "a table")
    first, last = wheels.MARKS
    assert wheels.filled(f"a\n{first}\nold\n{last}\nb", "new") == f"a\n{first}\nnew\n{last}\nb"


def test_the_page_has_the_table_of_all_platforms(wheels):
    page = text_of("docs/install.md").partition(wheels.MARKS[0])[2].partition(wheels.MARKS[1])[0]
    assert re.search(r"\d{4}-\d\d-\d\d", page)
    rows = [line for line in page.splitlines() if line.startswith("|")][2:]
    assert [row.split(" | ")[0].strip("| ") for row in rows] == list(wheels.PLATFORMS)
    assert all(len(row.split(" | ")) == len(wheels.PYTHONS) + 1 for row in rows)


def test_the_page_has_every_extra():
    page = text_of("docs/install.md").partition("## Extras")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    project = text_of("pyproject.toml").partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    extras = re.findall(r"^([a-z]+) = \[", project, re.MULTILINE)
    assert sorted(name for cell in cells for name in re.findall(r"`(\w+)`", cell)) == sorted(extras)


def test_no_page_claims_that_pypi_has_the_package():
    """`pip install shortlist` without a file or a folder would install what another project uploads."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    lines = [line for page in pages for line in page.read_text(encoding="utf-8").splitlines()]
    bare = [line for line in lines if re.search(r"(pip|pipx|uv tool|uv) install shortlist\b|\buvx shortlist\b", line)]
    assert all("--no-index" in line or line.startswith("`pipx install shortlist` and") for line in bare), bare


def test_the_comparison_has_a_source_for_every_tool():
    """Each tool of the first table is in the table of sources, and the date of reading is there."""
    page = text_of("docs/comparison.md")
    first = page.partition("## What the tools are")[2].partition("\n## ")[0]
    tools = [line.split("|")[1].strip() for line in first.splitlines() if line.startswith("| ")][1:]
    sources = page.partition("## Sources")[2]
    names = [re.sub(r" [\d.]+$", "", tool) for tool in tools]
    assert len(names) == 14
    assert [name for name in names if name not in sources] == []
    assert re.search(r"Read on \d{4}-\d\d-\d\d", page)


def test_the_rows_of_the_comparison_are_complete():
    for table in re.findall(r"(?:^\|.*\n)+", text_of("docs/comparison.md"), re.MULTILINE):
        widths = {len(line.strip("|").split("|")) for line in table.splitlines()}
        assert len(widths) == 1, table
        assert not re.search(r"\|\s*\|", table.partition("\n")[0])
