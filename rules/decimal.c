/* Design: a number is a string of decimal digits with a point somewhere. Doubling and halving are done on the
 * digits, a few binary places at a time, so every double has its exact decimal form, and the double nearest
 * to a decimal is found by shifting until its whole part has 53 bits. Short and slow (microseconds) next to
 * tables of powers; texts of up to 15 digits, nearly all there are, take the short way at the top. */
#include "rules/decimal.h"

#include <assert.h>
#include <string.h>

#define SHIFT_MAX 60 /* binary places at a time: ten times a digit still fits 64 bits */
#define MANTISSA_BITS 52
#define BIAS 1023
#define EXPONENT_FAR 10000 /* decimal exponents beyond are all alike */

struct decimal {
    uint32_t count;
    int32_t point; /* the value is 0.d1d2d3... * 10^point */
    bool negative, truncated;
    uint8_t digits[DECIMAL_DIGITS_MAX + 20];
};

static void trim(struct decimal *number)
{
    while (number->count && number->digits[number->count - 1] == 0)
        number->count--;
    if (!number->count)
        number->point = 0;
}

static void limit(struct decimal *number)
{
    if (number->count > DECIMAL_DIGITS_MAX) {
        number->count = DECIMAL_DIGITS_MAX;
        number->truncated = true;
    }
    trim(number);
}

static void multiply(struct decimal *number, uint32_t shift)
{
    uint8_t extra[20];
    uint32_t extra_count = 0;
    uint64_t carry = 0;
    for (uint32_t i = number->count; i-- > 0;) {
        carry += (uint64_t)number->digits[i] << shift;
        number->digits[i] = (uint8_t)(carry % 10);
        carry /= 10;
    }
    for (; carry; carry /= 10)
        extra[extra_count++] = (uint8_t)(carry % 10);
    memmove(number->digits + extra_count, number->digits, number->count);
    for (uint32_t i = 0; i < extra_count; i++)
        number->digits[i] = extra[extra_count - 1 - i];
    number->count += extra_count;
    number->point += (int32_t)extra_count;
    limit(number);
}

static void divide(struct decimal *number, uint32_t shift)
{
    uint64_t rest = 0, mask = (UINT64_C(1) << shift) - 1;
    uint32_t read = 0, written = 0;
    assert(number->count && number->digits[0]);
    for (; rest >> shift == 0; read++)
        rest = rest * 10 + (read < number->count ? number->digits[read] : 0);
    number->point -= (int32_t)read - 1;
    for (; read < number->count || rest; read++) {
        uint8_t next = read < number->count ? number->digits[read] : 0;
        if (written < sizeof number->digits)
            number->digits[written++] = (uint8_t)(rest >> shift);
        else if (rest >> shift)
            number->truncated = true;
        rest = (rest & mask) * 10 + next;
    }
    number->count = written;
    limit(number);
}

static void shift_by(struct decimal *number, int32_t shift)
{
    if (!number->count)
        return;
    for (; shift > SHIFT_MAX; shift -= SHIFT_MAX)
        multiply(number, SHIFT_MAX);
    for (; shift < -SHIFT_MAX; shift += SHIFT_MAX)
        divide(number, SHIFT_MAX);
    if (shift > 0)
        multiply(number, (uint32_t)shift);
    else if (shift < 0)
        divide(number, (uint32_t)-shift);
}

static bool rounds_up(const struct decimal *number, int32_t keep)
{
    if (keep < 0 || (uint32_t)keep >= number->count)
        return false;
    if (number->digits[keep] == 5 && (uint32_t)keep + 1 == number->count)
        return number->truncated || (keep > 0 && number->digits[keep - 1] % 2);
    return number->digits[keep] >= 5;
}

/* To `keep` digits, half to even. */
static void round_to(struct decimal *number, int32_t keep)
{
    if (keep >= 0 && (uint32_t)keep >= number->count)
        return;
    bool up = rounds_up(number, keep);
    number->count = keep > 0 ? (uint32_t)keep : 0;
    if (up) {
        while (number->count && number->digits[number->count - 1] == 9)
            number->count--;
        if (number->count) {
            number->digits[number->count - 1]++;
        } else {
            number->digits[0] = 1;
            number->count = 1;
            number->point++;
        }
    }
    trim(number);
}

static uint64_t rounded_integer(const struct decimal *number)
{
    uint64_t integer = 0;
    int32_t i = 0;
    for (; i < number->point; i++)
        integer = integer * 10 + ((uint32_t)i < number->count ? number->digits[i] : 0);
    return integer + rounds_up(number, number->point);
}

static double join_double(uint64_t bits, bool negative)
{
    double real;
    bits |= (uint64_t)negative << 63;
    memcpy(&real, &bits, sizeof real);
    return real;
}

