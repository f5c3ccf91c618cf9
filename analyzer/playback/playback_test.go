package playback_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/analyzer/playback"
	"github.com/vedette-edr/vedette/analyzer/recording"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/capture"
	"github.com/vedette-edr/vedette/proto/eventkey"
)

func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// shown writes each event of a file as "position: sources field=value ...", one a line for each view, and each problem.
func shown(t testing.TB, path string, opts playback.Options) string {
	t.Helper()
	rec, err := playback.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rec.Close(); err != nil {
			t.Error(err)
		}
	}()
	var b strings.Builder
	for {
		views, err := rec.Next()
		var damage *recording.Problem
		switch {
		case errors.Is(err, io.EOF):
			return b.String()
		case errors.As(err, &damage):
			fmt.Fprintf(&b, "problem: %s\n", damage.Reason)
			continue
		case err != nil:
			t.Fatal(err)
		}
		for i := range views {
			v := rec.View(i)
			fmt.Fprintf(&b, "%d:", rec.Origin().Position)
			for _, s := range v.Sources {
				fmt.Fprintf(&b, " %s/%s/%s", s.Product, s.Category, s.Service)
			}
			for n, name := range opts.Fields {
				if value, ok := v.Field(n); ok {
					fmt.Fprintf(&b, " %s=%s", name, value)
				}
				for _, value := range v.More(n) {
					fmt.Fprintf(&b, "+%s", value)
				}
			}
			b.WriteByte('\n')
		}
	}
}

func wantShown(t testing.TB, path string, opts playback.Options, want ...string) {
	t.Helper()
	if diff := cmp.Diff(strings.Join(want, "\n")+"\n", shown(t, path, opts)); diff != "" {
		t.Errorf("%s: -want +got\n%s", path, diff)
	}
}

func TestWindowsRecordsHaveTheirLogSources(t *testing.T) {
	path := write(t, "events.json", strings.Join([]string{
		`{"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Image": "a.exe"}`,
		`{"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 12, "EventType": "CreateKey"}`,
		`{"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 12, "EventType": "DeleteKey"}`,
		`{"Channel": "System", "EventID": 7045}`,
		`{"Image": "nowhere"}`,
	}, "\n"))
	wantShown(t, path, playback.Options{Fields: []string{"Image"}},
		"1: windows/process_creation/sysmon Image=a.exe",
		"2: windows/registry_event/sysmon windows/registry_add/sysmon",
		"3: windows/registry_event/sysmon windows/registry_delete/sysmon",
		"4: windows//system",
		"5: Image=nowhere")
	fallback := rule.Logsource{Product: "linux", Category: "process_creation"}
	if text := shown(t, path, playback.Options{Fields: []string{"Image"}, Logsource: fallback}); !strings.HasSuffix(text, "5: linux/process_creation/ Image=nowhere\n") ||
		strings.Count(text, "linux") != 1 {
		t.Errorf("with a log source:\n%s", text)
	}
}

// Security's 4688 is a new process, for which it has names of its own: rules of the log itself see these, rules of
// process_creation those of Sysmon.
func TestNewProcessesOfTheSecurityLog(t *testing.T) {
	path := write(t, "events.json", `{"Event": {"System": {"Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}}, "EventID": 4688,
		"Channel": "Security"}, "EventData": {"NewProcessName": "C:\\a.exe", "ProcessId": "0x1", "NewProcessId": "0x2", "MandatoryLabel": "S-1-16-12288"}}}`)
	wantShown(t, path, playback.Options{Fields: []string{"Image", "ProcessId", "NewProcessName", "IntegrityLevel", "CommandLine"}},
		`1: windows//security ProcessId=0x1 NewProcessName=C:\a.exe`,
		`1: windows/process_creation/ Image=C:\a.exe ProcessId=0x2 NewProcessName=C:\a.exe IntegrityLevel=High`)
}

