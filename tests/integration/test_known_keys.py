"""The filter of known events: what is new is not looked up, what is not new is answered as before."""
import re
import urllib.request

from harness.http_client import cloudevent, ringing
from harness.process import wait_for


def looked_up(router):
    with urllib.request.urlopen(f"http://{router.http}/metrics", timeout=5) as answer:
        return int(re.search(rb"^patchbay_events_looked_up_total (\d+)$", answer.read(), re.M)[1])


def test_new_events_are_not_looked_up_and_repeats_are(router):
    source = router.source()
    # Loading ends a moment after the start; what came before was looked up.
    wait_for(lambda: "keys of the idempotency window are known" in router.log(), "the keys to be loaded")
    before = looked_up(router)
    events = [ringing(f"+4915112{n:06}") for n in range(50)]
    answers = [source.event(event) for event in events]
    assert all(answer.status == 200 for answer in answers)
    assert looked_up(router) == before
    again = [source.event(event) for event in events]
    assert [answer.bytes for answer in again] == [answer.bytes for answer in answers]
    assert looked_up(router) == before + 50


def test_what_was_decided_before_a_restart_is_known_after_it(router):
    source = router.source()
    events = [ringing(f"+4915113{n:06}") for n in range(30)]
    answers = [source.event(event) for event in events]
    ended = cloudevent("call.ended", subject="ended-before", data={"cause": "normal"})
    first_end = source.event(ended)
    assert first_end.status == 200
    router.restart()
    wait_for(lambda: router.log().count("keys of the idempotency window are known") == 2, "the keys to be loaded")
    again = [source.event(event) for event in events]
    assert [answer.bytes for answer in again] == [answer.bytes for answer in answers]
    # Its end was here before the restart: a beginning that comes now makes no offer.
    late = source.event(ringing("+4915114000000", subject="ended-before"))
    assert late.json["interaction"] == first_end.json["interaction"], late
    assert late.json["outcome"] not in ("offered", "queued")


def test_more_events_than_a_page_are_known_after_a_restart(router):
    source = router.source()
    events = [cloudevent("call.ended", subject=f"paged-{n}", data={"cause": "normal"}) for n in range(2500)]
    answers = [item for start in (0, 1000, 2000) for item in source.batch(events[start:start + 1000]).json]
    assert len(answers) == 2500
    router.restart()
    wait_for(lambda: router.log().count("keys of the idempotency window are known") == 2, "the keys to be loaded")
    for n in (0, 1, 499, 500, 999, 1000, 1499, 1500, 2498, 2499):
        again = source.event(events[n])
        assert again.json == answers[n] and again.headers["Patchbay-Duplicate"] == "true"
    assert looked_up(router) == 10
    for n in range(100):
        assert source.event(ringing(f"+4915115{n:06}")).status == 200
    assert looked_up(router) <= 12  # the filter errs once in a thousand
