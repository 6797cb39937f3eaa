/* status.h -- errors: a code and a sentence, per thread. */
#ifndef CLN_STATUS_H
#define CLN_STATUS_H

#include "base/compiler.h"
#include "clnorm.h"

#include <stdarg.h>

/* Records the sentence and returns status, so that `return cln_fail(...)` is the whole error path. */
clnorm_status cln_fail(clnorm_status status, const char *format, ...) CLN_PRINTF(2, 3);

/* The same of a device that has no room: ENOMEM, with the code of OpenCL's own refusals. */
clnorm_status cln_fail_room(const char *format, ...) CLN_PRINTF(1, 2);

/* Appends to the sentence of the failure at hand (a build log, the op's name). */
void cln_fail_more(const char *format, ...) CLN_PRINTF(1, 2);

/* The failure at hand; put back, it is so again: what came in between was none of the call's. */
typedef struct cln_failure {
    char text[4096];
    cl_int code;
} cln_failure;
void cln_fail_keep(cln_failure *out);
void cln_fail_put_back(const cln_failure *failure);

/* Turns an OpenCL error into a status (ENOMEM for memory, ECL otherwise) and keeps code, call and place. */
clnorm_status cln_fail_cl(cl_int code, const char *call, const char *file, int line);

/* "CL_INVALID_VALUE" and so on. */
const char *cln_cl_name(cl_int code);

#define CLN_TRY(expr)                      \
    do {                                   \
        const clnorm_status try_ = (expr); \
        if (try_ != CLNORM_OK)             \
            return try_;                   \
    } while (0)

/* clnorm_status of an OpenCL call that returns its cl_int. */
#define CLN_CL_STATUS(call, text) cln_cl_check((call), text, __FILE__, __LINE__)
#define CLN_CL(call) CLN_TRY(CLN_CL_STATUS(call, #call))

static inline clnorm_status cln_cl_check(cl_int code, const char *call, const char *file, int line)
{
    return code == CL_SUCCESS ? CLNORM_OK : cln_fail_cl(code, call, file, line);
}

#endif
