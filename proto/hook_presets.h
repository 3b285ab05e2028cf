/* The presets: each in a file of its own, proto/hook_NAME.c, and a row in proto/hook_presets.c. */
#ifndef PROTO_HOOK_PRESETS_H
#define PROTO_HOOK_PRESETS_H

#include "proto/hook.h"

enum hook_status hook_cti_verify(const struct hook_request *request, struct arena *arena);
enum hook_status hook_cti_decode(struct hook_result *result, const struct hook_request *request,
                                 struct arena *arena);
void hook_cti_answer(struct hook_answer *answer, const struct hook_request *request,
                     const struct hook_result *result, const struct hook_decision *decisions,
                     struct arena *arena);

enum hook_status hook_twilio_verify(const struct hook_request *request, struct arena *arena);
enum hook_status hook_twilio_decode(struct hook_result *result, const struct hook_request *request,
                                    struct arena *arena);
void hook_twilio_answer(struct hook_answer *answer, const struct hook_request *request,
                        const struct hook_result *result, const struct hook_decision *decisions,
                        struct arena *arena);

enum hook_status hook_telnyx_verify(const struct hook_request *request, struct arena *arena);
enum hook_status hook_telnyx_decode(struct hook_result *result, const struct hook_request *request,
                                    struct arena *arena);

enum hook_status hook_whatsapp_verify(const struct hook_request *request, struct arena *arena);
enum hook_status hook_whatsapp_decode(struct hook_result *result, const struct hook_request *request,
                                      struct arena *arena);

enum hook_status hook_telegram_verify(const struct hook_request *request, struct arena *arena);
enum hook_status hook_telegram_decode(struct hook_result *result, const struct hook_request *request,
                                      struct arena *arena);
void hook_telegram_answer(struct hook_answer *answer, const struct hook_request *request,
                          const struct hook_result *result, const struct hook_decision *decisions,
                          struct arena *arena);

enum hook_status hook_generic_verify(const struct hook_request *request, struct arena *arena);
enum hook_status hook_generic_decode(struct hook_result *result, const struct hook_request *request,
                                     struct arena *arena);

enum hook_status hook_mailgun_verify(const struct hook_request *request, struct arena *arena);
enum hook_status hook_mailgun_decode(struct hook_result *result, const struct hook_request *request,
                                     struct arena *arena);

enum hook_status hook_postmark_verify(const struct hook_request *request, struct arena *arena);
enum hook_status hook_postmark_decode(struct hook_result *result, const struct hook_request *request,
                                      struct arena *arena);

enum hook_status hook_chatwoot_verify(const struct hook_request *request, struct arena *arena);
enum hook_status hook_chatwoot_decode(struct hook_result *result, const struct hook_request *request,
                                      struct arena *arena);

#endif
