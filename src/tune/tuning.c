/* tuning.c -- the table of tuned classes, and its file. */
#define _XOPEN_SOURCE 700
#include "tune/tuning.h"
#include "base/status.h"
#include "tune/params.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_BYTES ((size_t)4 << 20) /* of a file */
#define MOST_BUSY 4096
#define MOST_CLASSES 4096 /* of a device */
#define FIRST_LINE "clnorm tuning 1"

typedef struct entry {
    char name[CLN_CLASS_ROOM];
    cln_tuned tuned;
} entry;

typedef struct entries {
    entry *list;
    size_t count, room;
} entries;

struct cln_tuning {
    pthread_mutex_t lock; /* of entries */
    const cln_device *device;
    cln_tuned_fault *fault;
    entries all;
    char title[256]; /* the line of the device */
};

/* ---- the table ---- */

void cln_tuning_release(cln_tuning *t)
{
    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t->all.list);
    free(t);
}

static entry *find(const entries *e, const char *name)
{
    for (size_t k = 0; k < e->count; k++)
        if (strcmp(e->list[k].name, name) == 0)
            return &e->list[k];
    return NULL;
}

bool cln_tuning_find(cln_tuning *t, const char *name, cln_tuned *out)
{
    pthread_mutex_lock(&t->lock);
    const entry *e = find(&t->all, name);
    if (e)
        *out = e->tuned;
    pthread_mutex_unlock(&t->lock);
    return e != NULL;
}

static bool put(entries *e, const char *name, const cln_tuned *tuned)
{
    entry *old = find(e, name);
    if (!old && e->count == MOST_CLASSES)
        return false;
    if (!old && e->count == e->room) {
        const size_t room = e->room ? 2 * e->room : 32;
        entry *list = (entry *)realloc(e->list, room * sizeof *list);
        if (!list)
            return false;
        e->list = list;
        e->room = room;
    }
    if (!old) {
        old = &e->list[e->count++];
        snprintf(old->name, sizeof old->name, "%s", name);
    }
    old->tuned = *tuned;
    return true;
}

clnorm_status cln_tuning_set(cln_tuning *t, const char *name, const cln_tuned *tuned)
{
    pthread_mutex_lock(&t->lock);
    const bool done = put(&t->all, name, tuned);
    pthread_mutex_unlock(&t->lock);
    return done
               ? CLNORM_OK
               : cln_fail(CLNORM_ENOMEM, "no memory for one more tuned class, or there are %d", MOST_CLASSES);
}

/* ---- reading ---- */

/* The whole file with a zero behind it, malloc'ed; absent: there is none, and *text is NULL. */
static clnorm_status read_file(char **text, size_t *bytes, const char *path, bool *absent)
{
    struct stat st = { 0 };
    *text = NULL;
    const bool there = stat(path, &st) == 0;
    *absent = !there && errno == ENOENT;
    if (*absent) /* which may be no failure: the caller says so */
        return CLNORM_EIO;
    if (!there)
        return cln_fail(CLNORM_EIO, "the tuning file \"%s\" cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return cln_fail(CLNORM_EIO, "the tuning file \"%s\" is no regular file", path);
    FILE *const file = fopen(path, "rb");
    if (!file)
        return cln_fail(CLNORM_EIO, "the tuning file \"%s\" cannot be read: %s", path, strerror(errno));
    char *const all = (char *)malloc(MOST_BYTES + 2);
    *bytes = all ? fread(all, 1, MOST_BYTES + 1, file) : 0;
    const bool failed = ferror(file) != 0;
    fclose(file);
    if (all && !failed && *bytes <= MOST_BYTES) {
        all[*bytes] = '\0';
        *text = all;
        return CLNORM_OK;
    }
    free(all);
    return !all ? cln_fail(CLNORM_ENOMEM, "no memory for the tuning file \"%s\"", path)
           : failed
               ? cln_fail(CLNORM_EIO, "the tuning file \"%s\" cannot be read", path)
               : cln_fail(CLNORM_EIO, "the tuning file \"%s\" is larger than %zu bytes", path, MOST_BYTES);
}

/* " WORD N" with N in 0..most; *at goes behind it. */
static bool read_number(uint32_t *out, const char **at, const char *word, uint32_t most)
{
    const size_t length = strlen(word);
    if (**at != ' ' || strncmp(*at + 1, word, length) != 0 || (*at)[1 + length] != ' ')
        return false;
    const char *c = *at + length + 2, *first = c;
    uint64_t n = 0;
    for (; *c >= '0' && *c <= '9' && n <= most; c++)
        n = 10 * n + (uint64_t)(*c - '0');
    *at = c;
    *out = (uint32_t)n;
    return c > first && n <= most;
}

