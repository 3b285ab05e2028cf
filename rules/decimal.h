/* Doubles as decimal text and back, exact and without a locale: what strtod() and printf("%.*f") do
 * elsewhere. Round to nearest, ties to even (IEEE 754-2019 4.3.1). */
#ifndef RULES_DECIMAL_H
#define RULES_DECIMAL_H

#include "rules/arena.h"

/* Digits that decide: more never change a double, only whether it is exactly between two (767 would do). */
#define DECIMAL_DIGITS_MAX 800
#define DECIMAL_PLACES_MAX 1000 /* for the writers' `places` */

/* [+-] digits [. digits] [e [+-] digits], at least one digit in front of the exponent. False: not a number.
 * What is too large becomes an infinity, what is too small a zero. */
bool decimal_read(double *out, struct slice text) __attribute__((warn_unused_result));
/* The shortest text that reads back as the same double: "0.1", "1e+21", "-0", "NaN", "Infinity". Exponents
 * are written below 1e-4 and from 1e21 on. */
struct slice decimal_shortest(double real, struct arena *arena);
struct slice decimal_fixed(double real, uint32_t places, struct arena *arena);      /* "2.500" */
struct slice decimal_scientific(double real, uint32_t places, struct arena *arena); /* "2.500e+00" */

#endif
