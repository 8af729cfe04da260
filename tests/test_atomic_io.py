"""Text files: whole or not at all, and what is said of a place before and after."""

from __future__ import annotations

import os
import re
import threading

import pytest

from shortlist import atomic_io as files
from shortlist.atomic_io import check_place, make_folder, write_whole
from shortlist.errors import IndexWriteFailed, InvalidInput


def test_what_is_written_is_there_to_the_letter_and_keeps_link_and_mode(tmp_path):
    file, link = tmp_path / "a.txt", tmp_path / "link.txt"
    check_place(file)
    write_whole(file, "é\r\nx\n")
    assert file.read_bytes() == "é\r\nx\n".encode()
    file.chmod(0o640)
    link.symlink_to(file)
    check_place(link)
    write_whole(link, "new")
    assert (link.is_symlink(), file.read_text(), file.stat().st_mode & 0o777) == (True, "new", 0o640)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.txt", "link.txt"]


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    file = tmp_path / "a.txt"
    write_whole(file, "old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(InvalidInput, match=r"a\.txt cannot be written: No space left on device"):
        write_whole(file, "new")
    with pytest.raises(IndexWriteFailed, match="No space left"):
        write_whole(file, "new", IndexWriteFailed)
    assert (file.read_text(), list(tmp_path.iterdir())) == ("old", [file])


def test_a_place_that_can_not_be_written_is_named_before_and_after(tmp_path):
    for bad in (tmp_path, tmp_path / "missing" / "report.html"):
        with pytest.raises(InvalidInput, match=re.escape(str(bad))):
            check_place(bad)
        with pytest.raises(InvalidInput, match="cannot be written"):
            write_whole(bad, "")
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot be made"):
        make_folder(tmp_path / "file" / "below")


@pytest.mark.parametrize("read_only", ["a.txt", "."])
def test_a_read_only_file_or_folder_is_said_before(tmp_path, monkeypatch, read_only):
    (tmp_path / "a.txt").write_text("")
    locked = (tmp_path / read_only).resolve()
    monkeypatch.setattr(files.os, "access", lambda place, _: place.resolve() != locked)
    with pytest.raises(InvalidInput, match=r"a\.txt cannot be written, because the file or its folder is read-only"):
        check_place(tmp_path / "a.txt")


def test_a_pipe_is_written_to_as_it_is(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    check_place(pipe)
    write_whole(pipe, "said")
    reader.join(10)
    assert (got, pipe.is_fifo()) == (["said"], True)
