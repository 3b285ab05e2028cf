#include "server/command_decode_hook.h"

#include <stdio.h>

#include "proto/hook_generic.h"
#include "proto/hook_recording.h"
#include "proto/json.h"
#include "proto/mail.h"
#include "proto/project_file.h"
#include "server/command.h"
#include "server/command_options.h"
#include "server/decode_region.h"
#include "server/file.h"

#define WHY_MAX 256

/* One of --project's hooks of the preset, for its mapping; the first. */
static bool find_mapping(struct hook_request *request, const char *command, const struct hook_preset *preset,
                         const char *project, struct arena *arena)
{
    struct project_config config;
    struct project_faults *faults = arena_new(arena, struct project_faults);
    struct slice text;
    char why[WHY_MAX];
    if (!project) {
        command_failed(command, "%s needs --project FILE", preset->name);
        return false;
    }
    if (!file_read(&text, project, PROJECT_FILE_MAX, arena, why, sizeof why)) {
        command_failed(command, "%s: %s", project, why);
        return false;
    }
    if (!project_file_read(&config, text, arena, faults)) {
        command_failed(command, "%s:%u: %s", project, faults->items[0].line, faults->items[0].detail);
        return false;
    }
    for (uint32_t i = 0; i < config.hook_count && !request->mapping; i++) {
        if (config.hooks[i].preset == preset)
            request->mapping = hook_mapping_copy(config.hooks[i].mapping, arena);
    }
    config_close(&config);
    if (!request->mapping)
        command_failed(command, "%s: no hook has the preset %s", project, preset->name);
    return request->mapping != NULL;
}

/* They cost the others nothing, here as in the router. */
static int name_skipped(const char *command, const struct hook_result *result)
{
    for (uint32_t i = 0; i < result->skipped && i < HOOK_SKIPS_MAX; i++)
        command_failed(command, "skipped: %s: %s", result->skips[i].pointer, result->skips[i].detail);
    if (result->skipped > HOOK_SKIPS_MAX)
        command_failed(command, "skipped: %u more", result->skipped - HOOK_SKIPS_MAX);
    return result->skipped && !result->event_count ? COMMAND_FAILED : COMMAND_OK;
}

int command_decode_hook(const char *command, const struct hook_preset *preset, struct slice bytes,
                        const char *project, struct slice region, struct arena *arena)
{
    struct hook_request request = {.source = SLICE(HOOK_RECORDING_SOURCE)};
    struct hook_result result;
    mail_init();
    const char *why = hook_recording_read(&request, bytes, arena);
    if (why)
        return command_failed(command, "no recorded request: %s", why);
    if (!(preset->methods & request.method))
        return command_failed(command, "%s does not come by this method", preset->name);
    if (preset->is_mapped && !find_mapping(&request, command, preset, project, arena))
        return COMMAND_FAILED;
    enum hook_status status = hook_read(&result, preset, &request, true, arena);
    if (status == HOOK_MALFORMED && !result.skipped)
        return command_failed(command, "malformed: %s%s%s", result.fault.pointer,
                              result.fault.pointer[0] ? ": " : "", result.fault.detail);
    if (status != HOOK_OK && status != HOOK_IGNORED && status != HOOK_MALFORMED)
        return command_failed(command, "refused: %s", hook_status_name(status));
    for (uint32_t i = 0; i < result.event_count; i++) {
        struct value read = decode_region(&result.events[i], region, arena);
        struct slice text = json_write(&read, arena);
        printf("%.*s\n", (int)text.len, text.ptr);
    }
    return name_skipped(command, &result);
}
