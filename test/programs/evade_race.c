// evade_race: a thread changes the name in memory while another calls the kernel with it. What was done in truth is told
// by the object that it was done to.
//
//   evade_race ACT DIRECTORY

#include "evade.h"
#include "evade_place.h"

#include <pthread.h>
#include <time.h>

// So many rounds, or what fits into so many seconds: an emulated machine has both threads share one processor.
#define ROUNDS 300
#define SECONDS 5

static char name[PATH_SIZE];
static char *volatile flipped;
static volatile int done;

static void *flip(void *unused)
{
	while (!done) {
		*flipped = 'A';
		*flipped = 'B';
	}
	return unused;
}

static char *path(char letter)
{
	char leaf[16];

	snprintf(leaf, sizeof(leaf), ".ssh/%c", letter);
	return below(leaf);
}

static ino_t inode(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

static mode_t mode(const char *path)
{
	struct stat st;

	must("stat", stat(path, &st));
	return st.st_mode & 07777;
}

static void make(void)
{
	write_text(path('A'), "A\n");
	write_text(path('B'), "B\n");
	chmod(path('A'), 0644);
	chmod(path('B'), 0644);
}

// race calls f again and again, each time with both files there, and tells which file the call was about.
static void race(void (*call)(void), int (*about)(char letter))
{
	time_t began = time(NULL);
	pthread_t thread;
	ino_t a, b;

	snprintf(name, sizeof(name), "%s", path('A'));
	flipped = name + strlen(name) - 1;
	must("pthread_create", pthread_create(&thread, NULL, flip, NULL) ? -1 : 0);
	for (int i = 0; i < ROUNDS && time(NULL) - began <= SECONDS; i++) {
		in_child(make);
		a = inode(path('A'));
		b = inode(path('B'));
		call();
		if (about('A'))
			tell("truth", "%lu:%s", a, path('A'));
		else if (about('B'))
			tell("truth", "%lu:%s", b, path('B'));
		else
			failed("what was done cannot be seen");
		// A number that was freed may be given again, so what is left over goes before the next round.
		unlink(below("kept"));
	}
	done = 1;
	pthread_join(thread, NULL);
}

static int is_gone(char letter) { return inode(path(letter)) == 0; }
static int is_changed(char letter) { return mode(path(letter)) == 0751; }

static void call_unlink(void) { must("unlink", unlink(name)); }
static void call_rename(void) { must("rename", rename(name, below("kept"))); }
static void call_chmod(void) { must("chmod", chmod(name, 0751)); }

static void race_unlink(void) { race(call_unlink, is_gone); }
static void race_rename(void) { race(call_rename, is_gone); }
static void race_chmod(void) { race(call_chmod, is_changed); }

static const struct act acts[] = {
	{"unlink", race_unlink},
	{"rename", race_rename},
	{"chmod", race_chmod},
	{NULL, NULL},
};

static void run(void (*perform)(void))
{
	snprintf(base, sizeof(base), "%s", arguments[0]);
	must("mkdir", mkdir(below(".ssh"), 0755));
	perform();
}

static void end(void) { syscall(SYS_memfd_create, "evasion-end", 0); }

int main(int argc, char **argv) { return start(acts, argc, argv, run, end); }
