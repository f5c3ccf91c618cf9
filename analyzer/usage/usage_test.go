package usage_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/analyzer/usage"
)

func TestErrors(t *testing.T) {
	f := func(err error, want bool, message string) {
		t.Helper()
		if usage.Is(err) != want || want && err.Error() != message {
			t.Errorf("%v: %v", err, usage.Is(err))
		}
	}
	cmd := &cobra.Command{Use: "run"}
	f(usage.NoArguments(cmd, nil), false, "")
	f(usage.NoArguments(cmd, []string{"x"}), true, `unexpected argument "x"; try: run --help`)
	f(usage.Arguments("a file")(cmd, []string{"x"}), false, "")
	f(usage.Arguments("a file")(cmd, nil), true, "name a file; try: run --help")
	f(fmt.Errorf("more: %w", usage.Error{Err: io.EOF}), true, "more: EOF")
	f(errors.New("other"), false, "")
	if !errors.Is(usage.Error{Err: io.EOF}, io.EOF) {
		t.Error("the error inside is lost")
	}
}
