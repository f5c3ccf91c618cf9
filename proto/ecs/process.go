package ecs

import "time"

// Process is a process of the document: the one that acted, and with fewer fields its parent and leaders.
type Process struct {
	EntityID         string    `json:"entity_id,omitempty"`
	PID              uint32    `json:"pid,omitempty"`
	VPID             uint32    `json:"vpid,omitempty"`
	Name             string    `json:"name,omitempty"`
	Executable       string    `json:"executable,omitempty"`
	CommandLine      string    `json:"command_line,omitempty"`
	Args             []string  `json:"args,omitempty"`
	ArgsCount        uint32    `json:"args_count,omitempty"`
	WorkingDirectory string    `json:"working_directory,omitempty"`
	Start            time.Time `json:"start,omitzero"`
	End              time.Time `json:"end,omitzero"`
	Interactive      *bool     `json:"interactive,omitempty"`
	EnvVars          []string  `json:"env_vars,omitempty"`
	User             *Account  `json:"user,omitempty"`
	RealUser         *Account  `json:"real_user,omitempty"`
	SavedUser        *Account  `json:"saved_user,omitempty"`
	Group            *Account  `json:"group,omitempty"`
	RealGroup        *Account  `json:"real_group,omitempty"`
	SavedGroup       *Account  `json:"saved_group,omitempty"`
	Thread           *Thread   `json:"thread,omitempty"`
	Parent           *Process  `json:"parent,omitempty"`
	GroupLeader      *Leader   `json:"group_leader,omitempty"`
	SessionLeader    *Leader   `json:"session_leader,omitempty"`
}

// Thread is the thread that acted.
type Thread struct {
	ID           uint32              `json:"id,omitempty"`
	Name         string              `json:"name,omitempty"`
	Capabilities *ThreadCapabilities `json:"capabilities,omitempty"`
}

// ThreadCapabilities are names such as CAP_BPF. Permitted is left out where it is the same as Effective.
type ThreadCapabilities struct {
	Effective []string `json:"effective,omitempty"`
	Permitted []string `json:"permitted,omitempty"`
}

// Leader names the leader of a process group or session. EntityID is empty when only the number is known.
type Leader struct {
	EntityID      string `json:"entity_id,omitempty"`
	PID           uint32 `json:"pid"`
	SameAsProcess *bool  `json:"same_as_process,omitempty"`
}

// Vedette holds what ECS has no field for.
type Vedette struct {
	// Level is the rule's own level, one of the alert subjects' last tokens.
	Level string `json:"level"`
	// RuleStatus is the rule's status in its own words, such as stable or experimental.
	RuleStatus string `json:"rule_status,omitempty"`
	// RuleFile is the file that the rule was read from.
	RuleFile       string    `json:"rule_file,omitempty"`
	RuleReferences []string  `json:"rule_references,omitempty"`
	FalsePositives []string  `json:"false_positives,omitempty"`
	Matched        []Matched `json:"matched,omitempty"`
	// Ancestors starts with the parent and ends with the oldest, at most MaxAncestors of them.
	Ancestors []Ancestor `json:"ancestors,omitempty"`
	// AncestorsCount is how many ancestors are known; more than len(Ancestors) when the chain was cut.
	AncestorsCount int `json:"ancestors_count"`

	// Filename is the program as the caller named it.
	Filename         string      `json:"filename,omitempty"`
	Script           *File       `json:"script,omitempty"`
	Interpreter      string      `json:"interpreter,omitempty"`
	Executable       *File       `json:"executable,omitempty"`
	RootDirectory    string      `json:"root_directory,omitempty"`
	TTY              string      `json:"tty,omitempty"`
	LoginUser        *Account    `json:"login_user,omitempty"`
	AuditSession     uint32      `json:"audit_session,omitempty"`
	Namespaces       *Namespaces `json:"namespaces,omitempty"`
	CgroupID         uint64      `json:"cgroup_id,omitempty"`
	SecureExec       bool        `json:"secure_exec,omitempty"`
	PreviousName     string      `json:"previous_name,omitempty"`
	ExecGeneration   uint32      `json:"exec_generation,omitempty"`
	EntityIncomplete bool        `json:"entity_incomplete,omitempty"`

	// Summary says in a few words what happened, where it was not the start of a program.
	Summary string `json:"summary,omitempty"`
	// Errno is the error number of an operation that failed; error.code has its name.
	Errno int32 `json:"errno,omitempty"`
	// FileFlags are words about the file, as in File.
	FileFlags []string `json:"file_flags,omitempty"`
	Open      *Open    `json:"open,omitempty"`
	Write     *Write   `json:"write,omitempty"`
	Change    *Change  `json:"change,omitempty"`
	// Replaced is the file that a rename put out of its place.
	Replaced   *File             `json:"replaced,omitempty"`
	Attribute  *Attribute        `json:"attribute,omitempty"`
	Mount      *Mount            `json:"mount,omitempty"`
	Socket     *Socket           `json:"socket,omitempty"`
	Memory     *Memory           `json:"memory,omitempty"`
	Target     *Process          `json:"target,omitempty"`
	Access     *Access           `json:"access,omitempty"`
	Credential *CredentialChange `json:"credential_change,omitempty"`
	Namespace  *NamespaceChange  `json:"namespace_change,omitempty"`
	Session    *Session          `json:"session,omitempty"`
	Kernel     *Kernel           `json:"kernel,omitempty"`
	Withheld   *Withheld         `json:"withheld,omitempty"`

	// Truncated names what is shorter here, or in the event already, than it was.
	Truncated []Truncation `json:"truncated,omitempty"`
	// Uncertain lists what the collector could not read surely: path, memory, changed, and lexical for a path that was joined
	// from the caller's words, symbolic links not followed.
	Uncertain []string `json:"uncertain,omitempty"`

	Collector Origin `json:"collector"`
	// LatencyNS is the time from the kernel's hook to the making of this document, in nanoseconds.
	LatencyNS int64 `json:"latency_ns,omitempty"`
}

