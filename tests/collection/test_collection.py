"""The folder of an index: its manifest, its formats, its engine, and what a kill leaves."""

import json
import shutil

import pytest

from hashed import HASHED, add, documents, passages_in
from shortlist import registry
from shortlist.collection import Collection, exists
from shortlist.collection.lock import FolderLock
from shortlist.collection.manifest import FORMAT_VERSION
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import IndexMismatch, IndexWriteFailed, InvalidInput, NotAnIndex

ENCODER = HashedEncoder(32)


def create(folder):
    return registry.INDEXES.create(folder, HASHED, ENCODER.dimension)


@pytest.fixture
def index(tmp_path):
    """An index with two documents."""
    folder = tmp_path / "i"
    add(documents("a", "b"), folder)
    return folder


def change_manifest(index, **fields):
    path = index / "shortlist.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_the_manifest_names_bi_encoder_engine_and_format(index):
    assert json.loads((index / "shortlist.json").read_text()) == {
        "encoder": HASHED,
        "dimension": 32,
        "engine": next(iter(registry.ENGINES)),
        "language": "english",
        "format_version": FORMAT_VERSION,
    }


def test_a_missing_folder_names_the_command_that_makes_an_index(tmp_path):
    with pytest.raises(NotAnIndex, match=r"there is no index at .*: make one with: shortlist add PATH --index"):
        registry.INDEXES.open(tmp_path / "none")


def test_a_folder_of_other_files_is_no_index(tmp_path):
    (tmp_path / "photo.png").write_bytes(b"x")
    with pytest.raises(NotAnIndex, match=r"is not a shortlist index .*: make one with: shortlist add PATH --index"):
        registry.INDEXES.open(tmp_path)
    with pytest.raises(NotAnIndex, match=r"already contains 'photo\.png': give a new or empty folder"):
        create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]
    assert not exists(tmp_path)


@pytest.mark.parametrize("others", [("sources.sqlite",), ("engine", "lock")])
def test_an_index_without_its_manifest_names_the_remedy(index, others):
    (index / "shortlist.json").unlink()
    lost = r"the index in .* has lost its shortlist\.json: delete the folder and build the index again with: short"
    for open_or_create in (registry.INDEXES.open, create):
        with pytest.raises(NotAnIndex, match=lost):
            open_or_create(index)
    for path in index.iterdir():
        if path.name not in others:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(NotAnIndex, match=lost):
        registry.INDEXES.open(index)


def test_a_folder_named_engine_alone_is_no_index(tmp_path):
    (tmp_path / "engine").mkdir()
    (tmp_path / "photo.png").touch()
    with pytest.raises(NotAnIndex, match="is not a shortlist index"):
        registry.INDEXES.open(tmp_path)


def test_another_bi_encoder_is_a_mismatch(index):
    with pytest.raises(IndexMismatch, match="made with the bi-encoder hashed-32, not hashed-64"):
        registry.INDEXES.open(index, "hashed-64")


def test_a_newer_format_is_a_mismatch(index):
    change_manifest(index, format_version=99)
    with pytest.raises(IndexMismatch, match=f"index format 99, and this version reads {FORMAT_VERSION}: upgrade"):
        registry.INDEXES.open(index)


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION))
def test_an_older_format_names_the_command_that_rebuilds(index, version):
    path = index / "shortlist.json"
    old = {"encoder": HASHED, "dimension": 32, "average_length": 12.5, "format_version": version}
    path.write_text(json.dumps(old))
    with pytest.raises(IndexMismatch) as caught:
        registry.INDEXES.open(index)
    assert f"has the older index format {version}, and this version reads {FORMAT_VERSION}" in str(caught.value)
    assert str(caught.value).endswith(f"delete the folder and rebuild it with: shortlist add PATH --index {index}")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        "null",
        '{"format_version": "x"}',
        f'{{"format_version": {FORMAT_VERSION}}}',
        f'{{"format_version": {FORMAT_VERSION}, "encoder": "x", "dimension": 0, "engine": "e"}}',
        f'{{"format_version": {FORMAT_VERSION}, "encoder": "x", "dimension": "9", "engine": "e"}}',
        f'{{"format_version": {FORMAT_VERSION}, "encoder": 7, "dimension": 9, "engine": "e"}}',
        "\x00\xff",
    ],
)
def test_a_damaged_manifest_is_reported_with_the_remedy(index, content):
    (index / "shortlist.json").write_text(content)
    with pytest.raises(
        NotAnIndex, match=r"shortlist\.json is damaged \(.*\): delete the folder and rebuild it with: shortl"
    ):
        registry.INDEXES.open(index)


