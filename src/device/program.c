/* program.c -- the programs of a context: each built once, from its cached binary or from source. */
#define _POSIX_C_SOURCE 200809L
#include "device/attempt.h"

#include "base/status.h"
#include "device/binary.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

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

/* The unit that holds `text`, or `whole`. */
static entry *find(const cln_programs *p, const char *text, const char *whole, const char *options)
{
    entry *e = p->first;
    while (e && (strcmp(e->options, options) != 0 || !(strstr(e->text, text) || strstr(e->text, whole))))
        e = e->next;
    return e;
}

/* Whether the unit includes the op of `text`, with whatever kernels: twice would not build. */
static bool has_op(const entry *e, const char *text)
{
    const char *line = strstr(text, "#include"), *at = e->text;
    const size_t length = line ? strcspn(line, "\n") : 0;
    while (line && (at = strstr(at, "#include")) != NULL && strncmp(at, line, length) != 0)
        at += strlen("#include");
    return line && at;
}

/* A unit of these options that takes `text` too. */
static entry *find_open(const cln_programs *p, const char *text, const char *options)
{
    entry *e = p->first;
    while (e && (strcmp(e->options, options) != 0 || e->program || e->building || has_op(e, text)))
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

/* Enters the attempt, failed or not; under the lock. */
static void enter(cln_programs *p, entry *e, const cln_attempt *a)
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
    cln_attempt a = { NULL, NULL, false, false, 0 };
    char *source;
    e->building = true;
    pthread_mutex_unlock(&p->lock);
    clnorm_status status = cln_source_flatten(&source, e->text, p->env.kernel_dir);
    if (status == CLNORM_OK)
        status = cln_attempt_make(&p->env, source, e->options, &a);
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
static clnorm_status get(cln_programs *p, const char *text, const char *whole, const char *options,
                         bool build, cl_program *out)
{
    entry *e = find(p, text, whole, options);
    if (!build && !(e && e->program))
        return cln_fail(CLNORM_ENOTREADY, "a program with the options \"%.600s\" is not built yet", options);
    while (e && e->building) {
        pthread_cond_wait(&p->built, &p->lock);
        e = find(p, text, whole, options);
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

clnorm_status cln_programs_get(cln_programs *p, const char *text, const char *whole, const char *options,
                               bool build, cl_program *out)
{
    *out = NULL;
    pthread_mutex_lock(&p->lock);
    const clnorm_status status = get(p, text, whole, options, build, out);
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

clnorm_status cln_programs_want(cln_programs *p, const char *text, const char *whole, const char *options)
{
    cln_attempt alone = { NULL, NULL, false, false, 0 };
    char *source = NULL;
    pthread_mutex_lock(&p->lock);
    const bool known = find(p, text, whole, options) != NULL;
    pthread_mutex_unlock(&p->lock);
    if (known)
        return CLNORM_OK;
    if (p->env.cache_dir[0])
        CLN_TRY(cln_source_flatten(&source, text, p->env.kernel_dir));
    if (source)
        cln_attempt_cached(&p->env, source, options, &alone);
    free(source);
    pthread_mutex_lock(&p->lock);
    p->stats.rejected += alone.rejected;
    entry *e = find(p, text, whole, options);
    if (!e && alone.loaded && (e = add(p, text, options)) != NULL)
        enter(p, e, &alone);
    else {
        cln_attempt_drop(&alone);
        e = e ? e : join(p, find_open(p, whole, options), whole, options);
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
    cln_program_say(&p->env, saved ? CLNORM_LOG_INFO : CLNORM_LOG_WARN,
                    saved ? "saved a binary" : "could not save a binary", e->options, cln_now_ns() - start);
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
