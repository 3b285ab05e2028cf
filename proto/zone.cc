#include "proto/zone.h"

#include <chrono>
#include <map>
#include <string>

#include <cctz/time_zone.h>

struct zone {
    cctz::time_zone zone;
};

namespace
{

constexpr size_t name_max = 64;

/* Letters, digits, _ + - and single slashes inside: nothing that could leave the folder of zones. */
bool is_name(struct slice name)
{
    bool was_slash = true;
    if (name.len == 0 || name.len > name_max)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '+' || c == '-';
        if (!is_word && (c != '/' || was_slash))
            return false;
        was_slash = c == '/';
    }
    return !was_slash;
}

const struct zone *find(const std::string &name)
{
    static std::map<std::string, zone> zones;
    auto known = zones.find(name);
    if (known != zones.end())
        return &known->second;
    cctz::time_zone loaded;
    if (!cctz::load_time_zone(name, &loaded))
        return nullptr;
    return &zones.emplace(name, zone{loaded}).first->second;
}

const void *find_any(struct slice name, void *)
{
    return zone_find(name);
}

int32_t offset_any(const void *zone, int64_t at_s)
{
    return zone_offset(static_cast<const struct zone *>(zone), at_s);
}

} // namespace

extern "C" const struct zone *zone_find(struct slice name)
{
    try {
        return is_name(name) ? find(std::string(name.ptr, name.len)) : nullptr;
    } catch (...) {
        return nullptr;
    }
}

extern "C" int32_t zone_offset(const struct zone *zone, int64_t at_s)
{
    const std::chrono::time_point<std::chrono::system_clock, cctz::seconds> at{cctz::seconds(at_s)};
    return zone->zone.lookup(at).offset;
}

extern "C" const struct cel_zone_ops zone_ops = {find_any, offset_any, nullptr};
