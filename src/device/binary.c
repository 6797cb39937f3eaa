/* binary.c -- fetches the machine code of one device, around what runtimes make of the question.
 *
 * A context may have several devices and the program be built for one. The specification then wants a list of
 * all, with size 0 for the others, and skips a NULL in it. PoCL lists the devices that were built, whatever
 * it says under CL_PROGRAM_DEVICES, and copies to a NULL: so the list is counted by its own length, and every
 * binary that has a size gets room. */
#include "device/binary.h"

#include <stdbool.h>
#include <stdlib.h>

/* A list of the program's information, malloc'ed, and its length in bytes; NULL when it is not told. */
static void *list_of(cl_program program, cl_program_info what, size_t *bytes)
{
    *bytes = 0;
    if (clGetProgramInfo(program, what, 0, NULL, bytes) != CL_SUCCESS || *bytes == 0)
        return NULL;
    void *list = calloc(1, *bytes);
    if (list && clGetProgramInfo(program, what, *bytes, list, NULL) == CL_SUCCESS)
        return list;
    free(list);
    return NULL;
}

/* Which of count binaries is the device's; count when none. */
static size_t index_of(cl_program program, cl_device_id device, size_t count)
{
    size_t bytes, i = 0;
    if (count == 1)
        return 0;
    cl_device_id *devices = (cl_device_id *)list_of(program, CL_PROGRAM_DEVICES, &bytes);
    if (!devices || bytes != count * sizeof *devices) {
        free(devices);
        return count;
    }
    while (i < count && devices[i] != device)
        i++;
    free(devices);
    return i;
}

static bool allocate(unsigned char **list, const size_t *sizes, size_t count)
{
    bool enough = true;
    for (size_t i = 0; i < count; i++)
        if (sizes[i] > 0) {
            list[i] = (unsigned char *)malloc(sizes[i]);
            enough &= list[i] != NULL;
        }
    return enough;
}

/* All binaries, of which number `index` is handed out. */
static unsigned char *fetch(cl_program program, const size_t *sizes, size_t count, size_t index)
{
    unsigned char *binary = NULL, **list = (unsigned char **)calloc(count, sizeof *list);
    if (!list)
        return NULL;
    if (allocate(list, sizes, count) &&
        clGetProgramInfo(program, CL_PROGRAM_BINARIES, count * sizeof *list, list, NULL) == CL_SUCCESS) {
        binary = list[index];
        list[index] = NULL;
    }
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
    return binary;
}

unsigned char *cln_binary_fetch(cl_program program, cl_device_id device, size_t *bytes)
{
    size_t length;
    unsigned char *binary = NULL;
    size_t *sizes = (size_t *)list_of(program, CL_PROGRAM_BINARY_SIZES, &length);
    const size_t count = sizes ? length / sizeof *sizes : 0, index = index_of(program, device, count);
    *bytes = 0;
    if (index < count && sizes[index] > 0)
        binary = fetch(program, sizes, count, index);
    if (binary)
        *bytes = sizes[index];
    free(sizes);
    return binary;
}
