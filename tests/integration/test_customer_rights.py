"""Every operation on customers by every role, each cell as declared. Whoever adds a row to the route table (server/operations.c)
adds how it is asked for to ASKS and a row, or several, to TABLE."""
import itertools
import pathlib
import re
import uuid

import pytest

from harness.http_client import HttpClient, ringing
from harness.process import wait_for
from harness.projects import project
from harness.router import admin

# Who asks. `olga` owns the customer, or owned it until she returned it to the pool; nobody but admins is more than one of these.
ROLES = {
    "owner": ("agent", "olga"), "service rep": ("agent", "rick"), "superior": ("agent", "sam"), "superior's superior": ("agent", "tina"),
    "shared": ("agent", "shary"), "pool member": ("agent", "mia"), "other agent": ("agent", "otto"),
    "supervisor": ("supervisor", "sue"), "pool admin": ("pool_admin", "paul"), "admin": ("admin", None), "other project": ("admin", None),
}
AGENTS = {name: "{queues: [support]}" for name in ("rick", "tina", "shary", "mia", "otto", "sue", "paul")}
AGENTS |= {"sam": "{queues: [support], reports_to: tina}", "olga": "{queues: [support], reports_to: sam, department: sales}"}

DATASHEETS = "datasheets: {survey: {fields: {note: {type: text}}}}\n"
ROUTES = pathlib.Path(__file__).resolve().parents[2] / "server/operations.c"
ABOUT_CUSTOMERS = re.compile(r"(customers|interactions|tags|imports|reminders|pools|blacklist)(/|$)")
# Of interactions: what is done with work, whoever it is about.
ABOUT_WORK = {"interaction.end", "interaction.transfer", "interaction.assign", "interaction.pull", "interaction.why"}
CSV = {"Content-Type": "text/csv"}

