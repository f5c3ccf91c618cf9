// evade_file: what one does to files, each by one call, under every way to name the file, to enter the kernel and to be
// someone else.
//
//   evade_file ACT DIRECTORY [PLACE [WAY [WHO]]]

#include "evade.h"
#include "evade_call.h"
#include "evade_place.h"
#include "evade_who.h"

#include <linux/openat2.h>
#include <sys/xattr.h>
#include <time.h>

static const char first[] = "evaded-write", second[] = "-and-more";
static char attribute[] = "trusted.evasion", value[] = "a value\n\xff";

static long must_open(const char *leaf, int flags)
{
	return must("open", call4(SYS_openat, at, spell(leaf), flags, 0640));
}

static void open_write(void) { must_open(VICTIM, O_WRONLY); }
static void open_append(void) { must_open(VICTIM, O_RDWR | O_APPEND | O_NOFOLLOW); }
static void open_read(void) { must_open(VICTIM, O_RDONLY); }
static void open_truncate(void) { must_open(VICTIM, O_WRONLY | O_TRUNC); }
static void create(void) { must_open("fresh", O_CREAT | O_EXCL | O_WRONLY); }

static void create_openat2(void)
{
	static struct open_how how = {.flags = O_CREAT | O_WRONLY, .mode = 0640};

	must("openat2", call4(SYS_openat2, at, spell("fresh"), &how, sizeof(how)));
}

static void write_first(void)
{
	int fd = must_open(VICTIM, O_RDWR);

	must("write", call3(SYS_write, fd, first, sizeof(first) - 1));
}

static void write_and_close(void)
{
	int fd = must_open(VICTIM, O_WRONLY | O_TRUNC);

	must("write", call3(SYS_write, fd, first, sizeof(first) - 1));
	must("write", call3(SYS_write, fd, second, sizeof(second) - 1));
	must("close", call2(SYS_close, fd, 0));
}

static void remove_file(void) { must("unlink", call3(SYS_unlinkat, at, spell(VICTIM), 0)); }

static void rename_to(const char *leaf, int flags)
{
	must("rename", call5(SYS_renameat2, at, spell(VICTIM), at, spell(leaf), flags));
}

static void rename_file(void) { rename_to("fresh", 0); }
static void rename_replace(void) { rename_to("other", 0); }
static void rename_exchange(void) { rename_to("other", 2 /* RENAME_EXCHANGE */); }
// spell_slashes ends a name with what means nothing.
static char *spell_slashes(const char *leaf) { return strcat(spell(leaf), "///"); }

static void make_directory(void) { must("mkdir", call3(SYS_mkdirat, at, spell("fresh"), 0751)); }
static void remove_directory(void) { must("rmdir", call3(SYS_unlinkat, at, spell("emptydir"), AT_REMOVEDIR)); }
static void make_directory_slashes(void) { must("mkdir", call3(SYS_mkdirat, at, spell_slashes("fresh"), 0751)); }

static void remove_directory_slashes(void)
{
	must("rmdir", call3(SYS_unlinkat, at, spell_slashes("emptydir"), AT_REMOVEDIR));
}

static void make_node(void) { must("mknod", call4(SYS_mknodat, at, spell("fresh"), S_IFREG | 0640, 0)); }
static void link_file(void) { must("link", call5(SYS_linkat, at, spell(VICTIM), at, spell("fresh"), 0)); }

static void link_symbolic(void)
{
	static char text[] = "../some where/else";

	must("symlink", call3(SYS_symlinkat, text, at, spell("fresh")));
}

static void change_mode(void) { must("chmod", call3(SYS_fchmodat, at, spell(VICTIM), 04751)); }
static void change_owner(void) { must("chown", call5(SYS_fchownat, at, spell(VICTIM), 1234, 2345, 0)); }

// truncate, setxattr and removexattr take no directory.
static void truncate_file(void) { must("truncate", call2(SYS_truncate, spell(VICTIM), 5)); }

static void change_times(void)
{
	static struct timespec times[2] = {{1000000000, 1}, {1000000001, 2000}};

	must("utimensat", call4(SYS_utimensat, at, spell(VICTIM), times, 0));
}

static void set_attribute(void)
{
	must("setxattr", call5(SYS_setxattr, spell(VICTIM), attribute, value, sizeof(value) - 1, 0));
}

static void remove_attribute(void)
{
	must("removexattr", call2(SYS_removexattr, spell(VICTIM), attribute));
}

