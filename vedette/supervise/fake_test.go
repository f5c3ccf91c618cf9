package supervise

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// child does what its words say, in order.
func child(words []string) {
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	for _, word := range words {
		verb, rest, _ := strings.Cut(word, "=")
		switch verb {
		case "say":
			fmt.Fprintln(os.Stderr, rest)
		case "note":
			note(rest)
		case "exit":
			code, _ := strconv.Atoi(rest)
			os.Exit(code)
		case "wait":
			<-terminate
		case "grandchild":
			cmd := exec.Command("/bin/sleep", "600")
			cmd.Stderr = os.Stderr
			if err := cmd.Start(); err != nil {
				os.Exit(9)
			}
			fmt.Fprintln(os.Stderr, cmd.Process.Pid)
		case "stay":
			select {}
		case "until":
			for _, err := os.Stat(rest); err != nil; _, err = os.Stat(rest) {
				time.Sleep(time.Millisecond)
			}
		}
	}
	os.Exit(0)
}

// note appends a line to a shared file: file:line.
func note(rest string) {
	path, line, _ := strings.Cut(rest, ":")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		os.Exit(9)
	}
	defer f.Close()
	fmt.Fprintln(f, line)
}

// supervisor runs one child that never ends and prints its pid.
func supervisor() {
	err := Run(context.Background(), []Child{play("stay", "stay")}, Options{
		Report: func(c Change) { fmt.Println(c.PID) },
	})
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func play(name string, words ...string) Child {
	// The race detector of a child would sleep a second at its end.
	env := []string{"GORACE=atexit_sleep_ms=0"}
	return Child{Name: name, Path: os.Args[0], Args: append([]string{"child"}, words...), Env: env}
}

// journal records changes and what children print.
type journal struct {
	mu      sync.Mutex
	changes []Change
	out     bytes.Buffer
}

func (j *journal) report(c Change) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.changes = append(j.changes, c)
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.out.Write(p)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.out.String()
}

// count tells how many changes of a kind a child had.
func (j *journal) count(child string, kind Kind) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, c := range j.changes {
		if c.Child == child && c.Kind == kind {
			n++
		}
	}
	return n
}

// started returns a file and a callback for Options.Started that makes it, for children that must outlive their start.
func started(t *testing.T) (file string, callback func()) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "started")
	return file, func() {
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Error(err)
		}
	}
}
