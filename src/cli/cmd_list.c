/* cmd_list.c -- the devices that there are. */
#include "cli/cmd.h"
#include "cli/json.h"
#include "cli/session.h"

#include <stdio.h>
#include <stdlib.h>

static const char *type_name(cl_device_type type)
{
    return type & CL_DEVICE_TYPE_GPU ? "gpu" : type & CL_DEVICE_TYPE_ACCELERATOR ? "accelerator" : "cpu";
}

static json_t *as_json(const clnorm_device *d)
{
    return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:I, s:b, s:b, s:b, s:I, s:I, s:I}", "id",
                     cli_json_text(d->id), "name", cli_json_text(d->name), "type", type_name(d->type),
                     "platform", cli_json_text(d->platform_name), "vendor", cli_json_text(d->vendor),
                     "driver", cli_json_text(d->driver), "opencl_c", cli_json_text(d->opencl_c), "units",
                     (json_int_t)d->units, "fp16", (int)d->fp16, "fp64", (int)d->fp64, "images",
                     (int)d->images, "local_bytes", (json_int_t)d->local_bytes, "global_bytes",
                     (json_int_t)d->global_bytes, "max_alloc_bytes", (json_int_t)d->max_alloc_bytes);
}

static void print_row(const clnorm_device *d)
{
    printf("%-5s %-38.38s %-16.16s %-20.20s %-4s %-4s %-6s %4llu KiB\n", d->id, d->name, d->driver,
           d->opencl_c, d->fp16 ? "yes" : "no", d->fp64 ? "yes" : "no", d->images ? "yes" : "no",
           (unsigned long long)(d->local_bytes / 1024));
}

static int print(const cli_args *args, const clnorm_device *list, size_t count)
{
    json_t *rows = json_array();
    if (!args->json)
        printf("%-5s %-38s %-16s %-20s %-4s %-4s %-6s %s\n", "id", "name", "driver", "OpenCL C", "fp16",
               "fp64", "images", "local");
    for (size_t k = 0; k < count; k++)
        if (args->json)
            json_array_append_new(rows, as_json(&list[k]));
        else
            print_row(&list[k]);
    if (args->json)
        return cli_json_print(rows);
    json_decref(rows);
    return EXIT_OK;
}

/* CLNORM_DEVICE does not count here: who lists wants to see what else there is. */
static int print_one(const cli_args *args)
{
    clnorm_device device;
    const int code = cli_find_device(&device, args);
    return code == EXIT_OK ? print(args, &device, 1) : code;
}

int cmd_list(const cli_args *args)
{
    size_t count = 0;
    if (cli_has(args, "device"))
        return print_one(args);
    clnorm_status status = clnorm_devices(NULL, 0, &count);
    clnorm_device *list = status == CLNORM_OK ? (clnorm_device *)calloc(count + 1, sizeof *list) : NULL;
    if (status == CLNORM_OK && !list)
        return cli_fail(EXIT_MEMORY, "no memory for %zu devices", count);
    if (status == CLNORM_OK)
        status = clnorm_devices(list, count, &count);
    for (size_t k = 0; status == CLNORM_OK && k < count; k++)
        cli_printable_device(&list[k]);
    const int code = status == CLNORM_OK ? print(args, list, count) : cli_status(status);
    free(list);
    return code;
}