# How an operation is asked for: (client, customer, scene) to the status. The name is that of MessagePack-RPC, or method and path;
# what follows a colon tells two ways to ask for one operation apart.
ASKS = {
    "customer.create": lambda client, customer, scene: client.post("customers", {"name": "another"}).status,
    "customer.get": lambda client, customer, scene: client.get(f"customers/{customer}").status,
    "customer.edit": lambda client, customer, scene: client.request("PATCH", f"customers/{customer}", {"company": "Demo"}).status,
    # 404: the list is given, and the customer is not in it
    "customer.list": lambda client, customer, scene: scene.status_in_list(client, customer),
    "customer.search": lambda client, customer, scene: 200 if customer in [item["id"] for item in client.ok(
        "POST", "customers/search", {"stage": "follow_up", "sort": "name", "limit": 1000})["items"]] else 404,
    "customer.tag": lambda client, customer, scene: client.post(f"customers/{customer}/tags", {"mode": "add", "tags": ["vip"]}).status,
    "customer.batch_tag": lambda client, customer, scene: scene.status_of_item(
        client, customer, "customers/batch/tags", {"mode": "add", "tags": ["vip"]}),
    # 403 for whoever may view it but is no agent
    "customer.follow": lambda client, customer, scene: client.post(f"customers/{customer}/follow").status,
    "customer.unfollow": lambda client, customer, scene: client.post(f"customers/{customer}/unfollow").status,
    "customer.read": lambda client, customer, scene: client.post(f"customers/{customer}/read").status,
    "customer.log": lambda client, customer, scene: client.get(f"customers/{customer}/log").status,
    "customer.assign": lambda client, customer, scene: client.post(f"customers/{customer}/assign", {"agents": ["otto"]}).status,
    "customer.batch_assign": lambda client, customer, scene: scene.status_of_item(
        client, customer, "customers/batch/assign", {"agents": ["otto"]}),
    "customer.return": lambda client, customer, scene: client.post(
        f"customers/{customer}/return", {"pool": scene.pool, "reason": "no answer"}).status,
    "customer.pick_up": lambda client, customer, scene: client.post(f"customers/{customer}/pick_up").status,
    "customer.add_contact": lambda client, customer, scene: client.post(f"customers/{customer}/contacts", {"phone": "1234"}).status,
    "customer.edit_contact": lambda client, customer, scene: client.request("PATCH", scene.contact(customer), {"label": "x"}).status,
    "customer.remove_contact": lambda client, customer, scene: client.delete(scene.contact(customer)).status,
    "customer.share": lambda client, customer, scene: client.post(f"customers/{customer}/share", {"agents": ["olga"]}).status,
    "customer.shares": lambda client, customer, scene: client.get(f"customers/{customer}/shares").status,
    "customer.batch_share": lambda client, customer, scene: scene.status_of_item(
        client, customer, "customers/batch/share", {"roles": ["admin"]}),
    "customer.batch_cancel_share": lambda client, customer, scene: scene.status_of_item(
        client, customer, "customers/batch/cancel_share", {"all": True}),
    "customer.batch_regroup": lambda client, customer, scene: scene.status_of_item(
        client, customer, "customers/batch/regroup", {"pool": scene.other_pool}),
    "customer.delete": lambda client, customer, scene: client.delete(f"customers/{customer}").status,
    "customer.batch_delete": lambda client, customer, scene: scene.status_of_item(client, customer, "customers/batch/delete", {}),
    "PUT customers/{customer}": lambda client, customer, scene: client.put(f"customers/{customer}", {"company": "Demo"}).status,
    "customer.batch_return": lambda client, customer, scene: scene.status_of_item(
        client, customer, "customers/batch/return", {"pool": scene.pool, "reason": "no answer"}),
    "customer.columns": lambda client, customer, scene: client.get("customers/columns").status,
    "customer.set_columns": lambda client, customer, scene: client.put("customers/columns", {"columns": []}).status,
    # 404: the list is given, and the customer is not in it
    "customer.mine": lambda client, customer, scene: scene.status_in(client, "customers/mine?limit=1000", customer),
    "customer.next": lambda client, customer, scene: client.get(f"customers/mine/next?from={customer}").status,
    "customer.previous": lambda client, customer, scene: client.get(f"customers/mine/previous?from={customer}").status,
    "customer.duplicates": lambda client, customer, scene: scene.status_in(client, "customers/duplicates?limit=1000", customer),
    "customer.merge": lambda client, customer, scene: client.post(
        f"customers/{customer}/merge", {"other": scene.twins.get(customer, str(uuid.uuid4()))}).status,
    "customer.unmerge": lambda client, customer, scene: client.post(
        f"customers/{customer}/unmerge", {"other": scene.twins.get(customer, str(uuid.uuid4()))}).status,
    "POST customers/import": lambda client, customer, scene: client.post(
        "customers/import?dry_run=true", b"external_id,name\r\nx,X\r\n", headers=CSV).status,
    "GET customers/export": lambda client, customer, scene: client.get("customers/export?stage=new").status,
    "GET customers/export: whom": lambda client, customer, scene: scene.status_in(client, "customers/export", customer),
    "POST customers/import: whom": lambda client, customer, scene: scene.status_of_row(client, customer),
    "import.list": lambda client, customer, scene: client.get("imports").status,
    "import.get": lambda client, customer, scene: client.get(f"imports/{scene.imported()}").status,
    "GET imports/{import}/errors": lambda client, customer, scene: client.get(f"imports/{scene.imported()}/errors").status,
    "tag.list": lambda client, customer, scene: client.get("tags").status,
    "reminder.list": lambda client, customer, scene: client.get("reminders").status,
    "pool.create": lambda client, customer, scene: client.post("pools", {"name": uuid.uuid4().hex}).status,
    "pool.list": lambda client, customer, scene: client.get("pools").status,
    "pool.get": lambda client, customer, scene: client.get(f"pools/{scene.pool}").status,
    "pool.edit": lambda client, customer, scene: client.request("PATCH", f"pools/{scene.pool}", {"cool_down": 0}).status,
    "pool.delete": lambda client, customer, scene: client.delete(f"pools/{scene.empty_pool()}").status,
    "pool.put_member": lambda client, customer, scene: client.put(f"pools/{scene.pool}/members/tina", {}).status,
    "pool.remove_member": lambda client, customer, scene: client.delete(f"pools/{scene.empty_pool()}/members/mia").status,
    "blacklist.add": lambda client, customer, scene: client.post("blacklist", {"customer": customer, "channels": ["chat"]}).status,
    "blacklist.list": lambda client, customer, scene: client.get("blacklist").status,
    "blacklist.lift": lambda client, customer, scene: client.delete(f"blacklist/{scene.block()}").status,
    # 404: it is given without whom it is about
    "interaction.get": lambda client, customer, scene: scene.status_of_party(
        client.get(f"interactions/{scene.interactions.get(customer)}"), lambda view: view),
    "interaction.list": lambda client, customer, scene: scene.status_of_party(
        client.get("interactions?state=open&limit=1000"), lambda view: next(
            (item for item in view["items"] if item["id"] == scene.interactions.get(customer)), None)),
    "interaction.customer": lambda client, customer, scene: scene.about(client, customer, "POST", "customer", {"customer": customer}),
    "interaction.customer: create": lambda client, customer, scene: scene.about(
        client, customer, "POST", "customer", {"create": {"name": "somebody"}}),
    "interaction.mute": lambda client, customer, scene: scene.about(client, customer, "POST", "mute", {}),
    "interaction.unmute": lambda client, customer, scene: scene.about(client, customer, "POST", "unmute", {}),
    "interaction.fill_datasheet": lambda client, customer, scene: scene.about(
        client, customer, "PUT", "datasheet/survey", {"fields": {"note": "x"}}),
    "interaction.datasheet": lambda client, customer, scene: scene.about(client, customer, "GET", "datasheet/survey"),
    "interaction.reply": lambda client, customer, scene: scene.about(client, customer, "GET", "reply"),
    "interaction.mails": lambda client, customer, scene: scene.about(client, customer, "GET", "mails"),
    "GET interactions/{interaction}/mails/{mail}": lambda client, customer, scene: scene.about(
        client, customer, "GET", f"mails/{scene.kept_mail(customer)}"),
    "customer.erase": lambda client, customer, scene: client.post(f"customers/{customer}/erase").status,
}

