"""Check the wheel and the source distribution in dist/: `python .ci/wheel_check.py`, after `make build`.

The script compares the files of both with the files of the repository, installs the locked packages and the wheel into
an empty environment, and runs `shortlist demo` there, in an empty folder. The exit code is 1 if something is wrong.
"""

import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LARGEST = 80_000_000
"""The largest size of a distribution in bytes. The packaged models are 70 MB before compression."""
NOT_IN_SDIST = ("tests/", "benchmarks/", "training/", "examples/")
NEEDED_IN_SDIST = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "PKG-INFO")
QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}


def version() -> str:
    """Return the version in pyproject.toml."""
    return re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]


def package_files() -> set:
    """Return the paths of the package that git knows, from the folder src."""
    listed = subprocess.run(["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {line.removeprefix("src/") for line in listed.splitlines()}


def names_of(path: Path) -> set:
    """Return the names of the files in a wheel, or in a source distribution without its top folder."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return {name for name in wheel.namelist() if ".dist-info/" not in name}
    with tarfile.open(path) as sdist:
        return {member.name.partition("/")[2] for member in sdist.getmembers() if member.isfile()}


def wheel_problems(names: set, package: set) -> list:
    """Return a sentence for each difference between a wheel and the package."""
    missing = [f"the wheel lacks {name}: is its extension in package-data?" for name in sorted(package - names)]
    return missing + [f"the wheel has {name}, which git does not know" for name in sorted(names - package)]


def sdist_problems(names: set, package: set) -> list:
    """Return a sentence for each file that a source distribution lacks, or should not have."""
    needed = {*NEEDED_IN_SDIST, *(f"src/{name}" for name in package)}
    missing = [f"the sdist lacks {name}" for name in sorted(needed - names)]
    return missing + [f"the sdist has {name}" for name in sorted(names) if name.startswith(NOT_IN_SDIST)]


def distribution(dist: Path, pattern: str) -> Path:
    """Return the only file of dist/ with this pattern. Exit if there is none, or more than one."""
    files = sorted(dist.glob(pattern))
    if len(files) != 1:
        sys.exit(f"{dist} has {len(files)} files {pattern}: run `make build`, which empties the folder first")
    return files[0]


def problems(dist: Path) -> list:
    """Return a sentence for each fault of the wheel and the sdist in `dist`."""
    package = package_files()
    wheel = distribution(dist, f"shortlist-{version()}-py3-none-any.whl")
    sdist = distribution(dist, f"shortlist-{version()}.tar.gz")
    large = [path for path in (wheel, sdist) if path.stat().st_size > LARGEST]
    faults = [f"{path.name} has {path.stat().st_size} bytes, more than {LARGEST}" for path in large]
    return faults + wheel_problems(names_of(wheel), package) + sdist_problems(names_of(sdist), package)


def demo_of(wheel: Path, folder: Path) -> dict:
    """Install the wheel into an empty environment in `folder`, run the demonstration, and return its JSON output."""
    venv.create(folder / "venv", with_pip=True)
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    empty = folder / "empty"
    empty.mkdir()
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*words) -> str:
        return subprocess.run(
            [str(word) for word in words], cwd=empty, env=kept | QUIET, stdout=subprocess.PIPE, text=True, check=True
        ).stdout

    pip = (scripts / "python", "-m", "pip", "install", "--quiet")
    run(*pip, "--require-hashes", "-r", ROOT / "requirements.lock")
    run(*pip, "--no-deps", wheel)
    run(*pip[:3], "check")
    reported = run(scripts / "shortlist", "--version").strip()
    if reported != f"shortlist {version()}":
        sys.exit(f"the installed command reports {reported!r}, and pyproject.toml has {version()}")
    return json.loads(run(scripts / "shortlist", "demo", "--json"))


def main() -> int:
    """Check both files, and return the exit code."""
    dist = ROOT / "dist"
    faults = problems(dist)
    for fault in faults:
        print(fault)
    if faults:
        return 1
    with tempfile.TemporaryDirectory() as folder:
        demo = demo_of(distribution(dist, "*.whl"), Path(folder))
    print(f"shortlist {version()}: the wheel and the sdist are complete, and the demo ran: {', '.join(demo)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
