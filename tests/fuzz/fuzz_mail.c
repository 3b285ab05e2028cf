#include <assert.h>
#include <string.h>

#include "proto/cloudevent.h"
#include "proto/json.h"
#include "proto/mail_event.h"
#include "proto/mail_text.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    mail_init();
    return 0;
}

/* Whatever the message is: what is read of it makes an event that the API would take, and the same one again.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice message = {(const char *)data, size};
    struct mail_envelope envelope = {
        .is_known = true, .sender = SLICE("x@y.example"), .recipient = SLICE("help@demo.example")};
    struct arena arena;
    struct mail mail;
    arena_init(&arena);
    if (mail_read(&mail, message, &arena) == MAIL_OK) {
        struct event event;
        struct fault fault;
        struct value document = mail_event(&mail, &envelope, &arena), again;
        struct slice text = json_write(&document, &arena);
        assert(cloudevent_read(&event, &document, &arena, &fault));
        assert(json_read(&again, text, &arena, &fault));
        assert(slice_equal(json_write(&again, &arena), text));
    }
    struct slice html = mail_html_text(message, &arena);
    assert(html.len <= size);
    arena_deinit(&arena);
    return 0;
}
