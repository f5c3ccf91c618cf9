package exit

import (
	"errors"
	"fmt"
	"testing"
)

func TestCode(t *testing.T) {
	cause := errors.New("no bus")
	f := func(err error, want int, text string) {
		t.Helper()
		if got := Code(err); got != want {
			t.Errorf("Code(%v) = %d, want %d", err, got, want)
		}
		if err != nil && err.Error() != text {
			t.Errorf("text %q, want %q", err.Error(), text)
		}
	}
	f(nil, OK, "")
	f(cause, Warning, "no bus")
	f(Fail(cause, ""), Warning, "no bus")
	f(Refuse(cause, "start it"), Refused, "no bus; start it")
	f(fmt.Errorf("cannot read alerts: %w", Refuse(cause, "")), Refused, "cannot read alerts: no bus")
	if !errors.Is(Refuse(cause, "x"), cause) {
		t.Error("the cause is hidden")
	}
	if !IsSilent(Silent(1)) || IsSilent(cause) || Code(Silent(2)) != 2 {
		t.Error("Silent is not told apart")
	}
}
