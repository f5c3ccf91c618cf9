package door

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/bus/access"
)

var login = access.Login{User: "reader-1", Password: "secret"}

func TestRewrite(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		c, err := parseConnect([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			return
		}
		if got := string(c.line(login)); got != want+"\r\n" {
			t.Errorf("%s\ngot  %swant %s", in, got, want)
		}
	}
	f(`CONNECT {}`, `CONNECT {"verbose":false,"pedantic":false,"echo":true,"headers":false,"no_responders":false,"protocol":0,"name":"","lang":"","version":"","user":"reader-1","pass":"secret"}`)
	f(`connect {"verbose":true,"pedantic":true,"echo":false,"headers":true,"no_responders":true,"protocol":1,"name":"n","lang":"go","version":"1.55.0"}`,
		`CONNECT {"verbose":true,"pedantic":true,"echo":false,"headers":true,"no_responders":true,"protocol":1,"name":"n","lang":"go","version":"1.55.0","user":"reader-1","pass":"secret"}`)
	// What would prove another identity is gone, in any spelling.
	f(`CONNECT {"user":"bus","USER":"bus","pass":"x","Pass":"y","auth_token":"t","jwt":"j","nkey":"U","sig":"s","account":"BUS","new_account":true,"proxy_sig":"p","import":{},"tls_required":true}`,
		`CONNECT {"verbose":false,"pedantic":false,"echo":true,"headers":false,"no_responders":false,"protocol":0,"name":"","lang":"","version":"","user":"reader-1","pass":"secret"}`)
	// Line ends stay escaped, and texts stay short.
	f(`CONNECT {"name":"a\r\nSUB > 1\r\n","lang":"`+strings.Repeat("x", 99)+`"}`,
		`CONNECT {"verbose":false,"pedantic":false,"echo":true,"headers":false,"no_responders":false,"protocol":0,"name":"a\r\nSUB \u003e 1\r\n","lang":"xxxxxxxxxxxxxxxx","version":"","user":"reader-1","pass":"secret"}`)
}

func TestConnectIsRefused(t *testing.T) {
	for _, in := range []string{
		"", "CONNECT", "CONNECT ", "CONNECT{}", "PING", "PUB x 0", "INFO {}", "CONNECT null x", "CONNECT [1]", "CONNECT {",
		`CONNECT {"verbose":"yes"}`, `CONNECT {"name":1}`, `CONNECT {} {}`, "\x16\x03\x01 {}",
	} {
		if c, err := parseConnect([]byte(in)); err == nil {
			t.Errorf("%q is taken as %+v", in, c)
		}
	}
}

// Whatever a client sends, the server gets one line, with our login, that its own limits admit.
func FuzzRewrite(f *testing.F) {
	for _, seed := range []string{
		`CONNECT {}`, `CONNECT {"user":"x","pass":"y"}`, `connect {"name":"` + "\x00\xff" + `"}`, "CONNECT {}\r\nPUB x 0",
		`CONNECT {"name":"\u2028\n","lang":null,"echo":null}`, `CONNECT {"pass":"a","pass":"b","ſig":"c"}`, "CONNECT \t{}",
		`CONNECT {"protocol":1e9}`, `CONNECT {"protocol":99999999999999999999}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > maxLine {
			return
		}
		c, err := parseConnect(in)
		if err != nil {
			return
		}
		line := c.line(login)
		body, ok := bytes.CutPrefix(line, []byte("CONNECT "))
		body, ended := bytes.CutSuffix(body, []byte("\r\n"))
		if !ok || !ended || bytes.ContainsAny(body, "\r\n\x00") || len(line) > 2<<10 {
			t.Fatalf("%q becomes %q", in, line)
		}
		var got map[string]any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%q becomes %q: %v", in, line, err)
		}
		for key := range got {
			switch key {
			case "verbose", "pedantic", "echo", "headers", "no_responders", "protocol", "name", "lang", "version":
			case "user", "pass":
			default:
				t.Fatalf("%q lets %q through", in, key)
			}
		}
		if got["user"] != login.User || got["pass"] != login.Password {
			t.Fatalf("%q becomes %q", in, line)
		}
	})
}

func TestInfo(t *testing.T) {
	in := `INFO {"server_id":"N","server_name":"v","version":"2.15.2","proto":1,"go":"go1.26","host":"0.0.0.0","port":4222,"headers":true,"max_payload":1000,"jetstream":true,"client_id":7,"client_ip":"1.2.3.4","nonce":"old","connect_urls":["1.2.3.4:4222"],"auth_required":true}`
	got, err := parseInfo([]byte(in))
	want := info{ID: "N", Name: "v", Version: "2.15.2", Proto: 1, Go: "go1.26", Headers: true, MaxPayload: 1000, JetStream: true}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	got.TLSRequired, got.AuthRequired, got.Nonce = true, true, "new"
	again, err := parseInfo(bytes.TrimSpace(got.line()))
	if diff := cmp.Diff(want, again, cmp.AllowUnexported(info{})); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, bad := range []string{"", "-ERR 'x'", "INFO", "INFO {", "INFO []"} {
		if _, err := parseInfo([]byte(bad)); err == nil {
			t.Errorf("%q is taken for an INFO", bad)
		}
	}
}

func TestRefusalIsOneLine(t *testing.T) {
	f := func(reason, want string) {
		t.Helper()
		if got := string(refusal(reason)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f("no", "-ERR 'no'\r\n")
	f("a'b\r\n+OK\x00", "-ERR 'a\"b\"\"+OK\"'\r\n")
}
