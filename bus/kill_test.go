package bus

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/proto/subject"
)

// serveActor is a bus in a process of its own, in which everybody is the analyzer.
func serveActor(store, socket string) int {
	err := Run(context.Background(), Options{
		Host: host, StoreDir: store, Socket: socket, SocketMode: 0o666,
		UIDs:    map[uint32]access.Role{uint32(os.Getuid()): access.Analyzer},
		Started: func(Listening) { fmt.Println("up") },
	})
	fmt.Println(err)
	return 1
}

// Every alert that was acknowledged is there after kill -9, and its number is not given twice.
func TestAlertsSurviveKill(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	acked := 0
	for round := range 3 {
		cmd := actor(t, uint32(os.Getuid()), actServe, o.StoreDir, o.Socket)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		out := bufio.NewReader(stdout)
		if line, _ := out.ReadString('\n'); line != "up\n" {
			rest, _ := out.ReadString(0)
			t.Fatalf("round %d: %s%s", round, line, rest)
		}
		nc, err := connectUnix(o.Socket, access.Analyzer, nats.NoReconnect())
		if err != nil {
			t.Fatal(err)
		}
		// In full flight: the kill comes from another goroutine while alerts are on their way.
		go func() {
			time.Sleep(300 * time.Millisecond)
			cmd.Process.Kill()
		}()
		for {
			body := fmt.Appendf(nil, "alert %d", acked+1)
			answer, err := nc.Request(subject.Alerts(host, "high"), body, time.Second)
			if err != nil {
				break
			}
			if !strings.Contains(string(answer.Data), `"seq":`) {
				t.Fatalf("answer %s", answer.Data)
			}
			acked++
		}
		nc.Close()
		cmd.Wait()
	}

	b := start(t, o)
	operator := b.as(t, access.Operator)
	found := 0
	for seq := 1; ; seq++ {
		m, err := operator.Request("$JS.API.DIRECT.GET.ALERTS", fmt.Appendf(nil, `{"seq":%d}`, seq), 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if m.Header.Get("Status") == "404" {
			break
		}
		// One that was stored but not acknowledged before a kill is sent again, and may be there twice.
		if string(m.Data) == fmt.Sprintf("alert %d", found+1) {
			found++
		} else if string(m.Data) != fmt.Sprintf("alert %d", found) {
			t.Fatalf("stored as %d: %q, after alert %d", seq, m.Data, found)
		}
	}
	if found < acked || acked < 3 {
		t.Errorf("%d alerts acknowledged, %d found", acked, found)
	}
}
