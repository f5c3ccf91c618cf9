package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStandardInputIsTold(t *testing.T) {
	o := observe(t)
	of := func(stdin *os.File) *seen {
		t.Helper()
		cmd := exec.Command("/bin/sh")
		if stdin != nil {
			cmd.Stdin = stdin
		}
		return o.run(t, cmd)
	}
	script := filepath.Join(realPath(t, t.TempDir()), "fed")
	if err := os.WriteFile(script, []byte("exit 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(script)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	e := of(file)
	want(t, "file", e.texts[TextStdin], script)
	want(t, "type of the file", e.Stdin.Mode&unix.S_IFMT, unix.S_IFREG)

	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w.Close()
	e = of(r)
	want(t, "type of the pipe", e.Stdin.Mode&unix.S_IFMT, unix.S_IFIFO)

	e = of(nil)
	want(t, "nothing", e.texts[TextStdin], "/dev/null")
}
