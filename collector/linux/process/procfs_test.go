package process

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	pb "github.com/vedette-edr/vedette/proto"
)

func TestStartTicks(t *testing.T) {
	f := func(stat string, want uint64, ok bool) {
		t.Helper()
		got, err := startTicks([]byte(stat))
		if got != want || (err == nil) != ok {
			t.Errorf("%q gives %d, %v, want %d", stat, got, err, want)
		}
	}
	f("7 (a b) c) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 123 5", 4242, true)
	f("7 (a) S 1 2 3", 0, false)
	f("", 0, false)
	f("7 (a) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 x 123", 0, false)
}

func TestArgumentsAreReadOfTheRightProcessOnly(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", "read line", "")
	// The shell waits for a line that never comes.
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	buffer := make([]byte, 4096)
	dir, err := os.OpenRoot("/proc/self")
	if err != nil {
		t.Skip("needs procfs: ", err)
	}
	dir.Close()
	key := &pb.ProcessKey{Pid: uint32(cmd.Process.Pid), StartTimeNs: 1}
	if _, err := readArguments(key, buffer); !errors.Is(err, errOtherProcess) {
		t.Errorf("another start time gives %v, want errOtherProcess", err)
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	ticks, err := startTicks(stat)
	if err != nil {
		t.Fatal(err)
	}
	key.StartTimeNs = ticks*10_000_000 + 5
	var got []byte
	// Start returns when exec has closed its descriptors, a moment before it lays out the arguments.
	for deadline := time.Now().Add(10 * time.Second); len(got) == 0 && time.Now().Before(deadline); {
		if got, err = readArguments(key, buffer); err != nil {
			t.Fatal(err)
		}
	}
	if err != nil || string(got) != "/bin/sh\x00-c\x00read line\x00" {
		t.Errorf("arguments are %q (%v), want the shell's", got, err)
	}
}
