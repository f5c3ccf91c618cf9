package content

// tamperEvents are of rules for files by which an intruder hides, blinds or gains rights.
func tamperEvents(tr *trial) {
	f := tr.rule
	f("directory_with_deceptive_name",
		events(
			event("Operation", "mkdir", "TargetFilename", "/dev/shm/..."),
			event("Operation", "mkdir", "TargetFilename", "/tmp/.. "),
		),
		events(
			event("Operation", "mkdir", "TargetFilename", "/home/alice/..data"),
			event("Operation", "rmdir", "TargetFilename", "/tmp/..."),
		))
	f("file_capability_given",
		events(
			event("Operation", "file_attribute", "AttributeName", "security.capability",
				"AttributeValue", "\x01\x00\x00\x02", "TargetFilename", "/usr/bin/python3.11", "Image", "/tmp/x"),
		),
		events(
			event("Operation", "file_attribute", "AttributeName", "security.capability",
				"AttributeValue", "\x01\x00\x00\x02", "TargetFilename", "/usr/bin/ping",
				"Image", "/usr/sbin/setcap",
				"ParentCommandLine", "/bin/sh /var/lib/dpkg/info/iputils-ping.postinst configure"),
			event("Operation", "file_attribute", "AttributeName", "security.capability",
				"TargetFilename", "/usr/bin/ping", "Image", "/usr/sbin/setcap"),
		))
	f("file_hidden_among_devices",
		events(event("TargetFilename", "/dev/.udev/x", "SYSCALL", "openat", "Image", "/tmp/x")),
		events(
			event("TargetFilename", "/dev/shm/sem.x", "SYSCALL", "openat", "Image", "/tmp/x"),
			event("TargetFilename", "/dev/disk/by-label/x", "SYSCALL", "symlinkat", "LinkText", "../../sda1",
				"Image", "/usr/bin/udevadm"),
		))
	f("file_renamed_as_by_ransomware",
		events(
			event("TargetFilename", "/srv/files/report.docx.akira", "SourceFilename", "/srv/files/report.docx",
				"Image", "/tmp/x"),
		),
		events(
			event("TargetFilename", "/srv/files/report.docx", "SourceFilename", "/srv/files/.report.docx.swp",
				"Image", "/usr/bin/vim.basic"),
			event("TargetFilename", "/home/alice/report.docx.bak", "SourceFilename", "/home/alice/report.docx",
				"Image", "/usr/bin/mv"),
			event("TargetFilename", "/srv/files/x.docx.locked", "SourceFilename", "/srv/files/y.docx",
				"Image", "/usr/bin/mv"),
		))
	f("history_file_deleted",
		events(event("TargetFilename", "/root/.bash_history", "Image", "/usr/bin/rm")),
		events(event("TargetFilename", "/home/alice/.bash_history", "Image", "/usr/sbin/userdel")))
	f("history_file_linked_away",
		events(
			event("TargetFilename", "/root/.bash_history", "LinkText", "/dev/null", "Image", "/usr/bin/ln"),
			event("TargetFilename", "/root/.bash_history", "SourceFilename", "/root/CuA1b2C3",
				"Image", "/usr/bin/ln"),
		),
		events(
			event("TargetFilename", "/root/.bash_history", "SourceFilename", "/root/.bash_history-01234.tmp",
				"Image", "/usr/bin/bash"),
		))
	f("host_file_written_from_container",
		events(
			event("TargetFilename", "/host/etc/cron.d/x", "Image", "/bin/busybox"),
			event("TargetFilename", "/host-root/root/.ssh/authorized_keys", "Image", "/bin/busybox"),
		),
		events(
			event("TargetFilename", "/host/opt/cni/bin/calico", "Image", "/opt/cni/bin/install"),
			event("TargetFilename", "/etc/cron.d/x", "Image", "/bin/busybox"),
		))
	f("kernel_helper_file_written",
		events(
			event("TargetFilename", "/sys/fs/cgroup/rdma/release_agent", "Image", "/usr/bin/dash"),
			event("TargetFilename", "/sys/kernel/uevent_helper", "Image", "/tmp/x"),
		),
		events(event("TargetFilename", "/sys/fs/cgroup/systemd/release_agent", "Image", "/usr/lib/systemd/systemd")))
	f("kernel_security_file_written",
		events(event("TargetFilename", "/sys/fs/selinux/enforce", "Image", "/usr/sbin/setenforce")),
		events(event("TargetFilename", "/sys/kernel/security/apparmor/.remove", "Image", "/usr/sbin/apparmor_parser")))
	f("log_file_deleted",
		events(
			event("TargetFilename", "/var/log/auth.log", "Image", "/tmp/x"),
			event("TargetFilename", "/var/log/journal/0/system.journal", "Image", "/usr/bin/rm"),
		),
		events(
			event("TargetFilename", "/var/log/auth.log.4.gz", "Image", "/usr/bin/rm"),
			event("TargetFilename", "/var/log/journal/0/system@1.journal",
				"Image", "/usr/lib/systemd/systemd-journald"),
		))
	f("log_file_truncated",
		events(
			event("Operation", "file_truncate", "OldSize", "48210", "NewSize", "0",
				"TargetFilename", "/var/log/auth.log", "Image", "/usr/bin/truncate"),
		),
		events(
			event("Operation", "file_truncate", "OldSize", "48210", "NewSize", "0",
				"TargetFilename", "/var/log/auth.log", "Image", "/usr/sbin/logrotate"),
		))
	f("log_written_by_stranger",
		events(event("TargetFilename", "/var/log/auth.log", "SourceFilename", "/var/log/sedX", "Image", "/usr/bin/sed")),
		events(
			event("TargetFilename", "/var/log/auth.log", "Image", "/usr/sbin/rsyslogd"),
			event("TargetFilename", "/var/log/auth.log.1", "SourceFilename", "/var/log/auth.log",
				"Image", "/usr/sbin/logrotate"),
		))
	f("logging_configuration_written",
		events(event("TargetFilename", "/etc/rsyslog.d/00-x.conf", "Image", "/usr/bin/dash")),
		events(
			event("TargetFilename", "/etc/audit/audit.rules", "Image", "/usr/bin/cp",
				"ParentCommandLine", "/bin/sh /sbin/augenrules --load"),
		))
	f("login_records_written",
		events(
			event("TargetFilename", "/var/log/wtmp", "Image", "/tmp/cleaner"),
			event("TargetFilename", "/run/utmp", "SourceFilename", "/tmp/x", "Image", "/usr/bin/mv"),
		),
		events(
			event("TargetFilename", "/var/log/wtmp", "Image", "/usr/sbin/sshd"),
			event("TargetFilename", "/run/utmp", "Image", "/usr/lib/systemd/systemd-update-utmp"),
		))
	f("own_executable_deleted",
		events(event("TargetFilename", "/tmp/x", "Image", "/tmp/x")),
		events(event("TargetFilename", "/tmp/x", "Image", "/usr/bin/rm")))
	f("secret_file_linked",
		events(
			event("SYSCALL", "linkat", "SourceFilename", "/etc/shadow", "TargetFilename", "/tmp/x",
				"Image", "/usr/bin/ln"),
			event("SYSCALL", "symlinkat", "LinkText", "../../etc/shadow", "TargetFilename", "/tmp/x",
				"Image", "/usr/bin/ln"),
		),
		events(
			event("SYSCALL", "linkat", "SourceFilename", "/etc/shadow.1234", "TargetFilename", "/etc/shadow.lock",
				"Image", "/usr/sbin/usermod"),
		))
	f("security_program_frozen",
		events(
			event("TargetFilename", "/sys/fs/cgroup/system.slice/vedette.service/cgroup.freeze",
				"Image", "/usr/bin/dash"),
			event("TargetFilename", "/sys/fs/cgroup/system.slice/auditd.service/cgroup.kill", "Image", "/tmp/x"),
		),
		events(
			event("TargetFilename", "/sys/fs/cgroup/system.slice/vedette.service/memory.max",
				"Image", "/usr/lib/systemd/systemd"),
			event("TargetFilename", "/sys/fs/cgroup/system.slice/nginx.service/cgroup.freeze",
				"Image", "/usr/bin/dash"),
		))
	f("sensitive_file_given_away",
		events(
			event("Operation", "file_owner", "OldUser", "root", "NewUser", "alice",
				"TargetFilename", "/etc/sudoers.d/x", "Image", "/usr/bin/chown"),
		),
		events(
			event("Operation", "file_owner", "OldUser", "root", "NewUser", "root", "TargetFilename", "/etc/shadow",
				"Image", "/usr/bin/chown"),
			event("Operation", "file_owner", "OldUser", "root", "NewUser", "daemon",
				"TargetFilename", "/usr/bin/at.dpkg-new", "Image", "/usr/bin/dpkg"),
		))
	f("sensitive_file_opened_to_all",
		events(
			event("Operation", "file_mode", "OldMode", "0100644", "NewMode", "0100666",
				"TargetFilename", "/etc/passwd", "Image", "/usr/bin/chmod"),
			event("Operation", "file_mode", "OldMode", "0140660", "NewMode", "0140666",
				"TargetFilename", "/run/docker.sock", "Image", "/usr/bin/chmod"),
			event("Operation", "file_mode", "OldMode", "0100640", "NewMode", "0100644",
				"TargetFilename", "/etc/shadow", "Image", "/usr/bin/chmod"),
		),
		events(
			event("Operation", "file_mode", "OldMode", "0100600", "NewMode", "0100644",
				"TargetFilename", "/etc/hosts", "Image", "/usr/bin/chmod"),
			event("Operation", "file_mode", "OldMode", "041755", "NewMode", "041777", "TargetFilename", "/etc/d",
				"Image", "/usr/bin/chmod"),
		))
	f("setuid_mode_given",
		events(
			event("Operation", "file_mode", "OldMode", "0100755", "NewMode", "0104755",
				"TargetFilename", "/tmp/sh", "Image", "/usr/bin/perl"),
		),
		events(
			event("Operation", "file_mode", "OldMode", "0100755", "NewMode", "0104755",
				"TargetFilename", "/usr/bin/sudo.dpkg-new", "Image", "/usr/bin/dpkg"),
			event("Operation", "file_mode", "OldMode", "040755", "NewMode", "042775",
				"TargetFilename", "/srv/shared", "Image", "/usr/bin/chmod"),
		))
	f("setuid_program_linked",
		events(
			event("SYSCALL", "linkat", "mode", "0104755", "SourceFilename", "/usr/bin/sudo",
				"TargetFilename", "/home/alice/s", "Image", "/usr/bin/ln"),
		),
		events(
			event("SYSCALL", "linkat", "mode", "0104755", "SourceFilename", "/usr/bin/sudo",
				"TargetFilename", "/usr/bin/sudo.dpkg-tmp", "Image", "/usr/bin/dpkg"),
			event("SYSCALL", "linkat", "mode", "0100755", "SourceFilename", "/home/alice/x",
				"TargetFilename", "/home/alice/y", "Image", "/usr/bin/ln"),
		))
	f("sysrq_triggered",
		events(event("TargetFilename", "/proc/sysrq-trigger", "Image", "/usr/bin/bash")),
		events(event("TargetFilename", "/proc/sysrq-trigger", "Image", "/usr/sbin/sbd")))
	f("system_directory_replaced",
		events(
			event("TargetFilename", "/etc/pam.d", "SourceFilename", "/etc/x", "Image", "/usr/bin/mv"),
			event("TargetFilename", "/home/alice/.ssh", "LinkText", "/tmp/x", "Image", "/usr/bin/ln"),
		),
		events(
			event("TargetFilename", "/etc/pam.d", "SourceFilename", "/etc/pam.d.dpkg-new",
				"Image", "/usr/bin/dpkg"),
			event("TargetFilename", "/srv/app/cron.d", "SourceFilename", "/srv/app/x", "Image", "/usr/bin/mv"),
		))
	f("system_file_backdated",
		events(
			event("Operation", "file_times", "PreviousModificationUtcTime", "2026-11-28 02:14:07.613",
				"ModificationUtcTime", "2023-02-12 08:00:00.000", "TargetFilename", "/usr/sbin/x",
				"Image", "/usr/bin/touch"),
		),
		events(
			event("Operation", "file_times", "PreviousModificationUtcTime", "2026-11-28 02:14:07.613",
				"ModificationUtcTime", "2023-02-12 08:00:00.000", "TargetFilename", "/usr/bin/x.dpkg-new",
				"Image", "/usr/bin/dpkg"),
			event("Operation", "file_times", "PreviousModificationUtcTime", "2026-11-28 02:14:07.613",
				"ModificationUtcTime", "2026-11-28 02:14:08.114", "TargetFilename", "/usr/sbin/x",
				"Image", "/usr/bin/touch"),
		))
	f("vedette_files_deleted",
		events(
			event("TargetFilename", "/var/log/vedette/alerts.ndjson", "Image", "/usr/bin/rm"),
			event("TargetFilename", "/usr/bin/vedette-collector", "Image", "/usr/bin/rm"),
		),
		events(event("TargetFilename", "/var/log/vedette/alerts.ndjson.5", "Image", "/usr/bin/vedette-analyzer")))
	f("vedette_files_written",
		events(
			event("TargetFilename", "/var/log/vedette/alerts.ndjson", "Image", "/usr/bin/dash"),
			event("TargetFilename", "/var/log/vedette/alerts.ndjson", "Image", "/tmp/bin/vedette-analyzer"),
		),
		events(event("TargetFilename", "/var/log/vedette/alerts.ndjson", "Image", "/usr/bin/vedette-analyzer")))
}
