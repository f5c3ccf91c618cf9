// Package attack reads the MITRE ATT&CK tags of Sigma rules. It accepts both spellings (attack.privilege-escalation and
// attack.privilege_escalation), ids (attack.ta0004), and the names of tactics before and after ATT&CK 19, in which Defense
// Evasion became Stealth under the same id and lost a part to Defense Impairment.
package attack

import (
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/proto/ecs"
)

const site = "https://attack.mitre.org/"

type tactic struct {
	slug, id, name string
}

// tactics lists the enterprise matrix. Where two names share an id, the name in use today is first.
func tactics() [16]tactic {
	return [...]tactic{
		{"reconnaissance", "TA0043", "Reconnaissance"},
		{"resource-development", "TA0042", "Resource Development"},
		{"initial-access", "TA0001", "Initial Access"},
		{"execution", "TA0002", "Execution"},
		{"persistence", "TA0003", "Persistence"},
		{"privilege-escalation", "TA0004", "Privilege Escalation"},
		{"stealth", "TA0005", "Stealth"},
		{"defense-evasion", "TA0005", "Defense Evasion"},
		{"defense-impairment", "TA0112", "Defense Impairment"},
		{"credential-access", "TA0006", "Credential Access"},
		{"discovery", "TA0007", "Discovery"},
		{"lateral-movement", "TA0008", "Lateral Movement"},
		{"collection", "TA0009", "Collection"},
		{"command-and-control", "TA0011", "Command and Control"},
		{"exfiltration", "TA0010", "Exfiltration"},
		{"impact", "TA0040", "Impact"},
	}
}

// Threat gives what a rule's tags say in terms of ATT&CK, nil when they say nothing. A tag that it does not understand (a
// group, a tool, a tactic of another matrix) is not an error: the rule's tags are in the alert as they are.
func Threat(tags []string) *ecs.Threat {
	var found ecs.Tactic
	var techniques ecs.Technique
	var subs ecs.Subtechnique
	for _, tag := range tags {
		value, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(tag)), "attack.")
		if !ok {
			continue
		}
		value = strings.ReplaceAll(value, "_", "-")
		if t, ok := tacticOf(value); ok {
			if !slices.Contains(found.ID, t.id) {
				found.ID = append(found.ID, t.id)
				found.Name = append(found.Name, t.name)
				found.Reference = append(found.Reference, site+"tactics/"+t.id+"/")
			}
			continue
		}
		technique, sub, ok := techniqueOf(value)
		if !ok {
			continue
		}
		if !slices.Contains(techniques.ID, technique) {
			techniques.ID = append(techniques.ID, technique)
			techniques.Reference = append(techniques.Reference, site+"techniques/"+technique+"/")
		}
		if id := technique + "." + sub; sub != "" && !slices.Contains(subs.ID, id) {
			subs.ID = append(subs.ID, id)
			subs.Reference = append(subs.Reference, site+"techniques/"+technique+"/"+sub+"/")
		}
	}
	if len(found.ID) == 0 && len(techniques.ID) == 0 {
		return nil
	}
	threat := &ecs.Threat{Framework: "MITRE ATT&CK"}
	if len(found.ID) > 0 {
		threat.Tactic = &found
	}
	if len(techniques.ID) > 0 {
		threat.Technique = &techniques
	}
	if len(subs.ID) > 0 {
		techniques.Subtechnique = &subs
	}
	return threat
}

func tacticOf(value string) (tactic, bool) {
	for _, t := range tactics() {
		if value == t.slug || strings.EqualFold(value, t.id) {
			return t, true
		}
	}
	return tactic{}, false
}

// techniqueOf reads t1059 and t1059.004.
func techniqueOf(value string) (technique, sub string, ok bool) {
	technique, sub, dotted := strings.Cut(value, ".")
	digits, isTechnique := strings.CutPrefix(technique, "t")
	if !isTechnique || len(digits) != 4 || !isDigits(digits) || dotted && (len(sub) != 3 || !isDigits(sub)) {
		return "", "", false
	}
	return "T" + digits, sub, true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
