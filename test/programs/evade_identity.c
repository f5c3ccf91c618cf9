// evade_identity: becoming someone else, and going elsewhere.
//
//   evade_identity ACT DIRECTORY

#include "evade.h"
#include "evade_call.h"
#include "evade_place.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/xattr.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

// The system calls themselves: those of the C library change every thread by signals.
#define DO(call, ...) must(#call, syscall(SYS_##call, __VA_ARGS__))

static void set_uid(void) { DO(setuid, 1234); }
static void set_gid(void) { DO(setgid, 2345); }
static void set_reuid(void) { DO(setreuid, -1, 1234); }
static void set_regid(void) { DO(setregid, 2345, 2346); }
static void set_resuid(void) { DO(setresuid, 1234, 1235, 0); }
static void set_resgid(void) { DO(setresgid, 2345, 2346, 2347); }
static void set_fsuid(void) { syscall(SYS_setfsuid, 1234); }
static void set_fsgid(void) { syscall(SYS_setfsgid, 2345); }

static void set_groups(void)
{
	gid_t groups[] = {2345, 2346};

	DO(setgroups, 2, groups);
}

static void back_again(void)
{
	DO(setresuid, 1234, 1234, 0);
	DO(setresuid, -1, 0, -1);
}

static void drop(unsigned int capability)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	DO(capget, &header, data);
	data[0].effective &= ~(1U << capability);
	data[0].permitted &= ~(1U << capability);
	DO(capset, &header, data);
}

static void set_capabilities(void) { drop(CAP_NET_RAW); }

static void raise_ambient(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	DO(capget, &header, data);
	data[0].inheritable |= 1U << CAP_NET_RAW;
	DO(capset, &header, data);
	DO(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0);
}

static void drop_bounding(void) { DO(prctl, PR_CAPBSET_DROP, CAP_SYSLOG, 0, 0, 0); }
static void set_securebits(void) { DO(prctl, PR_SET_SECUREBITS, SECBIT_KEEP_CAPS, 0, 0, 0); }

static void same_again(void)
{
	DO(setuid, 0);
	DO(setresgid, 0, 0, 0);
	DO(setreuid, -1, -1);
}

// Failing.

static void must_fail(const char *what, long result, int error)
{
	if (result != -1)
		failed(what);
	if (errno == ENOSYS)
		lacking(what);
	fact_number("error", errno);
	if (error && errno != error)
		failed(what);
}

static void unprivileged(void) { must("setresuid", setresuid(1234, 1234, 1234)); }

static void failing_setuid(void)
{
	unprivileged();
	must_fail("setuid", syscall(SYS_setuid, 0), EPERM);
}

static void failing_setresuid(void)
{
	unprivileged();
	must_fail("setresuid", syscall(SYS_setresuid, 0, 0, 0), EPERM);
}

static void failing_setgroups(void)
{
	gid_t groups[] = {0};

	unprivileged();
	must_fail("setgroups", syscall(SYS_setgroups, 1, groups), EPERM);
}

static void failing_capset(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{~0U, ~0U, 0}, {~0U, ~0U, 0}};

	unprivileged();
	must_fail("capset", syscall(SYS_capset, &header, data), EPERM);
}

static void failing_unshare(void)
{
	unprivileged();
	must_fail("unshare", syscall(SYS_unshare, CLONE_NEWNS), EPERM);
}

static void failing_setns(void)
{
	int fd = must("open", open("/proc/self/ns/uts", O_RDONLY));

	unprivileged();
	must_fail("setns", syscall(SYS_setns, fd, CLONE_NEWUTS), EPERM);
}

// 32-bit.

static void set_uid_int80(void)
{
	choose_entry("int80");
	must("setuid", call2(SYS_setuid, 1234, 0));
}

static void set_uid16_int80(void)
{
	need_int80();
	must("setuid16", int80(23, 1234, 0, 0, 0, 0));
}

static void set_resuid16_int80(void)
{
	need_int80();
	must("setresuid16", int80(164, 1234, 1235, 1236, 0, 0));
}

static void set_groups16_int80(void)
{
	static unsigned short groups[] = {2345};

	need_int80();
	must("setgroups16", int80(81, 1, (long)(uintptr_t)groups, 0, 0, 0));
}

