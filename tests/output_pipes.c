/* output_pipes.c -- outputs that are no files: standard output and FIFOs. */
#define _XOPEN_SOURCE 700
#include "output_case.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Puts fd in the place of stdout for one write, so that Check's own is whole. */
static int write_stdout(const char *name, int fd, const char *why, int code)
{
    cli_output *o;
    fflush(stdout);
    files_listen(); /* before a descriptor is free that it might take */
    const int kept = dup(STDOUT_FILENO);
    if (fd >= 0)
        dup2(fd, STDOUT_FILENO);
    else
        close(STDOUT_FILENO);
    int got = cli_output_open(&o, name, NULL);
    if (got == EXIT_OK)
        got = cli_output_npy(o, &output_array);
    if (got == EXIT_OK)
        got = cli_output_commit(o);
    const bool open_now = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
    dup2(kept, STDOUT_FILENO);
    close(kept);
    files_expect(got, code, why, name, __LINE__);
    ck_assert_int_eq(open_now, fd >= 0); /* as it was */
    return got;
}

START_TEST(standard_output)
{
    static const char *const written[] = { "-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1" };
    int ends[2];
    for (size_t i = 0; i < COUNT(written); i++) {
        const int fd = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0666);
        ck_assert_int_ge(fd, 0);
        write_stdout(written[i], fd, NULL, EXIT_OK);
        close(fd);
        output_check("out");
    }
    write_stdout("-", -1, "standard output cannot be written: Bad file descriptor", EXIT_INPUT);
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    write_stdout("-", ends[1], NULL, EXIT_INPUT); /* nobody reads: no sentence, and SIGPIPE kills nobody */
    close(ends[1]);
    ck_assert(signal(SIGPIPE, SIG_DFL) == SIG_DFL);
}
END_TEST

/* With stdout, stderr or both closed the temporary must not become one, or text would go into the file. */
START_TEST(closed_standard_streams)
{
    static const int closed[][2] = { { 1, 1 }, { 2, 2 }, { 1, 2 } }; /* from, to */
    output_enter("closed_streams");
    for (size_t i = 0; i < COUNT(closed); i++) {
        cli_output *o;
        int kept[3];
        bool open_now = false;
        fflush(stdout);
        files_listen();
        for (int k = closed[i][0]; k <= closed[i][1]; k++)
            kept[k] = dup(k);
        for (int k = closed[i][0]; k <= closed[i][1]; k++)
            close(k);
        const int code = cli_output_open(&o, "y.npy", NULL);
        for (int k = closed[i][0]; k <= closed[i][1]; k++)
            open_now = open_now || fcntl(k, F_GETFD) >= 0;
        for (int k = closed[i][0]; k <= closed[i][1]; k++) {
            dup2(kept[k], k);
            close(kept[k]);
        }
        files_expect(code, EXIT_OK, NULL, "cli_output_open", __LINE__);
        ck_assert(!open_now);
        cli_output_abandon(o);
    }
}
END_TEST

START_TEST(a_fifo)
{
    int status = 0;
    ck_assert_int_eq(mkfifo("fifo.npy", 0666), 0);
    const pid_t reader = fork();
    ck_assert_int_ge(reader, 0);
    if (reader == 0) {
        unsigned char bytes[1024];
        FILE *const file = fopen("fifo.npy", "rb");
        _exit(file && fread(bytes, 1, sizeof bytes, file) == OUTPUT_FILE ? 0 : 1);
    }
    output_write("fifo.npy", NULL);
    ck_assert_int_eq(waitpid(reader, &status, 0), reader);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_fifo_that_goes)
{
    cli_output *o;
    ck_assert_int_eq(mkfifo("gone.npy", 0666), 0);
    FILES_EXPECT(cli_output_open(&o, "gone.npy", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_npy(o, &output_array), EXIT_OK, NULL);
    ck_assert_int_eq(unlink("gone.npy"), 0);
    FILES_EXPECT(cli_output_commit(o), EXIT_INPUT, "gone.npy cannot be written: No such file or directory");
}
END_TEST

void output_pipes(TCase *t)
{
    SUITE_ADD(t, standard_output, closed_standard_streams, a_fifo, a_fifo_that_goes);
}
