package ecs

import "time"

// FileFields are ECS's own fields of the file that the event is about. Where the event gave a file another name, they are
// about the new one: Path of a rename is where the file is now, of a link the link.
type FileFields struct {
	Path      string `json:"path,omitempty"`
	Name      string `json:"name,omitempty"`
	Directory string `json:"directory,omitempty"`
	// Extension has no dot, and of ".tar.gz" only the last part.
	Extension string `json:"extension,omitempty"`
	// TargetPath is what a link leads to: of a symbolic one its text.
	TargetPath string `json:"target_path,omitempty"`
	// ForkName is the alternate data stream.
	ForkName string `json:"fork_name,omitempty"`
	// Type is file, dir, symlink, or the kernel's word for another kind.
	Type  string `json:"type,omitempty"`
	Inode string `json:"inode,omitempty"`
	// Device is MAJOR:MINOR.
	Device string `json:"device,omitempty"`
	// Mode is the permission bits in octal, four digits.
	Mode  string    `json:"mode,omitempty"`
	UID   string    `json:"uid,omitempty"`
	Owner string    `json:"owner,omitempty"`
	GID   string    `json:"gid,omitempty"`
	Group string    `json:"group,omitempty"`
	Size  *uint64   `json:"size,omitempty"`
	MTime time.Time `json:"mtime,omitzero"`
	CTime time.Time `json:"ctime,omitzero"`
	Hash  *Hash     `json:"hash,omitempty"`
}

// Hash is of a file's contents, in hexadecimal.
type Hash struct {
	MD5    string `json:"md5,omitempty"`
	SHA1   string `json:"sha1,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
}

// Error says why an operation failed.
type Error struct {
	// Code is the name of the error number, such as EACCES.
	Code string `json:"code"`
}

// Change is what an operation on a file changed, before and after it. Fields that it did not touch are empty.
type Change struct {
	Old *FileState `json:"old,omitempty"`
	New *FileState `json:"new,omitempty"`
}

// FileState is the part of a file that operations change.
type FileState struct {
	Path string `json:"path,omitempty"`
	// Mode is the permission bits in octal, four digits.
	Mode     string    `json:"mode,omitempty"`
	Owner    *Account  `json:"owner,omitempty"`
	Group    *Account  `json:"group,omitempty"`
	Size     *uint64   `json:"size,omitempty"`
	MTime    time.Time `json:"mtime,omitzero"`
	Accessed time.Time `json:"accessed,omitzero"`
	Created  time.Time `json:"created,omitzero"`
}

// Attribute is an extended attribute that was set or removed.
type Attribute struct {
	Name    string `json:"name"`
	Value   string `json:"value,omitempty"`
	Removed bool   `json:"removed,omitempty"`
}

// Open is how a file was opened.
type Open struct {
	// Access is read, write, read and write, path, or ioctl.
	Access  string `json:"access"`
	Created bool   `json:"created,omitempty"`
	// Changes are truncate and append.
	Changes []string `json:"changes,omitempty"`
	// Flags are those of the open file, O_*, in octal.
	Flags string `json:"flags"`
}

// Write is what was written to a file.
type Write struct {
	Offset uint64 `json:"offset,omitempty"`
	// Bytes were written, as far as seen.
	Bytes uint64 `json:"bytes"`
	// Head is the beginning of what was written, in base64.
	Head string `json:"head,omitempty"`
}

// Mount is a change of what is mounted where.
type Mount struct {
	Operation  string `json:"operation,omitempty"`
	Source     string `json:"source,omitempty"`
	Target     string `json:"target,omitempty"`
	Filesystem string `json:"filesystem,omitempty"`
	// Flags are the number in hexadecimal, FlagNames its bits where the operation's flags have names.
	Flags     string   `json:"flags,omitempty"`
	FlagNames []string `json:"flag_names,omitempty"`
	Options   string   `json:"options,omitempty"`
}

// Socket is a Unix socket.
type Socket struct {
	Path string `json:"path,omitempty"`
	// Name is that of a socket in no file system.
	Name string `json:"name,omitempty"`
	// Type is stream, dgram or seqpacket.
	Type string `json:"type,omitempty"`
}
