package app

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	pb "github.com/vedette-edr/vedette/proto"
)

// self measures the analyzer's own process. Its files stay open: a sandbox may hide procfs later. What cannot be measured
// stays zero.
type self struct {
	stat, fds *os.File
}

func openSelf() *self {
	s := &self{}
	s.stat, _ = os.Open("/proc/self/stat")
	s.fds, _ = os.Open("/proc/self/fd")
	return s
}

func (s *self) close() {
	_, _ = s.stat.Close(), s.fds.Close()
}

func (s *self) resources() *pb.Resources {
	r := &pb.Resources{Uid: uint32(os.Geteuid())}
	var buf [1024]byte
	if n, err := s.stat.ReadAt(buf[:], 0); err == nil || errors.Is(err, io.EOF) {
		threads, pages := parseStat(buf[:n])
		r.Threads, r.ResidentBytes = uint32(threads), pages*uint64(os.Getpagesize())
	}
	if _, err := s.fds.Seek(0, io.SeekStart); err == nil {
		names, _ := s.fds.Readdirnames(-1)
		r.OpenFiles = uint32(len(names))
	}
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err == nil {
		r.CpuTimeNs = uint64(usage.Utime.Nano() + usage.Stime.Nano())
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err == nil {
		r.Capabilities = uint64(sets[0].Effective) | uint64(sets[1].Effective)<<32
	}
	if set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil {
		r.NoNewPrivileges = set == 1
	}
	return r
}

// parseStat finds num_threads and rss, in pages, in the text of /proc/PID/stat, see proc(5). The name in it may hold spaces
// and parentheses; the fields after the last closing one are numbers 3 and up.
func parseStat(text []byte) (threads, pages uint64) {
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	number := func(field int) uint64 {
		if field-3 >= len(fields) {
			return 0
		}
		n, err := strconv.ParseUint(string(fields[field-3]), 10, 64)
		if err != nil {
			return 0
		}
		return n
	}
	return number(20), number(24)
}
