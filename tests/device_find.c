/* device_find.c -- the list of devices, and the words that name one. */
#define _XOPEN_SOURCE 700
#include "device_case.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

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
    for (size_t i = 1; i < device_count; i++) {
        const int before = rank_of(device_list[i - 1].type), here = rank_of(device_list[i].type);
        ck_assert_int_le(before, here);
        ck_assert(before < here || position(&device_list[i - 1]) < position(&device_list[i]));
    }
}
END_TEST

/* The ids are places in what OpenCL lists, and every one of those is there. */
START_TEST(ids_are_real)
{
    cl_platform_id platforms[DEVICE_MOST];
    cl_device_id devices[DEVICE_MOST];
    cl_uint np = 0, all = 0;
    ck_assert_int_eq(clGetPlatformIDs(DEVICE_MOST, platforms, &np), CL_SUCCESS);
    for (cl_uint p = 0; p < np; p++) {
        cl_uint nd = 0;
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, DEVICE_MOST, devices, &nd) != CL_SUCCESS)
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
    ck_assert_uint_eq(all, device_count);
}
END_TEST

START_TEST(room_bounds_the_list)
{
    clnorm_device few[DEVICE_MOST];
    size_t n = 0;
    ck_assert_int_eq(clnorm_devices(NULL, 0, &n), CLNORM_OK);
    ck_assert_uint_eq(n, device_count);
    memset(few, 0x5a, sizeof few);
    ck_assert_int_eq(clnorm_devices(few, device_count - 1, &n), CLNORM_OK);
    ck_assert_uint_eq(n, device_count);
    ck_assert_mem_eq(few, device_list, (device_count - 1) * sizeof *few);
    ck_assert_uint_eq(((unsigned char *)&few[device_count - 1])[0], 0x5a);
}
END_TEST

START_TEST(bad_arguments)
{
    size_t n = 7;
    ck_assert_int_eq(clnorm_devices(device_list, DEVICE_MOST, NULL), CLNORM_EARG);
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
    while (first < device_count && !(device_list[first].type & type))
        first++;
    const clnorm_status status = clnorm_device_find(&found, spec);
    ck_assert_int_eq(status, first < device_count ? CLNORM_OK : CLNORM_EDEVICE);
    if (status == CLNORM_OK)
        ck_assert_str_eq(found.id, device_list[first].id);
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
    for (size_t i = 0; i < device_count; i++) {
        finds_part(device_list[i].name);
        finds_part(device_list[i].platform_name);
        finds_part(device_list[i].vendor);
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
        for (size_t d = 0; d < device_count; d++) {
            SAYS(clnorm_last_error(NULL), device_list[d].id);
            SAYS(clnorm_last_error(NULL), device_list[d].name);
        }
    }
}
END_TEST

void device_find(TCase *t)
{
    SUITE_ADD(t, list_is_in_order, ids_are_real, room_bounds_the_list, bad_arguments, by_type, by_name,
              no_match_lists_what_there_is);
}
