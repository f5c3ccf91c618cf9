package linux

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) string {
		path := filepath.Join(dir, "collector.conf")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	f := func(wantCode int, wantText string, args ...string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		code := Run(context.Background(), "test", args, &stdout, &stderr)
		if code != wantCode || !strings.Contains(stdout.String()+stderr.String(), wantText) {
			t.Errorf("%q gives code %d and %q, want %d and %q", args, code, stdout.String()+stderr.String(), wantCode, wantText)
		}
	}
	f(0, "Example:", "--help")
	f(0, "Example:", "run", "--help")
	f(0, "vedette-collector test", "version")
	f(2, "Usage:")
	f(2, `unknown command "fly"`, "fly")
	f(2, "-wings", "run", "--wings")
	f(2, `unexpected argument "now"`, "run", "now")
	f(2, "no/such/file", "run", "--config", "no/such/file")
	f(2, "collector.conf:2", "run", "--config", file("bus.socket = \"/x\"\nspool.maxx = \"1MiB\"\n"))
	f(2, "spool.max", "run", "--host-id", "h", "--config", file("spool.max = \"1MiB\"\n"))
	f(2, "power of two", "run", "--host-id", "h", "--config", file("ring.process = \"3MiB\"\n"))
	f(2, "batch.linger", "run", "--host-id", "h", "--config", file("batch.linger = \"2h\"\n"))
	f(2, "log.level", "run", "--host-id", "h", "--config", file("log.level = \"loud\"\n"))
	if os.Geteuid() == 0 {
		f(1, "useradd", "run", "--host-id", "h", "--user", "vedette-no-such-user")
	} else {
		f(1, "sudo", "run", "--host-id", "h", "--user", "1:1")
	}
}
