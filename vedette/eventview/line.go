package eventview

import (
	"fmt"
	"strings"
	"time"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/eventtext"
	"github.com/vedette-edr/vedette/vedette/term"
)

// longest bounds one piece of untrusted text on a line, in characters.
const longest = 300

// kindWidth is the column of kinds: the longest name of one that a Linux sensor reports.
const kindWidth = len("credential_change")

// Line gives the event as one line of text without its end, safe to print: time of day in zone, kind, process, and what the
// kind is about.
func Line(ev *pb.Event, p term.Palette, zone *time.Location) string {
	var b strings.Builder
	b.WriteString(p.Dim(time.Unix(0, ev.WallTimeNs).In(zone).Format("15:04:05.000000")))
	fmt.Fprintf(&b, " %s", p.Bold(fmt.Sprintf("%-*s", kindWidth, Kind(ev))))
	if a := ev.Actor; a != nil {
		fmt.Fprintf(&b, " pid=%d ppid=%d uid=%d", a.GetProcess().GetPid(), a.GetParent().GetPid(), a.Uid)
	}
	if about := about(ev, p); about != "" {
		b.WriteByte(' ')
		b.WriteString(about)
	}
	if missing := missing(ev.Flags); missing != "" {
		b.WriteByte(' ')
		b.WriteString(p.Yellow("[" + missing + "]"))
	}
	return b.String()
}

func about(ev *pb.Event, p term.Palette) string {
	words := eventtext.Words{Text: clip}
	switch x := ev.Payload.(type) {
	case nil:
		return ""
	case *pb.Event_Exec:
		return program(x.Exec, p)
	case *pb.Event_Seed:
		return program(x.Seed, p)
	case *pb.Event_SeedEnd:
		return words.About(ev)
	}
	comm := p.Cyan(clip(ev.GetActor().GetComm()))
	if text := words.About(ev); text != "" {
		comm += " " + text
	}
	return comm
}

func program(x *pb.ProcessExec, p term.Palette) string {
	path := x.GetExecutable().GetPath()
	var b strings.Builder
	b.WriteString(p.Cyan(clip(path)))
	if script := x.GetScript().GetPath(); len(script) > 0 {
		b.WriteString(" script=" + clip(script))
	}
	command := strings.Join(Arguments(x.Arguments), " ")
	if command != "" && command != string(path) {
		b.WriteString("  " + term.Clip(command, longest))
	}
	return b.String()
}

func missing(flags uint32) string {
	var words []string
	for _, f := range []struct {
		flag pb.EventFlag
		word string
	}{
		{pb.EventFlag_EVENT_FLAG_ARGUMENTS_TRUNCATED, "arguments cut"},
		{pb.EventFlag_EVENT_FLAG_ENVIRONMENT_TRUNCATED, "environment cut"},
		{pb.EventFlag_EVENT_FLAG_PATH_UNRESOLVED, "path unresolved"},
		{pb.EventFlag_EVENT_FLAG_READ_FAULT, "memory unreadable"},
		{pb.EventFlag_EVENT_FLAG_CHANGED_DURING_CALL, "changed during the call"},
	} {
		if flags&uint32(f.flag) != 0 {
			words = append(words, f.word)
		}
	}
	return strings.Join(words, ", ")
}

func clip(b []byte) string { return term.Clip(string(b), longest) }
