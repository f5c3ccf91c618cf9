// evade_handle: what one does to a file by way of descriptors: opened in unusual ways, written by unusual calls, closed in
// unusual ways, changed without a name.
//
//   evade_handle ACT DIRECTORY

#include "evade.h"
#include "evade_place.h"
#include "evade_ring.h"

#include <linux/aio_abi.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_removexattrat 466
#endif

static const char text[] = "evaded-write";
#define TEXT_SIZE (sizeof(text) - 1)

static int victim(int flags) { return must("open", open(spell(VICTIM), flags)); }

static void proc_fd(char *path, int fd) { snprintf(path, 64, "/proc/self/fd/%d", fd); }

// Opened in unusual ways.

static void read_creat(void) { must("creat", creat(spell("fresh"), 0640)); }

static void read_reopened(void)
{
	char path[64];

	proc_fd(path, victim(O_PATH));
	must("open again", open(path, O_RDONLY));
}

static void write_reopened(void)
{
	char path[64];

	proc_fd(path, victim(O_RDONLY));
	must("open again", open(path, O_WRONLY));
}

static void read_path_only(void) { victim(O_PATH); }

static void by_handle(int flags)
{
	static union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u;
	int mount;

	u.handle.handle_bytes = MAX_HANDLE_SZ;
	must("name_to_handle_at", name_to_handle_at(AT_FDCWD, spell(VICTIM), &u.handle, &mount, 0));
	mount = must("open", open("/home", O_RDONLY | O_DIRECTORY));
	must("open_by_handle_at", open_by_handle_at(mount, &u.handle, flags));
}

static void read_handle(void) { by_handle(O_RDONLY); }
static void write_handle(void) { by_handle(O_WRONLY); }

static void read_openat2(unsigned long long resolve, const char *name)
{
	struct open_how how = {.flags = O_RDONLY, .resolve = resolve};
	int directory = must("open", open(base, O_RDONLY | O_DIRECTORY));

	if (syscall(SYS_openat2, directory, name, &how, sizeof(how)) >= 0)
		return;
	if (errno == EINVAL)
		lacking("this way of openat2 to resolve a name");
	must("openat2", -1);
}

static void read_beneath(void) { read_openat2(RESOLVE_BENEATH, ".ssh/x/../" VICTIM); }
static void read_in_root(void) { read_openat2(RESOLVE_IN_ROOT, "/../../.ssh/" VICTIM); }
static void read_no_symlinks(void) { read_openat2(RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV, ".ssh/" VICTIM); }
static void read_cached(void) { read_openat2(0x20 /* RESOLVE_CACHED */, ".ssh/" VICTIM); }

// read_innocent reads a sensitive file by another name, as soon as it has it.
static void read_innocent(void)
{
	close(must("open", open(below("innocent"), O_RDONLY)));
	tell("innocent", "%s", below("innocent"));
}

static void link_of_sensitive(void) { must("link", link(spell(VICTIM), below("innocent"))); }

static void read_hard_link(void)
{
	in_child(link_of_sensitive);
	read_innocent();
}

static void read_linked(void)
{
	link_of_sensitive();
	read_innocent();
}

static void read_renamed(void)
{
	must("rename", rename(spell(VICTIM), below("innocent")));
	read_innocent();
}

static void read_denied(void)
{
	must("chmod", chmod(spell(VICTIM), 0600));
	must("setresuid", syscall(SYS_setresuid, -1, 65534, -1));
	if (open(spell(VICTIM), O_RDONLY) >= 0 || errno != EACCES)
		failed("reading what is forbidden");
	must("setresuid", syscall(SYS_setresuid, -1, 0, -1));
}

static void read_missing(void)
{
	if (open(spell("missing"), O_RDONLY) >= 0)
		failed("reading what is not there");
}

static void unnamed_file(void)
{
	char path[64];
	int fd = must("open", open(below(".ssh"), O_TMPFILE | O_RDWR, 0640));

	must("write", write(fd, text, TEXT_SIZE));
	proc_fd(path, fd);
	must("linkat", linkat(AT_FDCWD, path, AT_FDCWD, spell("fresh"), AT_SYMLINK_FOLLOW));
}

