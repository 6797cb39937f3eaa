/* test_device.c -- what is said of each device. */
#define _XOPEN_SOURCE 700
#include "device_case.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

clnorm_device device_list[DEVICE_MOST];
size_t device_count;

static void setup(void)
{
    const clnorm_status status = clnorm_devices(device_list, DEVICE_MOST, &device_count);
    ck_assert_msg(status == CLNORM_OK, "%s", clnorm_last_error(NULL));
    ck_assert_uint_ge(device_count, 1);
    ck_assert_uint_le(device_count, DEVICE_MOST);
}

START_TEST(texts_are_trimmed)
{
    for (size_t i = 0; i < device_count; i++) {
        const char *const texts[] = { device_list[i].name, device_list[i].vendor, device_list[i].driver,
                                      device_list[i].opencl_c, device_list[i].platform_name };
        for (size_t k = 0; k < CLN_COUNT(texts); k++) {
            const size_t n = strlen(texts[k]);
            ck_assert_uint_gt(n, 0);
            ck_assert(texts[k][0] != ' ' && texts[k][n - 1] != ' ');
        }
    }
}
END_TEST

/* Each size that OpenCL names, of 2 to 128, is a bit, and no other is. */
static void check_subgroups(const cln_device *d, bool some)
{
    size_t sizes[32], bytes = 0;
    uint32_t all = 0;
    if (some)
        ck_assert_int_eq(clGetDeviceInfo(d->id, 0x4108, sizeof sizes, sizes, &bytes), CL_SUCCESS);
    for (size_t k = 0; k < bytes / sizeof *sizes; k++)
        all |= (uint32_t)sizes[k];
    ck_assert_uint_eq(d->subgroups, all & 0xfe);
}

START_TEST(description_is_what_opencl_says)
{
    for (size_t i = 0; i < device_count; i++) {
        cln_device d;
        char extensions[8192] = "";
        cl_uint units;
        size_t max_wg;
        cl_ulong local, global, alloc, cache;
        const cl_device_id id = device_list[i].device;
        ck_assert_int_eq(cln_device_query(&d, id), CLNORM_OK);
        clGetDeviceInfo(id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
        clGetDeviceInfo(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof max_wg, &max_wg, NULL);
        clGetDeviceInfo(id, CL_DEVICE_LOCAL_MEM_SIZE, sizeof local, &local, NULL);
        clGetDeviceInfo(id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof global, &global, NULL);
        clGetDeviceInfo(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof alloc, &alloc, NULL);
        clGetDeviceInfo(id, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, sizeof cache, &cache, NULL);
        clGetDeviceInfo(id, CL_DEVICE_EXTENSIONS, sizeof extensions - 1, extensions, NULL);
        ck_assert_ptr_eq(d.id, id);
        ck_assert_uint_eq(d.units, units);
        ck_assert_uint_eq(d.max_wg, max_wg);
        ck_assert_uint_eq(d.local_bytes, local);
        ck_assert_uint_eq(d.global_bytes, global);
        ck_assert_uint_eq(d.max_alloc, alloc);
        ck_assert_uint_eq(d.cache_bytes, cache);
#if defined(_SC_LEVEL2_CACHE_SIZE)
        ck_assert_int_eq((int64_t)d.near_bytes, d.cpu ? sysconf(_SC_LEVEL2_CACHE_SIZE) : 0);
#endif
        ck_assert_int_eq(d.fp16, strstr(extensions, "cl_khr_fp16") != NULL);
        ck_assert_int_eq(d.fp64, strstr(extensions, "cl_khr_fp64") != NULL);
        check_subgroups(&d, strstr(extensions, "cl_khr_subgroup_shuffle ") != NULL &&
                                strstr(extensions, "cl_intel_required_subgroup_size") != NULL);
        ck_assert_int_eq(d.cpu, (device_list[i].type & CL_DEVICE_TYPE_CPU) != 0);
        ck_assert_int_eq(d.pocl,
                         strncmp(d.platform_version, "OpenCL", 6) == 0 && strstr(d.platform_version, "PoCL"));
        ck_assert_uint_eq(device_list[i].units, units);
        ck_assert_uint_eq(device_list[i].max_alloc_bytes, alloc);
        ck_assert_uint_eq(device_list[i].local_bytes, local);
        ck_assert_uint_eq(device_list[i].global_bytes, global);
    }
}
END_TEST

START_TEST(no_device_no_description)
{
    cln_device d, none;
    cl_int code;
    memset(&d, 0x5a, sizeof d);
    memset(&none, 0, sizeof none);
    ck_assert_int_eq(cln_device_query(&d, NULL), CLNORM_ECL);
    ck_assert_mem_eq(&d, &none, sizeof d);
    SAYS(clnorm_last_error(&code), "CL_INVALID_DEVICE");
    ck_assert_int_eq(code, CL_INVALID_DEVICE);
}
END_TEST

START_TEST(time_goes_on)
{
    const uint64_t start = cln_now_ns();
    nanosleep(&(const struct timespec){ 0, 2000000 }, NULL);
    const uint64_t passed = cln_now_ns() - start;
    ck_assert_uint_ge(passed, 2000000u);
    ck_assert_uint_lt(passed, 60000000000u);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "report") == 0)
        return device_report();
    device_self = argv[0];
    TCase *t = SUITE_CASE(texts_are_trimmed, description_is_what_opencl_says, no_device_no_description,
                          time_goes_on);
    device_find(t);
    device_processes(t);
    tcase_add_checked_fixture(t, setup, NULL);
    return suite_run(suite_of("device", t), CK_NOFORK);
}
