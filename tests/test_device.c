/* test_device.c -- the list of devices, the words that name one, and what is said where there is none. */
#define _XOPEN_SOURCE 700
#include "counted.h"
#include "device/device.h"

#include "base/compiler.h"
#include "scratch.h"
#include "suite.h"

#include <ctype.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 16
#define POCL_ICD "/etc/OpenCL/vendors/pocl.icd"
#define OCLGRIND "/usr/lib/oclgrind/liboclgrind-rt-icd.so"

static clnorm_device list[MOST];
static size_t count;
static const char *self; /* this program, to run it where there is no device */

static void setup(void)
{
    const clnorm_status status = clnorm_devices(list, MOST, &count);
    ck_assert_msg(status == CLNORM_OK, "%s", clnorm_last_error(NULL));
    ck_assert_uint_ge(count, 1);
    ck_assert_uint_le(count, MOST);
}

#define SAYS(sentence, words) \
    ck_assert_msg(strstr(sentence, words) != NULL, "no \"%s\" in: %s", words, sentence)

static int rank_of(cl_device_type type)
{
    return type & CL_DEVICE_TYPE_GPU           ? 0
           : type & CL_DEVICE_TYPE_ACCELERATOR ? 1
           : type & CL_DEVICE_TYPE_CPU         ? 2
                                               : 3;
}

/* The position in the enumeration of OpenCL itself, as one number. */
static unsigned position(const clnorm_device *d)
{
    unsigned platform, device;
    ck_assert_int_eq(sscanf(d->id, "%u:%u", &platform, &device), 2);
    return platform << 16 | device;
}

START_TEST(list_is_in_order)
{
    for (size_t i = 1; i < count; i++) {
        const int before = rank_of(list[i - 1].type), here = rank_of(list[i].type);
        ck_assert_int_le(before, here);
        ck_assert(before < here || position(&list[i - 1]) < position(&list[i]));
    }
}
END_TEST

/* The ids are places in what OpenCL lists, and every one of those is there. */
START_TEST(ids_are_real)
{
    cl_platform_id platforms[MOST];
    cl_device_id devices[MOST];
    cl_uint np = 0, all = 0;
    ck_assert_int_eq(clGetPlatformIDs(MOST, platforms, &np), CL_SUCCESS);
    for (cl_uint p = 0; p < np; p++) {
        cl_uint nd = 0;
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, MOST, devices, &nd) != CL_SUCCESS)
            continue;
        for (cl_uint d = 0; d < nd; d++, all++) {
            char id[16];
            clnorm_device found;
            snprintf(id, sizeof id, "%u:%u", p & 0xffffu, d & 0xffffu);
            ck_assert_int_eq(clnorm_device_find(&found, id), CLNORM_OK);
            ck_assert_str_eq(found.id, id);
            ck_assert_ptr_eq(found.device, devices[d]);
            ck_assert_ptr_eq(found.platform, platforms[p]);
        }
    }
    ck_assert_uint_eq(all, count);
}
END_TEST

START_TEST(room_bounds_the_list)
{
    clnorm_device few[MOST];
    size_t n = 0;
    ck_assert_int_eq(clnorm_devices(NULL, 0, &n), CLNORM_OK);
    ck_assert_uint_eq(n, count);
    memset(few, 0x5a, sizeof few);
    ck_assert_int_eq(clnorm_devices(few, count - 1, &n), CLNORM_OK);
    ck_assert_uint_eq(n, count);
    ck_assert_mem_eq(few, list, (count - 1) * sizeof *few);
    ck_assert_uint_eq(((unsigned char *)&few[count - 1])[0], 0x5a);
}
END_TEST

START_TEST(bad_arguments)
{
    size_t n = 7;
    ck_assert_int_eq(clnorm_devices(list, MOST, NULL), CLNORM_EARG);
    SAYS(clnorm_last_error(NULL), "count");
    ck_assert_int_eq(clnorm_devices(NULL, 1, &n), CLNORM_EARG);
    SAYS(clnorm_last_error(NULL), "room");
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(clnorm_device_find(NULL, NULL), CLNORM_EARG);
}
END_TEST