static void link_empty(void)
{
	must("linkat", linkat(victim(O_RDONLY), "", AT_FDCWD, spell("fresh"), AT_EMPTY_PATH));
}

// Written by unusual calls. Each is the first write through its descriptor.

static void write_pwrite(void) { must("pwrite", pwrite(victim(O_WRONLY), text, TEXT_SIZE, 7)); }

static void write_vector(void)
{
	struct iovec parts[] = {{(void *)text, 3}, {(void *)text + 3, TEXT_SIZE - 3}};

	must("writev", writev(victim(O_WRONLY), parts, 2));
}

static void write_vector2(void)
{
	struct iovec parts[] = {{(void *)text, 3}, {(void *)text + 3, TEXT_SIZE - 3}};

	must("pwritev2", pwritev2(victim(O_WRONLY), parts, 2, 7, 0));
}

static void write_append(void) { must("write", write(victim(O_WRONLY | O_APPEND), text, TEXT_SIZE)); }

static int other(void) { return must("open", open(spell("other"), O_RDONLY)); }

static void write_sendfile(void) { must("sendfile", sendfile(victim(O_WRONLY), other(), NULL, 8)); }

static void write_splice(void)
{
	int ends[2];

	must("pipe", pipe(ends));
	must("write", write(ends[1], text, TEXT_SIZE));
	must("splice", splice(ends[0], NULL, victim(O_WRONLY), NULL, TEXT_SIZE, 0));
}

static void write_copy_range(void)
{
	must("copy_file_range", copy_file_range(other(), NULL, victim(O_WRONLY), NULL, 8, 0));
}

static void write_mapped(void)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, victim(O_RDWR), 0);

	if (p == MAP_FAILED)
		failed("mmap");
	memcpy(p, text, TEXT_SIZE);
}

static void write_allocated(void) { must("fallocate", fallocate(victim(O_WRONLY), 0, 0, 65536)); }

// write_asynchronous uses the calls that came before io_uring.
static void write_asynchronous(void)
{
	static struct iocb block;
	struct iocb *blocks[] = {&block};
	struct io_event event;
	aio_context_t context = 0;

	must("io_setup", syscall(SYS_io_setup, 1, &context));
	block.aio_fildes = victim(O_WRONLY);
	block.aio_lio_opcode = IOCB_CMD_PWRITE;
	block.aio_buf = (uintptr_t)text;
	block.aio_nbytes = TEXT_SIZE;
	must("io_submit", syscall(SYS_io_submit, context, 1, blocks));
	must("io_getevents", syscall(SYS_io_getevents, context, 1, 1, &event, NULL));
	close(block.aio_fildes);
}

static void write_duplicated(void) { must("write", write(dup(dup(victim(O_WRONLY))), text, TEXT_SIZE)); }

// write_passed has another process write through a descriptor that was sent to it.
static void write_passed(void)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {(void *)text, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	char byte;
	int pair[2], fd;
	pid_t pid;

	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = must("fork", fork());
	if (pid == 0) {
		part.iov_base = &byte;
		must("recvmsg", recvmsg(pair[1], &message, 0));
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
		must("write", write(fd, text, TEXT_SIZE));
		_exit(0);
	}
	fd = victim(O_WRONLY);
	CMSG_FIRSTHDR(&message)->cmsg_level = SOL_SOCKET;
	CMSG_FIRSTHDR(&message)->cmsg_type = SCM_RIGHTS;
	CMSG_FIRSTHDR(&message)->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &fd, sizeof(fd));
	must("sendmsg", sendmsg(pair[0], &message, 0));
	close(fd);
	fact_number("pid", pid);
	wait_well(pid);
}

// Closed in unusual ways.

static int written(void)
{
	int fd = victim(O_WRONLY | O_CLOEXEC | O_TRUNC);

	must("write", write(fd, text, TEXT_SIZE));
	return fd;
}

static void close_by_dup2(void)
{
	int fd = written();

	must("dup2", dup2(other(), fd));
}

