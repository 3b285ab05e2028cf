/* Configuration files of any bytes: read or refused, and what is refused says why in one printable line. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "server/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct settings settings;
    static struct settings_faults faults;
    int64_t ms;
    struct slice text = {(const char *)data, size};
    if (settings_read(&settings, "f", text, &faults)) {
        assert(faults.count == 0);
        assert(settings.batch_max >= 1 && settings.batch_max <= 1024 && settings.lease_ms >= 1000);
        assert(memchr(settings.database, '\0', sizeof settings.database));
    } else {
        assert(faults.count > 0 && faults.count <= SETTINGS_FAULTS_MAX);
        for (uint32_t i = 0; i < faults.count; i++)
            assert(strncmp(faults.lines[i], "f:", 2) == 0 && !strchr(faults.lines[i], '\n'));
    }
    if (settings_duration(&ms, text))
        assert(ms >= 0);
    return 0;
}
