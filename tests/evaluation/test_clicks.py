"""Clicks as judgments."""

import pytest

import shortlist as sl
from shortlist.errors import InvalidInput


def read(tmp_path, text):
    file = tmp_path / "clicks.csv"
    file.write_text(text)
    return sl.QuerySet.read(file)


def test_clicks_become_grades(tmp_path):
    rows = "query,id,clicks\nrefund,a,90\nrefund,b,45\nrefund,c,3\nrefund,d,0\nhours,x,1\n"
    query_set = read(tmp_path, rows)
    grades = {query_set.queries[key]: judged for key, judged in query_set.qrels.items()}
    assert grades == {"refund": {"a": 3, "b": 2, "c": 1, "d": 0}, "hours": {"x": 3}}
    assert query_set.unjudged == 0


def test_rows_of_a_query_and_an_id_are_added_up(tmp_path):
    rows = "query;id;clicks\nrefund;a;40\nrefund;b;90\nrefund;a;50\nhours;x;1\n"
    query_set = read(tmp_path, rows)
    assert next(iter(query_set.qrels.values())) == {"a": 3, "b": 3}


def test_impressions_make_rates(tmp_path):
    """`b` has more clicks and the smaller rate. `c` was shown once, so its one click counts little."""
    rows = "query,id,clicks,impressions\nq,a,90,100\nq,b,60,1000\nq,c,1,1\nq,d,0,500\nother,a,5,10\n"
    query_set = read(tmp_path, rows)
    assert next(iter(query_set.qrels.values())) == {"a": 3, "b": 1, "c": 1, "d": 0}


def test_a_query_without_clicks_has_no_relevant_id(tmp_path):
    query_set = read(tmp_path, "query,id,clicks\nrefund,a,0\nhours,x,2\n")
    assert list(query_set.qrels.values()) == [{"a": 0}, {"x": 3}]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("q,a,many", "line 2: clicks is 'many': write a whole number"),
        ("q,a,-1", "line 2: clicks is '-1': write a whole number"),
        (",a,1", "line 2: the query is empty"),
        ("q,,1", "line 2: the id is empty"),
        ("q,a,1,2", "line 2 has more cells than the first row has columns"),
    ],
)
def test_a_bad_row_is_an_error(tmp_path, row, message):
    with pytest.raises(InvalidInput, match=message):
        read(tmp_path, f"query,id,clicks\n{row}\nq2,b,1\n")


def test_more_clicks_than_impressions_are_an_error(tmp_path):
    with pytest.raises(InvalidInput, match="line 2: 3 clicks are more than 2 impressions"):
        read(tmp_path, "query,id,clicks,impressions\nq,a,3,2\n")


def test_clicks_beside_judgments_are_an_error(tmp_path):
    with pytest.raises(InvalidInput, match="'clicks' is unknown"):
        read(tmp_path, "query,relevant,clicks\nq,a,3\n")