static void close_by_range(void)
{
	int fd = written();

	must("close_range", syscall(SYS_close_range, fd, fd + 10, 0));
}

static void in_last_child(void (*end)(void))
{
	pid_t pid = must("fork", fork());
	int status;

	if (pid == 0) {
		written();
		end();
	}
	must("waitpid", waitpid(pid, &status, 0));
	fact_number("pid", pid);
}

static void exits(void) { _exit(0); }
static void dies(void) { kill(getpid(), SIGKILL); }
static void executes(void)
{
	execl("/proc/self/exe", "evade_handle", "nothing", base, NULL);
	_exit(1);
}

static void close_by_exit(void) { in_last_child(exits); }
static void close_by_kill(void) { in_last_child(dies); }
static void close_by_exec(void) { in_last_child(executes); }
static void nothing(void) {}

// Changed without a name.

static void fd_chmod(void) { must("fchmod", fchmod(victim(O_RDONLY), 04751)); }
static void fd_chown(void) { must("fchown", fchown(victim(O_RDONLY), 1234, 2345)); }
static void fd_truncate(void) { must("ftruncate", ftruncate(victim(O_WRONLY), 5)); }

static const struct timespec times[2] = {{1000000000, 1}, {1000000001, 2000}};

static void fd_times(void) { must("futimens", futimens(victim(O_RDONLY), times)); }

static void fd_attribute(void)
{
	must("fsetxattr", fsetxattr(victim(O_RDONLY), "trusted.evasion", "value", 5, 0));
}

static void fd_remove_attribute(void)
{
	fd_attribute();
	must("fremovexattr", fremovexattr(victim(O_RDONLY), "trusted.evasion"));
}

static void empty_chown(void) { must("fchownat", fchownat(victim(O_PATH), "", 1234, 2345, AT_EMPTY_PATH)); }

static void empty_chmod(void)
{
	must("fchmodat2", syscall(SYS_fchmodat2, victim(O_PATH), "", 04751, AT_EMPTY_PATH));
}

static void proc_chmod(void)
{
	char path[64];

	proc_fd(path, victim(O_PATH));
	must("chmod", chmod(path, 04751));
}

static void at_attribute(void)
{
	struct {
		uint64_t value;
		uint32_t size, flags;
	} arguments = {(uintptr_t) "value", 5, 0};

	must("setxattrat", syscall(SYS_setxattrat, AT_FDCWD, spell(VICTIM), 0, "trusted.evasion", &arguments, sizeof(arguments)));
}

static void at_remove_attribute(void)
{
	at_attribute();
	must("removexattrat", syscall(SYS_removexattrat, AT_FDCWD, spell(VICTIM), 0, "trusted.evasion"));
}

// unfaulted gives a name in memory that nobody has touched, so that only the kernel's own reading brings it in.
static char *unfaulted(void)
{
	char *p;
	int fd;

	write_text(below("name"), spell(VICTIM));
	fd = must("open", open(below("name"), O_RDWR));
	must("ftruncate", ftruncate(fd, 8192));
	p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		failed("mmap");
	must("madvise", madvise(p, 8192, MADV_DONTNEED));
	return p;
}

static void unfaulted_unlink(void) { must("unlink", unlink(unfaulted())); }
static void unfaulted_chmod(void) { must("chmod", chmod(unfaulted(), 04751)); }
static void unfaulted_rename(void) { must("rename", rename(unfaulted(), spell("fresh"))); }

static void old_times(void)
{
	struct {
		long access, modification;
	} times = {1000000000, 1000000001};

	must("utime", syscall(SYS_utime, spell(VICTIM), &times));
}

static void old_times_micro(void)
{
	struct timeval times[2] = {{1000000000, 0}, {1000000001, 2}};

	must("utimes", syscall(SYS_utimes, spell(VICTIM), times));
}

static void old_times_at(void)
{
	struct timeval times[2] = {{1000000000, 0}, {1000000001, 2}};

	must("futimesat", syscall(SYS_futimesat, AT_FDCWD, spell(VICTIM), times));
}

