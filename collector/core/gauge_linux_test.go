package core

import (
	"os"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/vedette-edr/vedette/proto"
)

func TestParseStatus(t *testing.T) {
	f := func(text string, want *pb.Resources) {
		t.Helper()
		got := &pb.Resources{}
		parseStatus([]byte(text), got)
		wantEqual(t, "resources", got, want)
	}
	f("", &pb.Resources{})
	f("Name:\tvedette\nUid:\t0\t990\t0\t990\nVmRSS:\t   20480 kB\nThreads:\t9\nNoNewPrivs:\t1\nCapEff:\t000000c000000000\n",
		&pb.Resources{Uid: 990, ResidentBytes: 20 << 20, Threads: 9, NoNewPrivileges: true, Capabilities: 0xc000000000})
	f("Uid:\t5\nVmRSS:\nThreads: many\nCapEff: xyz\nNoNewPrivs 1\n:\n", &pb.Resources{})
}

func FuzzParseStatus(f *testing.F) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("Uid:\nCapEff:\t\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := &pb.Resources{}
		parseStatus(text, r)
		if _, err := proto.Marshal(r); err != nil {
			t.Error(err)
		}
	})
}

// Files opened before a sandbox keep answering.
func TestGaugeReadsTwice(t *testing.T) {
	g := openGauge()
	defer g.close()
	before := g.read()
	extra, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer extra.Close()
	if after := g.read(); after.OpenFiles <= before.OpenFiles || after.ResidentBytes == 0 {
		t.Errorf("first %v, then %v", before, after)
	}
}
