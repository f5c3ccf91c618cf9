package handover

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/vedette/exit"
)

func TestExecSaysWhatIsWrong(t *testing.T) {
	f := func(dir, want string) {
		t.Helper()
		err := execIn(dir, []string{"replay"})
		if exit.Code(err) != exit.Refused || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", dir, err, want)
		}
	}
	f(t.TempDir(), "there is no vedette-analyzer beside this program")
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, Program), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f(broken, "cannot start")
}
