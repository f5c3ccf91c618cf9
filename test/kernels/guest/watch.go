package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/test/kernels/bare"
	"github.com/vedette-edr/vedette/test/kernels/loaded"
	"github.com/vedette-edr/vedette/test/kernels/report"
)

// watch starts bus and collector, has them see the evasion suite, and notes what the collector says.
func watch(r *results, next func(stage string)) {
	log, err := os.Create("/run/log")
	if err != nil {
		r.add("collector", err.Error())
		return
	}
	defer log.Close()
	failed := r.Failed
	if err := watchInto(r, next, log); err != nil {
		r.add("collector", err.Error())
	} else {
		r.add("collector", "")
	}
	// What bus and collector said may be why.
	if r.Failed > failed {
		if _, err := log.Seek(0, io.SeekStart); err == nil {
			_, _ = io.Copy(r.out, log)
		}
	}
}

func watchInto(r *results, next func(stage string), log *os.File) (err error) {
	counting, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
	if err != nil {
		return fmt.Errorf("cannot make the kernel count how often programs run: %w", err)
	}
	defer counting.Close()
	dir, err := os.MkdirTemp("/var", "vedette")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		return err
	}
	s, err := bare.Start(context.Background(), bare.Options{Bin: binDir, Dir: dir, Log: log})
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err != nil {
		return err
	}
	next("start of the collector")

	health, err := s.Health(context.Background())
	if err != nil {
		return err
	}
	walked, err := verified(int(health.Pid))
	if err != nil {
		return fmt.Errorf("cannot tell what the verifier walked: %w", err)
	}
	next("verifier counts")

	if os.Getenv(onlyBudget) == "" {
		if err := provoke(r, s); err != nil {
			return err
		}
		next("evasion suite")
	}
	if health, err = settled(s); err != nil {
		return err
	}
	note(r, health, walked)
	return nil
}

// provoke gives the collector something to see.
func provoke(r *results, s *bare.System) error {
	if _, err := os.Stat(evasion); err == nil {
		runTests(r, "evasion", evasion, evasionDir,
			"VEDETTE_EVASION_SOCKET="+s.Socket(), "VEDETTE_EVASION_HOST="+bare.Host, "VEDETTE_EVASION_PROGRAMS="+programsDir)
		return nil
	}
	out, err := exec.Command("/bin/sh", "-c", "touch /tmp/a; chmod 700 /tmp/a; mv /tmp/a /tmp/b; rm /tmp/b").CombinedOutput()
	if err != nil {
		return fmt.Errorf("cannot run a shell: %w: %s", err, out)
	}
	return nil
}

// settled waits until everything that was made has been read, or counted as lost.
func settled(s *bare.System) (*pb.Health, error) {
	for began := time.Now(); ; {
		h, err := s.Health(context.Background())
		if err != nil {
			return nil, err
		}
		var missing []string
		for _, f := range h.Flows {
			if f.Read+f.Lost < f.Made {
				missing = append(missing, fmt.Sprintf("%s: %d made, %d read, %d lost", class(f.Class), f.Made, f.Read, f.Lost))
			}
		}
		if len(missing) == 0 {
			return h, nil
		}
		if time.Since(began) > 30*time.Second {
			return nil, fmt.Errorf("events were made and neither read nor counted as lost: %s", strings.Join(missing, "; "))
		}
	}
}

// note takes what the collector says into the report. Whether a program may be missing is for who reads the report.
func note(r *results, h *pb.Health, walked map[string]uint32) {
	for _, a := range h.Attachments {
		p := report.Program{Name: a.Name, Hook: a.Hook, Runs: a.RunCount, Missed: a.Missed, Verified: walked[a.Name]}
		if !a.Attached {
			p.Reason = oneLine(a.Reason)
		}
		r.Programs = append(r.Programs, p)
	}
	for _, f := range h.Flows {
		r.Classes = append(r.Classes, report.Class{Name: class(f.Class), Made: f.Made, Lost: f.Lost})
	}
}

func class(c pb.Class) string { return strings.ToLower(strings.TrimPrefix(c.String(), "CLASS_")) }

// verified is what the verifier walked of each program that the process holds.
func verified(pid int) (map[string]uint32, error) {
	held, err := loaded.Of(pid)
	if err != nil {
		return nil, err
	}
	defer held.Close()
	walked := map[string]uint32{}
	told := true
	for _, p := range held {
		walked[p.Name] = p.Verified
		told = told && p.Verified > 0
	}
	if told {
		return walked, nil
	}
	return walkedAgain(held)
}
