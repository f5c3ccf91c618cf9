package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nkeys"
)

const readersFile = "readers"

// MaxReaders bounds the keys in the file of readers.
const MaxReaders = 1024

// Reader is one key that may read alerts.
type Reader struct {
	// Nkey is the public key, U...
	Nkey string
	Name string
}

// LineError is a line of the file of readers that cannot be used.
type LineError struct {
	File string
	Line int
	Msg  string
}

// Error gives "file:line: message".
func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg) }

// ValidName reports whether name can stand for a reader: 1 to 64 letters, digits, '.', '-' or '_'.
func ValidName(name string) error {
	if name == "" || len(name) > 64 {
		return fmt.Errorf("reader name %q must have 1 to 64 characters", name)
	}
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_", r)) {
			return fmt.Errorf("reader name %q may hold only letters, digits, '.', '-' and '_', not %q", name, r)
		}
	}
	return nil
}

// ParseReaders reads lines of "NKEY NAME"; '#' starts a comment. Lines that cannot be used are left out and reported,
// each as a *LineError that names file.
func ParseReaders(content []byte, file string) ([]Reader, []error) {
	var readers []Reader
	var problems []error
	seen := make(map[string]int)
	number := 0
	for line := range bytes.Lines(content) {
		number++
		problem := func(format string, args ...any) {
			problems = append(problems, &LineError{File: file, Line: number, Msg: fmt.Sprintf(format, args...)})
		}
		text, _, _ := strings.Cut(string(line), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			problem("a line is a public nkey and a name, this one has %d words; remove it, and add readers with `vedette creds reader`", len(fields))
			continue
		}
		nkey, name := fields[0], fields[1]
		switch {
		case strings.HasPrefix(nkey, "S"):
			// Not quoted: it may be a seed, and this message goes to a log.
			problem("this looks like a seed, which is secret; write the public nkey, which begins with U")
		case !nkeys.IsValidPublicUserKey(nkey):
			problem("%.60q is not the public nkey of a user (U and 55 letters and digits)", nkey)
		case ValidName(name) != nil:
			problem("%v", ValidName(name))
		case seen[nkey] != 0:
			problem("this nkey is on line %d already, remove one of the two", seen[nkey])
		case len(readers) == MaxReaders:
			problem("there are more than %d readers", MaxReaders)
			return readers, problems
		default:
			seen[nkey] = number
			readers = append(readers, Reader{Nkey: nkey, Name: name})
		}
	}
	return readers, problems
}

// Add makes a key for a new reader and notes its public half in the file of readers of storeDir. The seed is kept nowhere
// else.
func Add(storeDir, name string) (reader Reader, seed []byte, err error) {
	if err := ValidName(name); err != nil {
		return Reader{}, nil, err
	}
	root, err := os.OpenRoot(storeDir)
	if err != nil {
		return Reader{}, nil, fmt.Errorf("cannot open the store of the bus: %w", err)
	}
	defer root.Close()
	path := filepath.Join(storeDir, readersFile)
	f, err := openRegular(root, readersFile, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return Reader{}, nil, fmt.Errorf("cannot add reader %q to %q: %w", name, path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	content, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return Reader{}, nil, fmt.Errorf("cannot read %q: %w", path, err)
	}
	old, _ := ParseReaders(content, path)
	for _, r := range old {
		if r.Name == name {
			return Reader{}, nil, fmt.Errorf("%q has a reader %q already: remove its line to withdraw that key, or choose another name", path, name)
		}
	}
	if len(old) >= MaxReaders {
		return Reader{}, nil, fmt.Errorf("%q has %d readers, the limit", path, len(old))
	}
	pair, err := nkeys.CreateUser()
	if err != nil {
		return Reader{}, nil, fmt.Errorf("cannot make an nkey: %w", err)
	}
	defer pair.Wipe()
	public, err := pair.PublicKey()
	if err != nil {
		return Reader{}, nil, fmt.Errorf("cannot make an nkey: %w", err)
	}
	if seed, err = pair.Seed(); err != nil {
		return Reader{}, nil, fmt.Errorf("cannot make an nkey: %w", err)
	}
	line := public + " " + name + "\n"
	if len(content) > 0 && content[len(content)-1] != '\n' {
		line = "\n" + line
	}
	if _, err := f.WriteString(line); err != nil {
		return Reader{}, nil, fmt.Errorf("cannot add reader %q to %q: %w", name, path, err)
	}
	return Reader{Nkey: public, Name: name}, bytes.Clone(seed), nil
}

// File watches the file of readers. It is for one goroutine.
type File struct {
	path string
	seen stamp
}

type stamp struct {
	exists bool
	size   int64
	mtime  time.Time
	file   os.FileInfo
}

func (s stamp) equal(o stamp) bool {
	return s.exists == o.exists && s.size == o.size && s.mtime.Equal(o.mtime) && (!s.exists || os.SameFile(s.file, o.file))
}

// NewFile watches the file of readers of storeDir, which need not exist yet.
func NewFile(storeDir string) *File {
	return &File{path: filepath.Join(storeDir, readersFile), seen: stamp{size: -1}}
}

// Poll reads the file when it has changed since the last call, and says so. The problems are those of single lines; err
// means that the file as a whole could not be read and that the readers known before should stay.
func (f *File) Poll() (readers []Reader, changed bool, problems []error, err error) {
	var now stamp
	info, err := os.Stat(f.path)
	switch {
	case err == nil:
		now = stamp{exists: true, size: info.Size(), mtime: info.ModTime(), file: info}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, false, nil, fmt.Errorf("cannot look at the file of readers %q: %w", f.path, err)
	}
	if now.equal(f.seen) {
		return nil, false, nil, nil
	}
	if !now.exists {
		f.seen = now
		return nil, true, nil, nil
	}
	if now.size > maxFile {
		f.seen = now
		return nil, false, nil, fmt.Errorf("the file of readers %q has %d bytes, the limit is %d", f.path, now.size, maxFile)
	}
	content, err := os.ReadFile(f.path)
	if err != nil {
		return nil, false, nil, fmt.Errorf("cannot read the file of readers: %w", err)
	}
	f.seen = now
	readers, problems = ParseReaders(content, f.path)
	return readers, true, problems, nil
}
