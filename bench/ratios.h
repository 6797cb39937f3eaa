/* ratios.h -- how ratios that estimate wrote are distributed. */
#ifndef BENCH_RATIOS_H
#define BENCH_RATIOS_H

#include "base/compiler.h"
#include "timing.h"

#include <stdio.h>
#include <string.h>

#define MOST_PROBLEMS 10000

static inline void bench_print_distribution(const char *what, double *v, size_t n)
{
    static const double within[] = { 1.02, 1.05, 1.1, 1.2, 1.5 };
    qsort(v, n, sizeof *v, bench_by_value);
    printf("%s, %zu problems\n", what, n);
    for (size_t k = 0; k < CLN_COUNT(within); k++) {
        size_t many = 0;
        while (many < n && v[many] <= within[k])
            many++;
        printf("  within %3.0f %%: %5.1f %%\n", within[k] * 100 - 100, 100.0 * (double)many / (double)n);
    }
    printf("  95th of 100: %.3f, worst %.3f\n", v[n * 95 / 100], v[n - 1]);
}

/* The last two numbers of a line: whether they are there and above 0. */
static inline bool bench_last_two(const char *line, double *a, double *b)
{
    const char *last = strrchr(line, '\t'), *tab = last;
    while (tab && tab > line && *--tab != '\t') {
    }
    return tab && sscanf(tab, "%lf%lf", a, b) == 2 && *a > 0 && *b > 0;
}

static inline int bench_distribution(const char *file)
{
    static double ratio[MOST_PROBLEMS], self[MOST_PROBLEMS], old[MOST_PROBLEMS];
    static char line[4096];
    FILE *in = fopen(file, "r");
    size_t n = 0, m = 0, damaged = 0;
    double a, b;
    if (!in) {
        fprintf(stderr, "\"%s\" cannot be read\n", file);
        return 1;
    }
    while (n < MOST_PROBLEMS && m < MOST_PROBLEMS && fgets(line, sizeof line, in)) {
        const bool end = !strncmp(line, "end\t", 4);
        if (!end && strncmp(line, "old\t", 4) != 0)
            continue;
        if (!bench_last_two(line, &a, &b)) {
            damaged++;
        } else if (end) {
            ratio[n] = a;
            self[n++] = b < 1 ? 1 / b : b;
        } else
            old[m++] = b;
    }
    fclose(in);
    if (damaged)
        fprintf(stderr, "\"%s\": %zu lines that are damaged, or of times below 0, do not count\n", file,
                damaged);
    if (n) {
        bench_print_distribution("the planner's time over that of the fastest way", ratio, n);
        bench_print_distribution("the planner's over its own, the noise", self, n);
    }
    if (m)
        bench_print_distribution("that of the way that was the fastest before", old, m);
    return n == 0;
}

#endif