static void unshare_int80(void)
{
	choose_entry("int80");
	must("unshare", call2(SYS_unshare, CLONE_NEWUTS, 0));
}

static char program[PATH_SIZE];

static void own_program(const char *name)
{
	ssize_t n = must("readlink", readlink("/proc/self/exe", program, sizeof(program) - 16));

	program[n] = 0;
	strcpy(strrchr(program, '/') + 1, name);
}

static void program_32(const char *act)
{
	pid_t pid;

	need_int80();
	own_program("evade32");
	pid = must("fork", fork());
	if (pid == 0) {
		execl(program, program, act, NULL);
		failed(program);
	}
	fact_number("pid", pid);
	wait_well(pid);
}

static void set_uid_32(void) { program_32("setuid"); }
static void set_uid16_32(void) { program_32("setuid16"); }
static void set_resuid16_32(void) { program_32("setresuid16"); }
static void set_groups16_32(void) { program_32("setgroups16"); }

// By programs.

static void copy_program(void)
{
	static char buffer[1 << 16];
	int from = must("open", open("/proc/self/exe", O_RDONLY)), to;
	ssize_t n;

	umask(0);
	to = must("open", open(below("payload"), O_WRONLY | O_CREAT | O_EXCL, 0755));
	while ((n = must("read", read(from, buffer, sizeof(buffer)))) > 0)
		must("write", write(to, buffer, n));
	close(to);
	close(from);
}

static void execute_unprivileged(void)
{
	pid_t pid = must("fork", fork());

	if (pid == 0) {
		unprivileged();
		execl(below("payload"), "payload", NULL);
		failed("exec");
	}
	fact_number("pid", pid);
	must("waitpid", waitpid(pid, NULL, 0));
}

static void by_setuid_program(void)
{
	in_child(copy_program);
	must("chmod", chmod(below("payload"), 04755));
	execute_unprivileged();
}

static void by_setgid_program(void)
{
	in_child(copy_program);
	must("chown", chown(below("payload"), 0, 2345));
	must("chmod", chmod(below("payload"), 02755));
	execute_unprivileged();
}

static void by_capable_program(void)
{
	// cap_net_raw as permitted and effective: struct vfs_cap_data of revision 2.
	unsigned int capabilities[5] = {0x02000001, 1U << CAP_NET_RAW, 0, 0, 0};

	in_child(copy_program);
	must("setxattr", setxattr(below("payload"), "security.capability", capabilities, sizeof(capabilities), 0));
	execute_unprivileged();
}

// Namespaces.

static void unshare_it(int flag)
{
	if (syscall(SYS_unshare, flag) < 0) {
		if (errno == EINVAL || errno == ENOSPC)
			lacking("this kind of namespace");
		failed("unshare");
	}
	fact_number("flags", flag);
}

static void unshare_mount(void) { unshare_it(CLONE_NEWNS), fact_number("after", namespace_of("mnt")); }
static void unshare_uts(void) { unshare_it(CLONE_NEWUTS), fact_number("after", namespace_of("uts")); }
static void unshare_ipc(void) { unshare_it(CLONE_NEWIPC), fact_number("after", namespace_of("ipc")); }
static void unshare_net(void) { unshare_it(CLONE_NEWNET), fact_number("after", namespace_of("net")); }
static void unshare_cgroup(void) { unshare_it(CLONE_NEWCGROUP), fact_number("after", namespace_of("cgroup")); }
static void unshare_pid(void) { unshare_it(CLONE_NEWPID); }
static void unshare_user(void) { unshare_it(CLONE_NEWUSER), fact_number("after", namespace_of("user")); }
static void unshare_time(void) { unshare_it(CLONE_NEWTIME); }

static void elsewhere(void)
{
	must("unshare", unshare(CLONE_NEWUTS | CLONE_NEWIPC));
	raise(SIGSTOP);
}

static pid_t someone_elsewhere(void)
{
	pid_t pid = must("fork", fork());
	int status;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		elsewhere();
		_exit(0);
	}
	must("waitpid", waitpid(pid, &status, WUNTRACED));
	fact_number("target", pid);
	return pid;
}

static void enter(void)
{
	char path[64];
	struct stat st;

	fact_number("before", namespace_of("uts"));
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", someone_elsewhere());
	must("stat", stat(path, &st));
	fact_number("after", st.st_ino);
	must("setns", setns(must("open", open(path, O_RDONLY)), 0));
}

