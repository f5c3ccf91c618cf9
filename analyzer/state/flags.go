package state

import pb "github.com/vedette-edr/vedette/proto"

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
