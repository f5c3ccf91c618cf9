package alerts

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/subject"
	"github.com/vedette-edr/vedette/vedette/glob"
)

// Filter says which alerts to show. Empty fields let everything pass; an alert must pass all.
type Filter struct {
	// Level is the mildest level to show.
	Level string
	// Rule is a pattern for the name or the id of the rule.
	Rule string
	// User is a pattern for the name or number of the user, real or effective.
	User string
	// Process is a pattern for the path or the name of the program.
	Process string
}

// Check reports a level that does not exist.
func (f Filter) Check() error {
	if f.Level != "" && !slices.Contains(subject.Severities(), f.Level) {
		return fmt.Errorf("unknown level %q; the levels are %s", f.Level, strings.Join(subject.Severities(), ", "))
	}
	return nil
}

// Match reports whether the alert passes.
func (f Filter) Match(a *ecs.Alert) bool {
	if f.Level != "" && ecs.Severity(a.Vedette.Level) < ecs.Severity(f.Level) {
		return false
	}
	return fits(f.Rule, a.Rule.Name, a.Rule.ID) && fits(f.User, users(a)...) && fits(f.Process, programs(a)...)
}

// fits reports whether one of the values fits the pattern.
func fits(pattern string, values ...string) bool {
	return pattern == "" || slices.ContainsFunc(values, func(v string) bool { return v != "" && glob.Match(pattern, v) })
}

func users(a *ecs.Alert) []string {
	if a.User == nil {
		return nil
	}
	names := []string{a.User.Name, a.User.ID}
	if e := a.User.Effective; e != nil {
		names = append(names, e.Name, e.ID)
	}
	return names
}

func programs(a *ecs.Alert) []string {
	if a.Process == nil {
		return nil
	}
	names := []string{a.Process.Executable, a.Process.Name}
	if s := a.Vedette.Script; s != nil {
		names = append(names, s.Path)
	}
	return names
}
