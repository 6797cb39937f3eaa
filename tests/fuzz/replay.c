/* replay.c -- main() of a target where there is no libFuzzer: runs it on files, and on those in directories. */
#define _XOPEN_SOURCE 700
#include "fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

static int replayed;

/* The name first: it is the last that is printed where the target ends the process. */
static void replay(const char *path)
{
    size_t size;
    uint8_t *const data = fuzz_read(path, &size);
    printf("%s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    replayed++;
}

static void replay_all(const char *directory)
{
    DIR *const listing = opendir(directory);
    FUZZ_CHECK(listing);
    for (struct dirent *e; (e = readdir(listing)) != NULL;) {
        char path[4096];
        const int n = snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        FUZZ_CHECK(n > 0 && (size_t)n < sizeof path);
        if (e->d_name[0] != '.')
            replay(path);
    }
    closedir(listing);
}

int main(int argc, char **argv)
{
    for (int k = 1; k < argc; k++) {
        struct stat st;
        FUZZ_CHECK(stat(argv[k], &st) == 0);
        if (S_ISDIR(st.st_mode))
            replay_all(argv[k]);
        else
            replay(argv[k]);
    }
    printf("%d inputs\n", replayed);
    return replayed ? 0 : 1;
}
