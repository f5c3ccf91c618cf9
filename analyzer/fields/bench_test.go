package fields_test

import (
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	pb "github.com/vedette-edr/vedette/proto"
)

// BenchmarkView shows an event with all its records, and reads every field that SigmaHQ's rules ask for.
func BenchmarkView(b *testing.B) {
	w := newWorld(b, linux,
		"Image", "CommandLine", "ParentImage", "ParentCommandLine", "User", "CurrentDirectory", "LogonId", "TargetFilename",
		"DestinationHostname", "DestinationIp", "DestinationPort", "Initiated", "type", "a0", "a1", "a2", "a3", "a4", "a5", "a6",
		"a7", "name", "nametype", "exe", "comm", "euid", "key", "unit", "SYSCALL", "OriginalFileName", "Product", "EventID")
	w.tree.Apply(exec(100, "/usr/bin/bash", "-bash"))
	start := line("grep -ri password /etc/some/where --include x --exclude y")
	connect := by(200, 1000, "sh")
	connect.Payload = &pb.Event_NetworkConnect{NetworkConnect: &pb.NetworkConnect{Socket: &pb.Socket{
		Local:  &pb.Endpoint{Address: []byte{10, 0, 0, 1}, Port: 40000},
		Remote: &pb.Endpoint{Address: []byte{192, 0, 2, 9}, Port: 8443}, Protocol: 6,
	}}}
	for _, bench := range []struct {
		name string
		ev   *pb.Event
	}{{"start", start}, {"file", wrote("/etc/cron.d/x")}, {"connection", connect}} {
		process := w.tree.Apply(bench.ev)
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for i := range w.view.Reset("host", "boot", bench.ev, process) {
					w.view.Show(i)
					for n := range 32 {
						w.view.Field(n)
					}
				}
			}
		})
		b.Run(bench.name+"/keywords", func(b *testing.B) {
			b.ReportAllocs()
			var values []string
			for b.Loop() {
				for i := range w.view.Reset("host", "boot", bench.ev, process) {
					w.view.Show(i)
					values = w.view.AppendValues(values[:0])
				}
			}
		})
	}
}

// BenchmarkReset is what an event costs when no rule reads a field of it.
func BenchmarkReset(b *testing.B) {
	for name, product := range map[string]string{"linux": taxonomy.Linux, "windows": taxonomy.Windows} {
		w := newWorld(b, product)
		ev := line("true")
		process := w.tree.Apply(ev)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.view.Reset("host", "boot", ev, process)
			}
		})
	}
}
