// evade_memory: executable memory, and what one process does to another.
//
//   evade_memory ACT DIRECTORY

#include "evade.h"
#include "evade_call.h"
#include "evade_place.h"

#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/user.h>

#include <elf.h>

#define LENGTH 0x23000
// The size of what is mapped at the end of every act.
#define END_LENGTH 0x5e5e000

static char *map(int protection, int flags, int fd)
{
	char *p = mmap(NULL, LENGTH, protection, flags, fd, 0);

	if (p == MAP_FAILED)
		failed("mmap");
	fact_number("address", (uintptr_t)p);
	fact_number("length", LENGTH);
	return p;
}

static char *anonymous(int protection) { return map(protection, MAP_PRIVATE | MAP_ANONYMOUS, -1); }

static void map_all(void) { anonymous(PROT_READ | PROT_WRITE | PROT_EXEC); }
static void map_exec(void) { anonymous(PROT_READ | PROT_EXEC); }

static void map_int80(void)
{
	need_int80();
	// The offset, in ebp, does not matter without a file.
	must("mmap2", int80(192, 0, LENGTH, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1) == -1 ? -1 : 0);
}

static void map_implied(void)
{
	must("personality", personality(READ_IMPLIES_EXEC));
	anonymous(PROT_READ | PROT_WRITE);
	must("personality", personality(0));
}

static void attach_shared(void)
{
	int id = must("shmget", shmget(IPC_PRIVATE, LENGTH, IPC_CREAT | 0700));
	void *p = shmat(id, NULL, SHM_EXEC);

	shmctl(id, IPC_RMID, NULL);
	if (p == (void *)-1)
		failed("shmat");
	fact_number("address", (uintptr_t)p);
}

// attach_int80 asks for the same by the call that all of System V's calls were once.
static void attach_int80(void)
{
	int id = must("shmget", shmget(IPC_PRIVATE, LENGTH, IPC_CREAT | 0700));
	static uint32_t address;

	need_int80();
	must("shmat", int80(117, 21, id, SHM_EXEC, (long)(uintptr_t)&address, 0));
	shmctl(id, IPC_RMID, NULL);
	fact_number("address", address);
}

static void map_memfd(void)
{
	int fd = must("memfd_create", syscall(SYS_memfd_create, "code", 0));

	must("ftruncate", ftruncate(fd, LENGTH));
	map(PROT_READ | PROT_EXEC, MAP_SHARED, fd);
}

static int file_of_code(void)
{
	int fd = must("open", open(below("code"), O_RDWR | O_CREAT, 0755));

	must("ftruncate", ftruncate(fd, LENGTH));
	return fd;
}

static void map_deleted(void)
{
	int fd = file_of_code();

	must("unlink", unlink(below("code")));
	map(PROT_READ | PROT_EXEC, MAP_PRIVATE, fd);
}

static void map_writable_file(void)
{
	tell("file", "%s", below("code"));
	map(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, file_of_code());
}

static char *written(void)
{
	char *p = anonymous(PROT_READ | PROT_WRITE);

	p[0] = 0xc3;
	return p;
}

static void protect(void) { must("mprotect", mprotect(written(), LENGTH, PROT_READ | PROT_EXEC)); }
static void protect_all(void) { must("mprotect", mprotect(written(), LENGTH, PROT_READ | PROT_WRITE | PROT_EXEC)); }

static void protect_implied(void)
{
	char *p = written();

	must("mprotect", mprotect(p, LENGTH, PROT_NONE));
	must("personality", personality(READ_IMPLIES_EXEC));
	must("mprotect", mprotect(p, LENGTH, PROT_READ));
	must("personality", personality(0));
}

static void protect_key(void)
{
	must("pkey_mprotect", syscall(SYS_pkey_mprotect, written(), LENGTH, PROT_READ | PROT_EXEC, -1));
}

static void protect_int80(void)
{
	char *p = map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1);

	p[0] = 0xc3;
	choose_entry("int80");
	must("mprotect", call3(SYS_mprotect, p, LENGTH, PROT_READ | PROT_EXEC));
}

static void protect_thread_stack(void)
{
	static char *page;
	char here;

	page = (char *)((uintptr_t)&here & ~4095UL);
	fact_number("address", (uintptr_t)page);
	must("mprotect", mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
}

static void protect_written_file(void)
{
	char *p = map(PROT_READ | PROT_WRITE, MAP_PRIVATE, file_of_code());

	p[0] = 0xc3;
	must("mprotect", mprotect(p, LENGTH, PROT_READ | PROT_EXEC));
}

// What every program does: no event is to come of these.

static void harmless_protect(void)
{
	char *p = map(PROT_READ, MAP_PRIVATE, file_of_code());

	must("mprotect", mprotect(p, LENGTH, PROT_READ | PROT_EXEC));
}

static void harmless_map(void) { map(PROT_READ | PROT_EXEC, MAP_PRIVATE, file_of_code()); }

static void harmless_data(void) { must("mprotect", mprotect(written(), LENGTH, PROT_READ)); }

static void harmless_signals(void)
{
	pid_t pid;
	int status;

	signal(SIGUSR1, SIG_IGN);
	must("kill", kill(getpid(), SIGUSR1));
	must("tgkill", syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1));
	raise(SIGUSR1);
	kill(getppid(), 0);
	pid = must("fork", fork());
	if (pid == 0)
		_exit(0);
	waitpid(pid, &status, 0);
}

