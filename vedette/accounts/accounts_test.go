package accounts

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fake is a system in memory whose tools create what they are asked for.
type fake struct {
	groups map[string]int
	users  map[string][2]int
	next   int
	runs   []string
	fail   error
}

func (f *fake) Group(name string) (int, error) {
	gid, ok := f.groups[name]
	if !ok {
		return 0, ErrUnknown
	}
	return gid, nil
}

func (f *fake) User(name string) (int, int, error) {
	ids, ok := f.users[name]
	if !ok {
		return 0, 0, ErrUnknown
	}
	return ids[0], ids[1], nil
}

func (f *fake) Run(_ context.Context, tool string, args ...string) error {
	f.runs = append(f.runs, tool+" "+args[len(args)-1])
	if f.fail != nil {
		return f.fail
	}
	f.next++
	if tool == "groupadd" {
		f.groups[args[len(args)-1]] = f.next
	} else {
		f.users[args[len(args)-1]] = [2]int{f.next, f.groups[Group]}
	}
	return nil
}

func empty() *fake { return &fake{groups: map[string]int{}, users: map[string][2]int{}, next: 900} }

func TestEnsureCreatesWhatIsMissingOnce(t *testing.T) {
	sys := empty()
	sys.groups[Group] = 77
	want := Set{GID: 77, Bus: 901, Collector: 902, Analyzer: 903}
	for range 2 {
		got, err := Ensure(context.Background(), sys)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if diff := cmp.Diff([]string{"useradd " + Bus, "useradd " + Collector, "useradd " + Analyzer}, sys.runs); diff != "" {
		t.Error(diff)
	}
	if uid, err := Lookup(sys, Bus); uid != 901 || err != nil {
		t.Errorf("Lookup gives %d, %v", uid, err)
	}
}

func TestEnsureRefusesWhatDoesNotFit(t *testing.T) {
	f := func(change func(*fake), want string) {
		t.Helper()
		sys := empty()
		change(sys)
		_, err := Ensure(context.Background(), sys)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	f(func(s *fake) { s.fail = exec.ErrNotFound }, "groupadd is not installed")
	f(func(s *fake) { s.fail = errors.New("read-only file system") }, `cannot create "vedette": read-only file system`)
	f(func(s *fake) { s.users[Bus] = [2]int{950, 1} }, "usermod --gid vedette vedette-bus")
	f(func(s *fake) { s.groups[Group] = 1; s.users[Bus] = [2]int{0, 1} }, "share uid 0")
	f(func(s *fake) {
		s.groups[Group] = 1
		s.users[Bus], s.users[Collector] = [2]int{950, 1}, [2]int{950, 1}
	}, "share uid 950")
}

func TestHostAnswersForRealAccounts(t *testing.T) {
	uid, gid, err := Host{}.User("root")
	if uid != 0 || gid != 0 || err != nil {
		t.Errorf("root is %d:%d, %v", uid, gid, err)
	}
	if _, _, err := (Host{}).User("vedette-nobody-of-this-name"); !errors.Is(err, ErrUnknown) {
		t.Errorf("an unknown user gives %v", err)
	}
	if _, err := (Host{}).Group("vedette-nobody-of-this-name"); !errors.Is(err, ErrUnknown) {
		t.Errorf("an unknown group gives %v", err)
	}
	if err := (Host{}).Run(context.Background(), "no-such-tool-of-vedette"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("a missing tool gives %v", err)
	}
	if err := (Host{}).Run(context.Background(), "sh", "-c", "echo reason >&2; exit 3"); err == nil || !strings.Contains(err.Error(), "reason") {
		t.Errorf("a failing tool gives %v", err)
	}
}
