/* fuzz_args.c -- the command line: words with line ends between them, as far as no file is read.
 *
 * They are refused with a sentence, or are a request that an image can suit. */
#include "fuzz.h"

#include "cli/io.h"
#include "cli/picture.h"
#include "cli/tensors.h"

#include <string.h>

enum { WORDS = 64 };

static void check_said(int code, const char *text)
{
    FUZZ_CHECK(code == EXIT_OK || code == EXIT_USAGE || code == EXIT_INPUT);
    FUZZ_CHECK(code == EXIT_OK || (strncmp(text, "clnorm: ", 8) == 0 && text[8]));
}

/* What `run` and `plan` begin with. */
static int make_request(const cli_args *args)
{
    const bool runs = args->command->bit == CLI_RUN;
    cli_request request;
    cli_extras extras;
    memset(&extras, 0, sizeof extras);
    int code = cli_request_make(&request, args, args->words[0], runs && cli_ends_in(args->words[2], ".png"));
    if (code == EXIT_OK)
        code = cli_extras_parse(&extras, args, &request, runs ? args->words[2] : NULL);
    cli_extras_free(&extras);
    return code;
}

static void parse(int argc, char **argv)
{
    cli_args args;
    bool done;
    fuzz_listen();
    int code = cli_args_parse(&args, argc, argv, &done);
    const char *text = fuzz_heard();
    check_said(code, text);
    if (code == EXIT_OK && done)
        FUZZ_CHECK(text[0]);
    else if (code == EXIT_OK) {
        FUZZ_CHECK(args.command && args.nwords >= args.command->least && args.nwords <= args.command->most);
        if (args.command->bit & (CLI_RUN | CLI_PLAN)) {
            fuzz_listen();
            code = make_request(&args);
            check_said(code, fuzz_heard());
        }
    }
    cli_args_free(&args);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[] = "clnorm", *argv[WORDS + 2] = { name }, *words = (char *)malloc(size + 1);
    int argc = 1;
    FUZZ_CHECK(words);
    memcpy(words, data, size);
    words[size] = '\0';
    for (char *at = words, *end; at && argc <= WORDS; at = end) {
        end = strchr(at, '\n');
        if (end)
            *end++ = '\0';
        argv[argc++] = at;
    }
    parse(argc, argv);
    free(words);
    return 0;
}
