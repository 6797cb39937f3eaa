/* find.c -- the devices of this machine, and the one that a few words mean. */
#define _POSIX_C_SOURCE 200809L
#include "device/device.h"

#include "base/fork.h"
#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_PLATFORM (-1001) /* CL_PLATFORM_NOT_FOUND_KHR, from the loader */

/* ---- what to install ---- */

typedef struct vendor {
    const char *pci, *name, *package;
} vendor;
static const vendor vendors[] = {
    { "0x10de", "NVIDIA", "nvidia-opencl-icd" },
    { "0x1002", "AMD", "mesa-opencl-icd or rocm-opencl-icd" },
    { "0x8086", "Intel", "intel-opencl-icd" },
};

#if defined(__linux__)
#include <dirent.h>

/* The first line of a small file that starts with `key`; "" when there is none. */
static void read_line(char *line, int room, const char *path, const char *key)
{
    FILE *file = fopen(path, "r");
    while (file && fgets(line, room, file))
        if (strncmp(line, key, strlen(key)) == 0) {
            fclose(file);
            return;
        }
    if (file)
        fclose(file);
    line[0] = '\0';
}

static bool has_apt(void)
{
    char line[256];
    read_line(line, sizeof line, "/etc/os-release", "ID=");
    if (strstr(line, "debian") || strstr(line, "ubuntu"))
        return true;
    read_line(line, sizeof line, "/etc/os-release", "ID_LIKE=");
    return strstr(line, "debian") != NULL;
}

/* Bit i for vendors[i], of display controllers (PCI class 03) alone. */
static unsigned graphics_cards(void)
{
    static const char root[] = "/sys/bus/pci/devices";
    unsigned found = 0;
    DIR *const listing = opendir(root);
    for (struct dirent *e; listing && (e = readdir(listing)) != NULL;) {
        char path[sizeof root + 300], line[64];
        snprintf(path, sizeof path, "%s/%.255s/class", root, e->d_name);
        read_line(line, sizeof line, path, "0x03");
        snprintf(path, sizeof path, "%s/%.255s/vendor", root, e->d_name);
        for (size_t i = 0; i < CLN_COUNT(vendors) && line[0]; i++) {
            char id[64];
            read_line(id, sizeof id, path, vendors[i].pci);
            found |= (unsigned)(id[0] != '\0') << i;
        }
    }
    if (listing)
        closedir(listing);
    return found;
}
#else
static bool has_apt(void) { return false; }
static unsigned graphics_cards(void) { return 0; }
#endif

/* Appends how this machine gets a device. */
static void append_advice(void)
{
    const bool apt = has_apt();
    const unsigned cards = graphics_cards();
    cln_fail_more(apt ? "; for the CPU run `apt install pocl-opencl-icd`"
                      : "; for the CPU install PoCL (pocl-opencl-icd in Debian)");
    for (size_t i = 0; i < CLN_COUNT(vendors); i++)
        if (cards >> i & 1u)
            cln_fail_more(apt ? ", for the %s GPU `apt install %s`"
                              : ", for the %s GPU its driver (%s in Debian)",
                          vendors[i].name, vendors[i].package);
    if (!cards)
        cln_fail_more(", for a GPU its maker's OpenCL driver");
}

/* ---- the list ---- */

typedef struct found {
    clnorm_device *list;
    size_t count, room;
    cl_uint platforms;
    bool pocl_empty; /* a PoCL without its device */
} found;

static clnorm_status push(found *f, const clnorm_device *device)
{
    if (f->count == f->room) {
        const size_t room = 2 * f->room + 4;
        clnorm_device *grown = (clnorm_device *)realloc(f->list, room * sizeof *grown);
        if (!grown)
            return cln_fail(CLNORM_ENOMEM, "no host memory for a list of %zu devices", room);
        f->list = grown;
        f->room = room;
    }
    f->list[f->count++] = *device;
    return CLNORM_OK;
}

