package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
)

// leftovers lists what of Vedette is on the machine: processes, eBPF programs, mounts, cgroups and sockets.
func leftovers(t *testing.T) []string {
	t.Helper()
	var out []string
	comms, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range comms {
		b, err := os.ReadFile(path)
		if err == nil && strings.HasPrefix(string(b), "vedette") {
			out = append(out, "process "+filepath.Base(filepath.Dir(path))+" "+strings.TrimSpace(string(b)))
		}
	}
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if err != nil {
			break
		}
		id = next
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue
		}
		if info, err := p.Info(); err == nil && strings.HasPrefix(info.Name, "process_") {
			out = append(out, fmt.Sprint("eBPF program ", info.Name))
		}
		p.Close()
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	sockets, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"mount": string(mounts), "socket": string(sockets)} {
		for line := range strings.Lines(text) {
			if strings.Contains(line, "vedette") {
				out = append(out, what+" "+strings.TrimSpace(line))
			}
		}
	}
	err = filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.Contains(d.Name(), "vedette") {
			out = append(out, "cgroup "+path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// onlyNew leaves out what was there before, such as the system that other tests share.
func onlyNew(now, before []string) []string {
	had := map[string]int{}
	for _, b := range before {
		had[b]++
	}
	var out []string
	for _, n := range now {
		if had[n] > 0 {
			had[n]--
			continue
		}
		out = append(out, n)
	}
	return out
}

func TestNothingIsLeftBehind(t *testing.T) {
	needRoot(t)
	f := func(name string, end func(s *system)) {
		t.Run(name, func(t *testing.T) {
			before := leftovers(t)
			s := start(t)
			if len(onlyNew(leftovers(t), before)) == 0 {
				t.Fatal("a running system leaves no trace: this test looks in the wrong places")
			}
			s.Conn.Close()
			end(s)
			var left []string
			for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(100 * time.Millisecond) {
				left = onlyNew(leftovers(t), before)
				if len(left) == 0 || time.Now().After(deadline) {
					break
				}
			}
			if len(left) > 0 {
				t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
			}
			if _, err := os.Stat(s.Socket()); name == "Ctrl-C" && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket file is left behind: %v", err)
			}
			os.RemoveAll(s.Prefix)
		})
	}
	f("Ctrl-C", func(s *system) {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	f("kill -9 of vedette up", func(s *system) {
		if err := syscall.Kill(s.Up.Process.Pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		<-s.Done
	})
}

func TestKilledSystemStartsAgain(t *testing.T) {
	needRoot(t)
	s := start(t)
	s.Conn.Close()
	if err := exec.Command("kill", "-9", fmt.Sprint(s.Up.Process.Pid)).Run(); err != nil {
		t.Fatal(err)
	}
	<-s.Done
	again := startIn(t, s.Prefix)
	stopOrFail(t, again)
}