/* "CLASS: SOLVER wg N vec N busy N wide N", or "CLASS: estimate"; NULL, or what is wrong with it. */
static const char *read_entry(entry *out, const char *line, const cln_tuning *t)
{
    const char *const colon = strchr(line, ':');
    const size_t length = colon ? (size_t)(colon - line) : 0;
    uint32_t wide = 0;
    memset(out, 0, sizeof *out);
    if (!length || length >= sizeof out->name || colon[1] != ' ')
        return "a class, a colon and a solver are expected";
    const char *at = colon + 2;
    const size_t solver = strcspn(at, " ");
    memcpy(out->name, line, length);
    if (!solver || solver >= sizeof out->tuned.solver)
        return "there is no such solver";
    memcpy(out->tuned.solver, at, solver);
    at += solver;
    if (strcmp(out->tuned.solver, CLN_ESTIMATE) == 0)
        return *at ? "nothing is expected behind \"" CLN_ESTIMATE "\"" : t->fault(out->name, NULL, t->device);
    if (!read_number(&out->tuned.wg, &at, "wg", 4096) || !read_number(&out->tuned.vec, &at, "vec", 16) ||
        !read_number(&out->tuned.busy, &at, "busy", MOST_BUSY) || !read_number(&wide, &at, "wide", 1) || *at)
        return "\"wg N vec N busy N wide N\" is expected behind the solver";
    out->tuned.wide = wide != 0;
    if (!out->tuned.busy)
        return "busy is 0; 1 to 4096 is allowed";
    return t->fault(out->name, &out->tuned, t->device);
}

/* Cuts the next line off; NULL behind the last. */
static char *next_line(char **rest)
{
    char *line = *rest;
    if (!*line)
        return NULL;
    char *end = line + strcspn(line, "\n");
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return line;
}

/* What is read line by line: what this device has goes to `mine`, lines of others to `others` where that is given. */
typedef struct reader {
    const cln_tuning *t;
    entries mine;
    FILE *others;
    bool any, ours; /* a device's line was there, and it was this one's */
    bool shared;    /* with its other drivers */
} reader;

/* Of a device with any driver, or with this one. */
static bool is_ours(const cln_tuning *t, const char *line)
{
    const size_t length = strlen(line);
    return strncmp(line, t->title, length) == 0 &&
           (!t->title[length] || strncmp(t->title + length, ", driver ", 9) == 0);
}

/* NULL, or what is wrong with it. */
static const char *read_line(reader *r, const char *line)
{
    const bool title = strncmp(line, "device ", 7) == 0;
    entry e;
    if (!*line || *line == '#') {
        if (*line && r->others)
            fprintf(r->others, "%s\n", line);
        return NULL;
    }
    if (title) {
        r->ours = is_ours(r->t, line);
        r->shared = r->ours && strcmp(line, r->t->title) != 0;
    } else if (!r->any)
        return "a line \"device NAME, driver VERSION\" is expected in front of it";
    r->any = true;
    if ((!r->ours || r->shared) && r->others)
        fprintf(r->others, "%s\n", line);
    if (!r->ours || title)
        return NULL;
    const char *const fault = read_entry(&e, line, r->t);
    return fault                             ? fault
           : put(&r->mine, e.name, &e.tuned) ? NULL
                                             : "there is no room for it, or more than 4096 of the device";
}

static const char *read_lines(reader *r, char *text, size_t *number)
{
    const char *fault = NULL, *line = next_line(&text);
    *number = 1;
    if (!line || strcmp(line, FIRST_LINE) != 0)
        return "\"" FIRST_LINE "\" is expected there";
    while (!fault && (line = next_line(&text)) != NULL) {
        ++*number;
        fault = read_line(r, line);
    }
    return fault;
}

static clnorm_status read_tuning(reader *r, const char *path, bool *absent)
{
    char *text;
    size_t bytes = 0, number = 0;
    CLN_TRY(read_file(&text, &bytes, path, absent));
    const bool binary = strlen(text) != bytes;
    const char *const fault = binary ? "it holds a zero byte" : read_lines(r, text, &number);
    free(text);
    return binary  ? cln_fail(CLNORM_EIO, "the tuning file \"%s\" is not text: %s", path, fault)
           : fault ? cln_fail(CLNORM_EIO, "the tuning file \"%s\", line %zu: %s", path, number, fault)
                   : CLNORM_OK;
}

static clnorm_status take(cln_tuning *t, const entries *read)
{
    for (size_t k = 0; k < read->count; k++)
        CLN_TRY(cln_tuning_set(t, read->list[k].name, &read->list[k].tuned));
    return CLNORM_OK;
}

clnorm_status cln_tuning_load(cln_tuning *t, const char *path, bool *absent)
{
    reader r = { .t = t };
    clnorm_status st = read_tuning(&r, path, absent);
    if (st == CLNORM_OK)
        st = take(t, &r.mine);
    free(r.mine.list);
    return st;
}

