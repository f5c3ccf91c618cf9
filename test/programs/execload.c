// execload: starts one program again and again, at a fixed rate or as fast as it can.
//
//   execload PROGRAM RATE SECONDS [MARKER]
//
// RATE is programs per second, 0 for as fast as possible. Each program gets the arguments MARKER (default "-") and its
// number from 0. Prints one line: started, seconds, rate, and the CPU seconds that the load itself cost.

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static double cpu_seconds(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: execload PROGRAM RATE SECONDS [MARKER]\n");
		return 2;
	}
	const char *marker = argc > 4 ? argv[4] : "-";
	double rate = atof(argv[2]), seconds = atof(argv[3]);
	long long start = now_ns(), end = start + (long long)(seconds * 1e9), n = 0;

	for (;; n++) {
		char number[24];
		char *args[] = {argv[1], (char *)marker, number, NULL};
		long long due = rate > 0 ? start + (long long)(n * 1e9 / rate) : now_ns();
		struct timespec ts = {due / 1000000000, due % 1000000000};
		int status;

		if (due >= end)
			break;
		if (rate > 0)
			while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
				;
		snprintf(number, sizeof(number), "%lld", n);
		pid_t pid = vfork();
		if (pid == 0) {
			execve(argv[1], args, environ);
			_exit(127);
		}
		if (pid < 0) {
			perror("vfork");
			return 1;
		}
		if (waitpid(pid, &status, 0) < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
			fprintf(stderr, "execload: cannot start %s\n", argv[1]);
			return 1;
		}
	}
	double elapsed = (now_ns() - start) / 1e9;
	printf("%lld %.3f %.1f %.3f\n", n, elapsed, n / elapsed, cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN));
	return 0;
}
