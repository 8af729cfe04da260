"""Numbers and dates in the texts that `<`, `<=`, `>` and `>=` compare."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone

NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
DATE = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})(?P<time>[Tt ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<part>[0-9]{1,9}))?)?(?: ?(?P<zone>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?))?)?)?"
)
"""A month, a day, or a day with a time and perhaps a zone, as ISO 8601 and RFC 3339 write them."""
YEAR = re.compile("[0-9]{4}")
DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]{1,2}")
"""Three digits may be thousands, and four may be a year."""
LONGEST = 64
"""Characters. A longer text is neither a number nor a date."""
FIRST_YEAR, LAST_YEAR = 1000, 9999
LAST = datetime.max.replace(tzinfo=timezone.utc)


def number_of(text: str) -> float | None:
    """Return the number that a text stands for, such as "89.50", "007" or "-1e3"; None for any other text."""
    if len(text) > LONGEST or not NUMBER.fullmatch(text.strip()):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def point_for_comma(text: str) -> str:
    """Return a number with a decimal comma, such as "3,5", with a point; "" for any other text."""
    return text.strip().replace(",", ".") if DECIMAL_COMMA.fullmatch(text.strip()) else ""


def span_of(text: str) -> tuple[float, float] | None:
    """Return the start of a date and the start of what follows it, in seconds from 1970 in UTC; None for other text.

    A month and a day last until the next one. A time is one moment, so both numbers are equal. A time without a zone is
    in UTC.
    """
    match = DATE.fullmatch(text.strip()) if len(text) <= LONGEST else None
    if match is None:
        return None
    try:
        start = datetime(
            int(match["year"]),
            int(match["month"]),
            int(match["day"] or 1),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            int((match["part"] or "0")[:6].ljust(6, "0")),
            timezone(_offset(match["zone"])),
        )
    except ValueError:  # such as the 30th of February
        return None
    if match["time"]:
        return _seconds(start), _seconds(start)
    if match["day"]:
        return _seconds(start), _seconds(start) + timedelta(days=1).total_seconds()
    return _seconds(start), _start_of(start.year, start.month + 1)


def year_span(number: float) -> tuple[float, float] | None:
    """Return the start of a year and of the next one, if the number is a year of four digits; None if not."""
    if not FIRST_YEAR <= number <= LAST_YEAR or number != int(number):
        return None
    return _start_of(int(number), 1), _start_of(int(number) + 1, 1)


def period_of(value: object) -> tuple[float, float] | None:
    """Return the span of a year, a month or a day; None for a time and for any other value.

    A year is a number of four digits, or a text of four digits.
    """
    if isinstance(value, str) and YEAR.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return year_span(value)
    span = span_of(value) if isinstance(value, str) else None
    return span if span is not None and span[0] < span[1] else None


def iso_of(seconds: float) -> str:
    """Return a moment as RFC 3339 writes it, in UTC."""
    moment = datetime.fromtimestamp(0, timezone.utc) + timedelta(seconds=seconds)
    return moment.isoformat().replace("+00:00", "Z")


def _start_of(year: int, month: int) -> float:
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return _seconds(LAST if year > LAST_YEAR else datetime(year, month, 1, tzinfo=timezone.utc))


def _seconds(moment: datetime) -> float:
    return (moment - datetime.fromtimestamp(0, timezone.utc)).total_seconds()


def _offset(zone: str | None) -> timedelta:
    if not zone or zone in "Zz":
        return timedelta(0)
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -offset if zone[0] == "-" else offset
