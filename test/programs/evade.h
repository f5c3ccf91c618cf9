// What the evade programs share. Each is called as
//
//   evade_THEME ACT [ARGUMENTS]
//
// performs one act for real and prints what is true about it, one "name=value" a line, for the test to compare with what was
// reported. It ends with 0, with 77 when the kernel lacks what the act needs, or with 1 when the act itself failed.

#ifndef EVADE_H
#define EVADE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

// A name that does not fit makes the call fail that uses it, and the act with it.
#pragma GCC diagnostic ignored "-Wformat-truncation"

#define MAYBE_UNUSED __attribute__((unused))

struct act {
	const char *name;
	void (*perform)(void);
};

// Facts lie in memory that children share, whoever performs the act.
struct fact_page {
	int skip;
	size_t size;
	char text[1 << 18];
};

static struct fact_page *facts;
static char **arguments;

// lacking ends the act as one that this kernel cannot do.
MAYBE_UNUSED static _Noreturn void lacking(const char *what)
{
	fprintf(stderr, "needs %s\n", what);
	facts->skip = 1;
	_exit(77);
}

MAYBE_UNUSED static _Noreturn void failed(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	_exit(1);
}

// must ends the act when a call that it depends on failed: as lacking when the kernel does not know the call.
MAYBE_UNUSED static long must(const char *what, long result)
{
	if (result != -1)
		return result;
	if (errno == ENOSYS || errno == EOPNOTSUPP) {
		fprintf(stderr, "%s: ", strerror(errno));
		lacking(what);
	}
	failed(what);
}

static void fact_bytes(const char *name, const void *data, size_t size)
{
	const unsigned char *p = data;
	char *out = facts->text + facts->size;

	if (facts->size + strlen(name) + 3 * size + 3 > sizeof(facts->text))
		failed("too many facts");
	out += sprintf(out, "%s=", name);
	for (; size; size--, p++)
		if (*p > ' ' && *p < 0x7f && *p != '%')
			*out++ = *p;
		else
			out += sprintf(out, "%%%02X", *p);
	*out++ = '\n';
	facts->size = out - facts->text;
}

MAYBE_UNUSED static void fact(const char *name, const char *text) { fact_bytes(name, text, strlen(text)); }

MAYBE_UNUSED static void fact_number(const char *name, long long number)
{
	char text[24];

	fact_bytes(name, text, sprintf(text, "%lld", number));
}

MAYBE_UNUSED static void tell(const char *name, const char *format, ...)
{
	static char text[8192];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	fact(name, text);
}

// write_text gives a file its whole content.
MAYBE_UNUSED static void write_text(const char *path, const char *text)
{
	int fd = must(path, open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));

	must(path, write(fd, text, strlen(text)));
	close(fd);
}

MAYBE_UNUSED static unsigned long namespace_of(const char *kind)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	must(path, stat(path, &st));
	return st.st_ino;
}

// wait_well waits for a child, and ends as it did when it did not end well.
MAYBE_UNUSED static void wait_well(pid_t pid)
{
	int status;

	must("waitpid", waitpid(pid, &status, __WALL));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

// in_child performs something in a process of its own, so that its events are not those of the act.
MAYBE_UNUSED static void in_child(void (*f)(void))
{
	pid_t pid = must("fork", fork());

	if (pid == 0) {
		f();
		_exit(0);
	}
	wait_well(pid);
}

// own_mounts gives the process a mount namespace of its own, whose mounts nobody else sees and which ends with it.
MAYBE_UNUSED static void own_mounts(void)
{
	must("unshare mount namespace", unshare(CLONE_NEWNS));
	must("private mounts", mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

// sleeper starts a process that waits to be killed; it ends with its parent.
MAYBE_UNUSED static pid_t sleeper(void)
{
	pid_t parent = getpid(), pid = must("fork", fork());

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		// A parent that is another user by then may not kill it: it holds nothing open, and ends by itself.
		close(1);
		close(2);
		alarm(60);
		// The parent may have stopped this process before, and be gone by now.
		if (getppid() != parent)
			_exit(0);
		for (;;)
			pause();
	}
	fact_number("target", pid);
	return pid;
}

// plainly performs an act as it is.
MAYBE_UNUSED static void plainly(void (*perform)(void)) { perform(); }

// start finds the act and has it performed by run; end is performed by the first process when all is done, so that its event
// tells that no other comes.
static int start(const struct act *acts, int argc, char **argv, void (*run)(void (*perform)(void)), void (*end)(void))
{
	if (argc < 2) {
		for (; acts->name; acts++)
			printf("%s\n", acts->name);
		return 2;
	}
	facts = mmap(NULL, sizeof(*facts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (facts == MAP_FAILED)
		return 1;
	arguments = argv + 2;
	for (; acts->name && strcmp(acts->name, argv[1]) != 0; acts++)
		;
	if (!acts->name) {
		fprintf(stderr, "there is no act %s\n", argv[1]);
		return 2;
	}
	fact_number("pid", getpid());
	run(acts->perform);
	end();
	if (write(1, facts->text, facts->size) != (ssize_t)facts->size)
		return 1;
	return 0;
}

#endif