// Other processes.

static int word;

static void attach(pid_t pid)
{
	int status;

	must("ptrace", ptrace(PTRACE_ATTACH, pid, 0, 0));
	must("waitpid", waitpid(pid, &status, __WALL));
}

static void trace_attach(void) { attach(sleeper()); }
static void trace_seize(void) { must("ptrace", ptrace(PTRACE_SEIZE, sleeper(), 0, 0)); }

static void trace_poke(void)
{
	pid_t pid = sleeper();

	attach(pid);
	fact_number("address", (uintptr_t)&word);
	must("ptrace", ptrace(PTRACE_POKETEXT, pid, &word, 0x1234567));
	must("ptrace", ptrace(PTRACE_POKEDATA, pid, &word, 0x7654321));
}

static void trace_registers(void)
{
	static struct user_regs_struct registers;
	struct iovec set = {&registers, sizeof(registers)};
	pid_t pid = sleeper();

	attach(pid);
	must("ptrace", ptrace(PTRACE_GETREGS, pid, 0, &registers));
	must("ptrace", ptrace(PTRACE_SETREGS, pid, 0, &registers));
	must("ptrace", ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &set));
	must("ptrace", ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.r15), registers.r15));
}

static void trace_me(void)
{
	pid_t pid = must("fork", fork());

	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0 ? 0 : 1);
	fact_number("pid", pid);
	wait_well(pid);
}

static void trace_int80(void)
{
	need_int80();
	must("ptrace", int80(26, PTRACE_SEIZE, sleeper(), 0, 0, 0));
}

static void trace_denied(void)
{
	pid_t pid = sleeper();

	must("setresuid", setresuid(1234, 1234, 0));
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0 || errno != EPERM)
		failed("tracing what is forbidden");
}

static void memory(long number, pid_t pid)
{
	static int value = 7;
	struct iovec local[] = {{&value, 2}, {(char *)&value + 2, 2}}, remote[] = {{&word, 4}};

	fact_number("address", (uintptr_t)&word);
	must("process_vm", syscall(number, pid, local, 2, remote, 1, 0));
}

static void memory_write(void) { memory(SYS_process_vm_writev, sleeper()); }
static void memory_read(void) { memory(SYS_process_vm_readv, sleeper()); }

static int memory_file(pid_t pid, const char *format)
{
	char path[64];

	snprintf(path, sizeof(path), format, pid);
	fact_number("address", (uintptr_t)&word);
	return must(path, open(path, O_RDWR));
}

static void memory_proc(void) { must("pwrite", pwrite(memory_file(sleeper(), "/proc/%d/mem"), "four", 4, (uintptr_t)&word)); }

static void memory_proc_seek(void)
{
	int fd = memory_file(sleeper(), "/proc/self/root/proc/%d/task/../mem");

	must("lseek", lseek(fd, (uintptr_t)&word, SEEK_SET) < 0 ? -1 : 0);
	must("write", write(fd, "four", 4));
}

static void memory_proc_vector(void)
{
	struct iovec part = {"four", 4};

	must("pwritev", pwritev(memory_file(sleeper(), "/proc/%d/mem"), &part, 1, (uintptr_t)&word));
}

static void steal(void)
{
	int fd = must("open", open("/dev/null", O_RDONLY));
	pid_t pid = sleeper();
	int process = must("pidfd_open", syscall(SYS_pidfd_open, pid, 0));

	fact_number("descriptor", fd);
	must("pidfd_getfd", syscall(SYS_pidfd_getfd, process, fd, 0));
}

static void steal_nothing(void)
{
	int process = must("pidfd_open", syscall(SYS_pidfd_open, sleeper(), 0));

	if (syscall(SYS_pidfd_getfd, process, 999, 0) >= 0 || errno == ENOSYS)
		lacking("pidfd_getfd");
}

// Signals. The window's change is ignored by who does not ask for it, but sent all the same.

static siginfo_t queued = {.si_code = SI_QUEUE, .si_signo = SIGWINCH};

static void by_kill(void) { must("kill", kill(sleeper(), SIGWINCH)); }
static void by_tkill(void) { must("tkill", syscall(SYS_tkill, sleeper(), SIGWINCH)); }

static void by_tgkill(void)
{
	pid_t pid = sleeper();

	must("tgkill", syscall(SYS_tgkill, pid, pid, SIGWINCH));
}

static void by_queue(void) { must("rt_sigqueueinfo", syscall(SYS_rt_sigqueueinfo, sleeper(), SIGWINCH, &queued)); }

