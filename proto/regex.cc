#include "proto/regex.h"

#include <cstdio>
#include <memory>

#include <re2/re2.h>

namespace
{

constexpr int64_t memory_max = 1 << 20;

void *compile(struct slice pattern, char *why, size_t why_size)
{
    try {
        RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(memory_max);
        options.set_never_capture(true);
        auto regex = std::make_unique<RE2>(re2::StringPiece(pattern.ptr, pattern.len), options);
        if (regex->ok())
            return regex.release();
        snprintf(why, why_size, "%s", regex->error().c_str());
    } catch (...) {
        snprintf(why, why_size, "out of memory");
    }
    return nullptr;
}

bool match(const void *regex, struct slice text)
{
    try {
        return RE2::PartialMatch(re2::StringPiece(text.ptr, text.len), *static_cast<const RE2 *>(regex));
    } catch (...) {
        return false;
    }
}

void release(void *regex)
{
    delete static_cast<RE2 *>(regex);
}

} // namespace

extern "C" const struct cel_regex_ops regex_ops = {compile, match, release};
