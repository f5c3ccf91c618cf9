package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
	"github.com/vedette-edr/vedette/proto/ecs"
)

// auditRule is written for records of the audit daemon, which is not running.
const auditRule = `title: A file is sent by wget
id: 0b2ad0ac-7d3c-4a6b-9d7c-55d5ae6ffb0e
status: test
level: medium
logsource: {product: linux, service: auditd}
detection:
  selection:
    type: EXECVE
    a0|endswith: /wget
    a1|startswith: '--post-file='
  condition: selection
`

// A recording gives the alert that the running system gave, by the same id, and rules that were not in force then find what
// they would have found.
func TestACaptureReplaysAsItWasLive(t *testing.T) {
	s := running(t)
	dir := t.TempDir()
	recording := filepath.Join(dir, "live.vdc")
	capture := exec.Command(bin(t, "vedette"), "capture", "--prefix", s.Prefix, "--json", recording)
	var summary, told bytes.Buffer
	capture.Stdout, capture.Stderr = &summary, &told
	if err := capture.Start(); err != nil {
		t.Fatal(err)
	}
	// The list of running processes is the first thing in the file, so what follows it is recorded.
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if info, err := os.Stat(recording); err == nil && info.Size() > 1<<10 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing is recorded: %s", told.String())
		}
	}
	m := marker(t)
	wget := copyTool(t, tool(t, "noop"), filepath.Join(trueDir(t), "wget"))
	do(t, exec.Command(wget, "--post-file=/"+m))
	do(t, &exec.Cmd{Path: wget, Args: []string{"wget", "--post-file=/" + m}})
	payload := trigger(t, m)
	do(t, exec.Command(payload[0], payload[1:]...))
	live := s.alert(t, "the act", func(a *ecs.Alert) bool { return strings.Contains(a.Process.CommandLine, m) })
	if err := capture.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := capture.Wait(); err != nil {
		t.Fatalf("vedette capture: %v\n%s%s", err, &summary, &told)
	}
	if !json.Valid(summary.Bytes()) {
		t.Errorf("the summary %q is not JSON", &summary)
	}

	later := filepath.Join(dir, "later")
	if err := os.MkdirAll(later, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(later, "audit.yml"), []byte(auditRule), 0o644); err != nil {
		t.Fatal(err)
	}
	replay := exec.Command(bin(t, "vedette"), "replay", "--rules", "../../rules", "--rules", later, recording)
	var problems bytes.Buffer
	replay.Stderr = &problems
	out, err := replay.Output()
	if err != nil {
		t.Fatalf("vedette replay: %v\n%s", err, &problems)
	}
	same, audit := 0, 0
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var a struct {
			Event struct{ ID string }
			Rule  struct{ Name string }
		}
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatalf("a line is not JSON: %v\n%s", err, lines.Bytes())
		}
		if a.Event.ID == live.Event.ID {
			same++
		}
		if a.Rule.Name == "A file is sent by wget" && strings.Contains(lines.Text(), m) {
			audit++
		}
	}
	if same != 1 || audit != 1 {
		t.Errorf("the live alert came %d times, the audit rule's %d times, want 1 and 1:\n%s%s", same, audit, out, &problems)
	}
	t.Run("rules of SigmaHQ for the audit daemon", func(t *testing.T) {
		rules := sigmatest.Corpus(t, "sigma/rules/linux/auditd")
		out, err := exec.Command(bin(t, "vedette"), "replay", "--rules", rules, recording).Output()
		if err != nil || !strings.Contains(string(out), `"name":"Data Exfiltration with Wget"`) || !strings.Contains(string(out), "--post-file=/"+m) {
			t.Errorf("vedette replay: %v\n%s", err, out)
		}
	})
	explain := exec.Command(bin(t, "vedette"), "rules", "explain", "A file is sent by wget", "--rules", later, "--event", recording)
	text, err := explain.CombinedOutput()
	if err != nil || !strings.Contains(string(text), " matches") || !strings.Contains(string(text), "--post-file=/"+m) {
		t.Errorf("vedette rules explain: %v\n%s", err, text)
	}
}
