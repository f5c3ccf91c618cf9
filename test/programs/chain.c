// chain: a line of processes, each the child of the one before; the last starts a program.
//
//   chain DEPTH PROGRAM [ARGUMENTS]
//
// Every process waits for its child, so all of them live at the same moment. Each runs chain anew: forking without exec
// would make every fork copy the memory bookkeeping of all its ancestors, and 3,000 levels take a minute.

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int depth, status = 0;
	char left[16];
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: chain DEPTH PROGRAM [ARGUMENTS]\n");
		return 2;
	}
	depth = atoi(argv[1]);
	if (depth <= 0) {
		execv(argv[2], argv + 2);
		perror(argv[2]);
		return 1;
	}
	pid = vfork();
	if (pid < 0) {
		perror("vfork");
		return 1;
	}
	if (pid == 0) {
		snprintf(left, sizeof(left), "%d", depth - 1);
		argv[1] = left;
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
