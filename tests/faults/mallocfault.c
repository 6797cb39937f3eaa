/* mallocfault.c -- preloaded: fails the N-th allocation that clnorm's own objects make, and counts the bytes
 * that they have not given back. MALLOCFAULT=N:CODE:once, the code being of no matter. */
#define _GNU_SOURCE
#include "fault.h"
#include "ours.h"

#include <pthread.h>

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t n, size_t bytes);
extern void *__libc_realloc(void *p, size_t bytes);
extern void __libc_free(void *p);

FAULT_EXPORT fault mallocfault;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- what is live: open addressing, since nothing may be allocated here ---- */

#define ROOM ((size_t)1 << 18)
#define GONE ((void *)1)
static struct {
    void *at;
    size_t bytes;
} table[ROOM];

static size_t place(const void *p) { return ((uintptr_t)p >> 4) * 0x9E3779B97F4A7C15u % ROOM; }

static void add(void *p, size_t bytes)
{
    size_t i = place(p);
    while (table[i].at && table[i].at != GONE)
        i = (i + 1) % ROOM;
    table[i].at = p;
    table[i].bytes = bytes;
    mallocfault.live += bytes;
}

static void drop(const void *p)
{
    size_t i = place(p);
    while (table[i].at && table[i].at != p)
        i = (i + 1) % ROOM;
    if (!table[i].at)
        return;
    mallocfault.live -= table[i].bytes;
    table[i].at = table[(i + 1) % ROOM].at ? GONE : NULL;
}

/* ---- the calls ---- */

static int refused(const char *call)
{
    pthread_mutex_lock(&lock);
    const int code = fault_hit(&mallocfault, call);
    pthread_mutex_unlock(&lock);
    if (code)
        errno = ENOMEM;
    return code;
}

static void *entered(void *p, size_t bytes)
{
    pthread_mutex_lock(&lock);
    if (p && mallocfault.on)
        add(p, bytes);
    pthread_mutex_unlock(&lock);
    return p;
}

static void forget(const void *p)
{
    pthread_mutex_lock(&lock);
    if (mallocfault.live)
        drop(p);
    pthread_mutex_unlock(&lock);
}

FAULT_EXPORT void *malloc(size_t bytes)
{
    if (!OURS())
        return __libc_malloc(bytes);
    return refused("malloc") ? NULL : entered(__libc_malloc(bytes), bytes);
}

FAULT_EXPORT void *calloc(size_t n, size_t bytes)
{
    if (!OURS())
        return __libc_calloc(n, bytes);
    return refused("calloc") ? NULL : entered(__libc_calloc(n, bytes), n * bytes);
}

FAULT_EXPORT void *realloc(void *p, size_t bytes)
{
    const int own = OURS();
    if (own && refused("realloc"))
        return NULL;
    void *grown = __libc_realloc(p, bytes);
    if (p && (grown || !bytes))
        forget(p);
    return own ? entered(grown, bytes) : grown;
}

FAULT_EXPORT char *strdup(const char *text)
{
    const int own = OURS();
    const size_t bytes = strlen(text) + 1;
    if (own && refused("strdup"))
        return NULL;
    char *copy = (char *)__libc_malloc(bytes);
    if (copy)
        memcpy(copy, text, bytes);
    return own ? (char *)entered(copy, bytes) : copy;
}

FAULT_EXPORT void free(void *p)
{
    if (p)
        forget(p);
    __libc_free(p);
}

__attribute__((constructor)) static void begin(void)
{
    ours_find();
    fault_from_environment(&mallocfault, "MALLOCFAULT");
}

static void end(void)
{
    fault_report(&mallocfault, "mallocfault");
    mallocfault.on = 0;
}
