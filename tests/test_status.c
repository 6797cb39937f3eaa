/* test_status.c -- codes, sentences and the thread's last error. */
#include "base/status.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

/* Every value, its name and text. */
static const struct {
    int value;
    const char *name, *text;
} all[] = {
#define ROW(name, value, text) { value, #name, text },
    CLNORM_STATUS_MAP(ROW)
#undef ROW
};

START_TEST(texts)
{
    for (size_t k = 0; k < CLN_COUNT(all); k++) {
        ck_assert_str_eq(clnorm_status_text((clnorm_status)all[k].value), all[k].text);
        for (size_t i = 0; i < k; i++)
            ck_assert_msg(all[i].value != all[k].value && strcmp(all[i].text, all[k].text) != 0,
                          "%s is as %s", all[k].name, all[i].name);
    }
    const int others[] = { 1, -99, 99, CLNORM_STATUS_INT };
    for (size_t k = 0; k < CLN_COUNT(others); k++)
        ck_assert_str_eq(clnorm_status_text((clnorm_status)others[k]), "an unknown status");
}
END_TEST

START_TEST(version)
{
    const uint32_t v = clnorm_version();
    ck_assert_uint_eq(v >> 16, CLNORM_VERSION_MAJOR);
    ck_assert_uint_eq(v >> 8 & 0xff, CLNORM_VERSION_MINOR);
    ck_assert_uint_eq(v & 0xff, CLNORM_VERSION_PATCH);
}
END_TEST

/* Memory has a status of its own; the sentence has the call without its arguments, and the file without its folder. */
START_TEST(of_opencl)
{
    static const struct {
        cl_int code;
        const char *name;
        clnorm_status status;
    } codes[] = { { CL_OUT_OF_HOST_MEMORY, "CL_OUT_OF_HOST_MEMORY", CLNORM_ENOMEM },
                  { CL_MEM_OBJECT_ALLOCATION_FAILURE, "CL_MEM_OBJECT_ALLOCATION_FAILURE", CLNORM_ENOMEM },
                  { CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES", CLNORM_ECL },
                  { -1001, "CL_PLATFORM_NOT_FOUND_KHR", CLNORM_ECL },
                  { -9999, "an unknown OpenCL error", CLNORM_ECL } };
    static const char *const files[] = { "src/api/some.c", "some.c" };
    for (size_t k = 0; k < CLN_COUNT(codes); k++)
        for (size_t f = 0; f < CLN_COUNT(files); f++) {
            char want[128];
            cl_int code = 1;
            ck_assert_int_eq(cln_fail_cl(codes[k].code, "clFinish(queue)", files[f], 7), codes[k].status);
            snprintf(want, sizeof want, "clFinish returned %s (%d), some.c:7", codes[k].name,
                     (int)codes[k].code);
            ck_assert_str_eq(clnorm_last_error(&code), want);
            ck_assert_int_eq(code, codes[k].code);
        }
    ck_assert_int_eq(cln_cl_check(CL_SUCCESS, "clFinish", "some.c", 7), CLNORM_OK);
    cl_int code = 1;
    ck_assert_int_eq(cln_fail_room("no room for %d bytes", 7), CLNORM_ENOMEM);
    ck_assert_str_eq(clnorm_last_error(&code), "no room for 7 bytes");
    ck_assert_int_eq(code, CL_MEM_OBJECT_ALLOCATION_FAILURE);
}
END_TEST

/* The next failure, with an argument that is the last one's sentence, takes its place; what is too long is cut. */
START_TEST(sentences)
{
    static char longer[5000];
    cl_int code = 1;
    cln_fail(CLNORM_EARG, "eps is %d", -1);
    ck_assert_int_eq(cln_fail(CLNORM_EIO, "in a file: %s", clnorm_last_error(NULL)), CLNORM_EIO);
    ck_assert_str_eq(clnorm_last_error(&code), "in a file: eps is -1");
    ck_assert_int_eq(code, 0);
    cln_fail_more(", line %d", 3);
    ck_assert_str_eq(clnorm_last_error(NULL), "in a file: eps is -1, line 3");
    memset(longer, 'x', sizeof longer - 1);
    cln_fail(CLNORM_EARG, "%s", longer);
    cln_fail_more("and more");
    ck_assert_uint_eq(strlen(clnorm_last_error(NULL)), 4095);
}
END_TEST

int main(void)
{
    return suite_run(suite_of("status", SUITE_CASE(texts, version, of_opencl, sentences)), CK_FORK);
}