# These are asked of no customer in particular.
OF_NOBODY = {"customer.create", "customer.columns", "customer.set_columns", "POST customers/import", "GET customers/export", "tag.list",
             "reminder.list", "blacklist.list", "blacklist.lift"}
OF_NOBODY |= {name for name in ASKS if name.split(".")[0] in ("pool", "import") or name.startswith("GET imports")}

# Asking these changes nothing.
READS = {"customer.get", "customer.list", "customer.search", "customer.log", "customer.shares", "customer.mine", "customer.next", "customer.previous",
         "customer.duplicates", "customer.read", "GET customers/export: whom", "interaction.get", "interaction.list", "interaction.datasheet", "interaction.mails",
         "interaction.reply", "GET interactions/{interaction}/mails/{mail}", *OF_NOBODY}
# What is asked, of a customer in which state, and the status for each of ROLES in their order.
TABLE = [
    #                                            owner rep  sup  top  shrd memb othr spvr padm adm  stranger
    ("customer.create",               "owned",   "201  201  201  201  201  201  201  201  201  201  201"),
    ("customer.get",                  "owned",   "200  200  200  200  200  404  404  404  404  200  404"),
    ("customer.get",                  "pooled",  "404  200  404  404  200  200  404  200  200  200  404"),
    ("customer.get",                  "new",     "404  200  404  404  200  404  404  200  200  200  404"),
    ("customer.get",                  "held",    "200  200  200  200  200  404  404  404  200  200  404"),
    ("customer.get",                  "spoken",  "200  200  200  200  200  404  200  404  404  200  404"),
    ("customer.get",                  "deleted", "404  404  404  404  404  404  404  404  404  404  404"),
    ("customer.edit",                 "owned",   "200  200  200  403  403  404  404  404  404  200  404"),
    ("customer.edit",                 "pooled",  "404  200  404  404  403  403  404  403  403  200  404"),
    ("customer.edit",                 "new",     "404  200  404  404  403  404  404  403  403  200  404"),
    ("customer.edit",                 "held",    "200  200  200  403  403  404  404  404  403  200  404"),
    ("customer.edit",                 "spoken",  "200  200  200  403  403  404  403  404  404  200  404"),
    ("customer.list",                 "owned",   "200  200  200  200  200  404  404  404  404  200  404"),
    ("customer.list",                 "pooled",  "404  200  404  404  200  200  404  200  200  200  404"),
    ("customer.search",               "owned",   "200  200  200  200  200  404  404  404  404  200  404"),
    ("customer.search",               "pooled",  "404  404  404  404  404  404  404  404  404  404  404"),
    ("customer.tag",                  "owned",   "200  200  200  403  403  404  404  404  404  200  404"),
    ("customer.tag",                  "pooled",  "404  200  404  404  403  403  404  403  403  200  404"),
    ("customer.tag",                  "new",     "404  200  404  404  403  404  404  403  403  200  404"),
    ("customer.batch_tag",            "owned",   "200  200  200  403  403  404  404  404  404  200  404"),
    ("customer.batch_tag",            "pooled",  "404  200  404  404  403  403  404  403  403  200  404"),
    ("customer.follow",               "owned",   "200  200  200  200  200  404  404  404  404  403  404"),
    ("customer.follow",               "pooled",  "404  200  404  404  200  200  404  200  200  403  404"),
    ("customer.unfollow",             "new",     "404  200  404  404  200  404  404  200  200  403  404"),
    ("customer.read",                 "owned",   "200  200  200  200  200  404  404  404  404  403  404"),
    ("customer.log",                  "owned",   "200  200  200  200  200  404  404  404  404  200  404"),
    ("customer.log",                  "pooled",  "404  200  404  404  200  200  404  200  200  200  404"),
    ("customer.log",                  "new",     "404  200  404  404  200  404  404  200  200  200  404"),
    ("customer.assign",               "owned",   "200  200  200  403  403  404  404  404  404  200  404"),
    ("customer.assign",               "pooled",  "404  403  404  404  403  403  404  200  200  200  404"),
    ("customer.assign",               "new",     "404  200  404  404  403  404  404  200  200  200  404"),
    ("customer.assign",               "held",    "200  200  200  403  403  404  404  404  200  200  404"),
    ("customer.batch_assign",         "owned",   "200  200  200  403  403  404  404  404  404  200  404"),
    ("customer.batch_assign",         "pooled",  "404  403  404  404  403  403  404  200  200  200  404"),
    ("customer.return",               "owned",   "200  403  403  403  403  404  404  404  404  200  404"),
    ("customer.return",               "new",     "404  200  404  404  403  404  404  200  200  200  404"),
    ("customer.return",               "held",    "200  403  403  403  403  404  404  404  200  200  404"),
    ("customer.return",               "pooled",  "404  409  404  404  409  409  404  409  409  409  404"),
    ("customer.pick_up",              "owned",   "409  409  409  409  409  404  404  404  404  409  404"),
    ("customer.pick_up",              "pooled",  "404  403  404  404  403  200  404  403  200  403  404"),
    ("customer.pick_up",              "held",    "409  409  409  409  409  409  404  404  409  409  404"),
    ("customer.add_contact",          "owned",   "201  201  201  403  403  404  404  404  404  201  404"),
    ("customer.add_contact",          "pooled",  "404  201  404  404  403  403  404  403  403  201  404"),
    ("customer.edit_contact",         "owned",   "200  200  200  403  403  404  404  404  404  200  404"),
    ("customer.edit_contact",         "pooled",  "404  200  404  404  403  403  404  403  403  200  404"),
    ("customer.remove_contact",       "owned",   "200  200  200  403  403  404  404  404  404  200  404"),
    ("customer.remove_contact",       "pooled",  "404  200  404  404  403  403  404  403  403  200  404"),
    ("customer.share",                "owned",   "200  200  200  403  403  404  404  404  404  200  404"),
    ("customer.share",                "pooled",  "404  200  404  404  403  403  404  403  403  200  404"),
    ("customer.share",                "new",     "404  200  404  404  403  404  404  403  403  200  404"),
    ("customer.shares",               "owned",   "200  200  200  200  200  404  404  404  404  200  404"),
    ("customer.shares",               "pooled",  "404  200  404  404  200  200  404  200  200  200  404"),
    ("customer.batch_share",          "owned",   "200  200  200  403  403  404  404  404  404  200  404"),
    ("customer.batch_share",          "pooled",  "404  200  404  404  403  403  404  403  403  200  404"),
    ("customer.batch_cancel_share",   "owned",   "200  200  200  403  403  404  404  404  404  200  404"),
    ("customer.batch_cancel_share",   "pooled",  "404  200  404  404  403  403  404  403  403  200  404"),
    ("customer.batch_regroup",        "pooled",  "403  403  403  403  403  403  403  403  200  200  404"),
    ("customer.delete",               "owned",   "403  403  403  403  403  404  404  404  404  200  404"),
    ("customer.delete",               "pooled",  "404  403  404  404  403  403  404  403  403  200  404"),
    ("customer.batch_delete",         "owned",   "403  403  403  403  403  404  404  404  404  200  404"),
    ("customer.batch_delete",         "pooled",  "404  403  404  404  403  403  404  403  403  200  404"),
    ("customer.erase",                "owned",   "403  403  403  403  403  404  404  404  404  200  404"),
    ("customer.erase",                "deleted", "404  404  404  404  404  404  404  404  404  200  404"),
    ("PUT customers/{customer}",      "owned",   "200  200  200  403  403  404  404  404  404  200  404"),
    ("customer.log",                  "deleted", "404  404  404  404  404  404  404  404  404  200  404"),
    ("customer.batch_return",         "owned",   "200  403  403  403  403  404  404  404  404  200  404"),
    ("customer.batch_return",         "new",     "404  200  404  404  403  404  404  200  200  200  404"),
    ("customer.batch_return",         "held",    "200  403  403  403  403  404  404  404  200  200  404"),
    ("customer.batch_return",         "pooled",  "404  409  404  404  409  409  404  409  409  409  404"),
    ("customer.columns",              "owned",   "200  200  200  200  200  200  200  200  200  200  200"),
    ("customer.set_columns",          "owned",   "200  200  200  200  200  200  200  200  200  200  200"),
    ("customer.mine",                 "owned",   "200  200  404  404  404  404  404  404  404  404  404"),
    ("customer.next",                 "owned",   "200  200  404  404  404  404  404  404  404  404  404"),
    ("customer.previous",             "owned",   "200  200  404  404  404  404  404  404  404  404  404"),
    ("customer.duplicates",           "twinned", "200  200  200  200  200  404  404  404  404  200  404"),
    ("customer.merge",                "twinned", "200  200  200  403  403  404  404  404  404  200  404"),
    ("customer.unmerge",              "merged",  "200  200  200  403  404  404  404  404  404  200  404"),
    ("POST customers/import",         "owned",   "403  403  403  403  403  403  403  200  403  200  200"),
    ("GET customers/export",          "owned",   "403  403  403  403  403  403  403  200  403  200  200"),
    ("GET customers/export: whom",    "owned",   "403  403  403  403  403  403  403  404  403  200  404"),
    ("GET customers/export: whom",    "pooled",  "403  403  403  403  403  403  403  200  403  200  404"),
    ("POST customers/import: whom",   "owned",   "403  403  403  403  403  403  403  404  403  200  404"),
    ("POST customers/import: whom",   "pooled",  "403  403  403  403  403  403  403  404  403  200  404"),
    ("import.list",                   "owned",   "403  403  403  403  403  403  403  200  403  200  200"),
    ("import.get",                    "owned",   "403  403  403  403  403  403  403  200  403  200  404"),
    ("GET imports/{import}/errors",   "owned",   "403  403  403  403  403  403  403  200  403  200  404"),
    ("tag.list",                      "owned",   "200  200  200  200  200  200  200  200  200  200  200"),
    ("reminder.list",                 "owned",   "200  200  200  200  200  200  200  200  200  200  200"),
    ("pool.create",                   "owned",   "403  403  403  403  403  403  403  403  201  201  201"),
    ("pool.list",                     "owned",   "200  200  200  200  200  200  200  200  200  200  200"),
    ("pool.get",                      "owned",   "200  200  200  200  200  200  200  200  200  200  404"),
    ("pool.edit",                     "owned",   "403  403  403  403  403  403  403  403  200  200  404"),
    ("pool.delete",                   "owned",   "403  403  403  403  403  403  403  403  200  200  404"),
    ("pool.put_member",               "owned",   "403  403  403  403  403  403  403  403  200  200  404"),
    ("pool.remove_member",            "owned",   "403  403  403  403  403  403  403  403  200  200  404"),
    ("blacklist.add",                 "owned",   "403  403  403  403  403  403  403  201  403  201  404"),
    ("blacklist.add",                 "pooled",  "403  403  403  403  403  403  403  201  403  201  404"),
    ("blacklist.list",                "owned",   "403  403  403  403  403  403  403  200  403  200  200"),
    ("blacklist.lift",                "owned",   "403  403  403  403  403  403  403  200  403  200  404"),
    ("interaction.get",               "called",  "200  200  200  200  200  404  404  200  404  200  404"),
    ("interaction.get",               "spoken",  "200  200  200  200  200  404  200  200  404  200  404"),
    ("interaction.list",              "called",  "200  200  200  200  200  404  404  200  404  200  404"),
    ("interaction.list",              "spoken",  "200  200  200  200  200  404  200  200  404  200  404"),
    ("interaction.customer",          "spoken",  "403  403  403  403  403  404  200  404  404  200  404"),
    ("interaction.customer: create",  "spoken",  "403  403  403  403  403  403  201  201  403  201  404"),
    ("interaction.mute",              "spoken",  "200  200  200  200  200  403  200  403  403  403  404"),
    ("interaction.unmute",            "spoken",  "200  200  200  200  200  200  200  200  200  403  404"),
    ("interaction.fill_datasheet",    "spoken",  "403  403  403  403  403  404  200  200  404  200  404"),
    ("interaction.datasheet",         "spoken",  "200  200  200  200  200  404  200  200  404  200  404"),
    ("interaction.mails",             "spoken",  "200  200  200  200  200  404  200  200  404  200  404"),
    ("GET interactions/{interaction}/mails/{mail}",
                                      "spoken",  "200  200  200  200  200  404  200  200  404  200  404"),
    ("interaction.reply",             "spoken",  "400  400  400  400  400  404  400  400  404  400  404"),  # a call
]


