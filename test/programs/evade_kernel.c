// evade_kernel: what changes the kernel or asks it for much.
//
//   evade_kernel ACT DIRECTORY

#include "evade.h"
#include "evade_call.h"
#include "evade_place.h"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

#define END_MAP_TYPE 3822

static void must_fail(const char *what, long result)
{
	if (result >= 0)
		failed(what);
	if (errno == ENOSYS)
		lacking(what);
	fact_number("error", errno);
}

// Modules. What is loaded is no module, so nothing is changed.

static char no_module[] = "no module at all";

static void init_module(void) { must_fail("init_module", syscall(SYS_init_module, no_module, sizeof(no_module), "a=b")); }

static void finit_module(void)
{
	write_text(below("code.ko"), no_module);
	tell("file", "%s", below("code.ko"));
	must_fail("finit_module", syscall(SYS_finit_module, open(below("code.ko"), O_RDONLY), "a=b", 0));
}

static void finit_module_memfd(void)
{
	int fd = must("memfd_create", syscall(SYS_memfd_create, "code", 0));

	must("write", write(fd, no_module, sizeof(no_module)));
	must_fail("finit_module", syscall(SYS_finit_module, fd, "", 0));
}

static char module_name[] = "evasion_none";

static void delete_module(void) { must_fail("delete_module", syscall(SYS_delete_module, module_name, O_NONBLOCK)); }

static void delete_module_int80(void)
{
	choose_entry("int80");
	must_fail("delete_module", call2(SYS_delete_module, module_name, O_NONBLOCK));
}

// bpf.

