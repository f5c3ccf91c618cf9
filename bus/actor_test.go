package bus

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/proto/subject"
)

// Tests act as other users through child processes: this test binary, started again with one of these acts.
const (
	actVariable = "VEDETTE_BUS_TEST_ACT"
	actConnect  = "connect" // to socket 1 with the inbox of role 2; says its role or the error
	actFlood    = "flood"   // network 1, address 2
	actServe    = "serve"   // a bus with store 1 and socket 2, until killed
)

func runActor(act string) int {
	var args []string
	if err := json.Unmarshal([]byte(os.Getenv("VEDETTE_BUS_TEST_ARGS")), &args); err != nil {
		fmt.Println(err)
		return 1
	}
	switch act {
	case actConnect:
		nc, err := connectUnix(args[0], access.Role(args[1]))
		if err != nil {
			fmt.Println(err)
			return 0
		}
		defer nc.Close()
		fmt.Println("in as", roleByRights(nc))
	case actFlood:
		flood(args[0], args[1])
	case actServe:
		return serveActor(args[0], args[1])
	default:
		fmt.Println("unknown act", act)
		return 1
	}
	return 0
}

// roleByRights finds out what the bus takes a connection for: one thing that each role alone may do.
func roleByRights(nc *nats.Conn) string {
	for role, try := range map[string]func() (string, error){
		"collector": func() (string, error) {
			s := subject.Health(host, subject.Collector)
			return s, nc.Publish(s, nil)
		},
		"analyzer": func() (string, error) {
			s := subject.Health(host, subject.Analyzer)
			return s, nc.Publish(s, nil)
		},
		"operator": func() (string, error) {
			s := subject.AllHealth(host)
			_, err := nc.SubscribeSync(s)
			return s, err
		},
	} {
		subj, err := try()
		if err == nil {
			err = nc.FlushTimeout(5 * time.Second)
		}
		if err != nil {
			return err.Error()
		}
		if last := nc.LastError(); last == nil || !strings.Contains(last.Error(), subj) {
			return role
		}
	}
	return "nobody"
}

// flood opens 500 connections again and again until stdin ends.
func flood(network, address string) {
	ended := make(chan struct{})
	go func() {
		bufio.NewReader(os.Stdin).ReadByte()
		close(ended)
	}()
	said := false
	for {
		var conns []net.Conn
		for range 500 {
			conn, err := net.DialTimeout(network, address, time.Second)
			if err == nil {
				conns = append(conns, conn)
			}
		}
		if !said {
			fmt.Println("flooding")
			said = true
		}
		select {
		case <-ended:
			return
		case <-time.After(100 * time.Millisecond):
		}
		for _, c := range conns {
			c.Close()
		}
	}
}

// actor prepares a child process that acts as another user. The copy of the binary is one that user can reach.
func actor(t testing.TB, uid uint32, act string, args ...string) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to act as another user")
	}
	encoded, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	// The race detector would sleep a second at the end of each process.
	cmd.Env = append(os.Environ(), actVariable+"="+act, "VEDETTE_BUS_TEST_ARGS="+string(encoded), "GORACE=atexit_sleep_ms=0")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return cmd
}

// play runs an actor to its end and returns what it said.
func play(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out)
}
