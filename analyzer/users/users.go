// Package users gives names to user and group numbers from /etc/passwd and /etc/group. It reads the files itself, so that
// no directory service, plug-in or network is asked on behalf of an event.
package users

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// Limits of what is read: a file beyond them is used as far as they go.
const (
	maxFile    = 16 << 20
	maxEntries = 1 << 18
	maxName    = 256
)

// recheck is how old the knowledge of the file may get before it is looked at again.
const recheck = time.Second

// Names answers from one file of the passwd or group format. It reads the file again when the file has changed. It is not
// safe for concurrent use.
type Names struct {
	path    string
	now     func() time.Time
	names   map[uint32]string
	fixed   bool
	checked time.Time
	modTime time.Time
	size    int64
}

// New answers from the file at path. A file that is missing or cannot be read has no names. now is the clock; nil stands
// for time.Now.
func New(path string, now func() time.Time) *Names {
	if now == nil {
		now = time.Now
	}
	return &Names{path: path, now: now}
}

// Fixed answers from a table alone, which the caller does not change any more: that of another host.
func Fixed(names map[uint32]string) *Names { return &Names{names: names, fixed: true} }

// Name gives the name of a number, or its decimal digits when it has none. The first line that has the number counts, as
// getpwuid does it.
func (n *Names) Name(id uint32) string {
	if name, ok := n.Lookup(id); ok {
		return name
	}
	return strconv.FormatUint(uint64(id), 10)
}

// Lookup gives the name of a number, and whether it has one.
func (n *Names) Lookup(id uint32) (name string, ok bool) {
	n.refresh()
	name, ok = n.names[id]
	return name, ok
}

func (n *Names) refresh() {
	if n.fixed {
		return
	}
	now := n.now()
	if since := now.Sub(n.checked); !n.checked.IsZero() && since >= 0 && since < recheck {
		return
	}
	n.checked = now
	info, err := os.Stat(n.path)
	if err != nil {
		n.names, n.modTime = nil, time.Time{}
		return
	}
	if info.ModTime().Equal(n.modTime) && info.Size() == n.size {
		return
	}
	file, err := os.Open(n.path)
	if err != nil {
		return
	}
	defer file.Close()
	n.names = parse(io.LimitReader(file, maxFile))
	n.modTime, n.size = info.ModTime(), info.Size()
}

// parse takes lines of name:password:number and more; it passes over any other line.
func parse(r io.Reader) map[uint32]string {
	names := map[uint32]string{}
	lines := bufio.NewScanner(r)
	// A group line lists its members and may be long.
	lines.Buffer(nil, maxFile)
	for lines.Scan() && len(names) < maxEntries {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		_, rest, ok := strings.Cut(rest, ":")
		number, _, _ := strings.Cut(rest, ":")
		id, err := strconv.ParseUint(number, 10, 32)
		if !ok || err != nil || name == "" || len(name) > maxName {
			continue
		}
		if _, taken := names[uint32(id)]; !taken {
			names[uint32(id)] = strings.Clone(name)
		}
	}
	return names
}
