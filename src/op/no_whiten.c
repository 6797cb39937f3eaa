/* no_whiten.c -- a build without CLBlast and LAPACKE: nothing can be fitted. */
#include "base/status.h"
#include "clnorm.h"

static clnorm_status none(void)
{
    return cln_fail(CLNORM_EUNSUPPORTED, "the library was built without CLBlast and LAPACKE");
}

clnorm_status clnorm_whiten_merge(clnorm_whiten_stats *into, const clnorm_whiten_stats *other)
{
    (void)into, (void)other;
    return none();
}

clnorm_status clnorm_whiten_fit(clnorm_whitener *out, const clnorm_whiten_stats *stats)
{
    (void)out, (void)stats;
    return none();
}