func TestTheSameRecordHasTheSameIdentityInEveryExport(t *testing.T) {
	one := `{"Event": {"System": {"Provider": {"#attributes": {"Name": "p"}}, "EventID": 1, "Channel": "c", "EventRecordID": 7, "Computer": "pc", ` +
		`"TimeCreated": {"#attributes": {"SystemTime": "2026-01-02T03:04:05.1234567Z"}}}, "EventData": {"A": "x"}}}`
	other := strings.ReplaceAll(one, "05.1234567Z", "05.123456Z")
	ids := map[string]bool{}
	for i, text := range []string{one, "{}\n" + other} {
		rec, err := playback.Open(write(t, fmt.Sprint(i, ".json"), text), playback.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range i + 1 {
			if _, err := rec.Next(); err != nil {
				t.Fatal(err)
			}
		}
		o := rec.Origin()
		if o.Windows == nil || o.Windows.Channel != "c" || o.Windows.RecordID != "7" || o.Host != "pc" || o.Time.IsZero() {
			t.Errorf("%+v, %+v", o, o.Windows)
		}
		ids[o.ID] = true
		if err := rec.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(ids) != 1 {
		t.Errorf("one record has the identities %v", ids)
	}
}

// writeCapture writes a recording with one batch for each list of events.
func writeCapture(t testing.TB, batches ...[]*pb.Event) string {
	t.Helper()
	var file bytes.Buffer
	w, err := capture.NewWriter(&file, capture.Header{Host: "h", Users: map[uint32]string{1000: "anna"}})
	sequence := uint64(0)
	for i, events := range batches {
		for _, ev := range events {
			sequence++
			ev.Sequence = sequence
		}
		b := &pb.EventBatch{Host: "h", BootId: "b", Instance: 9, Number: uint64(i + 1), Class: pb.Class_CLASS_PROCESS, Events: events}
		data, encoded := b.MarshalVT()
		err = errors.Join(err, encoded, w.Batch(data))
	}
	if err := errors.Join(err, w.End(capture.End{Batches: uint64(len(batches))})); err != nil {
		t.Fatal(err)
	}
	return write(t, "events.vdc", file.String())
}

func key(pid uint32) *pb.ProcessKey { return &pb.ProcessKey{Pid: pid, StartTimeNs: uint64(pid)} }

func event(pid, parent uint32) *pb.Event {
	return &pb.Event{
		Class: pb.Class_CLASS_PROCESS, KernelTimeNs: 1000, WallTimeNs: 1_790_000_000_000_000_000,
		Actor: &pb.Actor{Process: key(pid), Parent: key(parent), Uid: 1000, Euid: 1000},
	}
}

func exec(pid, parent uint32, image string) *pb.Event {
	ev := event(pid, parent)
	ev.Payload = &pb.Event_Exec{Exec: &pb.ProcessExec{Executable: &pb.File{Path: []byte(image)}}}
	return ev
}

func seed(pid uint32, image string) *pb.Event {
	ev := event(pid, 1)
	ev.Payload = &pb.Event_Seed{Seed: &pb.ProcessExec{Executable: &pb.File{Path: []byte(image)}}}
	return ev
}

func seedEnd(n uint32) *pb.Event {
	return &pb.Event{Class: pb.Class_CLASS_PROCESS, Payload: &pb.Event_SeedEnd{SeedEnd: &pb.SeedEnd{Processes: n}}}
}

func TestCaptureKnowsTheProcessesThatRanBefore(t *testing.T) {
	opts := playback.Options{Fields: []string{"Image", "ParentImage", "User"}}
	images := func(path string) string {
		var all []string
		for line := range strings.Lines(shown(t, path, opts)) {
			if strings.Contains(line, "process_creation") {
				_, fields, _ := strings.Cut(line, " Image=")
				number, _, _ := strings.Cut(line, ":")
				all = append(all, number+" "+strings.TrimSpace(fields))
			}
		}
		return strings.Join(all, "; ")
	}
	f := func(want string, batches ...[]*pb.Event) {
		t.Helper()
		if got := images(writeCapture(t, batches...)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	type l = []*pb.Event
	f("2 /a ParentImage=/sh User=anna", l{seed(5, "/sh"), exec(6, 5, "/a"), seedEnd(1)})
	// Events that were recorded before the list came know their parents too.
	f("1 /a ParentImage=/sh User=anna; 2 /b ParentImage=/a User=anna; 5 /c ParentImage=/b User=anna",
		l{exec(6, 5, "/a"), exec(7, 6, "/b")}, l{seed(5, "/sh")}, l{seedEnd(1), exec(8, 7, "/c")})
	// A list of which the recording has only the end is not waited for twice.
	f("3 /a ParentImage=/sh User=anna; 7 /b ParentImage=/a User=anna",
		l{seed(4, "/init"), seedEnd(9), exec(6, 5, "/a")}, l{seed(4, "/init"), seed(5, "/sh"), seedEnd(2)}, l{exec(7, 6, "/b")})
	// Without a list there is less to know.
	f("1 /a User=anna; 2 /b ParentImage=/a User=anna", l{exec(6, 5, "/a")}, l{exec(7, 6, "/b")})
	f("")
}

func TestCaptureGivesTheIdentityOfTheEvent(t *testing.T) {
	rec, err := playback.Open(writeCapture(t, []*pb.Event{exec(6, 5, "/a")}), playback.Options{Format: playback.Capture})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rec.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := rec.Next(); err != nil {
		t.Fatal(err)
	}
	o := rec.Origin()
	if want := eventkey.Event("h", 9, pb.Class_CLASS_PROCESS, 0, 1); o.ID != want {
		t.Errorf("id %s, want %s", o.ID, want)
	}
	if o.Process == nil || o.Process.EntityID != eventkey.EntityOf("h", "b", 6, 6) || o.Process.Executable != "/a" || o.Process.Kind != "exec" || o.Process.User != "anna" {
		t.Errorf("process %+v", o.Process)
	}
}

func TestCaptureWithDamage(t *testing.T) {
	var file bytes.Buffer
	w, err := capture.NewWriter(&file, capture.Header{Host: "h"})
	b := &pb.EventBatch{Host: "h", Instance: 1, Number: 1, Class: pb.Class_CLASS_PROCESS, Events: []*pb.Event{exec(6, 5, "/a")}}
	data, encoded := b.MarshalVT()
	// An event that nobody can read, behind one that can be.
	garbled := append(bytes.Clone(data), 15<<3|2, 1, 0xff)
	err = errors.Join(err, encoded, w.Batch([]byte("no batch")), w.Batch(garbled), w.Batch([]byte{0xff}), w.Batch(data))
	if err != nil {
		t.Fatal(err)
	}
	text := shown(t, write(t, "events.vdc", file.String()), playback.Options{Fields: []string{"Image"}})
	if strings.Count(text, "problem:") != 4 || strings.Count(text, "Image=/a") < 2 || !strings.Contains(text, "an event cannot be read") ||
		!strings.HasSuffix(text, "after 4 batches\n") && !strings.Contains(text, "the recording is cut off") {
		t.Errorf("got\n%s", text)
	}
}

func TestOpenRefuses(t *testing.T) {
	f := func(want, path, format string) {
		t.Helper()
		rec, err := playback.Open(path, playback.Options{Format: format})
		if err == nil {
			t.Fatalf("%s as %q is opened: %v", path, format, rec.Close())
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s as %q: %v, want %q", path, format, err, want)
		}
	}
	f("no such file", "missing", "")
	f("no such file", "missing", playback.Capture)
	f("no such file", "missing", playback.EVTX)
	f("neither a Windows event log nor JSON", write(t, "x", "plain text"), playback.Auto)
	f("not a recording of vedette capture", write(t, "x", "{}"), playback.Capture)
	f("not a Windows event log", write(t, "x", "{}"), playback.EVTX)
	f("version", write(t, "x", "vedette capture 9\n"), "")
	f("unknown format", write(t, "x", "{}"), "xml")
}

func TestFlags(t *testing.T) {
	f := func(args string, want playback.Options, wantError string) {
		t.Helper()
		var flags playback.Flags
		cmd := &cobra.Command{}
		flags.Add(cmd)
		if err := cmd.ParseFlags(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		got, err := flags.Options()
		if wantError != "" {
			if err == nil || !strings.Contains(err.Error(), wantError) {
				t.Errorf("%s: %v, want %q", args, err, wantError)
			}
			return
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", args, err, diff)
		}
	}
	f("", playback.Options{Format: playback.Auto}, "")
	f("--format evtx --logsource product=Linux,category=process_creation,service=x",
		playback.Options{Format: playback.EVTX, Logsource: rule.Logsource{Product: "linux", Category: "process_creation", Service: "x"}}, "")
	f("--format xml", playback.Options{}, "auto, evtx, json or capture")
	f("--logsource linux", playback.Options{}, "not of the form")
	f("--logsource product=", playback.Options{}, "not of the form")
	f("--logsource os=linux", playback.Options{}, "product, category and service")
}

// Whatever a file holds, it is played without a panic and comes to its end.
func FuzzCapture(f *testing.F) {
	whole, err := os.ReadFile(writeCapture(f, []*pb.Event{exec(6, 5, "/a"), seed(5, "/sh")}, []*pb.Event{seedEnd(1), exec(7, 6, "/b")}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, false)
	f.Add(whole[:len(whole)-9], false)
	f.Add([]byte{0x19, 1, 0, 0, 0, 0, 0, 0, 0, 0x28, 1, 0x7a, 0}, true)
	f.Fuzz(func(t *testing.T, data []byte, batch bool) {
		if batch {
			// Behind a checksum that holds.
			var file bytes.Buffer
			w, err := capture.NewWriter(&file, capture.Header{})
			if err = errors.Join(err, w.Batch(data), w.Batch(data)); err != nil {
				return
			}
			data = file.Bytes()
		}
		path := write(t, "x", string(data))
		rec, err := playback.Open(path, playback.Options{Format: playback.Capture, Fields: []string{"Image", "ParentImage"}})
		if err != nil {
			return
		}
		if err := rec.Close(); err != nil {
			t.Error(err)
		}
		shown(t, path, playback.Options{Format: playback.Capture, Fields: []string{"Image", "ParentImage"}})
	})
}
