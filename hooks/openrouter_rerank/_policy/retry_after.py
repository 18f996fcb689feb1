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
    `availability.retry_after`. A malformed value counts as absent.

    Args:
        headers: The reply's headers.
        availability: The error's availability; None for none.
        now: The time to compare a date with; None is the current time.
    """
    milliseconds = read_seconds(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / MILLISECONDS
    text = headers.get("retry-after")
    seconds = read_seconds(text)
    if seconds is None and text is not None:
        seconds = read_date(text.strip(), now)
    if seconds is None and availability is not None:
        value = availability.get("retry_after")
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            # A JSON integer may be larger than any float.
            return float(min(value, LONGEST_SECONDS))
    return seconds


def read_seconds(text: str | None) -> float | None:
    """Return a number that is not negative; None if the text is anything else."""
    if text is None or not re.fullmatch(_SECONDS, text.strip()):
        return None
    return float(text)


def read_date(text: str, now: datetime | None) -> float | None:
    """Return the seconds until an HTTP date, 0 if it has passed; None if it is not one."""
    # Like the other patterns here, compiled at first use: most processes never need it.
    if not re.fullmatch(_HTTP_DATE, text, re.ASCII):
        return None
    # Imported at first use, since few replies have a date.
    from dateutil import parser

    try:
        # All three forms are in UTC, whatever the machine's own time zone.
        date = parser.parse(text, ignoretz=True).replace(tzinfo=UTC)
    except ValueError:
        return None
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())
