/* source.c -- the kernel text of a unit in one piece, with every #include "name" in place.
 *
 * OpenCL finds included files only where the program happens to run, so the library embeds them and puts them
 * in itself. Conditions are left to the compiler: a file with an include guard may stand in a unit many
 * times. */
#include "device/device.h"

#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 16
#define NAME 128
#define FILE_MOST (1u << 20)

typedef struct text {
    char *data; /* ends with NUL once there is anything */
    size_t used, room;
} text;

static clnorm_status append(text *t, const char *data, size_t bytes)
{
    if (t->room - t->used <= bytes) {
        const size_t room = 2 * (t->used + bytes) + 4096;
        char *grown = (char *)realloc(t->data, room);
        if (!grown)
            return cln_fail(CLNORM_ENOMEM, "no host memory for %zu bytes of kernel text", room);
        t->data = grown;
        t->room = room;
    }
    if (bytes > 0)
        memcpy(t->data + t->used, data, bytes);
    t->used += bytes;
    t->data[t->used] = '\0';
    return CLNORM_OK;
}

/* Tells the compiler where the next line comes from, so that its messages point to a file of cl/. */
static clnorm_status append_marker(text *t, unsigned line, const char *name)
{
    char marker[NAME + 32];
    const int n = snprintf(marker, sizeof marker, "#line %u \"%s\"\n", line, name);
    if (t->used > 0 && t->data[t->used - 1] != '\n')
        CLN_TRY(append(t, "\n", 1));
    return append(t, marker, (size_t)n);
}

static clnorm_status read_stream(text *t, FILE *file, const char *path)
{
    char block[4096];
    size_t n;
    while ((n = fread(block, 1, sizeof block, file)) > 0) {
        if (t->used + n > FILE_MOST)
            return cln_fail(CLNORM_EIO, "the kernel file %s is longer than %u bytes", path, FILE_MOST);
        CLN_TRY(append(t, block, n));
    }
    return ferror(file) ? cln_fail(CLNORM_EIO, "the kernel file %s cannot be read", path) : append(t, "", 0);
}

static clnorm_status read_file(char **out, const char *dir, const char *name)
{
    char path[4096];
    text t = { NULL, 0, 0 };
    const int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return cln_fail(CLNORM_EIO, "the path of the kernel file \"%s\" is longer than %zu bytes", name,
                        sizeof path - 1);
    FILE *file = fopen(path, "rb");
    if (!file)
        return cln_fail(CLNORM_EIO, "the kernel file %s cannot be opened", path);
    const clnorm_status status = read_stream(&t, file, path);
    fclose(file);
    if (status == CLNORM_OK)
        *out = t.data;
    else
        free(t.data);
    return status;
}

static const char *embedded(const char *name)
{
    for (const cln_embedded *e = cln_embedded_kernels; e->name; e++)
        if (strcmp(e->name, name) == 0)
            return e->text;
    return NULL;
}

/* Whether the line is an #include "name"; any other spelling is the compiler's to refuse. */
static bool parse_include(char *name, size_t room, const char *line)
{
    static const char word[] = "#include";
    line += strspn(line, " \t");
    if (strncmp(line, word, sizeof word - 1) != 0)
        return false;
    line += sizeof word - 1;
    line += strspn(line, " \t");
    if (*line++ != '"')
        return false;
    const size_t n = strcspn(line, "\"\n");
    if (line[n] != '"' || n == 0 || n >= room)
        return false;
    memcpy(name, line, n);
    name[n] = '\0';
    return true;
}

static clnorm_status expand(text *t, const char *name, const char *source, const char *dir, int depth);

static clnorm_status expand_file(text *t, const char *name, const char *dir, int depth)
{
    const clnorm_status kind = dir ? CLNORM_EIO : CLNORM_EBUG;
    if (depth > DEPTH)
        return cln_fail(kind,
                        "the kernel file \"%s\" is included more than %d levels deep; does it include "
                        "itself?",
                        name, DEPTH);
    if (!dir) {
        const char *source = embedded(name);
        return source ? expand(t, name, source, NULL, depth)
                      : cln_fail(kind, "the kernel file \"%s\" is not in the library", name);
    }
    char *source = NULL;
    CLN_TRY(read_file(&source, dir, name));
    const clnorm_status status = expand(t, name, source, dir, depth);
    free(source);
    return status;
}

static clnorm_status expand(text *t, const char *name, const char *source, const char *dir, int depth)
{
    unsigned line = 1;
    CLN_TRY(append_marker(t, line, name));
    for (const char *at = source; *at; line++) {
        const size_t n = strcspn(at, "\n"), whole = n + (at[n] == '\n');
        char included[NAME];
        if (parse_include(included, sizeof included, at)) {
            CLN_TRY(expand_file(t, included, dir, depth + 1));
            CLN_TRY(append_marker(t, line + 1, name));
        } else {
            CLN_TRY(append(t, at, whole));
        }
        at += whole;
    }
    return CLNORM_OK;
}

clnorm_status cln_source_flatten(char **out, const char *source, const char *dir)
{
    text t = { NULL, 0, 0 };
    *out = NULL;
    const clnorm_status status = expand(&t, "unit", source, dir, 0);
    if (status == CLNORM_OK)
        *out = t.data;
    else
        free(t.data);
    return status;
}
