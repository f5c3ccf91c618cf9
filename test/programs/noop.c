// noop: the smallest program there is. It ends at once, so what a measurement sees is the cost of starting it.
//
//   cc -O2 -static -nostdlib -o noop noop.c

#include <sys/syscall.h>

__attribute__((noreturn)) void _start(void)
{
#if defined(__x86_64__)
	__asm__ volatile("syscall" : : "a"(SYS_exit), "D"(0));
#elif defined(__aarch64__)
	register long number __asm__("x8") = SYS_exit;
	register long status __asm__("x0") = 0;
	__asm__ volatile("svc 0" : : "r"(number), "r"(status));
#endif
	__builtin_unreachable();
}
