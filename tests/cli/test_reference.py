"""docs/cli.md, and what its generator relies on."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortlist.cli.command_table import NAMES, command
from shortlist.cli.options import FLAGS
from shortlist.cli.reference import reference
from shortlist.evaluation.tuning.options import BLENDS, FUSIONS, SIZES

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "cli.md"


def commands():
    for name in NAMES:
        top = command(name)
        yield name, top
        yield from ((f"{name} {child}", value) for child, value in getattr(top, "commands", {}).items())


COMMANDS = dict(commands())


def test_the_reference_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == reference(), "write it again with: make docs"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help_and_a_name_for_its_value(name):
    for parameter in COMMANDS[name].params:
        assert parameter.help, parameter.name
        assert parameter.param_type_name == "argument" or parameter.is_flag or parameter.metavar, parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_has_every_option(name):
    section = reference().split(f" shortlist {name}\n")[1].split("\n## ")[0]
    for parameter in COMMANDS[name].params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            assert f"`{parameter.opts[0]}" in section


def test_the_reference_has_every_setting_with_its_default():
    section = reference().split("## Search options\n")[1]
    for flags in ("`--pool N\\|auto` | 50", "`--rerank`, `--no-rerank` | both", "`--fusion X` | 0.5"):
        assert flags in section


def test_every_flag_of_an_error_message_exists():
    known = {flag for source in COMMANDS.values() for parameter in source.params for flag in parameter.opts}
    assert set(FLAGS.values()) <= known


def test_the_defaults_of_the_help_of_tune_are_those_of_tune():
    texts = {parameter.opts[0]: parameter.help for parameter in command("tune").params if parameter.help}
    for flag, values in (("--sizes", SIZES), ("--blends", BLENDS), ("--fusions", FUSIONS)):
        assert f"[default: {','.join(f'{value:g}' for value in values)}]" in texts[flag]