// flood hides one act among more than a sensor tells of.
static void flood(void)
{
	write_text(below("flooded"), "");
	for (int i = 0; i < 5000; i++)
		close(must("open", open(below("flooded"), O_WRONLY)));
	victim(O_RDONLY);
	usleep(1200000);
	close(must("open", open(below("flooded"), O_WRONLY)));
}

// The same by requests to a ring.

static void ring_truncate(void)
{
	int fd = victim(O_WRONLY);

	ring_open(0);
	must("ftruncate", ring_call(SYS_ftruncate, fd, 5, 0, 0, 0));
}

static void ring_allocate(void)
{
	int fd = victim(O_WRONLY);

	ring_open(0);
	must("fallocate", ring_call(SYS_fallocate, fd, 0, 4096, 65536, 0));
}

static void ring_attribute(void)
{
	static char name[] = "trusted.evasion", value[] = "value";
	int fd = victim(O_RDONLY);

	ring_open(0);
	must("fsetxattr", ring_call(SYS_fsetxattr, fd, (long)(uintptr_t)name, (long)(uintptr_t)value, 5, 0));
}

static const struct act acts[] = {
	{"ftruncate-ring", ring_truncate},
	{"fallocate-ring", ring_allocate},
	{"fsetxattr-ring", ring_attribute},
	{"creat", read_creat},
	{"read-opath-reopened", read_reopened},
	{"write-reopened", write_reopened},
	{"read-opath", read_path_only},
	{"read-handle", read_handle},
	{"write-handle", write_handle},
	{"read-openat2-beneath", read_beneath},
	{"read-openat2-in-root", read_in_root},
	{"read-openat2-no-symlinks", read_no_symlinks},
	{"read-openat2-cached", read_cached},
	{"read-hard-link", read_hard_link},
	{"read-linked", read_linked},
	{"read-renamed", read_renamed},
	{"read-denied", read_denied},
	{"read-missing", read_missing},
	{"tmpfile-linkat", unnamed_file},
	{"linkat-empty-path", link_empty},
	{"pwrite", write_pwrite},
	{"writev", write_vector},
	{"pwritev2", write_vector2},
	{"write-append", write_append},
	{"sendfile", write_sendfile},
	{"splice", write_splice},
	{"copy_file_range", write_copy_range},
	{"mmap-shared", write_mapped},
	{"fallocate", write_allocated},
	{"io_submit", write_asynchronous},
	{"write-duplicate", write_duplicated},
	{"write-passed-descriptor", write_passed},
	{"close-by-dup2", close_by_dup2},
	{"close-by-close_range", close_by_range},
	{"close-by-exit", close_by_exit},
	{"close-by-kill", close_by_kill},
	{"close-by-exec", close_by_exec},
	{"nothing", nothing},
	{"fchmod", fd_chmod},
	{"fchown", fd_chown},
	{"ftruncate", fd_truncate},
	{"futimens", fd_times},
	{"fsetxattr", fd_attribute},
	{"fremovexattr", fd_remove_attribute},
	{"fchownat-empty-path", empty_chown},
	{"fchmodat2-empty-path", empty_chmod},
	{"chmod-proc-fd", proc_chmod},
	{"setxattrat", at_attribute},
	{"removexattrat", at_remove_attribute},
	{"unlink-unfaulted", unfaulted_unlink},
	{"chmod-unfaulted", unfaulted_chmod},
	{"rename-unfaulted", unfaulted_rename},
	{"flood", flood},
	{"utime", old_times},
	{"utimes", old_times_micro},
	{"futimesat", old_times_at},
	{NULL, NULL},
};

static void run(void (*perform)(void))
{
	snprintf(base, sizeof(base), "%s", arguments[0]);
	if (perform == nothing)
		return;
	umask(0);
	choose_place("plain");
	must("mkdir", mkdir(below(".ssh/x"), 0755));
	fact_number("mntns", mount_namespace);
	know("victim", VICTIM);
	know("other", "other");
	perform();
	know("fresh", "fresh");
}

static void end(void) { syscall(SYS_memfd_create, "evasion-end", 0); }

int main(int argc, char **argv) { return start(acts, argc, argv, run, end); }
