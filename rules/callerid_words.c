#include "rules/callerid_words.h"

#include <string.h>

#include "rules/ascii.h"

#define WORD_MAX 40

/* Sorted by nothing: a caller id is compared once and the lists are short. Letters folded as fold() does. */
static const char *const missing[] = {"null", "nil", "none", "undefined", "empty", "nan", "notset"};

static const char *const withheld[] = {
    /* English: RFC 3323, Asterisk, FreeSWITCH, Kamailio, SBCs, webhooks */
    "anonymous", "anonymouscaller", "anonymouscall", "anonym", "private", "privatecaller", "privatenumber",
    "privacy", "withheld", "withheldnumber", "numberwithheld", "calleridwithheld", "restricted",
    "restrictednumber", "numberrestricted", "calleridrestricted", "idrestricted", "presentationrestricted",
    "unavailable", "numberunavailable", "calleridunavailable", "idunavailable", "notavailable",
    "numbernotavailable", "unavailablenumber", "na", "unknown", "unknowncaller", "unknownnumber",
    "callerunknown", "numberunknown", "unknownunknown", "blocked", "blockednumber", "blockedcaller",
    "numberblocked", "calleridblocked", "idblocked", "nonumber", "nonumberavailable", "nocallerid", "noid",
    "nocli", "noclid", "hidden", "hiddennumber", "hiddencaller", "suppressed", "secret", "confidential",
    "notprovided", "notdisclosed", "undisclosed", "outofarea", "payphone", "coinlinecharge",
    /* ETSI EN 300 659: the reason for absence of the number, as analogue gateways pass it on */
    "o", "p",
    /* what a server calls itself when it has nothing to say */
    "asterisk", "freeswitch", "kamailio", "opensips",
    /* German, French, Italian, Spanish, Portuguese, Dutch */
    "anonymeranruf", "anonymeranrufer", "unbekannt", "unbekannteranrufer", "unbekanntenummer",
    "unbekannterteilnehmer", "unterdrückt", "unterdrueckt", "nummerunterdrückt", "rufnummerunterdrückt",
    "rufnummerunterdrueckt", "unterdrückterufnummer", "keinerufnummer", "keinenummer", "privat",
    "privatnummer", "nichtverfügbar", "anonyme", "inconnu", "numéroinconnu", "numeroinconnu", "masqué",
    "masque", "numéromasqué", "numeromasque", "privé", "prive", "numéroprivé", "numeroprive", "appelmasqué",
    "anonimo", "sconosciuto", "privato", "numeroprivato", "numerosconosciuto", "anónimo", "desconocido",
    "númerodesconocido", "numerodesconocido", "privado", "númeroprivado", "numeroprivado", "oculto",
    "númerooculto", "numerooculto", "anônimo", "anónima", "desconhecido", "númerodesconhecido",
    "númerorestrito", "anoniem", "onbekend", "afgeschermd"};

/* ANONYMOUS, RESTRICTED, UNKNOWN, BLOCKED, UNAVAILABLE. Other words (PRIVATE is 7748283) are subscribers'
 * numbers in several countries and have not been seen from a carrier. */
static const char *const keypad[] = {"266696687", "7378742833", "8656696", "2562533", "86282452253"};

/* Letters and digits in lower case; UTF-8 beyond ASCII is kept, with the capitals of Latin-1 (C3 80 to C3 9E)
 * folded. Returns 0 when nothing is left or too much. */
static size_t fold(char out[WORD_MAX], struct slice text)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 'A' && c <= 'Z')
            c = (unsigned char)(c + ('a' - 'A'));
        else if (i && (unsigned char)text.ptr[i - 1] == 0xC3 && c >= 0x80 && c <= 0x9E)
            c = (unsigned char)(c + 0x20);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c < 0x80)
            continue;
        if (len == WORD_MAX)
            return 0;
        out[len++] = (char)c;
    }
    return len;
}

static bool is_one_of(struct slice word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_is(word, list[i]))
            return true;
    }
    return false;
}

enum callerid_word callerid_words_find(struct slice text)
{
    char folded[WORD_MAX];
    struct slice word = {folded, fold(folded, text)};
    if (word.len == 0 || ascii_is_digit(word.ptr[0])) /* no word begins with a digit, nearly all callers do */
        return CALLERID_WORD_NOT;
    if (is_one_of(word, missing, sizeof missing / sizeof *missing))
        return CALLERID_WORD_MISSING;
    return is_one_of(word, withheld, sizeof withheld / sizeof *withheld) ? CALLERID_WORD_WITHHELD
                                                                         : CALLERID_WORD_NOT;
}

bool callerid_words_is_anonymous_name(struct slice display)
{
    char folded[WORD_MAX];
    return slice_is((struct slice){folded, fold(folded, display)}, "anonymous");
}

bool callerid_words_is_keypad(struct slice digits, bool international)
{
    size_t count = sizeof keypad / sizeof *keypad;
    if (is_one_of(digits, keypad, count))
        return true;
    /* The gateway may have read the word as an international number, or a carrier put its own country before
     * it. */
    if (!international && digits.len > 2 && memcmp(digits.ptr, "00", 2) == 0)
        return is_one_of((struct slice){digits.ptr + 2, digits.len - 2}, keypad, count);
    if (international && digits.len > 1 && digits.ptr[0] == '1')
        return is_one_of((struct slice){digits.ptr + 1, digits.len - 1}, keypad, count);
    return false;
}
