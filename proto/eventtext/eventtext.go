// Package eventtext says in a few words what an event is about: the path and what became of it, the process that was reached
// into, the users before and after. An alert's message and a line on the screen say it with the same words.
package eventtext

import (
	"fmt"
	"strconv"
	"strings"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/linuxabi"
)

// Words is how what an event holds is put into words. The zero value works; it is for places where any byte may appear.
type Words struct {
	// Text makes bytes that an attacker may have shaped fit to be shown, and short. nil leaves them as they are.
	Text func([]byte) string
	// User and Group name a number; nil gives its digits.
	User, Group func(uint32) string
	// Process names a process other than the acting one; nil gives "pid 12". It is not asked about a process without a number.
	Process func(*pb.ProcessKey) string
}

// About says what the event is about, in one line without its end, and not who did it. It is empty for an event without a
// payload. Words of the event itself pass through Text.
func (w Words) About(ev *pb.Event) string {
	for _, family := range [...]func(Words, *pb.Event) string{
		Words.process, Words.file, Words.memory, Words.kernel, Words.network, Words.windows, Words.agent,
	} {
		if text := family(w, ev); text != "" {
			return text
		}
	}
	return ""
}

func (w Words) text(b []byte) string {
	if w.Text == nil {
		return string(b)
	}
	return w.Text(b)
}

// word is for the model's strings, which may hold any character too.
func (w Words) word(s string) string { return w.text([]byte(s)) }

func (w Words) user(id uint32) string {
	if w.User == nil {
		return decimal(id)
	}
	return w.User(id)
}

func (w Words) group(id uint32) string {
	if w.Group == nil {
		return decimal(id)
	}
	return w.Group(id)
}

func (w Words) other(key *pb.ProcessKey) string {
	switch {
	case key.GetPid() == 0:
		return "an unknown process"
	case w.Process == nil:
		return "pid " + decimal(key.GetPid())
	}
	return w.Process(key)
}

// path names a file: by its path, or where that is not known by its number.
func (w Words) path(f *pb.File) string {
	switch {
	case len(f.GetPath()) > 0:
		return w.text(f.GetPath())
	case f.GetInode() != 0:
		return fmt.Sprintf("inode %d on %s", f.GetInode(), linuxabi.Device(f.GetDevice()))
	}
	return "?"
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// failed ends a text with the error, and leaves it as it is on success.
func failed(text string, errno int32) string {
	if errno == 0 {
		return text
	}
	return text + " failed " + linuxabi.Errno(errno)
}

// noted adds notes in brackets, those that are empty left out.
func noted(text string, notes ...string) string {
	var there []string
	for _, n := range notes {
		if n != "" {
			there = append(there, n)
		}
	}
	if len(there) == 0 {
		return text
	}
	return text + " (" + strings.Join(there, ", ") + ")"
}

func when(is bool, note string) string {
	if !is {
		return ""
	}
	return note
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// spaced joins what is not empty by spaces.
func spaced(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		if p == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(p)
	}
	return b.String()
}

// labelled is "name=value", or empty where there is no value.
func labelled(name, value string) string {
	if value == "" {
		return ""
	}
	return name + "=" + value
}
