// Package ecs is the alert document: Elastic Common Schema 9.4 with nested keys, as typed Go. The analyzer writes it, the
// operator's commands read it, and any tool that knows ECS understands it.
//
// Only fields that Vedette fills are here. What ECS has no field for is under "vedette", nothing else is added to a name
// that ECS owns. Text that came from the kernel may hold any byte; Text makes it valid UTF-8 before it enters a document.
package ecs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Version is the ECS release that the documents follow.
const Version = "9.4.0"

// Alert is one finding of one rule about one event.
type Alert struct {
	// Timestamp is when the event happened, not when the alert was made.
	Timestamp time.Time `json:"@timestamp"`
	ECS       ECS       `json:"ecs"`
	Message   string    `json:"message,omitempty"`
	Tags      []string  `json:"tags,omitempty"`
	Event     Event     `json:"event"`
	Rule      Rule      `json:"rule"`
	Threat    *Threat   `json:"threat,omitempty"`
	Process   *Process  `json:"process,omitempty"`
	// File is the file that the event is about, not that of the program.
	File      *FileFields `json:"file,omitempty"`
	Error     *Error      `json:"error,omitempty"`
	User      *User       `json:"user,omitempty"`
	Host      Host        `json:"host"`
	Agent     Agent       `json:"agent"`
	Container *Container  `json:"container,omitempty"`
	Related   *Related    `json:"related,omitempty"`
	Vedette   Vedette     `json:"vedette"`
}

// ECS states the schema's version.
type ECS struct {
	Version string `json:"version"`
}

// Event classifies the alert and gives it its identity.
type Event struct {
	// ID is the same whenever the same rule meets the same event, so a reader may drop a document it has already.
	ID       string   `json:"id"`
	Kind     string   `json:"kind"`
	Category []string `json:"category,omitempty"`
	Type     []string `json:"type,omitempty"`
	// Action is the kind of the event in the model, as "vedette events --kind" takes it.
	Action string `json:"action,omitempty"`
	// Outcome is success or failure, and empty where the event is nothing that could fail.
	Outcome string `json:"outcome,omitempty"`
	// Severity is the rule's level as a number: see Severity.
	Severity int64     `json:"severity"`
	Sequence uint64    `json:"sequence,omitempty"`
	Created  time.Time `json:"created,omitzero"`
	Dataset  string    `json:"dataset,omitempty"`
	Module   string    `json:"module,omitempty"`
	Provider string    `json:"provider,omitempty"`
	Reason   string    `json:"reason,omitempty"`
}

// Rule is the rule that matched.
type Rule struct {
	ID          string   `json:"id"`
	Name        string   `json:"name,omitempty"`
	Description string   `json:"description,omitempty"`
	Author      []string `json:"author,omitempty"`
	License     string   `json:"license,omitempty"`
	Reference   string   `json:"reference,omitempty"`
	Ruleset     string   `json:"ruleset,omitempty"`
	Version     string   `json:"version,omitempty"`
	Category    string   `json:"category,omitempty"`
}

// Threat places the rule in MITRE ATT&CK. A Sigma tag does not pair a technique with a tactic, so neither does this.
type Threat struct {
	Framework string     `json:"framework"`
	Tactic    *Tactic    `json:"tactic,omitempty"`
	Technique *Technique `json:"technique,omitempty"`
}

// Tactic lists tactics; the slices run in parallel.
type Tactic struct {
	ID        []string `json:"id"`
	Name      []string `json:"name"`
	Reference []string `json:"reference"`
}

// Technique lists techniques; ID and Reference run in parallel.
type Technique struct {
	ID           []string      `json:"id"`
	Reference    []string      `json:"reference"`
	Subtechnique *Subtechnique `json:"subtechnique,omitempty"`
}

// Subtechnique lists techniques of the second level, such as T1059.004; ID and Reference run in parallel.
type Subtechnique struct {
	ID        []string `json:"id"`
	Reference []string `json:"reference"`
}

// User is an account. Name is empty when the number has none on this host.
type User struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	// Effective is set on the document's own user, when it acted as somebody else.
	Effective *Account `json:"effective,omitempty"`
}

// Account is a user or a group without further roles.
type Account struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// Host is where the event happened.
type Host struct {
	ID           string `json:"id"`
	Name         string `json:"name,omitempty"`
	Hostname     string `json:"hostname,omitempty"`
	Architecture string `json:"architecture,omitempty"`
	OS           *OS    `json:"os,omitempty"`
}

// OS is the operating system of the host.
type OS struct {
	Type     string `json:"type,omitempty"`
	Platform string `json:"platform,omitempty"`
	Name     string `json:"name,omitempty"`
	Version  string `json:"version,omitempty"`
	Full     string `json:"full,omitempty"`
	Kernel   string `json:"kernel,omitempty"`
}

// Agent is the Vedette that made the document.
type Agent struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Version string `json:"version,omitempty"`
	Name    string `json:"name,omitempty"`
}

// Container is where the process ran, when that is known.
type Container struct {
	ID string `json:"id"`
}

// Related gathers values to search by, whatever field they are in.
type Related struct {
	User  []string `json:"user,omitempty"`
	Hosts []string `json:"hosts,omitempty"`
}

// Encode gives the document as one line of JSON without the line end.
func Encode(a *Alert) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	// Command lines are full of <, > and &: escaping them for HTML would hide them from grep.
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a); err != nil {
		return nil, fmt.Errorf("cannot encode alert %q: %w", a.Event.ID, err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte{'\n'}), nil
}

// Decode reads one document that Encode wrote, of this release or of another: fields it does not know are passed over.
func Decode(line []byte) (*Alert, error) {
	var a Alert
	if err := json.Unmarshal(line, &a); err != nil {
		return nil, fmt.Errorf("cannot decode alert %q: %w", clip(line), err)
	}
	return &a, nil
}

func clip(line []byte) []byte {
	if len(line) > 80 {
		return line[:80]
	}
	return line
}
