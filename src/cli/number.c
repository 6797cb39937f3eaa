/* number.c -- words of the command line as numbers and names, strictly. */
#include "cli/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* strtod alone would also take blanks, "0x1p3", "inf" and "nan". The command never calls
 * setlocale, so that the point is a point in every locale. */
static bool reads_as_decimal(const char *word)
{
    return word[0] && word[strspn(word, "0123456789+-.eE")] == '\0';
}

static bool says_zero(const char *word)
{
    return word[strcspn(word, "123456789eE")] == '\0' || strchr("eE", word[strcspn(word, "123456789eE")]);
}

bool cli_number(const char *word, double *value, const char **why)
{
    char *end = NULL;
    *why = "is not a number";
    *value = 0;
    if (!reads_as_decimal(word))
        return false;
    const double v = strtod(word, &end);
    if (end == word || *end)
        return false;
    *why = "is larger than a float can be";
    if (!isfinite(v) || fabs(v) > (double)FLT_MAX)
        return false;
    *why = "is smaller than a float can be";
    if ((float)v == 0.0f && !says_zero(word))
        return false;
    *value = v;
    return true;
}

size_t cli_numbers(const char *word, double *values, size_t room, const char **why)
{
    for (size_t n = 0;;) {
        char one[64];
        const size_t length = strcspn(word, ",");
        *why = "has too many numbers";
        if (n == room)
            return 0;
        *why = "is not a list of numbers";
        if (length >= sizeof one)
            return 0;
        memcpy(one, word, length);
        one[length] = '\0';
        if (!cli_number(one, &values[n++], why))
            return 0;
        if (!word[length])
            return n;
        word += length + 1;
    }
}

int cli_word(const char *word, const char *const *list)
{
    for (int k = 0; list[k]; k++)
        if (strcmp(word, list[k]) == 0)
            return k;
    return -1;
}

const char *cli_words(const char *const *list)
{
    static char text[512];
    size_t used = 0;
    text[0] = '\0';
    for (size_t k = 0; list[k] && used < sizeof text; k++) {
        const char *before = k == 0 ? "" : list[k + 1] ? ", " : " or ";
        const int n = snprintf(text + used, sizeof text - used, "%s%s", before, list[k]);
        used += n > 0 ? (size_t)n : 0;
    }
    return text;
}
