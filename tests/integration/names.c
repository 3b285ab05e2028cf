/* A resolver before the system's: the linker takes it. One name nobody knows, and one it never answers for.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

typedef int (*resolver)(const char *name, const char *service, const struct addrinfo *hints,
                        struct addrinfo **list);

int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict list)
{
    while (name && strcmp(name, "hangs.invalid") == 0)
        pause();
    if (name && strcmp(name, "unknown.invalid") == 0)
        return EAI_NONAME;
    void *found = dlsym(RTLD_NEXT, "getaddrinfo");
    resolver next;
    memcpy(&next, &found, sizeof next);
    return next(name, service, hints, list);
}
