/* library.c -- one life of the library, again and again in one process, each time with another fault.
 *
 * `library` lists the scenarios of world.c; `library SCENARIO` reads a fault a line, such as
 *
 *     cl 17 -5 once
 *     malloc 3 1 forever
 *     io 2 28 once
 *     lie gpu=1,wg=16 0 once
 *
 * and answers each with a line that starts with "ok", "quiet" (the call was not reached) or "not ok". The
 * first line, before any fault, says what a clean life counts: "cl 64 malloc 21 io 0".
 *
 * A life opens a context, plans and runs what the scenario says and releases all. A step that fails must say
 * why, and be well when it is tried again; after "forever" all is released while everything still fails. Then
 * nothing may be left, and what came out is compared with the bits of the clean life. */
#define _XOPEN_SOURCE 700
#include "world.h"

#include <dirent.h>
#include <dlfcn.h>
#include <unistd.h>

/* ---- the three kinds of faults ---- */

static const char *const kinds[KINDS] = { "cl", "malloc", "io" };
static fault absent[KINDS]; /* stands for what is not preloaded */
static void (*lie)(const char *text);
static void (*name_live)(void);

static void find_faults(void)
{
    void *layer = dlopen(getenv("OPENCL_LAYERS"), RTLD_NOW | RTLD_NOLOAD);
    faults[CL] = layer ? (fault *)dlsym(layer, "clfault") : NULL;
    faults[MALLOC] = (fault *)dlsym(RTLD_DEFAULT, "mallocfault");
    faults[IO] = (fault *)dlsym(RTLD_DEFAULT, "iofault");
    if (!faults[CL]) {
        fprintf(stderr, "OPENCL_LAYERS does not name clfault.so\n");
        exit(2);
    }
    for (int k = 0; k < KINDS; k++)
        faults[k] = faults[k] ? faults[k] : &absent[k];
    *(void **)&lie = dlsym(layer, "clfault_lie");
    *(void **)&name_live = dlsym(layer, "clfault_name_live");
}

/* ---- files of the cache ---- */

/* Counts the cache's files and removes them where told so; a temporary counts for a thousand. */
static int files_in(const world *w, bool remove)
{
    int n = 0;
    DIR *listing = w->dir[0] ? opendir(w->dir) : NULL;
    for (struct dirent *e; listing && (e = readdir(listing)) != NULL;) {
        char path[400];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", w->dir, e->d_name);
        n += strstr(e->d_name, ".tmp") ? 1000 : 1;
        if (remove)
            unlink(path);
    }
    if (listing)
        closedir(listing);
    return n;
}

/* ---- one life ---- */

typedef struct order { /* what is to fail */
    int kind;
    unsigned long n;
    int code;
    bool forever;
} order;

static char why[1024]; /* what is wrong with this life; "" while all is well */
#define WRONG(...) (why[0] ? 0 : snprintf(why, sizeof why, __VA_ARGS__))

static clnorm_status take(world *w, step *s)
{
    count(true);
    const clnorm_status st = s(w);
    count(false);
    return st;
}

static void set_inputs(world *w)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        if (!w->mem[s])
            continue;
        memcpy(w->got[s], w->first[s], w->bytes[s]);
        need(clEnqueueWriteBuffer(w->queue, w->mem[s], CL_TRUE, 0, w->bytes[s], w->first[s], 0, NULL, NULL) ==
                 CL_SUCCESS,
             "clEnqueueWriteBuffer");
    }
}

static void compare_outputs(world *w)
{
    bool host = false;
    for (size_t k = 0; k < COUNT(w->s->steps); k++)
        host |= w->s->steps[k] == run_host;
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        if (!w->mem[s] || !(w->writes >> s & 1))
            continue;
        if (!host)
            need(clEnqueueReadBuffer(w->queue, w->mem[s], CL_TRUE, 0, w->bytes[s], w->got[s], 0, NULL,
                                     NULL) == CL_SUCCESS,
                 "clEnqueueReadBuffer");
        if (w->clean)
            memcpy(w->want[s], w->got[s], w->bytes[s]);
        else if (memcmp(w->want[s], w->got[s], w->bytes[s]) != 0)
            WRONG("slot %u has other bits than without a fault", s);
    }
}

