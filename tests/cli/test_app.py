"""The command line as a whole: help, version, names, and a few runs in a process of their own."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys

import pytest

from command_line import error_of, run
from shortlist.cli.app import message_of
from shortlist.cli.command_table import NAMES, SUMMARIES, command
from shortlist.cli.options import value_of
from shortlist.cli.search_options import OPTIONS
from shortlist.config.search_config import NAMES as SETTINGS
from shortlist.errors import InvalidInput, NotFitted
from shortlist.wording.counting import counted, plain

HEAVY = {"numpy", "rich", "onnxruntime", "openvino", "qdrant_edge", "torch", "huggingface_hub", "httpx"}


def modules_after(*arguments):
    """What `shortlist` with these arguments prints in a process of its own, and the modules that it imports."""
    code = (
        f"import sys; sys.argv = ['shortlist', *{list(arguments)}]; import shortlist.cli\n"
        "import os; os._exit = lambda code: None; shortlist.cli.main(); print('modules:', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    shown, modules = done.stdout.split("modules: ")
    return shown, set(modules.split())


def test_the_version_imports_next_to_nothing():
    shown, modules = modules_after("--version")
    assert shown.startswith("shortlist ")
    assert {name.partition(".")[0] for name in modules}.isdisjoint({"typer", *HEAVY})
    assert {name for name in modules if name.startswith("shortlist")} <= {"shortlist", "shortlist.cli"}


def test_the_help_imports_no_command():
    shown, modules = modules_after("--help")
    assert "Two-stage retrieval" in shown
    assert {name.partition(".")[0] for name in modules}.isdisjoint(HEAVY)
    assert not [name for name in modules if name.startswith("shortlist.cli.commands")]


@pytest.mark.parametrize("name", ["search", "add", "serve"])
def test_the_help_of_a_command_loads_no_models_and_no_numpy(name):
    _, modules = modules_after(name, "--help")
    assert f"shortlist.cli.commands.{name}" in modules
    assert {module.partition(".")[0] for module in modules}.isdisjoint(HEAVY - {"rich"})


def test_a_process_ends_with_the_exit_code(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "shortlist", "search", "q", "--index", "nowhere"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: there is no index at nowhere")


def test_the_help_lists_every_command_with_its_summary():
    shown = run("--help").out
    assert [name for name in NAMES if f"\n  {name} " not in shown] == []
    assert " ".join(SUMMARIES["tune"].split()) in " ".join(shown.split())


@pytest.mark.parametrize("name", NAMES)
def test_a_summary_is_the_first_line_of_the_commands_help(name):
    described = command(name).help
    assert inspect.cleandoc(described).split("\n\n")[0].replace("\n", " ") == SUMMARIES[name]
    shown = run(name, "--help").out
    assert shown.count("\n") > 5
    assert "--install-completion" not in shown


def test_without_arguments_the_help_is_shown():
    assert "Commands:" in run(code=None).text


def test_an_unknown_command_gets_a_suggestion():
    assert "No such command 'serach'. Did you mean 'search'?" in run("serach", "x", code=2).err
    assert "Did you mean" not in run("xyzzy", code=2).err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("serve", "--port", "99999"), "--port is 99999: use 0 to 65535"),
        (("serve", "--port", "-1"), "--port is -1: use 0 to 65535"),
        (("serve", "--port", "http"), "--port is 'http': give a whole number"),
        (("serve", "--queue", "0"), "--queue is 0: use 1 or more"),
        (("serve", "--drain", "nan"), "--drain is nan: use 0 or more"),
        (("bulk", "embed", "t.jsonl", "--out", "o.npy", "--workers", "two"), "--workers is 'two': give a whole number"),
    ],
)
def test_a_value_that_an_option_cannot_have_is_one_line(arguments, message):
    assert error_of(*arguments) == message


def test_a_missing_argument_shows_the_usage():
    assert "Usage: shortlist search" in run("search", code=2).err


def test_every_setting_has_an_option():
    assert {*OPTIONS, "precompute", "efforts"} == set(SETTINGS)
    assert "precompute" in {parameter.name for parameter in command("add").params}
    flags = {flag for parameter in command("search").params for flag in (*parameter.opts, *parameter.secondary_opts)}
    assert {"--pool", "--top", "--min-score", "--no-rerank", "--weight", "--device", "--threads"} <= flags


def test_errors_name_options_in_place_of_parameters():
    error = InvalidInput("top_k is 9 and pool_size is 3: the answer cannot be longer", field="top_k")
    assert message_of(error) == "--top is 9 and --pool is 3: the answer cannot be longer"
    assert message_of(InvalidInput("blend must be 0 or more", field="blend")) == "--blend must be 0 or more"
    assert message_of(InvalidInput("shortlist.toml: top_k must be 1")) == "shortlist.toml: top_k must be 1"
    assert message_of(NotFitted("made for pool_size 3")) == "made for pool_size 3"
    assert message_of(InvalidInput("or allow unknown ids (allow_unknown)")) == "or allow unknown ids (--allow-unknown)"


def test_a_column_keeps_its_name_without_its_option():
    error = InvalidInput("id, grade and rerank_query are optional")
    assert message_of(error, ["evaluate", "q.csv"]) == "id, grade and rerank_query are optional"
    empty = InvalidInput("rerank_query is empty")
    assert message_of(empty, ["search", "q", "--rerank-query="]) == "--rerank-query is empty"


def test_commands_in_an_error_have_the_index_that_was_given():
    error = NotFitted("make it with: shortlist calibrate QUERIES --index DIR")
    for arguments in (["search", "q", "--index", "my ix"], ["search", "--index=my ix", "q"]):
        assert message_of(error, arguments) == "make it with: shortlist calibrate QUERIES --index 'my ix'"
    assert message_of(error, ["search", "q"]) == str(error)


def test_an_error_about_a_setting_of_the_file_names_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = InvalidInput("device cuda is not available", field="device")
    assert message_of(error, ["search", "q"]) == "--device cuda is not available"
    (tmp_path / "shortlist.toml").write_text('[search]\ndevice = "cuda"\n')
    assert message_of(error, ["search", "q"]) == "shortlist.toml: device cuda is not available"
    for arguments in (["--device", "cuda"], ["--device=cuda"], ["--set-up", "gpu:device=cuda"]):
        assert message_of(error, ["search", "q", *arguments]) == "--device cuda is not available"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("true", True),
        ("auto", "auto"),
        ("{dense = 8.0}", {"dense": 8.0}),
        ("a:b@http://c", "a:b@http://c"),
    ],
)
def test_a_text_stands_for_the_value_that_toml_reads(text, value):
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (1.1e-5, "0.000011"), (0.11, "0.11"), (12.5, "12.50"), (123456.0, "123456.00")]
)
def test_costs_have_no_exponent(number, text):
    assert plain(number) == text


def test_plurals():
    assert [counted(number, "source") for number in (0, 1, 2)] == ["0 sources", "1 source", "2 sources"]
    assert counted(2, "query") == "2 queries"


def test_commands_print_through_the_console_alone():
    """No command writes to a stream by itself, so that a pipe gets results and nothing else."""
    for name in NAMES:
        module = sys.modules[command(name) and f"shortlist.cli.commands.{name}"]
        calls = [node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Call)]
        assert not [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Console"], name
