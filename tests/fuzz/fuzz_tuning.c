/* fuzz_tuning.c -- a tuning file: refused with a sentence and left as it is, or taken, saved and read back the same.
 *
 * An input is the content of the file. */
#define _XOPEN_SOURCE 700
#include "fuzz.h"

#include "plan/plan.h"

#include <string.h>

static const char *fault_of(const char *name, const cln_tuned *tuned, const cln_device *device)
{
    (void)name;
    return tuned ? cln_tuned_check(tuned, device) : NULL;
}

static cln_tuning *a_table(const cln_device *device)
{
    cln_tuning *t;
    FUZZ_CHECK(cln_tuning_create(&t, device, fault_of) == CLNORM_OK);
    return t;
}

/* What a table saves to a new file, for free(). */
static uint8_t *saved(cln_tuning *t, const char *path, size_t *size)
{
    remove(path);
    FUZZ_CHECK(cln_tuning_save(t, path) == CLNORM_OK);
    return fuzz_read(path, size);
}

/* Of what is saved once more nothing is lost: every line of this device means the same. */
static void check_again(cln_tuning *t, const cln_device *device)
{
    char path[4096];
    size_t first_size, second_size;
    bool absent;
    snprintf(path, sizeof path, "%s/again", fuzz_directory());
    uint8_t *const first = saved(t, path, &first_size);
    cln_tuning *const u = a_table(device);
    FUZZ_CHECK(cln_tuning_load(u, path, &absent) == CLNORM_OK);
    uint8_t *const second = saved(u, path, &second_size);
    FUZZ_CHECK(first_size == second_size && memcmp(first, second, first_size) == 0);
    free(first);
    free(second);
    cln_tuning_release(u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cln_device device;
    char path[4096];
    size_t left_size;
    bool absent;
    memset(&device, 0, sizeof device);
    device.units = 1;
    device.type = CL_DEVICE_TYPE_CPU;
    device.max_wg = 4096;
    strcpy(device.name, "CPU");
    strcpy(device.driver, "1");
    snprintf(path, sizeof path, "%s/tuning.txt", fuzz_directory());
    fuzz_write(path, data, size);
    cln_tuning *const t = a_table(&device);
    if (cln_tuning_load(t, path, &absent) == CLNORM_OK)
        check_again(t, &device);
    else {
        FUZZ_CHECK(!absent && strstr(clnorm_last_error(NULL), path));
        FUZZ_CHECK(cln_tuning_save(t, path) != CLNORM_OK);
        uint8_t *const left = fuzz_read(path, &left_size);
        FUZZ_CHECK(left_size == size && memcmp(left, data, size) == 0);
        free(left);
    }
    cln_tuning_release(t);
    return 0;
}
