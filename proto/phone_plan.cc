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

void set_region(phone_plan_answer &answer, const std::string &region)
{
    if (region.size() == sizeof answer.region && region != "ZZ")
        std::memcpy(answer.region, region.data(), sizeof answer.region);
}

phone_plan_answer ask(const std::string &number, const std::string &region)
{
    const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
    PhoneNumber parsed;
    phone_plan_answer answer = {};
    if (util.Parse(number, region, &parsed) != PhoneNumberUtil::NO_PARSING_ERROR)
        return answer;
    drop_mexican_mobile_prefix(util, &parsed);
    if (!util.IsValidNumber(parsed))
        return answer;
    std::string text, home;
    util.Format(parsed, PhoneNumberUtil::E164, &text);
    if (text.size() > PHONE_PLAN_E164_MAX)
        return answer;
    util.GetRegionCodeForNumber(parsed, &home);
    set_region(answer, home);
    std::memcpy(answer.e164, text.data(), text.size());
    answer.len = static_cast<uint8_t>(text.size());
    return answer;
}

} // namespace

extern "C" phone_plan_answer phone_plan_ask(struct slice number, struct slice region)
{
    try {
        return ask(std::string(number.ptr, number.len), std::string(region.ptr, region.len));
    } catch (...) {
        return {};
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