def test_an_unknown_engine(index, tmp_path):
    change_manifest(index, engine="other")
    with pytest.raises(IndexMismatch, match=r"made with the engine 'other', which this version does not have"):
        registry.INDEXES.open(index)
    with pytest.raises(InvalidInput, match=r"the engine 'x' is unknown; the engines are"):
        Collection.create(tmp_path / "new", registry.ENGINES, engine="x", encoder_name="e", dimension=3)
    assert not (tmp_path / "new").exists()


def test_a_vector_has_at_least_one_number(tmp_path):
    engine = next(iter(registry.ENGINES))
    with pytest.raises(InvalidInput, match="dimension must be at least 1, not 0"):
        Collection.create(tmp_path / "new", registry.ENGINES, engine=engine, encoder_name="e", dimension=0)


def test_damaged_files_of_the_engine_release_the_folder(index):
    for path in (index / "engine").rglob("*"):
        if path.is_file():
            path.write_bytes(b"")
    for _ in range(2):
        with pytest.raises(NotAnIndex, match="damaged"):
            registry.INDEXES.open(index)


def test_a_damaged_ledger_releases_the_folder(index):
    (index / "sources.sqlite").write_bytes(b"no database" * 1000)
    for _ in range(2):
        with pytest.raises(NotAnIndex, match=r"sources\.sqlite cannot be read .*: shortlist add PATH --index"):
            registry.INDEXES.open(index)


def test_an_interrupted_create_can_be_repeated(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shortlist.collection.manifest.write", stop)
        with pytest.raises(KeyboardInterrupt):
            create(tmp_path / "i")
    assert not exists(tmp_path / "i")
    add(documents("a"), tmp_path / "i")
    assert passages_in(tmp_path / "i") == [("a#0", "all about a")]


def test_an_index_that_another_process_made_meanwhile_is_kept(index, tmp_path, monkeypatch):
    """Two processes find an empty folder. The second one waits for the lock, and must not start anew."""
    late = tmp_path / "late"
    late.mkdir()

    def lock(folder):
        index.rename(tmp_path / "gone")
        late.rmdir()
        (tmp_path / "gone").rename(late)
        return FolderLock(folder)

    with monkeypatch.context() as patch:
        patch.setattr("shortlist.collection.collection.FolderLock", lock)
        with pytest.raises(NotAnIndex, match="already contains an index: open it"):
            create(late)
    assert [key for key, _ in passages_in(late)] == ["a#0", "b#0"]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(IndexWriteFailed, match="cannot make the index folder"):
        create(tmp_path / "file" / "i")


def test_a_second_close_does_nothing(index):
    collection = registry.INDEXES.open(index)
    collection.close()
    collection.close()


def test_an_index_that_lost_its_passages_is_damaged(index):
    with registry.INDEXES.open(index) as collection:
        collection.index.delete(["a#0", "b#0"])
    with pytest.raises(NotAnIndex, match=r"its passages are lost, although sources\.sqlite lists documents\. Delete"):
        registry.INDEXES.open(index)
    FolderLock(index).release()  # the failed call left no lock


def test_an_index_that_lost_its_ledger_names_the_remedy(index):
    (index / "sources.sqlite").unlink()
    lost = r"the index in .* has lost sources\.sqlite: delete the folder and add the files again with: shortlist add"
    for _ in range(2):  # the failed call made no ledger
        with pytest.raises(NotAnIndex, match=lost):
            registry.INDEXES.open(index)
    with pytest.raises(NotAnIndex, match=lost):
        registry.INDEXES.contents(index)
    FolderLock(index).release()  # the failed calls left no lock


def test_an_index_without_documents_is_not_damaged(tmp_path):
    create(tmp_path / "i").close()
    registry.INDEXES.open(tmp_path / "i").close()


def test_a_file_in_place_of_a_folder_is_called_so(tmp_path):
    (tmp_path / "notes.csv").write_text("a,b\n", encoding="utf-8")
    with pytest.raises(NotAnIndex, match=r"notes\.csv is a file, and an index is a folder") as caught:
        registry.INDEXES.open(tmp_path / "notes.csv")
    assert "make one" not in str(caught.value)
