"""Each row of the contract's table of customers, asked for once: the answer is as docs/openapi.json describes it, member by member."""
from harness.http_client import mail, ringing
from harness.openapi import answer_schema, faults
from harness.projects import project

AGENTS = {"anna": "{queues: [support, mail], department: sales}", "ben": "{queues: [chat], department: sales}"}
MORE = "datasheets: {survey: {fields: {note: {type: text}}}}\ntags: {status: [vip]}\n"
NUMBER = "+4915112345678"


class Asker:
    """Asks, and keeps what of the answers is not as described."""

    def __init__(self, clients):
        self.clients, self.found, self.asked = clients, [], set()

    def __call__(self, who, verb, path, body=None, status=200, query="", **names):
        answer = self.clients[who].request(verb, path.format(**names) + query, body)
        assert answer.status == status, f"{verb} {path}: {answer}"
        self.asked.add((verb, path))
        self.found += [f"{verb} {path} {fault}" for fault in faults(answer_schema(verb, path, status), answer.json)]
        return answer.json


def test_answers_are_as_they_are_described(make_router):
    router = make_router(project(AGENTS) + MORE).start()
    ask = Asker({"anna": router.agent("anna"), "ben": router.agent("ben"), "admin": router.client()})
    whole = {"name": "Ann", "real_name": "Anne", "company": "Demo", "external_id": "e1", "source": "fair", "owner": "anna", "service_rep": "ben",
             "tags": ["vip"], "fields": {"level": 3}, "contacts": [{"label": "work", "phone": NUMBER, "email": "ann@example.com"}]}
    one = ask("anna", "POST", "customers", whole, 201)["id"]
    two = ask("admin", "POST", "customers", {"contacts": [{"phone": NUMBER}]}, 201)["id"]
    ask("anna", "GET", "customers/{customer}", customer=one)
    for verb in ("PATCH", "PUT"):
        ask("anna", verb, "customers/{customer}", {"company": verb}, customer=one)
    ask("anna", "GET", "customers", query="?limit=1&keyword=ann")
    ask("admin", "POST", "customers/search", {"fields": [{"field": "level", "op": "ge", "value": 2}], "limit": 1})
    ask("anna", "PUT", "customers/columns", {"columns": ["name", "fields.level", "last_activity"]})
    ask("anna", "GET", "customers/columns")
    ask("anna", "GET", "customers", query="?columns=all")
    ask("anna", "POST", "customers/{customer}/contacts", {"email": "a@example.com"}, 201, customer=one)
    ask("anna", "PATCH", "customers/{customer}/contacts/{position}", {"label": "x"}, customer=one, position=1)
    ask("anna", "DELETE", "customers/{customer}/contacts/{position}", customer=one, position=1)
    for what in ("unfollow", "follow", "read"):
        ask("anna", "POST", f"customers/{{customer}}/{what}", customer=one)
    ask("anna", "GET", "customers/mine")
    ask("anna", "GET", "customers/mine/next")
    ask("anna", "GET", "customers/mine/previous", query=f"?from={one}")
    ask("anna", "POST", "customers/{customer}/tags", {"mode": "add", "tags": ["new"]}, customer=one)
    ask("anna", "POST", "customers/batch/tags", {"customers": [one, two], "mode": "remove", "tags": ["new"]})
    ask("anna", "GET", "tags")
    ask("anna", "POST", "customers/{customer}/share", {"agents": ["ben"]}, customer=one)
    ask("anna", "GET", "customers/{customer}/shares", customer=one)
    ask("anna", "POST", "customers/batch/share", {"customers": [one, two], "departments": ["sales"]})
    ask("anna", "POST", "customers/batch/cancel_share", {"customers": [one], "all": True})
    ask("admin", "GET", "customers/duplicates")

    pool = ask("admin", "POST", "pools", {"name": "north", "cap": 5, "reclaim_days": 9, "remind_days": 2}, 201)["id"]
    ask("admin", "PUT", "pools/{pool}/members/{agent}", {"is_admin": True}, pool=pool, agent="ben")
    ask("admin", "PATCH", "pools/{pool}", {"cool_down": 0}, pool=pool)
    for path in ("pools", "pools/{pool}"):
        ask("anna", "GET", path, pool=pool)
    ask("anna", "POST", "customers/{customer}/return", {"pool": pool, "reason": "moved"}, customer=one)
    ask("ben", "POST", "customers/{customer}/pick_up", customer=one)
    ask("admin", "POST", "customers/batch/return", {"customers": [one, two], "pool": pool, "reason": "moved"})
    other = ask("admin", "POST", "pools", {"name": "south"}, 201)["id"]
    ask("admin", "POST", "customers/batch/regroup", {"customers": [one, two], "pool": other})
    ask("admin", "POST", "customers/{customer}/assign", {"agents": ["anna"]}, customer=one)
    ask("admin", "POST", "customers/batch/assign", {"customers": [one, two], "departments": ["sales"]})
    ask("anna", "GET", "reminders")
    ask("admin", "DELETE", "pools/{pool}/members/{agent}", pool=pool, agent="ben")
    ask("admin", "DELETE", "pools/{pool}", pool=pool)

    ask("admin", "POST", "customers/{customer}/merge", {"other": two}, customer=one)
    ask("admin", "POST", "customers/{customer}/unmerge", {"other": two}, customer=one)
    block = ask("admin", "POST", "blacklist", {"customer": two, "channels": ["chat"], "reason": "rude"}, 201)["id"]
    ask("admin", "GET", "blacklist")
    ask("admin", "DELETE", "blacklist/{id}", id=block)
    ask("admin", "GET", "customers/{customer}/log", query="?limit=3", customer=one)

    ask("admin", "PATCH", "customers/{customer}", {"owner": "anna"}, customer=one)
    ask("anna", "PUT", "agents/{agent}/presence", {"state": "available", "lease": 0}, agent="anna")
    known = router.source().event(ringing(NUMBER)).json
    screen = ask("anna", "POST", "offers/{offer}/accept", offer=known["offer"])
    assert (screen["screen"], screen["open"]["candidates"]) == ("script", known["identity"]["candidates"])
    letter = router.source().event(mail("new@example.com")).json["interaction"]
    call = known["interaction"]
    for path in ("interactions", "interactions/{interaction}"):
        ask("anna", "GET", path, interaction=call)
        ask("ben", "GET", path, interaction=letter)
    ask("anna", "POST", "interactions/{interaction}/customer", {"customer": one}, interaction=call)
    ask("anna", "POST", "interactions/{interaction}/customer", {"create": {"name": "Bob"}}, 201, interaction=call)
    ask("anna", "GET", "forms")
    ask("anna", "PUT", "interactions/{interaction}/datasheet/{name}", {"fields": {"note": "x"}}, interaction=call, name="survey")
    ask("anna", "GET", "interactions/{interaction}/datasheet/{name}", interaction=call, name="survey")
    for what in ("mute", "unmute"):
        ask("anna", "POST", f"interactions/{{interaction}}/{what}", interaction=call)
    ask("anna", "POST", "interactions/{interaction}/end", interaction=call)
    ask("admin", "POST", "customers/batch/delete", {"customers": [two]})
    ask("admin", "POST", "customers/{customer}/erase", customer=two)
    ask("admin", "DELETE", "customers/{customer}", customer=one)
    assert not ask.found, "\n".join(sorted(set(ask.found)))
    assert len(ask.asked) > 50
