/* verify_torch.c -- PyTorch in a process of its own, for `verify --hostile`: torch.py runs it.
 *
 * A case goes there and back through a socket, so that nothing is left anywhere. Whatever the process does,
 * each answer has a deadline, and the process group ends with the command's use of it. */
#define _GNU_SOURCE /* MSG_NOSIGNAL, SOCK_CLOEXEC */
#include "cli/attrs.h"
#include "cli/json.h"
#include "cli/session.h"
#include "cli/tensors.h"
#include "cli/verify.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 120000 /* a first import on a busy machine */
#define CASE_MS 60000

extern char **environ;

struct cli_torch {
    int fd; /* -1: it answers no more */
    pid_t process;
    char version[48];
};

/* ---- the process ---- */

static int spawn(pid_t *process, int fd)
{
    char python[] = "python3", quiet[] = "-B", from[] = "-c";
    char *argv[] = { python, quiet, from, (char *)(uintptr_t)cli_scripts[0].text, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    const int failed = posix_spawnp(process, argv[0], &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* Moves all bytes in or out before the deadline; else it is given up for good. */
static bool pass(cli_torch *t, void *bytes, size_t size, bool in, double deadline)
{
    char *at = (char *)bytes;
    while (size && t->fd >= 0) {
        struct pollfd ready = { t->fd, in ? POLLIN : POLLOUT, 0 };
        const double left = deadline - cli_now_ms();
        if (left <= 0 || poll(&ready, 1, (int)left + 1) <= 0)
            break;
        const ssize_t n =
            in ? recv(t->fd, at, size, MSG_DONTWAIT) : send(t->fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            break;
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    if (size && t->fd >= 0) {
        close(t->fd);
        t->fd = -1;
    }
    return size == 0;
}

/* The first line. A Python without PyTorch says nothing. */
static bool greet(cli_torch *t)
{
    const double deadline = cli_now_ms() + START_MS;
    size_t n = 0;
    while (n + 1 < sizeof t->version && pass(t, t->version + n, 1, true, deadline) && t->version[n] != '\n')
        if (!isgraph((unsigned char)t->version[n++]))
            return false;
    const bool greeted = n > 0 && t->version[n] == '\n';
    t->version[n] = '\0';
    return greeted;
}

cli_torch *cli_torch_open(void)
{
    int pair[2];
    cli_torch *t = (cli_torch *)calloc(1, sizeof *t);
    if (!t || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        free(t);
        return NULL;
    }
    t->fd = pair[0];
    if (spawn(&t->process, pair[1]) != 0)
        t->process = 0;
    close(pair[1]);
    if (t->process && greet(t))
        return t;
    cli_torch_close(t);
    return NULL;
}

void cli_torch_close(cli_torch *t)
{
    if (!t)
        return;
    if (t->fd >= 0)
        close(t->fd);
    if (t->process > 0) {
        kill(-t->process, SIGKILL);
        waitpid(t->process, NULL, 0);
    }
    free(t);
}

const char *cli_torch_version(const cli_torch *t) { return t->version; }
bool cli_torch_lives(const cli_torch *t) { return t->fd >= 0; }

/* ---- a case ---- */

static json_t *value_json(const clnorm_any *desc, const clnorm_attr *a)
{
    const uint32_t channels =
        desc->op.kind == CLNORM_OP_DENORMALIZE ? desc->denormalize.channels : desc->normalize.channels;
    if (a->type == CLNORM_ATTR_U32 && strcmp(a->name, "of") == 0)
        return json_string(clnorm_op_of((uint32_t)cli_attr_value(desc, a, 0))->name);
    if (a->type == CLNORM_ATTR_U32)
        return json_integer((json_int_t)cli_attr_value(desc, a, 0));
    if (a->type == CLNORM_ATTR_F32)
        return cli_json_real(cli_attr_value(desc, a, 0));
    json_t *list = json_array();
    for (uint32_t k = 0; k < channels; k++)
        json_array_append_new(list, cli_json_real(cli_attr_value(desc, a, k)));
    return list;
}

static json_t *attrs_json(const clnorm_any *desc)
{
    const clnorm_op_info *op = clnorm_op_of(desc->op.kind);
    json_t *attrs = json_object();
    for (size_t k = 0; k < op->nattrs; k++)
        json_object_set_new(attrs, op->attrs[k].name, value_json(desc, &op->attrs[k]));
    return attrs;
}

static json_t *slot_json(const cli_dense *dense, uint32_t slot)
{
    json_t *shape = json_array();
    for (uint32_t k = 0; k < dense->tensor.ndim; k++)
        json_array_append_new(shape, json_integer(dense->tensor.shape[k]));
    return json_pack("[s, o]", cli_slot_names[slot], shape);
}

static char *header_of(const clnorm_any *desc, const cli_dense *slots, uint32_t in, uint32_t out)
{
    json_t *given = json_array(), *want = json_array();
    for (uint32_t slot = 0; slot < CLNORM_SLOTS_USED; slot++) {
        if (in >> slot & 1u)
            json_array_append_new(given, slot_json(&slots[slot], slot));
        if (out >> slot & 1u)
            json_array_append_new(want, json_string(cli_slot_names[slot]));
    }
    json_t *root = json_pack("{s:s, s:o, s:o, s:o}", "op", clnorm_op_of(desc->op.kind)->name, "attrs",
                             attrs_json(desc), "slots", given, "want", want);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

static bool pass_slots(cli_torch *t, cli_dense *slots, uint32_t which, bool in, double deadline)
{
    bool passed = true;
    for (uint32_t slot = 0; slot < CLNORM_SLOTS_USED && passed; slot++)
        if (which >> slot & 1u)
            passed = pass(t, slots[slot].data,
                          (size_t)clnorm_tensor_count(&slots[slot].tensor) * sizeof(float), in, deadline);
    return passed;
}

bool cli_torch_run(cli_torch *t, const clnorm_any *desc, cli_dense *slots, uint32_t in, uint32_t out)
{
    const double deadline = cli_now_ms() + CASE_MS;
    char *header = header_of(desc, slots, in, out), end = '\n', can = '0';
    const bool asked = header && pass(t, header, strlen(header), false, deadline) &&
                       pass(t, &end, 1, false, deadline) && pass_slots(t, slots, in, false, deadline);
    free(header);
    return asked && pass(t, &can, 1, true, deadline) && can == '1' &&
           pass_slots(t, slots, out, true, deadline);
}
