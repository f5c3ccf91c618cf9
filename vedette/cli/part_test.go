package cli_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/peercred"
	"github.com/vedette-edr/vedette/proto/subject"
)

// part plays the analyzer or the collector: it connects to the bus as the real one does, beats once a tenth of a second, and
// ends when asked. The analyzer raises one alert in each of its lives. What is handed over to it it prints.
func part(component string) int {
	err := play(component)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vedette-"+component+":", err)
		return 1
	}
	return 0
}

func play(component string) error {
	flags := flag.NewFlagSet(component, flag.ContinueOnError)
	socket := flags.String("socket", "", "")
	host := flags.String("host-id", "", "")
	config := flags.String("config", "", "")
	rules := flags.String("rules", "", "")
	flags.String("state", "", "")
	flags.String("alerts", "", "")
	if len(os.Args) > 1 && (os.Args[1] == "replay" || os.Args[1] == "rules") {
		fmt.Printf("%q\n", os.Args)
		return nil
	}
	if len(os.Args) < 2 || os.Args[1] != "run" {
		return fmt.Errorf("started with %q", os.Args)
	}
	if err := flags.Parse(os.Args[2:]); err != nil {
		return err
	}
	if *config != "" {
		return errors.New("the configuration is bad\x1b[2J")
	}
	if *rules != "" {
		if _, err := os.ReadDir(*rules); err != nil {
			return err
		}
	}
	if component == subject.Collector {
		if err := become("vedette-collector"); err != nil {
			return err
		}
	}
	nc, err := nats.Connect("nats://vedette",
		nats.SetCustomDialer(&peercred.Dialer{Path: *socket}), nats.SkipHostLookup(),
		nats.CustomInboxPrefix("_INBOX_"+component), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		return err
	}
	defer nc.Close()
	if component == subject.Analyzer {
		if err := raise(nc, *host); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	for started := time.Now(); ; {
		m := heartbeat(component, 100, false)
		m.Host, m.Pid, m.Instance = *host, uint32(os.Getpid()), uint64(started.UnixNano())
		m.Resources = &pb.Resources{Uid: uint32(os.Getuid())}
		data, err := m.MarshalVT()
		if err != nil {
			return err
		}
		if err := nc.Publish(subject.Health(*host, component), data); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			fmt.Fprintf(os.Stderr, "10:00AM INF %s stops at %d\n", component, time.Now().UnixNano())
			return nil
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func become(name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	return errors.Join(syscall.Setgroups(nil), syscall.Setgid(gid), syscall.Setuid(uid))
}

func raise(nc *nats.Conn, host string) error {
	a := &ecs.Alert{
		Timestamp: time.Now(), Event: ecs.Event{ID: fmt.Sprint("alert-of-", os.Getpid())}, Rule: ecs.Rule{Name: "Something odd"},
		Vedette: ecs.Vedette{Level: "high"},
	}
	document, err := ecs.Encode(a)
	if err != nil {
		return err
	}
	m := nats.NewMsg(subject.Alerts(host, "high"))
	m.Header.Set(nats.MsgIdHdr, a.Event.ID)
	m.Data = document
	reply, err := nc.RequestMsg(m, 5*time.Second)
	if err != nil {
		return fmt.Errorf("cannot publish an alert: %w", err)
	}
	if !strings.Contains(string(reply.Data), subject.AlertStream) {
		return fmt.Errorf("the stream answered %q", reply.Data)
	}
	return nil
}
