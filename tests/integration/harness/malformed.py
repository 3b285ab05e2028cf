"""Events and JSON documents that must be refused: each derived from a valid one by a single fault."""
import base64
import copy
import json

from .http_client import chat, cloudevent, ringing
from .http_client import mail as mail_of

ABSENT = object()
LONG = "x" * 1025  # one byte over what names and attributes may have


def mail():
    return mail_of("ann@example.com")


def ended():
    return cloudevent("call.ended", data={"cause": "normal"})


def answered():
    return cloudevent("call.answered", data={"agent": "anna"})


def deep(levels, inner=0):
    for _ in range(levels):
        inner = [inner]
    return inner


def mutated(make, path, value):
    """The event that `make` gives with the member at `path` (a JSON Pointer) replaced or, if ABSENT, removed."""
    event = copy.deepcopy(make())
    *parents, last = path[1:].split("/")
    at = event
    for name in parents:
        at = at[name]
    if value is ABSENT:
        at.pop(last, None)
    else:
        at[last] = value
    return event


def _rows():
    """(valid event, pointer to what is changed, new value, pointer of the refusal)."""
    for name in ("specversion", "id", "source", "type", "subject"):
        for value in (ABSENT, None, "", 7, 1.5, True, [], {}, LONG, "a\nb", "a\u007fb", "a\u0085b"):
            yield ringing, f"/{name}", value, f"/{name}"
    for value in ("0.3", "1", "2.0", "1.0 "):
        yield ringing, "/specversion", value, "/specversion"
    for value in ("call", "call.ring", "CALL.RINGING", "call.ringing ", "com.example.call"):
        yield ringing, "/type", value, "/type"
    for value in ("yesterday", 1763766635, "2026-11-21", "2026-11-21T23:10:35", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
                  "2026-11-21T25:00:00Z", "2026-11-21T23:10:35+99:00", "", [], {}, True, "9" * 400 + "-01-01T00:00:00Z"):
        yield ringing, "/time", value, "/time"
    for value in ("json", "a/b/c", "/", 7, "text/\u00e4"):
        yield ringing, "/datacontenttype", value, "/datacontenttype"
    yield ringing, "/dataschema", 7, "/dataschema"
    for name in ("Upper", "with-dash", "under_score", "\u00e4"):
        yield ringing, f"/{name}", "x", f"/{name}"
    for value in (1.5, [], {}):
        yield ringing, "/tenant", value, "/tenant"
    for value in ("text", 7, [], True):
        yield ringing, "/data", value, "/data"
    yield ringing, "/data", ABSENT, "/data/from"
    for value in (7, "***", "AAA", base64.b64encode(b"{}").decode()):
        yield ringing, "/data_base64", value, "/data_base64"  # data is there as well
    for value in (ABSENT, None, 7, [], {}, True, LONG, {"name": "Ann"}, {"id": "", "name": "Ann"}):
        yield ringing, "/data/from", value, "/data/from"
    for name in ("phone", "email", "id", "name"):
        for value in (7, [], {}, True, LONG):
            yield ringing, "/data/from", {"phone": "+4915112345678", name: value}, f"/data/from/{name}"
    for make in (ringing, chat, mail):
        for value in (ABSENT, None, "", 7, {}, True, LONG, "nowhere"):
            yield make, "/data/to", value, "/data/to"
    yield ringing, "/data/to", ["+4930901820"], "/data/to"
    yield mail, "/data/to", [], "/data/to"
    yield mail, "/data/to", ["help@demo.example", 7], "/data/to/1"
    for value in ("sideways", 7, [], LONG):
        yield ringing, "/data/direction", value, "/data/direction"
    for value in ("yes", 1, []):
        yield ringing, "/data/privacy", value, "/data/privacy"
    for value in ([], "x", 7, {"a": "x" * 16384}, {str(number): 0 for number in range(4000)}):
        yield ringing, "/data/attributes", value, "/data/attributes"
    for make, name in ((ringing, "agent"), (answered, "agent"), (ended, "cause")):
        for value in (7, [], LONG):
            yield make, f"/data/{name}", value, f"/data/{name}"
    for make in (chat, mail):
        for value in (7, [], "x" * 65537):
            yield make, "/data/text", value, "/data/text"
    for value in (7, [], "x" * 4097):
        yield mail, "/data/subject", value, "/data/subject"
    for name in ("in_reply_to", "references"):
        for value in (7, {}, [7], [None], [LONG], LONG):
            yield mail, f"/data/{name}", value, f"/data/{name}"
    for value in ([], "x", {"A": "x" * 65536}):
        yield mail, "/data/headers", value, "/data/headers"
    for value in (7, [7], {}, None):
        yield mail, "/data/headers", {"Subject": value}, "/data/headers/Subject"


