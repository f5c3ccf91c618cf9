// filestorm: does many things to files, by processes that each do some and make room for the next.
//
//   filestorm DIRECTORY OPERATIONS EACH
//
// Two processes at a time make, write, close, chmod, rename and unlink files of their own, EACH operations apiece, until there
// were OPERATIONS. Prints one line: operations done, seconds, processes.

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEPS 6
#define SIDE_BY_SIDE 2

static void must(const char *what, int result)
{
	if (result < 0) {
		perror(what);
		_exit(1);
	}
}

static void work(const char *directory, long operations)
{
	char from[4096], to[4096];

	snprintf(from, sizeof(from), "%s/%d", directory, getpid());
	snprintf(to, sizeof(to), "%s/%d.done", directory, getpid());
	for (long i = 0; i < operations; i += STEPS) {
		int fd = open(from, O_CREAT | O_EXCL | O_WRONLY, 0600);

		must("open", fd);
		must("write", write(fd, "x", 1));
		must("close", close(fd));
		must("chmod", chmod(from, 0640));
		must("rename", rename(from, to));
		must("unlink", unlink(to));
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	struct timespec began, ended;
	long all, each, done = 0, running = 0, processes = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: filestorm DIRECTORY OPERATIONS EACH\n");
		return 2;
	}
	all = atol(argv[2]);
	each = (atol(argv[3]) + STEPS - 1) / STEPS * STEPS;
	clock_gettime(CLOCK_MONOTONIC, &began);
	while (done < all || running > 0) {
		int status;

		if (done < all && running < SIDE_BY_SIDE) {
			pid_t pid = fork();

			must("fork", pid);
			if (pid == 0)
				work(argv[1], each);
			done += each;
			running++;
			processes++;
			continue;
		}
		must("wait", wait(&status));
		if (status != 0) {
			fprintf(stderr, "a process failed: status %#x\n", status);
			return 1;
		}
		running--;
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	printf("%ld %.3f %ld\n", done, ended.tv_sec - began.tv_sec + (ended.tv_nsec - began.tv_nsec) / 1e9, processes);
	return 0;
}
