package bus

import (
	"bytes"
	"os"
	"strconv"
	"syscall"

	pb "github.com/vedette-edr/vedette/proto"
)

// resources reads what this process uses; a figure that cannot be read stays 0.
func resources() *pb.Resources {
	r := &pb.Resources{Uid: uint32(os.Getuid())}
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil {
		r.CpuTimeNs = uint64(usage.Utime.Nano() + usage.Stime.Nano())
	}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		r.OpenFiles = uint32(len(open))
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return r
	}
	for line := range bytes.Lines(status) {
		key, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		number, _, _ := bytes.Cut(bytes.TrimSpace(value), []byte(" "))
		switch string(key) {
		case "VmRSS":
			r.ResidentBytes = parse(number, 10) << 10
		case "Threads":
			r.Threads = uint32(parse(number, 10))
		case "CapEff":
			r.Capabilities = parse(number, 16)
		case "NoNewPrivs":
			r.NoNewPrivileges = parse(number, 10) == 1
		}
	}
	return r
}

func parse(digits []byte, base int) uint64 {
	n, err := strconv.ParseUint(string(digits), base, 64)
	if err != nil {
		return 0
	}
	return n
}
