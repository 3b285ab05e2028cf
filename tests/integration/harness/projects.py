"""Project files for tests: the demo's shape, with values of their own. No channel is exclusive: most tests give an agent work
of several at once and are about something else."""

BASE = """\
project: demo
region: DE
contacts: {{max: 9, phone_slots: 3}}
create: {{call: auto, chat: manual, email: auto, at: {create_at}}}
exclusive: []
endpoints:
  - {{phone: "+4930901820", queue: support}}
  - {{email: help@demo.example, queue: mail}}
  - {{chat: web, queue: chat}}
queues:
  support: {{offer_timeout: {offer_timeout}, wrap_up: {wrap_up}}}
  mail: {{offer_timeout: {offer_timeout}}}
  chat: {{offer_timeout: {offer_timeout}}}
agents:
{agents}
rules:
  - {{name: rest, when: "true", queue: endpoint}}
"""

AGENTS = {
    "anna": "{name: Anna, queues: [support, mail], capacity: {call: 1, chat: 3, email: 10}}",
    "ben": "{name: Ben, queues: [support, chat], capacity: {call: 1, chat: 3, email: 10}}",
    "carl": "{name: Carl, queues: [chat], role: supervisor}",
}


def project(agents=None, offer_timeout="20s", wrap_up="0s", create_at="accept"):
    """The text of a project file. `agents`: name to the text of its map."""
    lines = "\n".join(f"  {name}: {text}" for name, text in (agents or AGENTS).items())
    return BASE.format(agents=lines, offer_timeout=offer_timeout, wrap_up=wrap_up, create_at=create_at)
