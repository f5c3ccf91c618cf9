package core

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"syscall"

	pb "github.com/vedette-edr/vedette/proto"
)

// gauge reads what the process itself uses and may do. It keeps its files open, so that it works on in a sandbox that hides
// procfs.
type gauge struct {
	status, fds *os.File
	buf         [8 << 10]byte
}

func openGauge() *gauge {
	g := &gauge{}
	// What cannot be opened stays zero in Health.
	g.status, _ = os.Open("/proc/self/status")
	g.fds, _ = os.Open("/proc/self/fd")
	return g
}

func (g *gauge) close() {
	g.status.Close()
	g.fds.Close()
}

func (g *gauge) read() *pb.Resources {
	r := &pb.Resources{}
	if n, err := g.status.ReadAt(g.buf[:], 0); err == nil || errors.Is(err, io.EOF) {
		parseStatus(g.buf[:n], r)
	}
	if _, err := g.fds.Seek(0, io.SeekStart); err == nil {
		names, _ := g.fds.Readdirnames(-1)
		r.OpenFiles = uint32(len(names))
	}
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil {
		r.CpuTimeNs = uint64(usage.Utime.Nano() + usage.Stime.Nano())
	}
	return r
}

// parseStatus takes what it knows from the text of /proc/PID/status, see proc(5).
func parseStatus(text []byte, r *pb.Resources) {
	for line := range bytes.Lines(text) {
		key, value, _ := bytes.Cut(line, []byte(":"))
		fields := bytes.Fields(value)
		if len(fields) == 0 {
			continue
		}
		number := func(i, base int) uint64 {
			if i >= len(fields) {
				return 0
			}
			n, err := strconv.ParseUint(string(fields[i]), base, 64)
			if err != nil {
				return 0
			}
			return n
		}
		switch string(key) {
		case "VmRSS":
			r.ResidentBytes = number(0, 10) << 10
		case "Threads":
			r.Threads = uint32(number(0, 10))
		case "Uid":
			// Real, effective, saved, file system.
			r.Uid = uint32(number(1, 10))
		case "CapEff":
			r.Capabilities = number(0, 16)
		case "NoNewPrivs":
			r.NoNewPrivileges = number(0, 10) == 1
		}
	}
}
