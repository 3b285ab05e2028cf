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

using moment = cctz::time_point<cctz::seconds>;

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
    return zone->zone.lookup(moment{cctz::seconds(at_s)}).offset;
}

extern "C" uint32_t zone_transitions(const struct zone *zone, struct zone_transition *out, uint32_t room)
{
    cctz::time_zone::civil_transition change;
    moment at{cctz::seconds(ZONE_FROM_S)};
    uint32_t count = 1;
    out[0] = {INT64_MIN, zone->zone.lookup(at).offset};
    while (count < room && zone->zone.next_transition(at, &change)) {
        at = zone->zone.lookup(change.to).trans;
        int64_t at_s = at.time_since_epoch().count();
        int32_t offset = zone->zone.lookup(at).offset;
        if (at_s >= ZONE_UNTIL_S)
            break;
        if (offset != out[count - 1].offset_s)
            out[count++] = {at_s, offset};
    }
    return count;
}

extern "C" const struct cel_zone_ops zone_ops = {find_any, offset_any, nullptr};
