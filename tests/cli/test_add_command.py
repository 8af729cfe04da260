"""`shortlist add`: what it reports, and what it shows while it works."""

from __future__ import annotations

import io
import os
import re
from itertools import pairwise

import pytest
import typer
from rich.console import Console

import shortlist
from command_line import error_of, run
from shortlist import SearchConfig, registry
from shortlist.cli.render.adding import Display, Meter
from shortlist.cli.render.progress import PlainLines, TimeLeft, bar, duration, kept_in, kept_on_failure
from shortlist.collection import Progress
from shortlist.encoders.hashed import HashedEncoder
from shortlist.evaluation.replay.checkpoint import Checkpoint
from states import StatesReranker

HASHED = ("--bi-encoder", "hashed-64", "--index", "ix")


def test_ctrl_c_reports_what_stays(tmp_path, monkeypatch):
    class Interrupted(HashedEncoder):
        def encode_passages(self, texts):
            raise KeyboardInterrupt

    monkeypatch.setattr(registry, "load_encoder", lambda name, **_: Interrupted(64))
    (tmp_path / "one.txt").write_text("one passage")
    done = run("add", "one.txt", *HASHED, cwd=tmp_path, code=130)
    assert "interrupted; the committed documents stay in the index: run the same command again to continue" in done.err


def test_a_failed_run_names_its_file_of_results_if_it_wrote_one(tmp_path, capsys):
    def run_until_ctrl_c(write):
        with kept_on_failure(kept_in(tmp_path / "scores.*.jsonl", "the scores")):
            if write:
                Checkpoint(tmp_path / "scores.*.jsonl", {"queries": 2})
            raise KeyboardInterrupt

    def interrupted(write):
        with pytest.raises(typer.Exit):
            run_until_ctrl_c(write)
        return capsys.readouterr().err

    old = tmp_path / "scores.other.jsonl"
    old.touch()
    os.utime(old, (1, 1))
    assert interrupted(False) == "interrupted; there were no results yet\n"
    for _ in range(2):  # the second run finds the file of the first
        (own,) = {interrupted(True)}
        (file,) = set(tmp_path.iterdir()) - {old}
        assert own.replace("\n", " ").split() == (
            f"interrupted; the scores so far are in {file}: run the same command again to continue".split()
        )
        os.utime(file, (1, 1))


def test_the_first_files_that_were_not_read_are_named_and_all_with_verbose(tmp_path):
    folder = tmp_path / "docs"
    (folder / "set").mkdir(parents=True)
    for name in ["corpus.jsonl", "queries.jsonl", *(f"{n}.md" for n in range(21))]:
        (folder / "set" / name).write_text('{"text": "a"}\nno json\n')
    for number in range(20):
        (folder / f"{number}.png").write_bytes(b"x")
    first = run("add", "docs", *HASHED, cwd=tmp_path).err
    whole = run("add", "docs", *HASHED, "--verbose", cwd=tmp_path).err
    assert "21 ignored (next to a BEIR corpus): docs/set/0.md, " in first
    assert first.count(" and 1 more (--verbose names all)") == 2
    assert first.index("corpus.jsonl line 2: not JSON") < first.index("0.png: unsupported")
    assert (first.count(".png: "), whole.count(".png: ")) == (19, 20)
    assert (first.count("/set/"), whole.count("/set/")) == (21, 22)
    assert "more" not in whole


def test_parts_that_were_left_out_are_counted_in_one_line_and_named_with_verbose(tmp_path):
    import docx

    for name in ("a.docx", "b.docx"):
        file = docx.Document()
        file.add_paragraph("The text of a notice.")
        file.sections[0].header.paragraphs[0].text = "Harbour rules"
        file.save(tmp_path / name)
    first = run("add", "a.docx", "b.docx", *HASHED, cwd=tmp_path).err
    assert "left out of 2 files: 2 headers or footers\n" in first
    assert "--include PART reads comments and headers" in first
    assert "not read, or read in part" not in first
    whole = run("add", "a.docx", "b.docx", *HASHED, "--verbose", cwd=tmp_path).err
    assert "  b.docx: 1 header or footer left out: to read them, include 'headers'\n" in whole
    with_headers = run("add", "a.docx", "b.docx", *HASHED, "--include", "headers", cwd=tmp_path).err
    assert "2 documents written" in with_headers
    assert "left out" not in with_headers