static void describe(clnorm_device *out, const cln_device *d, cl_uint platform, cl_uint device)
{
    memset(out, 0, sizeof *out);
    out->platform = d->platform;
    out->device = d->id;
    out->type = d->type;
    snprintf(out->id, sizeof out->id, "%u:%u", platform & 0xffffu, device & 0xffffu);
    memcpy(out->name, d->name, sizeof out->name);
    memcpy(out->platform_name, d->platform_name, sizeof out->platform_name);
    memcpy(out->vendor, d->vendor, sizeof out->vendor);
    memcpy(out->driver, d->driver, sizeof out->driver);
    memcpy(out->opencl_c, d->opencl_c, sizeof out->opencl_c);
    out->units = d->units;
    out->fp16 = d->fp16;
    out->fp64 = d->fp64;
    out->images = d->images;
    out->local_bytes = d->local_bytes;
    out->global_bytes = d->global_bytes;
    out->max_alloc_bytes = d->max_alloc;
}

static bool is_pocl(cl_platform_id platform)
{
    char name[256] = "";
    return clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name - 1, name, NULL) == CL_SUCCESS &&
           strstr(name, "Portable Computing Language");
}

/* A device that does not answer is left out: it must not hide the others. Only our own lack of memory stops.
 */
static clnorm_status add_devices(found *f, const cl_device_id *ids, cl_uint n, cl_uint platform)
{
    for (cl_uint i = 0; i < n; i++) {
        cln_device d;
        clnorm_device described;
        const clnorm_status status = cln_device_query(&d, ids[i]);
        if (status == CLNORM_ENOMEM)
            return status;
        if (status != CLNORM_OK)
            continue;
        describe(&described, &d, platform, i);
        CLN_TRY(push(f, &described));
    }
    return CLNORM_OK;
}

static clnorm_status add_platform(found *f, cl_platform_id id, cl_uint platform)
{
    cl_uint n = 0;
    if (clGetDeviceIDs(id, CL_DEVICE_TYPE_ALL, 0, NULL, &n) != CL_SUCCESS || n == 0) {
        f->pocl_empty |= is_pocl(id);
        return CLNORM_OK;
    }
    cl_device_id *ids = (cl_device_id *)calloc(n, sizeof *ids);
    if (!ids)
        return cln_fail(CLNORM_ENOMEM, "no host memory for a list of %u devices", n);
    clnorm_status status = CLNORM_OK;
    if (clGetDeviceIDs(id, CL_DEVICE_TYPE_ALL, n, ids, NULL) == CL_SUCCESS)
        status = add_devices(f, ids, n, platform);
    free(ids);
    return status;
}

static clnorm_status add_platforms(found *f)
{
    const cl_int code = clGetPlatformIDs(0, NULL, &f->platforms);
    if (code == NO_PLATFORM || (code == CL_SUCCESS && f->platforms == 0)) {
        f->platforms = 0;
        return CLNORM_OK;
    }
    CLN_TRY(CLN_CL_STATUS(code, "clGetPlatformIDs"));
    cl_platform_id *ids = (cl_platform_id *)calloc(f->platforms, sizeof *ids);
    if (!ids)
        return cln_fail(CLNORM_ENOMEM, "no host memory for a list of %u platforms", f->platforms);
    clnorm_status status = CLN_CL_STATUS(clGetPlatformIDs(f->platforms, ids, NULL), "clGetPlatformIDs");
    for (cl_uint i = 0; i < f->platforms && status == CLNORM_OK; i++)
        status = add_platform(f, ids[i], i);
    free(ids);
    return status;
}

static clnorm_status fail_without_device(const found *f)
{
    if (f->platforms == 0)
        cln_fail(CLNORM_ENODEVICE, "there is no OpenCL platform on this machine");
    else
        cln_fail(CLNORM_ENODEVICE, "none of the %u OpenCL platforms of this machine has a device",
                 f->platforms);
    if (f->pocl_empty)
        cln_fail_more(
            "; PoCL hides its device when it cannot write its cache: set POCL_CACHE_DIR or HOME to a "
            "directory that it may write");
    else
        append_advice();
    return CLNORM_ENODEVICE;
}

