package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// workload is something that people do with computers, which Vedette is to slow down little.
type workload struct {
	name string
	aim  string
	// before makes ready what every run needs afresh, outside the measured time; nil when there is nothing.
	before func() error
	run    func(ctx context.Context) (spent, error)
}

// spent is what one run took.
type spent struct {
	wall, cpu time.Duration
}

const (
	aimCompile = "< 1.01"
	aimFiles   = "< 1.03"
)

// workloads prepares their sources below dir.
func workloads(ctx context.Context, dir string) ([]workload, error) {
	cProject, tree := filepath.Join(dir, "c"), filepath.Join(dir, "tree")
	if err := writeC(cProject); err != nil {
		return nil, fmt.Errorf("cannot write a C project: %w", err)
	}
	if err := writeTree(tree); err != nil {
		return nil, fmt.Errorf("cannot write a tree of small files: %w", err)
	}
	archive, scratch := filepath.Join(dir, "tree.tar"), filepath.Join(dir, "scratch")
	if _, err := timed(ctx, "tar", "-C", dir, "-cf", archive, "tree"); err != nil {
		return nil, err
	}
	empty := func() error {
		if err := os.RemoveAll(scratch); err != nil {
			return err
		}
		return os.Mkdir(scratch, 0o755)
	}
	stress := func(stressor string, ops int) func(context.Context) (spent, error) {
		return func(ctx context.Context) (spent, error) {
			return timedIn(ctx, scratch, nil, "stress-ng", "--quiet", "--temp-path", scratch, "--"+stressor, "1", "--"+stressor+"-ops", strconv.Itoa(ops))
		}
	}
	return []workload{
		{"compile Go", aimCompile, empty, func(ctx context.Context) (spent, error) {
			return timedIn(ctx, dir, []string{"GOCACHE=" + scratch, "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS="}, "go", "build", "-a", "strconv")
		}},
		{"compile C", aimCompile, empty, func(ctx context.Context) (spent, error) { return compileC(ctx, cProject, scratch) }},
		{"tar", aimFiles, empty, func(ctx context.Context) (spent, error) {
			// Written to a file: tar reads no file when its output is /dev/null.
			return repeated(5, func() (spent, error) {
				return timed(ctx, "tar", "-C", dir, "-cf", filepath.Join(scratch, "tar"), "tree")
			})
		}},
		{"untar", aimFiles, empty, func(ctx context.Context) (spent, error) {
			return timed(ctx, "tar", "-C", scratch, "-xf", archive)
		}},
		{"stress open", aimFiles, empty, stress("open", 5_000)},
		{"stress rename", aimFiles, empty, stress("rename", 20_000)},
		{"stress chmod", aimFiles, empty, stress("chmod", 6_000)},
	}, nil
}

// timed runs a command; the time of the processors includes that of its descendants.
func timed(ctx context.Context, name string, args ...string) (spent, error) {
	return timedIn(ctx, "", nil, name, args...)
}

// timedIn runs a command in a directory, with additions to the environment.
func timedIn(ctx context.Context, dir string, env []string, name string, args ...string) (spent, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return spent{}, fmt.Errorf("cannot run %s: %w\n%s", name, err, said.Bytes())
	}
	return spent{time.Since(began), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}

// repeated adds up several runs of what is over too soon to be measured.
func repeated(times int, run func() (spent, error)) (spent, error) {
	var sum spent
	for range times {
		one, err := run()
		if err != nil {
			return sum, err
		}
		sum.wall += one.wall
		sum.cpu += one.cpu
	}
	return sum, nil
}
