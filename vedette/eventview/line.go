package eventview

import (
	"fmt"
	"strings"
	"time"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/vedette/term"
)

// longest bounds one piece of untrusted text on a line, in characters.
const longest = 300

// Line gives the event as one line of text without its end, safe to print: time of day in zone, kind, process, and what the
// kind is about.
func Line(ev *pb.Event, p term.Palette, zone *time.Location) string {
	var b strings.Builder
	b.WriteString(p.Dim(time.Unix(0, ev.WallTimeNs).In(zone).Format("15:04:05.000000")))
	fmt.Fprintf(&b, " %s", p.Bold(fmt.Sprintf("%-9s", Kind(ev))))
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
	comm := p.Cyan(clip(ev.GetActor().GetComm()))
	switch x := ev.Payload.(type) {
	case *pb.Event_Exec:
		return program(x.Exec, p)
	case *pb.Event_Seed:
		return program(x.Seed, p)
	case *pb.Event_Fork:
		return fmt.Sprintf("%s child=%d", comm, x.Fork.GetChild().GetPid())
	case *pb.Event_Exit:
		return comm + " " + ending(x.Exit)
	case *pb.Event_ExecFailed:
		return fmt.Sprintf("%s %s errno=%d", comm, clip(x.ExecFailed.Filename), x.ExecFailed.Errno)
	case *pb.Event_SeedEnd:
		return fmt.Sprintf("processes=%d vanished=%d", x.SeedEnd.Processes, x.SeedEnd.Vanished)
	default:
		return comm + " " + term.Clip(payloadJSON(ev), longest)
	}
}

// payloadJSON shows a kind that has no line of its own.
func payloadJSON(ev *pb.Event) string {
	m := ev.ProtoReflect()
	field := m.WhichOneof(payloads())
	if field == nil {
		return ""
	}
	w := &writer{}
	w.value(field, m.Get(field))
	return w.buf.String()
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

func ending(x *pb.ProcessExit) string {
	if x.Signal != 0 {
		core := ""
		if x.CoreDumped {
			core = " core dumped"
		}
		return fmt.Sprintf("signal=%d%s", x.Signal, core)
	}
	return fmt.Sprintf("code=%d", x.Code)
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
