/* json.h -- what commands print with --json. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include "cli/args.h"
#include "cli/layout.h"

#include <jansson.h>

/* {"shape": [..], "dtype": "f32", "layout": "nchw"} */
json_t *cli_json_tensor(uint32_t dtype, uint32_t ndim, const int64_t *shape, cli_layout layout);
/* A name, or a text of a driver, with what is not UTF-8 escaped. */
json_t *cli_json_text(const char *text);
/* A number; null where it is not finite. */
json_t *cli_json_real(double value);
/* Exit 2 where --json and an output, `what`, both want standard output. */
int cli_json_alone(const cli_args *args, const char *what, const char *name);
/* Prints the value on stdout and frees it. Returns an exit code. */
int cli_json_print(json_t *root);

#endif
