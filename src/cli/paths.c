/* paths.c -- what a PATH of the command line stands for. */
#define _XOPEN_SOURCE 700
#include "cli/paths.h"
#include "cli/io.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* Bytes decide, so that the order is the same under every locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int act_on(const char *folder, const char *name, int (*act)(void *, const char *), void *user,
                  size_t *files)
{
    struct stat info;
    const size_t length = strlen(folder) + strlen(name) + 2;
    char *const path = (char *)malloc(length);
    if (!path)
        return cli_fail(EXIT_MEMORY, "no memory for the name of a file");
    snprintf(path, length, "%s/%s", folder, name);
    const bool other = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    *files += !other;
    const int code = other ? EXIT_OK : act(user, path);
    free(path);
    return code;
}

static int walk(const char *folder, int (*act)(void *, const char *), void *user)
{
    struct dirent **list;
    size_t files = 0;
    int code = EXIT_OK;
    const int count = scandir(folder, &list, is_visible, by_name);
    if (count < 0)
        return cli_fail(errno == ENOMEM ? EXIT_MEMORY : EXIT_INPUT, "%s cannot be read: %s",
                        cli_quote(folder), strerror(errno));
    for (int i = 0; i < count; i++) {
        if (code == EXIT_OK)
            code = act_on(folder, list[i]->d_name, act, user, &files);
        free(list[i]);
    }
    free(list);
    return code == EXIT_OK && !files ? cli_fail(EXIT_INPUT, "%s has no files in it", cli_quote(folder))
                                     : code;
}

int cli_paths(const char *path, int (*act)(void *user, const char *file), void *user)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode) ? walk(path, act, user) : act(user, path);
}
