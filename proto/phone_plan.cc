/* Design: "known" is IsValidNumber, not IsPossibleNumber: the length alone would make a number of anything,
 * and two spellings of one invalid number may not meet, while a valid one has exactly one E.164 form. */
#include "proto/phone_plan.h"

#include <cstring>
#include <set>
#include <string>

#include <phonenumbers/phonenumberutil.h>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace
{

/* Mexico dropped the 1 that international callers put before mobile numbers (2019-08-03); networks still send
 * both. Without it the number is valid too, so one subscriber would have two keys. */
void drop_mexican_mobile_prefix(const PhoneNumberUtil &util, PhoneNumber *number)
{
    constexpr uint64_t ten_digits = 10000000000u;
    if (number->country_code() != 52 || number->national_number() / ten_digits != 1)
        return;
    PhoneNumber shorter = *number;
    shorter.set_national_number(number->national_number() % ten_digits);
    if (util.IsValidNumber(shorter))
        *number = shorter;
}

size_t format(char *out, const std::string &number, const std::string &region)
{
    const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
    PhoneNumber parsed;
    if (util.Parse(number, region, &parsed) != PhoneNumberUtil::NO_PARSING_ERROR)
        return 0;
    drop_mexican_mobile_prefix(util, &parsed);
    if (!util.IsValidNumber(parsed))
        return 0;
    std::string text;
    util.Format(parsed, PhoneNumberUtil::E164, &text);
    if (text.size() > PHONE_PLAN_E164_MAX)
        return 0;
    std::memcpy(out, text.c_str(), text.size() + 1);
    return text.size();
}

} // namespace

extern "C" size_t phone_plan_e164(char out[PHONE_PLAN_E164_MAX + 1], struct slice number, struct slice region)
{
    try {
        return format(out, std::string(number.ptr, number.len), std::string(region.ptr, region.len));
    } catch (...) {
        return 0;
    }
}

extern "C" bool phone_plan_is_region(struct slice region)
{
    try {
        std::set<std::string> regions;
        PhoneNumberUtil::GetInstance()->GetSupportedRegions(&regions);
        return regions.count(std::string(region.ptr, region.len)) != 0;
    } catch (...) {
        return false;
    }
}