class Scene:
    """A project with everybody in it, and customers made to order."""

    def __init__(self, router, database, folder, tables):
        self.router, self.tables = router, tables
        path = folder / "stranger.yaml"
        path.write_text(project(AGENTS).replace("project: demo", "project: other"))
        admin(database.url, "apply", path)
        router.start()
        words = ["token", "create", "--project", "other", "--role", "admin"]
        self.stranger = HttpClient(router.http, admin(database.url, *words).stdout.split()[-1], "other")
        self.admin = router.client()
        self.pool, self.other_pool = (self.admin.ok("POST", "pools", {"name": name, "cool_down": 0}, 201)["id"] for name in "pq")
        for name, is_admin in (("mia", False), ("paul", True)):
            self.admin.ok("PUT", f"pools/{self.pool}/members/{name}", {"is_admin": is_admin})
        self.source, self.numbers = router.source(), itertools.count(4930555000)
        self.made, self.twins, self.interactions = {}, {}, {}

    def client(self, role):
        return self.stranger if role == "other project" else self.router.client(*ROLES[role])

    def customer(self, state):
        """One that nobody has changed since it was made (see used())."""
        if state not in self.made:
            self.made[state] = self.make(state)
        return self.made[state]

    def used(self, state):
        self.made.pop(state)

    def make(self, state):
        """owned: olga has it. pooled: she returned it. held: she was given it out of the pool. new: nobody has had it. twinned: there is
        another with its number. merged: and it was merged into this one. called: it waits on the phone. spoken: otto calls it."""
        number = f"+{next(self.numbers)}"
        made = self.one(state, number)
        if state in ("pooled", "held"):
            self.router.agent("olga").ok("POST", f"customers/{made}/return", {"pool": self.pool, "reason": "no answer"})
        if state == "held":
            self.admin.ok("POST", f"customers/{made}/assign", {"agents": ["olga"]})
        if state in ("twinned", "merged"):
            self.twins[made] = self.one(state, number)
            wait_for(lambda: self.tables.query("SELECT count(*) FROM duplicates WHERE key = %s", number) == [(1,)], "the two are found", 5)
        if state == "merged":
            self.admin.ok("POST", f"customers/{made}/merge", {"other": self.twins[made]})
        if state == "called":
            self.interactions[made] = self.event(ringing(number))
        if state == "spoken":
            call = ringing("+4930901820", to=number)
            call["data"].update(direction="outbound", attributes={"agent": "otto"})
            self.interactions[made] = self.event(call)
            self.admin.ok("PUT", f"interactions/{self.interactions[made]}/datasheet/survey", {"fields": {"note": "x"}})
        if state == "deleted":
            self.admin.ok("DELETE", f"customers/{made}")
        return made

    def one(self, state, number):
        owner = {"owner": "olga"} if state != "new" else {}
        members = {"name": state, "service_rep": "rick", "contacts": [{"phone": number}], **owner}
        made = self.admin.ok("POST", "customers", members, 201)["id"]
        self.tables.query("INSERT INTO shares SELECT project, id, 'agent', 'shary', 'olga', 0 FROM customers WHERE id = %s", made)
        self.tables.connection.commit()
        return made

    def event(self, event):
        answer = self.source.event(event)
        assert answer.status == 200, answer
        return answer.json["interaction"]

    def empty_pool(self):
        """A new one that paul administers, and mia is in."""
        made = self.admin.ok("POST", "pools", {"name": uuid.uuid4().hex}, 201)["id"]
        for name, is_admin in (("mia", False), ("paul", True)):
            self.admin.ok("PUT", f"pools/{made}/members/{name}", {"is_admin": is_admin})
        return made

    def imported(self):
        return self.admin.post("customers/import?dry_run=true", b"name\r\nX\r\n", headers=CSV).json["id"]

    def block(self):
        return self.admin.ok("POST", "blacklist", {"domain": f"{uuid.uuid4().hex}.example"}, 201)["id"]

    def kept_mail(self, customer):
        """As if the interaction had had a mail, and the project kept it."""
        made = str(uuid.uuid4())
        if customer not in self.interactions:
            return made
        found = self.tables.query("SELECT event_key FROM raw_mails WHERE interaction = %s", self.interactions[customer])
        if found:
            return found[0][0]
        self.tables.query("INSERT INTO raw_mails (project, event_key, interaction, at_ms, until_ms, sender_key, message_id, size, message)"
                          " SELECT project, %s, id, opened_ms, opened_ms + 86400000000, 'x', '<x>', 1, 'x' FROM interactions WHERE id = %s",
                          made, self.interactions[customer])
        self.tables.connection.commit()
        return made

    def contact(self, customer):
        """The first of them; there is one from now on, if there is such a customer."""
        self.admin.post(f"customers/{customer}/contacts", {"email": "a@example.com"})
        return f"customers/{customer}/contacts/0"

    def about(self, client, customer, method, what, body=None):
        return client.request(method, f"interactions/{self.interactions.get(customer, customer)}/{what}", body).status

    @staticmethod
    def status_of_row(client, customer):
        """404: the file is taken, but for the row that would change the customer."""
        answer = client.post("customers/import", f"id,company\r\n{customer},{uuid.uuid4().hex}\r\n".encode(), headers=CSV)
        return answer.status if answer.status != 200 or answer.json["changed"] == 1 else 404

    @staticmethod
    def status_in(client, path, customer):
        answer = client.get(path)
        return answer.status if answer.status != 200 or customer in answer.bytes.decode() else 404

    @staticmethod
    def status_of_party(answer, of):
        """Whether it says who it is about, whoever that is."""
        if answer.status != 200:
            return answer.status
        view = of(answer.json)
        shown = [] if view is None else [view["from"]["phone"], view["identity"]["customer"], view["subject"]]
        assert all(shown) or not any(shown), shown
        return 200 if any(shown) else 404

    @staticmethod
    def status_in_list(client, customer):
        after = ""
        while after is not None:
            page = client.ok("GET", f"customers?limit=1000{after}")
            if customer in [item["id"] for item in page["items"]]:
                return 200
            after = f"&after={page['next']}" if page["next"] else None
        return 404

    @staticmethod
    def status_of_item(client, customer, path, body):
        """Of an operation on many customers: of the item, or of the whole."""
        answer = client.post(path, {"customers": [customer], **body})
        if answer.status != 200:
            return answer.status
        (item,) = answer.json["items"]
        assert item["customer"] == customer
        return {"ok": 200, "not_found": 404, "forbidden": 403, "invalid": 400, "already_taken": 409}[item["status"]]


