/* layer_words.c -- an OpenCL layer of devices with strange words: blanks around a name, a vendor longer than any, extensions
 * that begin or end like those that count, and no compute units; with CLNORM_TEST_ARGUMENTS kernels that take as few as the
 * embedded profile's. */
#undef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 300
#include "layer_self.h"

#include <stdlib.h>

static cl_int CL_API_CALL device_info(cl_device_id device, cl_device_info name, size_t room, void *value,
                                      size_t *wanted)
{
    static const char padded[] = " \t a padded name \n", blank[] = " \n",
                      extensions[] = "cl_khr_fp16_more other_cl_khr_fp16 cl_khr_fp64";
    const size_t few = 256;
    const cl_uint none = 0;
    char vendor[1000];
    memset(vendor, 'v', sizeof vendor);
    vendor[sizeof vendor - 1] = '\0';
    if (name == CL_DEVICE_MAX_PARAMETER_SIZE && getenv("CLNORM_TEST_ARGUMENTS"))
        return answer(&few, sizeof few, room, value, wanted);
    return name == CL_DEVICE_NAME                ? answer(padded, sizeof padded, room, value, wanted)
           : name == CL_DRIVER_VERSION           ? answer(blank, sizeof blank, room, value, wanted)
           : name == CL_DEVICE_MAX_COMPUTE_UNITS ? answer(&none, sizeof none, room, value, wanted)
           : name == CL_DEVICE_VENDOR            ? answer(vendor, sizeof vendor, room, value, wanted)
           : name == CL_DEVICE_EXTENSIONS        ? answer(extensions, sizeof extensions, room, value, wanted)
                                                 : next->clGetDeviceInfo(device, name, room, value, wanted);
}

static void take_over(void) { mine.clGetDeviceInfo = device_info; }

LAYER("clnorm test words", take_over)
