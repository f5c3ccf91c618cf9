// Who performs an act: the process itself, a thread that is not its leader, or a child made in one of many ways.

#ifndef EVADE_WHO_H
#define EVADE_WHO_H

#include <linux/sched.h>
#include <pthread.h>

#include "evade.h"

static void (*performed)(void);

static void *as_thread(void *unused)
{
	fact_number("tid", syscall(SYS_gettid));
	performed();
	return unused;
}

static void by_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, as_thread, NULL) != 0)
		failed("pthread_create");
	pthread_join(thread, NULL);
}

// child_did tells which process has acted; a child that did not end well ends this one.
static void child_did(pid_t pid)
{
	fact_number("pid", pid);
	wait_well(pid);
}

static void by_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		performed();
		_exit(0);
	}
	child_did(must("vfork", pid));
}

static void by_fork(void)
{
	pid_t pid = must("fork", fork());

	if (pid == 0) {
		performed();
		_exit(0);
	}
	child_did(pid);
}

static void by_clone3(void)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	pid_t pid = must("clone3", syscall(SYS_clone3, &args, sizeof(args)));

	if (pid == 0) {
		performed();
		_exit(0);
	}
	child_did(pid);
}

// by_sibling has a child make a process that is no child of its own.
static void by_sibling(void)
{
	volatile pid_t *pid = mmap(NULL, sizeof(*pid), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t maker = must("fork", fork());

	if (maker == 0) {
		pid_t child = must("clone", syscall(SYS_clone, CLONE_PARENT, 0, 0, 0, 0));

		if (child == 0)
			performed();
		else
			*pid = child;
		_exit(0);
	}
	wait_well(maker);
	fact_number("maker", maker);
	child_did(*pid);
}

static void by_namespace(void)
{
	pid_t pid = must("clone", syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0));

	if (pid == 0) {
		performed();
		_exit(0);
	}
	child_did(pid);
}

static const struct {
	const char *name;
	void (*run)(void);
} performers[] = {
	{"fork", by_fork},	       {"thread", by_thread},	 {"vfork", by_vfork},
	{"clone3", by_clone3},	       {"sibling", by_sibling}, {"pid-namespace", by_namespace},
};

// by has someone perform; 0 when nobody of that name is known.
MAYBE_UNUSED static int by(const char *name, void (*perform)(void))
{
	performed = perform;
	if (strcmp(name, "self") == 0) {
		perform();
		return 1;
	}
	for (size_t i = 0; i < sizeof(performers) / sizeof(performers[0]); i++)
		if (strcmp(performers[i].name, name) == 0) {
			performers[i].run();
			return 1;
		}
	return 0;
}

#endif
