/* guard.c -- see guard.h. */
#define _DEFAULT_SOURCE
#include "guard.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_PLACES 256
#define SKIPPED 77

/* Pages for a buffer, between two that are closed. */
typedef struct place {
    char name[32]; /* "": free */
    unsigned char *pages, *data;
    size_t mapped, bytes;
} place;
static place places[MAX_PLACES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* a runtime lets go of buffers in its own threads */
static char what[2048];

guard_side guard_where(void)
{
    const char *word = getenv("CLNORM_TEST_GUARD");
    if (!word)
        return GUARD_NONE;
    ck_assert_msg(!strcmp(word, "behind") || !strcmp(word, "before"),
                  "CLNORM_TEST_GUARD is \"%s\"; behind and before are allowed", word);
    return strcmp(word, "before") ? GUARD_BEHIND : GUARD_BEFORE;
}

/* ---- pages ---- */

static place *take(const char *name)
{
    size_t k = 0;
    pthread_mutex_lock(&lock);
    while (k < MAX_PLACES && places[k].name[0])
        k++;
    if (k < MAX_PLACES)
        snprintf(places[k].name, sizeof places[k].name, "%s", name);
    pthread_mutex_unlock(&lock);
    ck_assert_uint_lt(k, MAX_PLACES);
    return &places[k];
}

static void map(place *p, size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = (bytes + page - 1) / page * page;
    p->mapped = inner + 2 * page;
    p->pages = (unsigned char *)mmap(NULL, p->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(p->pages, MAP_FAILED);
    ck_assert_int_eq(mprotect(p->pages + page, inner, PROT_READ | PROT_WRITE), 0);
    p->bytes = bytes;
    p->data = p->pages + page + (guard_where() == GUARD_BEHIND ? inner - bytes : 0);
}

static void CL_CALLBACK unmap(cl_mem mem, void *user)
{
    place *p = (place *)user;
    (void)mem;
    pthread_mutex_lock(&lock);
    munmap(p->pages, p->mapped);
    memset(p, 0, sizeof *p);
    pthread_mutex_unlock(&lock);
}

cl_mem guard_buffer(cl_context cl, cl_mem_flags flags, size_t bytes, const void *data, const char *name)
{
    cl_int code;
    place *p = take(name);
    map(p, bytes);
    if (data)
        memcpy(p->data, data, bytes);
    else
        memset(p->data, 0xff, bytes);
    cl_mem mem = clCreateBuffer(cl, flags | CL_MEM_USE_HOST_PTR, bytes, p->data, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    ck_assert_int_eq(clSetMemObjectDestructorCallback(mem, unmap, p), CL_SUCCESS);
    return mem;
}

void guard_workspace(clnorm_args *args, const clnorm_plan *plan, cl_context cl)
{
    const size_t bytes = clnorm_plan_workspace(plan);
    if (guard_where() && bytes)
        args->workspace.mem = guard_buffer(cl, CL_MEM_READ_WRITE, bytes, NULL, "the workspace");
}

static cl_mem own_alloc(void *user, cl_context cl, size_t bytes)
{
    (void)user;
    return guard_buffer(cl, CL_MEM_READ_WRITE, bytes, NULL, "a buffer of the context");
}

static void own_free(void *user, cl_mem mem)
{
    (void)user;
    clReleaseMemObject(mem);
}

void guard_options(clnorm_options *o)
{
    if (!guard_where())
        return;
    o->buffer_alloc = own_alloc;
    o->buffer_free = own_free;
}

/* ---- the line ---- */

void guard_says(const char *text) { snprintf(what, sizeof what, "%s", text); }

/* Whose closed page was touched. */
static void tell_place(char *line, size_t room, const unsigned char *at)
{
    for (const place *p = places; p < places + MAX_PLACES; p++)
        if (p->name[0] && at >= p->pages && at < p->pages + p->mapped) {
            const bool before = at < p->data;
            snprintf(line, room, "guard: %zu bytes %s %s of %zu bytes: ",
                     (size_t)(before ? p->data - at : at - p->data) - (before ? 0 : p->bytes),
                     before ? "before" : "behind the end of", p->name, p->bytes);
            return;
        }
    snprintf(line, room, "guard: a crash elsewhere: ");
}

/* The signal's own way of ending follows, for the handler is gone by then. */
static void crash(int number, siginfo_t *info, void *context)
{
    char line[160];
    (void)number, (void)context;
    tell_place(line, sizeof line, (const unsigned char *)info->si_addr);
    if (write(STDERR_FILENO, line, strlen(line)) < 0 || write(STDERR_FILENO, what, strlen(what)) < 0 ||
        write(STDERR_FILENO, "\n", 1) < 0)
        _exit(1);
}

static void catch_crashes(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = crash;
    action.sa_flags = (int)(SA_SIGINFO | SA_RESETHAND);
    ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
    ck_assert_int_eq(sigaction(SIGBUS, &action, NULL), 0);
}

/* ---- devices ---- */

/* What a CPU's runtime fills must be there without a map. */
static bool uses_host_memory(cl_context cl, cl_command_queue queue, cl_device_id device)
{
    const cl_uint pattern = 0x5a5a5a5a;
    cl_device_type type = 0;
    cl_uint *host = NULL;
    clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    if (!(type & CL_DEVICE_TYPE_CPU))
        return false;
    cl_mem mem = guard_buffer(cl, CL_MEM_READ_WRITE, sizeof pattern, NULL, "a probe");
    clGetMemObjectInfo(mem, CL_MEM_HOST_PTR, sizeof host, &host, NULL);
    ck_assert_int_eq(
        clEnqueueFillBuffer(queue, mem, &pattern, sizeof pattern, 0, sizeof pattern, 0, NULL, NULL),
        CL_SUCCESS);
    clFinish(queue);
    const bool seen = *host == pattern;
    clReleaseMemObject(mem);
    return seen;
}

void guard_begin(cl_context cl, cl_command_queue queue, cl_device_id device)
{
    if (!guard_where())
        return;
    if (!uses_host_memory(cl, queue, device)) {
        printf("skipped: the device does not use the host's memory, so that a guard page guards nothing\n");
        exit(SKIPPED);
    }
    catch_crashes();
    guard_says("no case yet");
}
