"""The meaning of filters: their two forms, numbers, dates, text and missing fields."""

from __future__ import annotations

import datetime

import pytest

from shortlist.errors import InvalidInput
from shortlist.search.filters import content_of, holds, predicates_of, where_of
from shortlist.search.filters.moments import iso_of, number_of, span_of


def passes(where, fields):
    return all(holds(test, content_of(fields, test.field)) for test in predicates_of(where_of(where)))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("year=2024", {"year": 2024}),
        (["year=2023", "year=2024"], {"year": [2023, 2024]}),
        (["kind=a", "open=true", "open=false"], {"kind": "a", "open": [True, False]}),
        ("price<100", {"price": {"lt": 100}}),
        ("price<=-1.5", {"price": {"lte": -1.5}}),
        (["price>=10", "price<100"], {"price": {"gte": 10, "lt": 100}}),
        ("status!=retired", {"status": {"nin": "retired"}}),
        (["status!=a", "status!=b"], {"status": {"nin": ["a", "b"]}}),
        ("sku^=2024", {"sku": {"prefix": "2024"}}),
        ("city~=Bern", {"city": {"ieq": "Bern"}}),
        ("city^~=ber", {"city": {"iprefix": "ber"}}),
        ("title=a<b", {"title": "a<b"}),
        ("title=a!=b", {"title": "a!=b"}),
        ("title='>x'", {"title": ">x"}),
        ("  unit price  <  5 ", {"unit price": {"lt": 5}}),
        ("'a<b'=1", {"a<b": 1}),
        ('"a=\\"b\\""=1', {'a="b"': 1}),
        ('title=" two  spaces "', {"title": " two  spaces "}),
        ('code="007"', {"code": "007"}),
        ("code='2024'", {"code": "2024"}),
        ("size.width=10", {"size.width": 10}),
        ("version=1.10", {"version": "1.10"}),
        ([], None),
        (None, None),
        ({"a": 1}, {"a": 1}),
    ],
)
def test_a_text_is_a_mapping_in_short(text, where):
    assert where_of(text) == where


@pytest.mark.parametrize("text", ["year", "=1", "year=", "year<", "", "  ", 3, ["year=1", 2], '""=1'])
def test_a_text_without_field_symbol_or_value_is_refused(text):
    with pytest.raises(InvalidInput, match="where"):
        where_of(text)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"price": {"below": 5}}, "'price' has the operator 'below'; the operators are eq, in"),
        ({"size": {"w": 10}}, r"'size\.w'"),
        ({"price": {}}, "has no operator"),
        ({"price": {"lt": []}}, "list for 'price' is empty"),
        ({"price": {"lt": "cheap"}}, "price<cheap compares with no number and no date"),
        ({"price": {"lt": True}}, "price<True compares"),
        ({"price": {"lt": None}}, "price<None compares"),
        ({"price": {"lt": float("nan")}}, "compares with no number"),
        ({"price": {"gt": 2**2000}}, "compares with no number"),
        ({"price": float("nan")}, "price is compared with nan, which equals no number"),
        ({"price": [1.0, float("inf")]}, "price is compared with inf, which equals no number"),
        ({"date": {"gte": "2024-02-30"}}, "date>=2024-02-30 compares"),
        ({"sku": {"prefix": 5}}, "must be text"),
        ({"sku": {"prefix": ""}}, "must be text"),
    ],
)
def test_a_condition_that_means_nothing_is_refused(where, message):
    with pytest.raises(InvalidInput, match=message):
        predicates_of(where)


@pytest.mark.parametrize("name", ["lt", "$lt"])
def test_the_names_of_other_stores_are_accepted(name):
    assert passes({"price": {name: 100}}, {"price": 99})
    assert not passes({"price": {name: 100}}, {"price": 100})


@pytest.mark.parametrize(
    ("content", "condition", "expected"),
    [
        (89.5, "n<100", True),
        ("89.50", "n<100", True),
        ("007", "n<100", True),
        (" 1e2 ", "n<100", False),
        ("cheap", "n<100", False),
        (True, "n<100", False),
        (None, "n<100", False),
        (-5, "n<-4.5", True),
        ("-5", "n>=-5", True),
        ([500, 50], "n<100", True),
        ([], "n<100", False),
        ("2024-01-05", "n<100", False),
    ],
)
def test_an_order_compares_numbers_and_texts_that_are_numbers(content, condition, expected):
    assert passes(condition, {"n": content}) is expected


