/* fail.c -- the command's sentences on stderr, and names made safe to print. */
#include "cli/io.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A sentence may name several files; each call of cli_quote takes the next buffer. */
enum { QUOTES = 8, QUOTE_CHARACTERS = 200, CHARACTER_BYTES = 4, SENTENCE_BYTES = 4096 };

/* Characters that are valid UTF-8 but drive a terminal or turn the reading direction. */
static const struct {
    uint32_t first, last;
} hostile[] = { { 0x00, 0x1f },     { 0x7f, 0x9f },     { 0x200e, 0x200f },
                { 0x2028, 0x202e }, { 0x2066, 0x2069 }, { 0xd800, 0xdfff } };

static bool is_hostile(uint32_t character)
{
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        if (character >= hostile[i].first && character <= hostile[i].last)
            return true;
    return false;
}

/* Bytes of the character at s, 0 where it is not UTF-8 in its shortest form or may not be printed. */
static size_t printable(const unsigned char *s)
{
    static const struct {
        unsigned char mask, lead;
        size_t bytes;
        uint32_t least;
    } form[] = {
        { 0x80, 0x00, 1, 0 }, { 0xe0, 0xc0, 2, 0x80 }, { 0xf0, 0xe0, 3, 0x800 }, { 0xf8, 0xf0, 4, 0x10000 }
    };
    for (size_t f = 0; f < sizeof form / sizeof *form; f++) {
        if ((s[0] & form[f].mask) != form[f].lead)
            continue;
        uint32_t character = s[0] & (uint32_t)(0xff ^ form[f].mask);
        for (size_t i = 1; i < form[f].bytes; i++) {
            if ((s[i] & 0xc0) != 0x80) /* the final NUL stops here too */
                return 0;
            character = character << 6 | (s[i] & 0x3fu);
        }
        const bool good = character >= form[f].least && character <= 0x10ffff && !is_hostile(character);
        return good ? form[f].bytes : 0;
    }
    return 0;
}

/* At most so many characters of s, safe to print; returns how many bytes of s they are. */
static size_t escape(char *out, const char *text, size_t characters, bool lines)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t used = 0;
    for (; *s && characters > 0; characters--) {
        const size_t bytes = lines && (*s == '\n' || *s == '\t') ? 1 : printable(s);
        if (bytes) {
            memcpy(out + used, s, bytes);
            used += bytes;
        } else {
            used += (size_t)snprintf(out + used, CHARACTER_BYTES + 1, "\\x%02x", *s);
        }
        s += bytes ? bytes : 1;
    }
    out[used] = '\0';
    return (size_t)(s - (const unsigned char *)text);
}

const char *cli_quote(const char *name)
{
    static char buffers[QUOTES][QUOTE_CHARACTERS * CHARACTER_BYTES + sizeof "..."];
    static unsigned next;
    char *const out = buffers[next++ % QUOTES];
    if (name[escape(out, name, QUOTE_CHARACTERS, false)])
        strcat(out, "...");
    return out[0] ? out : "\"\""; /* that there is nothing is to be seen */
}

/* The library's sentences repeat words as they were given: a line end in them is no line end of ours. */
int cli_fail(int code, const char *format, ...)
{
    char text[SENTENCE_BYTES], safe[SENTENCE_BYTES * CHARACTER_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    escape(safe, text, sizeof text, false);
    fprintf(stderr, "clnorm: %s\n", safe);
    return code;
}

void cli_fail_log(const char *lines)
{
    char safe[SENTENCE_BYTES * CHARACTER_BYTES];
    escape(safe, lines, SENTENCE_BYTES, true);
    fprintf(stderr, "%s\n", safe);
}
