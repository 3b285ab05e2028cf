#include "proto/hook_presets.h"

const struct hook_preset hook_presets[] = {
    {
        .name = "cti-generic",
        .methods = HOOK_GET | HOOK_POST,
        .verify = hook_cti_verify,
        .decode = hook_cti_decode,
        .answer = hook_cti_answer,
    },
    {
        .name = "twilio",
        .methods = HOOK_GET | HOOK_POST,
        .needs_secret = true,
        .verify = hook_twilio_verify,
        .decode = hook_twilio_decode,
        .answer = hook_twilio_answer,
    },
    {
        .name = "telnyx",
        .methods = HOOK_POST,
        .needs_secret = true,
        .verify = hook_telnyx_verify,
        .decode = hook_telnyx_decode,
    },
    {
        .name = "whatsapp",
        .methods = HOOK_GET | HOOK_POST,
        .needs_secret = true,
        .refused_status = 200,
        .verify = hook_whatsapp_verify,
        .decode = hook_whatsapp_decode,
    },
    {
        .name = "telegram",
        .methods = HOOK_POST,
        .needs_secret = true,
        .refused_status = 200,
        .verify = hook_telegram_verify,
        .decode = hook_telegram_decode,
        .answer = hook_telegram_answer,
    },
    {.name = NULL},
};
