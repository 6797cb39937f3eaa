/* attrs.h -- options as attributes of a descriptor. */
#ifndef CLI_ATTRS_H
#define CLI_ATTRS_H

#include "cli/args.h"
#include "cli/layout.h"

/* The lists of mean and std that are to be used. */
typedef struct cli_lists {
    double mean[CLNORM_MAX_CHANNELS], std[CLNORM_MAX_CHANNELS];
    size_t channels, nstd; /* how many of each; 0: the op uses none */
    bool preset;           /* they come from a preset, named or default */
    double scale;          /* 0: the preset says nothing */
    const char *name;      /* for sentences */
} cli_lists;

/* The op of that name; NULL after a sentence that lists the ops. */
const clnorm_op_info *cli_op(const cli_args *args, const char *name);
/* For commands on [OP...|all]: whether every word is one, after a sentence where not; and whether the words
 * ask for this op, as none does for all. */
bool cli_ops_known(const cli_args *args);
bool cli_wants(const cli_args *args, const clnorm_op_info *op);
/* The value of an attribute; of a list, its k-th. */
double cli_attr_value(const clnorm_any *desc, const clnorm_attr *attr, size_t k);
/* Refuses options that the op does not take, then sets every attribute that needs no
 * file. */
int cli_attrs_set(clnorm_any *desc, cli_lists *lists, const cli_args *args);

/* ---- setters.c ---- */

/* One option with its value, and where it goes. */
typedef struct cli_place {
    clnorm_any *desc;
    cli_lists *lists;
    const cli_args *args;
    const cli_option *option;
    const char *text;
} cli_place;
int cli_set_option(const cli_place *p);
/* The values of --count and of --axis; false where they are not. */
bool cli_count(const char *word, uint64_t *count);
bool cli_axis_of(const char *word, int *axis);

/* ---- axes.c ---- */

bool cli_takes_axis(const clnorm_op_info *op, const cli_args *args);
/* Sets what the rank decides: the axes of --over, --axis or the profile. */
int cli_attrs_axes(clnorm_any *desc, const cli_args *args, uint32_t ndim, cli_layout layout);
/* Whether --axis or the profile names the axis from which on the op reduces; *axis is it, of the file's. */
bool cli_attrs_axis(const clnorm_any *desc, const cli_args *args, uint32_t ndim, int *axis);

/* ---- preset.c ---- */

/* A preset of the library by name, or the preprocessor_config.json of a Hugging Face
 * model by its file name. */
int cli_preset(cli_lists *out, const cli_args *args, const char *name);

#endif
