// Package stage copies the programs and rules to where the restricted users can read them and only root can change them. A
// checkout below /root can be read by root alone, and one below /home can be changed by its owner.
package stage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Staged says where the copies are.
type Staged struct {
	dir string
}

// Program is the path of a staged program.
func (s Staged) Program(name string) string { return filepath.Join(s.dir, "bin", name) }

// Rules is the directory of the staged rules.
func (s Staged) Rules() string { return filepath.Join(s.dir, "rules") }

// maxRuleFile bounds what a wrong --rules (a home directory, a device) can make of the disk.
const maxRuleFile = 16 << 20

// Copy fills dir with the programs, by name and source, and the tree of rules. What stood in dir is removed first. The
// copies belong to the caller: programs have mode 0755, rules 0644.
func Copy(dir string, programs map[string]string, rules string) (Staged, error) {
	if err := os.RemoveAll(dir); err != nil {
		return Staged{}, fmt.Errorf("cannot clear the stage %q: %w", dir, err)
	}
	s := Staged{dir: dir}
	for _, d := range []string{dir, filepath.Join(dir, "bin"), s.Rules()} {
		if err := makeDir(d); err != nil {
			return Staged{}, err
		}
	}
	for name, source := range programs {
		if err := copyFile(source, s.Program(name), 0o755, -1); err != nil {
			return Staged{}, err
		}
	}
	return s, copyTree(rules, s.Rules())
}

func copyTree(from, to string) error {
	root, err := filepath.EvalSymlinks(from)
	if err != nil {
		return fmt.Errorf("cannot read the rules: %w; name their directory with --rules", err)
	}
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("cannot read the rules: %w", err)
		}
		inner, err := filepath.Rel(root, path)
		if err != nil {
			return fmt.Errorf("BUG: %q is not below %q: %w", path, root, err)
		}
		target := filepath.Join(to, inner)
		if entry.IsDir() {
			return makeDir(target)
		}
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("cannot read the rules: %w", err)
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("cannot stage %q from the rules: it is neither a file nor a directory but %s", path, info.Mode().Type())
		}
		return copyFile(path, target, 0o644, maxRuleFile)
	})
}

// makeDir sets the mode by itself because the umask takes bits from Mkdir's.
func makeDir(path string) error {
	err := os.Mkdir(path, 0o755)
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err == nil {
		err = os.Chmod(path, 0o755)
	}
	if err != nil {
		return fmt.Errorf("cannot make directory %q: %w", path, err)
	}
	return nil
}

func copyFile(from, to string, mode fs.FileMode, limit int64) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("cannot stage %q: %w", filepath.Base(from), err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("cannot stage %q: %w", from, err)
	}
	defer func() {
		if closed := out.Close(); err == nil && closed != nil {
			err = fmt.Errorf("cannot stage %q: %w", from, closed)
		}
	}()
	var source io.Reader = in
	if limit >= 0 {
		source = io.LimitReader(in, limit+1)
	}
	n, err := io.Copy(out, source)
	if err != nil {
		return fmt.Errorf("cannot stage %q: %w", from, err)
	}
	if limit >= 0 && n > limit {
		return fmt.Errorf("cannot stage %q: it is larger than %d bytes; is --rules the right directory?", from, limit)
	}
	if err := out.Chmod(mode); err != nil {
		return fmt.Errorf("cannot stage %q: %w", from, err)
	}
	return nil
}
