#include "proto/hook_presets.h"

const struct hook_preset hook_presets[] = {
    {
        .name = "cti-generic",
        .methods = HOOK_GET | HOOK_POST,
        .verify = hook_cti_verify,
        .decode = hook_cti_decode,
        .answer = hook_cti_answer,
    },
    {.name = NULL},
};