@pytest.mark.parametrize(
    ("content", "condition", "expected"),
    [
        ("2024-01-31", "d<=2024-01-31", True),
        ("2024-01-31T23:59:59Z", "d<=2024-01-31", True),
        ("2024-02-01", "d<=2024-01-31", False),
        ("2024-01-31T12:00", "d>2024-01-31", False),
        ("2024-02-01", "d>2024-01-31", True),
        ("2024-01-31 00:00:00", "d>=2024-01-31", True),
        ("2024-01-30T23:30:00-01:00", "d>=2024-01-31", True),
        ("2024-01-31T00:30:00+01:00", "d<2024-01-31", True),
        ("2024-01-31T10:00:00Z", "d<2024-01-31T12:00:00+01:00", True),
        ("2024-01-31T11:00:00Z", "d<2024-01-31T12:00:00+01:00", False),
        ("2024-01-31T11:00:00Z", "d<=2024-01-31T12:00:00+0100", True),
        ("2024-01-31T12:00:00.25Z", "d>2024-01-31T12:00:00.249Z", True),
        ("2024-02-29", "d<=2024-02", True),
        ("2024-03-01", "d<=2024-02", False),
        ("2023-12-31", "d<2024", True),
        ("2024-12-31T23:59", "d<=2024", True),
        ("2025-01-01", "d>2024", True),
        (2023, "d<2024", True),
        ("9999-12-31", "d<=9999-12", True),
        ("1969-07-20T20:17:40Z", "d<1970-01-01", True),
        ("soon", "d>2024-01-01", False),
        (None, "d>2024-01-01", False),
        (["2023-01-01", "2024-06-01"], "d>2024-01-01", True),
    ],
)
def test_an_order_compares_dates(content, condition, expected):
    assert passes(condition, {"d": content}) is expected


@pytest.mark.parametrize(
    ("content", "condition", "expected"),
    [
        ("2024-06-30", "d=2024-06-30", True),
        ("2024-06-30T10:00:00", "d=2024-06-30", True),
        ("2024-06-30T23:59:59.9Z", "d=2024-06-30", True),
        ("2024-07-01T00:30:00+01:00", "d=2024-06-30", True),
        ("2024-07-01", "d=2024-06-30", False),
        ("2024-06-29T23:59", "d=2024-06-30", False),
        ("2024-06-30T10:00:00", "d!=2024-06-30", False),
        ("2024-07-01T00:00:00", "d!=2024-06-30", True),
        (["2023-01-01", "2024-06-30T10:00"], "d=2024-06-30", True),
        (["2023-01-01", "2024-06-30T10:00"], "d!=2024-06-30", False),
        ("2024-06-30T10:00:00", "d=2024-06", True),
        ("2024-07-01", "d=2024-06", False),
        ("2024-06-30T10:00:00", ["d=2024-06-29", "d=2024-06-30"], True),
        ("2024-06-30T10:00:00", "d=2024", True),
        ("2024-01-01", "d=2024", True),
        ("2023-12-31T23:30:00-01:00", "d=2024", True),
        ("2024-12-31T23:30:00-01:00", "d=2024", False),
        ("2023-12-31", "d=2024", False),
        ("2024-06-30", "d!=2024", False),
        ("2025-01-01", "d!=2024", True),
        (2024, "d=2024", True),
        ("2024", "d=2024", True),
        (2024.0, "d=2024", True),
        (2024, "d!=2024", False),
        (2023, "d=2024", False),
        ("2024-06-30", "d=20240", False),
        ("2024-06-30", "d~=2024", False),
        ("2024-06-30", "title=2024", False),
        (["2023-06-30", "2024-06-30"], "d=2024", True),
        ("2024-06-30", {"d": "2024"}, True),
        ("2024-06-30", {"d": [2022, 2024.0]}, True),
        ("2024-06-30", {"d": 2024.5}, False),
        ("2024-06-30T10:00:00", "d=2024-06-30T10:00", False),
        ("2024-06-30T10:00:00", "d~=2024-06-30", False),
        ("2024-06-30T10:00:00", "title=2024-06-30", False),
        ("2024-06-30T10:00:00", "document_id=2024-06-30", False),
        (None, "d=2024-06-30", False),
        (None, "d!=2024-06-30", True),
        (20240630, "d=2024-06-30", False),
    ],
)
def test_a_day_or_a_month_is_equal_to_each_of_its_moments(content, condition, expected):
    field = next(name for name in ("title", "document_id", "d") if name in str(condition))
    assert passes(condition, {field: content}) is expected


def test_a_date_of_python_is_a_date():
    day = {"d": {"gte": datetime.date(2024, 1, 31)}}
    assert passes(day, {"d": "2024-01-31"})
    assert passes({"d": {"gt": datetime.datetime(2024, 1, 31, 12, tzinfo=datetime.timezone.utc)}}, {"d": "2024-02-01"})
    assert not passes(day, {"d": "2024-01-30"})


@pytest.mark.parametrize("content", [None, [], "active", ["active"], 1])
def test_not_equal_is_the_opposite_of_equal(content):
    assert passes("status!=retired", {"status": content})
    assert passes("status!=retired", {}) is True
    assert passes("status=retired", {"status": content}) is False


