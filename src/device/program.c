/* program.c -- the programs of a context: each built once, from its cached binary or from source. */
#define _POSIX_C_SOURCE 200809L
#include "device/device.h"

#include "base/status.h"
#include "device/binary.h"

#define XXH_INLINE_ALL
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define LOG_MOST 3000 /* bytes of a compiler's log in the error text */

/* A unit: all that goes into one program. Entries are only added, at the front, and live as long as the
 * table. All is read and written under the lock, but what a build needs: `text` stays as it is while
 * `building`. */
typedef struct entry {
    struct entry *next;
    char *text, *options; /* what was asked for; the texts of several askers, one behind the other */
    char *key;            /* of the cache; NULL when that is off */
    cl_program program;   /* NULL until built */
    bool building, from_source, used, saved;
} entry;

struct cln_programs {
    cln_program_env env;
    char *kernel_dir, *cache_dir;
    pthread_mutex_t lock; /* guards all below, and is never held while something builds */
    pthread_cond_t built;
    entry *first;
    cln_program_stats stats;
};

static char *duplicate(const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = (char *)malloc(bytes);
    if (copy)
        memcpy(copy, text, bytes);
    return copy;
}

static void say(const cln_programs *p, int level, const char *what, const char *options, uint64_t ns)
{
    char line[1024];
    if (!p->env.log)
        return;
    snprintf(line, sizeof line, "%s in %.1f ms on %s with %s", what, (double)ns * 1e-6, p->env.device->name,
             options);
    p->env.log(p->env.log_user, level, line);
}

/* ---- the table ---- */

static void table_free(cln_programs *p)
{
    free(p->kernel_dir);
    free(p->cache_dir);
    free(p);
}

clnorm_status cln_programs_create(cln_programs **out, const cln_program_env *env)
{
    *out = NULL;
    cln_programs *p = (cln_programs *)calloc(1, sizeof *p);
    if (!p)
        return cln_fail(CLNORM_ENOMEM, "no host memory for the table of programs");
    p->env = *env;
    p->env.cache_dir = p->cache_dir = duplicate(env->cache_dir);
    p->env.kernel_dir = p->kernel_dir = env->kernel_dir ? duplicate(env->kernel_dir) : NULL;
    if (!p->cache_dir || (env->kernel_dir && !p->kernel_dir) || pthread_mutex_init(&p->lock, NULL) != 0)
        goto fail;
    if (pthread_cond_init(&p->built, NULL) == 0) {
        *out = p;
        return CLNORM_OK;
    }
    pthread_mutex_destroy(&p->lock);
fail:
    table_free(p);
    return cln_fail(CLNORM_ENOMEM, "no host memory for the table of programs");
}

static void entry_release(entry *e)
{
    if (e->program)
        clReleaseProgram(e->program);
    free(e->key);
    free(e->options);
    free(e->text);
    free(e);
}

void cln_programs_release(cln_programs *p)
{
    if (!p)
        return;
    for (entry *e = p->first, *next; e; e = next) {
        next = e->next;
        entry_release(e);
    }
    pthread_cond_destroy(&p->built);
    pthread_mutex_destroy(&p->lock);
    table_free(p);
}

/* The unit that holds `text`. */
static entry *find(const cln_programs *p, const char *text, const char *options)
{
    entry *e = p->first;
    while (e && (strcmp(e->options, options) != 0 || !strstr(e->text, text)))
        e = e->next;
    return e;
}

/* A unit of these options that takes more. */
static entry *find_open(const cln_programs *p, const char *options)
{
    entry *e = p->first;
    while (e && (strcmp(e->options, options) != 0 || e->program || e->building))
        e = e->next;
    return e;
}

static entry *add(cln_programs *p, const char *text, const char *options)
{
    entry *e = (entry *)calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->text = duplicate(text);
    e->options = duplicate(options);
    if (!e->text || !e->options) {
        entry_release(e);
        return NULL;
    }
    e->next = p->first;
    p->first = e;
    return e;
}

/* ---- building ---- */

/* All that the binary depends on, in words, so that the file says what it is for. */
static char *cache_key(const cln_programs *p, const char *source, const char *options)
{
    const cln_device *d = p->env.device;
    const XXH128_hash_t hash = XXH3_128bits(source, strlen(source));
    const size_t room = strlen(options) + sizeof *d + 256;
    char *key = (char *)malloc(room);
    if (!key)
        return NULL;
    const int n =
        snprintf(key, room,
                 "clnorm %d.%d.%d, %d-bit\nsource %016llx%016llx\noptions %s\n"
                 "platform %s, %s\ndevice %s, %s, %s\ndriver %s\n",
                 CLNORM_VERSION_MAJOR, CLNORM_VERSION_MINOR, CLNORM_VERSION_PATCH, (int)sizeof(void *) * 8,
                 (unsigned long long)hash.high64, (unsigned long long)hash.low64, options, d->platform_name,
                 d->platform_version, d->name, d->vendor, d->opencl_c, d->driver);
    assert(n > 0 && (size_t)n < room);
    (void)n;
    return key;
}