static void finds_one_of(const char *spec, cl_device_type type)
{
    clnorm_device found;
    size_t first = 0;
    while (first < count && !(list[first].type & type))
        first++;
    const clnorm_status status = clnorm_device_find(&found, spec);
    ck_assert_int_eq(status, first < count ? CLNORM_OK : CLNORM_EDEVICE);
    if (status == CLNORM_OK)
        ck_assert_str_eq(found.id, list[first].id);
}

START_TEST(by_type)
{
    finds_one_of(NULL, CL_DEVICE_TYPE_ALL);
    finds_one_of("", CL_DEVICE_TYPE_ALL);
    finds_one_of("gpu", CL_DEVICE_TYPE_GPU);
    finds_one_of("cpu", CL_DEVICE_TYPE_CPU);
    finds_one_of("CPU", CL_DEVICE_TYPE_CPU);
    finds_one_of("Accelerator", CL_DEVICE_TYPE_ACCELERATOR);
}
END_TEST

/* A part of the text, in the other case, leads to a device. */
static void finds_part(const char *text)
{
    char part[128];
    clnorm_device found;
    const size_t from = strlen(text) / 3;
    snprintf(part, sizeof part, "%s", text + from);
    for (char *c = part; *c; c++)
        *c = (char)(islower((unsigned char)*c) ? toupper((unsigned char)*c) : tolower((unsigned char)*c));
    ck_assert_msg(clnorm_device_find(&found, part) == CLNORM_OK, "%s: %s", part, clnorm_last_error(NULL));
}

START_TEST(by_name)
{
    for (size_t i = 0; i < count; i++) {
        finds_part(list[i].name);
        finds_part(list[i].platform_name);
        finds_part(list[i].vendor);
    }
}
END_TEST

START_TEST(no_match_lists_what_there_is)
{
    static const char *const specs[] = { "no such device", "9:9",  "0:",    ":0",
                                         "0:0:0",          "gpux", "00:00", "99999999999" };
    for (size_t i = 0; i < CLN_COUNT(specs); i++) {
        clnorm_device found, none;
        memset(&found, 0x5a, sizeof found);
        memset(&none, 0, sizeof none);
        ck_assert_int_eq(clnorm_device_find(&found, specs[i]), CLNORM_EDEVICE);
        ck_assert_mem_eq(&found, &none, sizeof none);
        SAYS(clnorm_last_error(NULL), specs[i]);
        for (size_t d = 0; d < count; d++) {
            SAYS(clnorm_last_error(NULL), list[d].id);
            SAYS(clnorm_last_error(NULL), list[d].name);
        }
    }
}
END_TEST

/* ---- the description ---- */

START_TEST(texts_are_trimmed)
{
    for (size_t i = 0; i < count; i++) {
        const char *const texts[] = { list[i].name, list[i].vendor, list[i].driver, list[i].opencl_c,
                                      list[i].platform_name };
        for (size_t k = 0; k < CLN_COUNT(texts); k++) {
            const size_t n = strlen(texts[k]);
            ck_assert_uint_gt(n, 0);
            ck_assert(texts[k][0] != ' ' && texts[k][n - 1] != ' ');
        }
    }
}
END_TEST

/* Each size that OpenCL names is a bit, and no other is. */
static void check_subgroups(const cln_device *d, bool some)
{
    size_t sizes[32], bytes = 0;
    uint32_t all = 0;
    if (some)
        ck_assert_int_eq(clGetDeviceInfo(d->id, 0x4108, sizeof sizes, sizes, &bytes), CL_SUCCESS);
    for (size_t k = 0; k < bytes / sizeof *sizes; k++)
        all |= (uint32_t)sizes[k];
    ck_assert_uint_eq(d->subgroups, all);
}

