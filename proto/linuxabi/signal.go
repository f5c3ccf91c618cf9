package linuxabi

import "strconv"

// The first real-time signal of the kernel, and how many signals there are: asm-generic/signal.h.
const (
	firstRealTime = 32
	lastSignal    = 64
)

// Signal names a signal, as in "SIGKILL": asm-generic/signal.h. Real-time signals count from the kernel's first one, as in
// "SIGRTMIN+2"; that of the C library begins two later.
func Signal(n uint32) string {
	switch {
	case n == firstRealTime:
		return "SIGRTMIN"
	case n > firstRealTime && n <= lastSignal:
		return "SIGRTMIN+" + strconv.Itoa(int(n-firstRealTime))
	}
	return named([]string{
		"", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV",
		"SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU",
		"SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
	}, n)
}

// SignalCode names si_code of a signal where it says who sent it: asm-generic/siginfo.h. A positive code says what a fault was
// and depends on the signal; it is given as digits.
func SignalCode(code int32) string {
	switch code {
	case 0:
		return "user"
	case 0x80:
		return "kernel"
	case -1:
		return "queue"
	case -2:
		return "timer"
	case -3:
		return "mesgq"
	case -4:
		return "asyncio"
	case -5:
		return "sigio"
	case -6:
		return "tkill"
	case -7:
		return "dethread"
	case -60:
		return "asyncnl"
	}
	return strconv.Itoa(int(code))
}
