"""A quote that is not closed in a CSV query set is an error: without one, the queries below it would be missing."""

from __future__ import annotations

import pytest

from command_line import error_of
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets import files

HEADER = "query,relevant\nrefund time,a.md\n"


def read(tmp_path, text):
    (tmp_path / "q.csv").write_bytes(text.encode())
    return files.read(tmp_path / "q.csv")


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "rows",
    [
        '"lost parcel,b.md\nhours,c.md\n',
        'lost parcel,"b.md\nhours,c.md\n',
        'lost parcel,"b.md\n',
        '"lost parcel,b.md',
        '"lost parcel,b.md\n"hours",c.md\n',
        'lost parcel,"b.md\nhours,"c.md"\n',
    ],
)
def test_a_quote_that_is_not_closed(tmp_path, rows, ends):
    with pytest.raises(InvalidInput, match=r"q\.csv line 3: a quote is not closed .*: close it"):
        read(tmp_path, (HEADER + rows).replace("\n", ends))


def test_a_quote_of_the_header_and_of_clicks(tmp_path):
    with pytest.raises(InvalidInput, match=r"q\.csv line 1: a quote is not closed"):
        read(tmp_path, '"query,relevant\nhours,c.md\n')
    with pytest.raises(InvalidInput, match=r"q\.csv line 2: a quote is not closed"):
        read(tmp_path, 'query,id,clicks\n"hours,c.md,3\nlost parcel,b.md,4\n')


@pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\r\n'])
def test_a_line_that_names_the_delimiter_counts_as_a_line(tmp_path, first):
    with pytest.raises(InvalidInput, match=r"q\.csv line 3: the query is empty"):
        read(tmp_path, first + "query;relevant\n;a.md\n")
    with pytest.raises(InvalidInput, match=r"q\.csv line 4: a quote is not closed"):
        read(tmp_path, first + 'query;relevant\nhours;a.md\n"lost;b.md\nrefund;c.md\n')
    with pytest.raises(InvalidInput, match=r"q\.csv line 2: a quote is not closed"):
        read(tmp_path, first + '"query;relevant\nhours;a.md\n')


def test_quotes_that_are_closed_or_odd_on_one_line_are_read(tmp_path):
    rows = '"lost\nparcel",b.md\n5" disk,c.md\n"old" disk,d.md\n"a ""b""","e.md"\n\nlast,"f.md"'
    query_set = read(tmp_path, HEADER + rows)
    queries = ["refund time", "lost\nparcel", '5" disk', "old disk", 'a "b"', "last"]
    assert list(query_set.queries.values()) == queries
    assert [list(grades) for grades in query_set.qrels.values()] == [[f"{name}.md"] for name in "abcdef"]


@pytest.mark.parametrize("command", ["evaluate", "tune"])
def test_the_command_line_names_the_line(tmp_path, command):
    (tmp_path / "q.csv").write_text(HEADER + '"lost parcel,b.md\n', encoding="utf-8")
    assert "q.csv line 3: a quote is not closed" in error_of(command, "q.csv", "--index", "ix", cwd=tmp_path)