/* Appends the compiler's words to the failure at hand. */
static void append_build_log(cl_program program, cl_device_id device)
{
    size_t bytes = 0;
    if (clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) != CL_SUCCESS)
        return;
    char *log = (char *)calloc(bytes + 1, 1);
    if (!log)
        return;
    if (clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, bytes, log, NULL) == CL_SUCCESS)
        cln_fail_more("; the compiler says:\n%.*s", LOG_MOST, log);
    free(log);
}

static clnorm_status build_program(const cln_programs *p, cl_program program, const char *options)
{
    const cl_device_id id = p->env.device->id;
    const clnorm_status status =
        CLN_CL_STATUS(clBuildProgram(program, 1, &id, options, NULL, NULL), "clBuildProgram");
    if (status != CLNORM_ECL)
        return status;
    cln_fail_more(": the program did not build for %s with the options \"%.600s\"", p->env.device->name,
                  options);
    append_build_log(program, id);
    return CLNORM_EBUILD;
}

static clnorm_status build_source(const cln_programs *p, const char *source, const char *options,
                                  cl_program *out)
{
    cl_int code;
    *out = NULL;
    cl_program program = clCreateProgramWithSource(p->env.context, 1, &source, NULL, &code);
    CLN_TRY(CLN_CL_STATUS(code, "clCreateProgramWithSource"));
    const clnorm_status status = build_program(p, program, options);
    if (status == CLNORM_OK)
        *out = program;
    else
        clReleaseProgram(program);
    return status;
}

/* NULL when the driver does not take the binary. It says nothing: the source decides what is an error. */
static cl_program build_binary(const cln_programs *p, const unsigned char *binary, size_t bytes,
                               const char *options)
{
    const cl_device_id id = p->env.device->id;
    cl_int taken = CL_SUCCESS, code;
    cl_program program = clCreateProgramWithBinary(p->env.context, 1, &id, &bytes, &binary, &taken, &code);
    if (code == CL_SUCCESS && taken == CL_SUCCESS &&
        clBuildProgram(program, 1, &id, options, NULL, NULL) == CL_SUCCESS)
        return program;
    if (code == CL_SUCCESS)
        clReleaseProgram(program);
    return NULL;
}

/* The program of a cached binary, or NULL; *rejected says that there was one and it is no good. */
static cl_program load(const cln_programs *p, const char *key, const char *options, bool *rejected)
{
    unsigned char *binary;
    size_t bytes;
    *rejected = false;
    if (!key || !cln_cache_load(p->env.cache_dir, key, &binary, &bytes, rejected))
        return NULL;
    cl_program program = build_binary(p, binary, bytes, options);
    free(binary);
    *rejected = !program;
    return program;
}

/* What one attempt at a program came to; put into the table under the lock. */
typedef struct attempt {
    cl_program program;
    char *key;
    bool rejected, loaded;
    uint64_t ns;
} attempt;

static void attempt_drop(attempt *a)
{
    if (a->program)
        clReleaseProgram(a->program);
    free(a->key);
}

/* From the cache, if it is there. */
static void make_from_cache(const cln_programs *p, const char *source, const char *options, attempt *a)
{
    const uint64_t start = cln_now_ns();
    if (p->env.cache_dir[0])
        a->key = cache_key(p, source, options); /* without memory for it there is no cache, no failure */
    a->program = load(p, a->key, options, &a->rejected);
    a->loaded = a->program != NULL;
    a->ns = cln_now_ns() - start;
    if (a->loaded)
        say(p, CLNORM_LOG_INFO, "loaded a program", options, a->ns);
    else if (a->rejected)
        say(p, CLNORM_LOG_WARN, "refused a damaged or foreign binary in the cache", options, a->ns);
}

static clnorm_status make(const cln_programs *p, const char *source, const char *options, attempt *a)
{
    make_from_cache(p, source, options, a);
    if (a->loaded)
        return CLNORM_OK;
    const uint64_t start = cln_now_ns();
    const clnorm_status status = build_source(p, source, options, &a->program);
    a->ns = cln_now_ns() - start;
    if (status == CLNORM_OK)
        say(p, CLNORM_LOG_INFO, "built a program", options, a->ns);
    return status;
}

/* Enters the attempt, failed or not; under the lock. */
static void enter(cln_programs *p, entry *e, const attempt *a)
{
    free(e->key);
    e->key = a->key;
    e->program = a->program;
    e->from_source = a->program && !a->loaded;
    p->stats.rejected += a->rejected;
    p->stats.loaded += a->loaded;
    p->stats.built += e->from_source;
    *(a->loaded ? &p->stats.load_ns : &p->stats.build_ns) += a->ns;
}

/* Called and returns with the lock, and lets go of it while it works. */
static clnorm_status build_entry(cln_programs *p, entry *e)
{
    attempt a = { NULL, NULL, false, false, 0 };
    char *source;
    e->building = true;
    pthread_mutex_unlock(&p->lock);
    clnorm_status status = cln_source_flatten(&source, e->text, p->env.kernel_dir);
    if (status == CLNORM_OK)
        status = make(p, source, e->options, &a);
    free(source);
    pthread_mutex_lock(&p->lock);
    enter(p, e, &a);
    e->building = false;
    pthread_cond_broadcast(&p->built);
    return status;
}

