package alert

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// FileOptions of the alert file. Fields that are zero get the value in brackets.
type FileOptions struct {
	// Path is the file that alerts are appended to, one line each. A file that is full becomes Path.1, the one before it
	// Path.2, and so on.
	Path string
	// MaxSize [64 MiB] is when a file is full, in bytes; Keep [5] is how many full files are kept.
	MaxSize int64
	Keep    int
	// MaxBacklog [16 MiB] bounds the lines, in bytes, that wait in memory for a file that cannot be written. Beyond it the
	// oldest are given up and counted; the stream has them.
	MaxBacklog int
}

func (o *FileOptions) setDefaults() {
	if o.MaxSize == 0 {
		o.MaxSize = 64 << 20
	}
	if o.Keep == 0 {
		o.Keep = 5
	}
	if o.MaxBacklog == 0 {
		o.MaxBacklog = 16 << 20
	}
}

const (
	// fileMode lets the group read, so that a log shipper need not run as root.
	fileMode = 0o640
	// lookEvery is how often the name is checked to still lead to the open file.
	lookEvery = time.Second
)

// file appends alerts to a file: each with one write, so that a reader never sees half a line of a living writer. Lines are
// not synced one by one: they survive the end of the process, not of the machine; the stream has the alerts too.
type file struct {
	opts   FileOptions
	outbox *Outbox
	wake   chan struct{}

	mu       sync.Mutex
	incoming []*item
	// moved says that the name leads elsewhere now.
	moved bool

	// The rest belongs to run.
	handle  *os.File
	size    int64
	looked  time.Time
	known   *recent
	waiting []*item
	backlog int
	failing bool
}

// openFile opens the alert file, cuts off a line that an earlier run did not finish, and reads back which alerts it has.
func openFile(opts FileOptions, o *Outbox) (*file, error) {
	opts.setDefaults()
	f := &file{opts: opts, outbox: o, wake: make(chan struct{}, 1), known: newRecent()}
	if err := f.open(); err != nil {
		return nil, err
	}
	for _, path := range []string{opts.Path + ".1", opts.Path} {
		if err := f.known.readTail(path); err != nil {
			f.close()
			return nil, err
		}
	}
	return f, nil
}

func (f *file) add(it *item) {
	f.mu.Lock()
	f.incoming = append(f.incoming, it)
	f.mu.Unlock()
	f.poke()
}

// reopen makes every alert added from now on go to the file that has the name then.
func (f *file) reopen() {
	f.mu.Lock()
	f.moved = true
	f.mu.Unlock()
	f.poke()
}

// poke makes run look at what there is to do.
func (f *file) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *file) close() {
	if f.handle != nil {
		_ = f.handle.Close()
		f.handle = nil
	}
}

func (f *file) run(ctx context.Context) {
	defer f.close()
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	for {
		f.collect()
		if err := f.writeAll(time.Now()); err != nil {
			f.fail(err)
			retry.Reset(f.outbox.opts.RetryEvery)
		} else {
			f.recover()
			retry.Stop()
		}
		select {
		case <-ctx.Done():
			f.collect()
			if err := f.writeAll(time.Now()); err != nil {
				f.fail(err)
			}
			return
		case <-f.wake:
		case <-retry.C:
		}
	}
}

// collect takes what Add brought, and gives up what has waited longest when it is too much.
func (f *file) collect() {
	f.mu.Lock()
	incoming, moved := f.incoming, f.moved
	f.incoming, f.moved = nil, false
	f.mu.Unlock()
	if moved {
		f.close()
	}
	for _, it := range incoming {
		f.waiting = append(f.waiting, it)
		f.backlog += len(it.Line)
	}
	lost := uint64(0)
	for f.failing && f.backlog > f.opts.MaxBacklog && len(f.waiting) > 0 {
		f.shift()
		lost++
	}
	if lost > 0 {
		f.outbox.update(func(c *Counts) { c.FileLost += lost })
	}
}

