/* compiler.h -- the only place that knows what is not C99. */
#ifndef CLN_COMPILER_H
#define CLN_COMPILER_H

#if defined(__MINGW32__) /* whose plain printf knows no %zu; the build asks for the standard one */
#define CLN_PRINTF(text, first) __attribute__((format(gnu_printf, text, first)))
#elif defined(__GNUC__)
#define CLN_PRINTF(text, first) __attribute__((format(printf, text, first)))
#endif

#if defined(__GNUC__)
#define CLN_UNUSED __attribute__((unused))
#define CLN_THREAD_LOCAL __thread
#elif defined(_MSC_VER)
#define CLN_PRINTF(text, first)
#define CLN_UNUSED
#define CLN_THREAD_LOCAL __declspec(thread)
#else
#error "clnorm needs thread-local variables: add this compiler's word for them here"
#endif

#define CLN_COUNT(array) (sizeof(array) / sizeof *(array))

#endif
