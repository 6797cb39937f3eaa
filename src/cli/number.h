/* number.h -- words of the command line as numbers and names, strictly. */
#ifndef CLI_NUMBER_H
#define CLI_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Decimal digits, a sign, a point, an exponent; nothing before, behind or between. False
 * with the reason in *why for anything else, and for what a float cannot hold: beyond it,
 * or so small that only zero is left. */
bool cli_number(const char *word, double *value, const char **why);
/* "a,b,c" into at most `room` numbers; returns how many, 0 with the reason in *why. */
size_t cli_numbers(const char *word, double *values, size_t room, const char **why);
/* Where `word` is in the list that ends with NULL; -1 when it is not there. */
int cli_word(const char *word, const char *const *list);
/* The list as "a, b or c", for sentences. One static buffer. */
const char *cli_words(const char *const *list);

#endif