/* The sentence of a failure: which call of OpenCL, or that memory is short, or which file. */
static void judge_failure(const order *o, clnorm_status st)
{
    cl_int cl;
    const char *text = clnorm_last_error(&cl);
    const bool memory = o->code == CL_MEM_OBJECT_ALLOCATION_FAILURE || o->code == CL_OUT_OF_HOST_MEMORY;
    if (!strcmp(clnorm_status_text(st), "an unknown status") || st == CLNORM_EBUG)
        WRONG("the status is %d", (int)st);
    if (!text[0])
        WRONG("status %d has no sentence", (int)st);
    if (o->kind == MALLOC && (st != CLNORM_ENOMEM || !strstr(text, "memory")))
        WRONG("an allocation failed, but the status is %d: %s", (int)st, text);
    if (o->kind == IO && st != CLNORM_EIO)
        WRONG("a file failed, but the status is %d: %s", (int)st, text);
    if (o->kind != CL || st == CLNORM_ENODEVICE) /* a platform or device that fails is left out of the list */
        return;
    if (cl != o->code || (!o->forever && !strstr(text, faults[CL]->what)))
        WRONG("%s failed, but the sentence is: %s", faults[CL]->what, text);
    else if (memory ? st != CLNORM_ENOMEM : st != CLNORM_ECL && st != CLNORM_EBUILD)
        WRONG("%s failed with %d, but the status is %d: %s", faults[CL]->what, o->code, (int)st, text);
}

/* Failures that nobody need hear of: the cache does without, what does not build together is built by itself, a
 * buffer that does not say how it is aligned is taken for one that is not, an event that does not say how it ended
 * is waited for, what a compiler has refused once is tried in smaller work-groups, and clnorm_record says what it
 * lacks. */
static bool may_go_unseen(const world *w, const order *o)
{
    static const char *const calls[] = { "clGetProgramInfo", "clCreateProgramWithBinary", "clBuildProgram",
                                         "clCreateProgramWithSource" };
    const bool other_way = w->dir[0] || w->options.ops;
    const char *what = faults[CL]->what;
    if (o->kind != CL)
        return other_way;
    for (size_t k = 0; k < COUNT(calls); k++)
        if (other_way && strcmp(what, calls[k]) == 0)
            return true;
    if (strcmp(what, "clBuildProgram") == 0)
        return !o->forever && (o->code == CL_BUILD_PROGRAM_FAILURE || o->code == CL_OUT_OF_RESOURCES);
    return strcmp(what, "clGetMemObjectInfo") == 0 || strcmp(what, "clGetEventInfo") == 0 ||
           strcmp(what, "clGetExtensionFunctionAddressForPlatform") == 0;
}

/* A status that a smaller device may give. */
static void judge_refusal(clnorm_status st)
{
    if (st != CLNORM_EUNSUPPORTED && st != CLNORM_ENOMEM)
        WRONG("status %d: %s", (int)st, clnorm_last_error(NULL));
}

/* Whether the step went well, perhaps at the second try. */
static bool attempt(world *w, step *s, const order *o)
{
    const unsigned long before = o->kind < KINDS ? faults[o->kind]->fired : 0;
    clnorm_status st = take(w, s);
    if (st == CLNORM_OK) {
        if (o->kind < KINDS && faults[o->kind]->fired > before && !may_go_unseen(w, o))
            WRONG("%s failed and nobody noticed", faults[o->kind]->what);
        return true;
    }
    clFinish(w->queue);
    if (o->kind == KINDS) {
        judge_refusal(st);
        return false;
    }
    if (!faults[o->kind]->fired)
        WRONG("failed without a fault: %s", clnorm_last_error(NULL));
    judge_failure(o, st);
    if (o->forever)
        return false;
    set_inputs(w);
    st = take(w, s);
    if (st != CLNORM_OK)
        WRONG("it fails again, without a fault: %s", clnorm_last_error(NULL));
    return st == CLNORM_OK;
}

static void leave(world *w, bool wholly)
{
    count(true);
    clnorm_plan_release(w->plan);
    w->plan = NULL;
    if (wholly || w->s->steps[0] != open_kept) {
        clnorm_context_release(w->ctx);
        w->ctx = NULL;
    }
    count(false);
}

static unsigned long most[KINDS]; /* that may be live after a life */

static void judge_rest(void)
{
    name_live();
    if (faults[CL]->misuse)
        WRONG("%s", faults[CL]->detail);
    if (faults[CL]->live > most[CL])
        WRONG("%lu objects are left of: %s", faults[CL]->live - most[CL], faults[CL]->detail);
    if (faults[MALLOC]->live > most[MALLOC])
        WRONG("%lu bytes are left", faults[MALLOC]->live - most[MALLOC]);
    faults[CL]->misuse = 0;
}

/* What is live now is no leak. */
static void settle(void)
{
    for (int k = 0; k < KINDS; k++)
        most[k] = faults[k]->live;
}

