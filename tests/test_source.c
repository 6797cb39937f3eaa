/* test_source.c -- the embedded kernels are the files of cl/, and a unit comes out in one piece. */
#define _XOPEN_SOURCE 700
#include "device/device.h"

#include "base/compiler.h"
#include "scratch.h"
#include "suite.h"
#include "tensor/view.h"

#include <sys/stat.h>

static char root[SCRATCH_PATH];

static void setup(void)
{
    char common[SCRATCH_PATH];
    scratch_create(root);
    ck_assert_int_eq(mkdir(scratch_path(common, root, "common"), 0700), 0);
}
static void teardown(void) { scratch_remove(root); }

static void put(const char *name, const char *text)
{
    char path[SCRATCH_PATH];
    scratch_write(scratch_path(path, root, name), text, strlen(text));
}

/* cl/ beside this file's folder. */
static const char *kernel_dir(char *path)
{
    const char *slash = strrchr(__FILE__, '/');
    ck_assert_ptr_nonnull(slash);
    ck_assert_int_lt(snprintf(path, SCRATCH_PATH, "%.*s/../cl", (int)(slash - __FILE__), __FILE__),
                     SCRATCH_PATH);
    return path;
}

static void becomes(const char *source, const char *expected)
{
    char *text;
    ck_assert_int_eq(cln_source_flatten(&text, source, root), CLNORM_OK);
    ck_assert_str_eq(text, expected);
    free(text);
}

static void fails(const char *source, const char *dir, clnorm_status status, const char *sentence)
{
    char unset, *text = &unset;
    ck_assert_int_eq(cln_source_flatten(&text, source, dir), status);
    ck_assert_ptr_null(text);
    ck_assert_msg(strstr(clnorm_last_error(NULL), sentence) != NULL, "\"%s\" does not say \"%s\"",
                  clnorm_last_error(NULL), sentence);
}

START_TEST(embedded_is_the_files)
{
    char cl[SCRATCH_PATH], path[SCRATCH_PATH];
    size_t n = 0;
    for (const cln_embedded *e = cln_embedded_kernels; e->name; e++, n++) {
        size_t bytes;
        unsigned char *file = scratch_read(scratch_path(path, kernel_dir(cl), e->name), &bytes);
        ck_assert_uint_eq(strlen(e->text), bytes);
        ck_assert_mem_eq(e->text, file, bytes);
        free(file);
    }
    ck_assert_uint_gt(n, 0);
}
END_TEST

/* What PoCL takes and another vendor's compiler refuses. */
START_TEST(plain_c)
{
    static const char *const refused[] = { "...)", "__VA_ARGS__", "\ninline " };
    for (const cln_embedded *e = cln_embedded_kernels; e->name; e++)
        for (size_t k = 0; k < CLN_COUNT(refused); k++)
            ck_assert_msg(strstr(e->text, refused[k]) == NULL, "cl/%s has \"%s\"", e->name, refused[k]);
}
END_TEST

static const char *embedded(const char *name)
{
    const cln_embedded *e = cln_embedded_kernels;
    while (e->name && strcmp(e->name, name))
        e++;
    ck_assert_ptr_nonnull(e->name);
    return e->text;
}

/* Host and kernels count alike. */
START_TEST(numbers_on_both_sides)
{
    char columns[128];
    snprintf(columns, sizeof columns, "COLS (WG == 1 ? %u : BOTH ? %u : %u) ", CLN_COLS_ONE, CLN_COLS_BOTH,
             CLN_COLS_MANY);
    const struct {
        const char *file, *name;
        unsigned value;
        const char *end;
    } numbers[] = { { "common/sum.clh", "CHUNK", CLN_CHUNK, "u" },
                    { "common/sum.clh", "REST", CLN_REST, "u" },
                    { "common/sum.clh", "LANES", CLN_LANES, "" },
                    { "common/op.clh", "LEVELS", CLN_LEVELS, " " },
                    { "common/columns.clh", "LEAF", CLN_LEAF, "u" },
                    { "common/columns.clh", "REST_ROWS", CLN_REST_ROWS, "u" },
                    { "common/columns.clh", "HEAD_ROWS", CLN_HEAD_ROWS, "u" },
                    { "common/place.clh", "MOST_TURNS", CLN_MOST_TURNS, " " } };
    ck_assert_ptr_nonnull(strstr(embedded("common/columns.clh"), columns));
    for (size_t k = 0; k < CLN_COUNT(numbers); k++) {
        char line[128];
        snprintf(line, sizeof line, "#define %s %u%s", numbers[k].name, numbers[k].value, numbers[k].end);
        ck_assert_msg(strstr(embedded(numbers[k].file), line) != NULL, "cl/%s has not \"%s\"",
                      numbers[k].file, line);
    }
}
END_TEST

START_TEST(a_real_unit)
{
    char cl[SCRATCH_PATH], *inside, *outside;
    const char *const unit = "#include \"zscore.cl\"\n#include \"minmax.cl\"\n";
    ck_assert_int_eq(cln_source_flatten(&inside, unit, NULL), CLNORM_OK);
    ck_assert_int_eq(cln_source_flatten(&outside, unit, kernel_dir(cl)), CLNORM_OK);
    ck_assert_str_eq(inside, outside);
    ck_assert_ptr_null(strstr(inside, "\n#include"));
    ck_assert_ptr_nonnull(strstr(inside, "#line 1 \"common/types.clh\"\n"));
    ck_assert_ptr_nonnull(strstr(inside, "#line 1 \"minmax.cl\"\n"));
    free(outside);
    free(inside);
}
END_TEST