def test_options_of_reading_are_for_files_and_known(tmp_path):
    (tmp_path / "a.md").write_text("text")
    assert "the parts are comments, headers" in error_of("add", "a.md", *HASHED, "--include", "footers", cwd=tmp_path)
    assert "--include and --exclude are for files" in error_of("add", "chroma:a@./b", "--password", "x", cwd=tmp_path)


def test_nothing_to_read_is_an_error_and_an_empty_index_is_called_so(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "x.pdf").write_bytes(b"%PDF-1.4 broken")
    (tmp_path / "docs" / "x.png").write_bytes(b"x")
    (tmp_path / "docs" / ".hidden.md").write_text("# Hidden")
    for _ in range(2):
        done = run("add", "docs", *HASHED, cwd=tmp_path, code=2)
        assert (
            "0 sources read, 0 unchanged, 1 not readable, 0 removed; 0 documents written, 0 unchanged, 0 removed\n"
            in done.err
        )
        assert "1 ignored (hidden, or a folder such as node_modules): docs/.hidden.md\n" in done.err
        assert "\n  docs/x.png: unsupported format .png\n" in done.err
        assert "docs/x.pdf: not readable as PDF" in done.err
        assert "error: nothing could be read from docs, so the index ix was not created" in done.err
        assert "ix holds" not in done.err
        assert not (tmp_path / "ix").exists()
    shortlist.open(tmp_path / "ix", create=True, config=SearchConfig(bi_encoder="hashed-64")).close()
    emptied = run("add", "docs", *HASHED, cwd=tmp_path, code=2).err
    assert "; ix holds 0 passages" in emptied
    assert "nothing could be read from docs, and ix is empty" in emptied
    assert "the index is empty: add files" in run("search", "q", "--index", "ix", "--no-rerank", cwd=tmp_path).out
    (tmp_path / "docs" / "a.txt").write_bytes("Grüße".encode() + b"\xff")
    done = run("add", "docs", *HASHED, cwd=tmp_path)
    assert "1 source read" in done.err
    assert "1 file with bytes that are not in the encoding of the file" in done.err
    assert "docs/a.txt: 1 byte" in done.err
    assert "nothing could be read" in run("add", "docs/x.pdf", *HASHED, cwd=tmp_path, code=2).err


def test_a_file_without_a_row_of_names_is_not_called_unread(tmp_path):
    (tmp_path / "a.csv").write_text("1,red cat,2024\n2,blue dog,2023\n3,old owl,2022\n")
    done = run("add", "a.csv", *HASHED, cwd=tmp_path).err
    assert "1 file without a row of names:\n  a.csv: row 1 is like the other rows" in done
    assert "not read" not in done


def test_encodings_are_guessed_or_named(tmp_path):
    (tmp_path / "a.txt").write_bytes("Die Größe der Schläuche".encode("cp1252"))
    (tmp_path / "b.csv").write_bytes("Größe,Länge\ngroß,12".encode("cp1252"))
    (tmp_path / "c.txt").write_bytes(b"\xff\xd8\xff\xe0 JFIF \x01")
    done = run("add", "a.txt", "b.csv", "c.txt", *HASHED, cwd=tmp_path).err
    assert "2 files read in a guessed encoding instead of UTF-8: cp1252 (2)." in done
    assert "  c.txt: not UTF-8, and no encoding fits" in done
    assert "--encoding NAME reads text that is not UTF-8" in done
    again = run("add", "a.txt", *HASHED, "--verbose", cwd=tmp_path).err
    assert "  a.txt: cp1252\n" in again
    named = run("add", "a.txt", "b.csv", *HASHED, "--encoding", "latin1", cwd=tmp_path).err
    assert "guessed" not in named
    assert "2 documents written, 0 unchanged" not in named
    found = run("search", "Größe", "--index", "ix", "--where", "Größe=groß", "--no-rerank", "--json", cwd=tmp_path).out
    assert "Länge: 12" in found
    assert "'latin9000' is unknown" in error_of("add", "a.txt", *HASHED, "--encoding", "latin9000", cwd=tmp_path)


def test_nothing_to_read_leaves_no_index_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "load_encoder", lambda *_, **__: pytest.fail("a model loads"))
    (tmp_path / "docs").mkdir()
    message = "nothing could be read from docs, so the index ix was not created"
    assert message in error_of("add", "docs", "--index", "ix", cwd=tmp_path)
    (tmp_path / "docs" / "x.png").touch()
    done = run("add", "docs", "--index", "ix", cwd=tmp_path, code=2)
    assert "1 not read, or read in part:\n  docs/x.png: unsupported format .png\n" in done.err
    assert message in done.err
    assert "no file or folder 'missing'" in error_of("add", "docs", "missing", "--index", "ix", cwd=tmp_path)
    assert not (tmp_path / "ix").exists()