static clnorm_status no_memory(void)
{
    return cln_fail(CLNORM_ENOMEM, "no host memory for the description of a program");
}

/* Builds the unit; one that fails is built again with `text` alone, and what else it held is left to those
 * who ask for it. */
static clnorm_status build_unit(cln_programs *p, entry *e, const char *text)
{
    const clnorm_status status = build_entry(p, e);
    if (status == CLNORM_OK || strcmp(e->text, text) == 0)
        return status;
    char *alone = duplicate(text);
    if (!alone)
        return no_memory();
    free(e->text);
    e->text = alone;
    return build_entry(p, e);
}

/* A thread that waited for a build that failed tries itself: it needs the sentence in its own error text. */
static clnorm_status get(cln_programs *p, const char *text, const char *options, bool build, cl_program *out)
{
    entry *e = find(p, text, options);
    if (!build && !(e && e->program))
        return cln_fail(CLNORM_ENOTREADY, "a program with the options \"%.600s\" is not built yet", options);
    while (e && e->building) {
        pthread_cond_wait(&p->built, &p->lock);
        e = find(p, text, options);
    }
    if (!e)
        e = add(p, text, options);
    if (!e)
        return no_memory();
    if (!e->program)
        CLN_TRY(build_unit(p, e, text));
    *out = e->program;
    return CLNORM_OK;
}

clnorm_status cln_programs_get(cln_programs *p, const char *text, const char *options, bool build,
                               cl_program *out)
{
    *out = NULL;
    pthread_mutex_lock(&p->lock);
    const clnorm_status status = get(p, text, options, build, out);
    pthread_mutex_unlock(&p->lock);
    return status;
}

/* Puts `text` behind what the unit holds; without a unit it is a new one, which is returned; NULL: no memory.
 */
static entry *join(cln_programs *p, entry *unit, const char *text, const char *options)
{
    if (!unit)
        return add(p, text, options);
    const size_t used = strlen(unit->text), more = strlen(text) + 1;
    char *grown = (char *)realloc(unit->text, used + more);
    if (!grown)
        return NULL;
    memcpy(grown + used, text, more);
    unit->text = grown;
    return unit;
}

clnorm_status cln_programs_want(cln_programs *p, const char *text, const char *options)
{
    attempt alone = { NULL, NULL, false, false, 0 };
    char *source = NULL;
    pthread_mutex_lock(&p->lock);
    const bool known = find(p, text, options) != NULL;
    pthread_mutex_unlock(&p->lock);
    if (known)
        return CLNORM_OK;
    if (p->env.cache_dir[0])
        CLN_TRY(cln_source_flatten(&source, text, p->env.kernel_dir));
    if (source)
        make_from_cache(p, source, options, &alone);
    free(source);
    pthread_mutex_lock(&p->lock);
    p->stats.rejected += alone.rejected;
    entry *e = find(p, text, options);
    if (!e && alone.loaded && (e = add(p, text, options)) != NULL)
        enter(p, e, &alone);
    else {
        attempt_drop(&alone);
        e = e ? e : join(p, find_open(p, options), text, options);
    }
    pthread_mutex_unlock(&p->lock);
    return e ? CLNORM_OK : no_memory();
}

/* ---- saving ---- */

void cln_programs_used(cln_programs *p, cl_program program)
{
    pthread_mutex_lock(&p->lock);
    for (entry *e = p->first; e; e = e->next)
        if (e->program == program)
            e->used = true;
    pthread_mutex_unlock(&p->lock);
}

static bool save_entry(const cln_programs *p, const entry *e)
{
    size_t bytes = 0;
    const uint64_t start = cln_now_ns();
    unsigned char *binary = cln_binary_fetch(e->program, p->env.device->id, &bytes);
    const bool saved = binary && cln_cache_save(p->env.cache_dir, e->key, binary, bytes);
    free(binary);
    say(p, saved ? CLNORM_LOG_INFO : CLNORM_LOG_WARN, saved ? "saved a binary" : "could not save a binary",
        e->options, cln_now_ns() - start);
    return saved;
}

void cln_programs_save(cln_programs *p)
{
    pthread_mutex_lock(&p->lock);
    for (entry *e = p->first; e; e = e->next) {
        if (!e->key || !e->from_source || !e->used || e->saved)
            continue;
        e->saved = true; /* before the lock goes, so that no other thread saves it too */
        pthread_mutex_unlock(&p->lock);
        const bool saved = save_entry(p, e);
        pthread_mutex_lock(&p->lock);
        e->saved = saved;
        p->stats.saved += saved;
    }
    pthread_mutex_unlock(&p->lock);
}

void cln_programs_stats(cln_programs *p, cln_program_stats *out)
{
    pthread_mutex_lock(&p->lock);
    *out = p->stats;
    pthread_mutex_unlock(&p->lock);
}
