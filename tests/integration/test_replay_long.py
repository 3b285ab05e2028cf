"""A hundred thousand journaled inputs, with restarts and reloads among them, give the same bytes again: to the build that made
them and to a release."""
import os
import pathlib
import random

from harness.http_client import chat, cloudevent, mail, ringing
from harness.process import run
from harness.projects import AGENTS, project
from harness.router import BINARY

RELEASE = pathlib.Path(os.environ.get("PATCHBAY_RELEASE", pathlib.Path(__file__).resolve().parents[2] / "build/release/patchbay"))
INPUTS = 100_000
BATCH = 1000
RULES = '''rules:
  - {name: many, when: "queues.support.waiting > 50", queue: support, priority: 2}
  - {name: returning, when: "customer.known && channel == 'call'", queue: support, priority: 5}
  - {name: rest, when: "true", queue: endpoint}
'''


def file(rules=True, **more):
    text = project({**AGENTS, **{f"a{n}": "{queues: [support, chat, mail], capacity: {call: 1, chat: 3, email: 2}}" for n in range(20)}}, **more)
    return text[:text.index("rules:")] + RULES if rules else text


class Traffic:
    def __init__(self, seed):
        self.dice, self.open = random.Random(seed), []

    def event(self):
        kind, dice = self.dice.randrange(20), self.dice
        if kind < 9 and self.open:
            return cloudevent("call.ended" if kind < 7 else "chat.ended", self.open.pop(dice.randrange(len(self.open))))
        event = (ringing(f"+491511{dice.randrange(3000):07}") if kind < 15 else
                 chat(f"v{dice.randrange(2000)}") if kind < 18 else mail(f"w{dice.randrange(2000)}@example.org"))
        if kind < 18:
            self.open.append(event["subject"])
        return event

    def batch(self, router):
        """A batch of events, then what agents do with some of what they were offered."""
        answers = router.source().batch([self.event() for _ in range(BATCH)])
        assert answers.status == 200, answers
        offers = [(answer["agent"], answer["offer"]) for answer in answers.json if answer.get("offer")]
        for agent, offer in self.dice.sample(offers, min(5, len(offers))):
            router.agent(agent).post(f"offers/{offer}/{self.dice.choice(['accept', 'accept', 'reject'])}", {})

    def until(self, router, tables, seq):
        for agent in [*AGENTS, *(f"a{n}" for n in range(20))]:
            router.client("supervisor").put(f"agents/{agent}/presence", {"state": "available", "lease": 0})
        while tables.one("SELECT journal_seq FROM fences") < seq:
            self.batch(router)


def test_a_hundred_thousand_inputs_three_restarts_and_two_reloads_replay_byte_for_byte(make_router, database, tables):
    assert RELEASE.exists(), f"there is no {RELEASE}: ninja -C build/release patchbay"
    router, traffic = make_router(file(offer_timeout="3s")), Traffic(1)
    router.expect_log("decisions wait for Redis")  # it is asked for more than it takes
    router.start()
    parts = iter(range(INPUTS // 6, INPUTS + 6, INPUTS // 6))
    traffic.until(router, tables, next(parts))
    router.restart()
    traffic.until(router, tables, next(parts))
    for text in (file(rules=False), file(offer_timeout="2s", wrap_up="1s")):
        put = router.client("admin").request("PUT", "config", text.encode(), {"Content-Type": "application/yaml"})
        assert put.status == 200, put
        traffic.until(router, tables, next(parts))
    router.kill()
    router.start()
    traffic.until(router, tables, next(parts))
    router.restart()
    traffic.until(router, tables, INPUTS)
    router.stop()
    last = tables.one("SELECT journal_seq FROM fences")
    assert last >= INPUTS and tables.one("SELECT count(*) FROM journal WHERE kind = 7") == 2
    for binary in (BINARY, RELEASE):
        done = run([binary, "replay", "--database", database.url], check=False)
        assert (done.returncode, done.stdout) == (0, f"{last} decisions, 1 to {last}: equal byte for byte\n"), (binary, done.stderr)
