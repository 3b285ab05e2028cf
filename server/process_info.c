#include "server/process_info.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool read_proc(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t len = fread(out, 1, size - 1, file);
    out[len] = '\0';
    fclose(file);
    return len > 0;
}

double process_resident_memory(void)
{
    char text[128];
    unsigned long pages = 0;
    if (!read_proc("/proc/self/statm", text, sizeof text) || sscanf(text, "%*u %lu", &pages) != 1)
        return 0;
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double process_start_time(void)
{
    /* Field 22, counted behind the command's name, which may hold anything but ends with the last ")". */
    static const char fields[] =
        ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu";
    char text[1024];
    unsigned long long ticks = 0;
    const char *behind = read_proc("/proc/self/stat", text, sizeof text) ? strrchr(text, ')') : NULL;
    if (!behind || sscanf(behind, fields, &ticks) != 1)
        return 0;
    double age = seconds(CLOCK_BOOTTIME) - (double)ticks / (double)sysconf(_SC_CLK_TCK);
    return seconds(CLOCK_REALTIME) - age;
}
