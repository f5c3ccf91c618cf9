// evade_exec: starting programs in unusual ways. What is started is this program itself, with the argument "started", or a
// copy of it, under whatever name.
//
//   evade_exec ACT DIRECTORY

#include "evade.h"
#include "evade_call.h"
#include "evade_place.h"
#include "evade_who.h"

extern char **environ;

static char *argv_started[] = {"innocent", "started", NULL};

// copy makes a copy of this program.
static void copy(const char *path)
{
	static char buffer[1 << 16];
	int from = must("open", open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	int to = must(path, open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755));
	ssize_t n;

	while ((n = must("read", read(from, buffer, sizeof(buffer)))) > 0)
		must("write", write(to, buffer, n));
	close(from);
	close(to);
}

static void fill_memory(int fd)
{
	static char buffer[1 << 16];
	int from = must("open", open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	ssize_t n;

	while ((n = must("read", read(from, buffer, sizeof(buffer)))) > 0)
		must("write", write(fd, buffer, n));
	close(from);
}

// started tells where the program truly is, and runs exec in a child.
static void in_executing_child(const char *path, void (*exec)(void))
{
	pid_t pid;

	fact("executable", path);
	pid = must("fork", fork());
	if (pid == 0) {
		exec();
		failed("exec");
	}
	fact_number("pid", pid);
	wait_well(pid);
}

static int descriptor;

static void exec_descriptor(void)
{
	syscall(SYS_execveat, descriptor, "", argv_started, environ, AT_EMPTY_PATH);
}

static void exec_proc(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
	execve(path, argv_started, environ);
}

static void empty_path(void)
{
	copy(below("payload"));
	descriptor = must("open", open(below("payload"), O_PATH | O_CLOEXEC));
	in_executing_child(below("payload"), exec_descriptor);
}

static void fexecve_it(void)
{
	copy(below("payload"));
	descriptor = must("open", open(below("payload"), O_RDONLY));
	in_executing_child(below("payload"), exec_proc);
}

static void exec_relative(void) { syscall(SYS_execveat, descriptor, "x/../payload", argv_started, environ, 0); }

static void by_directory(void)
{
	copy(below("payload"));
	must("mkdir", mkdir(below("x"), 0755));
	descriptor = must("open", open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	in_executing_child(below("payload"), exec_relative);
}

static void memfd(void)
{
	descriptor = must("memfd_create", syscall(SYS_memfd_create, "pay load", MFD_CLOEXEC));
	fill_memory(descriptor);
	in_executing_child("memfd:pay load", exec_descriptor);
}

static void memfd_proc(void)
{
	descriptor = must("memfd_create", syscall(SYS_memfd_create, "pay load", 0));
	fill_memory(descriptor);
	in_executing_child("memfd:pay load", exec_proc);
}

static void deleted(void)
{
	copy(below("payload"));
	descriptor = must("open", open(below("payload"), O_PATH | O_CLOEXEC));
	must("unlink", unlink(below("payload")));
	in_executing_child(below("payload"), exec_descriptor);
}

static void exec_script(void) { execve(below("link.sh"), argv_started, environ); }

static void script_through_link(void)
{
	static char text[PATH_SIZE];

	copy(below("interpreter"));
	snprintf(text, sizeof(text), "#!%s started\n", below("interpreter"));
	write_text(below("script.sh"), text);
	must("chmod", chmod(below("script.sh"), 0755));
	must("symlink", symlink("script.sh", below("link.sh")));
	tell("script", "%s", below("script.sh"));
	in_executing_child(below("interpreter"), exec_script);
}

static void exec_link(void) { execve(below("link"), argv_started, environ); }

static void through_link(void)
{
	copy(below("payload"));
	must("symlink", symlink("payload", below("link")));
	in_executing_child(below("payload"), exec_link);
}

static void exec_payload(void) { execve(below("merged/payload"), argv_started, environ); }

static void overlay_lower(void)
{
	static char options[3 * PATH_SIZE];

	must("mkdir", mkdir(below("lower"), 0755));
	must("mkdir", mkdir(below("upper"), 0755));
	must("mkdir", mkdir(below("work"), 0755));
	must("mkdir", mkdir(below("merged"), 0755));
	copy(below("lower/payload"));
	own_mounts();
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", below("lower"), below("upper"), below("work"));
	if (mount("overlay", below("merged"), "overlay", 0, options) < 0)
		lacking("overlayfs");
	in_executing_child(below("merged/payload"), exec_payload);
}

static void overlay_upper(void)
{
	static char options[3 * PATH_SIZE];

	must("mkdir", mkdir(below("lower"), 0755));
	must("mkdir", mkdir(below("upper"), 0755));
	must("mkdir", mkdir(below("work"), 0755));
	must("mkdir", mkdir(below("merged"), 0755));
	own_mounts();
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", below("lower"), below("upper"), below("work"));
	if (mount("overlay", below("merged"), "overlay", 0, options) < 0)
		lacking("overlayfs");
	copy(below("merged/payload"));
	in_executing_child(below("merged/payload"), exec_payload);
}

static void exec_in_root(void)
{
	must("chroot", chroot(base));
	must("chdir", chdir("/"));
	execve("/payload", argv_started, environ);
}

static void in_chroot(void)
{
	copy(below("payload"));
	in_executing_child(below("payload"), exec_in_root);
}

static void exec_bound(void)
{
	must("unshare", unshare(CLONE_NEWNS));
	must("mount", mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	must("mount", mount(below("payload"), below("bound"), NULL, MS_BIND, NULL));
	execve(below("bound"), argv_started, environ);
}

static void bind_mounted(void)
{
	copy(below("payload"));
	write_text(below("bound"), "");
	in_executing_child(below("bound"), exec_bound);
}

static void *thread_exec(void *unused)
{
	fact_number("thread", syscall(SYS_gettid));
	execve(below("payload"), argv_started, environ);
	failed("exec");
	return unused;
}

static void exec_by_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, thread_exec, NULL);
	pthread_join(thread, NULL);
}

static void by_a_thread(void)
{
	copy(below("payload"));
	in_executing_child(below("payload"), exec_by_thread);
}

static char payload[PATH_SIZE];
static unsigned int narrow_argv[2];

static void exec_int80(void)
{
	static char name[] = "innocent", argument[] = "started";
	static unsigned int list[3];

	list[0] = (uintptr_t)name;
	list[1] = (uintptr_t)argument;
	int80(11, (long)(uintptr_t)payload, (long)(uintptr_t)list, (long)(uintptr_t)(narrow_argv + 1), 0, 0);
}

static void by_int80(void)
{
	need_int80();
	copy(below("payload"));
	snprintf(payload, sizeof(payload), "%s", below("payload"));
	in_executing_child(below("payload"), exec_int80);
}

static void exec_plainly(void) { execve(below("payload"), argv_started, environ); }

// with_stdin runs the program with its input from elsewhere.
static void with_stdin(int fd)
{
	must("dup2", dup2(fd, 0));
	in_executing_child(below("payload"), exec_plainly);
}

static void stdin_pipe(void)
{
	int ends[2];

	copy(below("payload"));
	must("pipe", pipe(ends));
	with_stdin(ends[0]);
}

static void stdin_file(void)
{
	copy(below("payload"));
	write_text(below("commands"), "exit 0\n");
	tell("commands", "%s", below("commands"));
	with_stdin(must("open", open(below("commands"), O_RDONLY)));
}

static void stdin_socket(void)
{
	int pair[2];

	copy(below("payload"));
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	with_stdin(pair[0]);
}

static void exec_closed(void)
{
	close(0);
	exec_plainly();
}

static void stdin_closed(void)
{
	copy(below("payload"));
	in_executing_child(below("payload"), exec_closed);
}

static void exec_shell(void) { execl("/bin/sh", "sh", "-c", ": started; exit 0", NULL); }

static void shell(void)
{
	if (access("/bin/sh", X_OK) < 0)
		lacking("/bin/sh");
	in_executing_child("/bin/sh", exec_shell);
}

static void by_anyone(void (*run)(void))
{
	copy(below("payload"));
	fact("executable", below("payload"));
	performed = exec_plainly;
	run();
}

static void vforked(void) { by_anyone(by_vfork); }
static void cloned3(void) { by_anyone(by_clone3); }
static void sibling(void) { by_anyone(by_sibling); }
static void namespaced(void) { by_anyone(by_namespace); }

static void program_32(void)
{
	static char program[PATH_SIZE];
	pid_t pid;
	ssize_t n = must("readlink", readlink("/proc/self/exe", program, sizeof(program) - 16));

	program[n] = 0;
	strcpy(strrchr(program, '/'), "/evade32");
	copy(below("payload"));
	fact("executable", below("payload"));
	need_int80();
	pid = must("fork", fork());
	if (pid == 0) {
		execl(program, program, "execve", below("payload"), "started", NULL);
		failed(program);
	}
	fact_number("pid", pid);
	wait_well(pid);
}

static const struct act acts[] = {
	{"fexecve", fexecve_it},
	{"execveat-empty-path", empty_path},
	{"execveat-directory", by_directory},
	{"memfd", memfd},
	{"memfd-proc", memfd_proc},
	{"deleted", deleted},
	{"symlink", through_link},
	{"script-through-symlink", script_through_link},
	{"overlay-lower", overlay_lower},
	{"overlay-upper", overlay_upper},
	{"chroot", in_chroot},
	{"bind-mount", bind_mounted},
	{"thread", by_a_thread},
	{"int80", by_int80},
	{"program-32", program_32},
	{"vfork", vforked},
	{"clone3", cloned3},
	{"sibling", sibling},
	{"pid-namespace", namespaced},
	{"shell", shell},
	{"stdin-pipe", stdin_pipe},
	{"stdin-file", stdin_file},
	{"stdin-socket", stdin_socket},
	{"stdin-closed", stdin_closed},
	{NULL, NULL},
};

static void run(void (*perform)(void))
{
	snprintf(base, sizeof(base), "%s", arguments[0]);
	perform();
}

// The end of this process is the end of the act.
static void end(void) {}

int main(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "started") == 0)
			return 0;
	return start(acts, argc, argv, run, end);
}