static void by_thread_queue(void)
{
	pid_t pid = sleeper();

	must("rt_tgsigqueueinfo", syscall(SYS_rt_tgsigqueueinfo, pid, pid, SIGWINCH, &queued));
}

static void by_pidfd(void)
{
	int process = must("pidfd_open", syscall(SYS_pidfd_open, sleeper(), 0));

	must("pidfd_send_signal", syscall(SYS_pidfd_send_signal, process, SIGWINCH, NULL, 0));
}

static void by_group(void)
{
	pid_t pid = sleeper();

	must("setpgid", setpgid(pid, pid));
	must("kill", kill(-pid, SIGTERM));
}

static void by_int80(void)
{
	need_int80();
	must("kill", int80(37, sleeper(), SIGWINCH, 0, 0, 0));
}

static void deadly(void) { must("kill", kill(sleeper(), SIGKILL)); }

static void denied(void)
{
	pid_t pid = sleeper();

	must("setresuid", setresuid(1234, 1234, 0));
	if (kill(pid, SIGWINCH) == 0 || errno != EPERM)
		failed("a signal that is forbidden");
}

// by_file has the kernel send the signal when something can be read.
static void by_file(void)
{
	int ends[2];

	must("pipe", pipe(ends));
	must("F_SETOWN", fcntl(ends[0], F_SETOWN, sleeper()));
	must("F_SETSIG", fcntl(ends[0], F_SETSIG, SIGKILL));
	must("F_SETFL", fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	must("write", write(ends[1], "x", 1));
}

static void program_32(const char *act, const char *argument)
{
	static char program[PATH_SIZE];
	ssize_t n = must("readlink", readlink("/proc/self/exe", program, sizeof(program) - 16));
	pid_t pid;

	need_int80();
	program[n] = 0;
	strcpy(strrchr(program, '/'), "/evade32");
	pid = must("fork", fork());
	if (pid == 0) {
		execl(program, program, act, argument, NULL);
		failed(program);
	}
	fact_number("pid", pid);
	wait_well(pid);
}

static void map_old_32(void) { program_32("mmap-old", NULL); }
static void map_32(void) { program_32("mmap2", NULL); }
static void protect_32(void) { program_32("mprotect", NULL); }

static void kill_32(void)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", sleeper());
	program_32("kill", number);
}

static void trace_32(void)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", sleeper());
	program_32("ptrace", number);
}

static const struct act acts[] = {
	{"mmap-rwx", map_all},
	{"mmap-rx-anonymous", map_exec},
	{"mmap2-int80", map_int80},
	{"mmap-read-implies-exec", map_implied},
	{"shmat-exec", attach_shared},
	{"shmat-int80", attach_int80},
	{"mmap-memfd", map_memfd},
	{"mmap-deleted-file", map_deleted},
	{"mmap-rwx-file", map_writable_file},
	{"mprotect-rx", protect},
	{"mprotect-rwx", protect_all},
	{"mprotect-read-implies-exec", protect_implied},
	{"pkey_mprotect", protect_key},
	{"mprotect-int80", protect_int80},
	{"mprotect-stack", protect_thread_stack},
	{"mprotect-written-file", protect_written_file},
	{"mmap-old-32", map_old_32},
	{"mmap2-32", map_32},
	{"mprotect-32", protect_32},
	{"no-mprotect-of-file", harmless_protect},
	{"no-mmap-of-file", harmless_map},
	{"no-mprotect-of-data", harmless_data},
	{"no-signals-to-oneself", harmless_signals},
	{"ptrace-attach", trace_attach},
	{"ptrace-seize", trace_seize},
	{"ptrace-poke", trace_poke},
	{"ptrace-registers", trace_registers},
	{"ptrace-traceme", trace_me},
	{"ptrace-int80", trace_int80},
	{"ptrace-32", trace_32},
	{"ptrace-denied", trace_denied},
	{"process_vm_writev", memory_write},
	{"process_vm_readv", memory_read},
	{"proc-mem", memory_proc},
	{"proc-mem-seek", memory_proc_seek},
	{"proc-mem-vector", memory_proc_vector},
	{"pidfd_getfd", steal},
	{"pidfd_getfd-failing", steal_nothing},
	{"kill", by_kill},
	{"kill-deadly", deadly},
	{"tkill", by_tkill},
	{"tgkill", by_tgkill},
	{"rt_sigqueueinfo", by_queue},
	{"rt_tgsigqueueinfo", by_thread_queue},
	{"pidfd_send_signal", by_pidfd},
	{"killpg", by_group},
	{"kill-int80", by_int80},
	{"kill-32", kill_32},
	{"kill-denied", denied},
	{"signal-by-file", by_file},
	{NULL, NULL},
};

static void run(void (*perform)(void))
{
	snprintf(base, sizeof(base), "%s", arguments[0]);
	perform();
}

static void end(void)
{
	munmap(mmap(NULL, END_LENGTH, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), END_LENGTH);
}

int main(int argc, char **argv) { return start(acts, argc, argv, run, end); }