/* Binary places that bring a number with this point near one. */
static int32_t places_for(int32_t point)
{
    static const uint8_t powers[] = {0, 3, 6, 9, 13, 16, 19, 23, 26};
    return point < 9 ? powers[point] : 27;
}

static double to_double(struct decimal *number)
{
    int32_t exponent = 0;
    assert(number->count); /* zero is short */
    if (number->point < -330)
        return join_double(0, number->negative);
    if (number->point > 310)
        return join_double(UINT64_C(0x7FF) << MANTISSA_BITS, number->negative);
    while (number->point > 0) {
        int32_t places = places_for(number->point);
        shift_by(number, -places);
        exponent += places;
    }
    while (number->point < 0 || number->digits[0] < 5) {
        int32_t places = number->point == 0 ? 1 : places_for(-number->point);
        shift_by(number, places);
        exponent -= places;
    }
    exponent--; /* from [0.5, 1) to [1, 2) */
    if (exponent < 1 - BIAS) {
        shift_by(number, exponent - (1 - BIAS));
        exponent = 1 - BIAS;
    }
    if (exponent > BIAS)
        return join_double(UINT64_C(0x7FF) << MANTISSA_BITS, number->negative);
    shift_by(number, MANTISSA_BITS + 1);
    uint64_t mantissa = rounded_integer(number);
    if (mantissa == UINT64_C(2) << MANTISSA_BITS) {
        mantissa >>= 1;
        exponent++;
        if (exponent > BIAS)
            return join_double(UINT64_C(0x7FF) << MANTISSA_BITS, number->negative);
    }
    uint64_t biased = mantissa >> MANTISSA_BITS ? (uint64_t)(exponent + BIAS) : 0;
    return join_double(biased << MANTISSA_BITS | (mantissa & ((UINT64_C(1) << MANTISSA_BITS) - 1)),
                       number->negative);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void add_digit(struct decimal *number, uint8_t digit)
{
    if (number->count == 0 && digit == 0)
        number->point--; /* a leading zero; behind the point it counts */
    else if (number->count < DECIMAL_DIGITS_MAX)
        number->digits[number->count++] = digit;
    else if (digit)
        number->truncated = true;
}

static bool read_exponent(int32_t *exponent, struct slice text, size_t at)
{
    bool negative = at < text.len && text.ptr[at] == '-';
    int32_t sum = 0;
    if (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+'))
        at++;
    if (at == text.len)
        return false;
    for (; at < text.len; at++) {
        if (!is_digit(text.ptr[at]))
            return false;
        if (sum < EXPONENT_FAR)
            sum = sum * 10 + (text.ptr[at] - '0');
    }
    *exponent = negative ? -sum : sum;
    return true;
}

static bool read_decimal(struct decimal *number, struct slice text)
{
    size_t at = 0, digits = 0;
    int32_t before = 0, exponent = 0;
    bool point = false;
    number->count = 0;
    number->point = 0;
    number->truncated = false;
    number->negative = text.len && text.ptr[0] == '-';
    if (text.len && (text.ptr[0] == '-' || text.ptr[0] == '+'))
        at++;
    for (; at < text.len && (is_digit(text.ptr[at]) || (text.ptr[at] == '.' && !point)); at++) {
        if (text.ptr[at] == '.') {
            point = true;
            continue;
        }
        add_digit(number, (uint8_t)(text.ptr[at] - '0'));
        digits++;
        before += !point && before < EXPONENT_FAR * 10;
    }
    if (!digits)
        return false;
    if (at < text.len && ((text.ptr[at] | 0x20) != 'e' || !read_exponent(&exponent, text, at + 1)))
        return false;
    if (number->count)
        number->point += before + exponent;
    trim(number);
    return true;
}

/* Both sides are exact up to 2^53 and 10^22, so that one operation rounds once. */
static bool read_short(double *out, const struct decimal *number)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int32_t exponent = number->point - (int32_t)number->count;
    uint64_t whole = 0;
    if (number->count > 15 || exponent < -22 || exponent > 22)
        return false;
    for (uint32_t i = 0; i < number->count; i++)
        whole = whole * 10 + number->digits[i];
    double real = (double)whole;
    real = exponent < 0 ? real / powers[-exponent] : real * powers[exponent];
    *out = number->negative ? -real : real;
    return true;
}

bool decimal_read(double *out, struct slice text)
{
    struct decimal number;
    if (!read_decimal(&number, text))
        return false;
    if (!read_short(out, &number))
        *out = to_double(&number);
    return true;
}

static void from_double(struct decimal *number, double real)
{
    uint64_t bits;
    uint8_t reverse[20];
    uint32_t count = 0;
    memcpy(&bits, &real, sizeof bits);
    uint64_t mantissa = bits & ((UINT64_C(1) << MANTISSA_BITS) - 1);
    int32_t exponent = (int32_t)(bits >> MANTISSA_BITS & 0x7FF);
    if (exponent)
        mantissa |= UINT64_C(1) << MANTISSA_BITS;
    else
        exponent = 1;
    number->negative = bits >> 63;
    number->truncated = false;
    for (; mantissa; mantissa /= 10)
        reverse[count++] = (uint8_t)(mantissa % 10);
    for (uint32_t i = 0; i < count; i++)
        number->digits[i] = reverse[count - 1 - i];
    number->count = count;
    number->point = (int32_t)count;
    trim(number);
    shift_by(number, exponent - BIAS - MANTISSA_BITS);
}

struct text {
    char *at;
};

static void put(struct text *text, char c)
{
    *text->at++ = c;
}

static void put_digits(struct text *text, const struct decimal *number, int32_t from, int32_t to)
{
    for (int32_t i = from; i < to; i++)
        put(text, i >= 0 && (uint32_t)i < number->count ? (char)('0' + number->digits[i]) : '0');
}

static void put_exponent(struct text *text, int32_t exponent)
{
    put(text, 'e');
    put(text, exponent < 0 ? '-' : '+');
    exponent = exponent < 0 ? -exponent : exponent;
    if (exponent >= 100)
        put(text, (char)('0' + exponent / 100));
    put(text, (char)('0' + exponent / 10 % 10));
    put(text, (char)('0' + exponent % 10));
}

static const char *special(double real)
{
    if (real != real)
        return "NaN";
    if (real - real != 0)
        return real > 0 ? "Infinity" : "-Infinity";
    return NULL;
}

static char *text_room(struct arena *arena, const struct decimal *number, uint32_t places)
{
    size_t before = number->point > 0 ? (size_t)number->point : 1;
    return arena_alloc(arena, before + places + number->count + 16);
}

static struct slice write_fixed(const struct decimal *number, uint32_t places, struct arena *arena)
{
    char *start = text_room(arena, number, places);
    struct text text = {start};
    if (number->negative)
        put(&text, '-');
    if (number->point > 0)
        put_digits(&text, number, 0, number->point);
    else
        put(&text, '0');
    if (places) {
        put(&text, '.');
        put_digits(&text, number, number->point, number->point + (int32_t)places);
    }
    return (struct slice){start, (size_t)(text.at - start)};
}

static struct slice write_scientific(const struct decimal *number, uint32_t places, struct arena *arena)
{
    char *start = text_room(arena, number, places);
    struct text text = {start};
    if (number->negative)
        put(&text, '-');
    put_digits(&text, number, 0, 1);
    if (places) {
        put(&text, '.');
        put_digits(&text, number, 1, 1 + (int32_t)places);
    }
    put_exponent(&text, number->count ? number->point - 1 : 0);
    return (struct slice){start, (size_t)(text.at - start)};
}

struct slice decimal_fixed(double real, uint32_t places, struct arena *arena)
{
    struct decimal number;
    if (special(real))
        return slice_of(special(real));
    places = places < DECIMAL_PLACES_MAX ? places : DECIMAL_PLACES_MAX;
    from_double(&number, real);
    round_to(&number, number.point + (int32_t)places);
    return write_fixed(&number, places, arena);
}

struct slice decimal_scientific(double real, uint32_t places, struct arena *arena)
{
    struct decimal number;
    if (special(real))
        return slice_of(special(real));
    places = places < DECIMAL_PLACES_MAX ? places : DECIMAL_PLACES_MAX;
    from_double(&number, real);
    round_to(&number, 1 + (int32_t)places);
    return write_scientific(&number, places, arena);
}

/* 17 digits always read back as the same double (IEEE 754-2019 5.12.2), fewer mostly do. */
static void shorten(struct decimal *number, double real)
{
    for (int32_t digits = 1;; digits++) {
        assert(digits <= 17);
        struct decimal shorter = *number, copy;
        double again;
        round_to(&shorter, digits);
        copy = shorter;
        if (!read_short(&again, &copy))
            again = to_double(&copy);
        if (again == real) {
            *number = shorter;
            return;
        }
    }
}

struct slice decimal_shortest(double real, struct arena *arena)
{
    struct decimal number;
    if (special(real))
        return slice_of(special(real));
    from_double(&number, real);
    shorten(&number, real);
    if (number.count && (number.point < -3 || number.point > 21))
        return write_scientific(&number, number.count - 1, arena);
    int32_t places = (int32_t)number.count - number.point;
    return write_fixed(&number, places > 0 ? (uint32_t)places : 0, arena);
}
