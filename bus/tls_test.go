package bus

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/proto/subject"
)

// The stock client, with nothing but the two files that AddReader wrote.
func TestStockClientReadsAlerts(t *testing.T) {
	b := start(t, testOptions(t))
	r, err := AddReader(b.opts.StoreDir, filepath.Join(t.TempDir(), "creds"), "siem")
	if err != nil {
		t.Fatal(err)
	}
	nkey, err := nats.NkeyOptionFromSeed(r.SeedFile)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(b.url(), nats.RootCAs(r.CAFile), nkey)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	state, err := nc.TLSConnectionState()
	if err != nil || state.Version != tls.VersionTLS13 {
		t.Errorf("TLS state %+v, %v; want 1.3", state, err)
	}
	alerts := subscribe(t, nc, subject.AllAlerts("*"))
	publish(t, b.as(t, access.Analyzer), subject.Alerts(host, "high"), "alert")
	receive(t, alerts, "alert")
	if g := readerGuests(b); len(g) != 1 || !strings.HasPrefix(g[0], "siem uid "+fmt.Sprint(os.Getuid())) {
		t.Errorf("guests %q", g)
	}
}

func readerGuests(b *testBus) []string {
	var names []string
	for _, g := range b.door.Guests() {
		if g.Role == access.Reader {
			names = append(names, fmt.Sprintf("%s uid %d", g.Reader, g.UID))
		}
	}
	return names
}

func TestOnlyKnownNkeysComeIn(t *testing.T) {
	b := start(t, testOptions(t))
	r, _ := b.newReader(t, "alice")
	foreign, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	foreignPublic, err := foreign.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	f := func(what string, opts ...nats.Option) {
		t.Helper()
		nc, err := nats.Connect(b.url(), append(opts, nats.RootCAs(r.CAFile))...)
		if err == nil {
			nc.Close()
		}
		if !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s: %v, want %v", what, err, nats.ErrAuthorization)
		}
	}
	f("anonymous")
	f("password of the bus itself", nats.UserInfo("bus", b.logins.Bus.Password))
	f("password of a reader", nats.UserInfo(b.logins.Readers[0].User, b.logins.Readers[0].Password))
	f("token", nats.Token("x"))
	f("unknown nkey", nats.Nkey(foreignPublic, foreign.Sign))
	f("known nkey, signed with another", nats.Nkey(r.Nkey, foreign.Sign))
	f("known nkey, signature of other bytes", nats.Nkey(r.Nkey, func([]byte) ([]byte, error) { return foreign.Sign([]byte("x")) }))
	f("known nkey, empty signature", nats.Nkey(r.Nkey, func([]byte) ([]byte, error) { return nil, nil }))
}

