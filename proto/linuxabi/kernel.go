package linuxabi

// IoUringOpcode names a request to a ring, as in "openat": enum io_uring_op of linux/io_uring.h.
func IoUringOpcode(opcode uint32) string {
	return named([]string{
		"nop", "readv", "writev", "fsync", "read_fixed", "write_fixed", "poll_add", "poll_remove", "sync_file_range",
		"sendmsg", "recvmsg", "timeout", "timeout_remove", "accept", "async_cancel", "link_timeout", "connect",
		"fallocate", "openat", "close", "files_update", "statx", "read", "write", "fadvise", "madvise", "send", "recv",
		"openat2", "epoll_ctl", "splice", "provide_buffers", "remove_buffers", "tee", "shutdown", "renameat", "unlinkat",
		"mkdirat", "symlinkat", "linkat", "msg_ring", "fsetxattr", "setxattr", "fgetxattr", "getxattr", "socket",
		"uring_cmd", "send_zc", "sendmsg_zc", "read_multishot", "waitid", "futex_wait", "futex_wake", "futex_waitv",
		"fixed_fd_install", "ftruncate", "bind", "listen", "recv_zc", "epoll_wait", "readv_fixed", "writev_fixed", "pipe",
		"nop128", "uring_cmd128",
	}, opcode)
}

// IoUringSetup names the flags that a ring is made with, as in "sqpoll": linux/io_uring.h.
func IoUringSetup(flags uint32) []string {
	return words(uint64(flags), []bit{
		{1 << 0, "iopoll"},
		{1 << 1, "sqpoll"},
		{1 << 2, "sq_aff"},
		{1 << 3, "cqsize"},
		{1 << 4, "clamp"},
		{1 << 5, "attach_wq"},
		{1 << 6, "r_disabled"},
		{1 << 7, "submit_all"},
		{1 << 8, "coop_taskrun"},
		{1 << 9, "taskrun_flag"},
		{1 << 10, "sqe128"},
		{1 << 11, "cqe32"},
		{1 << 12, "single_issuer"},
		{1 << 13, "defer_taskrun"},
		{1 << 14, "no_mmap"},
		{1 << 15, "registered_fd_only"},
		{1 << 16, "no_sqarray"},
		{1 << 17, "hybrid_iopoll"},
		{1 << 18, "cqe_mixed"},
	})
}

// PerfType names a type of performance event, as in "tracepoint": enum perf_type_id of linux/perf_event.h. Numbers from 6 are
// given out by the running kernel.
func PerfType(kind uint32) string {
	return named([]string{"hardware", "software", "tracepoint", "hw_cache", "raw", "breakpoint"}, kind)
}

// SocketType names a type of socket, as in "stream": linux/net.h. Flags in the upper bits do not show.
func SocketType(kind uint32) string {
	const mask = 0xf
	return named([]string{"", "stream", "dgram", "raw", "rdm", "seqpacket", "dccp", 10: "packet"}, kind&mask)
}

// Transport names a protocol over IP, as in "tcp": linux/in.h. Other protocols are given as digits.
func Transport(protocol uint32) string {
	return named([]string{
		1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 33: "dccp", 47: "gre", 50: "esp", 58: "ipv6-icmp", 132: "sctp", 136: "udplite",
	}, protocol)
}