START_TEST(description_is_what_opencl_says)
{
    for (size_t i = 0; i < count; i++) {
        cln_device d;
        char extensions[8192] = "";
        cl_uint units;
        size_t max_wg;
        cl_ulong local, global, alloc, cache;
        cl_device_fp_config config;
        const cl_device_id id = list[i].device;
        ck_assert_int_eq(cln_device_query(&d, id), CLNORM_OK);
        clGetDeviceInfo(id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
        clGetDeviceInfo(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof max_wg, &max_wg, NULL);
        clGetDeviceInfo(id, CL_DEVICE_LOCAL_MEM_SIZE, sizeof local, &local, NULL);
        clGetDeviceInfo(id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof global, &global, NULL);
        clGetDeviceInfo(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof alloc, &alloc, NULL);
        clGetDeviceInfo(id, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, sizeof cache, &cache, NULL);
        clGetDeviceInfo(id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof config, &config, NULL);
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
        ck_assert_int_eq(d.denorm, (config & CL_FP_DENORM) != 0);
        ck_assert_int_eq(d.fp16, strstr(extensions, "cl_khr_fp16") != NULL);
        ck_assert_int_eq(d.fp64, strstr(extensions, "cl_khr_fp64") != NULL);
        check_subgroups(&d, strstr(extensions, "cl_khr_subgroup_shuffle ") != NULL &&
                                strstr(extensions, "cl_intel_required_subgroup_size") != NULL);
        ck_assert_int_eq(d.cpu, (list[i].type & CL_DEVICE_TYPE_CPU) != 0);
        ck_assert_int_eq(d.pocl,
                         strncmp(d.platform_version, "OpenCL", 6) == 0 && strstr(d.platform_version, "PoCL"));
        ck_assert_uint_eq(list[i].units, units);
        ck_assert_uint_eq(list[i].max_alloc_bytes, alloc);
        ck_assert_uint_eq(list[i].local_bytes, local);
        ck_assert_uint_eq(list[i].global_bytes, global);
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

/* ---- other processes ---- */

/* What this program says, as report() does, in another environment. */
static void run_self(char *said, size_t room, const char *environment)
{
    char command[1024];
    ck_assert_int_lt(snprintf(command, sizeof command, "%s '%s' report", environment, self),
                     (int)sizeof command);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    said[fread(said, 1, room - 1, pipe)] = '\0';
    ck_assert_int_eq(pclose(pipe), 0);
}

/* The statuses and sentences, then the place in OpenCL's order of the first of all and of the first GPU. */
static int report(void)
{
    clnorm_device found;
    size_t n = 7;
    const clnorm_status status = clnorm_devices(NULL, 0, &n);
    printf("%d %zu %s\n", (int)status, n, clnorm_last_error(NULL));
    printf("%d %s\n", (int)clnorm_device_find(&found, "gpu"), clnorm_last_error(NULL));
    if (clnorm_device_find(&found, NULL) == CLNORM_OK)
        printf("first %s\n", found.id);
    if (clnorm_device_find(&found, "gpu") == CLNORM_OK)
        printf("gpu %s\n", found.id);
    if (clnorm_device_find(&found, NULL) == CLNORM_OK)
        printf("name <%s>, driver <%s>, vendor of %zu, fp16 %d, fp64 %d\n", found.name, found.driver,
               strlen(found.vendor), (int)found.fp16, (int)found.fp64);
    return 0;
}

/* Oclgrind puts itself in the loader's place, so that there is no machine without a platform. */
static bool loader_is_bypassed(const char *test)
{
    if (strcmp(list[0].platform_name, "Oclgrind") != 0)
        return false;
    fprintf(stderr, "%s is left out: Oclgrind is there in every environment\n", test);
    return true;
}

START_TEST(without_platform)
{
    char said[4096];
    if (loader_is_bypassed("without_platform"))
        return;
    run_self(said, sizeof said, "OCL_ICD_VENDORS=/nonexistent");
    ck_assert_msg(strncmp(said, "-15 0 there is no OpenCL platform", 33) == 0, "%s", said);
    SAYS(said, "pocl-opencl-icd");
    SAYS(said, "GPU"); /* and a word on GPUs, with or without a card in this machine */
    SAYS(said, "\n-15 ");
}
END_TEST

/* As the only runtime of a program. */
static bool pocl_is_out_of_reach(const char *test)
{
    if (loader_is_bypassed(test))
        return true;
    if (access(POCL_ICD, R_OK) == 0)
        return false;
    fprintf(stderr, "%s is left out: there is no " POCL_ICD "\n", test);
    return true;
}

START_TEST(pocl_without_its_cache)
{
    char said[4096];
    if (pocl_is_out_of_reach("pocl_without_its_cache"))
        return;
    run_self(said, sizeof said, "OCL_ICD_VENDORS=" POCL_ICD " POCL_CACHE_DIR=/dev/null/none");
    ck_assert_msg(strncmp(said, "-15 0 none of the 1 OpenCL platforms", 36) == 0, "%s", said);
    SAYS(said, "set POCL_CACHE_DIR or HOME");
}
END_TEST

START_TEST(all_devices_are_named)
{
    char said[4096];
    if (pocl_is_out_of_reach("all_devices_are_named"))
        return;
    run_self(said, sizeof said, "OCL_ICD_VENDORS=" POCL_ICD " POCL_DEVICES='pthread pthread'");
    SAYS(said, "no device is \"gpu\"; there is 0:0 (");
    SAYS(said, "), 0:1 (");
}
END_TEST

/* Names are trimmed and cut, and an extension is a whole word. */
START_TEST(strange_words)
{
    char said[4096], command[512], expected[128];
    if (loader_is_bypassed("strange_words"))
        return;
    ck_assert_int_lt(snprintf(command, sizeof command, "OPENCL_LAYERS='%s'", CLNORM_WORDS),
                     (int)sizeof command);
    run_self(said, sizeof said, command);
    snprintf(expected, sizeof expected, "name <a padded name>, driver <>, vendor of %zu, fp16 0, fp64 1\n",
             sizeof list->vendor - 1);
    SAYS(said, expected);
}
END_TEST

/* PoCL and, calling itself a GPU too, Oclgrind, in both orders of the loader. */
START_TEST(gpu_before_cpu)
{
    static const char *const names[] = { "a.icd", "b.icd" };
    char root[SCRATCH_PATH], path[SCRATCH_PATH], command[2 * SCRATCH_PATH], said[4096];
    bool came_second = false;
    if (loader_is_bypassed("gpu_before_cpu"))
        return;
    if (access(POCL_ICD, R_OK) != 0 || access(OCLGRIND, R_OK) != 0) {
        fprintf(stderr, "gpu_before_cpu is left out: it needs PoCL and Oclgrind\n");
        return;
    }
    scratch_create(root);
    for (size_t swap = 0; swap < 2; swap++) {
        size_t bytes;
        unsigned char *pocl = scratch_read(POCL_ICD, &bytes);
        scratch_write(scratch_path(path, root, names[swap]), pocl, bytes);
        scratch_write(scratch_path(path, root, names[!swap]), OCLGRIND, strlen(OCLGRIND));
        free(pocl);
        snprintf(command, sizeof command, "OCL_ICD_PLATFORM_SORT=none OCL_ICD_VENDORS='%s'", root);
        run_self(said, sizeof said, command);
        const char *first = strstr(said, "first "), *gpu = strstr(said, "gpu ");
        ck_assert_msg(first && gpu && strncmp(first + 6, gpu + 4, 3) == 0, "%s", said);
        came_second |= strncmp(gpu + 4, "1:0", 3) == 0;
    }
    scratch_remove(root);
    ck_assert(came_second); /* else the order of the loader has decided, and not ours */
}
END_TEST

START_TEST(after_fork)
{
    int status = 0;
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        size_t n;
        clnorm_device found;
        const bool refused =
            clnorm_devices(NULL, 0, &n) == CLNORM_EFORK && clnorm_device_find(&found, NULL) == CLNORM_EFORK;
        counted_exit(refused ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "report") == 0)
        return report();
    self = argv[0];
    TCase *t =
        SUITE_CASE(list_is_in_order, ids_are_real, room_bounds_the_list, bad_arguments, by_type, by_name,
                   no_match_lists_what_there_is, texts_are_trimmed, description_is_what_opencl_says,
                   no_device_no_description, time_goes_on, without_platform, pocl_without_its_cache,
                   all_devices_are_named, strange_words, gpu_before_cpu, after_fork);
    tcase_add_checked_fixture(t, setup, NULL);
    return suite_run(suite_of("device", t), CK_NOFORK);
}
