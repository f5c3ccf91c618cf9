package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/host"
	"github.com/vedette-edr/vedette/proto/subject"
	"github.com/vedette-edr/vedette/test/live"
)

// compose is what this test understands of docker-compose.yml; a key that it does not know would be a promise untested.
type compose struct {
	Services map[string]service
	Volumes  map[string]yaml.Node
}

type service struct {
	Image       string
	Build       struct{ Context, Dockerfile string }
	Command     []string
	User        string
	PID         string
	NetworkMode string   `yaml:"network_mode"`
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	CapAdd      []string `yaml:"cap_add"`
	SecurityOpt []string `yaml:"security_opt"`
	Ports       []string
	Volumes     []string
	DependsOn   []string `yaml:"depends_on"`
	Restart     string
}

// No Docker engine runs where this test must, so runc runs what the engine would ask of it: the same root file system, user,
// capabilities, system call filter, namespaces and mounts.
func TestComposeFileRunsWithThePrivilegesItNames(t *testing.T) {
	needRoot(t)
	if _, err := exec.LookPath("runc"); err != nil {
		t.Skip("needs runc: ", err)
	}
	repo, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(repo, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file compose
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatalf("docker-compose.yml: %v", err)
	}
	for name, s := range file.Services {
		if !s.ReadOnly || fmt.Sprint(s.CapDrop) != "[ALL]" || !strings.Contains(fmt.Sprint(s.SecurityOpt), "no-new-privileges") {
			t.Errorf("%s is not read-only, without capabilities and no-new-privileges", name)
		}
	}
	if a := file.Services["analyzer"]; len(a.CapAdd) > 0 || strings.HasPrefix(a.User, "0") || a.User == "" {
		t.Errorf("the analyzer runs as %q with %v", a.User, a.CapAdd)
	}

	c := &containers{t: t, repo: repo, dir: newPrefix(t), volumes: file.Volumes}
	defer c.stop()
	s := &system{live.New(c.dir)}
	c.output = &s.Output
	for _, name := range []string{"bus", "collector", "analyzer"} {
		c.run(name, file.Services[name])
	}
	socket := filepath.Join(c.dir, "run/vedette/bus")
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(c.dir, "bus-socket"), socket); err != nil {
		t.Fatal(err)
	}
	// The containers know the host by its machine id.
	id, err := host.ID(host.MachineIDPath)
	if err != nil {
		t.Skip("needs a machine id, which the containers share: ", err)
	}
	if err := s.Connect(s.Socket(), id); err != nil {
		t.Fatalf("%v\n%s", err, s.Output.String())
	}
	defer s.Conn.Close()
	for _, component := range []string{subject.Bus, subject.Analyzer, subject.Collector} {
		h := s.lastHealth(t, component)
		if h.Resources.GetCapabilities() != 0 || !h.Resources.GetNoNewPrivileges() || h.Resources.GetUid() == 0 {
			t.Errorf("the %s runs as uid %d with capabilities %x, no_new_privs %v", component, h.Resources.GetUid(), h.Resources.GetCapabilities(), h.Resources.GetNoNewPrivileges())
		}
	}
	m := marker(t)
	payload := trigger(t, m)
	do(t, exec.Command(payload[0], payload[1:]...))
	s.alert(t, "an act on the host", func(a *ecs.Alert) bool { return strings.Contains(a.Process.CommandLine, m) })
}

type containers struct {
	t       *testing.T
	repo    string
	dir     string
	output  *live.Buffer
	volumes map[string]yaml.Node
	running []*exec.Cmd
	names   []string
}

func (c *containers) run(name string, s service) {
	c.t.Helper()
	bundle := filepath.Join(c.dir, name+"-bundle")
	root := filepath.Join(bundle, "rootfs")
	if err := os.MkdirAll(root, 0o755); err != nil {
		c.t.Fatal(err)
	}
	entrypoint := c.image(s.Build.Dockerfile, root)
	spec := c.spec(s, root, entrypoint)
	text, err := json.Marshal(spec)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), text, 0o600); err != nil {
		c.t.Fatal(err)
	}
	id := fmt.Sprintf("vedette-%s-%d", name, os.Getpid())
	cmd := exec.Command("runc", "--root", filepath.Join(c.dir, "runc"), "run", "--bundle", bundle, id)
	cmd.Stdout, cmd.Stderr = c.output, c.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.running, c.names = append(c.running, cmd), append(c.names, id)
	if name == "bus" {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			if _, err := os.Stat(filepath.Join(c.dir, "bus-socket/bus.sock")); err == nil || time.Now().After(deadline) {
				return
			}
		}
	}
}

