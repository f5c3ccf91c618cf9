package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// strangers are process creations about which no rule knows anything: their paths and arguments are made of random letters,
// as long as those of recorded ones.
func strangers(n int) [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	word := func(least, most int) string {
		letters := make([]byte, least+random.IntN(most-least+1))
		for i := range letters {
			letters[i] = 'a' + byte(random.IntN(26))
		}
		return string(letters)
	}
	path := func() string {
		return `C:\` + word(5, 13) + `\` + word(5, 10) + `\` + word(4, 12) + ".exe"
	}
	arguments := func() string {
		words := make([]string, 3+random.IntN(9))
		for i := range words {
			words[i] = word(3, 14)
		}
		return strings.Join(words, " ")
	}
	events := make([][]byte, n)
	for i := range events {
		image, parent := path(), path()
		events[i] = processCreation(map[string]string{
			"Image":             image,
			"CommandLine":       `"` + image + `" ` + arguments(),
			"ParentImage":       parent,
			"ParentCommandLine": `"` + parent + `" ` + arguments(),
			"CurrentDirectory":  `C:\` + word(5, 13) + `\` + word(5, 10) + `\`,
			"User":              word(4, 10) + `\` + word(4, 10),
			"OriginalFileName":  word(4, 12) + ".exe",
			"Description":       word(4, 12) + " " + word(4, 12),
			"Product":           word(4, 12) + " " + word(4, 12),
			"Company":           word(4, 12) + " " + word(4, 12),
		})
	}
	return events
}

// processCreation is one of Sysmon's, as a line of JSON. Fields are added to those that every one has.
func processCreation(fields map[string]string) []byte {
	all := map[string]any{
		"Channel":        "Microsoft-Windows-Sysmon/Operational",
		"SourceName":     "Microsoft-Windows-Sysmon",
		"EventID":        1,
		"Hostname":       "bench",
		"TimeCreated":    "2022-08-08T12:29:55.996Z",
		"UtcTime":        "2022-08-08 12:29:55.996",
		"ProcessId":      "4460",
		"IntegrityLevel": "Medium",
		"LogonId":        "0x3673c",
		"FileVersion":    "10.0.26100.7019",
		"Hashes":         "SHA1=0000000000000000000000000000000000000000,MD5=00000000000000000000000000000000",
	}
	for name, value := range fields {
		all[name] = value
	}
	line, err := json.Marshal(all)
	if err != nil {
		panic("BUG: a map of text has no JSON: " + err.Error())
	}
	return line
}

// certain are n rules each of which matches every process creation. The negation keeps each of them from being decided by
// what it has in common with the others.
func certain(n int) ([]*rule.Rule, error) {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `---
title: Certain %d
id: 00000000-0000-4000-8000-%012x
logsource: {product: windows, category: process_creation}
detection:
  selection:
    Image|contains: ['.exe', 'absent-%d']
    CommandLine|contains|all: ['c:\', '\']
  filter:
    CommandLine|contains: 'exception-%d'
  condition: selection and not filter
`, i, i, i, i)
	}
	set, problems := rule.Parse(rule.Options{}, "certain.yml", []byte(text.String()))
	if len(problems) > 0 {
		return nil, fmt.Errorf("BUG: a rule of the benchmark is refused: %v", problems[0])
	}
	return set.Rules, nil
}

// insiders are process creations of somebody who knows the rules: their command lines are made of texts that rules look for
// in command lines, so that as many rules as possible have to be looked at.
func insiders(rules []*rule.Rule, n int) [][]byte {
	random := rand.New(rand.NewPCG(3, 4))
	words := wanted(rules, "CommandLine")
	if len(words) == 0 {
		return nil
	}
	images := wanted(rules, "Image")
	pick := func(texts []string) string { return texts[random.IntN(len(texts))] }
	events := make([][]byte, n)
	for i := range events {
		arguments := make([]string, 6)
		for j := range arguments {
			arguments[j] = pick(words)
		}
		image := `C:\Windows\System32` + pick(images)
		events[i] = processCreation(map[string]string{
			"Image":             image,
			"CommandLine":       image + " " + strings.Join(arguments, " "),
			"ParentImage":       `C:\Windows\System32` + pick(images),
			"ParentCommandLine": pick(words),
			"CurrentDirectory":  `C:\`,
			"User":              `BENCH\user`,
		})
	}
	return events
}

// wanted gives the literals that rules about process creations look for in a field, each once.
func wanted(rules []*rule.Rule, field string) []string {
	var texts []string
	var visit func(rule.Expr)
	visit = func(e rule.Expr) {
		switch e := e.(type) {
		case rule.And:
			for _, part := range e {
				visit(part)
			}
		case rule.Or:
			for _, part := range e {
				visit(part)
			}
		case *rule.Item:
			if e.Field != field {
				return
			}
			for _, value := range e.Values {
				if text, ok := value.Test.(rule.Text); ok {
					texts = append(texts, literals(text)...)
				}
			}
		}
	}
	for _, r := range rules {
		if r.Logsource.Category == "process_creation" {
			for _, s := range r.Selections {
				visit(s.Body)
			}
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

func literals(text rule.Text) []string {
	var found []string
	for _, pattern := range text.Alternatives {
		for _, token := range pattern {
			if token.Kind == rule.Literal {
				found = append(found, token.Text)
			}
		}
	}
	return found
}
