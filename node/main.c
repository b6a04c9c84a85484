#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/attr.h"
#include "node/cluster_command.h"
#include "node/config.h"
#include "node/control.h"
#include "node/health.h"
#include "node/print.h"
#include "node/serve.h"
#include "node/status.h"
#include "node/token.h"

/* argv is what stands behind the command's name. */
typedef int command_fn(int argc, const char *const *argv);
typedef void help_fn(struct buf *out);

struct command {
    const char *name;
    const char *usage;
    const char *help;
    command_fn *run;
    help_fn *options; /* NULL: it has none */
};

static int on_serve(int argc, const char *const *argv)
{
    return serve_main(argc, argv, (const char *const *)environ);
}

static int on_health(int argc, const char *const *argv)
{
    return health_main(argc, argv, (const char *const *)environ);
}

static int on_version(int argc, const char *const *argv)
{
    (void)argc;
    (void)argv;
    return puts("switchboard " SWITCHBOARD_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static command_fn on_help;

static const struct command commands[] = {
    {"serve", "[--name value]…", "Run a node", on_serve, config_help},
    {"token", "--user NAME --key KEY [--name value]…", "Sign a token for a user", token_main, token_help},
    {"health", "[ready] [--name value]…", "Ask the node that these settings describe how it is", on_health, NULL},
    {"status", "--redis URL [--watch] [--json]", "Show the living cluster", status_main, cluster_command_status_help},
    {"kick", "--redis URL USER[/DEVICE]", "End the sessions of a user, or of one device", kick_main,
     cluster_command_help},
    {"call", "end --redis URL CALL", "End a call for everybody", call_main, cluster_command_help},
    {"drain", "--redis URL NODE", "Let a node leave, as SIGTERM does", drain_main, cluster_command_help},
    {"version", "", "Print the version", on_version, NULL},
    {"help", "[COMMAND|settings [--markdown]]", "Explain a command, or all settings", on_help, NULL},
};

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static void put_overview(struct buf *out)
{
    buf_put_cstr(out, "switchboard " SWITCHBOARD_VERSION ": the part of WebRTC that introduces callers\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        buf_putf(out, "  switchboard %-8s %s\n", commands[i].name, commands[i].help);
    buf_put_cstr(out, "\nTo try it: switchboard serve --dev\nMore: switchboard help serve\n");
}

static void put_command_help(const struct command *command, struct buf *out)
{
    buf_putf(out, "Usage: switchboard %s %s\n\n%s.\n", command->name, command->usage, command->help);
    if (command->options) {
        buf_put_char(out, '\n');
        command->options(out);
    }
    if (command->run == on_health) {
        buf_put_cstr(out, "\nOf the settings of `switchboard serve` it needs those that say where the node listens.\n"
                          "0: it is well; 1: it is not, or does not answer; 2: called wrongly.\n");
    }
    if (command->run == on_serve) {
        buf_put_cstr(
            out,
            "\nEach option may also stand in the environment (SWITCHBOARD_GRACE_MS) or in a file (grace-ms = …).\n");
    }
}

static int say(const struct command *command, bool settings_page)
{
    struct buf out;
    print_init(&out);
    if (settings_page)
        config_markdown(&out);
    else if (command)
        put_command_help(command, &out);
    else
        put_overview(&out);
    bool told = print_text(&out);
    buf_finish(&out);
    return told ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int unknown(const char *name)
{
    fprintf(stderr, "switchboard: there is no command \"%s\"\nTry: switchboard help\n", name);
    return EXIT_USAGE;
}

static int on_help(int argc, const char *const *argv)
{
    if (argc == 0)
        return say(NULL, false);
    if (strcmp(argv[0], "settings") == 0) {
        bool markdown = argc > 1 && strcmp(argv[1], "--markdown") == 0;
        return say(command_find("serve"), markdown);
    }
    const struct command *command = command_find(argv[0]);
    return command ? say(command, false) : unknown(argv[0]);
}

static bool asks_for_help(int argc, const char *const *argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

/* Where one was closed (`>&-`, a careless parent), a socket would get its number, and what is meant for a terminal would go there. */
static void open_standard_files(void)
{
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = open("/dev/null", O_RDWR);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **arguments)
{
    const char *const *argv = (const char *const *)arguments;
    open_standard_files();
    if (argc < 2) {
        (void)say(NULL, false);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0)
        return on_version(0, NULL);
    const struct command *command = command_find(argv[1]);
    if (asks_for_help(argc - 1, argv + 1))
        return say(command, false);
    return command ? command->run(argc - 2, argv + 2) : unknown(argv[1]);
}
