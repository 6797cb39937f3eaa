/* ours.h -- which calls come from clnorm's own objects: those loaded under a name that FAULT_OURS lists, such
 * as "libclnorm.so:clnorm". PoCL, LLVM and libc go on undisturbed. Define _GNU_SOURCE before. */
#ifndef OURS_H
#define OURS_H

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#define OURS_MOST 32
static struct {
    uintptr_t low, high;
} ours_ranges[OURS_MOST];
static size_t ours_count;

static inline int ours_is_listed(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *list = getenv("FAULT_OURS");
    for (size_t n; list && *list; list += n + (list[n] == ':')) {
        n = strcspn(list, ":");
        if (strncmp(name, list, n) == 0 && (name[n] == '\0' || name[n] == '.'))
            return 1;
    }
    return 0;
}

/* The program itself has no name in the list of objects. */
static inline int ours_look(struct dl_phdr_info *info, size_t bytes, void *user)
{
    (void)bytes, (void)user;
    const int own = ours_is_listed(info->dlpi_name[0] ? info->dlpi_name : program_invocation_short_name);
    for (size_t i = 0; own && i < info->dlpi_phnum && ours_count < OURS_MOST; i++) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD || !(info->dlpi_phdr[i].p_flags & PF_X))
            continue;
        ours_ranges[ours_count].low = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        ours_ranges[ours_count].high = ours_ranges[ours_count].low + info->dlpi_phdr[i].p_memsz;
        ours_count++;
    }
    return 0;
}

/* All is mapped when constructors run, but not yet when libraries before us allocate: nobody is ours then. */
static inline void ours_find(void) { dl_iterate_phdr(ours_look, NULL); }

static inline int ours(const void *caller)
{
    for (size_t i = 0; i < ours_count; i++)
        if ((uintptr_t)caller >= ours_ranges[i].low && (uintptr_t)caller < ours_ranges[i].high)
            return 1;
    return 0;
}
#define OURS() ours(__builtin_return_address(0))

/* What runs behind main is not clnorm's, as gcov's writing: `end` of the including file runs before it. */
static void end(void);
static int (*ours_main)(int, char **, char **);

static inline int ours_run(int argc, char **argv, char **environment)
{
    atexit(end);
    return ours_main(argc, argv, environment);
}

typedef int (*ours_starter)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                            void (*)(void), void *);

FAULT_EXPORT int __libc_start_main(int (*run)(int, char **, char **), int argc, char **argv,
                                   void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                                   void *stack)
{
    ours_starter next;
    *(void **)&next = dlsym(RTLD_NEXT, "__libc_start_main");
    ours_main = run;
    return next(ours_run, argc, argv, init, fini, rtld_fini, stack);
}

#endif