/* The order in which devices are preferred; a device may have several type bits, the first here counts. */
static const struct {
    const char *name;
    cl_device_type type;
} types[] = {
    { "gpu", CL_DEVICE_TYPE_GPU },
    { "accelerator", CL_DEVICE_TYPE_ACCELERATOR },
    { "cpu", CL_DEVICE_TYPE_CPU },
};

static size_t rank_of(const clnorm_device *d)
{
    size_t i = 0;
    while (i < CLN_COUNT(types) && !(d->type & types[i].type))
        i++;
    return i;
}

/* Sorts by rank and keeps the order within one; lists are short. */
static void sort(clnorm_device *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const clnorm_device d = list[i];
        size_t at = i;
        for (; at > 0 && rank_of(&list[at - 1]) > rank_of(&d); at--)
            list[at] = list[at - 1];
        list[at] = d;
    }
}

/* All devices; on success there is at least one and the caller frees f->list. */
static clnorm_status find_all(found *f)
{
    memset(f, 0, sizeof *f);
    CLN_TRY(cln_fork_check());
    cln_fork_watch();
    clnorm_status status = add_platforms(f);
    if (status == CLNORM_OK && f->count == 0)
        status = fail_without_device(f);
    if (status == CLNORM_OK)
        sort(f->list, f->count);
    else
        free(f->list);
    return status;
}

clnorm_status clnorm_devices(clnorm_device *list, size_t room, size_t *count)
{
    found f;
    if (!count)
        return cln_fail(CLNORM_EARG, "count is NULL; it receives the number of devices");
    *count = 0;
    if (!list && room > 0)
        return cln_fail(CLNORM_EARG, "list is NULL but room is %zu; room of a missing list is 0", room);
    CLN_TRY(find_all(&f));
    for (size_t i = 0; i < f.count && i < room; i++)
        list[i] = f.list[i];
    *count = f.count;
    free(f.list);
    return CLNORM_OK;
}

/* ---- one device ---- */

/* Of ASCII, whatever the locale. */
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static bool starts(const char *text, const char *part)
{
    while (*part && lower(*text) == lower(*part))
        text++, part++;
    return !*part;
}

static bool contains(const char *text, const char *part)
{
    while (*text && !starts(text, part))
        text++;
    return *text != '\0';
}

/* "0:0" and the like: an id is never a part of a name. */
static bool is_id(const char *spec)
{
    static const char digits[] = "0123456789";
    const size_t platform = strspn(spec, digits);
    if (platform == 0 || spec[platform] != ':')
        return false;
    const size_t device = strspn(spec + platform + 1, digits);
    return device > 0 && spec[platform + 1 + device] == '\0';
}

static bool matches(const clnorm_device *d, const char *spec)
{
    if (!spec || !spec[0])
        return true;
    if (is_id(spec))
        return strcmp(spec, d->id) == 0;
    for (size_t i = 0; i < CLN_COUNT(types); i++)
        if (starts(spec, types[i].name) && !spec[strlen(types[i].name)])
            return (d->type & types[i].type) != 0;
    return contains(d->name, spec) || contains(d->platform_name, spec) || contains(d->vendor, spec);
}

static clnorm_status fail_without_match(const found *f, const char *spec)
{
    cln_fail(CLNORM_EDEVICE, "no device is \"%.200s\"; there is", spec);
    for (size_t i = 0; i < f->count; i++)
        cln_fail_more("%s %s (%s)", i ? "," : "", f->list[i].id, f->list[i].name);
    return CLNORM_EDEVICE;
}

clnorm_status clnorm_device_find(clnorm_device *out, const char *spec)
{
    found f;
    if (!out)
        return cln_fail(CLNORM_EARG, "out is NULL; it receives the device");
    memset(out, 0, sizeof *out);
    CLN_TRY(find_all(&f));
    size_t i = 0;
    while (i < f.count && !matches(&f.list[i], spec))
        i++;
    const clnorm_status status = i < f.count ? CLNORM_OK : fail_without_match(&f, spec);
    if (status == CLNORM_OK)
        *out = f.list[i];
    free(f.list);
    return status;
}
