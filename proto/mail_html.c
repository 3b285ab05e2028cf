/* A tokenizer of its own, because the HTML libraries build trees: what a mail nests without end would cost
 * time and memory that a mail must not. One pass, a handful of flags, and an output that cannot outgrow the
 * input. */
#include <string.h>

#include "proto/mail_text.h"
#include "rules/ascii.h"

#define ENTITY_MAX 10 /* bytes between & and ; */

struct html {
    struct slice in;
    size_t at;
    char *out;
    size_t len;
    bool wants_space; /* white space was seen since the last character */
    unsigned breaks;  /* line ends asked for since the last character */
    unsigned pre;     /* open <pre> */
};

static const char *const block_names[] = {
    "p",          "div",     "table",   "tr",     "ul",     "ol",   "li",     "h1",      "h2",
    "h3",         "h4",      "h5",      "h6",     "pre",    "hr",   "dl",     "dt",      "dd",
    "blockquote", "section", "article", "header", "footer", "form", "center", "address", "body"};
static const char *const hidden_names[] = {"script", "style", "title", "template", "noscript", "xml"};

static const struct entity {
    const char *name;
    uint32_t code;
} entities[] = {
    {"amp", '&'},      {"lt", '<'},       {"gt", '>'},        {"quot", '"'},      {"apos", '\''},
    {"nbsp", ' '},     {"euro", 0x20AC},  {"hellip", 0x2026}, {"ndash", 0x2013},  {"mdash", 0x2014},
    {"lsquo", 0x2018}, {"rsquo", 0x2019}, {"sbquo", 0x201A},  {"ldquo", 0x201C},  {"rdquo", 0x201D},
    {"bdquo", 0x201E}, {"bull", 0x2022},  {"trade", 0x2122},  {"lsaquo", 0x2039}, {"rsaquo", 0x203A},
    {"zwnj", 0},       {"zwj", 0},        {"shy", 0},         {"oelig", 0x153},   {"OElig", 0x152},
    {"scaron", 0x161}, {"Scaron", 0x160}, {"minus", 0x2212},  {"larr", 0x2190},   {"rarr", 0x2192},
    {"emsp", ' '},     {"ensp", ' '},     {"thinsp", ' '},
};
/* ISO 8859-1 from 161 on, in its order (HTML 4.01, 24.2.1). */
static const char *const latin_names[] = {
    "iexcl",  "cent",   "pound",  "curren", "yen",    "brvbar", "sect",   "uml",    "copy",   "ordf",
    "laquo",  "not",    "",       "reg",    "macr",   "deg",    "plusmn", "sup2",   "sup3",   "acute",
    "micro",  "para",   "middot", "cedil",  "sup1",   "ordm",   "raquo",  "frac14", "frac12", "frac34",
    "iquest", "Agrave", "Aacute", "Acirc",  "Atilde", "Auml",   "Aring",  "AElig",  "Ccedil", "Egrave",
    "Eacute", "Ecirc",  "Euml",   "Igrave", "Iacute", "Icirc",  "Iuml",   "ETH",    "Ntilde", "Ograve",
    "Oacute", "Ocirc",  "Otilde", "Ouml",   "times",  "Oslash", "Ugrave", "Uacute", "Ucirc",  "Uuml",
    "Yacute", "THORN",  "szlig",  "agrave", "aacute", "acirc",  "atilde", "auml",   "aring",  "aelig",
    "ccedil", "egrave", "eacute", "ecirc",  "euml",   "igrave", "iacute", "icirc",  "iuml",   "eth",
    "ntilde", "ograve", "oacute", "ocirc",  "otilde", "ouml",   "divide", "oslash", "ugrave", "uacute",
    "ucirc",  "uuml",   "yacute", "thorn",  "yuml"};
#define LATIN_FIRST 161

static bool is_blank(char c)
{
    return ascii_is_one_of(c, " \t\r\n\f");
}

static bool is_of(struct slice name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ascii_equal(name, names[i]))
            return true;
    }
    return false;
}
#define IS_OF(name, names) is_of((name), (names), sizeof(names) / sizeof *(names))

static void put(struct html *html, const char *bytes, size_t len)
{
    if (html->len) {
        for (unsigned i = 0; i < html->breaks; i++)
            html->out[html->len++] = '\n';
        if (!html->breaks && html->wants_space)
            html->out[html->len++] = ' ';
    }
    html->breaks = 0;
    html->wants_space = false;
    memcpy(html->out + html->len, bytes, len);
    html->len += len;
}

static void put_code(struct html *html, uint32_t code)
{
    char bytes[4];
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = len; i > 1; i--, code >>= 6)
        bytes[i - 1] = (char)(0x80 | (code & 0x3F));
    bytes[0] = (char)(first[len] | code);
    put(html, bytes, len);
}

