package bus

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/proto/config"
)

func TestConfig(t *testing.T) {
	c := DefaultConfig()
	err := config.Decode(strings.NewReader(`
host_id = "h9"
socket = "/run/x/bus.sock"
store = "/var/lib/x"
tls.listen = "127.0.0.1:4333"
alerts.max_age = "48h"
alerts.max_bytes = "64MiB"
readers.seats = 4
uid.collector = ["1001"]
uid.analyzer = ["1002"]
uid.operator = ["root", "1003"]
uid.reader = ["1004"]
`), "bus.conf", &c)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Options()
	if err != nil {
		t.Fatal(err)
	}
	want := Options{
		Host: "h9", Socket: "/run/x/bus.sock", StoreDir: "/var/lib/x", TLSListen: "127.0.0.1:4333",
		AlertsMaxAge: 48 * time.Hour, AlertsMaxBytes: 64 << 20, ReaderSeats: 4,
		UIDs: map[uint32]access.Role{
			1001: access.Collector, 1002: access.Analyzer, 0: access.Operator, 1003: access.Operator, 1004: access.Reader,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConfigIsRefused(t *testing.T) {
	f := func(want string, change func(*Config)) {
		t.Helper()
		c := DefaultConfig()
		c.CollectorUsers, c.AnalyzerUsers = []string{"1001"}, []string{"1002"}
		change(&c)
		_, err := c.Options()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("", func(*Config) {})
	f("`vedette up` creates Vedette's users", func(c *Config) { c.CollectorUsers = []string{"no-such-user"} })
	f("every role needs a user of its own", func(c *Config) { c.AnalyzerUsers = []string{"1001"} })
	f("every role needs a user of its own", func(c *Config) { c.ReaderUsers = []string{"root"} })
	f("more than any disk holds", func(c *Config) { c.AlertsMaxBytes = 1 << 63 })
}

func TestTLSCanBeSwitchedOff(t *testing.T) {
	c := DefaultConfig()
	c.CollectorUsers, c.AnalyzerUsers = nil, nil
	c.TLSEnabled = false
	if o, err := c.Options(); err != nil || o.TLSListen != "" {
		t.Errorf("TLS address %q, %v", o.TLSListen, err)
	}
}

// The zero value means the documented defaults.
func TestDefaults(t *testing.T) {
	o, err := Options{Host: host}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if o.Socket != DefaultSocket || o.StoreDir != DefaultStoreDir || o.TLSListen != "" || o.SocketMode != 0o660 ||
		o.AlertsMaxAge != DefaultAlertsMaxAge || o.AlertsMaxBytes != DefaultAlertsMaxBytes ||
		!cmp.Equal(o.UIDs, map[uint32]access.Role{0: access.Operator}) {
		t.Errorf("defaults %+v", o)
	}
}