// MaxAncestors bounds Vedette.Ancestors.
const MaxAncestors = 16

// Matched is one field that the rule looked at and what it looked for.
type Matched struct {
	Field   string `json:"field"`
	Value   string `json:"value"`
	Pattern string `json:"pattern,omitempty"`
}

// Ancestor is one process of the parent chain.
type Ancestor struct {
	EntityID    string `json:"entity_id"`
	PID         uint32 `json:"pid"`
	Name        string `json:"name,omitempty"`
	Executable  string `json:"executable,omitempty"`
	CommandLine string `json:"command_line,omitempty"`
	User        string `json:"user,omitempty"`
	// Ended says that the process was no longer running.
	Ended bool `json:"ended,omitempty"`
	// Incomplete says that its start was not seen and only its key is certain.
	Incomplete bool `json:"incomplete,omitempty"`
}

// File identifies a file beyond its path.
type File struct {
	Path   string `json:"path,omitempty"`
	Device uint64 `json:"device,omitempty"`
	Inode  uint64 `json:"inode,omitempty"`
	// Changed is the file's ctime.
	Changed time.Time `json:"changed,omitzero"`
	// Mode is type and permission bits in octal, as in 0100755.
	Mode  string   `json:"mode,omitempty"`
	Owner *Account `json:"owner,omitempty"`
	Size  uint64   `json:"size,omitempty"`
	// Flags are words: deleted, memfd, writable-by-others, tmpfs, overlay-upper, noexec-mount, disconnected, setuid, setgid,
	// file-capabilities.
	Flags []string `json:"flags,omitempty"`
}

// Namespaces are inode numbers of Linux namespaces.
type Namespaces struct {
	Mount   uint32 `json:"mount,omitempty"`
	PID     uint32 `json:"pid,omitempty"`
	Network uint32 `json:"network,omitempty"`
	User    uint32 `json:"user,omitempty"`
	UTS     uint32 `json:"uts,omitempty"`
	IPC     uint32 `json:"ipc,omitempty"`
	Cgroup  uint32 `json:"cgroup,omitempty"`
	Time    uint32 `json:"time,omitempty"`
}

// Truncation says that a field was cut: of Size units (bytes, or members of a list) Kept are left.
type Truncation struct {
	Field string `json:"field"`
	Size  uint64 `json:"size"`
	Kept  uint64 `json:"kept"`
}

// Origin is the event's place in the stream of its collector.
type Origin struct {
	// EventID names the event; several rules may have matched it.
	EventID  string `json:"event_id"`
	Instance string `json:"instance"`
	BootID   string `json:"boot_id,omitempty"`
	Class    string `json:"class"`
	CPU      uint32 `json:"cpu"`
	Sequence uint64 `json:"sequence"`
}
