package bus

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/bus/keyring"
)

// stock is Debian's nats-server with our configuration.
type stock struct {
	url, ca string
	keys    map[access.Role]nkeys.KeyPair
	reader  Reader
}

func startStock(t *testing.T) *stock {
	t.Helper()
	server, err := exec.LookPath("nats-server")
	if err != nil {
		t.Skipf("no stock nats-server: %v; run make deps-test, which puts Debian's into .tools/bin", err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := testOptions(t)
	o.TLSListen = free.Addr().String()
	free.Close()

	s := &stock{url: "tls://" + o.TLSListen, keys: map[access.Role]nkeys.KeyPair{}}
	if s.reader, err = AddReader(o.StoreDir, t.TempDir(), "alice"); err != nil {
		t.Fatal(err)
	}
	s.ca = s.reader.CAFile
	public := map[access.Role]string{}
	for _, r := range []access.Role{access.Collector, access.Analyzer, access.Operator, access.Bus} {
		if s.keys[r], err = nkeys.CreateUser(); err != nil {
			t.Fatal(err)
		}
		if public[r], err = s.keys[r].PublicKey(); err != nil {
			t.Fatal(err)
		}
	}
	var config bytes.Buffer
	if err := StockConfig(&config, o, public); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.StoreDir, "nats.conf")
	if err := os.WriteFile(path, config.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(server, "-c", path)
	log := new(logBuffer)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("nats-server:\n%s\n%s", log, config.String())
		}
	})
	eventually(t, "nats-server takes the bus's own connection", func() error {
		nc, err := s.connect(access.Bus)
		if err != nil {
			return err
		}
		defer nc.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return EnsureStream(ctx, nc, time.Hour, 64<<20)
	})
	return s
}

func (s *stock) connect(r access.Role) (*nats.Conn, error) {
	var proof nats.Option
	if pair, ok := s.keys[r]; ok {
		public, err := pair.PublicKey()
		if err != nil {
			return nil, err
		}
		proof = nats.Nkey(public, pair.Sign)
	} else {
		var err error
		if proof, err = nats.NkeyOptionFromSeed(s.reader.SeedFile); err != nil {
			return nil, err
		}
	}
	return nats.Connect(s.url, nats.RootCAs(s.ca), proof, nats.CustomInboxPrefix(access.Inbox(r)),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
}

// The configuration that we write gives a stock server the same accounts: the same tests hold.
func TestStockServer(t *testing.T) {
	t.Parallel()
	s := startStock(t)
	as := func(r access.Role) *nats.Conn {
		nc, err := s.connect(r)
		if err != nil {
			t.Fatalf("%s: %v", r, err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	if _, err := nats.Connect(s.url, nats.RootCAs(s.ca)); err == nil {
		t.Error("anonymous access is admitted")
	}
	if _, err := nats.Connect(strings.Replace(s.url, "tls:", "nats:", 1)); err == nil {
		t.Error("a client without the certificate is admitted")
	}
	t.Run("permissions", func(t *testing.T) {
		checkPermissions(t, func(_ *testing.T, r access.Role) *nats.Conn { return as(r) })
	})
	t.Run("flow", func(t *testing.T) { checkFlow(t, as) })
}

func TestStockServerKeepsAnswersApart(t *testing.T) {
	t.Parallel()
	s := startStock(t)
	checkAimedAnswers(t, func(r access.Role) *nats.Conn {
		nc, err := s.connect(r)
		if err != nil {
			t.Fatalf("%s: %v", r, err)
		}
		t.Cleanup(nc.Close)
		return nc
	})
}

func TestStockConfigIsRefused(t *testing.T) {
	valid := map[access.Role]string{}
	for _, r := range []access.Role{access.Collector, access.Analyzer, access.Operator, access.Bus} {
		pair, err := nkeys.CreateUser()
		if err != nil {
			t.Fatal(err)
		}
		if valid[r], err = pair.PublicKey(); err != nil {
			t.Fatal(err)
		}
	}
	f := func(want string, change func(*Options), keys map[access.Role]string) {
		t.Helper()
		o := testOptions(t)
		change(&o)
		err := StockConfig(new(bytes.Buffer), o, keys)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("", func(*Options) {}, valid)
	f("needs the public nkey of a user", func(*Options) {}, nil)
	f("needs a TLS address", func(o *Options) { o.TLSListen = "" }, valid)
	f("host id", func(o *Options) { o.Host = "*" }, valid)
	f("readers:1:", func(o *Options) { write(t, filepath.Join(o.StoreDir, "readers"), "x\n") }, valid)
	if _, err := keyring.Identity(t.TempDir(), "", time.Now()); err != nil {
		t.Error(err)
	}
}
