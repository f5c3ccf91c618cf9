package content

// persistenceEvents are of rules for files by which an intruder stays.
func persistenceEvents(tr *trial) {
	f := tr.rule
	f("account_database_written",
		events(
			event("TargetFilename", "/etc/shadow", "SourceFilename", "/etc/sedab12", "Image", "/usr/bin/sed"),
			event("TargetFilename", "/etc/passwd", "Image", "/usr/bin/dash"),
		),
		events(
			event("TargetFilename", "/etc/passwd", "SourceFilename", "/etc/passwd+", "Image", "/usr/sbin/usermod"),
			event("TargetFilename", "/etc/passwd", "Image", "/bin/busybox", "CommandLine", "adduser -D alice"),
		))
	f("authorized_keys_written",
		events(
			event("TargetFilename", "/root/.ssh/authorized_keys", "Image", "/usr/bin/dash"),
			event("TargetFilename", "/home/alice/.ssh/authorized_keys2", "SourceFilename", "/tmp/x",
				"Image", "/usr/bin/mv"),
		),
		events(
			event("TargetFilename", "/home/alice/.ssh/authorized_keys", "Image", "/usr/bin/google_guest_agent"),
			event("TargetFilename", "/home/alice/.ssh/known_hosts", "Image", "/usr/bin/ssh"),
		))
	f("autostart_entry_written",
		events(
			event("TargetFilename", "/home/alice/.config/autostart/x.desktop", "Image", "/usr/bin/python3.11"),
			event("TargetFilename", "/etc/xdg/autostart/x.desktop", "Image", "/usr/bin/cp"),
		),
		events(
			event("TargetFilename", "/home/alice/.config/autostart/slack.desktop", "Image", "/usr/lib/slack/slack"),
			event("TargetFilename", "/etc/xdg/autostart/x.desktop.dpkg-new", "Image", "/usr/bin/dpkg"),
		))
	f("boot_script_written",
		events(event("TargetFilename", "/etc/kernel/postinst.d/zz-x", "Image", "/usr/bin/dash")),
		events(event("TargetFilename", "/etc/kernel/postinst.d/initramfs-tools.dpkg-new", "Image", "/usr/bin/dpkg")))
	f("certificate_authority_added",
		events(event("TargetFilename", "/usr/local/share/ca-certificates/x.crt", "Image", "/usr/bin/cp")),
		events(event("TargetFilename", "/etc/ssl/certs/ca-certificates.crt", "Image", "/usr/bin/mv")))
	f("cron_file_written",
		events(
			event("TargetFilename", "/etc/cron.d/evil", "Image", "/usr/bin/dash"),
			event("TargetFilename", "/etc/cron.hourly/0", "SourceFilename", "/tmp/0", "Image", "/usr/bin/mv"),
		),
		events(
			event("TargetFilename", "/etc/cron.d/e2scrub_all.dpkg-new", "Image", "/usr/bin/dpkg"),
			event("TargetFilename", "/var/spool/cron/crontabs/root", "Image", "/usr/bin/crontab"),
			event("TargetFilename", "/etc/cron.d/x", "Image", "/usr/bin/cp",
				"ParentCommandLine", "/bin/sh /var/lib/dpkg/info/x.postinst configure"),
		))
	f("linker_preload_written",
		events(
			event("TargetFilename", "/etc/ld.so.preload", "Image", "/tmp/x"),
			event("TargetFilename", "/etc/ld.so.preload", "SourceFilename", "/tmp/x", "Image", "/usr/bin/mv"),
		),
		events(
			event("TargetFilename", "/etc/ld.so.cache", "SourceFilename", "/etc/ld.so.cache~",
				"Image", "/usr/sbin/ldconfig"),
		))
	f("linker_search_path_written",
		events(event("TargetFilename", "/etc/ld.so.conf.d/00-x.conf", "Image", "/usr/bin/dash")),
		events(event("TargetFilename", "/etc/ld.so.conf.d/x86_64-linux-gnu.conf.dpkg-new", "Image", "/usr/bin/dpkg")))
	f("login_script_written",
		events(
			event("TargetFilename", "/etc/profile.d/evil.sh", "Image", "/usr/bin/dash"),
			event("TargetFilename", "/etc/environment", "SourceFilename", "/etc/sedX1a2b3",
				"Image", "/usr/bin/sed"),
		),
		events(
			event("TargetFilename", "/etc/profile.d/bash_completion.sh.dpkg-new", "Image", "/usr/bin/dpkg"),
			event("TargetFilename", "/home/alice/.profile", "Image", "/usr/bin/vim.basic"),
		))
	f("module_autoload_written",
		events(
			event("TargetFilename", "/etc/modprobe.d/x.conf", "Image", "/usr/bin/dash"),
			event("TargetFilename", "/etc/modules", "Image", "/tmp/x"),
		),
		events(event("TargetFilename", "/usr/lib/modprobe.d/x.conf.dpkg-new", "Image", "/usr/bin/dpkg")))
	f("motd_script_written",
		events(event("TargetFilename", "/etc/update-motd.d/00-header", "Image", "/usr/bin/dash")),
		events(event("TargetFilename", "/etc/update-motd.d/10-uname.dpkg-new", "Image", "/usr/bin/dpkg")))
	f("network_hook_written",
		events(event("TargetFilename", "/etc/network/if-up.d/x", "Image", "/usr/bin/dash")),
		events(event("TargetFilename", "/etc/network/if-up.d/openssh-server.dpkg-new", "Image", "/usr/bin/dpkg")))
	f("package_manager_hook_written",
		events(
			event("TargetFilename", "/etc/apt/apt.conf.d/00x", "Image", "/usr/bin/dash"),
			event("TargetFilename", "/var/lib/dpkg/info/base-files.postinst", "Image", "/usr/bin/sed"),
		),
		events(
			event("TargetFilename", "/var/lib/dpkg/info/x.postinst",
				"SourceFilename", "/var/lib/dpkg/tmp.ci/postinst", "Image", "/usr/bin/dpkg"),
		))
	f("pam_configuration_written",
		events(event("TargetFilename", "/etc/pam.d/sshd", "Image", "/usr/bin/dash")),
		events(
			event("TargetFilename", "/etc/pam.d/common-auth", "SourceFilename", "/etc/pam.d/common-auth.pam-new",
				"Image", "/usr/bin/perl", "ScriptPath", "/usr/sbin/pam-auth-update"),
			event("TargetFilename", "/etc/security/opasswd", "Image", "/usr/bin/passwd"),
		))
	f("pam_module_written",
		events(
			event("TargetFilename", "/usr/lib/x86_64-linux-gnu/security/pam_unix.so", "SourceFilename", "/tmp/x",
				"Image", "/usr/bin/mv"),
			event("TargetFilename", "/lib64/security/pam_x.so", "Image", "/tmp/x"),
		),
		events(
			event("TargetFilename", "/usr/lib/x86_64-linux-gnu/security/pam_unix.so",
				"SourceFilename", "/usr/lib/x86_64-linux-gnu/security/pam_unix.so.dpkg-new",
				"Image", "/usr/bin/dpkg"),
		))
	f("polkit_rule_written",
		events(event("TargetFilename", "/etc/polkit-1/rules.d/00-x.rules", "Image", "/usr/bin/dash")),
		events(event("TargetFilename", "/usr/share/polkit-1/actions/org.x.policy.dpkg-new", "Image", "/usr/bin/dpkg")))
	f("python_startup_file_written",
		events(
			event("TargetFilename", "/usr/local/lib/python3.11/dist-packages/x.pth", "Image", "/usr/bin/dash",
				"CommandLine", "sh"),
			event("TargetFilename", "/home/alice/.local/lib/python3.12/site-packages/usercustomize.py",
				"Image", "/usr/bin/python3.12", "CommandLine", "python3 x.py"),
		),
		events(
			event("TargetFilename", "/usr/local/lib/python3.11/dist-packages/x.pth",
				"Image", "/usr/bin/python3.11", "CommandLine", "/usr/bin/python3 -m pip install -e ."),
			event("TargetFilename", "/home/alice/src/venv/lib/python3.11/site-packages/distutils-precedence.pth",
				"Image", "/usr/bin/python3.11", "CommandLine", "python3 x.py"),
		))
	f("setuid_file_created",
		events(
			event("nametype", "CREATE", "mode", "0104755", "SYSCALL", "openat", "TargetFilename", "/home/alice/x",
				"Image", "/usr/bin/perl"),
		),
		events(
			event("nametype", "CREATE", "mode", "0100755", "SYSCALL", "openat", "TargetFilename", "/home/alice/x",
				"Image", "/usr/bin/perl"),
			event("nametype", "NORMAL", "mode", "0104755", "SYSCALL", "openat", "TargetFilename", "/usr/bin/sudo",
				"Image", "/usr/bin/dpkg"),
		))
	f("shell_startup_written_by_stranger",
		events(
			event("TargetFilename", "/root/.bashrc", "Image", "/tmp/.x/update"),
			event("TargetFilename", "/var/www/.profile", "Image", "/usr/sbin/php-fpm8.2"),
		),
		events(
			event("TargetFilename", "/root/.bashrc", "Image", "/usr/bin/vim.basic"),
			event("TargetFilename", "/home/alice/.profile", "Image", "/tmp/tmp.x/rustup-init"),
		))
	f("ssh_login_script_written",
		events(event("TargetFilename", "/root/.ssh/rc", "Image", "/usr/bin/dash")),
		events(event("TargetFilename", "/root/.ssh/config", "Image", "/usr/bin/dash")))
	f("sshd_configuration_written",
		events(event("TargetFilename", "/etc/ssh/sshd_config.d/00-x.conf", "Image", "/usr/bin/dash")),
		events(
			event("TargetFilename", "/etc/ssh/sshd_config", "Image", "/usr/bin/mv",
				"SourceFilename", "/etc/ssh/sshd_config.ucftmp",
				"ParentCommandLine", "/bin/bash /usr/bin/ucf --three-way /tmp/x /etc/ssh/sshd_config"),
		))
	f("startup_script_written",
		events(
			event("TargetFilename", "/etc/rc.local", "Image", "/usr/bin/dash"),
			event("TargetFilename", "/etc/rc3.d/S99x", "LinkText", "/tmp/x", "Image", "/usr/bin/ln"),
		),
		events(
			event("TargetFilename", "/etc/rc3.d/S01cron", "LinkText", "../init.d/cron", "Image", "/usr/bin/perl",
				"ScriptPath", "/usr/sbin/update-rc.d"),
		))
	f("static_pod_written",
		events(
			event("TargetFilename", "/etc/kubernetes/manifests/x.yaml", "Image", "/usr/bin/dash"),
			event("TargetFilename", "/var/lib/rancher/k3s/agent/pod-manifests/x.yaml", "Image", "/usr/bin/cp"),
		),
		events(event("TargetFilename", "/etc/kubernetes/manifests/etcd.yaml", "Image", "/usr/bin/kubeadm")))
	f("sudoers_written",
		events(
			event("TargetFilename", "/etc/sudoers.d/x", "Image", "/usr/bin/tee"),
			event("TargetFilename", "/etc/sudoers", "SourceFilename", "/etc/sedX", "Image", "/usr/bin/sed"),
		),
		events(
			event("TargetFilename", "/etc/sudoers", "SourceFilename", "/etc/sudoers.tmp",
				"Image", "/usr/sbin/visudo"),
			event("TargetFilename", "/etc/sudoers.tmp", "Image", "/usr/bin/vim.basic",
				"ParentImage", "/usr/sbin/visudo"),
		))
	f("system_library_replaced",
		events(
			event("TargetFilename", "/usr/lib/x86_64-linux-gnu/libkeyutils.so.1.9", "Image", "/usr/bin/cp"),
			event("TargetFilename", "/lib64/libpam.so.0", "LinkText", "/tmp/x.so", "Image", "/usr/bin/ln"),
		),
		events(
			event("TargetFilename", "/usr/lib/x86_64-linux-gnu/libpam.so.0", "LinkText", "libpam.so.0.85.1",
				"Image", "/usr/sbin/ldconfig"),
			event("TargetFilename", "/usr/lib/x86_64-linux-gnu/libcairo.so.2", "Image", "/usr/bin/cp"),
		))
	f("system_program_replaced",
		events(
			event("TargetFilename", "/usr/sbin/sshd", "SourceFilename", "/tmp/sshd", "Image", "/usr/bin/mv"),
			event("TargetFilename", "/usr/bin/runc", "Image", "/tmp/exploit"),
		),
		events(
			event("TargetFilename", "/usr/bin/ls", "SourceFilename", "/usr/bin/ls.dpkg-new",
				"Image", "/usr/bin/dpkg"),
			event("TargetFilename", "/usr/bin/lsx", "Image", "/usr/bin/cp"),
		))
	f("systemd_generator_written",
		events(
			event("TargetFilename", "/etc/systemd/system-generators/evil", "Image", "/usr/bin/dash"),
			event("TargetFilename", "/usr/lib/systemd/user-environment-generators/50-x", "Image", "/usr/bin/cp"),
		),
		events(
			event("TargetFilename", "/usr/lib/systemd/system-generators/x.dpkg-new", "Image", "/usr/bin/dpkg"),
			event("TargetFilename", "/run/systemd/generator/x.mount",
				"Image", "/usr/lib/systemd/system-generators/systemd-fstab-generator"),
		))
	f("systemd_unit_written",
		events(
			event("TargetFilename", "/etc/systemd/system/evil.service", "Image", "/usr/bin/dash"),
			event("TargetFilename", "/home/alice/.config/systemd/user/x.timer", "Image", "/tmp/x"),
		),
		events(
			event("TargetFilename", "/etc/systemd/system/multi-user.target.wants/x.service",
				"LinkText", "/lib/systemd/system/x.service", "Image", "/usr/bin/systemctl"),
			event("TargetFilename", "/usr/lib/systemd/system/x.service.dpkg-new", "Image", "/usr/bin/dpkg"),
		))
	f("trusted_program_shadowed",
		events(
			event("TargetFilename", "/home/alice/.local/bin/sudo", "Image", "/usr/bin/dash"),
			event("TargetFilename", "/usr/local/bin/ssh", "SourceFilename", "/tmp/ssh", "Image", "/usr/bin/mv"),
		),
		events(
			event("TargetFilename", "/usr/local/bin/kubectl", "Image", "/usr/bin/install"),
			event("TargetFilename", "/home/alice/src/bin/ssh", "Image", "/usr/bin/ld.bfd"),
		))
	f("udev_rule_written",
		events(event("TargetFilename", "/etc/udev/rules.d/75-x.rules", "Image", "/usr/bin/dash")),
		events(
			event("TargetFilename", "/run/udev/rules.d/99-netplan-x.rules",
				"Image", "/usr/libexec/netplan/generate"),
		))
	f("web_script_uploaded",
		events(
			event("TargetFilename", "/var/www/html/wp-content/uploads/2026/11/x.PHP",
				"Image", "/usr/sbin/php-fpm8.2"),
			event("TargetFilename", "/srv/app/images/a.phtml", "SourceFilename", "/srv/app/images/a.png",
				"Image", "/usr/sbin/apache2"),
		),
		events(
			event("TargetFilename", "/var/www/html/wp-content/plugins/x/x.php", "Image", "/usr/sbin/php-fpm8.2"),
			event("TargetFilename", "/var/www/html/sites/default/files/php/twig/x.php",
				"Image", "/usr/sbin/php-fpm8.2"),
		))
}
