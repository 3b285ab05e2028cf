/* `patchbay decode PRESET`: what a recorded webhook would become. */
#ifndef SERVER_COMMAND_DECODE_HOOK_H
#define SERVER_COMMAND_DECODE_HOOK_H

#include "proto/hook.h"

/* As a hook without secrets and endpoint reads the recorded request; a mapping is that of the first hook of
 * the preset in the project file `project` (NULL: none). Prints the events, numbers as decode_region() reads
 * them, and names the messages that are left out on standard error; returns the exit code. */
int command_decode_hook(const char *command, const struct hook_preset *preset, struct slice bytes,
                        const char *project, struct slice region, struct arena *arena);

#endif