static bool read_number(uint32_t *out, struct slice text)
{
    bool is_hex = text.len && ascii_lower(text.ptr[0]) == 'x';
    uint32_t code = 0;
    for (size_t i = is_hex; i < text.len; i++) {
        char c = ascii_lower(text.ptr[i]);
        if (!ascii_is_digit(c) && !(is_hex && c >= 'a' && c <= 'f'))
            return false;
        code = code * (is_hex ? 16 : 10) + (uint32_t)(ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
        if (code > 0x10FFFF)
            return false;
    }
    *out = code;
    return text.len > is_hex && code >= ' ' && (code < 0x7F || code > 0x9F) &&
           (code < 0xD800 || code > 0xDFFF);
}

static bool read_entity(uint32_t *code, struct slice name)
{
    if (name.len && name.ptr[0] == '#')
        return read_number(code, ascii_part(name, 1, name.len));
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        if (slice_is(name, entities[i].name)) {
            *code = entities[i].code;
            return true;
        }
    }
    for (uint32_t i = 0; i < sizeof latin_names / sizeof *latin_names; i++) {
        if (name.len && slice_is(name, latin_names[i])) {
            *code = LATIN_FIRST + i;
            return true;
        }
    }
    return false;
}

static void take_entity(struct html *html)
{
    struct slice rest = ascii_part(html->in, html->at + 1, html->in.len);
    struct slice near = ascii_part(rest, 0, rest.len < ENTITY_MAX ? rest.len : ENTITY_MAX);
    size_t end = ascii_find(near, ';');
    uint32_t code;
    if (end == near.len || !read_entity(&code, ascii_part(near, 0, end))) {
        put(html, "&", 1);
        html->at++;
        return;
    }
    html->at += end + 2;
    if (code == ' ' || code == 0xA0)
        html->wants_space = true;
    else if (code)
        put_code(html, code);
}

static void ask_breaks(struct html *html, unsigned count)
{
    if (html->breaks < count)
        html->breaks = count;
}

/* Behind the end tag of `name`, or at the end of input. */
static size_t skip_hidden(const struct html *html, size_t at, struct slice name)
{
    for (; at + 2 + name.len <= html->in.len; at++) {
        const char *tag = html->in.ptr + at;
        if (tag[0] != '<' || tag[1] != '/')
            continue;
        size_t i = 0;
        while (i < name.len && ascii_lower(tag[2 + i]) == ascii_lower(name.ptr[i]))
            i++;
        if (i == name.len)
            return at;
    }
    return html->in.len;
}

/* The place of the ">" that ends a tag, quotes observed; the end of input when there is none. */
static size_t tag_end(struct slice in, size_t at)
{
    char quote = 0;
    for (; at < in.len; at++) {
        char c = in.ptr[at];
        if (!quote && c == '>')
            return at;
        if (quote && c == quote)
            quote = 0;
        else if (!quote && (c == '"' || c == '\'') && in.ptr[at - 1] == '=')
            quote = c;
    }
    return in.len;
}

static void take_comment(struct html *html)
{
    struct slice in = html->in;
    size_t at = html->at + 4;
    while (at + 3 <= in.len && memcmp(in.ptr + at, "-->", 3) != 0)
        at++;
    html->at = at + 3 < in.len ? at + 3 : in.len;
}

static void take_tag(struct html *html)
{
    struct slice in = html->in;
    bool is_end = html->at + 1 < in.len && in.ptr[html->at + 1] == '/';
    size_t start = html->at + 1 + is_end, at = start;
    while (at < in.len && (ascii_is_letter(in.ptr[at]) || ascii_is_digit(in.ptr[at])))
        at++;
    struct slice name = ascii_part(in, start, at);
    size_t end = tag_end(in, at > html->at + 1 ? at : html->at + 1);
    html->at = end < in.len ? end + 1 : in.len;
    if (!is_end && IS_OF(name, hidden_names) && in.ptr[end < in.len ? end - 1 : start] != '/')
        html->at = skip_hidden(html, html->at, name);
    else if (ascii_equal(name, "br"))
        html->breaks += html->breaks < 2;
    else if (ascii_equal(name, "td") || ascii_equal(name, "th"))
        html->wants_space = true;
    else if (IS_OF(name, block_names))
        ask_breaks(html, ascii_equal(name, "p") ? 2 : 1);
    if (ascii_equal(name, "pre"))
        html->pre = is_end ? 0 : 1;
}

static bool begins_tag(struct slice in, size_t at)
{
    char c = at + 1 < in.len ? in.ptr[at + 1] : ' ';
    return ascii_is_letter(c) || c == '/' || c == '!' || c == '?';
}

static void take_blank(struct html *html)
{
    if (html->pre && html->in.ptr[html->at] == '\n')
        html->breaks += html->breaks < 2;
    else
        html->wants_space = true;
    html->at++;
}

struct slice mail_html_text(struct slice in, struct arena *arena)
{
    struct html html = {.in = in, .out = arena_alloc(arena, in.len + 1)};
    while (html.at < in.len) {
        char c = in.ptr[html.at];
        if (c == '<' && in.len - html.at >= 4 && memcmp(in.ptr + html.at, "<!--", 4) == 0) {
            take_comment(&html);
        } else if (c == '<' && begins_tag(in, html.at)) {
            take_tag(&html);
        } else if (c == '&') {
            take_entity(&html);
        } else if (is_blank(c)) {
            take_blank(&html);
        } else {
            put(&html, &c, 1);
            html.at++;
        }
    }
    return (struct slice){html.out, html.len};
}
