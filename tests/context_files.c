/* context_files.c -- where a context has its cache and tuning file, and when there is no place for them. */
#define _XOPEN_SOURCE 700
#include "context_case.h"
#include "scratch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const places[] = { "HOME", "XDG_CACHE_HOME", "CLNORM_CACHE_DIR", "CLNORM_TUNING" };

static void set_place(size_t k, const char *value)
{
    if (value)
        setenv(places[k], value, 1);
    else
        unsetenv(places[k]);
}

/* What names places, kept while a test names others. */
static void keep_places(char *before[])
{
    for (size_t k = 0; k < CLN_COUNT(places); k++) {
        const char *v = getenv(places[k]);
        before[k] = v ? strdup(v) : NULL;
        unsetenv(places[k]);
    }
}
static void restore_places(char *before[])
{
    for (size_t k = 0; k < CLN_COUNT(places); k++) {
        set_place(k, before[k]);
        free(before[k]);
    }
}

/* A context of these options has its cache there, and its tuning file; "": in no directory. */
static void has_files_in(const clnorm_options *o, const char *dir)
{
    char tuning[2 * SCRATCH_PATH] = "";
    clnorm_context *ctx = created(o);
    if (dir[0])
        snprintf(tuning, sizeof tuning, "%s/tuning.txt", dir);
    ck_assert_str_eq(clnorm_context_cache_dir(ctx), dir);
    ck_assert_str_eq(clnorm_tuning_file(ctx), tuning);
    clnorm_context_release(ctx);
}

START_TEST(no_place_for_files)
{
    char *before[CLN_COUNT(places)], dir[5000];
    clnorm_options o = lazy();
    o.flags = CLNORM_LAZY | CLNORM_CACHE_ON;
    keep_places(before);
    has_files_in(&o, "");
    memset(dir, 'd', sizeof dir);
    dir[0] = '/';
    dir[sizeof dir - 1] = '\0';
    o.cache_dir = dir; /* longer than any path */
    has_files_in(&o, "");
    restore_places(before);
}
END_TEST

/* Own before XDG's before HOME; what is empty, or XDG's and not absolute, is none. */
START_TEST(places_of_files)
{
    static const struct {
        const char *home, *xdg, *own; /* below a scratch directory; NULL: not there */
        const char *dir;
    } cases[] = { { "/home", NULL, NULL, "/home/.cache/clnorm" },
                  { "/home", "", "", "/home/.cache/clnorm" },
                  { "/home", "/xdg", NULL, "/xdg/clnorm" },
                  { "/home", "/xdg", "/own", "/own" } };
    char *before[CLN_COUNT(places)], root[SCRATCH_PATH], value[2 * SCRATCH_PATH];
    clnorm_options o = lazy();
    o.flags = CLNORM_LAZY | CLNORM_CACHE_ON;
    scratch_create(root);
    keep_places(before);
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        const char *const said[] = { cases[k].home, cases[k].xdg, cases[k].own };
        for (size_t i = 0; i < CLN_COUNT(said); i++) {
            snprintf(value, sizeof value, "%s%s", said[i] && said[i][0] ? root : "", said[i] ? said[i] : "");
            set_place(i, said[i] ? value : NULL);
        }
        snprintf(value, sizeof value, "%s%s", root, cases[k].dir);
        has_files_in(&o, value);
    }
    setenv("XDG_CACHE_HOME", "relative", 1);
    unsetenv("CLNORM_CACHE_DIR");
    snprintf(value, sizeof value, "%s/home/.cache/clnorm", root);
    has_files_in(&o, value);
    char here[SCRATCH_PATH];
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    ck_assert_int_eq(chdir(root), 0);
    o.cache_dir = "beside"; /* and so it is for what is tuned, wherever the process goes */
    clnorm_context *const beside = created(&o);
    ck_assert_int_eq(chdir(here), 0);
    snprintf(value, sizeof value, "%s/beside/tuning.txt", root);
    ck_assert_str_eq(clnorm_tuning_file(beside), value);
    clnorm_context_release(beside);
    o.cache_dir = NULL;
    o.flags = CLNORM_LAZY | CLNORM_CACHE_OFF; /* which is no place at all */
    clnorm_context *ctx = created(&o);
    ck_assert_str_eq(clnorm_context_cache_dir(ctx), "");
    clnorm_context_release(ctx);
    restore_places(before);
    scratch_remove(root);
}
END_TEST

