"""Functions that expand a query, which tests name as `expansion_parts:NAME`."""

CALLS = []


def to_red(query):
    return "red"


def to_several(query):
    return ["red", "dog"]


def counted(query):
    CALLS.append(query)
    return [query, "dog"]


def fails(query):
    raise ValueError("broken")


def to_number(query):
    return 7


def to_empty(query):
    return ""


def to_mixed(query):
    return ["red", 3]
