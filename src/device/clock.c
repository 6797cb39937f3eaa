/* clock.c -- monotonic time. */
#define _POSIX_C_SOURCE 200809L
#include "device/device.h"

#if defined(_WIN32)
#include <windows.h>
uint64_t cln_now_ns(void)
{
    LARGE_INTEGER now, per_second;
    QueryPerformanceCounter(&now);
    QueryPerformanceFrequency(&per_second);
    return (uint64_t)((double)now.QuadPart / (double)per_second.QuadPart * 1e9);
}
#else
#include <time.h>
uint64_t cln_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
#endif