/* PoCL has a cache of its own, so that ours is off unless it is asked for. */
START_TEST(cache_by_default)
{
    clnorm_options o = lazy();
    o.flags = CLNORM_LAZY;
    clnorm_context *ctx = created(&o);
    if (ctx->device.pocl)
        ck_assert_str_eq(clnorm_context_cache_dir(ctx), "");
    clnorm_context_release(ctx);
}
END_TEST

/* ---- binaries ---- */

static char said[4096];
static void hear(void *user, int level, const char *text)
{
    (void)user, (void)level;
    ck_assert_uint_lt(strlen(said) + strlen(text), sizeof said);
    strcat(said, text);
}

/* What a context has counted after one call of one plan. */
static clnorm_stats counted(const clnorm_options *o)
{
    const clnorm_totensor d = halved(64);
    struct {
        clnorm_stats known;
        uint64_t more;
    } s = { .known = { .size = sizeof s } }; /* of a newer header */
    clnorm_context *ctx = created(o);
    clnorm_plan *plan;
    cl_mem x = buffer(256, NULL), y = buffer(256, NULL);
    const clnorm_args args = pair(x, 0, y, 0);
    OK(clnorm_totensor_plan(&plan, ctx, &d, CLNORM_ESTIMATE));
    OK(clnorm_enqueue(plan, harness_get()->queue, &args, 0, NULL, NULL));
    clFinish(harness_get()->queue);
    OK(clnorm_context_stats(ctx, &s.known));
    ck_assert_uint_eq(s.known.size, sizeof s.known);
    clnorm_plan_release(plan);
    clnorm_context_release(ctx);
    RELEASE(x, y);
    return s.known;
}

/* Cuts every file in dir to its first byte; how many there are. */
static size_t cut_files(const char *dir)
{
    char path[SCRATCH_PATH];
    size_t n = 0;
    DIR *listing = opendir(dir);
    ck_assert_ptr_nonnull(listing);
    for (struct dirent *e; (e = readdir(listing)) != NULL;)
        if (e->d_name[0] != '.') {
            ck_assert_int_lt(snprintf(path, sizeof path, "%s/%.80s", dir, e->d_name), SCRATCH_PATH);
            ck_assert_int_eq(truncate(path, 1), 0);
            n++;
        }
    closedir(listing);
    return n;
}

/* A context's end saves what was used, the next one loads it, and builds it where the file is no good. */
START_TEST(binaries_are_kept)
{
    char root[SCRATCH_PATH], dir[SCRATCH_PATH], file[SCRATCH_PATH];
    clnorm_options o = lazy();
    scratch_create(root);
    o.flags = CLNORM_LAZY | CLNORM_CACHE_ON;
    o.cache_dir = scratch_path(dir, root, "cache");
    const clnorm_stats first = counted(&o);
    ck_assert_uint_ge(first.programs_built, 1);
    ck_assert(!first.programs_loaded && !first.cache_rejected && !first.load_ns && first.build_ns);
    const clnorm_stats second = counted(&o);
    ck_assert_uint_eq(second.programs_loaded, 1);
    ck_assert_uint_eq(second.programs_built, first.programs_built - 1); /* of what was not used */
    ck_assert(!second.cache_rejected && second.load_ns && !second.build_ns == !second.programs_built);
    ck_assert_uint_eq(cut_files(dir), 1);
    const clnorm_stats third = counted(&o);
    ck_assert_uint_eq(third.cache_rejected, 1);
    ck_assert_uint_eq(third.programs_built, first.programs_built);
    said[0] = '\0';
    scratch_write(scratch_path(file, root, "file"), "", 0);
    o.cache_dir = file;
    o.log = hear;
    clnorm_context_release(created(&o));
    ck_assert_msg(strstr(said, "no binaries are kept in") != NULL, "%s", said);
    scratch_remove(root);
}
END_TEST

void context_files(TCase *t)
{
    SUITE_ADD(t, no_place_for_files, places_of_files, cache_by_default, binaries_are_kept);
}