def test_a_pattern_that_the_shell_did_not_expand_is_explained(tmp_path):
    message = error_of("add", "docs/*.md", "--index", "ix", cwd=tmp_path)
    assert "there is no file or folder 'docs/*.md'. add() takes files and folders, not patterns" in message
    assert "glob.glob('docs/*.md')" in message
    assert not (tmp_path / "ix").exists()


def test_broken_front_matter_is_reported_at_every_add(tmp_path):
    (tmp_path / "a.md").write_text("---\ntitle: a: b\n---\nThe body.\n")
    for read in ("1 source read, 0 unchanged", "0 sources read, 1 unchanged"):
        done = run("add", "a.md", *HASHED, cwd=tmp_path)
        assert read in done.err
        assert (
            "1 not read, or read in part:\n  a.md the front matter: not readable as YAML, so the front matter stays in "
            "the text: mapping values are not allowed here (line 2)\n" in done.err
        )


def test_another_bi_encoder_than_the_indexs_own_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("one passage")
    run("add", "a.txt", *HASHED, cwd=tmp_path)
    message = error_of("add", "a.txt", "--index", "ix", "--bi-encoder", "hashed-32", cwd=tmp_path, code=3)
    assert "was made with the bi-encoder hashed-64, not hashed-32" in message


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


def test_the_time_left_is_right_for_steady_work_and_counts_down():
    clock = Clock()
    left = TimeLeft(clock)
    shown = []
    for done in range(0, 101):
        shown.append(left.update(done, 100))
        clock.seconds += 1
    assert shown[0] is None
    known = [seconds for seconds in shown if seconds is not None]
    assert known[0] == pytest.approx(98, abs=2)
    assert known[-1] == pytest.approx(0, abs=1)
    assert known == sorted(known, reverse=True)


def test_the_time_left_does_not_jump_if_the_speed_does():
    clock = Clock()
    left = TimeLeft(clock)
    shown = []
    done = 0.0
    for step in range(120):
        shown.append(left.update(done, 1000))
        clock.seconds += 1
        done += 4 if step % 20 < 10 else 12
    known = [seconds for seconds in shown if seconds is not None]
    jumps = [abs(after - before) for before, after in pairwise(known)]
    assert max(jumps) < 0.15 * known[0]
    assert known[-1] < 0.2 * known[0]


def test_work_in_bursts_gives_a_number_in_between():
    clock = Clock()
    left = TimeLeft(clock)
    assert left.update(0, 1000) is None
    clock.seconds = 6
    assert left.update(100, 1000) == pytest.approx(54, rel=0.2)
    clock.seconds = 7
    assert left.update(100, 1000) == pytest.approx(54, rel=0.2), "no step is done, and the number stays near"


def test_hardly_any_work_gives_no_number():
    clock = Clock()
    left = TimeLeft(clock)
    assert left.update(300_000, 325_000) is None
    clock.seconds = 3
    assert left.update(300_002, 325_000) is None, "2 of 325,000 in 3 s would be 10 hours"
    clock.seconds = 6
    assert left.update(310_000, 325_000) == pytest.approx(9, rel=0.1)


def test_unchanged_sources_do_not_count_as_work():
    clock = Clock()
    meter = Meter(TimeLeft(clock))

    def state(sources, done, passages):
        clock.seconds += 1
        return meter.read(Progress("s", sources, 4, done, 4000, passages, clock.seconds))

    state(0, 0, 0)
    state(1, 1000, 0)
    state(2, 2000, 0)
    for step in range(1, 10):
        speed, left = state(2, 2000 + 100 * step, 10 * step)
    assert speed == "90 passages, 8/s"
    seconds = int(left.removeprefix("about ").removesuffix(" s left"))
    assert 8 <= seconds <= 20, "100 bytes a second, and 1100 are left: with the unchanged bytes it would be 4 s"


def test_the_start_of_workers_does_not_count():
    clock = Clock()
    meter = Meter(TimeLeft(clock))

    def left_after(seconds, done, is_starting):
        clock.seconds += seconds
        _, left = meter.read(Progress("s", 0, 40, done, 40_000, done, clock.seconds, is_starting=is_starting))
        return left

    assert left_after(0, 0, True) == ""
    assert left_after(30, 2000, True) == "", "both workers started, and did their first work at the same time"
    assert left_after(0, 4000, True) == ""
    lefts = [left_after(1, 4000 + 1000 * step, False) for step in range(10)]
    seconds = [int(left.removeprefix("about ").removesuffix(" s left")) for left in lefts if left]
    assert len(seconds) > 5
    assert all(abs(shown - (36 - step)) <= 3 for step, shown in enumerate(seconds, start=10 - len(seconds)))


