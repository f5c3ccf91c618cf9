package linuxabi

import "fmt"

// Parts of an open's flags: asm-generic/fcntl.h.
const (
	openAccess    = 0o3
	openWriteOnly = 0o1
	openReadWrite = 0o2
	openTruncate  = 0o1000
	openAppend    = 0o2000
	openPath      = 0o10000000
)

// OpenAccess says what an open's flags allow: "read", "write", "read and write", or "path" for one that opens no contents;
// asm-generic/fcntl.h.
func OpenAccess(flags uint32) string {
	switch {
	case flags&openPath != 0:
		return "path"
	case flags&openAccess == openWriteOnly:
		return "write"
	case flags&openAccess == openReadWrite:
		return "read and write"
	case flags&openAccess == 0:
		return "read"
	}
	// The value 3 opens for ioctl alone.
	return "ioctl"
}

// OpenWrites reports whether an open's flags allow to write: asm-generic/fcntl.h.
func OpenWrites(flags uint32) bool {
	access := flags & openAccess
	return flags&openPath == 0 && (access == openWriteOnly || access == openReadWrite)
}

// OpenChanges names what an open's flags do to contents: "truncate", "append"; asm-generic/fcntl.h.
func OpenChanges(flags uint32) []string {
	var out []string
	if flags&openTruncate != 0 {
		out = append(out, "truncate")
	}
	if flags&openAppend != 0 {
		out = append(out, "append")
	}
	return out
}

// Parts of a file's mode: linux/stat.h.
const (
	modeType = 0o170000
	modeBits = 0o7777
)

// Permissions gives the permission bits of a mode in octal with at least four digits, as in "4755": linux/stat.h.
func Permissions(mode uint32) string { return fmt.Sprintf("%04o", mode&modeBits) }

// FileType names the type in a mode, as in "regular" or "symlink": linux/stat.h. It is empty where the mode has no type.
func FileType(mode uint32) string {
	switch mode & modeType {
	case 0:
		return ""
	case 0o010000:
		return "fifo"
	case 0o020000:
		return "character device"
	case 0o040000:
		return "directory"
	case 0o060000:
		return "block device"
	case 0o100000:
		return "regular"
	case 0o120000:
		return "symlink"
	case 0o140000:
		return "socket"
	}
	return fmt.Sprintf("%#o", mode&modeType)
}

// Device splits a device number as st_dev of stat(2) has it, 64 bits wide, into "MAJOR:MINOR": linux/kdev_t.h and the way that
// the kernel encodes it for user space.
func Device(number uint64) string {
	major := number>>8&0xfff | number>>32&^0xfff
	minor := number&0xff | number>>12&^0xff
	return fmt.Sprintf("%d:%d", uint32(major), uint32(minor))
}

// MountFlags names the flags of mount(2), as in "ro", "bind": linux/mount.h.
func MountFlags(flags uint64) []string {
	return words(flags, []bit{
		{1, "ro"},
		{2, "nosuid"},
		{4, "nodev"},
		{8, "noexec"},
		{16, "sync"},
		{32, "remount"},
		{64, "mand"},
		{128, "dirsync"},
		{256, "nosymfollow"},
		{1024, "noatime"},
		{2048, "nodiratime"},
		{4096, "bind"},
		{8192, "move"},
		{16384, "rec"},
		{32768, "silent"},
		{1 << 16, "posixacl"},
		{1 << 17, "unbindable"},
		{1 << 18, "private"},
		{1 << 19, "slave"},
		{1 << 20, "shared"},
		{1 << 21, "relatime"},
		{1 << 23, "i_version"},
		{1 << 24, "strictatime"},
		{1 << 25, "lazytime"},
	})
}

// UnmountFlags names the flags of umount2(2), as in "detach": linux/fs.h of the kernel proper.
func UnmountFlags(flags uint64) []string {
	return words(flags, []bit{{1, "force"}, {2, "detach"}, {4, "expire"}, {8, "nofollow"}})
}
