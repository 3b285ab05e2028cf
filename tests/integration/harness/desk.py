"""A router and all that it tells, in the words that stories about routing use."""


class Desk:
    """A router, a subscriber to everything, and the words that the tests use."""

    def __init__(self, router, redis):
        self.router, self.told = router, redis.subscribe(router.channel("all"))
        self.admin, self.source = router.client(), router.source()

    def event(self, event):
        answer = self.source.event(event)
        assert answer.status == 200, answer
        return answer.json

    def accept(self, decision, agent=None):
        return self.router.agent(agent or decision["agent"]).post(f"offers/{decision['offer']}/accept")

    def reject(self, decision, cause):
        return self.router.agent(decision["agent"]).ok("POST", f"offers/{decision['offer']}/reject", {"cause": cause})

    def interaction(self, decision):
        return self.admin.ok("GET", f"interactions/{decision['interaction']}")

    def state(self, decision):
        return self.interaction(decision)["state"]

    def agent(self, name):
        return next(one for one in self.admin.ok("GET", "agents")["items"] if one["name"] == name)

    def wait(self, kind, decision, **more):
        return self.told.wait_event(kind, decision["interaction"], **more)

    def history(self, decision):
        """(type, agent, cause) of all that was told of it."""
        return [(event["type"].split(".")[1], event["data"].get("agent"), event["data"].get("cause"))
                for event in self.told.events if event.get("subject") == decision["interaction"]]

    def counts(self, decision, kind):
        return sum(event["type"] == kind for event in self.told.events if event.get("subject") == decision["interaction"])