static void live_once(world *w, const order *o)
{
    bool well = true;
    why[0] = '\0';
    set_inputs(w);
    if (w->cold)
        files_in(w, true);
    for (int k = 0; k < KINDS; k++)
        fault_arm(faults[k], o->kind == k ? o->n : 0, o->code, o->forever);
    for (size_t k = 0; k < COUNT(w->s->steps) && w->s->steps[k] && well; k++)
        well = attempt(w, w->s->steps[k], o);
    clFinish(w->queue);
    if (well && w->s->steps[1])
        compare_outputs(w);
    leave(w, o->kind == KINDS);
    judge_rest();
}

/* ---- faults from standard input ---- */

static void answer(const order *o)
{
    const bool fired = o->kind == KINDS || faults[o->kind]->fired;
    const char *what = o->kind == KINDS ? "a smaller device" : faults[o->kind]->what;
    if (why[0])
        printf("not ok %s: %s\n", what, why);
    else
        printf("%s %s\n", fired ? "ok" : "quiet", what);
    fflush(stdout);
}

/* After a fault among its files the cache holds whole files or none, and the next life is right. */
static void check_cache(world *w)
{
    const order none = { 0, 0, 0, false };
    char before[sizeof why];
    clnorm_stats stats = { .size = (uint32_t)sizeof stats };
    if (!w->dir[0] || why[0])
        return;
    if (files_in(w, false) >= 1000)
        WRONG("a temporary file is left");
    memcpy(before, why, sizeof why);
    if (take(w, open_context) == CLNORM_OK && take(w, make_plan) == CLNORM_OK)
        clnorm_context_stats(w->ctx, &stats);
    leave(w, true);
    if (!before[0] && stats.cache_rejected)
        WRONG("a binary in the cache is not whole");
    if (!why[0])
        live_once(w, &none);
}

static bool read_order(order *o, char *spec, const char *line)
{
    char kind[16], how[16];
    o->kind = KINDS;
    if (sscanf(line, "%15s %63s %d %15s", kind, spec, &o->code, how) != 4)
        return false;
    for (int k = 0; k < KINDS; k++)
        if (strcmp(kind, kinds[k]) == 0)
            o->kind = k;
    o->n = strtoul(spec, NULL, 10);
    o->forever = strcmp(how, "forever") == 0;
    return o->kind < KINDS || strcmp(kind, "lie") == 0;
}

static void follow(world *w, const char *line)
{
    char spec[64];
    order o;
    need(read_order(&o, spec, line), "KIND N CODE once|forever is expected");
    lie(o.kind == KINDS ? spec : "");
    if (o.kind == KINDS)
        leave(w, true); /* a context describes its device once */
    live_once(w, &o);
    lie("");
    const fault was[KINDS] = { *faults[CL], *faults[MALLOC], *faults[IO] };
    check_cache(w);
    for (int k = 0; k < KINDS; k++) {
        faults[k]->fired = was[k].fired;
        memcpy(faults[k]->what, was[k].what, sizeof was[k].what);
    }
    answer(&o);
}

/* Clean lives. The first says what is right; a kept context is full after some. */
static void begin(world *w)
{
    const order none = { 0, 0, 0, false };
    const int lives = w->s->steps[0] == open_kept ? 6 : 2;
    settle();
    for (int k = 0; k < lives; k++) {
        w->clean = k == 0;
        live_once(w, &none);
        if (lives > 2)
            settle();
        need(lives > 2 || !why[0], why);
    }
    why[0] = '\0';
    live_once(w, &none);
    need(!why[0], why);
    for (int k = 0; k < KINDS; k++)
        printf("%s %lu%s", kinds[k], faults[k]->calls, k + 1 < KINDS ? " " : "\n");
    fflush(stdout);
}

static int list(void)
{
    scenario s;
    for (size_t k = 0; scenario_at(&s, k); k++)
        puts(s.name);
    return 0;
}

int main(int argc, char **argv)
{
    static world w;
    scenario s;
    char line[256];
    size_t k = 0;
    if (argc != 2)
        return list();
    while (scenario_at(&s, k) && strcmp(s.name, argv[1]) != 0)
        k++;
    if (strcmp(s.name, argv[1]) != 0)
        return 2;
    world_make(&w, &s);
    find_faults();
    begin(&w);
    while (fgets(line, sizeof line, stdin))
        follow(&w, line);
    files_in(&w, true);
    if (w.dir[0])
        rmdir(w.dir);
    return 0;
}
