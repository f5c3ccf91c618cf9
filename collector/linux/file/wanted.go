package file

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	kernel "github.com/vedette-edr/vedette/bpf/file"
	"github.com/vedette-edr/vedette/collector/linux/glob"
	pb "github.com/vedette-edr/vedette/proto"
)

// Sieve is the kernel side's share of a Wanted.
type Sieve interface {
	SetInterest(kernel.Interest) error
	AddObject(device uint32, inode uint64) error
}

// Wanted says which files' reading is told: those that the configuration names and those that the analyzer asks for, by path,
// and every object that was once seen under such a path, by whatever name it is opened later. Safe for concurrent use.
type Wanted struct {
	sieve Sieve

	mu          sync.RWMutex
	configured  []glob.Pattern
	asked       []glob.Pattern
	paths       glob.Set // of both
	off         []kernel.Operation
	failedOpens bool
	objects     map[object]struct{}
}

type object struct{ device, inode uint64 }

// Limits on what an analyzer may ask for, and on the objects that are remembered: the sieve is of 8,192 bits.
const (
	mostAsked   = 1024
	mostObjects = 2048
)

// NewWanted tells the reading of files whose path one of the patterns matches, and does not tell the operations in off.
// What already exists under such a path is looked up now, which needs the rights to do so.
func NewWanted(sieve Sieve, patterns []glob.Pattern, off []kernel.Operation) (*Wanted, error) {
	w := &Wanted{sieve: sieve, configured: patterns, paths: glob.NewSet(patterns), off: off, objects: map[object]struct{}{}}
	if err := w.tellSieve(); err != nil {
		return nil, err
	}
	for _, p := range patterns {
		if err := w.findObjects(p); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// findObjects remembers what lies under a pattern now. Files below ** are learned when they are first seen instead.
func (w *Wanted) findObjects(p glob.Pattern) error {
	if strings.Contains(string(p), "**") || strings.HasPrefix(string(p), "/proc/") {
		return nil
	}
	// The one error of Glob is a pattern that Parse has refused or that means another thing to it.
	paths, err := filepath.Glob(strings.NewReplacer(`\`, `\\`, "[", `\[`, "?", `\?`).Replace(string(p)))
	if err != nil {
		return fmt.Errorf("cannot look for %q: %w", p, err)
	}
	for _, path := range paths {
		var st unix.Stat_t
		// What cannot be looked at now is learned when it is first seen.
		if err := unix.Stat(path, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
			continue
		}
		if err := w.remember(object{st.Dev, st.Ino}); err != nil {
			return err
		}
	}
	return nil
}

// Ask replaces what the analyzer asks for beyond the configuration. Patterns that make no sense are left out and counted.
func (w *Wanted) Ask(i *pb.Interest) (refused int, err error) {
	asked := make([]glob.Pattern, 0, len(i.ReadPaths))
	for _, text := range i.ReadPaths {
		p, err := glob.Parse(string(text))
		if err != nil || len(asked) == mostAsked {
			refused++
			continue
		}
		asked = append(asked, p)
	}
	slices.Sort(asked)
	asked = slices.Compact(asked)
	w.mu.Lock()
	same := slices.Equal(asked, w.asked) && w.failedOpens == i.FailedOpens
	w.asked, w.failedOpens = asked, i.FailedOpens
	w.paths = glob.NewSet(slices.Concat(w.configured, asked))
	w.mu.Unlock()
	if same {
		return refused, nil
	}
	return refused, w.tellSieve()
}

func (w *Wanted) tellSieve() error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	i := kernel.Interest{Off: w.off, FailedOpens: w.failedOpens}
	for _, p := range slices.Concat(w.configured, w.asked) {
		i.Names = append(i.Names, p.Name())
	}
	return w.sieve.SetInterest(i)
}

func (w *Wanted) remember(o object) error {
	w.mu.Lock()
	if _, known := w.objects[o]; known || len(w.objects) >= mostObjects {
		w.mu.Unlock()
		return nil
	}
	w.objects[o] = struct{}{}
	w.mu.Unlock()
	return w.sieve.AddObject(kernel.KernelDevice(o.device), o.inode)
}

// reads reports whether the reading of a file is to be told, by the path it has now or by one it was known under.
func (w *Wanted) reads(f *pb.File) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if _, known := w.objects[object{f.Device, f.Inode}]; known {
		return true
	}
	return w.paths.Match(f.Path)
}

// learn remembers an object that has come to lie at a path whose reading is told.
func (w *Wanted) learn(path []byte, device, inode uint64) error {
	w.mu.RLock()
	match := inode != 0 && w.paths.Match(path)
	w.mu.RUnlock()
	if !match {
		return nil
	}
	return w.remember(object{device, inode})
}

// DefaultReadPaths are files that hold secrets, and doors to memory.
func DefaultReadPaths() []string {
	return []string{
		"/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/security/opasswd", "/etc/krb5.keytab",
		"/etc/ssh/ssh_host_*_key", "**/.ssh/id_*", "**/.gnupg/private-keys-v1.d/*", "**/.gnupg/secring.gpg",
		"**/.aws/credentials", "**/.azure/msal_token_cache.*", "**/.azure/accessTokens.json",
		"**/gcloud/credentials.db", "**/gcloud/application_default_credentials.json",
		"**/.kube/config", "**/serviceaccount/**/token", "/etc/kubernetes/admin.conf", "/etc/kubernetes/pki/*", "**/.docker/config.json",
		"**/.netrc", "**/.git-credentials", "**/.pgpass", "**/.my.cnf", "**/.pypirc", "**/.vault-token",
		"**/Login Data", "**/Cookies", "**/key4.db", "**/logins.json", "**/cookies.sqlite", "**/keyrings/*",
		"/proc/*/mem", "/proc/kcore", "/dev/mem", "/dev/kmem", "/dev/port",
	}
}

// operationNames leads from a kind of event to what the kernel side calls it.
func operationNames() map[string][]kernel.Operation {
	return map[string][]kernel.Operation{
		"file_open": {kernel.Open, kernel.Mknod}, "file_write": {kernel.Write}, "file_close": {kernel.Close},
		"file_delete": {kernel.Delete}, "file_rename": {kernel.Rename}, "file_link": {kernel.Link, kernel.Symlink},
		"file_mode": {kernel.Chmod}, "file_owner": {kernel.Chown}, "file_truncate": {kernel.Truncate}, "file_times": {kernel.Utimes},
		"file_attribute": {kernel.SetXattr, kernel.RemoveXattr}, "directory_change": {kernel.Mkdir, kernel.Rmdir},
		"memfd_create": {kernel.Memfd}, "mount": {kernel.Mount}, "unix_bind": {kernel.Bind},
	}
}

// Operations gives what the kinds of events are called in the kernel side. An unknown name is an error that lists the known ones.
func Operations(kinds []string) ([]kernel.Operation, error) {
	names := operationNames()
	var all []kernel.Operation
	for _, kind := range kinds {
		ops, ok := names[kind]
		if !ok {
			known := make([]string, 0, len(names))
			for name := range names {
				known = append(known, name)
			}
			slices.Sort(known)
			return nil, fmt.Errorf("%q is no kind of file event that can be switched off; those are %s", kind, strings.Join(known, ", "))
		}
		all = append(all, ops...)
	}
	return all, nil
}
