"""Text files: as a whole or not at all, and the errors before and after writing."""

from __future__ import annotations

import os
import re
import sys
import threading

import pytest

from shortlist import atomic_io
from shortlist.atomic_io import check_new_folder, check_place, make_folder, write_whole, written_folder
from shortlist.errors import IndexWriteFailed, InvalidInput


def test_a_file_has_exactly_the_text_and_keeps_link_and_mode(tmp_path):
    file, link = tmp_path / "a.txt", tmp_path / "link.txt"
    check_place(file)
    write_whole(file, "é\r\nx\n")
    assert file.read_bytes() == "é\r\nx\n".encode()
    file.chmod(0o640)
    link.symlink_to(file)
    check_place(link)
    write_whole(link, "new")
    assert (link.is_symlink(), file.read_text(), file.stat().st_mode & 0o777) == (True, "new", 0o640)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "link.txt"]


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    file = tmp_path / "a.txt"
    write_whole(file, "old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_io.os, "fsync", full)
    with pytest.raises(InvalidInput, match=r"a\.txt cannot be written: No space left on device"):
        write_whole(file, "new")
    with pytest.raises(IndexWriteFailed, match="No space left"):
        write_whole(file, "new", IndexWriteFailed)
    assert (file.read_text(), list(tmp_path.iterdir())) == ("old", [file])


def test_an_interruption_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    file = tmp_path / "a.txt"
    write_whole(file, "old")

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic_io.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(file, "new")
    assert (file.read_text(), list(tmp_path.iterdir())) == ("old", [file])


def test_a_path_that_cannot_be_written_is_an_error_before_and_after(tmp_path):
    for bad in (tmp_path, tmp_path / "missing" / "report.html"):
        with pytest.raises(InvalidInput, match=re.escape(str(bad))):
            check_place(bad)
        with pytest.raises(InvalidInput, match="cannot be written"):
            write_whole(bad, "")
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot be made"):
        make_folder(tmp_path / "file" / "below")


@pytest.mark.parametrize("read_only", ["a.txt", "."])
def test_a_read_only_file_or_folder_is_an_error_before_writing(tmp_path, monkeypatch, read_only):
    (tmp_path / "a.txt").write_text("")
    locked = (tmp_path / read_only).resolve()
    monkeypatch.setattr(atomic_io.os, "access", lambda place, _: place.resolve() != locked)
    with pytest.raises(InvalidInput, match=r"a\.txt cannot be written, because the file or its folder is read-only"):
        check_place(tmp_path / "a.txt")


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes")
def test_a_pipe_is_written_to_directly(tmp_path):
    pipe, contents = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: contents.append(pipe.read_text()))
    reader.start()
    check_place(pipe)
    write_whole(pipe, "text")
    reader.join(10)
    assert (contents, pipe.is_fifo()) == (["text"], True)


def test_a_folder_appears_when_it_is_complete(tmp_path):
    target = tmp_path / "made"
    target.mkdir()  # an empty folder may be there
    part = tmp_path / "made.part"
    part.mkdir()
    (part / "of a killed process").write_text("x")
    with written_folder(target) as place:
        assert place == part
        (place / "a.txt").write_text("a")
        assert list(target.iterdir()) == []
    assert [file.name for file in target.iterdir()] == ["a.txt"]
    assert not part.exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interruption_leaves_no_folder(tmp_path, error):
    def write():
        with written_folder(tmp_path / "made") as place:
            (place / "a.txt").write_text("a")
            raise error

    with pytest.raises(error):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_folder(tmp_path):
    def write():
        with written_folder(tmp_path / "made"):
            raise OSError(28, "No space left on device")

    with pytest.raises(InvalidInput, match="made cannot be written: No space left on device"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_error_before(tmp_path, monkeypatch):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("a")
    for name, message in (("full", "exists already"), ("full/a.txt", "exists already"), ("no/b", "does not exist")):
        with pytest.raises(InvalidInput, match=message):
            check_new_folder(tmp_path / name)
    monkeypatch.setattr(os, "access", lambda place, mode: False)
    with pytest.raises(InvalidInput, match="read-only"):
        check_new_folder(tmp_path / "new")
    assert (tmp_path / "full" / "a.txt").read_text() == "a"