class Screen(io.StringIO):
    """The text that a terminal gets."""

    def isatty(self):
        return True


CURSOR = re.compile(r"\r|\x1b\[[0-9;?]*[A-Zhl]")
"""Control characters that move the cursor, hide it, or delete a line."""


@pytest.mark.parametrize("variables", [{}, {"FORCE_COLOR": "1"}, {"TERM": "dumb", "FORCE_COLOR": "1"}])
def test_a_pipe_gets_plain_lines_at_the_beginning_and_the_end(tmp_path, monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "a.txt").write_text("one passage")
    done = run("add", "a.txt", *HASHED, cwd=tmp_path)
    assert not CURSOR.search(done.err)
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in done.err.splitlines()]
    assert lines[0] == "loading models"
    assert lines[1].startswith("1 source read, 0 unchanged")
    assert len(lines) == 3


def test_a_pipe_gets_a_line_of_progress_now_and_then(tmp_path, monkeypatch):
    monkeypatch.setattr("shortlist.cli.render.progress.LINE_SECONDS", 0.0)
    (tmp_path / "a.txt").write_text("one passage")
    lines = run("add", "a.txt", *HASHED, cwd=tmp_path).err.splitlines()
    assert lines[1] == "embedding: 0 %, 0 passages"
    assert any(line.startswith("embedding: 100 %, 1 passage, ") for line in lines)


def test_lines_of_progress_are_ten_seconds_apart(monkeypatch):
    shown = []
    monkeypatch.setattr("shortlist.cli.render.progress.remark", shown.append)
    clock = Clock()
    lines = PlainLines(clock)
    for second in range(35):
        clock.seconds = second
        lines.show(f"pairs: {second} of 35", "" if second < 15 else "about 9 s left")
    assert shown == ["pairs: 10 of 35", "pairs: 20 of 35, about 9 s left", "pairs: 30 of 35, about 9 s left"]


def test_a_measurement_prints_lines_into_a_pipe(monkeypatch, capsys):
    monkeypatch.setattr("shortlist.cli.render.progress.LINE_SECONDS", 0.0)
    with bar("passages") as progress:
        progress(3, 10)
    assert capsys.readouterr().err == "passages: 3 of 10\n"


def test_progress_says_loading_at_once_then_passages_per_second(monkeypatch):
    screen = Screen()
    console = Console(file=screen, force_terminal=True, force_interactive=True, width=100)
    monkeypatch.setattr("shortlist.cli.console.remarks", lambda: console)
    monkeypatch.setattr("shortlist.cli.render.progress.remarks", lambda: console)
    with Display() as display:
        assert "loading models" in screen.getvalue()
        display.show(Progress("s", 0, 1, 0, 1000, 0, 0.0))
        display.show(Progress("s", 0, 1, 500, 1000, 64, 4.0))
    shown = screen.getvalue()
    assert "64 passages, 16/s" in shown
    assert " 50 %" in shown
    assert "[?25h" in shown, "the cursor comes back"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (7.4, "7 s"), (43, "45 s"), (100, "2 min"), (7800, "2 h 10 min")]
)
def test_durations_are_rounded(seconds, words):
    assert duration(seconds) == words


@pytest.fixture
def keeper(monkeypatch):
    """The reranker that every command loads. It keeps states."""
    reranker = StatesReranker()
    monkeypatch.setattr(registry, "load_reranker", lambda *_, **__: reranker)
    return reranker


def test_precompute_stores_states_and_says_what_it_did(tmp_path, keeper, monkeypatch):
    monkeypatch.setattr("shortlist.cli.render.progress.LINE_SECONDS", 0.0)
    (tmp_path / "a.txt").write_text("one passage")
    assert "precomputed" not in run("add", "a.txt", *HASHED, cwd=tmp_path).err
    done = run("add", "a.txt", *HASHED, "--precompute", cwd=tmp_path)
    assert "1 source read" not in done.err
    assert "precomputing: 100 %, 1 passage\n" in done.err
    assert "\n1 passage precomputed\n" in done.err
    listed = run("list", "--index", "ix", cwd=tmp_path).out
    assert "precomputed for states: 1 passage, 0.0 MB of these" in listed
    assert run("list", "--index", "ix", "--json", cwd=tmp_path).json()["precomputed"]["passages"] == 1
    run("search", "passage", "--index", "ix", cwd=tmp_path)
    assert (keeper.stored, keeper.read) == (["a\none passage"], [])
    done = run("add", "--no-precompute", *HASHED, cwd=tmp_path)
    assert "0.0 MB of precomputed states removed" in done.err
    assert "precomputed" not in run("list", "--index", "ix", cwd=tmp_path).out


