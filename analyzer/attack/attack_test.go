package attack_test

import (
	"fmt"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/attack"
)

func TestThreat(t *testing.T) {
	f := func(want string, tags ...string) {
		t.Helper()
		got := "none"
		if threat := attack.Threat(tags); threat != nil {
			got = threat.Framework
			if threat.Tactic != nil {
				got += fmt.Sprint(" ", threat.Tactic.ID, threat.Tactic.Name)
			}
			if threat.Technique != nil {
				got += fmt.Sprint(" ", threat.Technique.ID)
				if threat.Technique.Subtechnique != nil {
					got += fmt.Sprint(" ", threat.Technique.Subtechnique.ID)
				}
			}
		}
		if got != want {
			t.Errorf("tags %v give %s, want %s", tags, got, want)
		}
	}
	const m = "MITRE ATT&CK "
	f("none")
	f("none", "cve.2021-1234", "detection.threat-hunting", "attack", "attack.")
	f(m+"[TA0004] [Privilege Escalation]", "attack.privilege-escalation")
	f(m+"[TA0004] [Privilege Escalation]", "attack.privilege_escalation", "attack.privilege-escalation")
	f(m+"[TA0004] [Privilege Escalation]", "ATTACK.Privilege_Escalation")
	f(m+"[TA0011] [Command and Control]", "attack.ta0011")
	f(m+"[TA0005 TA0112] [Stealth Defense Impairment]", "attack.stealth", "attack.defense-impairment")
	f(m+"[TA0005] [Defense Evasion]", "attack.defense_evasion")
	f(m+"[TA0005] [Stealth]", "attack.ta0005")
	f(m+"[TA0005] [Stealth]", "attack.stealth", "attack.defense-evasion")
	f(m+"[T1059] [T1059.004]", "attack.t1059.004")
	f(m+"[T1059 T1685] [T1059.004]", "attack.T1059.004", "attack.t1059", "attack.t1685")
	f(m+"[TA0002] [Execution] [T1059]", "attack.t1059", "attack.execution", "attack.g0007", "attack.s0002")
	f("none", "attack.t105", "attack.t1059.4", "attack.t1059.0004", "attack.t10x9", "attack.evasion", "attack.t1059.")
}

func TestReferencesRunInParallel(t *testing.T) {
	threat := attack.Threat([]string{"attack.execution", "attack.t1059.004", "attack.t1059.006", "attack.impact"})
	if len(threat.Tactic.ID) != len(threat.Tactic.Reference) || len(threat.Tactic.ID) != len(threat.Tactic.Name) {
		t.Errorf("tactic %+v", threat.Tactic)
	}
	if len(threat.Technique.ID) != len(threat.Technique.Reference) || len(threat.Technique.ID) != 1 {
		t.Errorf("technique %+v", threat.Technique)
	}
	sub := threat.Technique.Subtechnique
	if len(sub.ID) != 2 || sub.Reference[1] != "https://attack.mitre.org/techniques/T1059/006/" {
		t.Errorf("subtechnique %+v", sub)
	}
}

func FuzzThreat(f *testing.F) {
	f.Add("attack.t1059.004")
	f.Add("attack.defense_evasion")
	f.Fuzz(func(t *testing.T, tag string) {
		if threat := attack.Threat([]string{tag}); threat != nil && threat.Tactic == nil && threat.Technique == nil {
			t.Errorf("tag %q gives an empty threat", tag)
		}
	})
}