// image follows the few instructions that our Dockerfiles use and returns the entry point.
func (c *containers) image(dockerfile, root string) []string {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.repo, dockerfile))
	if err != nil {
		c.t.Fatal(err)
	}
	var entrypoint []string
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "FROM" && words[1] == "scratch":
		case words[0] == "COPY":
			owner := ""
			if after, ok := strings.CutPrefix(words[1], "--chown="); ok {
				owner = after
				words = words[1:]
			}
			from, to := filepath.Join(c.repo, words[1]), filepath.Join(root, words[2])
			if strings.HasPrefix(words[1], "bin/") {
				from = bin(c.t, filepath.Base(words[1]))
			}
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				c.t.Fatal(err)
			}
			do(c.t, exec.Command("cp", "-r", from, to))
			if owner != "" {
				do(c.t, exec.Command("chown", "-R", owner, to))
			}
		case words[0] == "ENTRYPOINT":
			if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "ENTRYPOINT")), &entrypoint); err != nil {
				c.t.Fatalf("%s: %v", dockerfile, err)
			}
		default:
			c.t.Fatalf("%s: this test does not know %q", dockerfile, line)
		}
	}
	return entrypoint
}

type object = map[string]any

func (c *containers) spec(s service, root string, entrypoint []string) object {
	c.t.Helper()
	uid, gid, _ := strings.Cut(s.User, ":")
	user := object{"uid": number(c.t, uid), "gid": number(c.t, gid)}
	caps := []string{}
	for _, name := range s.CapAdd {
		caps = append(caps, "CAP_"+name)
	}
	// Only root starts with the bounding set in effect, as with Docker.
	effective := caps
	if uid != "0" {
		effective = []string{}
	}
	mounts := []object{
		{"destination": "/proc", "type": "proc", "source": "proc"},
		{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "mode=755"}},
		{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": []string{"nosuid", "noexec", "nodev", "ro"}},
	}
	for _, v := range s.Volumes {
		parts := strings.Split(v, ":")
		options := []string{"rbind", "rw"}
		if len(parts) > 2 && parts[2] == "ro" {
			options = []string{"rbind", "ro"}
		}
		mounts = append(mounts, object{"destination": parts[1], "type": "bind", "source": c.volume(parts[0], filepath.Join(root, parts[1])), "options": options})
	}
	namespaces := []object{{"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "network"}}
	if s.PID != "host" {
		namespaces = append(namespaces, object{"type": "pid"})
	}
	linux := object{"namespaces": namespaces}
	for _, option := range s.SecurityOpt {
		if profile, ok := strings.CutPrefix(option, "seccomp:"); ok {
			linux["seccomp"] = c.seccomp(profile)
		}
	}
	return object{
		"ociVersion": "1.0.2",
		"process": object{
			"user": user, "args": append(entrypoint, s.Command...), "cwd": "/", "env": []string{"PATH=/"}, "noNewPrivileges": true,
			"capabilities": object{"bounding": caps, "effective": effective, "permitted": effective},
		},
		"root":   object{"path": "rootfs", "readonly": s.ReadOnly},
		"mounts": mounts,
		"linux":  linux,
	}
}

// volume gives the host directory of a mount. A named volume starts with the content and owner of the image's directory,
// or as its driver options say.
func (c *containers) volume(source, inImage string) string {
	c.t.Helper()
	if strings.HasPrefix(source, "/") || strings.HasPrefix(source, ".") {
		if !filepath.IsAbs(source) {
			source = filepath.Join(c.repo, source)
		}
		return source
	}
	dir := filepath.Join(c.dir, source)
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		c.t.Fatal(err)
	}
	var volume struct {
		DriverOpts struct{ O string } `yaml:"driver_opts"`
	}
	node := c.volumes[source]
	if err := node.Decode(&volume); err == nil && volume.DriverOpts.O != "" {
		var mode, uid, gid string
		for o := range strings.SplitSeq(volume.DriverOpts.O, ",") {
			name, value, _ := strings.Cut(o, "=")
			switch name {
			case "mode":
				mode = value
			case "uid":
				uid = value
			case "gid":
				gid = value
			}
		}
		do(c.t, exec.Command("chown", uid+":"+gid, dir))
		do(c.t, exec.Command("chmod", mode, dir))
	} else if info, err := os.Stat(inImage); err == nil {
		owner := info.Sys().(*syscall.Stat_t)
		do(c.t, exec.Command("chown", fmt.Sprintf("%d:%d", owner.Uid, owner.Gid), dir))
	}
	return dir
}

// seccomp turns Docker's form of a profile into the runtime's.
func (c *containers) seccomp(profile string) object {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.repo, profile))
	if err != nil {
		c.t.Fatal(err)
	}
	var p object
	if err := json.Unmarshal(text, &p); err != nil {
		c.t.Fatalf("%s: %v", profile, err)
	}
	for _, call := range p["syscalls"].([]any) {
		delete(call.(object), "comment")
	}
	return p
}

func (c *containers) stop() {
	for i, v := range slices.Backward(c.running) {
		_ = exec.Command("runc", "--root", filepath.Join(c.dir, "runc"), "kill", c.names[i], "TERM").Run()
		done := make(chan error, 1)
		go func() { done <- v.Wait() }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			c.t.Errorf("container %s does not stop", c.names[i])
			_ = exec.Command("runc", "--root", filepath.Join(c.dir, "runc"), "delete", "--force", c.names[i]).Run()
			<-done
		}
	}
	os.RemoveAll(c.dir)
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("user %q is not a number", text)
	}
	return n
}
