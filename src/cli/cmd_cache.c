/* cmd_cache.c -- the directory of compiled kernels: where it is, what it holds, and away
 * with it. */
#define _POSIX_C_SOURCE 200809L
#include "cli/cmd.h"
#include "cli/json.h"
#include "cli/number.h"
#include "cli/session.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOM 4096

/* A path from the root on, as a context says it, whether it is there or not. */
static void make_absolute(char *path)
{
    char here[ROOM], relative[ROOM];
    snprintf(relative, sizeof relative, "%s", path);
    if (path[0] && path[0] != '/' && getcwd(here, sizeof here) && strlen(here) + strlen(path) + 1 < ROOM) {
        snprintf(path, ROOM, "%s%s", here, here[1] ? "/" : "");
        strcat(path, relative);
    }
}

/* The order is that of clnorm_options.cache_dir. */
static void guess(char *out, const cli_args *args)
{
    enum { XDG = 1 }; /* its specification has absolute paths alone */
    static const struct {
        const char *variable, *below;
    } places[] = { { "CLNORM_CACHE_DIR", "" },
                   { "XDG_CACHE_HOME", "/clnorm" },
                   { "HOME", "/.cache/clnorm" } };
    const char *given = cli_get(args, "cache-dir");
    snprintf(out, ROOM, "%s", given ? given : "");
    for (size_t k = 0; !out[0] && k < sizeof places / sizeof *places; k++) {
        const char *value = getenv(places[k].variable);
        if (value && value[0] && (k != XDG || value[0] == '/'))
            snprintf(out, ROOM, "%s%s", value, places[k].below);
    }
    make_absolute(out);
}

/* A context says whether the directory is fit, where there is a device, but would make it, which is not for who looks. The
 * library keeps no binaries on PoCL unless told to, but what it kept elsewhere is still there. */
static void find(char *out, const cli_args *args)
{
    clnorm_options options = cli_context_options(args);
    clnorm_context *ctx = NULL;
    options.flags |= CLNORM_CACHE_ON;
    guess(out, args);
    if (access(out, F_OK) == 0 && clnorm_open(&ctx, cli_device(args), &options) == CLNORM_OK)
        snprintf(out, ROOM, "%s", clnorm_context_cache_dir(ctx));
    clnorm_close(ctx);
}

/* Our names are hexadecimal digits and this suffix, with .tmp behind where a process was
 * killed. */
static bool is_ours(const char *name)
{
    const size_t stem = strspn(name, "0123456789abcdef-");
    return stem > 0 && (strcmp(name + stem, ".clbin") == 0 || strcmp(name + stem, ".clbin.tmp") == 0);
}

typedef struct totals {
    size_t files;
    unsigned long long bytes;
} totals;

/* Counts our files and, where told so, removes them. */
static int visit(totals *t, const char *dir, bool remove)
{
    const struct dirent *e;
    char path[ROOM + 300];
    DIR *listing = opendir(dir);
    if (!listing)
        return errno == ENOENT
                   ? EXIT_OK
                   : cli_fail(EXIT_INPUT, "%s cannot be read: %s", cli_quote(dir), strerror(errno));
    while ((e = readdir(listing)) != NULL) {
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (!is_ours(e->d_name) || lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        if (remove && unlink(path) != 0) {
            closedir(listing);
            return cli_fail(EXIT_INPUT, "%s cannot be removed: %s", cli_quote(path), strerror(errno));
        }
        t->files++;
        t->bytes += (unsigned long long)st.st_size;
    }
    closedir(listing);
    return EXIT_OK;
}

static int print(const cli_args *args, const char *dir, const totals *t, bool removed)
{
    if (args->json)
        return cli_json_print(json_pack("{s:o, s:I, s:I, s:b}", "path", cli_json_text(dir), "files",
                                        (json_int_t)t->files, "bytes", (json_int_t)t->bytes, "removed",
                                        (int)removed));
    if (!args->quiet)
        printf("%s: %zu file%s, %llu bytes%s\n", cli_quote(dir), t->files, t->files == 1 ? "" : "s", t->bytes,
               removed ? " removed" : "");
    return EXIT_OK;
}

int cmd_cache(const cli_args *args)
{
    static const char *const actions[] = { "path", "stats", "clear", NULL };
    const int action = cli_word(args->words[0], actions);
    char dir[ROOM];
    totals t = { 0, 0 };
    if (action < 0)
        return cli_usage(args, "%s is nothing to do with a cache; it may be %s", cli_quote(args->words[0]),
                         cli_words(actions));
    if (cli_has(args, "no-cache"))
        return cli_usage(args, "--no-cache leaves no cache to look at");
    find(dir, args);
    if (!dir[0])
        return cli_fail(EXIT_INPUT,
                        "there is no directory for compiled kernels; -v says why, --cache-dir names one");
    if (action == 0 && !args->json) {
        puts(dir);
        return EXIT_OK;
    }
    const int code = visit(&t, dir, action == 2);
    return code == EXIT_OK ? print(args, dir, &t, action == 2) : code;
}
