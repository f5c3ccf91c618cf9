// samepid: runs two programs one after the other under the same process id, as happens by chance when ids wrap round.
//
//   samepid PROGRAM ARGUMENT-OF-FIRST ARGUMENT-OF-SECOND
//
// Prints the process id. Needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE (clone3 with set_tid).

#define _GNU_SOURCE
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start(pid_t wanted, char *program, char *argument)
{
	struct clone_args args;
	pid_t pid;

	memset(&args, 0, sizeof(args));
	args.exit_signal = SIGCHLD;
	if (wanted) {
		args.set_tid = (unsigned long)&wanted;
		args.set_tid_size = 1;
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		char *argv[] = {program, argument, NULL};

		execv(program, argv);
		_exit(127);
	}
	return pid;
}

int main(int argc, char **argv)
{
	int status;

	if (argc != 4) {
		fprintf(stderr, "usage: samepid PROGRAM ARGUMENT-OF-FIRST ARGUMENT-OF-SECOND\n");
		return 2;
	}
	pid_t first = start(0, argv[1], argv[2]);
	if (first < 0) {
		perror("clone3");
		return 1;
	}
	waitpid(first, &status, 0);
	pid_t second = start(first, argv[1], argv[3]);
	if (second < 0) {
		perror("clone3 with set_tid");
		return 1;
	}
	waitpid(second, &status, 0);
	printf("%d %d\n", first, second);
	return first == second ? 0 : 1;
}
