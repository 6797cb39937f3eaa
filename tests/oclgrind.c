/* oclgrind.c -- loaded with a test under Oclgrind, which does not know the scopes that its compiler, LLVM, marks where functions
 * that return a struct in memory are inlined: LLVM is told to leave them out. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

__attribute__((constructor)) static void leave_scopes_out(void)
{
    static const char *const words[] = { "oclgrind", "-enable-noalias-to-md-conversion=false" };
    void (*parse)(int, const char *const *, const char *);
    Dl_info of = { 0 };
    *(void **)&parse = dlsym(RTLD_DEFAULT, "LLVMParseCommandLineOptions");
    if (parse && dladdr(*(void **)&parse, &of) &&
        dlopen(of.dli_fname, RTLD_NOW)) /* whose own constructors have run then */
        parse(2, words, NULL);
}
