package ecs

// Access is how the acting process reached into Vedette.Target.
type Access struct {
	// Operation is the request of ptrace, the method of reading or writing memory, or the call.
	Operation string `json:"operation,omitempty"`
	Write     bool   `json:"write,omitempty"`
	// Address and Data are in hexadecimal.
	Address string `json:"address,omitempty"`
	Data    string `json:"data,omitempty"`
	Length  uint64 `json:"length,omitempty"`
	// Descriptor is the one that was taken, a number in the target.
	Descriptor *int32  `json:"descriptor,omitempty"`
	Signal     *Signal `json:"signal,omitempty"`
	// Thread is one that was started in the target.
	Thread uint32 `json:"thread,omitempty"`
	// Rights are those of a handle on the target, in hexadecimal.
	Rights string `json:"rights,omitempty"`
}

// Signal is a signal sent to another process.
type Signal struct {
	Number uint32 `json:"number"`
	Name   string `json:"name"`
	// Sender is user, kernel, tkill and so on: who sent it, as the kernel says.
	Sender    string `json:"sender,omitempty"`
	Delivered bool   `json:"delivered"`
}

// Memory is a region of the acting process's memory.
type Memory struct {
	// Address is in hexadecimal.
	Address string `json:"address"`
	// Length is in bytes.
	Length uint64 `json:"length"`
	// Protection is like "r-x"; OldProtection is what it was before.
	Protection    string   `json:"protection"`
	OldProtection string   `json:"old_protection,omitempty"`
	Flags         []string `json:"flags,omitempty"`
	// File is what is mapped; without one the memory is anonymous.
	File *File `json:"file,omitempty"`
}

// CredentialChange is the acting process before and after it became somebody else.
type CredentialChange struct {
	Operation string `json:"operation,omitempty"`
	// Unexplained says that no call was seen that could have made the change.
	Unexplained bool         `json:"unexplained,omitempty"`
	Before      *Credentials `json:"before,omitempty"`
	After       *Credentials `json:"after,omitempty"`
	// Gained and Lost name capabilities, effective and permitted together.
	Gained []string `json:"gained,omitempty"`
	Lost   []string `json:"lost,omitempty"`
}

// Credentials are all the users and groups that a Linux process is.
type Credentials struct {
	RealUser        *Account `json:"real_user,omitempty"`
	EffectiveUser   *Account `json:"effective_user,omitempty"`
	SavedUser       *Account `json:"saved_user,omitempty"`
	FilesystemUser  *Account `json:"filesystem_user,omitempty"`
	RealGroup       *Account `json:"real_group,omitempty"`
	EffectiveGroup  *Account `json:"effective_group,omitempty"`
	SavedGroup      *Account `json:"saved_group,omitempty"`
	FilesystemGroup *Account `json:"filesystem_group,omitempty"`
	// Effective and Permitted are capability sets in hexadecimal.
	Effective string `json:"effective_capabilities,omitempty"`
	Permitted string `json:"permitted_capabilities,omitempty"`
}

// NamespaceChange is the acting process before and after it went into other namespaces.
type NamespaceChange struct {
	Operation string `json:"operation,omitempty"`
	// Changed names the kinds: mount, pid, network, user, uts, ipc, cgroup, time. After a failure it is those asked for.
	Changed []string    `json:"changed,omitempty"`
	Before  *Namespaces `json:"before,omitempty"`
	After   *Namespaces `json:"after,omitempty"`
}

// Session is a login.
type Session struct {
	AuditSession uint32   `json:"audit_session,omitempty"`
	User         *Account `json:"user,omitempty"`
	Ended        bool     `json:"ended,omitempty"`
}

// Kernel is what was done to the kernel itself: one of its members is set.
type Kernel struct {
	Module *Module  `json:"module,omitempty"`
	BPF    *BPF     `json:"bpf,omitempty"`
	Perf   *Perf    `json:"perf,omitempty"`
	Kexec  *Kexec   `json:"kexec,omitempty"`
	Sysctl *Sysctl  `json:"sysctl,omitempty"`
	Key    *Key     `json:"key,omitempty"`
	Ring   *IoUring `json:"io_uring,omitempty"`
}

// Module is a kernel module that was loaded or removed.
type Module struct {
	Name       string `json:"name,omitempty"`
	FromMemory bool   `json:"from_memory,omitempty"`
	Parameters string `json:"parameters,omitempty"`
	// Size is in bytes.
	Size uint64 `json:"size,omitempty"`
	// Flags are those of finit_module in hexadecimal.
	Flags string `json:"flags,omitempty"`
}

// BPF is an operation of bpf(2). Numbers are written as the names of linux/bpf.h, in short.
type BPF struct {
	Command     string `json:"command"`
	ProgramType string `json:"program_type,omitempty"`
	MapType     string `json:"map_type,omitempty"`
	AttachType  string `json:"attach_type,omitempty"`
	Name        string `json:"name,omitempty"`
	ID          uint32 `json:"id,omitempty"`
	// Tag is the digest of the program's instructions, in hexadecimal.
	Tag          string   `json:"tag,omitempty"`
	Target       string   `json:"target,omitempty"`
	Helpers      []string `json:"helpers,omitempty"`
	Instructions uint32   `json:"instructions,omitempty"`
}

// Perf is an opened performance event.
type Perf struct {
	Type string `json:"type"`
	// Config is in hexadecimal.
	Config      string `json:"config"`
	WithProgram bool   `json:"with_program,omitempty"`
}

// Kexec is another kernel made ready to start.
type Kexec struct {
	CommandLine string `json:"command_line,omitempty"`
	Initrd      *File  `json:"initrd,omitempty"`
	// Flags are those of the call in hexadecimal.
	Flags string `json:"flags,omitempty"`
}

// Sysctl is a setting of the kernel that was written to.
type Sysctl struct {
	Name     string `json:"name"`
	OldValue string `json:"old_value,omitempty"`
	NewValue string `json:"new_value"`
}

// Key is an operation on the kernel's key store.
type Key struct {
	// Call is keyctl, add_key or request_key; Operation is what keyctl was asked for.
	Call        string `json:"call,omitempty"`
	Operation   string `json:"operation,omitempty"`
	Type        string `json:"type,omitempty"`
	Description string `json:"description,omitempty"`
	Serial      string `json:"serial,omitempty"`
	Keyring     string `json:"keyring,omitempty"`
}

// IoUring is a ring that was made, or a request to one.
type IoUring struct {
	Created bool     `json:"created,omitempty"`
	Entries uint32   `json:"entries,omitempty"`
	Setup   []string `json:"setup,omitempty"`

	Opcode     string `json:"opcode,omitempty"`
	Path       string `json:"path,omitempty"`
	SecondPath string `json:"second_path,omitempty"`
	// Remote is where the request connects to, ADDRESS:PORT.
	Remote string `json:"remote,omitempty"`
	// Creator is the entity id of the process that made the ring.
	Creator string `json:"creator,omitempty"`
}

// Withheld is what a sensor held back of one task.
type Withheld struct {
	Class  string `json:"class"`
	Events uint64 `json:"events"`
	// IntervalNS is in nanoseconds.
	IntervalNS uint64 `json:"interval_ns,omitempty"`
	Ended      bool   `json:"ended,omitempty"`
}