// The file by the name that "alias", a symbolic link to it, has; and the link itself.
static void through_link_mode(void) { must("chmod", call3(SYS_fchmodat, at, spell("alias"), 04751)); }
static void through_link_open(void) { must_open("alias", O_WRONLY); }
static void through_link_truncate(void) { must("truncate", call2(SYS_truncate, spell("alias"), 5)); }

static void through_link_owner(void) { must("chown", call5(SYS_fchownat, at, spell("alias"), 1234, 2345, 0)); }

static void through_link_attribute(void)
{
	must("setxattr", call5(SYS_setxattr, spell("alias"), attribute, value, sizeof(value) - 1, 0));
}

static void remove_link(void) { must("unlink", call3(SYS_unlinkat, at, spell("alias"), 0)); }

static void owner_of_link(void)
{
	must("lchown", call5(SYS_fchownat, at, spell("alias"), 1234, 2345, AT_SYMLINK_NOFOLLOW));
}

static void attribute_of_link(void)
{
	must("lsetxattr", call5(SYS_lsetxattr, spell("alias"), attribute, value, sizeof(value) - 1, 0));
}

static const struct act acts[] = {
	{"open-write", open_write},
	{"open-append", open_append},
	{"read", open_read},
	{"open-truncate", open_truncate},
	{"create", create},
	{"create-openat2", create_openat2},
	{"write", write_first},
	{"close", write_and_close},
	{"delete", remove_file},
	{"rename", rename_file},
	{"rename-replace", rename_replace},
	{"rename-exchange", rename_exchange},
	{"mkdir", make_directory},
	{"rmdir", remove_directory},
	{"link", link_file},
	{"symlink", link_symbolic},
	{"chmod", change_mode},
	{"chown", change_owner},
	{"truncate", truncate_file},
	{"utimes", change_times},
	{"setxattr", set_attribute},
	{"removexattr", remove_attribute},
	{"chmod-through-link", through_link_mode},
	{"open-through-link", through_link_open},
	{"truncate-through-link", through_link_truncate},
	{"chown-through-link", through_link_owner},
	{"setxattr-through-link", through_link_attribute},
	{"delete-link", remove_link},
	{"chown-of-link", owner_of_link},
	{"setxattr-of-link", attribute_of_link},
	{"mkdir-slashes", make_directory_slashes},
	{"rmdir-slashes", remove_directory_slashes},
	{"mknod", make_node},
	{NULL, NULL},
};

static void give_attribute(void)
{
	must("setxattr", setxattr(spell(VICTIM), attribute, value, sizeof(value) - 1, 0));
}

static void by_32_bit_program(const char *act)
{
	static char program[PATH_SIZE];
	pid_t pid;
	ssize_t n = must("readlink", readlink("/proc/self/exe", program, sizeof(program) - 16));

	program[n] = 0;
	strcpy(strrchr(program, '/'), "/evade32");
	if (access(program, X_OK) < 0)
		lacking("the program evade32");
	pid = must("fork", fork());
	if (pid == 0) {
		execl(program, program, act, spell(VICTIM), spell("other"), spell("fresh"), spell("emptydir"), NULL);
		if (errno == ENOEXEC)
			lacking("32-bit programs (CONFIG_IA32_EMULATION)");
		failed(program);
	}
	child_did(pid);
}

static const char *act_name;

static void run(void (*perform)(void))
{
	const char *place = "plain", *way = "64", *who = "self";

	if (!arguments[0])
		failed("no directory given");
	snprintf(base, sizeof(base), "%s", arguments[0]);
	if (arguments[1]) {
		place = arguments[1];
		way = arguments[2] ? arguments[2] : way;
		who = arguments[2] && arguments[3] ? arguments[3] : who;
	}
	umask(0);
	if (!choose_place(place) || !choose_entry(way)) {
		fprintf(stderr, "there is no place %s or no way %s\n", place, way);
		_exit(2);
	}
	fact_number("mntns", mount_namespace);
	if (perform == remove_attribute)
		in_child(give_attribute);
	know("victim", VICTIM);
	know("other", "other");
	know("dir", "emptydir");
	know("alias", "alias");
	if (strcmp(who, "program-32") == 0) {
		by_32_bit_program(act_name);
	} else if (!by(who, perform)) {
		fprintf(stderr, "there is nobody called %s\n", who);
		_exit(2);
	}
	know("fresh", "fresh");
}

static void end(void)
{
	syscall(SYS_memfd_create, "evasion-end", 0);
}

int main(int argc, char **argv)
{
	act_name = argv[1];
	return start(acts, argc, argv, run, end);
}
