/* preset.c -- means and standard deviations by name, or from a Hugging Face
 * preprocessor_config.json. */
#include "cli/attrs.h"
#include "cli/io.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static int by_name(cli_lists *out, const cli_args *args, const char *name)
{
    float mean[CLNORM_MAX_CHANNELS], std[CLNORM_MAX_CHANNELS];
    uint32_t channels = 0;
    if (clnorm_preset(name, mean, std, &channels) != CLNORM_OK)
        return cli_usage(args, "--preset %s: %s (or a FILE.json)", cli_quote(name), clnorm_last_error(NULL));
    for (uint32_t k = 0; k < channels; k++) {
        out->mean[k] = (double)mean[k];
        out->std[k] = (double)std[k];
    }
    out->channels = out->nstd = channels;
    return EXIT_OK;
}

/* ---- Hugging Face ---- */

/* A list of finite numbers, or one number; 0 where it is neither. */
static size_t read_list(double *list, const json_t *value)
{
    const size_t n = json_is_array(value) ? json_array_size(value) : json_is_number(value) ? 1 : 0;
    for (size_t k = 0; k < n && n <= CLNORM_MAX_CHANNELS; k++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, k) : value;
        list[k] = json_number_value(one);
        if (!json_is_number(one) || !isfinite((float)list[k]))
            return 0;
    }
    return n <= CLNORM_MAX_CHANNELS ? n : 0;
}

/* A key that is absent counts as true, as in transformers' image processors. */
static bool says_no(const json_t *root, const char *key) { return json_is_false(json_object_get(root, key)); }

static int check_switches(const json_t *root, const char *name)
{
    static const char *const keys[] = { "do_rescale", "do_normalize" };
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const json_t *value = json_object_get(root, keys[k]);
        if (value && !json_is_boolean(value) && !json_is_null(value))
            return cli_fail(EXIT_INPUT, "%s: %s is neither true nor false", cli_quote(name), keys[k]);
    }
    return EXIT_OK;
}

static int read_lists(cli_lists *out, const json_t *root, const char *name)
{
    if (says_no(root, "do_normalize")) {
        out->mean[0] = 0;
        out->std[0] = 1;
        out->channels = out->nstd = 1;
        return EXIT_OK;
    }
    out->channels = read_list(out->mean, json_object_get(root, "image_mean"));
    out->nstd = read_list(out->std, json_object_get(root, "image_std"));
    if (!out->channels || out->channels != out->nstd)
        return cli_fail(EXIT_INPUT, "%s has no image_mean and image_std of one length, 1 to %d numbers",
                        cli_quote(name), CLNORM_MAX_CHANNELS);
    for (size_t k = 0; k < out->nstd; k++)
        if (fabs(out->std[k]) < 1e-30)
            return cli_fail(EXIT_INPUT, "%s: an image_std of %g cannot divide", cli_quote(name), out->std[k]);
    return EXIT_OK;
}

static int read_scale(cli_lists *out, const json_t *root, const char *name)
{
    const json_t *factor = json_object_get(root, "rescale_factor");
    const bool off = says_no(root, "do_rescale");
    if (!off && (!factor || json_is_null(factor)))
        return EXIT_OK;
    out->scale = off ? 1 : 1 / json_number_value(factor); /* 0 of what is no number */
    if (!((float)out->scale > 0) || !isfinite((float)out->scale))
        return cli_fail(EXIT_INPUT, "%s: rescale_factor is not a number above 0", cli_quote(name));
    return EXIT_OK;
}

static int by_file(cli_lists *out, const char *name)
{
    json_error_t error;
    json_t *root = json_load_file(name, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return cli_fail(EXIT_INPUT, "%s cannot be read as JSON: %s", cli_quote(name), cli_quote(error.text));
    int code =
        json_is_object(root) ? EXIT_OK : cli_fail(EXIT_INPUT, "%s is not a JSON object", cli_quote(name));
    if (code == EXIT_OK)
        code = check_switches(root, name);
    if (code == EXIT_OK)
        code = read_lists(out, root, name);
    if (code == EXIT_OK)
        code = read_scale(out, root, name);
    json_decref(root);
    return code;
}

int cli_preset(cli_lists *out, const cli_args *args, const char *name)
{
    out->preset = true;
    out->name = name;
    return cli_ends_in(name, ".json") ? by_file(out, name) : by_name(out, args, name);
}