@pytest.fixture
def scene(make_router, database, tmp_path, tables):
    return Scene(make_router(project(AGENTS) + DATASHEETS), database, tmp_path, tables)


def test_every_operation_by_every_role_is_allowed_as_declared(scene):
    clients = {role: scene.client(role) for role in ROLES}
    wrong = []
    for operation, state, cells in TABLE:
        expected = [int(cell) for cell in cells.split()]
        assert len(expected) == len(ROLES), operation
        for (role, client), status in zip(clients.items(), expected):
            found = ASKS[operation](client, scene.customer(state), scene)
            if found < 300 and operation not in READS:
                scene.used(state)
            if found != status:
                wrong.append(f"{operation} ({state}) by {role}: {found} instead of {status}")
    assert not wrong, "\n".join(wrong)


def test_each_operation_has_a_row():
    routes = re.findall(r'^    \{"(\w+)", (?:"([^"]*)"|NULL), (?:"([^"]*)"|NULL),', ROUTES.read_text(), re.M)
    assert len(routes) >= 80, "the route table is not where it was"
    asked = {name or f"{method} {path}" for method, path, name in routes if ABOUT_CUSTOMERS.match(path)}
    assert ABOUT_WORK <= asked
    assert {name.split(":")[0] for name in ASKS} == asked - ABOUT_WORK
    assert {row[0] for row in TABLE} == set(ASKS)


def test_a_customer_that_is_not_there_is_not_found_by_any_operation(scene):
    nobody = str(uuid.uuid4())
    for operation, ask in ASKS.items():
        if operation not in OF_NOBODY:
            assert ask(scene.admin, nobody, scene) == 404, operation
