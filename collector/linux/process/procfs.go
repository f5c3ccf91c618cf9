package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	pb "github.com/vedette-edr/vedette/proto"
)

// errOtherProcess says that a process id has passed on to another process.
var errOtherProcess = errors.New("the process has ended and its id was given to another")

// readArguments reads the argument area of a running process into buffer, without its trailing NUL. The directory keeps
// pointing at one process, so comparing its start time after opening rules out a reused id.
func readArguments(key *pb.ProcessKey, buffer []byte) ([]byte, error) {
	dir, err := os.OpenRoot("/proc/" + strconv.FormatUint(uint64(key.Pid), 10))
	if err != nil {
		return nil, fmt.Errorf("cannot open the process directory of %d: %w", key.Pid, err)
	}
	defer dir.Close()
	n, err := readAll(dir, "stat", buffer)
	if err != nil {
		return nil, err
	}
	started, err := startTicks(buffer[:n])
	if err != nil {
		return nil, err
	}
	// procfs counts in ticks of 10 ms (USER_HZ is 100 on every architecture we build for).
	if started != key.StartTimeNs/10_000_000 {
		return nil, errOtherProcess
	}
	n, err = readAll(dir, "cmdline", buffer)
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer[:n], []byte{0}), nil
}

func readAll(dir *os.Root, name string, buffer []byte) (int, error) {
	f, err := dir.Open(name)
	if err != nil {
		return 0, fmt.Errorf("cannot open %s of a process: %w", name, err)
	}
	defer f.Close()
	n, err := io.ReadFull(f, buffer)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("cannot read %s of a process: %w", name, err)
	}
	return n, nil
}

// startTicks finds field 22 of /proc/PID/stat; the name in field 2 may hold blanks and parentheses, so count from its end.
func startTicks(stat []byte) (uint64, error) {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return 0, fmt.Errorf("cannot read a process's stat %q: no name", stat)
	}
	fields := bytes.Fields(stat[end+1:])
	if len(fields) < 20 {
		return 0, fmt.Errorf("cannot read a process's stat %q: too few fields", stat)
	}
	ticks, err := strconv.ParseUint(string(fields[19]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("cannot read a process's start time %q: %w", fields[19], err)
	}
	return ticks, nil
}

func pageSize() uint64 { return uint64(unix.Getpagesize()) }
