package regex

import (
	"fmt"
	"strings"
)

// open translates what begins with a parenthesis.
func (t *translator) open() error {
	rest := t.rest()
	if strings.HasPrefix(rest, "(*") {
		return t.refuse("verbs and other (*…) items", "leave it out; for a plain asterisk write \\*")
	}
	if !strings.HasPrefix(rest, "(?") {
		t.push(len("("), "(?:")
		return nil
	}
	for _, f := range foreignGroups() {
		if strings.HasPrefix(rest, f.prefix) {
			return t.refuse(f.name, f.remedy)
		}
	}
	switch {
	case strings.HasPrefix(rest, "(?:"), strings.HasPrefix(rest, "(?|"):
		t.push(len("(?:"), "(?:")
		return nil
	case strings.HasPrefix(rest, "(?#"):
		end := strings.IndexByte(rest, ')')
		if end < 0 {
			return t.fail(t.at, "the comment is never closed", "close it with )")
		}
		// A quantifier after a comment is about what stands before it.
		t.at += end + 1
		return nil
	case strings.HasPrefix(rest, "(?<"):
		return t.named("(?<", ">")
	case strings.HasPrefix(rest, "(?P<"):
		return t.named("(?P<", ">")
	case strings.HasPrefix(rest, "(?'"):
		return t.named("(?'", "'")
	}
	return t.flags()
}

// foreign is a kind of group that cannot be had in linear time.
type foreign struct{ prefix, name, remedy string }

func foreignGroups() []foreign {
	const (
		split   = "put the parts in selections of their own, and join these with and, or, not in the condition"
		repeat  = "write the group out again"
		atomic  = "use (?:…), if the meaning stays the same"
		recurse = "recursion and calls of groups"
	)
	groups := []foreign{
		{"(?=", "lookahead (?=…)", split},
		{"(?!", "negative lookahead (?!…)", split},
		{"(?<=", "lookbehind (?<=…)", split},
		{"(?<!", "negative lookbehind (?<!…)", split},
		{"(?>", "atomic groups (?>…)", atomic},
		{"(?(", "conditional groups (?(…)…)", "write the alternatives out"},
		{"(?P=", "backreferences (?P=…)", repeat},
		{"(?P>", recurse, repeat},
		{"(?&", recurse, repeat},
		{"(?R", recurse, repeat},
		{"(?+", recurse, repeat},
		{"(?C", "callouts (?C…)", "leave it out"},
	}
	for digit := '0'; digit <= '9'; digit++ {
		groups = append(groups, foreign{"(?" + string(digit), recurse, repeat}, foreign{"(?-" + string(digit), recurse, repeat})
	}
	return groups
}

// refuse makes the error of a construct at the place read that is outside the subset.
func (t *translator) refuse(construct, remedy string) error {
	return t.fail(t.at, construct+" are not in Sigma's subset of PCRE, because they cannot be decided in linear time", remedy)
}

// push begins a group that size bytes open.
func (t *translator) push(size int, text string) {
	t.groups = append(t.groups, group{t.at, t.modes})
	t.emit(size, text, nothing)
}

// named begins a group with a name, which nothing refers to.
func (t *translator) named(prefix, closing string) error {
	name, _, closed := strings.Cut(t.rest()[len(prefix):], closing)
	if !closed || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return t.fail(t.at, "the name of the group is not one of letters, digits and _", "use a plain group (…)")
	}
	t.push(len(prefix)+len(name)+len(closing), "(?:")
	return nil
}

// flags translates (?flags) and (?flags:…).
func (t *translator) flags() error {
	on := true
	set, unset := "", ""
	modes := t.modes
	rest := t.rest()
	for i := len("(?"); i < len(rest); i++ {
		switch c := rest[i]; c {
		case 'i', 'm', 's':
			switch c {
			case 'i':
				modes.ignoreCase = on
			case 'm':
				modes.multiLine = on
			}
			if on {
				set += string(c)
			} else {
				unset += string(c)
			}
		case 'U', 'J', 'n':
			// Greed, repeated names and whether groups capture change no verdict.
		case '-':
			if !on {
				return t.fail(t.at+i, "a second - among the flags", "write one")
			}
			on = false
		case ')', ':':
			text := set
			if unset != "" {
				text += "-" + unset
			}
			if c == ':' {
				t.push(i+1, "(?"+text+":")
			} else if text != "" {
				t.emit(i+1, "(?"+text+")", nothing)
			} else {
				t.emit(i+1, "", nothing)
			}
			t.modes = modes
			return nil
		case 'x':
			return t.fail(t.at+i, "the flag x (free spacing) is not in Sigma's subset of PCRE", "write the expression without spacing")
		default:
			return t.fail(t.at, fmt.Sprintf("%s is no group that is known", rest[:i+1]), `use (…) or (?:…); for a plain parenthesis write \(`)
		}
	}
	return t.fail(t.at, "the flags are never closed", "close them with )")
}
