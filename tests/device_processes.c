/* device_processes.c -- what other processes find: with other runtimes, with none, and after a fork. */
#define _XOPEN_SOURCE 700
#include "device_case.h"

#include "counted.h"
#include "scratch.h"

#include <sys/wait.h>

#define POCL_ICD "/etc/OpenCL/vendors/pocl.icd"
#define OCLGRIND "/usr/lib/oclgrind/liboclgrind-rt-icd.so"

const char *device_self;

/* What this program says, as device_report does, in another environment. */
static void run_self(char *said, size_t room, const char *environment)
{
    char command[1024];
    ck_assert_int_lt(snprintf(command, sizeof command, "%s '%s' report", environment, device_self),
                     (int)sizeof command);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    said[fread(said, 1, room - 1, pipe)] = '\0';
    ck_assert_int_eq(pclose(pipe), 0);
}

/* The statuses and sentences, then the place in OpenCL's order of the first of all and of the first GPU. */
int device_report(void)
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
        printf("name <%s>, driver <%s>, vendor of %zu, fp16 %d, fp64 %d, units %u\n", found.name,
               found.driver, strlen(found.vendor), (int)found.fp16, (int)found.fp64, (unsigned)found.units);
    return 0;
}

/* Oclgrind puts itself in the loader's place, so that there is no machine without a platform. */
static bool loader_is_bypassed(const char *test)
{
    if (strcmp(device_list[0].platform_name, "Oclgrind") != 0)
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
    snprintf(expected, sizeof expected,
             "name <a padded name>, driver <>, vendor of %zu, fp16 0, fp64 1, units 1\n",
             sizeof device_list->vendor - 1);
    SAYS(said, expected);
    snprintf(command, sizeof command, "CLNORM_TEST_ARGUMENTS=1 OPENCL_LAYERS='%s'", CLNORM_WORDS);
    run_self(said, sizeof said, command);
    ck_assert_msg(strncmp(said, "-15 0 ", 6) == 0, "%s", said); /* none that could run a kernel */
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

void device_processes(TCase *t)
{
    SUITE_ADD(t, without_platform, pocl_without_its_cache, all_devices_are_named, strange_words,
              gpu_before_cpu, after_fork);
}
