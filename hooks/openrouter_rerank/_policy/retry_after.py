"""Reading how long a server asks to wait: `Retry-After` in all its forms. Pure: no I/O."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx

from .retries import MILLISECONDS

LONGEST_SECONDS = 1e300
# RFC 9110, section 10.2.3, has whole seconds; some servers send fractions.
_SECONDS = r"[0-9]+(?:\.[0-9]+)?"
# RFC 9110, section 5.6.7: IMF-fixdate, the obsolete RFC 850 form, and asctime. Only the names of
# the grammar match; dateutil alone would take "mon" or "10" for a date, and accept "Sat" where the
# month is missing.
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_TIME = r"\d{2}:\d{2}:\d{2}"
_HTTP_DATE = (
    rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{{2}} {_MONTH} [1-9]\d{{3}} {_TIME} GMT"
    rf"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d{{2}}-{_MONTH}-\d{{2}} {_TIME} GMT"
    rf"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) {_MONTH} [ \d]\d {_TIME} [1-9]\d{{3}}"
)


def read_retry_after(
    headers: httpx.Headers, availability: Mapping[str, object] | None, now: datetime | None = None
) -> float | None:
    """
    Return how long the server asks to wait, in seconds; None if it does not say.

    `retry-after-ms` overrides `Retry-After` (RFC 9110, section 10.2.3), and both override
    `availability.retry_after`. The first of a list counts, as of a header that was sent twice. A
    malformed value counts as absent.

    Args:
        headers: The reply's headers. A date is measured by their own `Date`, since the clocks of
            the two machines may differ.
        availability: The error's availability; None for none.
        now: The time to compare a date with if there is no `Date`; None is the current time.
    """
    milliseconds = read_seconds(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / MILLISECONDS
    text = headers.get("retry-after")
    seconds = read_seconds(text)
    if seconds is None and text is not None:
        seconds = read_seconds_until(text, headers.get("date", ""), now)
    if seconds is None and availability is not None:
        value = availability.get("retry_after")
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            # A JSON integer may be larger than any float.
            return float(min(value, LONGEST_SECONDS))
    return seconds


def read_seconds(text: str | None) -> float | None:
    """Return a number that is not negative, the first of a list; None if it is anything else."""
    first = (text or "").partition(",")[0].strip()
    return float(first) if re.fullmatch(_SECONDS, first) else None


def read_seconds_until(text: str, sent: str, now: datetime | None) -> float | None:
    """Return the seconds until an HTTP date, 0 if it has passed; None if it is not one."""
    date = read_date(text)
    if date is None:
        return None
    return max(0.0, (date - (read_date(sent) or now or datetime.now(UTC))).total_seconds())


def read_date(text: str) -> datetime | None:
    """Return an HTTP date, the first of a list; None if the text does not begin with one."""
    # Like the other patterns here, compiled at first use: most processes never need it.
    found = re.match(rf"\s*({_HTTP_DATE})\s*(?:,|$)", text, re.ASCII)
    if found is None:
        return None
    try:
        # Imported at first use, since few replies have a date.
        from dateutil import parser

        # All three forms are in UTC, whatever the machine's own time zone.
        return parser.parse(found[1], ignoretz=True).replace(tzinfo=UTC)
    except (OSError, ValueError):
        # The first is of a process that may open no more files, and so cannot import.
        return None
