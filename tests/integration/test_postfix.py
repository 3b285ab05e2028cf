"""A real Postfix delivers over LMTP: accepted, deferred while the database is away, bounced; each exactly once."""
import os

import pytest

from harness.lmtp_client import message
from harness.postfix import Postfix
from harness.process import wait_for

HELP, NOBODY = "help@demo.example", "nobody@demo.example"
DELIVERY_S = 90


@pytest.fixture
def make_postfix(scratch, tmp_path):
    if os.getuid() != 0:
        pytest.skip("Postfix's master runs as root only")
    made = []

    def make(router):
        made.append(Postfix(scratch / f"postfix-{tmp_path.name}", router.lmtp))
        return made[-1]

    yield make
    for postfix in made:
        postfix.stop()


def open_interactions(router):
    return router.client().ok("GET", "interactions?state=open")["items"]


def delivered(postfix, status, recipient, count=1):
    wait_for(lambda: postfix.count(status, recipient) >= count, lambda: f"{count} {status}; log: {postfix.log()}", DELIVERY_S)
    assert postfix.count(status, recipient) == count


def test_postfix_delivers_and_an_unknown_recipient_bounces(make_router, make_postfix):
    router = make_router().start()
    postfix = make_postfix(router)
    postfix.send(message(1, text="Gr\u00fc\u00dfe\r\n.\r\n..two dots"), [HELP, NOBODY])
    delivered(postfix, "sent", HELP)
    delivered(postfix, "bounced", NOBODY)
    [interaction] = open_interactions(router)
    assert interaction["channel"] == "email" and interaction["from"]["email"] == "ann@customer.example"
    assert router.metric("patchbay_mails_total", outcome="accepted") == 1
    assert "5.1.1" in postfix.log_path.read_text()


def test_postfix_retries_while_the_database_is_away_and_delivers_once(make_router, make_postfix, make_proxy, postgres):
    proxy = make_proxy(postgres.port)
    router = make_router(database_port=proxy.port, flags=["--storage-wait", "200ms"]).start()
    router.expect_log("database|owner|lease")
    postfix = make_postfix(router)
    proxy.refuse()
    proxy.drop_all()
    postfix.send(message(1), [HELP])
    wait_for(lambda: postfix.count("deferred", HELP), lambda: f"it is deferred; log: {postfix.log()}", DELIVERY_S)
    proxy.heal()
    router.wait_ready()
    delivered(postfix, "sent", HELP)
    assert len(open_interactions(router)) == 1
    assert postfix.count("bounced", HELP) == 0