static clnorm_status read_shipped(cln_tuning *t)
{
    reader r = { .t = t };
    const char *fault = NULL;
    for (size_t k = 0; cln_tuned_shipped[k] && !fault; k++)
        fault = read_line(&r, cln_tuned_shipped[k]);
    const clnorm_status st =
        fault ? cln_fail(CLNORM_ENOMEM, "the classes that are tuned already: %s", fault) : take(t, &r.mine);
    free(r.mine.list);
    return st;
}

/* What drivers call themselves, as one line of a file. */
static void name_device(char *text, size_t room, const cln_device *device)
{
    snprintf(text, room, "device %s, driver %s", device->name, device->driver);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 32 || (unsigned char)*c > 126)
            *c = '?';
}

clnorm_status cln_tuning_create(cln_tuning **out, const cln_device *device, cln_tuned_fault *fault)
{
    cln_tuning *t = (cln_tuning *)calloc(1, sizeof *t);
    *out = NULL;
    if (!t || pthread_mutex_init(&t->lock, NULL)) {
        free(t);
        return cln_fail(CLNORM_ENOMEM, "no memory for a table of tuned classes");
    }
    t->device = device;
    t->fault = fault;
    name_device(t->title, sizeof t->title, device);
    *out = t;
    return read_shipped(t);
}

/* ---- writing ---- */

static void write_entries(FILE *file, const cln_tuning *t)
{
    fprintf(file, "%s\n", t->title);
    for (size_t k = 0; k < t->all.count; k++) {
        const entry *e = &t->all.list[k];
        fprintf(file, "%s: %s", e->name, e->tuned.solver);
        if (e->tuned.wg)
            fprintf(file, " wg %u vec %u busy %u wide %d", e->tuned.wg, e->tuned.vec, e->tuned.busy,
                    e->tuned.wide);
        fputc('\n', file);
    }
}

/* The temporary beside the target, so that one renaming puts all of it there. */
static clnorm_status write_file(cln_tuning *t, const char *path, const char *temporary)
{
    reader r = { .t = t };
    bool absent;
    FILE *const file = fopen(temporary, "wb");
    if (!file)
        return cln_fail(CLNORM_EIO, "the tuning file \"%s\" cannot be written: %s", path, strerror(errno));
    fprintf(file, "%s\n", FIRST_LINE);
    r.others = file;
    clnorm_status st = read_tuning(&r, path, &absent);
    free(r.mine.list);
    if (absent)
        st = CLNORM_OK;
    pthread_mutex_lock(&t->lock);
    write_entries(file, t);
    pthread_mutex_unlock(&t->lock);
    bool failed = fflush(file) != 0 || ferror(file);
#if !defined(_WIN32) /* whom it was open to; or a power cut leaves the new name to an empty file */
    struct stat was;
    failed = failed || (stat(path, &was) == 0 && fchmod(fileno(file), was.st_mode & 07777) != 0);
    failed = failed || fsync(fileno(file)) != 0;
#endif
    if ((fclose(file) != 0 || failed) && st == CLNORM_OK)
        st = cln_fail(CLNORM_EIO, "the tuning file \"%s\" cannot be written: %s", path, strerror(errno));
    return st;
}

static clnorm_status save(cln_tuning *t, const char *path)
{
    const size_t room = strlen(path) + 32;
    char *const temporary = (char *)malloc(room);
    if (!temporary)
        return cln_fail(CLNORM_ENOMEM, "no memory for the name of a tuning file");
    snprintf(temporary, room, "%s.%llx.tmp", path, (unsigned long long)cln_now_ns());
    clnorm_status st = write_file(t, path, temporary);
#if defined(_WIN32) /* where rename refuses a name that is taken */
    if (st == CLNORM_OK)
        remove(path);
#endif
    if (st == CLNORM_OK && rename(temporary, path) != 0)
        st = cln_fail(CLNORM_EIO, "\"%s\" cannot get the name \"%s\": %s", temporary, path, strerror(errno));
    if (st != CLNORM_OK)
        remove(temporary);
    free(temporary);
    return st;
}

#if defined(_WIN32)
clnorm_status cln_tuning_save(cln_tuning *t, const char *path) { return save(t, path); }
#else
/* Where a link leads, to a file that is not there yet, too; NULL: it is none. */
static char *behind_link(const char *path)
{
    char to[4096];
    const ssize_t n = readlink(path, to, sizeof to);
    char *const real = n > 0 ? realpath(path, NULL) : NULL;
    if (real || n <= 0 || (size_t)n == sizeof to)
        return real;
    const char *const slash = strrchr(path, '/');
    const size_t folder = slash && to[0] != '/' ? (size_t)(slash + 1 - path) : 0,
                 room = folder + (size_t)n + 1;
    char *const made = (char *)malloc(room);
    if (made)
        snprintf(made, room, "%.*s%.*s", (int)folder, path, (int)n, to);
    return made;
}

/* A link stays one: what it leads to is written. */
clnorm_status cln_tuning_save(cln_tuning *t, const char *path)
{
    char *const behind = behind_link(path);
    const clnorm_status st = save(t, behind ? behind : path);
    free(behind);
    return st;
}
#endif
