package access

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

func logins(readers int) Logins {
	l := Logins{
		Collector: Login{User: "collector", Password: "p"}, Analyzer: Login{User: "analyzer", Password: "p"},
		Operator: Login{User: "operator", Password: "p"}, Bus: Login{User: "bus", Password: "p"},
	}
	for i := range readers {
		l.Readers = append(l.Readers, Login{User: fmt.Sprintf("reader-%d", i+1), Password: "p"})
	}
	return l
}

// nats-server reads back what we mean: one user in each account, every permission a list that is not empty.
func TestConfigIsRead(t *testing.T) {
	for _, readers := range []int{0, 1, 3} {
		var text bytes.Buffer
		err := WriteConfig(&text, Server{Host: "h1", Name: "vedette", Logins: logins(readers), StoreDir: "/var/lib/x", MaxConnections: 9})
		if err != nil {
			t.Fatal(err)
		}
		var o server.Options
		if err := o.ProcessConfigString(text.String()); err != nil {
			t.Fatalf("%v in\n%s", err, text.String())
		}
		if len(o.Users) != 4+readers || o.MaxPayload != MaxPayload || o.StoreDir != "/var/lib/x" || o.MaxConn != 9 || o.NoAuthUser != "" {
			t.Errorf("%d readers: %d users, options %+v", readers, len(o.Users), o)
		}
		seen := map[string]bool{}
		for _, u := range o.Users {
			if seen[u.Account.GetName()] {
				t.Errorf("account %s has two users", u.Account.GetName())
			}
			seen[u.Account.GetName()] = true
			if u.Permissions == nil || len(u.Permissions.Publish.Allow) == 0 || len(u.Permissions.Subscribe.Allow) == 0 {
				t.Errorf("%s: permissions %+v", u.Username, u.Permissions)
			}
		}
	}
}

func TestConfigIsRefused(t *testing.T) {
	f := func(want string, s Server) {
		t.Helper()
		if err := WriteConfig(new(bytes.Buffer), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("host id", Server{Host: "h.>", Logins: logins(0)})
	f("COLLECTOR has a user without nkey and password", Server{Host: "h"})
}

// No role may publish what another role is believed for.
func TestNobodySpeaksForAnother(t *testing.T) {
	for _, a := range Roles() {
		for _, b := range Roles() {
			if a == b {
				continue
			}
			for _, x := range PermissionsOf(a, "h").Publish {
				for _, y := range PermissionsOf(b, "h").Publish {
					if strings.HasPrefix(x, "vedette.") && server.SubjectsCollide(x, y) {
						t.Errorf("%s and %s may both publish on %s", a, b, x)
					}
				}
			}
		}
	}
}

func TestParseRole(t *testing.T) {
	for _, r := range Roles() {
		if got, err := ParseRole(string(r)); got != r || err != nil {
			t.Errorf("%s: %s, %v", r, got, err)
		}
	}
	for _, name := range []string{"", "root", "Collector"} {
		if _, err := ParseRole(name); err == nil {
			t.Errorf("%q is a role", name)
		}
	}
}