def bad_events():
    """(name, event, expected code, expected pointer)."""
    rows = [(f"{make.__name__} {path} = {'absent' if value is ABSENT else repr(value)[:40]}",
             mutated(make, path, value), "invalid", pointer) for make, path, value, pointer in _rows()]
    for name, payload in (("no JSON", b"{"), ("no map", b"[]"), ("not UTF-8", b'{"from":"\xff"}'), ("nothing", b"")):
        event = mutated(ringing, "/data", ABSENT)
        event["data_base64"] = base64.b64encode(payload).decode()
        rows.append((f"base64 of {name}", event, "invalid", None))
    rows.append(("an event of 2001", ringing(time="2001-01-01T00:00:00Z"), "stale", None))
    return rows


def bad_documents():
    """(name, body): no JSON, or JSON that no event can be."""
    event = json.dumps(ringing(subject="SUBJECT"))
    plain = event.encode()

    def with_subject(raw):
        return plain.replace(b'"SUBJECT"', raw)

    return [
        ("nothing", b""), ("blanks", b" \n "), ("an open brace", b"{"), ("a closing brace", b"}"), ("a list", b"[]"),
        ("null", b"null"), ("a number", b"7"), ("a string", b'"x"'), ("true", b"true"), ("a word", b"event"),
        ("half", plain[:len(plain) // 2]), ("all but a brace", plain[:-1]), ("something behind", plain + b"x"),
        ("two", plain + plain), ("a name twice", plain[:-1] + b', "id": "again"}'),
        ("a name twice, escaped", plain[:-1] + b', "\\u0069d": "again"}'),
        ("a name twice inside", plain.replace(b'"data": {', b'"data": {"to": "x", ')),
        ("a name that is no string", b"{1: 2}"), ("single quotes", plain.replace(b'"', b"'")),
        ("a comma behind the last", plain[:-1] + b",}"), ("a comment", b"/* call */" + plain),
        ("a byte order mark", b"\xef\xbb\xbf" + plain), ("UTF-16", event.encode("utf-16")),
        ("a NUL behind", plain + b"\0"), ("a NUL in front", b"\0" + plain),
        ("bad UTF-8", with_subject(b'"\xff\xfe"')), ("half a character", with_subject(b'"\xe2\x82"')),
        ("an overlong slash", with_subject(b'"\xc0\xaf"')), ("a surrogate in UTF-8", with_subject(b'"\xed\xa0\x80"')),
        ("a lone surrogate", with_subject(rb'"\ud800"')), ("surrogates in the wrong order", with_subject(rb'"\udc00\ud800"')),
        ("an escaped NUL", with_subject(rb'"a\u0000b"')), ("an unknown escape", with_subject(rb'"\x41"')),
        ("a raw line feed in text", with_subject(b'"a\nb"')), ("text without its end", with_subject(b'"abc')),
        ("NaN", with_subject(b"NaN")), ("Infinity", with_subject(b"-Infinity")), ("a hexadecimal number", with_subject(b"0x10")),
        ("a leading zero", with_subject(b"007")), ("a plus", with_subject(b"+7")), ("a number beyond all", with_subject(b"1e999")),
        ("400 digits", with_subject(b"9" * 400)), ("33 levels", with_subject(json.dumps(deep(33)).encode())),
        ("100,000 open lists", with_subject(b"[" * 100_000)), ("100,000 open maps", b'{"a":' * 100_000),
        ("200,001 values", with_subject(b"[" + b"0," * 200_000 + b"0]")),
    ]