static struct bpf_insn nothing[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
static char license[] = "GPL";
static union bpf_attr attr;

static long load(int type)
{
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.insns = (uintptr_t)nothing;
	attr.insn_cnt = 2;
	attr.license = (uintptr_t)license;
	strcpy(attr.prog_name, "evasion");
	return call3(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static long make_map(void)
{
	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 8;
	attr.max_entries = 1;
	strcpy(attr.map_name, "evasion");
	return call3(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static void program(void) { must("load a program", load(BPF_PROG_TYPE_SOCKET_FILTER)); }

static void program_int80(void)
{
	choose_entry("int80");
	program();
}

static void program_denied(void)
{
	must("setresuid", setresuid(1234, 1234, 1234));
	must_fail("load a program", load(BPF_PROG_TYPE_KPROBE));
}

static void program_refused(void)
{
	nothing[1].code = BPF_JMP | BPF_JA;
	must_fail("load a program", load(BPF_PROG_TYPE_SOCKET_FILTER));
}

static void map(void) { must("make a map", make_map()); }

static void map_int80(void)
{
	choose_entry("int80");
	map();
}

static void raw_tracepoint(void)
{
	static char name[] = "sys_enter";
	int fd = must("load a program", load(BPF_PROG_TYPE_RAW_TRACEPOINT));

	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.name = (uintptr_t)name;
	attr.raw_tracepoint.prog_fd = fd;
	must("raw tracepoint", call3(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr)));
}

// cgroup2 finds where the hierarchy of control groups is mounted.
static void cgroup2(char *path)
{
	char line[PATH_SIZE], type[64];
	FILE *mounts = fopen("/proc/self/mounts", "re");

	while (mounts && fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s %4000s %63s", path, type) == 2 && strcmp(type, "cgroup2") == 0) {
			fclose(mounts);
			return;
		}
	lacking("a cgroup2 file system");
}

static void attach_cgroup(void)
{
	nothing[0].imm = 1;
	int program = must("load a program", load(BPF_PROG_TYPE_CGROUP_SKB));
	static char group[PATH_SIZE];
	int fd;

	cgroup2(group);
	// Nobody is in a group that was just made.
	strcat(group, "/evasion");
	must("mkdir", mkdir(group, 0755));
	fd = must("open", open(group, O_RDONLY));
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = fd;
	attr.attach_bpf_fd = program;
	attr.attach_type = BPF_CGROUP_INET_INGRESS;
	if (call3(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)) < 0) {
		rmdir(group);
		failed("attach");
	}
	rmdir(group);
}

// perf.

static struct perf_event_attr event = {
	.type = PERF_TYPE_SOFTWARE, .size = sizeof(event), .config = PERF_COUNT_SW_CPU_CLOCK, .sample_period = 1000000000};

static int perf(void) { return must("perf_event_open", call5(SYS_perf_event_open, &event, 0, -1, -1, 0)); }
static void perf_open(void) { perf(); }

static void perf_int80(void)
{
	choose_entry("int80");
	perf();
}

static void perf_program(void)
{
	int fd = perf(), program = must("load a program", load(BPF_PROG_TYPE_PERF_EVENT));

	// A software event with a program wants samples.
	must("PERF_EVENT_IOC_SET_BPF", ioctl(fd, PERF_EVENT_IOC_SET_BPF, program));
}

// kexec. What is asked for is nonsense.

static void kexec(void) { must_fail("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0xffffUL)); }
static void kexec_file(void) { must_fail("kexec_file_load", syscall(SYS_kexec_file_load, -1, -1, 0, NULL, 0xffffUL)); }

// Kernel parameters. The domain name is that of a namespace that ends with this process.

#define PARAMETER "/proc/sys/kernel/domainname"
static char new_value[] = "evasion";

static int parameter(const char *path)
{
	must("unshare", unshare(CLONE_NEWUTS));
	return must(path, open(path, O_WRONLY));
}

static void changed(void)
{
	char name[64] = {0};

	if (getdomainname(name, sizeof(name)) < 0 || strcmp(name, "evasion") != 0)
		failed("the parameter was not changed");
}

static void sysctl_at(const char *path)
{
	must("write", write(parameter(path), new_value, sizeof(new_value) - 1));
	changed();
}

static void sysctl_write(void) { sysctl_at(PARAMETER); }
static void sysctl_root(void) { sysctl_at("/proc/self/root" PARAMETER); }
static void sysctl_dots(void) { sysctl_at("/proc/../proc/sys//fs/../kernel/./domainname"); }

static void sysctl_pwrite(void)
{
	must("pwrite", pwrite(parameter(PARAMETER), new_value, sizeof(new_value) - 1, 0));
	changed();
}

static void sysctl_writev(void)
{
	struct iovec part = {new_value, sizeof(new_value) - 1};

	must("writev", writev(parameter(PARAMETER), &part, 1));
	changed();
}

static void sysctl_int80(void)
{
	int fd = parameter(PARAMETER);

	choose_entry("int80");
	must("write", call3(SYS_write, fd, new_value, sizeof(new_value) - 1));
	changed();
}

static void sysctl_ring(void)
{
	int fd = parameter(PARAMETER);

	choose_entry("ring");
	must("write", call3(SYS_write, fd, new_value, sizeof(new_value) - 1));
	changed();
}

static void sysctl_sendfile(void)
{
	int fd = parameter(PARAMETER), from;

	write_text(below("value"), new_value);
	from = must("open", open(below("value"), O_RDONLY));
	if (sendfile(fd, from, NULL, sizeof(new_value) - 1) < 0) {
		if (errno == EINVAL)
			lacking("sendfile to a kernel parameter");
		failed("sendfile");
	}
	changed();
}

static void sysctl_splice(void)
{
	int fd = parameter(PARAMETER), ends[2];

	must("pipe", pipe(ends));
	must("write", write(ends[1], new_value, sizeof(new_value) - 1));
	if (splice(ends[0], NULL, fd, NULL, sizeof(new_value) - 1, 0) < 0) {
		if (errno == EINVAL)
			lacking("splice to a kernel parameter");
		failed("splice");
	}
	changed();
}

static void sysctl_other_proc(void)
{
	own_mounts();
	must("mkdir", mkdir(below("proc"), 0755));
	must("mount", mount("proc", below("proc"), "proc", 0, NULL));
	sysctl_at(below("proc/sys/kernel/domainname"));
}

static void sysctl_bound(void)
{
	own_mounts();
	write_text(below("innocent"), "");
	must("mount", mount(PARAMETER, below("innocent"), NULL, MS_BIND, NULL));
	sysctl_at(below("innocent"));
}

// Keys.

static char key_type[] = "user", key_name[] = "evasion key", key_none[] = "evasion none", payload[] = "secret";

static long add(void)
{
	return must("add_key", call5(SYS_add_key, key_type, key_name, payload, sizeof(payload), KEY_SPEC_PROCESS_KEYRING));
}

static void key_add(void) { fact_number("serial", add()); }

static void key_int80(void)
{
	choose_entry("int80");
	fact_number("serial", add());
}

static void key_request(void) { must_fail("request_key", syscall(SYS_request_key, key_type, key_none, NULL, 0)); }

static void key_read(void)
{
	static char buffer[64];
	long serial = add();

	fact_number("serial", serial);
	must("keyctl", syscall(SYS_keyctl, KEYCTL_READ, serial, buffer, sizeof(buffer), 0));
}

// Rings.

static void ring_setup(void) { ring_open(0); }
static void ring_setup_polled(void) { ring_open(IORING_SETUP_SQPOLL); }

static void ring_setup_int80(void)
{
	static struct io_uring_params parameters;

	choose_entry("int80");
	must("io_uring_setup", call2(SYS_io_uring_setup, 8, &parameters));
}

static char first_path[PATH_SIZE], second_path[PATH_SIZE];

static void ring_paths(unsigned int flags)
{
	ring_open(flags);
	write_text(below("first"), "");
	snprintf(first_path, sizeof(first_path), "%s", below("first"));
	snprintf(second_path, sizeof(second_path), "%s", below("second"));
	fact("first", first_path);
	fact("second", second_path);
}

static void request(unsigned int flags, long number)
{
	static struct open_how how = {.flags = O_RDONLY};
	long a = AT_FDCWD, b = (long)(uintptr_t)first_path, c = 0, d = 0;

	ring_paths(flags);
	switch (number) {
	case SYS_openat2:
		c = (long)(uintptr_t)&how, d = sizeof(how);
		break;
	case SYS_renameat2:
	case SYS_linkat:
		c = AT_FDCWD, d = (long)(uintptr_t)second_path;
		break;
	case SYS_symlinkat:
		a = b, b = AT_FDCWD, c = (long)(uintptr_t)second_path;
		break;
	case SYS_mkdirat:
		b = (long)(uintptr_t)second_path, c = 0755;
		break;
	}
	must("request", ring_call(number, a, b, c, d, 0));
}

#define REQUEST(name, number) \
	static void ring_##name(void) { request(0, number); } \
	static void polled_##name(void) { request(IORING_SETUP_SQPOLL, number); }
REQUEST(open_, SYS_openat)
REQUEST(open2, SYS_openat2)
REQUEST(unlink, SYS_unlinkat)
REQUEST(rename, SYS_renameat2)
REQUEST(mkdir, SYS_mkdirat)
REQUEST(symlink, SYS_symlinkat)
REQUEST(link, SYS_linkat)

static void connect_by(unsigned int flags)
{
	static struct sockaddr_in address = {.sin_family = AF_INET};
	int fd = must("socket", socket(AF_INET, SOCK_DGRAM, 0));

	ring_open(flags);
	address.sin_port = htons(4321);
	address.sin_addr.s_addr = htonl(0x7f000001);
	must("connect", ring_call(SYS_connect, fd, (long)(uintptr_t)&address, sizeof(address), 0, 0));
}

static void ring_connect(void) { connect_by(0); }
static void polled_connect(void) { connect_by(IORING_SETUP_SQPOLL); }

static const struct act acts[] = {
	{"init_module", init_module},
	{"finit_module", finit_module},
	{"finit_module-memfd", finit_module_memfd},
	{"delete_module", delete_module},
	{"delete_module-int80", delete_module_int80},
	{"bpf-program", program},
	{"bpf-program-int80", program_int80},
	{"bpf-program-denied", program_denied},
	{"bpf-program-refused", program_refused},
	{"bpf-map", map},
	{"bpf-map-int80", map_int80},
	{"bpf-raw-tracepoint", raw_tracepoint},
	{"bpf-attach", attach_cgroup},
	{"perf_event_open", perf_open},
	{"perf_event_open-int80", perf_int80},
	{"perf-program", perf_program},
	{"kexec_load", kexec},
	{"kexec_file_load", kexec_file},
	{"sysctl", sysctl_write},
	{"sysctl-through-root", sysctl_root},
	{"sysctl-dots", sysctl_dots},
	{"sysctl-pwrite", sysctl_pwrite},
	{"sysctl-writev", sysctl_writev},
	{"sysctl-int80", sysctl_int80},
	{"sysctl-ring", sysctl_ring},
	{"sysctl-sendfile", sysctl_sendfile},
	{"sysctl-splice", sysctl_splice},
	{"sysctl-other-proc", sysctl_other_proc},
	{"sysctl-bind-mount", sysctl_bound},
	{"add_key", key_add},
	{"add_key-int80", key_int80},
	{"request_key", key_request},
	{"keyctl", key_read},
	{"io_uring_setup", ring_setup},
	{"io_uring_setup-sqpoll", ring_setup_polled},
	{"io_uring_setup-int80", ring_setup_int80},
	{"ring-openat", ring_open_},
	{"ring-openat2", ring_open2},
	{"ring-unlinkat", ring_unlink},
	{"ring-renameat", ring_rename},
	{"ring-mkdirat", ring_mkdir},
	{"ring-symlinkat", ring_symlink},
	{"ring-linkat", ring_link},
	{"ring-connect", ring_connect},
	{"sqpoll-openat", polled_open_},
	{"sqpoll-openat2", polled_open2},
	{"sqpoll-unlinkat", polled_unlink},
	{"sqpoll-renameat", polled_rename},
	{"sqpoll-mkdirat", polled_mkdir},
	{"sqpoll-symlinkat", polled_symlink},
	{"sqpoll-linkat", polled_link},
	{"sqpoll-connect", polled_connect},
	{NULL, NULL},
};

static void run(void (*perform)(void))
{
	snprintf(base, sizeof(base), "%s", arguments[0]);
	perform();
}

static void end(void)
{
	entry = enter_64;
	memset(&attr, 0, sizeof(attr));
	attr.map_type = END_MAP_TYPE;
	call3(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

int main(int argc, char **argv) { return start(acts, argc, argv, run, end); }