def test_no_value_of_a_list_may_be_equal():
    assert not passes("tags!=sale", {"tags": ["desk", "sale"]})
    assert passes(["tags!=sale", "tags=desk"], {"tags": ["desk"]})
    assert not passes("year!=2024", {"year": "2024"})


@pytest.mark.parametrize(
    ("content", "condition", "expected"),
    [
        ("AB-12", "s^=AB-", True),
        ("ab-12", "s^=AB-", False),
        ("ab-12", "s^~=AB-", True),
        ("Zu\u0308rich", "s^=Z\u00fc", True),
        ("Z\u00fcrich", "s~=ZU\u0308RICH", True),
        ("Stra\u00dfe", "s~=STRASSE", True),
        ("bern", "s~=Bern", True),
        ("bern", "s=Bern", False),
        (["x", "AB-1"], "s^=AB-", True),
        (2024, "s~=2024", True),
        (2024, "s^=20", False),
        (None, "s^=A", False),
    ],
)
def test_the_start_and_the_case_of_a_text(content, condition, expected):
    assert passes(condition, {"s": content}) is expected


def test_a_field_inside_another_field_has_a_name_with_dots():
    assert content_of({"a.b": 1, "a": {"b": 2}}, "a.b") == 1
    assert content_of({"a": {"b": {"c": 3}}}, "a.b.c") == 3
    assert content_of({"a.b": {"c": 4}}, "a.b.c") == 4
    assert content_of({"a": 1}, "a.b") is None


def test_numbers_and_moments_of_texts():
    assert [number_of(text) for text in ("1", "-1.5", ".5", "1e3", "x", "1e999", "9" * 100)] == [
        *(1.0, -1.5, 0.5, 1000.0, None, None, None)
    ]
    assert span_of("1970-01-02") == (86400.0, 172800.0)
    assert [span_of(text) for text in ("2024-13-01", "2024-1-1", "20240101", "2024-01-01T25:00")] == [None] * 4
    assert iso_of(0.0) == "1970-01-01T00:00:00Z"
    assert iso_of(-1.5) == "1969-12-31T23:59:58.500000Z"


@pytest.mark.parametrize(
    ("condition", "hint"),
    [
        ("price<3,5", "write a number with a decimal point: price<3.5"),
        ("price>=1,500", "give a number, or a date"),
        ("day<2024-13", "no calendar has the date 2024-13"),
        ("day>2023-02-30", "no calendar has the date 2023-02-30"),
        ("day>soon", "give a number, or a date"),
        ("year>2024 and team=sales", "give one condition, and each further one in a filter of its own"),
    ],
)
def test_a_limit_that_is_no_number_and_no_date_has_a_hint(condition, hint):
    with pytest.raises(InvalidInput, match=f"{condition} compares with no number and no date: {hint}") as error:
        predicates_of(where_of(condition))
    assert error.value.field == "where"


@pytest.mark.parametrize(("stored", "expected"), [(1e30, True), ("1e30", True), (10**30, False), ("1e+30", False)])
def test_a_number_with_an_exponent_equals_the_number_and_the_text(stored, expected):
    assert passes("n=1e30", {"n": stored}) is expected
    assert passes("n=1e999", {"n": stored}) is False


@pytest.mark.parametrize("field", [2, None, ("a", "b")])
def test_a_field_that_is_no_text_is_an_error(field):
    with pytest.raises(InvalidInput, match="is no text"):
        where_of({field: 1})


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('"open=1', "field"),
        ("'open=1", "field"),
        ('"a"b=1', "field"),
        ('open="1', "value"),
        ('name^="Ab', "value"),
        ('name="a"b', "value"),
        ('name="a\\"', "value"),
        ('"open"="1', "value"),
    ],
)
def test_a_quote_that_is_not_closed_is_an_error(text, part):
    with pytest.raises(
        InvalidInput, match=f"the {part} begins with . and does not end with it: close the quote"
    ) as error:
        where_of(text)
    assert error.value.field == "where"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('"open"="1"', {"open": "1"}),
        ('size=5"', {"size": '5"'}),
        ("name=O'Neil", {"name": "O'Neil"}),
        ("city='s-Hertogenbosch", {"city": "'s-Hertogenbosch"}),
        ("it's=1", {"it's": 1}),
        ("""name='"a"b'""", {"name": '"a"b'}),
        ('"a=b"=1', {"a=b": 1}),
    ],
)
def test_a_quote_may_belong_to_the_text(text, where):
    assert where_of(text) == where


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("year==2024", "write =\\."),
        ("year=>2024", "write >=\\."),
        ("year=<2024", "write <=\\."),
        ("a<>b", "write one of"),
    ],
)
def test_two_symbols_name_the_right_one(text, remedy):
    with pytest.raises(InvalidInput, match=remedy):
        where_of([text])


def test_a_value_in_quotes_may_begin_with_a_symbol():
    assert where_of(["formula='=A1+B1'"]) == {"formula": "=A1+B1"}
