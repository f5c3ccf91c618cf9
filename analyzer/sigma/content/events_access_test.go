package content

// accessEvents are of rules for files that are read.
func accessEvents(tr *trial) {
	f := tr.rule
	f("browser_credentials_opened",
		events(
			event("TargetFilename", "/home/alice/.config/google-chrome/Default/Login Data",
				"Image", "/usr/bin/python3.11"),
			event("TargetFilename", "/home/alice/.mozilla/firefox/x.default/logins.json", "Image", "/usr/bin/cp"),
		),
		events(
			event("TargetFilename", "/home/alice/.config/google-chrome/Default/Cookies",
				"Image", "/opt/google/chrome/chrome"),
			event("TargetFilename", "/home/alice/.config/Slack/Cookies", "Image", "/usr/lib/slack/slack"),
		))
	f("cloud_credentials_opened",
		events(event("TargetFilename", "/root/.aws/credentials", "Image", "/usr/bin/curl")),
		events(
			event("TargetFilename", "/root/.aws/credentials", "Image", "/usr/local/aws-cli/v2/2.15.0/dist/aws"),
			event("TargetFilename", "/root/.aws/config", "Image", "/usr/bin/cat"),
		))
	f("domain_secrets_opened",
		events(event("TargetFilename", "/tmp/krb5cc_1000", "Image", "/usr/bin/cp")),
		events(event("TargetFilename", "/etc/krb5.keytab", "Image", "/usr/sbin/sshd")))
	f("kernel_memory_opened",
		events(event("TargetFilename", "/proc/kcore", "Image", "/usr/bin/python3.11")),
		events(event("TargetFilename", "/dev/mem", "Image", "/usr/sbin/dmidecode")))
	f("kubernetes_token_opened",
		events(
			event("TargetFilename", "/run/secrets/kubernetes.io/serviceaccount/..2026_11_28/token",
				"Image", "/usr/bin/curl"),
			event("TargetFilename", "/var/lib/kubelet/pods/0/volumes/kubernetes.io~projected/kube-api-access-x/..2026_11_28/token",
				"Image", "/usr/bin/cat"),
		),
		events(
			event("TargetFilename", "/run/secrets/kubernetes.io/serviceaccount/..2026_11_28/token",
				"Image", "/usr/local/bin/operator"),
		))
	f("password_hashes_opened",
		events(
			event("TargetFilename", "/etc/shadow", "Image", "/usr/bin/python3.11"),
			event("TargetFilename", "/etc/gshadow-", "Image", "/tmp/x"),
		),
		events(
			event("TargetFilename", "/etc/shadow", "Image", "/usr/bin/perl",
				"ScriptPath", "/usr/sbin/dpkg-preconfigure"),
			event("TargetFilename", "/etc/shadow", "Image", "/usr/sbin/unix_chkpwd"),
			event("TargetFilename", "/etc/shadow", "Image", "/usr/lib/x86_64-linux-gnu/cockpit-session"),
		))
	f("process_memory_opened",
		events(
			event("TargetFilename", "/proc/812/mem", "ProcessId", "4711", "Image", "/usr/bin/python3.11"),
			event("TargetFilename", "/proc/812/task/813/mem", "ProcessId", "4711", "Image", "/tmp/x"),
		),
		events(
			event("TargetFilename", "/proc/4711/mem", "ProcessId", "4711", "Image", "/usr/bin/julia"),
			event("TargetFilename", "/proc/812/mem", "ProcessId", "4711", "Image", "/usr/bin/gdb"),
		))
	f("ssh_private_key_opened",
		events(
			event("TargetFilename", "/home/alice/.ssh/id_ed25519", "Image", "/usr/bin/node"),
			event("TargetFilename", "/etc/ssh/ssh_host_ed25519_key", "Image", "/usr/bin/cat"),
		),
		events(
			event("TargetFilename", "/home/alice/.ssh/id_ed25519.pub", "Image", "/usr/bin/cat"),
			event("TargetFilename", "/home/alice/.ssh/id_rsa", "Image", "/usr/bin/ssh"),
		))
}
