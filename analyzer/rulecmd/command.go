// Package rulecmd is `vedette-analyzer rules`: which rules load, which of them can fire here, and why one did or did not
// match an event.
package rulecmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/analyzer/plain"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	"github.com/vedette-edr/vedette/analyzer/usage"
)

// Command returns the command with those below it.
func Command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "check rules and explain what they make of an event",
		Long: `rules checks Sigma rules and explains what they make of recorded events. It needs neither a bus nor rights.

Exit codes: 0 all is well, 1 a rule was refused or something could not be read, 2 wrong arguments.`,
		Example: `  vedette-analyzer rules check my-rules
  vedette-analyzer rules explain my-rules/shell.yml --event attack.vdc`,
		// Without this cobra refuses an unknown command in words of its own.
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage.Error{Err: fmt.Errorf("unknown command %q; try: %s --help", args[0], cmd.CommandPath())}
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(checkCommand(), listCommand(), explainCommand())
	return cmd
}

// loadFlags say which rules are meant.
type loadFlags struct{ placeholders []string }

func (f *loadFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.placeholders, "placeholders", nil,
		"YAML file with values for %name% in rules with the modifier expand; may be given more than once")
}

// load reads rules and prints their problems; one bad rule stops nothing. A directory that cannot be read is an error.
func (f *loadFlags) load(stderr io.Writer, paths ...string) (*rule.Set, []rule.Problem, error) {
	set, problems, err := rule.Load(rule.Options{Placeholders: f.placeholders}, paths...)
	if err != nil {
		return nil, nil, usage.Error{Err: fmt.Errorf("cannot load rules: %w", err)}
	}
	for _, p := range problems {
		if _, err := fmt.Fprintln(stderr, plain.Text(p.String())); err != nil {
			return nil, nil, fmt.Errorf("cannot print a problem of a rule: %w", err)
		}
	}
	return set, problems, nil
}

// errRefused is wrapped by the error about rules that do not load.
var errRefused = errors.New("rules were refused")

// refused makes refused rules an error, whose message is the last line that a person reads.
func refused(set *rule.Set) error {
	if set.Refused == 0 {
		return nil
	}
	return fmt.Errorf("%d %w; what is wrong with each is said above", set.Refused, errRefused)
}

// platformFlag is the product that the rules are held against.
func platformFlag(cmd *cobra.Command, to *string) {
	host := taxonomy.Linux
	if runtime.GOOS == taxonomy.Windows {
		host = taxonomy.Windows
	}
	cmd.Flags().StringVar(to, "platform", host, "platform that the events come from: linux or windows")
}

func platform(name string) (*taxonomy.Platform, error) {
	if name != taxonomy.Linux && name != taxonomy.Windows {
		return nil, usage.Error{Err: fmt.Errorf("unknown platform %q; it is %s or %s", name, taxonomy.Linux, taxonomy.Windows)}
	}
	return taxonomy.For(name), nil
}

// findRules gives the rules that a person means by a path, an id, a name or a title. What is wrong with others is not told.
func findRules(stderr io.Writer, flags *loadFlags, wanted string, dirs []string) ([]*rule.Rule, error) {
	if info, err := os.Stat(wanted); err == nil && info.Mode().IsRegular() {
		set, _, err := flags.load(stderr, wanted)
		if err != nil {
			return nil, err
		}
		if len(set.Rules) == 0 {
			return nil, usage.Error{Err: fmt.Errorf("the file %q has no rule that loads", wanted)}
		}
		return set.Rules, nil
	}
	if len(dirs) == 0 {
		return nil, usage.Error{Err: fmt.Errorf("%q is no file; to name a rule by its id or title, say where rules are with --rules DIR", wanted)}
	}
	set, problems, err := flags.load(io.Discard, dirs...)
	if err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(slices.Clone(set.Rules), func(r *rule.Rule) bool {
		return !strings.EqualFold(r.ID, wanted) && !strings.EqualFold(r.Title, wanted) && r.Name != wanted
	})
	if len(found) > 0 {
		return found, nil
	}
	for _, p := range problems {
		if !p.Warning && strings.EqualFold(p.RuleID, wanted) {
			return nil, usage.Error{Err: fmt.Errorf("the rule does not load: %s", plain.Text(p.String()))}
		}
	}
	return nil, usage.Error{Err: fmt.Errorf("none of the %d rules that load from %s has the id or title %q",
		len(set.Rules), strings.Join(dirs, ", "), wanted)}
}