static void enter_pidfd(void)
{
	int fd = must("pidfd_open", syscall(SYS_pidfd_open, someone_elsewhere(), 0));

	if (setns(fd, CLONE_NEWUTS | CLONE_NEWIPC) < 0) {
		if (errno == EINVAL)
			lacking("setns by a pidfd");
		failed("setns");
	}
	fact_number("after", namespace_of("uts"));
}

static void finish_clone(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid < 0 && (errno == EINVAL || errno == ENOSPC || errno == EPERM))
		lacking("user namespaces");
	fact_number("child", must("clone", pid));
	wait_well(pid);
}

static void clone_user(void) { finish_clone(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)); }

static void clone3_user(void)
{
	struct clone_args args = {.flags = CLONE_NEWUSER | CLONE_NEWNET, .exit_signal = SIGCHLD};

	finish_clone(syscall(SYS_clone3, &args, sizeof(args)));
}

static void clone_int80(void)
{
	need_int80();
	finish_clone(int80(120, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

// Logins.

static void log_in(const char *path)
{
	pid_t pid = must("fork", fork());

	if (pid == 0) {
		int fd = open(path, O_WRONLY);

		if (fd < 0)
			lacking("login ids (CONFIG_AUDIT)");
		if (write(fd, "1234", 4) < 0) {
			if (errno == EPERM)
				lacking("the right to change a login id that was set");
			failed("write of the login id");
		}
		_exit(0);
	}
	fact_number("pid", pid);
	wait_well(pid);
}

static void login_self(void) { log_in("/proc/self/loginuid"); }
static void login_root(void) { log_in("/proc/self/root/proc/self/loginuid"); }

static const struct act acts[] = {
	{"setuid", set_uid},
	{"setgid", set_gid},
	{"setreuid", set_reuid},
	{"setregid", set_regid},
	{"setresuid", set_resuid},
	{"setresgid", set_resgid},
	{"setfsuid", set_fsuid},
	{"setfsgid", set_fsgid},
	{"setgroups", set_groups},
	{"back-to-root", back_again},
	{"capset", set_capabilities},
	{"prctl-ambient", raise_ambient},
	{"prctl-bounding", drop_bounding},
	{"prctl-securebits", set_securebits},
	{"no-change", same_again},
	{"setuid-denied", failing_setuid},
	{"setresuid-denied", failing_setresuid},
	{"setgroups-denied", failing_setgroups},
	{"capset-denied", failing_capset},
	{"unshare-denied", failing_unshare},
	{"setns-denied", failing_setns},
	{"setuid-int80", set_uid_int80},
	{"setuid16-int80", set_uid16_int80},
	{"setresuid16-int80", set_resuid16_int80},
	{"setgroups16-int80", set_groups16_int80},
	{"unshare-int80", unshare_int80},
	{"setuid-32", set_uid_32},
	{"setuid16-32", set_uid16_32},
	{"setresuid16-32", set_resuid16_32},
	{"setgroups16-32", set_groups16_32},
	{"setuid-program", by_setuid_program},
	{"setgid-program", by_setgid_program},
	{"capable-program", by_capable_program},
	{"unshare-mount", unshare_mount},
	{"unshare-uts", unshare_uts},
	{"unshare-ipc", unshare_ipc},
	{"unshare-net", unshare_net},
	{"unshare-cgroup", unshare_cgroup},
	{"unshare-pid", unshare_pid},
	{"unshare-user", unshare_user},
	{"unshare-time", unshare_time},
	{"setns", enter},
	{"setns-pidfd", enter_pidfd},
	{"clone-user", clone_user},
	{"clone3-user", clone3_user},
	{"clone-user-int80", clone_int80},
	{"loginuid", login_self},
	{"loginuid-through-root", login_root},
	{NULL, NULL},
};

static void run(void (*perform)(void))
{
	snprintf(base, sizeof(base), "%s", arguments[0]);
	perform();
}

static void end(void) { syscall(SYS_setns, -1, CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET); }

int main(int argc, char **argv)
{
	// Started as the payload, which has nothing to do.
	if (argc == 1 && strcmp(argv[0], "payload") == 0)
		return 0;
	return start(acts, argc, argv, run, end);
}
