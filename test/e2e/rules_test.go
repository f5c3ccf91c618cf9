package e2e

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/vedette-edr/vedette/proto/ecs"
)

// ruleTest is the .test.yml beside a rule: scripts that must make it fire, and near misses that must not.
type ruleTest struct {
	Fires []ruleScript
	Quiet []ruleScript
}

type ruleScript struct {
	Name  string
	Run   string
	Needs []string
}

// scriptPath is a person's PATH; the test's own may lead to tools that no script finds.
const scriptPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func hasTool(name string) bool {
	for _, dir := range filepath.SplitList(scriptPath) {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode()&0o111 != 0 {
			return true
		}
	}
	return false
}

// run performs the script in an empty directory as a person would type it, and returns the shell's process id.
func (r ruleScript) run(t *testing.T) (pid int, began time.Time) {
	t.Helper()
	for _, tool := range r.Needs {
		if !hasTool(tool) {
			t.Skip("needs ", tool, " on this machine")
		}
	}
	// From a file: with sh -c the shell's own command line would hold every word of the script.
	file := filepath.Join(trueDir(t), "script")
	if err := os.WriteFile(file, []byte(r.Run), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", file)
	cmd.Dir = trueDir(t)
	// Build tools and test runners leave variables behind that a person's shell does not have.
	cmd.Env = []string{"PATH=" + scriptPath, "HOME=/root", "LANG=C.UTF-8"}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 5 * time.Second
	began = time.Now().Add(-time.Second)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timeout := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer timeout.Stop()
	// What a script returns does not matter: most of these acts fail on a machine without a network.
	_ = cmd.Wait()
	t.Logf("%s", out.Bytes())
	return cmd.Process.Pid, began
}

// caused reports whether the alert is about the shell with this process id or a descendant of it.
func caused(a *ecs.Alert, pid int, began time.Time) bool {
	if a.Process == nil || a.Timestamp.Before(began) {
		return false
	}
	if a.Process.PID == uint32(pid) {
		return true
	}
	for _, up := range a.Vedette.Ancestors {
		if up.PID == uint32(pid) {
			return true
		}
	}
	return false
}

func TestEveryRuleFiresOnTheRealThingAndNotOnItsNearMiss(t *testing.T) {
	s := running(t)
	root := "../../rules/sigma"
	rules := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yml") || strings.HasSuffix(path, ".test.yml") {
			return err
		}
		rules++
		t.Run(strings.TrimSuffix(d.Name(), ".yml"), func(t *testing.T) { testRule(t, s, path) })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if rules < 141 {
		t.Errorf("there are %d rules, want at least 141", rules)
	}
}

func testRule(t *testing.T, s *system, path string) {
	var rule struct{ ID string }
	load(t, path, &rule)
	var test ruleTest
	load(t, strings.TrimSuffix(path, ".yml")+".test.yml", &test)
	if len(test.Fires) == 0 || len(test.Quiet) == 0 {
		t.Errorf("%s needs at least one script that fires and one that is quiet beside it", path)
	}
	for _, script := range test.Fires {
		t.Run("fires/"+script.Name, func(t *testing.T) {
			pid, began := script.run(t)
			_, err := s.Alerts.Wait(5*time.Second, func(a *ecs.Alert) bool { return a.Rule.ID == rule.ID && caused(a, pid, began) })
			if err != nil {
				t.Errorf("no alert of this rule: %v", err)
			}
		})
	}
	for _, script := range test.Quiet {
		t.Run("quiet/"+script.Name, func(t *testing.T) {
			pid, began := script.run(t)
			// Once this alert is there, everything before it has been judged.
			m := marker(t)
			payload := trigger(t, m)
			do(t, exec.Command(payload[0], payload[1:]...))
			s.alert(t, "the sentinel", func(a *ecs.Alert) bool { return strings.Contains(a.Process.CommandLine, m) })
			if n := s.Alerts.Count(func(a *ecs.Alert) bool { return a.Rule.ID == rule.ID && caused(a, pid, began) }); n > 0 {
				t.Errorf("%d alerts of this rule, want none", n)
			}
		})
	}
}

func load(t *testing.T, path string, to any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, to); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
