"""The one-way street: server -> proto, storage -> rules; and which outside headers a folder may know."""
import re

from sources import FOLDERS, c_files, code_lines

OURS = {
    "rules": {"rules"},
    "proto": {"proto", "rules"},
    "storage": {"storage", "rules"},
    "server": {"server", "proto", "storage", "rules"},
}

# rules/ is pure: nothing here can wait, ask the clock, draw a random number or read the locale's idea of a letter.
RULES_HEADERS = {"assert.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h",
                 "string.h", "inttypes.h"}
TEXT_HEADERS = {"idn2.h", "unistr.h", "uninorm.h", "unicase.h", "unictype.h", "unitypes.h"}
TEXT_FILES = re.compile(r"rules/((email|callerid)_?\w*|cel_text)\.c$")  # what people write is the one place that needs Unicode

# Headers that one folder owns.
STORAGE_ONLY = re.compile(r"^(libpq-fe\.h|libpq/|postgres|hiredis)")
PROTO_ONLY = re.compile(r"^(jansson|msgpack|yaml|phonenumbers/|gmime|re2/|cctz/)")
SOCKETS = re.compile(r"^(uv\.h|sys/socket\.h|netinet/|arpa/|netdb\.h|poll\.h|sys/epoll\.h|microhttpd\.h)")


def faults(root):
    found = []
    for path in c_files(root, FOLDERS):
        folder = path.parts[0]
        for number, line in code_lines(root / path):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                why = fault_of(str(path), folder, match.group(1) == '"', match.group(2))
                if why:
                    found.append(f"{path}:{number}: {why}")
    return found


def fault_of(path, folder, ours, header):
    if ours:
        other = header.split("/")[0]
        if "/" not in header:
            return f'"{header}" must be included with its folder'
        if other not in OURS[folder]:
            return f"{folder}/ may not know {header}"
        return None
    if header.split("/")[0] in FOLDERS and header.endswith(".h"):
        return f"<{header}> is ours: include it with quotes"
    if folder == "rules":
        if header in RULES_HEADERS or (header in TEXT_HEADERS and TEXT_FILES.search(path)):
            return None
        return f"rules/ is pure: <{header}> is not on its list"
    if STORAGE_ONLY.match(header) and folder != "storage":
        return f"<{header}> does not leave storage/"
    if PROTO_ONLY.match(header) and folder != "proto":
        return f"<{header}> does not leave proto/"
    if SOCKETS.match(header) and folder == "proto":
        return f"proto/ knows no sockets: <{header}>"
    if header == "microhttpd.h" and folder != "server":
        return f"<{header}> does not leave server/"
    return None
