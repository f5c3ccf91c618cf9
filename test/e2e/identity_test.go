package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/proto/subject"
)

func TestEachProcessHasItsOwnIdentityAndNoPrivilege(t *testing.T) {
	s := running(t)
	for component, account := range map[string]string{
		subject.Bus: "vedette-bus", subject.Analyzer: "vedette-analyzer", subject.Collector: "vedette-collector",
	} {
		t.Run(component, func(t *testing.T) {
			pid := s.pid(t, component)
			uid, gid := uidOf(t, account), gidOf(t, "vedette")
			f := func(field, want string) {
				t.Helper()
				if got := status(t, pid, field); got != want {
					t.Errorf("%s of the %s is %q, want %q", field, component, got, want)
				}
			}
			f("Uid", strings.TrimSpace(strings.Repeat(fmt.Sprint(uid, " "), 4)))
			f("Gid", strings.TrimSpace(strings.Repeat(fmt.Sprint(gid, " "), 4)))
			f("NoNewPrivs", "1")
			// After it has attached its programs even the collector needs none.
			for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
				f(set, "0000000000000000")
			}
		})
	}
}

func TestTheBusGivesEachUserItsRoleOnly(t *testing.T) {
	needRoot(t)
	// A system of its own: what may be published here is nonsense that others would read.
	s := start(t)
	defer stopOrFail(t, s)
	events, alerts := "vedette.v1."+hostID+".events.process", "vedette.v1."+hostID+".alerts.high"
	otherHost := "vedette.v1.other.events.process"
	control, health := "vedette.v1."+hostID+".control.ack", "vedette.v1."+hostID+".health.analyzer"
	subjects := []string{events, alerts, otherHost, control, health, "vedette.v1." + hostID + ".health.collector", "anything", "$SYS.REQ.SERVER.PING", "$JS.API.STREAM.DELETE.ALERTS", "$JS.API.STREAM.PURGE.ALERTS"}
	group := gidOf(t, "vedette")
	f := func(account, inbox string, publish, subscribe []string) {
		t.Helper()
		r := as(t, uidOf(t, account), group, busAct{s.Socket(), inbox, subjects, append(subjects, ">")})
		if r.Refused != "" {
			t.Errorf("%s cannot connect: %s", account, r.Refused)
			return
		}
		check := func(what string, refused map[string]bool, allowed []string) {
			t.Helper()
			for subject, no := range refused {
				want := true
				for _, a := range allowed {
					want = want && a != subject
				}
				if no != want {
					t.Errorf("%s may %s %s: %v, want %v", account, what, subject, !no, !want)
				}
			}
		}
		check("publish", r.Publish, publish)
		check("subscribe to", r.Subscribe, subscribe)
	}
	f("vedette-collector", "_INBOX_collector", []string{events, "vedette.v1." + hostID + ".health.collector"}, []string{control})
	f("vedette-analyzer", "_INBOX_analyzer", []string{alerts, control, health}, []string{events})

	t.Run("a user without a role is refused", func(t *testing.T) {
		r := as(t, 65534, group, busAct{Socket: s.Socket(), Inbox: "_INBOX"})
		if r.Refused == "" {
			t.Error("uid 65534 could connect")
		}
	})
	t.Run("a user outside the group cannot reach the socket", func(t *testing.T) {
		r := as(t, 65534, 65534, busAct{Socket: s.Socket(), Inbox: "_INBOX"})
		if !strings.Contains(r.Refused, "group") {
			t.Errorf("uid 65534 got %q, want to be told about the group", r.Refused)
		}
	})
}
