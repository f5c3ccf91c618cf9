// Package handover passes a command on to vedette-analyzer, the program that knows rules. The operator's program holds
// rights and reads no rules; what decides is another program, which needs none.
package handover

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/vedette-edr/vedette/vedette/exit"
)

// Program is the name of the program, which is installed beside vedette.
const Program = "vedette-analyzer"

// Exec becomes vedette-analyzer with the arguments, the first of which is its verb. It returns only when it cannot.
func Exec(args []string) error {
	self, err := os.Executable()
	if err != nil {
		return exit.Refuse(fmt.Errorf("cannot find the directory of vedette: %w", err), "")
	}
	return execIn(filepath.Dir(self), args)
}

func execIn(dir string, args []string) error {
	path := filepath.Join(dir, Program)
	err := syscall.Exec(path, append([]string{Program}, args...), os.Environ())
	if errors.Is(err, fs.ErrNotExist) {
		return exit.Refuse(fmt.Errorf("there is no %s beside this program, in %q", Program, dir),
			"install it there, or copy both to one directory")
	}
	return exit.Refuse(fmt.Errorf("cannot start %q: %w", path, err), "")
}
