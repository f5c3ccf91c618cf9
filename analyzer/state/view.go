package state

import (
	"strconv"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma"
	"github.com/vedette-edr/vedette/analyzer/users"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/eventkey"
)

// View shows the start of a program as Sigma's process_creation event for Linux, under the field names that Sysmon uses.
// A field is made when a rule asks for it. A View is used again and again and is not safe for concurrent use.
type View struct {
	tree    *Tree
	users   *users.Names
	sources []sigma.Logsource

	host, bootID string
	process      *Process
	parent       *Process
}

var _ sigma.KeywordEvent = (*View)(nil)

// NewView shows processes of tree, with the names that users gives.
func NewView(tree *Tree, users *users.Names) *View {
	return &View{tree: tree, users: users, sources: []sigma.Logsource{{Category: "process_creation", Product: "linux"}}}
}

// Reset makes the view show p, which must be what the last Apply gave. The host and boot id go into the process GUIDs.
func (v *View) Reset(host, bootID string, p *Process) {
	v.host, v.bootID = host, bootID
	v.process, v.parent = p, v.tree.ParentOf(p)
}

// Logsources gives process_creation of linux.
func (v *View) Logsources() []sigma.Logsource { return v.sources }

// fieldNames lists every field that Field knows.
func fieldNames() [23]string {
	return [...]string{
		"Image", "CommandLine", "ParentImage", "ParentCommandLine", "ProcessId", "ParentProcessId", "CurrentDirectory", "User",
		"ParentUser", "EffectiveUser", "LogonId", "ProcessGuid", "ParentProcessGuid", "TTY", "ScriptPath", "Interpreter",
		"ImageAsGiven", "ExecutableFlags", "RootDirectory", "Environment", "TerminalSessionId", "CapabilitiesEffective",
		"PreviousName",
	}
}

// Field gives the text of a field. A field that is not known, and one that says nothing (no terminal, no script), is
// absent; the command line of a program that was started without arguments is present and empty.
func (v *View) Field(name string) (value string, ok bool) {
	if strings.HasPrefix(name, "Parent") {
		return v.parentField(name)
	}
	p := v.process
	switch name {
	case "ProcessId":
		return decimal(p.Key.PID), true
	case "ProcessGuid":
		return v.guid(p.Key), true
	case "User":
		return v.users.Name(p.UID), true
	case "EffectiveUser":
		return v.users.Name(p.EUID), true
	}
	program := p.Program
	if program == nil {
		return "", false
	}
	switch name {
	case "Image":
		return present(program.Image)
	case "CommandLine":
		return program.CommandLine, true
	case "CurrentDirectory":
		return present(program.WorkingDirectory)
	case "TTY":
		return present(program.TTY)
	case "ScriptPath":
		return present(program.Script)
	case "Interpreter":
		return present(program.Interpreter)
	case "ImageAsGiven":
		return present(program.Filename)
	case "RootDirectory":
		return present(program.RootDirectory)
	case "PreviousName":
		return present(program.PreviousComm)
	case "Environment":
		return present(program.environment)
	case "ExecutableFlags":
		return present(strings.Join(FlagWords(program.ImageFile.Flags), " "))
	case "TerminalSessionId":
		return decimal(program.Session), true
	case "LogonId":
		return decimal(program.Credentials.LoginUID), program.Credentials.Known
	case "CapabilitiesEffective":
		return "0x" + strconv.FormatUint(program.Credentials.Effective, 16), program.Credentials.Known
	}
	return "", false
}

func (v *View) parentField(name string) (value string, ok bool) {
	switch {
	case !v.process.Parent.known():
		return "", false
	case name == "ParentProcessId":
		return decimal(v.process.Parent.PID), true
	case name == "ParentProcessGuid":
		return v.guid(v.process.Parent), true
	case v.parent == nil || v.parent.Program == nil:
		return "", false
	case name == "ParentImage":
		return present(v.parent.Program.Image)
	case name == "ParentCommandLine":
		return v.parent.Program.CommandLine, true
	case name == "ParentUser":
		return v.users.Name(v.parent.UID), true
	}
	return "", false
}

// AppendValues appends the text of every field that the event has.
func (v *View) AppendValues(dst []string) []string {
	for _, name := range fieldNames() {
		if value, ok := v.Field(name); ok {
			dst = append(dst, value)
		}
	}
	return dst
}

func (v *View) guid(key Key) string { return eventkey.EntityOf(v.host, v.bootID, key.PID, key.Start) }

func present(s string) (string, bool) { return s, s != "" }

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// FlagWords names the bits of pb.FileFlag in an executable's flags.
func FlagWords(flags uint32) []string {
	if flags == 0 {
		return nil
	}
	var words []string
	for _, f := range [...]struct {
		bit  pb.FileFlag
		word string
	}{
		{pb.FileFlag_FILE_FLAG_DELETED, "deleted"},
		{pb.FileFlag_FILE_FLAG_MEMFD, "memfd"},
		{pb.FileFlag_FILE_FLAG_WRITABLE_BY_OTHERS, "writable-by-others"},
		{pb.FileFlag_FILE_FLAG_TMPFS, "tmpfs"},
		{pb.FileFlag_FILE_FLAG_OVERLAY_UPPER, "overlay-upper"},
		{pb.FileFlag_FILE_FLAG_NOEXEC_MOUNT, "noexec-mount"},
		{pb.FileFlag_FILE_FLAG_DISCONNECTED, "disconnected"},
		{pb.FileFlag_FILE_FLAG_SETUID, "setuid"},
		{pb.FileFlag_FILE_FLAG_SETGID, "setgid"},
		{pb.FileFlag_FILE_FLAG_FILE_CAPABILITIES, "file-capabilities"},
	} {
		if flags&uint32(f.bit) != 0 {
			words = append(words, f.word)
		}
	}
	return words
}