func (f *file) shift() {
	f.backlog -= len(f.waiting[0].Line)
	f.waiting[0] = nil
	f.waiting = f.waiting[1:]
}

func (f *file) writeAll(now time.Time) error {
	for len(f.waiting) > 0 {
		it := f.waiting[0]
		if f.known.has(it.ID) {
			f.shift()
			f.outbox.update(func(c *Counts) { it.written = true; c.FileKnown++ })
			continue
		}
		if err := f.ready(now, int64(len(it.Line)+1)); err != nil {
			return err
		}
		if err := f.write(it.Line); err != nil {
			return err
		}
		f.known.add(it.ID)
		f.shift()
		f.outbox.update(func(c *Counts) { it.written = true; c.Written++ })
	}
	return nil
}

// ready makes sure that the name leads to the open file and that there is room in it.
func (f *file) ready(now time.Time, size int64) error {
	if f.handle != nil && now.Sub(f.looked) >= lookEvery {
		f.looked = now
		// Somebody may have moved or removed the file: lines written to it would be seen by nobody.
		there, err := os.Stat(f.opts.Path)
		here, errHere := f.handle.Stat()
		if err != nil || errHere != nil || !os.SameFile(there, here) {
			f.close()
		}
	}
	if f.handle == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	if f.size > 0 && f.size+size > f.opts.MaxSize {
		return f.rotate()
	}
	return nil
}

func (f *file) open() error {
	handle, err := os.OpenFile(f.opts.Path, os.O_RDWR|os.O_APPEND|os.O_CREATE|unix.O_NONBLOCK, fileMode)
	if err != nil {
		return fmt.Errorf("cannot open alert file %q: %w", f.opts.Path, err)
	}
	info, err := handle.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("it is a %s, not a regular file", info.Mode().Type())
	}
	if err == nil && info.Size() == 0 {
		// The umask may have taken the group's right to read.
		err = handle.Chmod(fileMode)
	}
	if err == nil {
		f.size, err = cutUnfinished(handle, info.Size())
	}
	if err != nil {
		_ = handle.Close()
		return fmt.Errorf("cannot use alert file %q: %w", f.opts.Path, err)
	}
	f.handle, f.looked = handle, time.Now()
	return nil
}

// write appends one line with one call. A line that does not fit on the disk is taken back.
func (f *file) write(line []byte) error {
	buf := make([]byte, 0, len(line)+1)
	buf = append(append(buf, line...), '\n')
	n, err := f.handle.Write(buf)
	if err == nil {
		f.size += int64(n)
		return nil
	}
	if n > 0 {
		if cut := f.handle.Truncate(f.size); cut != nil {
			// The next opening finds the unfinished line and cuts it off.
			f.close()
		}
	}
	return fmt.Errorf("cannot write alert file %q: %w", f.opts.Path, err)
}

func (f *file) rotate() error {
	path := func(n int) string {
		if n == 0 {
			return f.opts.Path
		}
		return f.opts.Path + "." + strconv.Itoa(n)
	}
	for n := f.opts.Keep; n > 0; n-- {
		if err := os.Rename(path(n-1), path(n)); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("cannot rotate alert file %q to %q: %w", path(n-1), filepath.Base(path(n)), err)
		}
	}
	f.close()
	return f.open()
}

func (f *file) fail(err error) {
	if !f.failing {
		f.failing = true
		f.outbox.opts.Log.Error().Err(err).Msg("alerts are not written to the file; they go to the stream and the file is tried again")
	}
	f.outbox.mu.Lock()
	f.outbox.fileFails = true
	f.outbox.mu.Unlock()
	f.outbox.update(func(c *Counts) { c.FileError = err.Error() })
}

func (f *file) recover() {
	if !f.failing {
		return
	}
	f.failing = false
	f.outbox.opts.Log.Info().Str("file", f.opts.Path).Msg("alerts are written to the file again")
	f.outbox.mu.Lock()
	f.outbox.fileFails = false
	f.outbox.mu.Unlock()
	f.outbox.update(func(c *Counts) { c.FileError = "" })
}
