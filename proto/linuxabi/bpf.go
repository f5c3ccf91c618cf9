package linuxabi

// BPFCommand names a command of bpf(2), as in "prog_load": enum bpf_cmd of linux/bpf.h.
func BPFCommand(command uint32) string {
	return named([]string{
		"map_create", "map_lookup_elem", "map_update_elem", "map_delete_elem", "map_get_next_key", "prog_load", "obj_pin",
		"obj_get", "prog_attach", "prog_detach", "prog_test_run", "prog_get_next_id", "map_get_next_id",
		"prog_get_fd_by_id", "map_get_fd_by_id", "obj_get_info_by_fd", "prog_query", "raw_tracepoint_open", "btf_load",
		"btf_get_fd_by_id", "task_fd_query", "map_lookup_and_delete_elem", "map_freeze", "btf_get_next_id",
		"map_lookup_batch", "map_lookup_and_delete_batch", "map_update_batch", "map_delete_batch", "link_create",
		"link_update", "link_get_fd_by_id", "link_get_next_id", "enable_stats", "iter_create", "link_detach",
		"prog_bind_map", "token_create", "prog_stream_read_by_fd", "prog_assoc_struct_ops",
	}, command)
}

// Commands of bpf(2) that change what the kernel runs: enum bpf_cmd of linux/bpf.h.
const (
	BPFProgramLoad       = 5
	BPFProgramAttach     = 8
	BPFProgramDetach     = 9
	BPFRawTracepointOpen = 17
	BPFLinkCreate        = 28
	BPFLinkDetach        = 34
)

// BPFProgramType names a type of BPF program, as in "kprobe": enum bpf_prog_type of linux/bpf.h.
func BPFProgramType(kind uint32) string {
	return named([]string{
		"unspec", "socket_filter", "kprobe", "sched_cls", "sched_act", "tracepoint", "xdp", "perf_event", "cgroup_skb",
		"cgroup_sock", "lwt_in", "lwt_out", "lwt_xmit", "sock_ops", "sk_skb", "cgroup_device", "sk_msg", "raw_tracepoint",
		"cgroup_sock_addr", "lwt_seg6local", "lirc_mode2", "sk_reuseport", "flow_dissector", "cgroup_sysctl",
		"raw_tracepoint_writable", "cgroup_sockopt", "tracing", "struct_ops", "ext", "lsm", "sk_lookup", "syscall",
		"netfilter",
	}, kind)
}

// BPFMapType names a type of BPF map, as in "hash": enum bpf_map_type of linux/bpf.h.
func BPFMapType(kind uint32) string {
	return named([]string{
		"unspec", "hash", "array", "prog_array", "perf_event_array", "percpu_hash", "percpu_array", "stack_trace",
		"cgroup_array", "lru_hash", "lru_percpu_hash", "lpm_trie", "array_of_maps", "hash_of_maps", "devmap", "sockmap",
		"cpumap", "xskmap", "sockhash", "cgroup_storage", "reuseport_sockarray",
		"percpu_cgroup_storage", "queue", "stack", "sk_storage", "devmap_hash", "struct_ops", "ringbuf",
		"inode_storage", "task_storage", "bloom_filter", "user_ringbuf", "cgrp_storage", "arena", "insn_array",
	}, kind)
}

// BPFAttachType names what a BPF program is attached to, as in "trace_fentry": enum bpf_attach_type of linux/bpf.h.
func BPFAttachType(kind uint32) string {
	return named([]string{
		"cgroup_inet_ingress", "cgroup_inet_egress", "cgroup_inet_sock_create", "cgroup_sock_ops", "sk_skb_stream_parser",
		"sk_skb_stream_verdict", "cgroup_device", "sk_msg_verdict", "cgroup_inet4_bind", "cgroup_inet6_bind",
		"cgroup_inet4_connect", "cgroup_inet6_connect", "cgroup_inet4_post_bind", "cgroup_inet6_post_bind",
		"cgroup_udp4_sendmsg", "cgroup_udp6_sendmsg", "lirc_mode2", "flow_dissector", "cgroup_sysctl",
		"cgroup_udp4_recvmsg", "cgroup_udp6_recvmsg", "cgroup_getsockopt", "cgroup_setsockopt", "trace_raw_tp",
		"trace_fentry", "trace_fexit", "modify_return", "lsm_mac", "trace_iter", "cgroup_inet4_getpeername",
		"cgroup_inet6_getpeername", "cgroup_inet4_getsockname", "cgroup_inet6_getsockname", "xdp_devmap",
		"cgroup_inet_sock_release", "xdp_cpumap", "sk_lookup", "xdp", "sk_skb_verdict", "sk_reuseport_select",
		"sk_reuseport_select_or_migrate", "perf_event", "trace_kprobe_multi", "lsm_cgroup", "struct_ops", "netfilter",
		"tcx_ingress", "tcx_egress", "trace_uprobe_multi", "cgroup_unix_connect", "cgroup_unix_sendmsg",
		"cgroup_unix_recvmsg", "cgroup_unix_getpeername", "cgroup_unix_getsockname", "netkit_primary", "netkit_peer",
		"trace_kprobe_session", "trace_uprobe_session", "trace_fsession",
	}, kind)
}

// BPFHelper names those functions for BPF programs that reach into other processes or alter what they see, as in
// "probe_write_user": enum bpf_func_id of linux/bpf.h. Others are given as digits.
func BPFHelper(id uint32) string {
	return named([]string{
		9: "skb_store_bytes", 36: "probe_write_user", 58: "override_return", 109: "send_signal", 112: "probe_read_user",
		114: "probe_read_user_str", 117: "send_signal_thread", 143: "store_hdr_opt", 148: "copy_from_user", 159: "bprm_opts_set",
		166: "sys_bpf", 168: "sys_close", 179: "kallsyms_lookup_name", 191: "copy_from_user_task",
	}, id)
}
