"""A hook of MkDocs: the site has the folders of the repository, so the links of GitHub lead to the same places.

MkDocs reads docs/ alone. This hook gives each page the path that it has in the repository, and adds the pages and files
outside docs/ that are linked. `README.md` becomes the start page. No link is rewritten.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "benchmarks/README.md",
    "examples/README.md",
    "training/README.md",
)
LINK = re.compile(r"\]\(([^)\s#]+)[^)\s]*\)|src=\"([^\"]+)\"")


def linked(page: Path) -> set:
    """Return the files of the repository that a page links to."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    targets = {"".join(target) for target in LINK.findall(text)}
    paths = {(page.parent / target).resolve() for target in targets if not target.startswith(("http:", "https:"))}
    return {path for path in paths if path.is_file()}


def site_files(pages: list) -> set:
    """Return the pages, and the files that pages link to, page after page."""
    files: set = set()
    waiting = set(pages)
    while waiting:
        page = waiting.pop()
        files.add(page)
        if page.suffix == ".md":
            waiting |= linked(page) - files
    return files


def on_config(config: dict) -> dict:
    """Give headings the anchors of GitHub."""
    config["mdx_configs"]["toc"]["slugify"] = slug
    return config


def on_files(files: Files, config: dict) -> Files:
    """Return the files of the site, with their paths in the repository."""
    from mkdocs.structure.files import File, Files

    docs = Path(config["docs_dir"])
    kept = [file for file in files if not file.src_uri.endswith((".md", ".txt", ".svg"))]
    pages = [*(ROOT / name for name in PAGES), *docs.glob("*.md"), *docs.glob("*.svg")]
    made = [
        File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path))
        for path in sorted(site_files(pages))
    ]
    return Files([*kept, *made])


def slug(heading: str, separator: str) -> str:
    """Return the anchor of a heading as GitHub makes it."""
    text = re.sub(r"<[^>]+>", "", heading)
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", separator)