START_TEST(lines_are_marked)
{
    put("a.cl", "a1\n#include \"common/b.clh\"\na3");
    put("common/b.clh", "b1\n\n#include \"common/c.clh\"\n");
    put("common/c.clh", "c1");
    put("empty.cl", "");
    becomes("", "#line 1 \"unit\"\n");
    becomes("u1\nu2", "#line 1 \"unit\"\nu1\nu2");
    becomes("#include \"empty.cl\"", "#line 1 \"unit\"\n#line 1 \"empty.cl\"\n#line 2 \"unit\"\n");
    becomes("u1\n#include \"a.cl\"\nu3\n",
            "#line 1 \"unit\"\nu1\n#line 1 \"a.cl\"\na1\n#line 1 \"common/b.clh\"\nb1\n\n"
            "#line 1 \"common/c.clh\"\nc1\n#line 4 \"common/b.clh\"\n#line 3 \"a.cl\"\na3\n"
            "#line 3 \"unit\"\nu3\n");
}
END_TEST

START_TEST(a_file_twice)
{
    put("a.cl", "a\n");
    becomes(
        "#include \"a.cl\"\n#include \"a.cl\"\n",
        "#line 1 \"unit\"\n#line 1 \"a.cl\"\na\n#line 2 \"unit\"\n#line 1 \"a.cl\"\na\n#line 3 \"unit\"\n");
}
END_TEST

START_TEST(spellings)
{
    static const char *const ours[] = { "#include \"a.cl\"", " \t#include \"a.cl\"",
                                        "#include\"a.cl\" // why", "#include  \"a.cl\"\r" };
    static const char *const others[] = { "// #include \"a.cl\"", "# include \"a.cl\"", "#include <a.cl>",
                                          "#include \"a.cl",      "#include \"\"",      "#include a.cl",
                                          "x #include \"a.cl\"",  "#includes \"a.cl\"", "#include" };
    char line[256];
    put("a.cl", "a\n");
    for (size_t i = 0; i < CLN_COUNT(ours); i++) {
        snprintf(line, sizeof line, "%s\n", ours[i]);
        becomes(line, "#line 1 \"unit\"\n#line 1 \"a.cl\"\na\n#line 2 \"unit\"\n");
    }
    for (size_t i = 0; i < CLN_COUNT(others); i++) {
        snprintf(line, sizeof line, "#line 1 \"unit\"\n%s\n\"\n", others[i]);
        becomes(strchr(line, '\n') + 1, line);
    }
}
END_TEST

START_TEST(missing_files)
{
    put("a.cl", "#include \"common/gone.clh\"\n");
    fails("#include \"gone.cl\"\n", NULL, CLNORM_EBUG, "gone.cl");
    fails("#include \"gone.cl\"\n", root, CLNORM_EIO, "gone.cl");
    fails("#include \"a.cl\"\n", root, CLNORM_EIO, "common/gone.clh");
    fails("#include \"common\"\n", root, CLNORM_EIO,
          "cannot be read"); /* a directory opens, but does not read */
}
END_TEST

START_TEST(paths_too_long)
{
    char dir[4096];
    memset(dir, 'd', sizeof dir);
    dir[sizeof dir - 1] = '\0';
    fails("#include \"a.cl\"\n", dir, CLNORM_EIO,
          "the path of the kernel file \"a.cl\" is longer than 4095 bytes");
}
END_TEST

START_TEST(cycles_end)
{
    put("self.cl", "#include \"self.cl\"\n");
    put("a.cl", "#include \"b.cl\"\n");
    put("b.cl", "#include \"a.cl\"\n");
    fails("#include \"self.cl\"\n", root, CLNORM_EIO, "does it include itself");
    fails("#include \"a.cl\"\n", root, CLNORM_EIO, "does it include itself");
}
END_TEST

/* 1.cl includes 2.cl and so on up to n.cl. */
static void put_chain(int n)
{
    for (int i = 1; i <= n; i++) {
        char name[32], text[64] = "end\n";
        snprintf(name, sizeof name, "%d.cl", i);
        if (i < n)
            snprintf(text, sizeof text, "#include \"%d.cl\"\n", i + 1);
        put(name, text);
    }
}

START_TEST(depth)
{
    char *text;
    put_chain(16);
    ck_assert_int_eq(cln_source_flatten(&text, "#include \"1.cl\"\n", root), CLNORM_OK);
    ck_assert_ptr_nonnull(strstr(text, "\nend\n"));
    free(text);
    put_chain(17);
    fails("#include \"1.cl\"\n", root, CLNORM_EIO, "17.cl");
}
END_TEST

START_TEST(long_files)
{
    char path[SCRATCH_PATH], *text;
    const size_t most = 1u << 20;
    char *data = (char *)malloc(most + 1);
    ck_assert_ptr_nonnull(data);
    memset(data, 'x', most + 1);
    scratch_write(scratch_path(path, root, "long.cl"), data, most);
    ck_assert_int_eq(cln_source_flatten(&text, "#include \"long.cl\"\n", root), CLNORM_OK);
    ck_assert_uint_gt(strlen(text), most);
    free(text);
    scratch_write(path, data, most + 1);
    fails("#include \"long.cl\"\n", root, CLNORM_EIO, "is longer than");
    free(data);
}
END_TEST

int main(void)
{
    TCase *t =
        SUITE_CASE(embedded_is_the_files, plain_c, numbers_on_both_sides, a_real_unit, lines_are_marked,
                   a_file_twice, spellings, missing_files, paths_too_long, cycles_end, depth, long_files);
    tcase_add_checked_fixture(t, setup, teardown);
    return suite_run(suite_of("source", t), CK_NOFORK);
}