// A client that does not know the certificate, or is shown another, does not send its proof.
func TestReaderPinsTheCertificate(t *testing.T) {
	b := start(t, testOptions(t))
	elsewhere := testOptions(t)
	foreign, err := AddReader(elsewhere.StoreDir, filepath.Join(t.TempDir(), "creds"), "x")
	if err != nil {
		t.Fatal(err)
	}
	for what, opts := range map[string][]nats.Option{"no CA": nil, "another CA": {nats.RootCAs(foreign.CAFile)}} {
		_, err := nats.Connect(b.url(), opts...)
		if !isUnknownAuthority(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestPlaintextIsRefused(t *testing.T) {
	b := start(t, testOptions(t))
	f := func(say string) {
		t.Helper()
		conn, greeting := rawDial(t, "tcp", b.where.TLS.String())
		if !strings.Contains(greeting, `"tls_required":true`) || !strings.Contains(greeting, `"auth_required":true`) || !strings.Contains(greeting, `"nonce":"`) {
			t.Errorf("greeting %q", greeting)
		}
		io.WriteString(conn, say)
		rest, _ := io.ReadAll(conn)
		if strings.Contains(string(rest), "PONG") || strings.Contains(string(rest), "MSG") {
			t.Errorf("after %q: %q", say, rest)
		}
	}
	f("CONNECT {}\r\nPING\r\nSUB vedette.> 1\r\n")
	f("GET / HTTP/1.1\r\nHost: x\r\n\r\n")

	old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}
	conn, _ := rawDial(t, "tcp", b.where.TLS.String())
	if err := tls.Client(conn, old).Handshake(); err == nil {
		t.Error("TLS 1.2 was accepted")
	}
}

// A key can be withdrawn: its connections end, and others stay.
func TestReadersFileIsWatched(t *testing.T) {
	t.Parallel()
	b := start(t, testOptions(t))
	path := filepath.Join(b.opts.StoreDir, "readers")
	alice, bob := b.asReader(t, "alice"), b.asReader(t, "bob")

	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for line := range strings.Lines(string(content)) {
		if !strings.Contains(line, "alice") {
			kept = append(kept, line)
		}
	}
	// An editor's way: a new file in the place of the old, with a bad line besides.
	fresh := path + ".edited"
	if err := os.WriteFile(fresh, []byte("# readers\n"+strings.Join(kept, "")+"nonsense here now\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, path); err != nil {
		t.Fatal(err)
	}
	eventually(t, "alice is out", func() error {
		if alice.Stats().Reconnects > 0 || alice.Status() != nats.CONNECTED {
			return nil
		}
		return errors.New("still in")
	})
	eventually(t, "the bus says what is wrong with the file", func() error {
		if log := b.log.String(); !strings.Contains(log, path+":3: a line is a public nkey and a name") {
			return errors.New(log)
		}
		return nil
	})
	if bob.Stats().Reconnects != 0 || bob.Flush() != nil {
		t.Error("bob's connection did not survive")
	}
	health := subscribe(t, b.as(t, access.Operator), subject.Health(host, subject.Bus))
	eventually(t, "the fault is in the health of the bus", func() error {
		if w := strings.Join(nextHealth(t, health).Warnings, "\n"); !strings.Contains(w, path+":3:") {
			return fmt.Errorf("warnings %q", w)
		}
		return nil
	})

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	eventually(t, "bob is out", func() error {
		if bob.Status() != nats.CONNECTED {
			return nil
		}
		return errors.New("still in")
	})
}

// 500 TCP connections at a time by another user neither keep readers out for long nor reach the host's own processes.
func TestTCPFloodHurtsItsAuthor(t *testing.T) {
	b := start(t, testOptions(t))
	_, opts := b.newReader(t, "alice")
	stop := run(t, actor(t, strangerUID, actFlood, "tcp", b.where.TLS.String()))
	defer stop()
	for range 5 {
		began := time.Now()
		nc, err := nats.Connect(b.url(), opts...)
		if err != nil {
			t.Fatal(err)
		}
		nc.Close()
		b.as(t, access.Collector).Close()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("reader and collector needed %s to connect", took)
		}
	}
	eventually(t, "refusals are counted for the right user", func() error {
		if n := b.door.Refused()[strangerUID]; n < 100 {
			return fmt.Errorf("%v refused", b.door.Refused())
		}
		return nil
	})
}

// rawReader does the TLS handshake of a new reader, and returns the CONNECT that proves its key.
func (b *testBus) rawReader(t *testing.T, name string) (net.Conn, string) {
	t.Helper()
	r, _ := b.newReader(t, name)
	seed, err := os.ReadFile(r.SeedFile)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := nkeys.FromSeed(bytes.TrimSpace(seed))
	if err != nil {
		t.Fatal(err)
	}
	plain, greeting := rawDial(t, "tcp", b.where.TLS.String())
	var info struct{ Nonce string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(greeting, "INFO ")), &info); err != nil {
		t.Fatal(err)
	}
	sig, err := pair.Sign([]byte(info.Nonce))
	if err != nil {
		t.Fatal(err)
	}
	conn := tls.Client(plain, &tls.Config{InsecureSkipVerify: true})
	return conn, fmt.Sprintf(`CONNECT {"nkey":%q,"sig":%q}`, r.Nkey, base64.RawURLEncoding.EncodeToString(sig))
}

// Standard base64 with padding is as good as the library's own, and what else a CONNECT holds does not matter.
func TestRawReader(t *testing.T) {
	b := start(t, testOptions(t))
	conn, connect := b.rawReader(t, "raw")
	connect = strings.NewReplacer("-", "+", "_", "/", `"}`, `==","user":"operator","account":"BUS"}`).Replace(connect)
	fmt.Fprintf(conn, "%s\r\nSUB %s 1\r\nPING\r\n", connect, subject.AllEvents(host))
	got, err := readUntil(conn, "PONG\r\n")
	if err != nil || !strings.Contains(got, "Permissions Violation for Subscription") {
		t.Errorf("%q, %v", got, err)
	}
}

// One user, and one key, has a limit of readers.
func TestTooManyReaders(t *testing.T) {
	b := start(t, testOptions(t))
	_, opts := b.newReader(t, "greedy")
	var last error
	for range 10 {
		nc, err := nats.Connect(b.url(), opts...)
		if err != nil {
			last = err
			break
		}
		defer nc.Close()
	}
	if last == nil || !strings.Contains(last.Error(), "has 8 reader connections already") {
		t.Errorf("error %v, want one about the limit", last)
	}
}
