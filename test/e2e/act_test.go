package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/proto/peercred"
)

// An act is something that another user must do: the test binary runs again as that user, with the act in a variable.
const actVariable = "VEDETTE_E2E_ACT"

// busAct is what a user tries on the bus.
type busAct struct {
	Socket    string
	Inbox     string
	Publish   []string
	Subscribe []string
}

// busResult says, for each subject, whether the bus refused it; Refused holds why the connection itself was refused.
type busResult struct {
	Refused   string
	Publish   map[string]bool
	Subscribe map[string]bool
}

func performAct(act string) int {
	var a busAct
	if err := json.Unmarshal([]byte(act), &a); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(tryBus(a)); err != nil {
		return 1
	}
	return 0
}

func tryBus(a busAct) busResult {
	refusals := make(chan error, 64)
	nc, err := nats.Connect("nats://vedette", nats.SetCustomDialer(&peercred.Dialer{Path: a.Socket}), nats.SkipHostLookup(),
		nats.CustomInboxPrefix(a.Inbox), nats.NoReconnect(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refusals <- err }))
	if err != nil {
		return busResult{Refused: err.Error()}
	}
	defer nc.Close()
	r := busResult{Publish: map[string]bool{}, Subscribe: map[string]bool{}}
	// A refusal comes before the answer to the ping of Flush, on its own goroutine.
	refused := func() bool {
		if err := nc.FlushTimeout(5 * time.Second); err != nil {
			return true
		}
		select {
		case err := <-refusals:
			return errors.Is(err, nats.ErrPermissionViolation)
		case <-time.After(100 * time.Millisecond):
			return false
		}
	}
	for _, s := range a.Publish {
		if err := nc.Publish(s, []byte("forged")); err != nil {
			r.Publish[s] = true
			continue
		}
		r.Publish[s] = refused()
	}
	for _, s := range a.Subscribe {
		if _, err := nc.SubscribeSync(s); err != nil {
			r.Subscribe[s] = true
			continue
		}
		r.Subscribe[s] = refused()
	}
	return r
}

// as runs an act as another user. The test binary lies in a directory that only root may enter, so it is handed over open.
func as(t *testing.T, uid, gid uint32, a busAct) busResult {
	t.Helper()
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/fd/3")
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{self}
	cmd.Env = []string{actVariable + "=" + string(text)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cannot act as uid %d: %v\n%s", uid, err, stderr.Bytes())
	}
	var r busResult
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("cannot read the act's result %q: %v", out, err)
	}
	return r
}
