from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shortlist.documents import Skipped, discover, read
from shortlist.types import Document

Load = Callable[[str, "bytes | str"], list["Document | Skipped"]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Writes a file and reads it as its extension says."""

    def load_file(name: str, content: bytes | str) -> list[Document | Skipped]:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        sources, skipped = discover([path])
        assert skipped == []
        return list(read(sources[0]))

    return load_file