def test_precompute_without_paths_completes_an_index(tmp_path, keeper):
    (tmp_path / "a.txt").write_text("one passage")
    run("add", "a.txt", *HASHED, cwd=tmp_path)
    assert "1 passage precomputed" in run("add", "--precompute", "--index", "ix", cwd=tmp_path).err
    message = error_of("add", "--precompute", "--index", "none", cwd=tmp_path, code=3)
    assert "there is no index at none" in message
    assert not (tmp_path / "none").exists()


def test_nothing_to_do_is_an_error(tmp_path):
    assert "give files or folders, or --precompute" in run("add", "--index", "ix", cwd=tmp_path, code=2).text


def test_the_file_can_turn_precomputing_on(tmp_path, keeper):
    (tmp_path / "shortlist.toml").write_text("[search]\nprecompute = true\n")
    (tmp_path / "a.txt").write_text("one passage")
    assert "1 passage precomputed" in run("add", "a.txt", *HASHED, cwd=tmp_path).err
    assert run("search", "passage", "--index", "ix", "--json", cwd=tmp_path).json()["from_file"] == {}
    assert "precomputed states removed" in run("add", "a.txt", *HASHED, "--no-precompute", cwd=tmp_path).err


def test_states_of_another_reranker_are_reported_with_the_command(tmp_path, keeper, monkeypatch):
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(f"{name} passage")
    run("add", "a.txt", *HASHED, "--precompute", cwd=tmp_path)
    monkeypatch.setattr(registry, "load_reranker", lambda *_, **__: StatesReranker(weights="newer"))
    renew = "those of other weights of states. Renew them with: shortlist add --precompute --index ix"
    assert renew in run("search", "passage", "--index", "ix", cwd=tmp_path).text
    assert renew in run("add", "b.txt", *HASHED, cwd=tmp_path).text
    assert "2 passages precomputed" in run("add", "--precompute", "--index", "ix", cwd=tmp_path).err
    assert "Renew" not in run("search", "passage", "--index", "ix", cwd=tmp_path).text


def test_a_reranker_that_cannot_precompute_names_the_option_and_makes_no_index(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "load_reranker", lambda *_, **__: StatesReranker("old", keeps_states=False))
    (tmp_path / "a.txt").write_text("one passage")
    message = error_of("add", "a.txt", *HASHED, "--precompute", cwd=tmp_path)
    assert message.startswith("--precompute needs another reranker: every layer of old reads")
    assert not (tmp_path / "ix").exists()


GERMAN = "Die Häuser am Hafen sind alt, und niemand weiß, wann sie gebaut wurden."


def test_the_language_is_found_and_the_models_are_reported(tmp_path):
    (tmp_path / "a.txt").write_text(GERMAN)
    done = run("add", "a.txt", *HASHED, cwd=tmp_path)
    assert "BM25 has the word forms of German" in done.err
    assert "1 of 1 new documents are not English (German), and shortlist-reranker-v1 reads English" in done.err
    search = ("search", "ein Haus", "--index", "ix", "--retriever", "bm25", "--no-rerank", "--json")
    assert '"document_id": "a.txt"' in run(*search, cwd=tmp_path).out


def test_a_language_is_named(tmp_path):
    (tmp_path / "a.txt").write_text(GERMAN)
    message = error_of("add", "a.txt", *HASHED, "--language", "klingon", cwd=tmp_path, code=2)
    assert "--language 'klingon' is unknown: give one of arabic," in message
    assert not (tmp_path / "ix").exists()
    (tmp_path / "shortlist.toml").write_text('[search]\nlanguage = "fr"\n')
    assert "BM25 has the word forms of French" in run("add", "a.txt", *HASHED, cwd=tmp_path).err
    message = error_of("add", "a.txt", *HASHED, "--language", "german", cwd=tmp_path, code=3)
    assert "was made with the language french, not german" in message
    assert "language french, format" in run("list", "--index", "ix", cwd=tmp_path).out
