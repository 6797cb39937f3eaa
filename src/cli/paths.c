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

/* A pipe would be waited for, and an .npz is what an earlier run has written there. A link to nothing is there to fail. */
static bool is_input(const char *path)
{
    struct stat info;
    return stat(path, &info) != 0 || (S_ISREG(info.st_mode) && !cli_ends_in(path, ".npz"));
}

/* The folder without the slashes that it may end in. */
static int act_on(const char *folder, const char *name, int (*act)(void *, const char *), void *user,
                  size_t *files)
{
    size_t length = strlen(folder);
    while (length && folder[length - 1] == '/')
        length--;
    const size_t room = length + strlen(name) + 2;
    char *const path = (char *)malloc(room);
    if (!path)
        return cli_fail(EXIT_MEMORY, "no memory for the name of a file");
    snprintf(path, room, "%.*s/%s", (int)length, folder, name);
    const bool input = is_input(path);
    *files += input;
    const int code = input ? act(user, path) : EXIT_OK;
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
