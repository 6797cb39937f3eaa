/* estimate.h -- races of the ways of a problem. */
#ifndef BENCH_ESTIMATE_H
#define BENCH_ESTIMATE_H

#include "api/api.h"

#define MOST_WAYS 96

/* What the launches of a problem's ways share; end may come without begin. */
clnorm_status race_begin(const clnorm_context *ctx);
void race_end(const cln_lab *lab);

/* Each makes the plans that its ways lack, and times them: ns of a way is a quantile of its turns, with the next op. Of heats those
 * that fall behind drop out; a final is of few, of which the first two are the same, and ends when these agree. */
clnorm_status race_heats(cln_lab *lab, cln_way list[], size_t count);
clnorm_status race_final(cln_lab *lab, cln_way list[], size_t count);
/* Only runs each once. */
clnorm_status race_once(cln_lab *lab, cln_way list[], size_t count);
/* Their plans. */
void race_release(cln_way list[], size_t count);

size_t race_fastest(const cln_way list[], size_t count);
/* Of a way that has raced, without the next op. */
double race_ns(const cln_way *w);

#endif
