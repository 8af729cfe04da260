"""Write the table of binary wheels in docs/install.md: `make wheels`.

uv resolves the core dependencies at the locked versions and lists the files that PyPI has for each of them. The script
then decides for each platform and each Python which files pip would accept. No file is downloaded, and pip cannot do
this: `pip download --platform` reads the markers of the machine that runs it.
"""

import datetime
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.markers import Marker
from packaging.tags import compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "install.md"
MARKS = ("<!-- wheels -->", "<!-- /wheels -->")
PYTHONS = ((3, 10), (3, 11), (3, 12), (3, 13), (3, 14))
GLIBC = (17, 24, 26, 27, 28, 31, 34, 35, 39)
MACOS = (11, 12, 13, 14, 15)


def manylinux(machine: str, minor: int) -> list:
    """Return the platform tags that pip accepts on Linux with glibc 2.`minor`."""
    return [*(f"manylinux_2_{n}_{machine}" for n in range(minor, 16, -1)), f"manylinux2014_{machine}"]


def markers(system: str, machine: str) -> dict:
    """Return the values of the markers of a platform."""
    sys_platform = {"Linux": "linux", "Darwin": "darwin", "Windows": "win32"}[system]
    os_name = "nt" if system == "Windows" else "posix"
    return {
        "platform_system": system,
        "platform_machine": machine,
        "sys_platform": sys_platform,
        "os_name": os_name,
    }


def glibc(machine: str) -> list:
    """Return the versions of glibc, each with the tags that pip accepts."""
    return [(f"glibc 2.{minor}", manylinux(machine, minor)) for minor in GLIBC]


def macos(machine: str) -> list:
    """Return the versions of macOS, each with the tags that pip accepts."""
    return [(f"macOS {major}", list(mac_platforms((major, 0), machine))) for major in MACOS]


PLATFORMS = {
    "Linux x86-64": (markers("Linux", "x86_64"), glibc("x86_64")),
    "Linux arm64": (markers("Linux", "aarch64"), glibc("aarch64")),
    "macOS arm64": (markers("Darwin", "arm64"), macos("arm64")),
    "Windows x86-64": (markers("Windows", "AMD64"), [("", ["win_amd64"])]),
    "Linux with musl, x86-64": (
        markers("Linux", "x86_64"),
        [("musl 1.2", ["musllinux_1_2_x86_64", "musllinux_1_1_x86_64"])],
    ),
    "macOS x86-64": (markers("Darwin", "x86_64"), macos("x86_64")),
    "Windows arm64": (markers("Windows", "ARM64"), [("", ["win_arm64"])]),
}
"""Platform -> the values of markers, and its versions from the oldest, each with the tags that pip accepts."""


def locked() -> list:
    """Return the locked core packages with the files that PyPI has for them, as uv lists them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pylock.toml"
        words = ["compile", "--quiet", "--universal", "--python-version", "3.10", "--format", "pylock.toml"]
        files = ["--constraint", ROOT / "requirements.lock", ROOT / "pyproject.toml", "-o", path]
        subprocess.run([sys.executable, "-m", "uv", "pip", *words, *files], check=True)
        return tomllib.loads(path.read_text(encoding="utf-8"))["packages"]


def needed(packages: list, platform: dict, python: tuple) -> list:
    """Return the packages that a platform needs with a version of Python."""
    values = platform | {
        "python_version": f"{python[0]}.{python[1]}",
        "python_full_version": f"{python[0]}.{python[1]}.9",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    return [package for package in packages if "marker" not in package or Marker(package["marker"]).evaluate(values)]


def lacking(packages: list, python: tuple, platforms: list) -> list:
    """Return the names and versions of the packages without a wheel that pip accepts."""
    tags = {*cpython_tags(python, platforms=platforms)}
    tags |= {*compatible_tags(python, f"cp{python[0]}{python[1]}", platforms)}
    names = []
    for package in packages:
        files = [wheel["url"].rpartition("/")[2] for wheel in package.get("wheels", [])]
        if not any(parse_wheel_filename(file)[3] & tags for file in files):
            names.append(f"{package['name']} {package['version']}")
    return names


def cell(packages: list, platform: str, python: tuple) -> str:
    """Return "yes" with the oldest version of the platform that has every wheel, or the packages that lack one."""
    values, versions = PLATFORMS[platform]
    own = needed(packages, values, python)
    missing: list = []
    for version, tags in versions:
        missing = lacking(own, python, tags)
        if not missing:
            return f"yes, {version}" if version else "yes"
    return "no: " + ", ".join(missing)


def table(packages: list) -> str:
    """Return the table in Markdown."""
    heads = [f"Python {major}.{minor}" for major, minor in PYTHONS]
    lines = [f"| platform | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for platform in PLATFORMS:
        lines.append(f"| {platform} | {' | '.join(cell(packages, platform, python) for python in PYTHONS)} |")
    return "\n".join(lines)


def filled(text: str, content: str) -> str:
    """Return the page with `content` between the two marks. Exit if a mark is missing."""
    start, end = MARKS
    if text.count(start) != 1 or text.count(end) != 1:
        sys.exit(f"{PAGE.name} must contain {start} and {end} once each")
    return re.sub(
        f"{re.escape(start)}.*?{re.escape(end)}", lambda _: f"{start}\n{content}\n{end}", text, flags=re.DOTALL
    )


def main() -> None:
    """Fill the table of the page."""
    packages = locked()
    today = datetime.datetime.now(tz=datetime.timezone.utc).date()
    content = f"PyPI was read on {today.isoformat()}.\n\n{table(packages)}"
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), content), encoding="utf-8")


if __name__ == "__main__":
    main()
