"""Run `pip install` with the given arguments and report each download: `python .ci/install.py -r requirements.lock`.

pip is either silent for minutes or prints several lines for each package. This script prints one line for each download
and one for the installation. If pip fails, the script prints the output of pip and returns its exit code.
"""

import re
import subprocess
import sys
import time

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar", "off"]


def step(line: str) -> str:
    """Return the text to print for a line of pip's output, or an empty string."""
    wheel = re.match(r"\s*(Downloading|Using cached) (?:\S*/)?([^-\s]+)-([^-\s]+)\S*(?<!\.metadata) \((.+)\)", line)
    if wheel:
        return f"  {wheel[1].lower()} {wheel[2]} {wheel[3]} ({wheel[4]})"
    packages = re.match(r"Installing collected packages: (.*)", line)
    count = len(packages[1].split(", ")) if packages else 0
    return f"  installing {count} packages, which may take a minute" if count > 1 else ""


def main(arguments: list) -> int:
    """Run pip, print the steps, and return pip's exit code."""
    started = time.monotonic()
    lines = []
    with subprocess.Popen([*PIP, *arguments], stdout=subprocess.PIPE, text=True) as pip:
        for line in pip.stdout:
            lines.append(line)
            if step(line):
                print(step(line), flush=True)
    if pip.returncode:
        print("".join(lines), flush=True)
    else:
        print(f"  done after {time.monotonic() - started:.0f} s", flush=True)
    return pip.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
