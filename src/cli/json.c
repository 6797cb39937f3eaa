/* json.c -- what commands print with --json. */
#include "cli/json.h"

#include <math.h>
#include <stdio.h>

json_t *cli_json_tensor(uint32_t dtype, uint32_t ndim, const int64_t *shape, cli_layout layout)
{
    json_t *lengths = json_array();
    for (uint32_t k = 0; k < ndim; k++)
        json_array_append_new(lengths, json_integer(shape[k]));
    return json_pack("{s:o, s:s, s:s}", "shape", lengths, "dtype", clnorm_dtype_name(dtype), "layout",
                     cli_layout_names[layout]);
}

json_t *cli_json_text(const char *text)
{
    json_t *value = json_string(text);
    return value ? value : json_string(cli_quote(text));
}

json_t *cli_json_real(double value) { return isfinite(value) ? json_real(value) : json_null(); }

int cli_json_alone(const cli_args *args, const char *what, const char *name)
{
    return args->json && cli_is_standard(name)
               ? cli_usage(args, "--json and %s %s both want standard output", what, cli_quote(name))
               : EXIT_OK;
}

int cli_json_print(json_t *root)
{
    if (!root)
        return cli_fail(EXIT_MEMORY, "no memory for JSON");
    const int failed = json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) != 0;
    json_decref(root);
    putchar('\n');
    return failed ? cli_fail(EXIT_INPUT, "standard output cannot be written") : EXIT_OK;
}
