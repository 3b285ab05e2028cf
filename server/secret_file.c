#include "server/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/project_node.h"
#include "rules/ascii.h"
#include "server/file.h"
#include "server/log.h"

/* --- names --- */

/* The next component; empty at the end. "." is none. */
static struct slice next_component(struct slice *rest)
{
    struct slice component = {NULL, 0};
    while (rest->len && (!component.len || slice_is(component, "."))) {
        size_t end = ascii_find(*rest, '/');
        component = ascii_part(*rest, 0, end);
        *rest = ascii_part(*rest, end < rest->len ? end + 1 : end, rest->len);
    }
    return slice_is(component, ".") ? (struct slice){NULL, 0} : component;
}

bool secret_file_is_below(struct slice folder, struct slice path)
{
    if (!path.len || path.ptr[0] != '/')
        return false;
    for (struct slice want = next_component(&folder); want.len; want = next_component(&folder)) {
        struct slice have = next_component(&path);
        if (!slice_equal(have, want) || slice_is(have, ".."))
            return false;
    }
    unsigned count = 0;
    for (struct slice have = next_component(&path); have.len; have = next_component(&path), count++) {
        if (slice_is(have, ".."))
            return false;
    }
    return count > 0;
}

/* --- reading --- */

static enum secret_file outside(char *why, size_t why_size)
{
    snprintf(why, why_size, "%s", SECRET_FILE_OUTSIDE_TEXT);
    return SECRET_FILE_OUTSIDE;
}

static enum secret_file unreadable(const char *what, char *why, size_t why_size)
{
    snprintf(why, why_size, "%s%s", what, strerror(errno));
    return SECRET_FILE_UNREADABLE;
}

/* What is opened is what was looked at: a symbolic link that has come in between is not followed. */
static int open_resolved(const char *real)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                           .resolve = RESOLVE_NO_SYMLINKS};
    return (int)syscall(SYS_openat2, AT_FDCWD, real, &how, sizeof how);
}

enum secret_file secret_file_read(struct slice *out, const char *folder, const char *path, size_t max,
                                  struct arena *arena, char *why, size_t why_size)
{
    char root[PATH_MAX], real[PATH_MAX];
    if (!secret_file_is_below(slice_of(folder), slice_of(path)))
        return outside(why, why_size);
    if (!realpath(folder, root))
        return unreadable("secret_folder: ", why, why_size);
    if (!realpath(path, real))
        return unreadable("", why, why_size);
    if (!secret_file_is_below(slice_of(root), slice_of(real)))
        return outside(why, why_size);
    int fd = open_resolved(real);
    if (fd < 0)
        return unreadable("", why, why_size);
    bool good = file_read_regular(out, fd, max, arena, why, why_size);
    close(fd);
    return good ? SECRET_FILE_READ : SECRET_FILE_UNREADABLE;
}

/* --- project files --- */

static void check_path(const struct project_node *node, const char *folder)
{
    struct slice path = {NULL, 0};
    if (node->value && project_node_text(node, &path, PATH_MAX) &&
        !secret_file_is_below(slice_of(folder), path))
        project_node_refuse(node, "must lie below %s, the secret_folder of this server", folder);
}

static void check_gateways(const struct project_node *gateways, const char *folder)
{
    for (uint32_t i = 0; i < project_node_count(gateways); i++) {
        struct project_node gateway = project_node_entry(gateways, i);
        struct project_node path = project_node_member(&gateway, "secret_file");
        check_path(&path, folder);
    }
}

static void check_hooks(const struct project_node *hooks, const char *folder)
{
    for (uint32_t i = 0; i < project_node_count(hooks); i++) {
        struct project_node hook = project_node_entry(hooks, i);
        struct project_node files = project_node_member(&hook, "secret_files");
        for (uint32_t n = 0; n < project_node_count(&files); n++) {
            struct project_node path = project_node_item(&files, n);
            check_path(&path, folder);
        }
    }
}

void secret_file_check(struct project_faults *faults, const struct value *file, const char *folder,
                       struct arena *arena)
{
    struct project_reading reading = {.faults = faults, .arena = arena};
    struct project_node root = {.value = file, .line = 1, .reading = &reading};
    for (uint32_t i = 0; i < project_node_count(&root); i++) {
        struct project_node section = project_node_entry(&root, i);
        if (slice_is(section.name, "gateways"))
            check_gateways(&section, folder);
        else if (slice_is(section.name, "hooks"))
            check_hooks(&section, folder);
    }
}

void secret_file_log_outside(struct slice project, const struct project_config *config, const char *folder)
{
    for (uint32_t i = 0; i < config->hook_count; i++) {
        const struct config_hook *hook = &config->hooks[i];
        for (uint32_t n = 0; n < hook->secret_count; n++) {
            if (!secret_file_is_below(slice_of(folder), hook->secret_files[n]))
                log_event(LOG_ERROR, "a hook lets nobody in",
                          (struct log_field[]){log_text("project", project), log_text("hook", hook->name),
                                               log_text("file", hook->secret_files[n]),
                                               log_str("why", SECRET_FILE_OUTSIDE_TEXT)},
                          4);
        }
    }
}
