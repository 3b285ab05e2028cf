"""Times as the server writes them."""
import datetime
import time


def now_ms():
    return time.time_ns() // 1_000_000


def to_ms(text):
    """Milliseconds since 1970 of a time of RFC 3339."""
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(moment.timestamp() * 1000)


def from_ms(ms):
    moment = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03}Z"


def at(event):
    """When an event was decided, in milliseconds since 1970."""
    return to_ms(event["time"])
